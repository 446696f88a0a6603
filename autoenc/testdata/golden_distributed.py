#!/usr/bin/env python3
"""Goldens for training in several processes, from torch.utils.data.DistributedSampler and
torch.nn.parallel.DistributedDataParallel on gloo.

usage: python3 autoenc/testdata/golden_distributed.py OUTPUT.json   (autoenc/testdata/distributed-TORCHVERSION.json)
"""
import json
import os
import socket
import sys

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

ROWS, BATCH, EPOCHS, SEED, SIZE = 2001, 128, 2, 5, 2


def images():
    i, j = np.arange(ROWS, dtype=np.int64)[:, None], np.arange(784, dtype=np.int64)[None, :]
    return ((i * i * 7 + j * 13 + i * j * 5) % 256).astype(np.uint8)


def model():
    class AutoEncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 25), nn.ReLU(), nn.Linear(25, 50))
            self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(50, 1000), nn.ReLU(), nn.Linear(1000, 784))

        def forward(self, x):
            return self.decoder(self.encoder(x))

    return AutoEncoder()


def process(rank, port, output):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=SIZE)
    torch.manual_seed(SEED)
    ddp = nn.parallel.DistributedDataParallel(model())
    data = TensorDataset(torch.from_numpy(images()).float() / 255)
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


if __name__ == "__main__":
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    mp.spawn(process, args=(port, sys.argv[1]), nprocs=SIZE)
