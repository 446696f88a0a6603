#!/usr/bin/env python3
"""Write dataset/testdata/totensor.bin: the 256 float32 values that
torchvision's ToTensor gives for the bytes 0 to 255, little-endian.

ToTensor (torchvision/transforms/functional.py, to_tensor) ends in
img.to(dtype=torch.get_default_dtype()).div(255), which is done here.
Written with Debian 12's PyTorch 1.13; 2.11.0 gives the same bytes.
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import goldens  # noqa: E402


def write(folder):
    values = torch.arange(256).to(torch.uint8).to(dtype=torch.get_default_dtype()).div(255)
    (folder / "totensor.bin").write_bytes(values.numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    goldens.run(write, __file__)
