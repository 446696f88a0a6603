#!/usr/bin/env python3
"""Golden values of autoenc's tests, from the notebook's own cells in PyTorch.

    OPENBLAS_NUM_THREADS=1 python3 autoenc/testdata/golden.py > autoenc/testdata/golden-1.13-blas1.json
    OPENBLAS_NUM_THREADS=2 python3 autoenc/testdata/golden.py > autoenc/testdata/golden-1.13-blas2.json
    venv/bin/python        autoenc/testdata/golden.py > autoenc/testdata/golden-2.11.json

Initial weights and batch orders are recorded as SHA-256 of their bytes, losses
as the shortest text that reads back exactly. DIR holds torchvision's layout,
MNIST/raw/train-images-idx3-ubyte.gz and so on (`latent data` fetches it).

One PyTorch's losses differ from another's, and from its own with another number
of BLAS threads: rounding, grown over an epoch to 1.4e-4 at most. So there are
several files, and the tests ask to be as near to one of them as they are to each other.
"""
import argparse
import gzip
import hashlib
import json
import os
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class AutoEncoder(nn.Module):
    def __init__(self, dim_in, act_func=nn.ReLU):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(dim_in, 1000), act_func(), nn.Linear(1000, 25), act_func(), nn.Linear(25, 50)
        )
        self.decoder = nn.Sequential(act_func(), nn.Linear(50, 1000), act_func(), nn.Linear(1000, dim_in))


def idx(folder, name, offset):
    with gzip.open(os.path.join(folder, "MNIST", "raw", name + ".gz")) as f:
        return np.frombuffer(f.read(), dtype=np.uint8)[offset:]


def images(folder, name, n):
    bytes_ = torch.from_numpy(idx(folder, name, 16).reshape(n, 784).copy())
    return bytes_.to(torch.float32).div(255)  # as torchvision's ToTensor


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def run(seed, train, train_labels, test, test_labels):
    torch.manual_seed(seed)
    model = AutoEncoder(784)
    weights = {k: sha256(v.numpy()) for k, v in model.state_dict().items()}
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-8)
    loader = DataLoader(TensorDataset(train, torch.arange(len(train))), batch_size=1024, shuffle=True)
    losses, order = [], []
    for x, rows in loader:
        z = model.encoder(x)
        loss = criterion(model.decoder(z), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        order.append(rows.numpy())
    with torch.no_grad():
        mse = sum(criterion(model.decoder(model.encoder(b)), b).item() * len(b) for b in test.split(1024)) / len(test)
        z, zt = model.encoder(train), model.encoder(test)
        centres = torch.stack([z[train_labels == c].mean(0) for c in range(10)])
        accuracy = [
            (torch.cdist(a, centres).argmin(1) == y).float().mean().item()
            for a, y in ((z, train_labels), (zt, test_labels))
        ]
    return {
        "seed": seed,
        "weights": weights,
        "order": sha256(np.concatenate(order)),
        "first_batch": order[0][:8].tolist(),
        "losses": losses,
        "test_mse": mse,
        "accuracy_train": accuracy[0],
        "accuracy_test": accuracy[1],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data")
    parser.add_argument("--seeds", default="0,1")
    args = parser.parse_args()
    train = images(args.data, "train-images-idx3-ubyte", 60000)
    test = images(args.data, "t10k-images-idx3-ubyte", 10000)
    train_labels = torch.from_numpy(idx(args.data, "train-labels-idx1-ubyte", 8).copy())
    test_labels = torch.from_numpy(idx(args.data, "t10k-labels-idx1-ubyte", 8).copy())
    runs = [run(int(s), train, train_labels, test, test_labels) for s in args.seeds.split(",")]
    json.dump({"torch": torch.__version__, "numpy": np.__version__, "runs": runs}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
