#!/usr/bin/env python3
"""Golden values of contrastive's tests, from PyTorch (1.13 or later).

Written to golden.json beside this file, with one BLAS thread:

losses    value and gradient of each loss on fixed latents, in float64, and how far
          PyTorch's own float32 is from it: what a test may ask of another float32
augment   augmented images for a seed and ranges, every 5th pixel
batches   loss of one batch with everything that a step does, and the norms of the
          encoder's gradients
steps     losses of the first steps of training on MNIST, seed 0
"""
import json
import os
import pathlib
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when PyTorch is loaded

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import goldens  # noqa: E402

DEFAULT = dict(rotation=0.35, scale=0.2, shear=0.2, shift=0.15, elastic=0.2)


def negative_only(a, b, tau):
    """The notebook's cell 8, as it is written there."""
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    s = torch.sum(a * b, dim=1)
    return torch.mean(torch.log(1 + torch.exp(s / tau)))


def similarity(z, name):
    if name == "cosine":
        u = F.normalize(z, dim=1)
        return u @ u.t()
    if len(z) > 200:  # the differences themselves would take a gigabyte
        w = z.double()
        q = (w * w).sum(1)
        return (2 * w @ w.t() - q[:, None] - q[None, :]).to(z.dtype)
    return -((z[:, None, :] - z[None, :, :]) ** 2).sum(2)


def nt_xent(z, tau, name):
    """Rows i and i + n/2 are two views of one image."""
    n = len(z)
    s = similarity(z, name) / tau
    others = s.masked_fill(torch.eye(n, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(others, torch.arange(n).roll(n // 2))


def supcon(z, labels, tau, name):
    """Row by row, over the rows that have a positive."""
    s = similarity(z, name) / tau
    rows = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i]
        positive = [j for j in others if labels[j] == labels[i]]
        if positive:
            rows.append(torch.logsumexp(s[i, others], 0) - s[i, positive].mean())
    return torch.stack(rows).mean()


def short(values):
    return [float(f"{v:.7g}") for v in values]


def losses():
    g = torch.Generator().manual_seed(7)
    n, d = 12, 5
    z = torch.randn(n, d, generator=g)
    zero = z.clone()
    zero[3] = 0
    zero[n // 2 + 3] = 0
    mixed = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 7, 8]  # the last two have no positive
    inputs = {
        "random": (z, mixed),
        "zero rows": (zero, mixed),
        "one class": (z, [4] * n),
        "two rows": (z[:2], [4, 4]),
        "large": (z * 30, mixed),
        "identical": (z[:1].repeat(4, 1), [1, 1, 1, 1]),
        "many rows": (torch.randn(150, 2, generator=g), [i % 7 for i in range(150)]),
    }
    cases = []
    for name, (x, labels) in inputs.items():
        for loss in ("notebook", "nt-xent", "supcon"):
            if loss == "nt-xent" and len(x) < 4:
                continue
            for sim in ("cosine",) if loss == "notebook" else ("cosine", "euclidean"):
                for tau in (0.01, 0.5):
                    found = []
                    for kind in (torch.float64, torch.float32):
                        v = x.to(kind).clone().requires_grad_()
                        if loss == "notebook":
                            h = len(v) // 2
                            value = negative_only(v[:h], v[h:], tau)
                        elif loss == "nt-xent":
                            value = nt_xent(v, tau, sim)
                        else:
                            value = supcon(v, labels, tau, sim)
                        value.backward()
                        found.append((value.item(), v.grad.double()))
                    (value, grad), (value32, grad32) = found
                    # exp(100) is infinite in float32 as the notebook writes it; softplus is not
                    error = abs(value32 - value) if np.isfinite(value32) else 0
                    grad_error = (grad32 - grad).abs().max().item() if torch.isfinite(grad32).all() else 0
                    cases.append({"input": name, "loss": loss, "similarity": sim, "tau": tau, "value": value, "error": error,
                                  "gradient": short(grad.flatten().tolist()), "gradient_error": grad_error})
    named = {k: {"rows": len(x), "z": [float(v) for v in x.flatten()], "labels": y} for k, (x, y) in inputs.items()}
    return {"inputs": named, "cases": cases}


def augment(x, rotation, scale, shear, shift, elastic):
    n = len(x)
    s = 2 * torch.rand(n, 37) - 1
    a, k, h = s[:, 0] * rotation, 1 + s[:, 1] * scale, s[:, 2] * shear
    theta = torch.zeros(n, 2, 3)
    for i in range(n):  # zoom and rotate, then shear, then move
        turn = k[i] * torch.tensor([[torch.cos(a[i]), -torch.sin(a[i])], [torch.sin(a[i]), torch.cos(a[i])]])
        theta[i, :, :2] = turn @ torch.tensor([[1, h[i]], [0, 1]])
        theta[i, :, 2] = s[i, 3:5] * shift
    grid = F.affine_grid(theta, (n, 1, 28, 28), align_corners=False)
    d = F.interpolate(s[:, 5:].reshape(n, 2, 4, 4), size=(28, 28), mode="bicubic", align_corners=True)
    grid = grid + elastic * d.permute(0, 2, 3, 1)
    return F.grid_sample(x.view(n, 1, 28, 28), grid, mode="bilinear", padding_mode="zeros", align_corners=False).view(n, 784)


def augmented():
    cases = []
    none = dict.fromkeys(DEFAULT, 0)
    for ranges in [DEFAULT, {**DEFAULT, "elastic": 0}] + [{**none, k: 3 * v} for k, v in DEFAULT.items()]:
        torch.manual_seed(11)
        x = torch.rand(3, 784)
        y = augment(x, **ranges)
        cases.append({"ranges": ranges, "pixels": [float(f"{v:.6g}") for v in y.flatten()[::5]]})
    return {"seed": 11, "images": 3, "cases": cases}


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 25), nn.ReLU(), nn.Linear(25, 50))
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(50, 1000), nn.ReLU(), nn.Linear(1000, 784))


RUNS = {  # name -> loss, similarity, tau, augmented
    "notebook": ("notebook", "cosine", 0.5, False),
    "nt-xent": ("nt-xent", "cosine", 0.3, True),
    "supcon": ("supcon", "euclidean", 1.0, False),
    "supcon augmented": ("supcon", "euclidean", 1.0, True),
    "supcon cosine": ("supcon", "cosine", 0.1, True),
}


def extra(model, x, y, z, loss, sim, tau, more):
    """What is added to a batch's reconstruction loss (cell 9 and beyond)."""
    if loss == "notebook":
        a1, a2 = torch.randperm(10)[:2]
        a, b = z[y == a1], z[y == a2]
        n = min(len(a), len(b))
        return negative_only(a[:n], b[:n], tau) if n else torch.zeros(())
    if more:
        z = torch.cat([z, model.encoder(augment(x, **DEFAULT))])
        y = torch.cat([y, y])
    return nt_xent(z, tau, sim) if loss == "nt-xent" else supcon_rows(z, y, tau, sim)


def supcon_rows(z, y, tau, name):
    """supcon without its loops, for whole batches."""
    n = len(z)
    s = similarity(z, name) / tau
    eye = torch.eye(n, dtype=torch.bool)
    same = (y[:, None] == y[None, :]) & ~eye
    count = same.sum(1)
    row = torch.logsumexp(s.masked_fill(eye, float("-inf")), 1) - s.masked_fill(~same, 0).sum(1) / count.clamp(min=1)
    return row[count > 0].mean()


def batches():
    cases = []
    for name, settings in RUNS.items():
        torch.manual_seed(5)
        model = AutoEncoder()
        x, y = torch.rand(24, 784), torch.arange(24) % 10
        value = extra(model, x, y, model.encoder(x), *settings)
        value.backward()
        cases.append({"loss": name, "value": value.item(), "gradient_norms": [p.grad.norm().item() for p in model.encoder.parameters()]})
    return {"seed": 5, "images": 24, "cases": cases}


def steps():
    images, labels = (torch.from_numpy(goldens.idx("MNIST", f"train-{name}")) for name in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    images, labels = images.view(-1, 784).float().div(255), labels.long()
    cases = []
    for name, settings in RUNS.items():
        torch.manual_seed(0)
        model = AutoEncoder()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-8)
        totals = []
        for x, y in DataLoader(TensorDataset(images, labels), batch_size=1024, shuffle=True):
            z = model.encoder(x)
            loss = F.mse_loss(model.decoder(z), x)
            loss = loss + extra(model, x, y, z, *settings)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            totals.append(loss.item())
            print(name, len(totals), loss.item(), file=sys.stderr)
            if name != "notebook" and len(totals) == 4:
                break
        cases.append({"loss": name, "totals": short(totals)})
    return {"seed": 0, "cases": cases}


def corrupted():
    """SCARF's view of rows that are no images: see contrastive/corrupt.go."""
    torch.manual_seed(11)
    x = torch.randn(7, 13)
    torch.manual_seed(12)
    rank = torch.rand(7, 13).argsort(1).argsort(1)
    row = (torch.rand(7, 13) * 7).long().clamp(max=6)
    view = torch.where(rank < int(0.6 * 13), x.gather(0, row), x)
    return {"x": x.ravel().tolist(), "view": view.ravel().tolist()}


def write(folder):
    (folder / "corrupt.json").write_text(json.dumps(corrupted()) + "\n")
    torch.set_num_threads(1)
    golden = {"torch": torch.__version__, "numpy": np.__version__, "losses": losses(), "augment": augmented(),
              "batches": batches(), "steps": steps()}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    goldens.run(write, __file__)
