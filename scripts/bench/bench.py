#!/usr/bin/env python3
"""Times latent beside PyTorch on the same libtorch, in turn, in one run: `make bench`.

    make bench                                          five rounds, about three minutes on two cores
    python3 scripts/bench/bench.py --quick                    one round, without torch.compile
    python3 scripts/bench/bench.py --python venv/bin/python   PyTorch of another Python

Any Python 3.7 or later runs this script; PyTorch's side runs in the Python whose torch has the libtorch that
latent links (--python, LATENT_PYTHON, the one it was built against, this one, python3, /usr/bin/python3). Without
one latent is timed alone. Each round times every contender once, every other round in reverse; a round's first
use is warmed up. The minimum and the median of the rounds are told, and as the result their ratios to latent's:
above 1.00 latent is faster. bench.md and bench.json go to --out. t-SNE has a script of its own, scripts/compare/tsne.py.

An epoch is 0.4978 TFLOP of matrix products: 2 x 60,000 x (2 x 1,644,250 weights, forward and for their gradient,
+ 860,250, all but the first layer's, for the gradient of its input). latent leaves out most of those with pixels that are
0 (torch/native/sparse.cc), which are counted here all the same: its share of mm's rate may pass 100 %.
"""
import argparse
import contextlib
import json
import os
import platform
import pty
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
WORKER = os.path.join(ROOT, "scripts", "bench", "worker.py")
EPOCH_FLOP = 2 * 60000 * (2 * 1644250 + 860250)
MM_FLOP = 2 * 2048 ** 3
REPEAT = 5  # what takes less than a second is done so often for one time; worker.py does so too
GET_TORCH = "install it with apt-get install python3-torch python3-numpy (Debian), or pip install torch numpy"


def note(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def give_up(text):
    note(text)
    sys.exit(2)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed (default 5)")
    parser.add_argument("--quick", action="store_true", help="one round, without torch.compile")
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets (default data)")
    parser.add_argument("--latent", "--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--python", help="PyTorch's Python, whatever its libtorch")
    parser.add_argument("--out", default=os.path.join(ROOT, "runs", "bench"), help="folder of bench.md and bench.json")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    if args.quick:
        args.rounds = 1
    args.data = os.path.abspath(args.data)
    return args


def latent_json(args, *words):
    if not os.access(args.latent, os.X_OK):
        give_up("%s is missing: run make" % args.latent)
    p = subprocess.run([args.latent, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if p.returncode != 0:
        give_up("%s %s: %s" % (args.latent, " ".join(words), p.stderr.strip()))
    return json.loads(p.stdout)


def cpu_model():
    with contextlib.suppress(OSError):
        with open("/proc/cpuinfo") as f:
            names = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


# Which Python.

def built_against():
    """The Python of build/libtorch.env: LATENT_PYTHON as it was given, or the one whose folders hold the library."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        with open(os.path.join(ROOT, "build", "libtorch.env")) as f:
            env = dict(shlex.split(line)[0].split("=", 1) for line in f if not line.startswith("#") and "=" in line)
        if env.get("LIBTORCH_WHY", "").startswith("LATENT_PYTHON="):
            yield env["LIBTORCH_WHY"].split("=", 1)[1]
        if "-packages" in env["LIBTORCH_LIB"]:  # .../lib/python3.11/site-packages/torch/lib
            yield os.path.join(env["LIBTORCH_LIB"].split("/lib/python", 1)[0], "bin", "python3")


def libtorch_of(python):
    """The libtorch_cpu that a Python's torch loads, or None."""
    if shutil.which(python) is None:
        return None
    code = "import importlib.util, os; import numpy; print(os.path.dirname(importlib.util.find_spec('torch').origin))"
    p = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    return os.path.realpath(os.path.join(p.stdout.strip(), "lib", "libtorch_cpu.so")) if p.returncode == 0 else None


def choose_python(args, ours):
    """(python, "") or (None, why not)."""
    ours = os.path.realpath(ours)
    if args.python:
        found = libtorch_of(args.python)
        if found is None:
            give_up("--python %s has no torch or no numpy: %s" % (args.python, GET_TORCH))
        if found != ours:
            note("%s has another libtorch than latent: %s, not %s" % (args.python, found, ours))
        return args.python, ""
    tried = []
    for python in filter(None, [os.environ.get("LATENT_PYTHON"), *built_against(), sys.executable, "python3", "/usr/bin/python3"]):
        if python not in tried:
            tried.append(python)
            if libtorch_of(python) == ours:
                return python, ""
    return None, "none of %s has torch with %s, and numpy: %s, and name it with --python" % (", ".join(tried), ours, GET_TORCH)


# What is timed.

class Results:
    """Seconds of each (what, who), in the order of the table."""

    def __init__(self):
        self.seconds, self.skipped = {}, {}

    def row(self, what, who):
        self.seconds.setdefault((what, who), [])

    def add(self, what, who, seconds):
        self.seconds[what, who].append(seconds)
        note("  %s, %s: %s" % (what, who, seconds_text(seconds)))

    def skip(self, what, who, why):
        self.row(what, who)
        self.skipped[what, who] = why


class Worker:
    """A process of worker.py."""

    def __init__(self, python, data, **options):
        words = [python, WORKER, "--data", data]
        for name, value in options.items():
            words += ["--" + name, str(value)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)
        self.about = self.read()

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"skip": "it ended with exit code %d" % self.process.wait()}

    def measure(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class GoTest:
    """A package's benchmarks, compiled once."""

    def __init__(self, folder, package):
        self.binary, self.package = os.path.join(folder, package + ".test"), os.path.join(ROOT, package)
        p = subprocess.run(["go", "test", "-c", "-o", self.binary, "."], cwd=self.package, stderr=subprocess.PIPE, universal_newlines=True)
        if p.returncode != 0:
            give_up("go test -c ./%s: %s" % (package, p.stderr.strip()))

    def measure(self, pattern, times=1):
        """Seconds of the one benchmark of a pattern, the mean of so many times, or None; and what it printed."""
        p = subprocess.run([self.binary, "-test.run=^$", "-test.bench=" + pattern, "-test.benchtime=%dx" % times, "-test.v"],
                           cwd=self.package, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        found = re.search(r"^Benchmark.*\s\d+\s+([\d.]+) ns/op", p.stdout, re.M)
        if p.returncode != 0:
            give_up("%s: benchmark %s failed:\n%s" % (self.package, pattern, p.stdout.strip()))
        return (float(found.group(1)) / 1e9 if found else None), p.stdout


def latent_first_step(args):
    """Seconds from the call of latent train to the first loss on its progress bar, which needs a terminal."""
    with tempfile.TemporaryDirectory() as folder:
        master, terminal = pty.openpty()
        began = time.perf_counter()
        p = subprocess.Popen([args.latent, "train", "--out", os.path.join(folder, "run"), "--epochs", "1", "--device", "cpu", "--data", args.data],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal, env=dict(os.environ, TERM="xterm"))
        os.close(terminal)
        text, seconds = b"", None
        with contextlib.suppress(OSError):  # the terminal's end, when latent has ended
            while True:
                piece = os.read(master, 4096)
                text += piece
                if seconds is None and re.search(rb"loss \d", text):
                    seconds = time.perf_counter() - began
                    p.send_signal(signal.SIGTERM)
                if not piece:
                    break
        p.wait()
        os.close(master)
        if seconds is None:
            give_up("latent train showed no loss: " + text.decode(errors="replace").strip())
        return seconds


def torch_first_step(python, args):
    began = time.perf_counter()
    p = subprocess.run([python, WORKER, "--first-step", "--data", args.data], stdout=subprocess.PIPE)
    seconds = time.perf_counter() - began
    if p.returncode != 0:
        give_up("the notebook's first step failed in " + python)
    return seconds


def contenders(args, info, results, stack, folder):
    """All timings of a round as functions without arguments, and what PyTorch is."""
    cores, threads = info["cores"], info["threads"]
    autoenc, centroid = GoTest(folder, "autoenc"), GoTest(folder, "centroid")
    epoch, start, encode = "epoch", "start-up to first step", "encode 60,000 images"
    fits = [("centroid %s, 60,000 x %d" % (what, d), what, d) for what in ("fit", "predict") for d in (784, 50)]
    jobs, about = [], None

    def ours(what, who, test, pattern, times=1):
        def job():
            seconds, _ = test.measure(pattern, times)
            results.add(what, who, seconds)
        results.row(what, who)
        jobs.append(job)

    ours(epoch, "latent, fp32", autoenc, "^BenchmarkEpoch$/^threads=%d$" % threads)
    ours(epoch, "latent, plain", autoenc, "^BenchmarkEpochPlain$")
    seconds, text = autoenc.measure("^BenchmarkEpochBF16$")
    if seconds is None:
        why = re.search(r"bench_test\.go:\d+: (.*)", text)
        results.skip(epoch, "latent, bf16", why.group(1) if why else "not offered here")
    else:
        ours(epoch, "latent, bf16", autoenc, "^BenchmarkEpochBF16$")

    python, why = choose_python(args, info["libtorch"]["path"])
    if python is None:
        results.skip(epoch, "PyTorch", why)
    plans = [("PyTorch eager, its own threads", {}), ("PyTorch eager, set to all cores", {"threads": cores}),
             ("torch.compile, set to all cores", {"threads": cores, "mode": "compile"})]
    if seconds is not None:
        plans.append(("PyTorch autocast to bf16, set to all cores", {"threads": cores, "mode": "bf16"}))
    workers = {}
    for who, options in plans if python else []:
        if args.quick and options.get("mode") == "compile":
            results.skip(epoch, who, "--quick has no time to compile")
            continue
        note("warm up: " + who)
        worker = Worker(python, args.data, **options)
        stack.callback(worker.close)
        if "skip" in worker.about:
            results.skip(epoch, who, worker.about["skip"])
            continue
        if options.get("mode") is None:
            blas = worker.about["blas_threads"]
            who += " (%d%s)" % (worker.about["threads"], ", OpenBLAS %d" % blas if blas else "")
            workers[who] = worker
        about = about or dict(worker.about, python=python)
        theirs(results, jobs, epoch, who, worker, "epoch")
    if workers:
        who = "the notebook's DataLoader, " + worker_threads(workers)
        theirs(results, jobs, epoch, who, next(iter(workers.values())), "dataloader")
    for who, worker in workers.items():
        theirs(results, jobs, "mm 2048 x 2048", who, worker, "mm")

    results.row(start, "latent train")
    jobs.append(lambda: results.add(start, "latent train", latent_first_step(args)))
    if python:
        results.row(start, "the notebook in PyTorch")
        jobs.append(lambda: results.add(start, "the notebook in PyTorch", torch_first_step(python, args)))
    ours(encode, "latent", autoenc, "^BenchmarkEncode$", REPEAT)
    for who, worker in workers.items():
        theirs(results, jobs, encode, who, worker, "encode")
    for what, verb, d in fits:
        ours(what, "latent", centroid, "^Benchmark%s$/^n=60000$/^d=%d$" % (verb.capitalize(), d), REPEAT)
        for who, worker in workers.items():
            theirs(results, jobs, what, who, worker, "%s %d" % (verb, d))
    return jobs, about


def worker_threads(workers):
    return next(iter(workers)).replace("PyTorch eager, ", "")


def theirs(results, jobs, what, who, worker, words):
    def job():
        answer = worker.measure(words)
        if "skip" in answer:
            give_up("%s, %s: PyTorch's process failed: %s" % (what, who, answer["skip"]))
        results.add(what, who, answer["seconds"])
    results.row(what, who)
    jobs.append(job)


# What is told.

HEADER = ["", "", "min", "median", "min / latent's", "median / latent's", "GFLOP/s", "of mm"]


def seconds_text(s):
    return "%.2f s" % s if s >= 1 else "%.1f ms" % (1000 * s)


def rows(results):
    """The table: a row for each contender, ratios to latent's, rates of what is matrix products."""
    mm = [s for (what, _), s in results.seconds.items() if what.startswith("mm") and s]
    fastest = {f: min(f(s) for s in mm) if mm else None for f in (min, statistics.median)}
    first, table = {}, []
    for (what, who), seconds in results.seconds.items():
        if (what, who) in results.skipped:
            table.append([what, who, "-", "left out: " + results.skipped[what, who], "", "", "", ""])
            continue
        row = [what, who] + [seconds_text(f(seconds)) for f in (min, statistics.median)]
        if who.startswith("latent"):
            first.setdefault(what, seconds)
        base = first.get(what)
        row += ["%.2f" % (f(seconds) / f(base)) if base and base is not seconds else "" for f in (min, statistics.median)]
        flop = EPOCH_FLOP if what == "epoch" else MM_FLOP if what.startswith("mm") else None
        row.append("%.0f" % (flop / min(seconds) / 1e9) if flop else "")
        # Shares by the fastest of either, and by medians: one lucky product says little.
        row.append(" / ".join("%.0f %%" % (100 * EPOCH_FLOP / f(seconds) / (MM_FLOP / fastest[f])) for f in fastest)
                   if what == "epoch" and mm else "")
        table.append(row)
    return table


def text_table(table):
    plain = [row if row[2] != "-" else row[:3] + [""] * 5 for row in table]  # a reason may be as long as it is
    widths = [max(len(row[i]) for row in [HEADER] + plain) for i in range(len(HEADER))]
    lines, what = [], None
    for row in [HEADER] + table:
        if row[0] != what and what is not None:
            lines.append("")
        cells = ["" if row[0] == what else row[0]] + row[1:]
        what = row[0]
        if row[2] == "-":
            lines.append("  ".join([cells[0].ljust(widths[0]), cells[1].ljust(widths[1]), cells[3]]))
        else:
            lines.append("  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))).rstrip())
    return "\n".join(lines)


def markdown(table):
    return "\n".join("| " + " | ".join(row) + " |" for row in [HEADER, ["---"] * 2 + ["---:"] * 6] + table)


def main():
    args = arguments()
    latent_json(args, "data", "--data", args.data, "--quiet")
    info = latent_json(args, "info", "--device", "cpu")
    load = os.getloadavg()[0]
    if load > 0.5:
        note("the machine is busy (load average %.1f): absolute times mean little, ratios less than on a quiet one" % load)
    results = Results()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        jobs, about = contenders(args, info, results, stack, folder)
        for r in range(args.rounds):
            note("round %d of %d" % (r + 1, args.rounds))
            for job in jobs if r % 2 == 0 else reversed(jobs):
                job()
    heading = "latent %s, libtorch %s (%s), BLAS %s; %s, %d of %d cores; %s; rounds: %d" % (
        info["version"], info["libtorch"]["version"], info["libtorch"]["path"], info["libtorch"]["blas"], cpu_model(), info["threads"],
        info["cores"], "PyTorch %s, %s" % (about["torch"], about["dataset"]) if about else "no PyTorch", args.rounds)
    if load > 0.5:
        heading += "; load average at the start %.1f" % load
    table = rows(results)
    print(heading + "\n\n" + text_table(table) + "\n\nt-SNE: scripts/compare/tsne.py")
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "bench.md"), "w") as f:
        f.write(heading + "\n\n" + markdown(table) + "\n")
    with open(os.path.join(args.out, "bench.json"), "w") as f:
        json.dump({"latent": info, "cpu": cpu_model(), "pytorch": about, "rounds": args.rounds, "load_average": load,
                   "epoch_flop": EPOCH_FLOP, "mm_flop": MM_FLOP,
                   "results": [{"what": what, "who": who, "seconds": s, **({"skipped": results.skipped[what, who]} if (what, who) in results.skipped else
                                {"min": min(s), "median": statistics.median(s)})} for (what, who), s in results.seconds.items()]}, f, indent=1)
        f.write("\n")
    note("written: %s and .json" % os.path.join(args.out, "bench.md"))


if __name__ == "__main__":
    main()
