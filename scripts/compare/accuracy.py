#!/usr/bin/env python3
"""Trains the notebook in PyTorch, as written, and with latent, on the same seeds, and compares them in one table.

    make && python3 scripts/compare/accuracy.py --quick                one epoch of seed 0, half a minute
    python3 scripts/compare/accuracy.py --epochs 20 --seeds 0,1,2      of several seeds, means judged too

PyTorch's side is notebook.py: torchvision's MNIST with ToTensor, DataLoader of 1024, Adam, torch.manual_seed
before each of the two models. It runs with PyTorch's own number of threads. Seconds are of the training loop,
latent's with its checkpoints. The files accuracy.csv and accuracy.md go to --out. Exit code 1 if the two disagree,
2 if something is missing.

Tolerances, relative unless in points (hundredths):

  steps 1 to 10       1e-5
  steps 11 to 59      5e-4 (reconstruction), 5e-3 (contrastive)
  original accuracy   0.05 points: it is a fact of the data; a tie may be rounded either way
  test MSE            1e-3 after one epoch; after more 3e-2, of the mean over the seeds
  latent accuracies   0.5 points after one epoch; after more 2 points, of the mean over the seeds

Rounding grows from step to step, with each seed at its own pace: over seeds 0 to 4 the first epoch of PyTorch 1.13
differs from that of 2.11 by up to 1.9e-4 (reconstruction) and 1.9e-3 (contrastive), while their first ten steps agree to
6e-6. Later it grows until the two runs are two samples of one distribution, as are two
PyTorch runs with other thread counts: a seed's numbers are then shown, and the means are judged.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
MODELS = {"reconstruction": "none", "contrastive": "notebook"}  # model: --contrastive
FIRST_EPOCH = {"reconstruction": 5e-4, "contrastive": 5e-3}
STEPS = (1, 2, 3, 10, 59)
HEADER = ["seed", "model", "measure", "PyTorch", "latent", "difference", "tolerance", "agrees"]


def give_up(text):
    print("accuracy: " + text, file=sys.stderr)
    sys.exit(2)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10, help="of each model (default 10)")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated (default 0,1,2)")
    parser.add_argument("--quick", action="store_true", help="one epoch of the first seed")
    parser.add_argument("--models", default=",".join(MODELS), help="which (default both)")
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets (default data)")
    parser.add_argument("--dataset", default="mnist", choices=["mnist", "fashion-mnist", "kmnist"])
    parser.add_argument("--limit", type=int, default=0, help="only the first N images of each split, to try the script itself")
    parser.add_argument("--latent", "--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--out", default=os.path.join(ROOT, "runs", "compare"), help="folder of accuracy.csv and accuracy.md")
    args = parser.parse_args()
    try:
        args.seeds = [int(s) for s in args.seeds.split(",")]
    except ValueError:
        parser.error("--seeds: want numbers with commas between them, got %r" % args.seeds)
    args.models = args.models.split(",")
    for name in args.models:
        if name not in MODELS:
            parser.error("--models: want %s, got %r" % (" or ".join(MODELS), name))
    if args.quick:
        args.epochs, args.seeds = 1, args.seeds[:1]
    if args.epochs < 1 or args.limit < 0:
        parser.error("--epochs must be at least 1, --limit at least 0")
    return args


def latent(args, *words):
    """Runs latent and returns the JSON object that it printed."""
    p = subprocess.run([args.latent, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if p.returncode != 0:
        give_up("%s %s failed:\n%s" % (args.latent, " ".join(words), p.stderr.strip()))
    return json.loads(p.stdout)


def run_latent(args, model, seed):
    """One model with latent: losses of every step, test MSE, seconds an epoch, accuracy in each space and split."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        limit = ["--limit", str(args.limit)] if args.limit else []
        metrics = latent(args, "train", "--out", out, "--epochs", str(args.epochs), "--seed", str(seed), "--device", "cpu", "--quiet",
                         "--contrastive", MODELS[model], "--data", args.data, "--dataset", args.dataset, *limit)
        accuracy = latent(args, "classify", "--run", out, "--quiet")["accuracy"]
        with open(os.path.join(out, "losses.csv"), newline="") as f:
            losses = [float(row["loss"]) for row in csv.DictReader(f)]
    return {"losses": losses, "mse": metrics["mse"][model]["test"], "seconds": metrics["seconds"][model] / args.epochs, **accuracy}


def run_torch(args, nb, model, seed):
    """The same with PyTorch."""
    nb.torch.manual_seed(seed)
    train, test = (nb.notebook_loader(args.data, args.dataset, split, args.limit) for split in (True, False))
    network, criterion, optimizer = nb.new_model()
    losses, began = [], time.perf_counter()
    for epoch in range(args.epochs):
        nb.train_epoch(network, criterion, optimizer, train, losses, contrastive=model == "contrastive")
        note("PyTorch, %s, seed %d: epoch %d of %d, loss %e" % (model, seed, epoch + 1, args.epochs, losses[-1]))
    seconds = (time.perf_counter() - began) / args.epochs
    splits = {"train": nb.encode_split(network, train), "test": nb.encode_split(network, test)}
    result = {"losses": losses, "mse": splits["test"][3], "seconds": seconds}
    for at, space in enumerate(("original", "latent")):
        labels = splits["train"][2]
        mu = nb.centers(splits["train"][at], labels)
        result[space] = {name: (nb.predict(split[at], mu) == split[2]).double().mean().item() for name, split in splits.items()}
    return result


def note(text):
    print(text, file=sys.stderr, flush=True)


class Table:
    def __init__(self):
        self.rows = []

    def add(self, seed, model, measure, theirs, ours, form, difference, tolerance):
        """A row that is judged by |difference| <= tolerance, or only shown where tolerance is None."""
        unit = " points" if "%%" in form else ""
        show = ("%+.2f" if unit else "%+.1e") % difference
        limit = "" if tolerance is None else ("%g" % tolerance) + unit
        agrees = "" if tolerance is None else "yes" if abs(difference) <= tolerance else "NO"
        self.rows.append([seed, model, measure, form % theirs, form % ours, show + unit, limit, agrees])

    def relative(self, seed, model, measure, theirs, ours, form, tolerance=None):
        self.add(seed, model, measure, theirs, ours, form, (ours - theirs) / theirs, tolerance)

    def points(self, seed, model, measure, theirs, ours, tolerance=None):
        self.add(seed, model, measure, 100 * theirs, 100 * ours, "%.2f %%", 100 * (ours - theirs), tolerance)

    def compare(self, seed, model, epochs, theirs, ours):
        """All rows of one model of one seed."""
        a, b = theirs["losses"], ours["losses"]
        if len(a) != len(b):
            self.add(seed, model, "steps", len(a), len(b), "%d", len(b) - len(a), 0)
            return
        differences = [(y - x) / x for x, y in zip(a, b)]
        for step in sorted({s for s in STEPS if s <= len(a)} | {len(a)} | ({len(a) // 2} if epochs > 2 else set())):
            tolerance = 1e-5 if step <= 10 else FIRST_EPOCH[model] if step <= 59 else None
            self.relative(seed, model, "loss, step %d" % step, a[step - 1], b[step - 1], "%.9f", tolerance)
        for last, tolerance in (10, 1e-5), (59, FIRST_EPOCH[model]):
            worst = max(range(min(last, len(a))), key=lambda i: abs(differences[i]))
            self.relative(seed, model, "loss, furthest of steps 1 to %d" % last, a[worst], b[worst], "%.9f", tolerance)
        one = epochs == 1
        self.relative(seed, model, "test MSE", theirs["mse"], ours["mse"], "%.6f", 1e-3 if one else None)
        for space in ("original", "latent"):
            for split in ("train", "test"):
                tolerance = 0.05 if space == "original" else 0.5 if one else None
                self.points(seed, model, "%s accuracy, %s" % (space, split), theirs[space][split], ours[space][split], tolerance)
        self.rows.append([seed, model, "seconds per epoch", "%.2f" % theirs["seconds"], "%.2f" % ours["seconds"],
                          "%.2f times as fast" % (theirs["seconds"] / ours["seconds"]), "", ""])

    def means(self, model, theirs, ours):
        """What is judged after more than one epoch."""
        mean = lambda runs, pick: sum(map(pick, runs)) / len(runs)
        pick = lambda r: r["mse"]
        self.relative("mean", model, "test MSE", mean(theirs, pick), mean(ours, pick), "%.6f", 3e-2)
        for split in ("train", "test"):
            pick = lambda r: r["latent"][split]
            self.points("mean", model, "latent accuracy, " + split, mean(theirs, pick), mean(ours, pick), 2)

    def text(self):
        """For a terminal: columns, and a line between runs."""
        cells = [[str(c) for c in row] for row in [HEADER] + self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEADER))]
        lines, last = [], None
        for row in cells:
            if row[:2] != last and last is not None:
                lines.append("")
            last = row[:2]
            lines.append("  ".join(c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip())
        return "\n".join(lines)

    def markdown(self):
        rows = [HEADER, ["---"] * 3 + ["---:"] * 4 + ["---"]] + self.rows
        return "\n".join("| " + " | ".join(str(c) for c in row) + " |" for row in rows)


def main():
    args = arguments()
    if not os.access(args.latent, os.X_OK):
        give_up("%s is missing: run make" % args.latent)
    try:
        import notebook as nb
    except ImportError as error:
        give_up("%s lacks %s; PyTorch and numpy are needed: apt-get install python3-torch python3-numpy (1.13 on Debian 12), or "
                "%s -m pip install torch numpy (and torchvision, for the notebook's own MNIST). Another Python is named by "
                "make compare PYTHON=/usr/bin/python3" % (sys.executable, error.name or error, sys.executable))
    latent(args, "data", "--data", args.data, "--dataset", args.dataset, "--quiet")
    info = latent(args, "info")
    heading = "PyTorch %s (at::get_num_threads() %d, %s) beside latent %s on libtorch %s (threads %d): %s, epochs %d" % (
        nb.torch.__version__, nb.torch.get_num_threads(), nb.dataset_kind(), info["version"], info["libtorch"]["version"],
        info["threads"], args.dataset, args.epochs)
    if args.limit:
        heading += ", first %d images" % args.limit

    table, runs = Table(), {model: ([], []) for model in args.models}
    for seed in args.seeds:
        for model in args.models:
            note("latent, %s, seed %d" % (model, seed))
            ours = run_latent(args, model, seed)
            theirs = run_torch(args, nb, model, seed)
            table.compare(seed, model, args.epochs, theirs, ours)
            runs[model][0].append(theirs)
            runs[model][1].append(ours)
    if args.epochs > 1:
        for model, (theirs, ours) in runs.items():
            table.means(model, theirs, ours)

    failed = sum(row[-1] == "NO" for row in table.rows)
    verdict = "%d of %d judged rows disagree" % (failed, sum(row[-1] != "" for row in table.rows))
    print(heading + "\n\n" + table.text() + "\n\n" + verdict)
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "accuracy.csv"), "w", newline="") as f:
        csv.writer(f).writerows([HEADER] + table.rows)
    with open(os.path.join(args.out, "accuracy.md"), "w") as f:
        f.write(heading + "\n\n" + table.markdown() + "\n\n" + verdict + "\n")
    note("written: %s and .md" % os.path.join(args.out, "accuracy.csv"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
