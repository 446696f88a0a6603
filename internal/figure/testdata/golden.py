#!/usr/bin/env python3
"""Draw the notebook's figures with matplotlib, for a look beside ours.

    internal/figure/testdata/golden.py colormap     writes internal/figure/viridis.rgb
    internal/figure/testdata/golden.py draw DIR     draws loss.png, tsne.png, tsne-contrastive.png and
                                           sample.png from the losses.txt, points.csv and
                                           sample.csv in DIR, which
                                           FIGURES=DIR go test ./internal/figure wrote
                                           beside its own pictures

Needs numpy and matplotlib (Debian: python3-matplotlib). The colour map in the
repository came from matplotlib 3.6.3.
"""
import pathlib
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLORS = [f"C{i}" for i in range(10)]


def colormap():
    table = np.round(np.asarray(matplotlib.colormaps["viridis"].colors) * 255).astype(np.uint8)
    out = pathlib.Path(__file__).parent.parent / "viridis.rgb"
    out.write_bytes(table.tobytes())


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
    if sys.argv[1:] == ["colormap"]:
        colormap()
    elif len(sys.argv) == 3 and sys.argv[1] == "draw":
        draw(sys.argv[2])
    else:
        sys.exit(__doc__.strip())
