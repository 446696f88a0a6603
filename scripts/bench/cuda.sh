#!/usr/bin/env bash
# Measures training on a CUDA device, in one call of under ten minutes, on a machine that need not have Go or a
# compiler: bin/ and build/ may come from another machine where `make` built them against the same torch wheel
# (LATENT_PYTHON=python3 make). What it prints was measured by that call; it holds no figure from elsewhere.
#
#   scripts/bench/cuda.sh [OUTPUT.json]
#
#   PYTHON=python3   a Python that has the CUDA torch
#   DATA=data        the data set, laid out as torchvision does (`latent data` fetches it)
#   EPOCHS=500       of the timed runs
#
# It runs: one epoch on the CPU and on the GPU, whose losses must agree within 1e-3 relative; EPOCHS epochs in fp32 and
# in TF32; plain PyTorch eager on the same GPU with its tensors preloaded, for a tenth of the epochs.
# Exit code 1 when something could not run or the losses do not agree.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
die() {
	echo "bench_cuda: $*" >&2
	exit 1
}
for file in bin/latent build/libcgotorch.so; do
	[ -f $file ] || die "$file is missing: build it with 'LATENT_PYTHON=python3 make' and bring bin/ and build/ here"
done
paths=$("$python" -c '
import glob, importlib.util, os
root = os.path.dirname(importlib.util.find_spec("torch").origin)
print(":".join([root + "/lib"] + sorted(glob.glob(os.path.dirname(root) + "/nvidia/*/lib"))))') || die "$python has no torch"
# The paths of the machine that built them may not be those of this one.
export LD_LIBRARY_PATH="$PWD/build:$paths${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
DATA=${DATA:-data} EPOCHS=${EPOCHS:-500} exec "$python" - "${1:-}" <<'PYTHON'
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn

DATA, EPOCHS = os.environ["DATA"], int(os.environ["EPOCHS"])
EAGER_EPOCHS = max(1, EPOCHS // 10)


def die(text):
    sys.exit(f"bench_cuda: {text}")


def train(folder, name, epochs, device, precision):
    """Runs latent train; returns seconds of training, seconds in all, the losses and the metrics."""
    out = os.path.join(folder, name)
    begin = time.monotonic()
    done = subprocess.run(
        ["bin/latent", "train", "--out", out, "--data", DATA, "--epochs", str(epochs), "--device", device,
         "--precision", precision, "--quiet", "--json"], capture_output=True, text=True, timeout=240)
    wall = time.monotonic() - begin
    if done.returncode:
        die(f"latent train on {device} in {precision}: {done.stderr.strip()}")
    with open(os.path.join(out, "losses.csv")) as f:
        losses = [float(row["loss"]) for row in csv.DictReader(f)]
    with open(os.path.join(out, "metrics.json")) as f:
        metrics = json.load(f)
    return metrics["seconds"]["reconstruction"], wall, losses, metrics


def images():
    path = os.path.join(DATA, "MNIST", "raw", "train-images-idx3-ubyte")
    if not os.path.exists(path):
        path += ".gz"
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return np.frombuffer(f.read(), dtype=np.uint8)[16:].reshape(-1, 784)


def eager(tf32):
    """Plain PyTorch: the notebook's model and loop, its data in GPU memory. Seconds an epoch, and the last loss."""
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 25), nn.ReLU(), nn.Linear(25, 50))
    decoder = nn.Sequential(nn.ReLU(), nn.Linear(50, 1000), nn.ReLU(), nn.Linear(1000, 784))
    model = nn.Sequential(encoder, decoder).cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-8)
    criterion = nn.MSELoss()
    data = torch.from_numpy(images().copy()).cuda().float() / 255
    for epoch in range(EAGER_EPOCHS + 1):
        if epoch == 1:  # the first warms up
            torch.cuda.synchronize()
            begin = time.monotonic()
        for rows in torch.randperm(len(data), device="cuda").split(1024):
            x = data[rows]
            loss = criterion(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            last = loss.item()  # the notebook appends it
    torch.cuda.synchronize()
    return (time.monotonic() - begin) / EAGER_EPOCHS, last


if not torch.cuda.is_available():
    die("no usable NVIDIA GPU here")
if not os.path.exists(DATA):
    die(f"{DATA}: no data set: fetch it with 'bin/latent data --data {DATA}' where there is a network, and bring it here")
result = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "epochs": EPOCHS, "eager_epochs": EAGER_EPOCHS}
with tempfile.TemporaryDirectory() as folder:
    _, _, cpu, _ = train(folder, "cpu", 1, "cpu", "fp32")
    _, _, gpu, _ = train(folder, "gpu", 1, "cuda", "fp32")
    if len(cpu) != len(gpu):
        die(f"{len(gpu)} losses on the GPU, {len(cpu)} on the CPU")
    result["first_epoch_worst_relative_difference"] = worst = max(abs(a / b - 1) for a, b in zip(gpu, cpu))
    for precision in "fp32", "tf32":
        seconds, wall, losses, metrics = train(folder, precision, EPOCHS, "cuda", precision)
        result[precision] = {"seconds": seconds, "wall_seconds": wall, "epoch_ms": 1e3 * seconds / EPOCHS,
                             "last_loss": losses[-1], "accuracy": metrics.get("accuracy"), "mse": metrics.get("mse")}
    for precision in "fp32", "tf32":
        epoch, last = eager(precision == "tf32")
        result["eager_" + precision] = {"epoch_ms": 1e3 * epoch, "last_loss": last}

print(f"{result['gpu']}, torch {result['torch']}; measured by this call")
print(f"first epoch: losses within {worst:.1e} relative of the CPU's (bound 1e-3)\n")
print(f"{'':24}{'ms/epoch':>10}{'epochs':>8}{'seconds':>10}{'last loss':>12}")
for precision in "fp32", "tf32":
    r = result[precision]
    print(f"{'latent ' + precision:24}{r['epoch_ms']:10.2f}{EPOCHS:8}{r['seconds']:10.2f}{r['last_loss']:12.5f}")
for precision in "fp32", "tf32":
    r = result["eager_" + precision]
    print(f"{'PyTorch eager ' + precision:24}{r['epoch_ms']:10.2f}{EAGER_EPOCHS:8}"
          f"{r['epoch_ms'] * EAGER_EPOCHS / 1e3:10.2f}{r['last_loss']:12.5f}")
text = json.dumps(result, indent=1)
print("\n" + text)
if sys.argv[1]:
    with open(sys.argv[1], "w") as f:
        f.write(text + "\n")
if not worst <= 1e-3:
    die(f"the GPU's first epoch differs from the CPU's by {worst:.2e} relative, more than 1e-3")
PYTHON
