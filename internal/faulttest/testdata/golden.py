#!/usr/bin/env python3
"""Write internal/faulttest/testdata/fashion.json: nearest-centroid accuracies of
Fashion-MNIST in pixel space (the notebook's cell 7), by PyTorch in float64.

    internal/faulttest/testdata/golden.py [DIR]

DIR holds the four .gz files, by default those of Debian's dataset-fashion-mnist.
Needs torch (Debian: python3-torch).
"""
import gzip
import json
import pathlib
import sys

import torch

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist")


def read(name, header):
    raw = bytearray(gzip.open(folder / name).read()[header:])
    return torch.frombuffer(raw, dtype=torch.uint8)


def split(name):
    labels = read(name + "-labels-idx1-ubyte.gz", 8).long()
    return read(name + "-images-idx3-ubyte.gz", 16).reshape(len(labels), 784).double() / 255, labels


def accuracy(centres, x, y):
    return (torch.cdist(x, centres).argmin(1) == y).double().mean().item()


runs = []
train, test = split("train"), split("t10k")
for limit in (3000, 60000):
    (x, y), (u, v) = [(a[:limit], b[:limit]) for a, b in (train, test)]
    centres = torch.stack([x[y == c].mean(0) for c in range(10)])
    runs.append({"limit": limit, "train": accuracy(centres, x, y), "test": accuracy(centres, u, v)})
out = pathlib.Path(__file__).with_name("fashion.json")
out.write_text(json.dumps({"torch": torch.__version__, "runs": runs}, indent=1) + "\n")
print(out.read_text())
