"""Losses of PyTorch's VAE example on 600 small images, for this Python's torch: torch-VERSION.json.

The model and the loop are github.com/pytorch/examples/blob/main/vae/main.py's; the images are made here.
"""
import json
import pathlib

import torch
from torch import nn, optim
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def forward(self, x):
        h1 = F.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(h1), self.fc22(h1)
        std = torch.exp(0.5 * logvar)
        z = mu + torch.randn_like(std) * std
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def little(n):
    images = [[255 if p * (i % 10 + 3) % 17 < 4 else p * i % 29 for p in range(784)] for i in range(n)]
    x = torch.tensor(images, dtype=torch.uint8).reshape(n, 1, 28, 28).float().div(255)
    return torch.utils.data.TensorDataset(x)


torch.manual_seed(1)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
train = torch.utils.data.DataLoader(little(600), batch_size=128, shuffle=True)
losses, test = [], []
for _ in range(2):
    for (data,) in train:
        optimizer.zero_grad()
        recon, mu, logvar = model(data)
        loss = loss_function(recon, data, mu, logvar)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
with torch.no_grad():
    for (data,) in torch.utils.data.DataLoader(little(200), batch_size=128):
        recon, mu, logvar = model(data)
        test.append(loss_function(recon, data, mu, logvar).item())
version = ".".join(torch.__version__.split(".")[:2])
(pathlib.Path(__file__).parent / f"torch-{version}.json").write_text(json.dumps({"losses": losses, "test": test}) + "\n")
