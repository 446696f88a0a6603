"""The initial weights of the run in this folder, which latent 0.1.0 trained (libtorch 1.13.1, one thread):

    python3 init.py
    latent train --out run --init init.pt --limit 64 --batch-size 32 --epochs 1 --seed 5 --threads 1
    latent train --out run --resume --epochs 3    # writes losses-resumed.csv

Nearly all hidden units are dead, so that the files compress well."""
import torch
shapes = {"encoder.0": (1000, 784), "encoder.2": (25, 1000), "encoder.4": (50, 25),
          "decoder.1": (1000, 50), "decoder.3": (784, 1000)}
d = {}
for key, (out, into) in shapes.items():
    w = ((torch.arange(out)[:, None] * 7 + torch.arange(into) * 3) % 5 - 2).float() / 16
    b = torch.zeros(out)
    if out == 1000:
        w[1:], b[1:] = 0, -1
    if into == 1000:
        w[:, 1:] = 0
    d[key + ".weight"], d[key + ".bias"] = w, b
torch.save(d, "init.pt")
