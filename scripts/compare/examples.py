#!/usr/bin/env python3
"""PyTorch's examples mnist and vae in full, printing the lines of examples/mnist and examples/vae.

    python3 scripts/compare/examples.py mnist --epochs 14
    python3 scripts/compare/examples.py vae --epochs 10

Models and loops are github.com/pytorch/examples' mnist/main.py and vae/main.py on the CPU, seed 1; MNIST is read from --data into one
tensor, which spares them torchvision. Needs torch 1.13 or later, and numpy.
"""
import argparse
import os
import time

import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import notebook


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


def mnist(train, test, epochs):
    model = Net()
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    train, test = DataLoader(train, batch_size=64), DataLoader(test, batch_size=1000)
    for epoch in range(epochs):
        start = time.perf_counter()
        model.train()
        for step, (data, target) in enumerate(train):
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                print("Train Epoch: %d [%d/%d]\tLoss: %.6f" % (epoch + 1, step * 64, len(train.dataset), loss.item()), flush=True)
        model.eval()
        total, correct = 0.0, 0
        with torch.no_grad():
            for data, target in test:
                output = model(data)
                total += F.nll_loss(output, target, reduction="sum").item()
                correct += int((output.argmax(1) == target).sum())
        n = len(test.dataset)
        print("\nTest set: Average loss: %.4f, Accuracy: %d/%d (%.2f %%); %.1f s\n" % (
            total / n, correct, n, 100 * correct / n, time.perf_counter() - start), flush=True)
        scheduler.step()


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


def vae_loss(model, x):
    recon_x, mu, logvar = model(x)
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def vae(train, test, epochs):
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    train, test = DataLoader(train, batch_size=128, shuffle=True), DataLoader(test, batch_size=128)
    for epoch in range(epochs):
        start, total = time.perf_counter(), 0.0
        for data, _ in train:
            optimizer.zero_grad()
            loss = vae_loss(model, data)
            loss.backward()
            total += loss.item()
            optimizer.step()
        print("====> Epoch: %d Average loss: %.4f; %.1f s" % (epoch + 1, total / len(train.dataset), time.perf_counter() - start))
        with torch.no_grad():
            total = sum(vae_loss(model, data).item() for data, _ in test)
        print("====> Test set loss: %.4f" % (total / len(test.dataset)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("example", choices=["mnist", "vae"])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--data", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data"))
    args = parser.parse_args()
    torch.manual_seed(1)
    splits = []
    for train in True, False:
        images, labels = notebook.read_split(args.data, "mnist", train)
        x = images.unsqueeze(1).float().div(255)
        if args.example == "mnist":
            x = x.sub(0.1307).div(0.3081)
        splits.append(TensorDataset(x, labels))
    {"mnist": mnist, "vae": vae}[args.example](*splits, args.epochs)


if __name__ == "__main__":
    main()
