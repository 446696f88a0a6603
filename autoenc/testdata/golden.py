#!/usr/bin/env python3
"""Golden values of autoenc's tests, from the notebook's own cells in PyTorch.

Written, beside this file:
    golden-1.13-blas1.json, golden-1.13-blas2.json   PyTorch 1.13, whose OpenBLAS runs on 1 and on 2 threads
    golden-2.11.json                                 PyTorch 2.11
    distributed-1.13.json, distributed-2.11.json     two processes, by DistributedSampler and DistributedDataParallel on gloo

Initial weights and batch orders are recorded as SHA-256 of their bytes, losses
as the shortest text that reads back exactly.

One PyTorch's losses differ from another's, and from its own with another number
of BLAS threads: rounding, grown over an epoch to 1.4e-4 at most. So there are
several files, and the tests ask to be as near to one of them as they are to each other.
"""
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import goldens  # noqa: E402

ROWS, BATCH, EPOCHS, SEED, SIZE = 2001, 128, 2, 5, 2  # of the two processes


class AutoEncoder(nn.Module):
    def __init__(self, dim_in, act_func=nn.ReLU):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(dim_in, 1000), act_func(), nn.Linear(1000, 25), act_func(), nn.Linear(25, 50)
        )
        self.decoder = nn.Sequential(act_func(), nn.Linear(50, 1000), act_func(), nn.Linear(1000, dim_in))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def images(name):
    bytes_ = torch.from_numpy(goldens.idx("MNIST", name).reshape(-1, 784))
    return bytes_.to(torch.float32).div(255)  # as torchvision's ToTensor


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def run(seed, train, train_labels, test, test_labels):
    torch.manual_seed(seed)
    model = AutoEncoder(784)
    weights = {k: sha256(v.numpy()) for k, v in model.state_dict().items()}
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-8)
    loader = DataLoader(TensorDataset(train, torch.arange(len(train))), batch_size=1024, shuffle=True)
    losses, order = [], []
    for x, rows in loader:
        z = model.encoder(x)
        loss = criterion(model.decoder(z), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        order.append(rows.numpy())
    with torch.no_grad():
        mse = sum(criterion(model.decoder(model.encoder(b)), b).item() * len(b) for b in test.split(1024)) / len(test)
        z, zt = model.encoder(train), model.encoder(test)
        centres = torch.stack([z[train_labels == c].mean(0) for c in range(10)])
        accuracy = [
            (torch.cdist(a, centres).argmin(1) == y).float().mean().item()
            for a, y in ((z, train_labels), (zt, test_labels))
        ]
    return {
        "seed": seed,
        "weights": weights,
        "order": sha256(np.concatenate(order)),
        "first_batch": order[0][:8].tolist(),
        "losses": losses,
        "test_mse": mse,
        "accuracy_train": accuracy[0],
        "accuracy_test": accuracy[1],
    }


def pattern():
    i, j = np.arange(ROWS, dtype=np.int64)[:, None], np.arange(784, dtype=np.int64)[None, :]
    return ((i * i * 7 + j * 13 + i * j * 5) % 256).astype(np.uint8)


def process(rank, port, output):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=SIZE)
    torch.manual_seed(SEED)
    ddp = nn.parallel.DistributedDataParallel(AutoEncoder(784))
    data = TensorDataset(torch.from_numpy(pattern()).float() / 255)
    sampler = DistributedSampler(data, num_replicas=SIZE, rank=rank, shuffle=True, seed=SEED)
    loader = DataLoader(data, batch_size=BATCH, sampler=sampler)
    optimizer = torch.optim.Adam(ddp.parameters(), lr=1e-3, weight_decay=1e-8)
    losses = []
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        for (x,) in loader:
            loss = nn.functional.mse_loss(ddp(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mean = loss.detach().clone()
            dist.all_reduce(mean)
            losses.append(mean.item() / SIZE)
    if rank == 0:
        orders = []
        for n, size, shuffle, seed, epoch in [(10, 2, True, 0, 0), (11, 2, True, 3, 0), (11, 4, True, 3, 2),
                                              (3, 8, True, 1, 1), (7, 3, False, 0, 0), (5, 1, True, 9, 4)]:
            for r in range(size):
                s = DistributedSampler(range(n), num_replicas=size, rank=r, shuffle=shuffle, seed=seed)
                s.set_epoch(epoch)
                orders.append(dict(n=n, size=size, rank=r, shuffle=shuffle, seed=seed, epoch=epoch, rows=list(s)))
        with open(output, "w") as f:
            json.dump(dict(torch=torch.__version__, rows=ROWS, batch=BATCH, epochs=EPOCHS, seed=SEED, size=SIZE,
                           losses=losses, orders=orders), f)
            f.write("\n")
    dist.destroy_process_group()


def notebook(out):
    """The notebook's first epoch, of two seeds."""
    train, test = images("train-images-idx3-ubyte"), images("t10k-images-idx3-ubyte")
    train_labels, test_labels = (torch.from_numpy(goldens.idx("MNIST", f"{n}-labels-idx1-ubyte")) for n in ("train", "t10k"))
    runs = [run(seed, train, train_labels, test, test_labels) for seed in (0, 1)]
    out.write_text(json.dumps({"torch": torch.__version__, "numpy": np.__version__, "runs": runs}, indent=1) + "\n")


def write(folder):
    version, threads = goldens.torch_version(), os.environ.get("OPENBLAS_NUM_THREADS")
    if not version.startswith("1."):
        notebook(folder / f"golden-{version}.json")
    elif "GOLDEN_FOLDER" in os.environ:
        notebook(pathlib.Path(os.environ["GOLDEN_FOLDER"]) / f"golden-{version}-blas{threads}.json")
        return
    else:  # OpenBLAS reads its number of threads when it is loaded
        for threads in "12":
            env = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "GOLDEN_FOLDER": str(folder)}
            arguments = [a for a in sys.argv[1:] if a != "--check"]
            subprocess.run([sys.executable, __file__, *arguments], env=env, check=True)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    mp.spawn(process, args=(port, folder / f"distributed-{version}.json"), nprocs=SIZE)


if __name__ == "__main__":
    goldens.run(write, __file__)
