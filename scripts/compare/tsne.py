#!/usr/bin/env python3
"""Runs latent's t-SNE and its peers on the same input, in turn, and compares them.

    make && python3 scripts/compare/tsne.py --quick
    python3 scripts/compare/tsne.py --seeds 0,1,2 --out runs/compare-tsne
    python3 scripts/compare/tsne.py --sizes 20000,60000,200000,1020000 --million million.npy --out runs/compare-tsne

Up to 60,000 rows are every K-th of MNIST's training images; more are the first rows of the matrix that
mnist_million.py writes. Peers are scikit-learn, scikit-learn-intelex, openTSNE (FFT and Barnes-Hut), tsne-h2pack
and the Rust crate bhtsne (FFT and Barnes-Hut); one that is not installed is named with the command that
installs it, and left out. Each runs up to a number of rows (ROWS) unless --tools names it. All use their defaults,
which are latent's: perplexity 30, theta 0.5, 1000 iterations (openTSNE: 250 + 500), PCA start where they have one.

A tool may be latent with flags, or another build of it: --tools "latent,latent --schedule scikit-learn,latent=old/latent".

Every map is judged by the same evaluator, judge_tsne: KL(P || Q), and the share of a sample's 10 nearest
neighbours that the map keeps. Seconds are those of the whole command for latent, reading and
writing included, and of the fit alone for the peers.
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

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
BHTSNE = os.path.join(ROOT, "build", "bhtsne", "release", "bhtsne-run")
BUILD_BHTSNE = 'RUSTFLAGS="-C target-cpu=native" cargo build --release --manifest-path scripts/compare/bhtsne/Cargo.toml --target-dir build/bhtsne'
PEERS = {  # name: module, or the program itself, and how to install it
    "scikit-learn-intelex": ("sklearnex", "pip install scikit-learn-intelex"),
    "scikit-learn": ("sklearn", "pip install scikit-learn"),
    "openTSNE-fft": ("openTSNE", "pip install openTSNE"),
    "openTSNE-bh": ("openTSNE", "pip install openTSNE"),
    "tsne-h2pack": ("tsne_h2pack", "pip install tsne-h2pack"),
    "bhtsne-fft": (BHTSNE, BUILD_BHTSNE),
    "bhtsne-bh": (BHTSNE, BUILD_BHTSNE),
}
ROWS = {"scikit-learn": 20000, "scikit-learn-intelex": 60000, "openTSNE-bh": 60000, "bhtsne-bh": 60000, "bhtsne-fft": 200000}
FIELDS = ["tool", "version", "seed", "n", "dims", "seconds", "cpu_seconds", "peak_mb", "kl", "neighbors_kept"]


def load(args, size):
    """The matrix to embed, of about size rows (0: all of --input, or every third image)."""
    import numpy as np

    if args.input:
        x = np.load(args.input) if args.input.endswith(".npy") else np.loadtxt(args.input, delimiter=",", ndmin=2)
        every = args.every or 1
    elif size > 60000:
        if not args.million:
            sys.exit("%d rows need --million FILE, which scripts/compare/mnist_million.py writes" % size)
        x, every = np.load(args.million, mmap_mode="r")[:size], 1
        if len(x) < size:
            sys.exit("%s has %d rows, want %d" % (args.million, len(x), size))
    else:
        raw = os.path.join(args.data, "MNIST", "raw", "train-images-idx3-ubyte")
        path = raw if os.path.exists(raw) else raw + ".gz"
        if not os.path.exists(path):
            sys.exit("%s is missing: run `bin/latent data`, or give --input X.npy" % raw)
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
            x = np.frombuffer(f.read()[16:], np.uint8).reshape(-1, 784).astype(np.float32) / 255
        every = args.every or (max(1, len(x) // size) if size else 3)
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
    elif name == "tsne-h2pack":
        from importlib.metadata import version as of

        from tsne_h2pack import TSNE

        version = of("tsne-h2pack")
        model = TSNE(random_state=seed, n_jobs=threads)
        began = time.perf_counter()
        y = model.fit_transform(x)
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
    env = dict(os.environ, **{name: str(threads) for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")})
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env)
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        if status != 0:
            errors.seek(0)
            sys.exit("%s failed:\n%s" % (" ".join(command), errors.read()))
    peak = usage.ru_maxrss / (1024 if platform.system() == "Linux" else 1 << 20)
    return out, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak


def measure(tool, args, source, target, seed):
    """Runs a tool on the matrix source and returns its version, seconds, CPU seconds and peak MB."""
    threads = str(args.threads)
    name, *flags = tool.split()
    if name.startswith("latent"):
        binary = name.partition("=")[2] or args.binary
        _, seconds, cpu, peak = run([binary, "tsne", "--input", source, "--output", target, "--seed", str(seed), "--threads", threads, "--quiet", *flags], args.threads)
        return "here", seconds, cpu, peak
    if name.startswith("bhtsne"):
        text, _, cpu, peak = run([BHTSNE, "fft" if name == "bhtsne-fft" else "barnes-hut", source, target], args.threads)
        with open(os.path.join(HERE, "bhtsne", "Cargo.toml")) as f:
            version = next(line for line in f if line.startswith("bhtsne")).split('"=')[1].split('"')[0]
        return version, float(text), cpu, peak
    text, _, cpu, peak = run([sys.executable, os.path.abspath(__file__), "--threads", threads, "--worker", name, source, target, str(seed)], args.threads)
    result = json.loads(text.strip().splitlines()[-1])
    return result["version"], result["seconds"], cpu, peak


def table(rows):
    """The rows of one size as Markdown: means over seeds, ratios to the first tool."""
    lines = ["| tool | version | seconds | against %s | CPU seconds | peak MB | KL | 10 neighbours kept |" % rows[0]["tool"],
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    tools = list(dict.fromkeys(r["tool"] for r in rows))
    mean = lambda tool, field: sum(r[field] for r in rows if r["tool"] == tool) / sum(r["tool"] == tool for r in rows)
    for tool in tools:
        s = mean(tool, "seconds")
        lines.append("| %s | %s | %.2f | %.1f x | %.1f | %.0f | %.4f | %.2f %% |" % (
            tool, next(r["version"] for r in rows if r["tool"] == tool), s, s / mean(tools[0], "seconds"),
            mean(tool, "cpu_seconds"), mean(tool, "peak_mb"), mean(tool, "kl"), 100 * mean(tool, "neighbors_kept")))
    return "\n".join(lines)


def chosen(args):
    """The tools that are here, of those asked for."""
    tools = []
    for name in args.tools.split(",") if args.tools else ["latent", *PEERS]:
        if name.startswith("latent"):
            binary = name.split()[0].partition("=")[2] or args.binary
            if not os.access(binary, os.X_OK):
                sys.exit("%s is missing: run `make`" % binary)
        elif name not in PEERS:
            sys.exit("unknown tool %s: want latent or one of %s" % (name, ", ".join(PEERS)))
        else:
            needs, install = PEERS[name]
            if not (os.access(needs, os.X_OK) if os.sep in needs else importlib.util.find_spec(needs)):
                print("%s is not installed: %s" % (name, install), file=sys.stderr)
                continue
        tools.append(name)
    return tools


def compare(args, size, tools, out, scratch):
    """Runs the tools on the matrix of a size, in turn, and returns the rows of its table."""
    source = os.path.join(scratch, "x.npy")
    # This process stays small until all have run: children inherit its peak memory.
    text, _, _, _ = run([sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--worker", "prepare", str(size), source, "0"], args.threads)
    shape = json.loads(text)
    print("%d rows of %d, %d threads, %s" % (shape["n"], shape["d"], args.threads, platform.processor() or platform.machine()), file=sys.stderr)
    rows = []
    for seed in [int(s) for s in args.seeds.split(",")]:
        for name in tools:
            if not args.tools and shape["n"] > ROWS.get(name, shape["n"]):
                print("%s is left out above %d rows (--tools %s)" % (name, ROWS[name], name), file=sys.stderr)
                continue
            target = os.path.join(out, "%s-%d-%d.npy" % ("".join(c if c.isalnum() or c in "-." else "_" for c in name), shape["n"], seed))
            version, seconds, cpu, peak = measure(name, args, source, target, seed)
            rows.append({"tool": name, "version": version, "seed": seed, "n": shape["n"], "dims": 2, "seconds": seconds,
                         "cpu_seconds": cpu, "peak_mb": peak, "map": target})
            print("seed %d: %s %.2f s" % (seed, name, seconds), file=sys.stderr)
    judged, _, _, _ = run(["go", "-C", ROOT, "run", "./scripts/compare/judge_tsne", "--input", source, *[os.path.abspath(r["map"]) for r in rows]], args.threads)
    for r, line in zip(rows, judged.splitlines(), strict=True):
        verdict = json.loads(line)
        r["kl"], r["neighbors_kept"] = verdict["kl"], verdict["neighbors_kept"]
        del r["map"]
    return rows, "%d rows of %d values, %d threads, seeds %s, %s.\n\n%s\n" % (
        shape["n"], shape["d"], args.threads, args.seeds, platform.platform(), table(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--input", help="matrix, .npy or .csv; default: MNIST's train images")
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets")
    parser.add_argument("--every", type=int, help="take each K-th row (default: 3 of MNIST, 1 of --input)")
    parser.add_argument("--sizes", default="0", help="comma-separated numbers of rows, each a table; 0, the default, is as --every says")
    parser.add_argument("--million", help="the matrix that scripts/compare/mnist_million.py writes, for sizes above 60000")
    parser.add_argument("--quick", action="store_true", help="about 2,000 rows")
    parser.add_argument("--seeds", default="0", help="comma-separated; each is one round of all tools")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every tool")
    parser.add_argument("--tools", help="which, and in which order; default: latent and all peers")
    parser.add_argument("--out", help="folder for tsne.csv, tsne.md and the maps")
    parser.add_argument("--epochs", help="accepted, as in the other comparisons; t-SNE has none")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        name, source, target, seed = args.worker
        if name == "prepare":
            import numpy as np

            x = load(args, int(source))
            np.save(target, x)
            return print(json.dumps({"n": len(x), "d": x.shape[1]}))
        return worker(name, source, target, int(seed), args.threads)
    if importlib.util.find_spec("numpy") is None:
        sys.exit("numpy is missing, which reads the matrices: pip install numpy")
    tools = chosen(args)
    rows, text = [], ""
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or scratch
        os.makedirs(out, exist_ok=True)
        for size in [int(s) for s in args.sizes.split(",")]:
            more, page = compare(args, size, tools, out, scratch)
            rows, text = rows + more, text + page + "\n"
            print(page)
            if args.out:  # after each size: the next may take long
                with open(os.path.join(out, "tsne.csv"), "w", newline="") as f:
                    w = csv.DictWriter(f, FIELDS)
                    w.writeheader()
                    w.writerows(rows)
                with open(os.path.join(out, "tsne.md"), "w") as f:
                    f.write(text)


if __name__ == "__main__":
    main()
