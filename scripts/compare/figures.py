#!/usr/bin/env python3
"""Draws the notebook's figures with matplotlib, for a look beside ours.

    FIGURES=DIR go test ./internal/figure && scripts/compare/figures.py DIR

The test writes its pictures into DIR, and beside them losses.txt, points.csv and
sample.csv; from these matplotlib-*.png are drawn. Needs numpy and matplotlib
(Debian: python3-matplotlib).
"""
import pathlib
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLORS = [f"C{i}" for i in range(10)]


def handles():
    return [plt.Line2D([0], [0], color=COLORS[i], marker="o", linestyle="None", markersize=8, label=f"{i}")
            for i in range(10)]


def draw(folder):
    folder = pathlib.Path(folder)
    plt.figure(figsize=(1.6 * 3, 3), dpi=200)
    plt.semilogy(np.loadtxt(folder / "losses.txt"))
    plt.grid()
    plt.xlabel("Iterations")
    plt.title("Training Loss")
    plt.savefig(folder / "matplotlib-loss.png")

    x, y, u, v, label = np.loadtxt(folder / "points.csv", delimiter=",").T
    colors = [COLORS[int(i)] for i in label]
    fig, axes = plt.subplots(1, 2, figsize=(1.6 * 3 * 2, 3), dpi=200)
    axes[0].scatter(x, y, alpha=0.1, c=colors)
    axes[1].scatter(u, v, alpha=0.1, c=colors)
    fig.legend(handles=handles(), loc="upper center", ncol=10)
    for ax in axes.flatten():
        ax.grid()
    plt.savefig(folder / "matplotlib-tsne.png")

    plt.figure(figsize=(1.6 * 3, 3), dpi=200)
    plt.scatter(u, v, alpha=0.1, c=colors)
    plt.legend(handles=handles(), loc="upper center", ncol=5)
    plt.grid()
    plt.title("Autoencoder with Contrastive Learning")
    plt.savefig(folder / "matplotlib-tsne-contrastive.png")

    plt.figure(figsize=(3, 3), dpi=200)
    plt.imshow(np.loadtxt(folder / "sample.csv", delimiter=","))
    plt.savefig(folder / "matplotlib-sample.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    draw(sys.argv[1])
