"""Ten losses of PyTorch's MNIST example on 160 small images, for this Python's torch: torch-VERSION.json.

The network and the loop are github.com/pytorch/examples/blob/main/mnist/main.py's; the images are made here.
"""
import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        return F.log_softmax(self.fc2(x), dim=1)


def little(n):
    images = [[255 if p * (i % 10 + 3) % 17 < 4 else p * i % 29 for p in range(784)] for i in range(n)]
    x = torch.tensor(images, dtype=torch.uint8).reshape(n, 1, 28, 28).float().div(255)
    return torch.utils.data.TensorDataset(x.sub(0.1307).div(0.3081), torch.arange(n) % 10)


torch.manual_seed(1)
model = Net()
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
losses = []
model.train()
for data, target in torch.utils.data.DataLoader(little(160), batch_size=16):
    optimizer.zero_grad()
    loss = F.nll_loss(model(data), target)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
model.eval()
with torch.no_grad():
    for data, target in torch.utils.data.DataLoader(little(50), batch_size=1000):
        output = model(data)
        test, correct = F.nll_loss(output, target, reduction="sum").item() / 50, int((output.argmax(1) == target).sum())
version = ".".join(torch.__version__.split(".")[:2])
(pathlib.Path(__file__).parent / f"torch-{version}.json").write_text(json.dumps({"losses": losses, "test": test, "correct": correct}) + "\n")
