"""The calls of BenchmarkOverhead and the step of BenchmarkConvolutionStep from Python; overhead.sh runs it."""
import os
import time

import torch
from torch import nn

torch.set_num_threads(len(os.sched_getaffinity(0)))  # as many as Go takes

x, y = torch.ones(1), torch.ones(1)
with torch.no_grad():
    for name, f in {"add of 1": lambda: x + y, "exp of 1": lambda: x.exp(), "sum of 1": lambda: x.sum(), "reshape of 1": lambda: x.reshape(1, 1)}.items():
        best = 1e9
        for _ in range(5):
            start = time.perf_counter_ns()
            for _ in range(20_000):
                f()
            best = min(best, (time.perf_counter_ns() - start) / 20_000)
        print(f"Python  {name:14} {best:8.0f} ns")

model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
                      nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1))
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
times = []
for _ in range(40):
    start = time.perf_counter()
    data, target = torch.rand(64, 1, 28, 28), torch.randint(0, 10, (64,))
    optimizer.zero_grad()
    nn.functional.nll_loss(model(data), target).backward()
    optimizer.step()
    times.append(time.perf_counter() - start)
times.sort()
print(f"Python  convolution step: {times[0] * 1e3:.1f} ms at best, {times[len(times) // 2] * 1e3:.1f} ms median; torch {torch.__version__}, {torch.get_num_threads()} threads")
