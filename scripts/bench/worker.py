#!/usr/bin/env python3
"""PyTorch's side of bench.py: a process that measures what the lines of its stdin name, one JSON line each.

It says first what it is ({"torch": ..., "threads": ...}, or {"skip": why}), after warming up. With --first-step
it runs the notebook to its first loss instead, prints that and ends; bench.py holds the watch.
"""
import argparse
import ctypes
import json
import logging
import os
import sys
import time

# notebook.py, the notebook in PyTorch, is the comparison scripts' too.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compare"))


def threads_of_blas():
    """OpenBLAS's threads, where that is the BLAS; MKL's and others' are PyTorch's own."""
    try:
        with open("/proc/self/maps") as f:
            paths = {line.split()[-1] for line in f if "openblas" in line or "libblas" in line}
        for path in sorted(paths):
            library = ctypes.CDLL(path)
            if hasattr(library, "openblas_get_num_threads"):
                return int(library.openblas_get_num_threads())
    except OSError:
        pass
    return 0


def say(**fields):
    print(json.dumps(fields), flush=True)


def first_step(args):
    import notebook as nb

    nb.torch.manual_seed(0)
    if args.threads:
        nb.torch.set_num_threads(args.threads)
    loader = nb.notebook_loader(args.data, "mnist", True)
    model, criterion, optimizer = nb.new_model()
    losses = []
    for batch in loader:
        nb.train_epoch(model, criterion, optimizer, [batch], losses)
        say(loss=losses[-1])
        os._exit(0)


class Bench:
    def __init__(self, args):
        import notebook as nb

        self.nb, self.torch, self.mode = nb, nb.torch, args.mode
        torch = self.torch
        if args.threads:
            torch.set_num_threads(args.threads)
        self.data = args.data
        torch.manual_seed(0)
        images, self.labels = nb.read_split(args.data, "mnist", True)
        self.images = images.reshape(len(images), -1).to(torch.float32).div(255)
        self.model, self.criterion, self.optimizer = nb.new_model()
        self.loss, self.update = self.eager_loss, self.optimizer.step
        if self.mode == "compile":
            torch._logging.set_logs(all=logging.ERROR)  # it warns of what it leaves to eager
            self.loss = torch.compile(self.eager_loss, dynamic=False)
            self.update = torch.compile(self.optimizer.step)
        self.loader = None
        self.epoch()  # warms up, and compiles

    def eager_loss(self, x):
        return self.criterion(self.model(x), x)

    def bf16_loss(self, x):
        with self.torch.autocast("cpu", dtype=self.torch.bfloat16):
            return self.eager_loss(x)

    def epoch(self):
        """The notebook's epoch with the data in tensors already."""
        loss_of = self.bf16_loss if self.mode == "bf16" else self.loss
        losses = []
        for rows in self.torch.randperm(len(self.images)).split(self.nb.BATCH):
            loss = loss_of(self.images[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.update()
            losses.append(loss.item())

    def dataloader(self):
        """The notebook's epoch as written: torchvision's MNIST, ToTensor, DataLoader."""
        if self.loader is None:
            self.loader = self.nb.notebook_loader(self.data, "mnist", True)
        return self.seconds(self.nb.train_epoch, self.model, self.criterion, self.optimizer, self.loader, [])

    def encode(self):
        with self.torch.no_grad():
            self.torch.cat([self.model.encoder(x) for x in self.images.split(self.nb.BATCH)])

    def mm(self):
        """Seconds of one product of 2048 x 2048."""
        torch = self.torch
        a, b, c = (torch.randn(2048, 2048) for _ in range(3))
        return self.mean(lambda: torch.mm(a, b, out=c))

    def centroid(self, what, columns):
        """Seconds of fit or predict on 60,000 rows, with PyTorch."""
        torch = self.torch
        x = torch.randn(60000, columns, generator=torch.Generator().manual_seed(1))
        labels = torch.arange(60000) % 10
        mu = self.nb.centers(x, labels)
        if what == "fit":
            return self.mean(lambda: self.nb.centers(x, labels))
        return self.mean(lambda: self.nb.predict(x, mu))

    def mean(self, f):
        """Seconds of f, the mean of five after one that warms up."""
        f()
        return self.seconds(lambda: [f() for _ in range(5)]) / 5

    @staticmethod
    def seconds(f, *args):
        began = time.perf_counter()
        f(*args)
        return time.perf_counter() - began

    def measure(self, name, *words):
        if name == "epoch":
            return self.seconds(self.epoch)
        if name == "encode":
            return self.mean(self.encode)
        if name in ("dataloader", "mm"):
            return getattr(self, name)()
        return self.centroid(name, int(words[0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, default=0, help="torch.set_num_threads; 0 leaves PyTorch's own")
    parser.add_argument("--mode", choices=["eager", "compile", "bf16"], default="eager")
    parser.add_argument("--first-step", action="store_true")
    args = parser.parse_args()
    if args.first_step:
        first_step(args)
    try:
        import torch

        if args.mode == "compile" and not hasattr(torch, "compile"):
            say(skip="torch.compile came with PyTorch 2.0, this is " + torch.__version__)
            return
        import notebook as nb

        bench = Bench(args)
    except Exception as error:  # a compiler that is missing, an operation that is not supported
        say(skip="%s: %s" % (type(error).__name__, " ".join(str(error).split())[:200]))
        return
    say(torch=torch.__version__, threads=torch.get_num_threads(), blas_threads=threads_of_blas(), dataset=nb.dataset_kind())
    for line in sys.stdin:
        say(seconds=bench.measure(*line.split()))


if __name__ == "__main__":
    main()
