#!/usr/bin/env python3
"""Write dataset/testdata/totensor.bin: the 256 float32 values that
torchvision's ToTensor gives for the bytes 0 to 255, little-endian.

ToTensor (torchvision/transforms/functional.py, to_tensor) ends in
img.to(dtype=torch.get_default_dtype()).div(255), which is done here.
Written with Debian 12's PyTorch 1.13; 2.11.0 gives the same bytes.

scaler.json: rows, and what scikit-learn's MinMaxScaler and StandardScaler make of them and of new ones.
pictures/: pictures of every kind that Pillow writes, and pictures.json: what it reads of them as grey or as RGB,
planes one after the other, and resized to 3 x 4.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from sklearn.preprocessing import MinMaxScaler, StandardScaler

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import goldens  # noqa: E402


def write(folder):
    values = torch.arange(256).to(torch.uint8).to(dtype=torch.get_default_dtype()).div(255)
    (folder / "totensor.bin").write_bytes(values.numpy().astype("<f4").tobytes())
    scalers(folder)
    pictures(folder)


def scalers(folder):
    r = np.random.default_rng(5)
    x = (r.standard_normal((40, 6)) * [1, 1e3, 1e-3, 0, 5, 0] + [0, 1e5, 2, 7.1, -1, 0]).astype("<f4")
    x[:, 4] = np.round(x[:, 4])
    # Scaled as float64: in float32, which scikit-learn keeps, its MinMaxScaler loses digits of a large column.
    new = (x[:5] * 3 - 2).astype("<f4")
    out = {"columns": 6, "x": x.ravel().tolist(), "new": new.ravel().tolist()}
    for name, scaler in {"unit": MinMaxScaler(), "standard": StandardScaler()}.items():
        scaler.fit(x.astype(np.float64))
        for key, rows in {"x": x, "new": new}.items():
            out[f"{name}_{key}"] = scaler.transform(rows.astype(np.float64)).astype("<f4").ravel().tolist()
    (folder / "scaler.json").write_text(json.dumps(out))


def pictures(folder):
    r = np.random.default_rng(6)
    colour = r.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    smooth = np.add.outer(np.arange(6), np.arange(8)).astype(np.uint8)
    alpha = np.dstack([colour, r.integers(1, 256, (6, 8), dtype=np.uint8)])
    kinds = {
        "grey.png": Image.fromarray(colour[..., 0], "L"), "colour.png": Image.fromarray(colour, "RGB"),
        "alpha.png": Image.fromarray(alpha, "RGBA"), "palette.png": Image.fromarray(colour, "RGB").convert("P", palette=Image.Palette.ADAPTIVE),
        "bits.png": Image.fromarray(colour[..., 0] > 99), "grey.jpg": Image.fromarray(smooth * 19, "L"),
        "colour.jpg": Image.fromarray(np.dstack([smooth * 19, 255 - smooth * 9, smooth * 7]), "RGB"),
    }
    out = {}
    (folder / "pictures").mkdir(exist_ok=True)
    for name, picture in kinds.items():
        # Decoders differ in how they enlarge colours that are stored in half the size: here they are not.
        picture.save(folder / "pictures" / name, **({"subsampling": 0, "quality": 95} if name == "colour.jpg" else {}))
        with Image.open(folder / "pictures" / name) as p:
            mode = "L" if p.mode in "L1" else "RGB"

            def planes(image):
                a = np.asarray(image)
                return a.tolist() if a.ndim == 1 else a.reshape(*a.shape[:2], -1).transpose(2, 0, 1).ravel().tolist()

            p = p.convert(mode)
            out[name] = {"channels": len(mode), "pixels": planes(p), "resized": planes(p.resize((4, 3), Image.Resampling.BILINEAR))}
    (folder / "pictures.json").write_text(json.dumps(out))


if __name__ == "__main__":
    goldens.run(write, __file__)
