#!/usr/bin/env python3
"""Write dataset/testdata/totensor.bin: the 256 float32 values that
torchvision's ToTensor gives for the bytes 0 to 255, little-endian.

ToTensor (torchvision/transforms/functional.py, to_tensor) ends in
img.to(dtype=torch.get_default_dtype()).div(255), which is done here.
Written with Debian 12's PyTorch 1.13; 2.11.0 gives the same bytes.
"""
import pathlib

import torch

values = torch.arange(256).to(torch.uint8).to(dtype=torch.get_default_dtype()).div(255)
out = pathlib.Path(__file__).with_name("totensor.bin")
out.parent.mkdir(parents=True, exist_ok=True)
out.write_bytes(values.numpy().astype("<f4").tobytes())
print(f"{out}: torch {torch.__version__}")
