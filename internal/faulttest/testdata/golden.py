#!/usr/bin/env python3
"""Write internal/faulttest/testdata/fashion.json: nearest-centroid accuracies of
Fashion-MNIST in pixel space (the notebook's cell 7), by PyTorch in float64.

Needs Fashion-MNIST and torch (Debian: python3-torch).
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts" / "test"))
import goldens  # noqa: E402


def split(name):
    labels = torch.from_numpy(goldens.idx("FashionMNIST", name + "-labels-idx1-ubyte")).long()
    images = torch.from_numpy(goldens.idx("FashionMNIST", name + "-images-idx3-ubyte"))
    return images.reshape(len(labels), 784).double() / 255, labels


def accuracy(centres, x, y):
    return (torch.cdist(x, centres).argmin(1) == y).double().mean().item()


def write(folder):
    runs = []
    train, test = split("train"), split("t10k")
    for limit in (3000, 60000):
        (x, y), (u, v) = [(a[:limit], b[:limit]) for a, b in (train, test)]
        centres = torch.stack([x[y == c].mean(0) for c in range(10)])
        runs.append({"limit": limit, "train": accuracy(centres, x, y), "test": accuracy(centres, u, v)})
    (folder / "fashion.json").write_text(json.dumps({"torch": torch.__version__, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    goldens.run(write, __file__)
