"""Losses of the notebook's autoencoder with VICReg beside the reconstruction, on 300 small images: torch-VERSION.json."""
import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

NOISE, INVARIANCE, VARIANCE, COVARIANCE, WEIGHT = 0.2, 25, 25, 1, 0.01


def vicreg(a, b):
    loss = INVARIANCE * F.mse_loss(a, b)
    for z in a, b:
        n, d = z.shape
        loss = loss + VARIANCE / 2 * F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean()
        z = z - z.mean(0)
        covariance = z.T @ z / (n - 1)
        loss = loss + COVARIANCE / d * (covariance - torch.diag(covariance.diag())).pow(2).sum()
    return WEIGHT * loss


torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 25), nn.ReLU(), nn.Linear(25, 50))
decoder = nn.Sequential(nn.ReLU(), nn.Linear(50, 1000), nn.ReLU(), nn.Linear(1000, 784))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3, weight_decay=1e-8)
images = [[255 if p * (i % 10 + 3) % 17 < 4 else p * i % 29 for p in range(784)] for i in range(300)]
data = torch.utils.data.TensorDataset(torch.tensor(images, dtype=torch.uint8).float().div(255))
losses = []
for _ in range(2):
    for (x,) in torch.utils.data.DataLoader(data, batch_size=64, shuffle=True):
        z = encoder(x)
        reconstruction = F.mse_loss(decoder(z), x)
        extra = vicreg(z, encoder(x + torch.randn_like(x) * NOISE))
        optimizer.zero_grad()
        (reconstruction + extra).backward()
        optimizer.step()
        losses.append([reconstruction.item(), extra.item()])
version = ".".join(torch.__version__.split(".")[:2])
(pathlib.Path(__file__).parent / f"torch-{version}.json").write_text(json.dumps({"losses": losses}) + "\n")
