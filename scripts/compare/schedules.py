#!/usr/bin/env python3
"""Compares maps by latent's schedules of t-SNE with scikit-learn's, and checks the limits.

    make && python3 scripts/compare/schedules.py --quick
    python3 scripts/compare/schedules.py --out runs/schedules

Sets are MNIST (2,000, 20,000 and 60,000 rows), Fashion-MNIST where data/ has it, scikit-learn's digits,
iris, wine and swiss roll, digits three times each, and every run folder given with --run: its
latents, 20,000 and 60,000. scikit-learn's map of each set is made once and kept in --out; 20,000
rows take it two minutes, 60,000 about ten. --quick leaves out all above 3,000 rows.

The judge is Go, `go test ./tsne -run ScheduleLimits`: KL over all pairs, the share of 30 neighbours that
the map keeps, trustworthiness (12 neighbours, 2,000 rows), 1-nearest-neighbour accuracy, and islands: the
connected components of a class, of more than 2 % of it, under links shorter than 3 times the median
distance to the 10th neighbour in the map, beyond one a class.
"""
import argparse
import gzip
import importlib.util
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def idx(path, skip):
    import numpy as np

    path = path if os.path.exists(path) else path + ".gz"
    if not os.path.exists(path):
        return None
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return np.frombuffer(f.read()[skip:], np.uint8)


def images(data, name):
    raw = os.path.join(data, name, "raw")
    x, labels = idx(os.path.join(raw, "train-images-idx3-ubyte"), 16), idx(os.path.join(raw, "train-labels-idx1-ubyte"), 8)
    if x is None or labels is None:
        print("%s is missing in %s: left out" % (name, data), file=sys.stderr)
        return None, None
    return x.reshape(-1, 784), labels


def sets(args):
    """Yields name, rows and labels."""
    import numpy as np
    from sklearn.datasets import load_digits, load_iris, load_wine, make_swiss_roll

    for name, load in (("iris", load_iris), ("wine", load_wine), ("digits", load_digits)):
        b = load()
        yield name, b.data, b.target
    three = np.arange(600).repeat(3)
    yield "duplicates", b.data[three], b.target[three]
    x, t = make_swiss_roll(3000, random_state=0)
    yield "swissroll", x, np.minimum((t - t.min()) / np.ptp(t) * 10, 9)  # ten strips along the roll
    x, labels = images(args.data, "MNIST")
    if x is not None:
        for name, every in (("mnist2k", 30), ("mnist20k", 3), ("mnist60k", 1)):
            yield name, x[::every] / np.float32(255), labels[::every]
    f, fashion_labels = images(args.data, "FashionMNIST")
    if f is not None and not args.quick:
        yield "fashion20k", f[::3] / np.float32(255), fashion_labels[::3]
    for run in args.run if x is not None and not args.quick else []:
        name, path = os.path.basename(os.path.normpath(run)), os.path.join(args.out, "latents.tmp.npy")
        subprocess.run([args.binary, "encode", "--run", run, "--split", "train", "--output", path, "--quiet"], check=True)
        z = np.load(path)
        os.remove(path)
        yield name + "20k", z[::3], labels[::3]
        yield name + "60k", z, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets")
    parser.add_argument("--run", action="append", default=[], help="run folder of a model whose latents are a set too; may be repeated")
    parser.add_argument("--out", default=os.path.join(ROOT, "runs", "schedules"), help="folder of the sets and scikit-learn's maps")
    parser.add_argument("--quick", action="store_true", help="sets of up to 3,000 rows only")
    parser.add_argument("--epochs", help="accepted, as in the other comparisons; t-SNE has none")
    parser.add_argument("--seeds", help="accepted, as in the other comparisons; both start from PCA")
    args = parser.parse_args()
    missing = [m for m in ("numpy", "sklearn") if importlib.util.find_spec(m) is None]
    if missing:
        sys.exit("%s is missing: pip install numpy scikit-learn" % missing[0])
    import numpy as np
    from sklearn.manifold import TSNE

    out = os.path.abspath(os.path.join(args.out, "quick" if args.quick else "all"))
    os.makedirs(out, exist_ok=True)
    for name, x, labels in sets(args):
        if args.quick and len(x) > 3000:
            continue
        x = np.ascontiguousarray(x, np.float32)
        np.save(os.path.join(out, name + ".npy"), x)
        np.save(os.path.join(out, name + ".labels.npy"), np.asarray(labels, np.int32))
        kept = os.path.join(out, name + ".scikit-learn.npy")
        if not os.path.exists(kept):
            print("scikit-learn: %s, %d rows" % (name, len(x)), file=sys.stderr)
            np.save(kept, TSNE(random_state=3, n_jobs=-1).fit_transform(x).astype(np.float32))
    done = subprocess.run(["go", "test", "./tsne", "-count=1", "-v", "-timeout", "2h", "-run", "TestScheduleLimits"],
                          cwd=ROOT, env=dict(os.environ, LATENT_SCHEDULES=out))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
