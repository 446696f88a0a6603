"""The steps of cuda.sh, which says what they are."""

import csv
import glob
import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

BEGAN = time.monotonic()
DATA, EPOCHS = os.environ["DATA"], int(os.environ["EPOCHS"])
IN_ALL = float(os.environ["SECONDS_IN_ALL"])
PEER_EPOCHS = max(1, EPOCHS // 10)
GOAL_SECONDS = 10  # of EPOCHS = 500
PROGRAM, LIBRARY = "bin/latent", "build/libcgotorch.so"
report = {"steps": {}}


class Failed(Exception):
    """Says in a line why a step failed."""


def step(name):
    """Runs the function below it as a step, whatever becomes of the steps before it."""

    def run(f):
        begin = time.monotonic()
        entry = report["steps"][name] = {"ok": False}
        print(f"cuda: {name} ...", file=sys.stderr, flush=True)
        try:
            entry["result"] = f()
            entry["ok"] = True
        except Exception as e:  # the other steps go on
            entry["error"] = f"{type(e).__name__}: {e}" if not isinstance(e, Failed) else str(e)
            print(f"cuda: {name} FAILED: {entry['error']}", file=sys.stderr, flush=True)
        entry["seconds"] = round(time.monotonic() - begin, 3)
        return f

    return run


def call(command, limit, env=None):
    """Runs a command for at most limit seconds, or what is left of the call's time."""
    left = IN_ALL - (time.monotonic() - BEGAN)
    if left < 5:
        raise Failed("no time is left")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=min(limit, left), env=env)
    except FileNotFoundError:
        raise Failed(f"{command[0]}: no such program")
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command[:3])}: not done after {min(limit, left):.0f} s")
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise Failed(f"{' '.join(command[:3])}: exit code {done.returncode}: {' / '.join(last)}")
    return done.stdout


def libraries():
    """The environment in which a carried build finds this machine's torch."""
    spec = importlib.util.find_spec("torch")
    if spec is None:
        raise Failed(f"{sys.executable} has no torch")
    root = os.path.dirname(spec.origin)
    # torch's own before build/, whose libtorch_cpu.so is the linker's script of that name.
    paths = [root + "/lib"] + sorted(glob.glob(os.path.dirname(root) + "/nvidia/*/lib")) + [os.path.abspath("build")]
    old = os.environ.get("LD_LIBRARY_PATH")
    return dict(os.environ, LD_LIBRARY_PATH=":".join(paths + ([old] if old else [])))


def train(folder, name, epochs, device, precision, *more):
    """Runs latent train; returns its losses, seconds and metrics."""
    out = os.path.join(folder, name)
    begin = time.monotonic()
    call([PROGRAM, "train", "--out", out, "--data", DATA, "--epochs", str(epochs), "--device", device,
          "--precision", precision, "--quiet", "--json", *more], 150, libraries())
    wall = time.monotonic() - begin
    with open(os.path.join(out, "losses.csv")) as f:
        losses = [float(row["loss"]) for row in csv.DictReader(f)]
    with open(os.path.join(out, "metrics.json")) as f:
        metrics = json.load(f)
    seconds = metrics["seconds"]["contrastive" if more else "reconstruction"]
    return losses, {"epochs": epochs, "seconds": seconds, "wall_seconds": wall, "epoch_ms": 1e3 * seconds / epochs,
                    "last_loss": losses[-1], "accuracy": metrics.get("accuracy"), "mse": metrics.get("mse")}


def images():
    import numpy as np

    path = os.path.join(DATA, "MNIST", "raw", "train-images-idx3-ubyte")
    if not os.path.exists(path):
        path += ".gz"
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return np.frombuffer(f.read(), dtype=np.uint8)[16:].reshape(-1, 784)


def peer(tf32, graph):
    """PyTorch: the notebook's model and loop, its data in GPU memory; graph: each step one CUDA graph."""
    import torch
    from torch import nn

    if not torch.cuda.is_available():
        raise Failed("torch finds no usable NVIDIA GPU")
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 25), nn.ReLU(), nn.Linear(25, 50), nn.ReLU(),
                          nn.Linear(50, 1000), nn.ReLU(), nn.Linear(1000, 784)).cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-8, fused=graph, capturable=graph)
    criterion = nn.MSELoss()
    data = torch.from_numpy(images().copy()).cuda().float() / 255

    def take(x):
        loss = criterion(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    graphs = {}

    def replayed(x):
        if len(x) not in graphs:
            static, side, recorded = x.clone(), torch.cuda.Stream(), torch.cuda.CUDAGraph()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    take(static)
            torch.cuda.current_stream().wait_stream(side)
            with torch.cuda.graph(recorded):
                loss = take(static)
            graphs[len(x)] = static, recorded, loss
        static, recorded, loss = graphs[len(x)]
        static.copy_(x)
        recorded.replay()
        return loss

    for epoch in range(PEER_EPOCHS + 1):
        if epoch == 1:  # the first warms up
            torch.cuda.synchronize()
            begin = time.monotonic()
        losses = []
        for rows in torch.randperm(len(data), device="cuda").split(1024):
            x = data[rows]
            if graph:
                losses.append(replayed(x).detach().clone())
            else:
                losses.append(take(x).item())  # the notebook appends it
    torch.cuda.synchronize()
    seconds = time.monotonic() - begin
    return {"epochs": PEER_EPOCHS, "seconds": seconds, "epoch_ms": 1e3 * seconds / PEER_EPOCHS, "last_loss": float(losses[-1])}


@step("machine")
def _():
    import torch

    return {"torch": torch.__version__, "cuda": torch.version.cuda,
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "devices": torch.cuda.device_count()}


@step("build")
def _():
    if os.path.exists(PROGRAM) and os.path.exists(LIBRARY):
        return "carried"
    if not shutil.which("go"):
        raise Failed(f"{PROGRAM} or {LIBRARY} is missing, and there is no Go: carry bin/ and build/ here")
    call(["make", "LATENT_PYTHON=" + sys.executable], 300)
    return "built"


@step("info")
def _():
    return json.loads(call([PROGRAM, "info", "--json"], 60, libraries()))


@step("data")
def _():
    call([PROGRAM, "data", "--data", DATA], 120, libraries())


@step("tests")
def _():
    carried = {name: os.path.abspath(f"build/tests/{name}.test") for name in ("torch", "autoenc", "contrastive")}
    passed = {}
    for name, binary in carried.items():
        if not os.path.exists(binary):
            if not shutil.which("go"):
                raise Failed(f"{binary} is missing: scripts/bench/cuda.sh --carry makes it where Go is")
            call(["go", "test", "-c", "-o", binary, "./" + name], 150)
        left = max(1, min(120, IN_ALL - (time.monotonic() - BEGAN)))
        done = subprocess.run([binary, "-test.short", "-test.v", "-test.run", "CUDA|Graph|Adam|Stream|Pixels|Read|Meta|Losses"],
                              cwd=name, capture_output=True, text=True, env=libraries(), timeout=left)
        lines = done.stdout.splitlines()
        passed[name] = {"passed": sum(line.startswith("--- PASS") for line in lines),
                        "skipped": [line.split()[2] for line in lines if line.startswith("--- SKIP")]}
        if done.returncode:
            failed = [line for line in lines if line.startswith("--- FAIL")]
            raise Failed(f"{name}: {failed or (done.stderr or done.stdout).splitlines()[-1:]}")
    return passed


with tempfile.TemporaryDirectory() as FOLDER:

    @step("first epoch")
    def _():
        cpu, _ = train(FOLDER, "cpu", 1, "cpu", "fp32")
        gpu, _ = train(FOLDER, "gpu", 1, "cuda", "fp32")
        if len(cpu) != len(gpu):
            raise Failed(f"{len(gpu)} losses on the GPU, {len(cpu)} on the CPU")
        worst = max(abs(a / b - 1) for a, b in zip(gpu, cpu))
        if not worst <= 1e-3:
            raise Failed(f"the losses differ from the CPU's by {worst:.2e} relative, more than 1e-3")
        return {"worst_relative_difference": worst}

    for PRECISION in "fp32", "tf32", "bf16":

        @step("latent " + PRECISION)
        def _():
            result = train(FOLDER, PRECISION, EPOCHS, "cuda", PRECISION)[1]
            result["goal_met"] = result["seconds"] * 500 / EPOCHS < GOAL_SECONDS
            return result

    for LOSS in "notebook", "nt-xent", "supcon":

        @step("latent " + LOSS)
        def _():
            return train(FOLDER, LOSS, PEER_EPOCHS, "cuda", "fp32", "--contrastive", LOSS)[1]


for TF32 in False, True:
    for GRAPH in False, True:

        @step(f"PyTorch {'graph' if GRAPH else 'eager'} {'tf32' if TF32 else 'fp32'}")
        def _():
            return peer(TF32, GRAPH)


report["seconds"] = round(time.monotonic() - BEGAN, 1)
failed = [name for name, entry in report["steps"].items() if not entry["ok"]]
print(f"{'':24}{'ms/epoch':>10}{'epochs':>8}{'seconds':>10}{'last loss':>12}")
for name, entry in report["steps"].items():
    r = entry.get("result")
    if isinstance(r, dict) and "epoch_ms" in r:
        print(f"{name:24}{r['epoch_ms']:10.2f}{r['epochs']:8}{r['seconds']:10.2f}{r['last_loss']:12.5f}")
print(f"{len(report['steps']) - len(failed)} of {len(report['steps'])} steps done in {report['seconds']} s"
      + (f"; failed: {', '.join(failed)}" if failed else ""))
text = json.dumps(report, indent=1)
if len(sys.argv) > 1:
    with open(sys.argv[1], "w") as f:
        f.write(text + "\n")
else:
    print(text)
sys.exit(1 if failed else 0)
