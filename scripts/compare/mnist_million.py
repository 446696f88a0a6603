#!/usr/bin/env python3
"""Writes the matrix of 1,020,000 rows of 50 values that t-SNE's times at a million rows are of.

    bin/latent data && python3 scripts/compare/mnist_million.py --output million.npy

Each of MNIST's 60,000 training images is taken 17 times: as it is, and shifted by one and by two
pixels in each of eight directions (what leaves the image is lost, what enters is black). Each copy's
pixels, 0 to 1, are multiplied by a brightness drawn uniformly from 0.8 to 1.2, not clipped. The
copies are projected to the 50 leading principal components of the unshifted images of brightness 1.

Rows are in a random order that --seed fixes, so the first N of them are a sample of N: the 200,000 rows
of the comparisons are the first 200,000. --labels also writes their digits (uint8), row by row.
"""
import argparse
import gzip
import os
import sys

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DIRECTIONS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
SHIFTS = [(0, 0)] + [(size * dy, size * dx) for size in (1, 2) for dy, dx in DIRECTIONS]
COMPONENTS = 50


def idx(folder, name, header):
    raw = os.path.join(folder, "MNIST", "raw", name)
    path = raw if os.path.exists(raw) else raw + ".gz"
    if not os.path.exists(path):
        sys.exit("%s is missing: run `bin/latent data`, or give --data DIR" % raw)
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return np.frombuffer(f.read()[header:], np.uint8)


def shift(images, dy, dx):
    """The images (n x 28 x 28), moved down by dy and right by dx."""
    h, w = images.shape[1:]
    out = np.zeros_like(images)
    out[:, max(dy, 0):h + min(dy, 0), max(dx, 0):w + min(dx, 0)] = images[:, max(-dy, 0):h + min(-dy, 0), max(-dx, 0):w + min(-dx, 0)]
    return out


def save(path, array):
    part = path + ".part"
    with open(part, "wb") as f:
        np.save(f, array)
    os.replace(part, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets")
    parser.add_argument("--output", default="million.npy", help="the matrix, float32")
    parser.add_argument("--labels", help="the digit of every row, uint8")
    parser.add_argument("--seed", type=int, default=0, help="of brightness and order")
    args = parser.parse_args()

    images = idx(args.data, "train-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    labels = idx(args.data, "train-labels-idx1-ubyte", 8)
    n = len(images)
    x = images.reshape(n, -1).astype(np.float32) / 255
    mean = x.mean(axis=0, dtype=np.float64)
    centered = (x - mean).astype(np.float32)
    _, vectors = np.linalg.eigh((centered.T @ centered).astype(np.float64))
    axes = vectors[:, ::-1][:, :COMPONENTS]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(COMPONENTS)])  # the largest loading is positive
    axes = axes.astype(np.float32)
    middle = (mean @ axes).astype(np.float32)

    rng = np.random.default_rng(args.seed)
    place = rng.permutation(n * len(SHIFTS))  # of each copy
    out = np.empty((n * len(SHIFTS), COMPONENTS), np.float32)
    digits = np.empty(len(out), np.uint8)
    for k, (dy, dx) in enumerate(SHIFTS):
        brightness = rng.uniform(0.8, 1.2, n).astype(np.float32)
        pixels = shift(images, dy, dx).reshape(n, -1).astype(np.float32) / 255
        rows = place[k * n:(k + 1) * n]
        out[rows] = (pixels @ axes) * brightness[:, None] - middle
        digits[rows] = labels
    save(args.output, out)
    if args.labels:
        save(args.labels, digits)
    print("%s: %d rows of %d" % (args.output, *out.shape))


if __name__ == "__main__":
    main()
