#!/usr/bin/env python3
"""Write the .npy, .npz and .csv files in internal/matrix/testdata with NumPy and SciPy.

Written with NumPy 1.24.2 (Debian 12). The tests know the small arrays:
element (i, j) of 3 x 4 is 4 i + j, less 5 where the type has a sign, and a
quarter of that in floats.
"""
import pathlib
import sys

import numpy as np
from numpy.lib import format as npy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts" / "test"))
import golden_npz  # noqa: E402
import goldens  # noqa: E402


def write(out):
    def save(name, array, version=None):
        with open(out / f"{name}.npy", "wb") as f:
            npy.write_array(f, array, version=version, allow_pickle=True)

    count = np.arange(12).reshape(3, 4)
    for name in "f4 f8".split():
        save(name, ((count - 5) / 4).astype("<" + name))
    for name in "i1 i2 i4 i8".split():
        save(name, (count - 5).astype("<" + name))
    for name in "u1 u2 u4 u8".split():
        save(name, count.astype("<" + name))
    save("v2", ((count - 5) / 4).astype("<f4"), (2, 0))
    save("v3", ((count - 5) / 4).astype("<f4"), (3, 0))
    save("row", ((count - 5) / 4).astype("<f4")[:1])
    save("column", np.asfortranarray(((count - 5) / 4).astype("<f4")[:, :1]))

    save("fortran", np.asfortranarray(((count - 5) / 4).astype("<f4")))
    save("big-endian", ((count - 5) / 4).astype(">f4"))
    save("big-endian-i2", (count - 5).astype(">i2"))
    save("half", ((count - 5) / 4).astype("<f2"))
    save("bool", count > 5)
    cube = (np.arange(24).reshape(2, 3, 4) - 5) / 4
    save("cube", cube.astype("<f4"))
    save("fortran-cube", np.asfortranarray(cube.astype("<f4")))

    # Every kind of float16, and what float32 makes of it.
    bits = np.array([0, 1, 2, 0x3FF, 0x400, 0x401, 0x3C00, 0x3555, 0x7BFF, 0x8000, 0x8001, 0xC500], "<u2")
    save("halves-f2", bits.view("<f2").reshape(3, 4))
    save("halves-f4", bits.view("<f2").astype("<f4").reshape(3, 4))

    # What is refused.
    save("complex", count.astype("<c8"))
    save("text", np.array([["a", "b"]]))
    save("object", np.array([[1, "b"]], dtype=object))
    save("structured", np.array([[(1, 2.0)]], dtype=[("a", "<i4"), ("b", "<f4")]))
    save("scalar", np.float32(1))
    save("no-rows", np.zeros((0, 4), "<f4"))
    save("no-columns", np.zeros((4, 0), "<f4"))
    holes = ((count - 5) / 4).astype("<f4")
    holes[1, 2] = np.nan
    save("nan", holes)
    holes[1, 2] = -np.inf
    save("inf", holes)
    large = ((count - 5) / 4).astype("<f8")
    large[2, 0] = 1e39
    save("beyond", large)

    # Labels.
    labels = np.array([5, 0, 4, 1, 9])
    for name in "i1 i2 i4 i8 u1 u2 u4 u8".split():
        save(f"labels-{name}", labels.astype("<" + name))
    save("labels-f4", labels.astype("<f4"))
    save("labels-bool", np.array([True, False, True]))
    save("labels-U", np.array(["rosé", "", "red"]))
    save("labels-S", np.array([b"white", b"", b"red"]))
    save("labels-negative", np.array([-1, 3], "<i4"))
    save("labels-beyond", np.array([1, 2**63], "<u8"))
    save("labels-2d", labels.reshape(5, 1))
    save("labels-none", labels[:0])

    # Rounding: float64 and uint64 to float32, and what text gives the same.
    r = np.random.default_rng(3)
    normal, exponents = r.standard_normal((50, 8)), r.integers(-44, 38, (50, 8))
    # Python's power: NumPy's differs in the last bit from one CPU to another.
    wide = normal * [[10.0 ** int(e) for e in row] for row in exponents]
    save("wide-f8", wide)
    save("wide-f4", wide.astype("<f4"))
    whole = r.integers(0, 2**64, (20, 4), dtype="<u8")
    save("whole-u8", whole)
    save("whole-f4", whole.astype("<f4"))
    np.savetxt(out / "wide-f8.csv", wide, delimiter=",")
    np.savetxt(out / "wide-f4.csv", wide.astype("<f4"), delimiter=",", fmt="%.9g", header="a,b,c,d,e,f,g,h", newline="\r\n")
    golden_npz.write(out)


if __name__ == "__main__":
    # The pickle names modules that NumPy 2 has moved.
    goldens.run(write, __file__, read={"object.npy": lambda path: np.load(path, allow_pickle=True).tolist()})
