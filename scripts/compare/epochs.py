#!/usr/bin/env python3
"""Trains one of the notebook's two models in PyTorch for many epochs and writes how well nearest centroids do by epoch.

    OMP_NUM_THREADS=1 python3 scripts/compare/epochs.py --epochs 500 --out plain.csv
    OMP_NUM_THREADS=1 python3 scripts/compare/epochs.py --epochs 500 --model contrastive --out contrastive.csv

The file is a new one, has the columns of accuracy.csv in a run folder of `latent train`, and one more for the test MSE, for the
same epochs, and grows as the training goes on. Everything is notebook.py's but for two shortcuts that change no number: images become
tensors once, not at every epoch, and the generator is put back after a measurement.
"""
import argparse
import csv
import os
import sys
import time

import torch
from torch.utils.data import DataLoader

import notebook as nb

COLUMNS = ["epoch", *("%s_%s" % (space, split) for space in ("original", "latent", "latent_cosine") for split in ("train", "test")), "mse_test"]


def measured(epoch):
    """Whether latent measures after this epoch (internal/train/epochs.go)."""
    return epoch <= 2 or epoch % (5 if epoch <= 50 else 10) == 0


class Batches(torch.utils.data.Dataset):
    """Rows by the whole batch: DataLoader draws the same order as for single rows."""

    def __init__(self, data, dataset, train, limit):
        images, labels = nb.read_split(data, dataset, train)
        limit = limit or len(images)
        self.images, self.labels = images[:limit].unsqueeze(1).float().div(255), labels[:limit]

    def __len__(self):
        return len(self.images)

    def __getitems__(self, rows):
        return self.images[rows], self.labels[rows]

    def __getitem__(self, row):
        return self.__getitems__([row])


def predict_cosine(x, mu):
    """The class of the centre in the nearest direction, as `latent classify --metric cosine`."""
    return (nb.F.normalize(x) @ nb.F.normalize(mu).T).argmax(1)


def accuracies(model, train, test):
    """In the order of COLUMNS, without the epoch."""
    kept = torch.get_rng_state()
    splits = [nb.encode_split(model, loader) for loader in (train, test)]
    torch.set_rng_state(kept)
    row = []
    for at, predict in (0, nb.predict), (1, nb.predict), (1, predict_cosine):
        mu = nb.centers(splits[0][at], splits[0][2])
        row += ["%.6f" % (predict(split[at], mu) == split[2]).double().mean().item() for split in splits]
    return row + ["%.6f" % splits[1][3]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=500, help="default 500, as in the notebook")
    parser.add_argument("--model", default="reconstruction", choices=["reconstruction", "contrastive"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="data", help="folder of the data sets (default data)")
    parser.add_argument("--dataset", default="mnist", choices=list(nb.FOLDERS))
    parser.add_argument("--limit", type=int, default=0, help="only the first N images of each split, to try the script itself")
    parser.add_argument("--out", required=True, help="the CSV file to write")
    args = parser.parse_args()
    if os.path.exists(args.out):
        parser.error("--out: %s exists: name another file, or remove it" % args.out)

    torch.manual_seed(args.seed)
    whole = lambda batch: batch  # __getitems__ has put it together
    train, test = (DataLoader(Batches(args.data, args.dataset, split, args.limit), nb.BATCH, shuffle=True, collate_fn=whole)
                   for split in (True, False))
    model, criterion, optimizer = nb.new_model()
    losses, began = [], time.perf_counter()
    with open(args.out, "x", newline="") as f:
        table = csv.writer(f)
        table.writerow(COLUMNS)
        for epoch in range(1, args.epochs + 1):
            nb.train_epoch(model, criterion, optimizer, train, losses, contrastive=args.model == "contrastive")
            if measured(epoch):
                table.writerow([epoch, *accuracies(model, train, test)])
                f.flush()
            print("PyTorch %s, %s, seed %d: epoch %d of %d, loss %e, %.0f s" % (
                torch.__version__, args.model, args.seed, epoch, args.epochs, losses[-1], time.perf_counter() - began), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
