#!/usr/bin/env python3
"""Write internal/figure/viridis.rgb: matplotlib's colour map, 256 times red, green and blue.

Needs numpy and matplotlib (Debian: python3-matplotlib). The file that is kept came
from matplotlib 3.6.3.
"""
import pathlib
import sys

import matplotlib
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts" / "test"))
import goldens  # noqa: E402


def write(folder):
    table = np.round(np.asarray(matplotlib.colormaps["viridis"].colors) * 255).astype(np.uint8)
    (folder / "viridis.rgb").write_bytes(table.tobytes())


if __name__ == "__main__":
    goldens.run(write, __file__, folder=pathlib.Path(__file__).resolve().parents[1])
