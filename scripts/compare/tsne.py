#!/usr/bin/env python3
"""Runs latent's t-SNE and its peers on one input, in turn, and compares them.

    make && python3 scripts/compare/tsne.py --quick
    python3 scripts/compare/tsne.py --seeds 0,1,2 --out runs/compare-tsne

Peers are scikit-learn, scikit-learn-intelex and openTSNE (Barnes-Hut and FFT); one that is not
installed is named with the command that installs it, and left out. All use their defaults, which
are latent's: perplexity 30, theta 0.5, 1000 iterations (openTSNE: 250 + 500), PCA start.

Every map is judged by the same evaluator: KL(P || Q) with scikit-learn's P and Q over all pairs, and
the share of the 10 nearest neighbours that the map keeps. Seconds are those of the whole command
for latent, reading and writing included, and of fit_transform alone for the peers.
"""
import argparse
import csv
import gzip
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PEERS = {  # name: module, package
    "scikit-learn-intelex": ("sklearnex", "scikit-learn-intelex"),
    "scikit-learn": ("sklearn", "scikit-learn"),
    "openTSNE-fft": ("openTSNE", "openTSNE"),
    "openTSNE-bh": ("openTSNE", "openTSNE"),
}
FIELDS = ["tool", "version", "seed", "n", "dims", "seconds", "cpu_seconds", "peak_mb", "kl", "neighbors_kept"]


def load(args):
    import numpy as np

    if args.input:
        x = np.load(args.input) if args.input.endswith(".npy") else np.loadtxt(args.input, delimiter=",", ndmin=2)
        every = args.every or 1
    else:
        every = args.every or 3
        raw = os.path.join(args.data, "MNIST", "raw", "train-images-idx3-ubyte")
        path = raw if os.path.exists(raw) else raw + ".gz"
        if not os.path.exists(path):
            sys.exit("%s is missing: run `bin/latent data`, or give --input X.npy" % raw)
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
            x = np.frombuffer(f.read()[16:], np.uint8).reshape(-1, 784).astype(np.float32) / 255
    if args.quick:
        every = max(every, len(x) // 2000)
    return np.ascontiguousarray(x[::every], dtype=np.float32)


def worker(name, source, target, seed, threads):
    """Runs one peer in this process and prints its version and seconds as JSON."""
    import numpy as np

    x = np.load(source)
    if name.startswith("openTSNE"):
        import openTSNE

        method = {"openTSNE-fft": "fft", "openTSNE-bh": "bh"}[name]
        model = openTSNE.TSNE(random_state=seed, negative_gradient_method=method, n_jobs=threads, neighbors="auto")
        began = time.perf_counter()
        y = np.asarray(model.fit(x))
        version = openTSNE.__version__
    else:
        if name == "scikit-learn-intelex":
            from sklearnex import patch_sklearn

            patch_sklearn(verbose=False)
            from importlib.metadata import version as of

            version = of("scikit-learn-intelex")
        else:
            import sklearn

            version = sklearn.__version__
        from sklearn.manifold import TSNE

        model = TSNE(random_state=seed, n_jobs=threads)
        began = time.perf_counter()
        y = model.fit_transform(x)
    seconds = time.perf_counter() - began
    np.save(target, y.astype(np.float32))
    print(json.dumps({"seconds": seconds, "version": version}))


def run(command, threads):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    began = time.perf_counter()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    out, err = p.stdout.read(), p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    if status != 0:
        sys.exit("%s failed:\n%s" % (" ".join(command), err))
    peak = usage.ru_maxrss / (1024 if platform.system() == "Linux" else 1 << 20)
    return out, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak


class Evaluator:
    def __init__(self, x, perplexity=30, k=10):
        from sklearn.manifold._t_sne import _joint_probabilities_nn
        from sklearn.neighbors import NearestNeighbors

        self.k = k
        nn = NearestNeighbors(n_neighbors=min(len(x) - 1, int(3 * perplexity + 1))).fit(x)
        d = nn.kneighbors_graph(mode="distance")
        self.near = d.indices.reshape(len(x), -1)[:, :k].copy()  # P's making sorts d in place
        d.data **= 2
        self.p = _joint_probabilities_nn(d, perplexity, 0).tocoo()

    def __call__(self, y):
        import numpy as np
        from sklearn.neighbors import NearestNeighbors

        y = y.astype(np.float64)
        z = -float(len(y))
        for lo in range(0, len(y), 500):
            d2 = sum((y[lo:lo + 500, c, None] - y[None, :, c]) ** 2 for c in range(y.shape[1]))
            z += float((1 / (1 + d2)).sum())
        q = 1 / (1 + ((y[self.p.row] - y[self.p.col]) ** 2).sum(1)) / z
        kl = float((self.p.data * np.log(np.maximum(self.p.data, 1e-300) / q)).sum())
        near = NearestNeighbors(n_neighbors=self.k).fit(y).kneighbors(return_distance=False)
        kept = sum(len(np.intersect1d(a, b)) for a, b in zip(self.near, near)) / self.near.size
        return kl, kept


def table(rows):
    """The rows as Markdown: means over seeds, ratios to latent."""
    lines = ["| tool | version | seconds | against latent | CPU seconds | peak MB | KL | 10 neighbours kept |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    tools = list(dict.fromkeys(r["tool"] for r in rows))
    mean = lambda tool, field: sum(r[field] for r in rows if r["tool"] == tool) / sum(r["tool"] == tool for r in rows)
    for tool in tools:
        s = mean(tool, "seconds")
        lines.append("| %s | %s | %.2f | %.1f x | %.1f | %.0f | %.4f | %.2f %% |" % (
            tool, next(r["version"] for r in rows if r["tool"] == tool), s, s / mean(tools[0], "seconds"),
            mean(tool, "cpu_seconds"), mean(tool, "peak_mb"), mean(tool, "kl"), 100 * mean(tool, "neighbors_kept")))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--input", help="matrix, .npy or .csv; default: MNIST's train images")
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets")
    parser.add_argument("--every", type=int, help="take each K-th row (default: 3 of MNIST, 1 of --input)")
    parser.add_argument("--quick", action="store_true", help="about 2,000 rows")
    parser.add_argument("--seeds", default="0", help="comma-separated; each is one round of all tools")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every tool")
    parser.add_argument("--tools", default="latent," + ",".join(PEERS), help="which, and in which order")
    parser.add_argument("--out", help="folder for tsne.csv, tsne.md and the maps")
    parser.add_argument("--epochs", help="accepted, as in the other comparisons; t-SNE has none")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        name, source, target, seed = args.worker
        if name == "prepare":
            import numpy as np

            x = load(args)
            np.save(target, x)
            return print(json.dumps({"n": len(x), "d": x.shape[1]}))
        return worker(name, source, target, int(seed), args.threads)
    missing = [m for m in ("numpy", "sklearn") if importlib.util.find_spec(m) is None]
    if missing:
        sys.exit("%s is missing, which judges the maps: pip install numpy scikit-learn" % missing[0])

    tools = []
    for name in args.tools.split(","):
        if name == "latent":
            if not os.access(args.binary, os.X_OK):
                sys.exit("%s is missing: run `make`" % args.binary)
        elif name not in PEERS:
            sys.exit("unknown tool %s: want latent or one of %s" % (name, ", ".join(PEERS)))
        elif importlib.util.find_spec(PEERS[name][0]) is None:
            print("%s is not installed: pip install %s" % (name, PEERS[name][1]), file=sys.stderr)
            continue
        tools.append(name)

    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or scratch
        os.makedirs(out, exist_ok=True)
        source = os.path.join(scratch, "x.npy")
        # This process stays small until all have run: children inherit its peak memory.
        size, _, _, _ = run([sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--worker", "prepare", "-", source, "0"], args.threads)
        size = json.loads(size)
        print("%d rows of %d, %d threads, %s" % (size["n"], size["d"], args.threads, platform.processor() or platform.machine()), file=sys.stderr)
        for seed in [int(s) for s in args.seeds.split(",")]:
            for name in tools:
                target = os.path.join(out, "%s-%d.npy" % (name, seed))
                if name == "latent":
                    _, seconds, cpu, peak = run([args.binary, "tsne", "--input", source, "--output", target, "--seed", str(seed),
                                                      "--threads", str(args.threads), "--quiet"], args.threads)
                    version = "here"
                else:
                    text, _, cpu, peak = run([sys.executable, os.path.abspath(__file__), "--threads", str(args.threads),
                                                "--worker", name, source, target, str(seed)], args.threads)
                    result = json.loads(text.strip().splitlines()[-1])
                    seconds, version = result["seconds"], result["version"]
                rows.append({"tool": name, "version": version, "seed": seed, "n": size["n"], "dims": 2, "seconds": seconds,
                             "cpu_seconds": cpu, "peak_mb": peak, "map": target})
                print("seed %d: %s %.2f s" % (seed, name, seconds), file=sys.stderr)
        import numpy as np

        judge = Evaluator(np.load(source))
        for r in rows:
            r["kl"], r["neighbors_kept"] = judge(np.load(r.pop("map")))
        text = table(rows)
        print(text)
        if args.out:
            with open(os.path.join(out, "tsne.csv"), "w", newline="") as f:
                w = csv.DictWriter(f, FIELDS)
                w.writeheader()
                w.writerows(rows)
            with open(os.path.join(out, "tsne.md"), "w") as f:
                f.write("%d rows of %d values, %d threads, seeds %s, %s.\n\n%s\n" % (
                    size["n"], size["d"], args.threads, args.seeds, platform.platform(), text))


if __name__ == "__main__":
    main()
