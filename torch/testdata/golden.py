#!/usr/bin/env python3
"""Golden values of torch's tests, from PyTorch's own operations and gradients.

golden.json is PyTorch 1.13's. Another PyTorch's --check compares with it: random numbers and integers must be equal,
floats must agree to 1e-5. The goldens of operations.table and of the modules and optimisers are kept for each version, in
torch-VERSION/, from operations.py and modules.py.
"""
import hashlib
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import goldens  # noqa: E402
import modules  # noqa: E402
import operations as table  # noqa: E402

SEEDS = [0, 1, -1, 2**63 - 1]


def dump(t):
    """A tensor as JSON; the shortest decimal that reads back as the same float32."""
    t = t.detach().contiguous()
    values = [float(str(np.float32(v))) for v in t.reshape(-1).tolist()] if t.dtype == torch.float32 else t.reshape(-1).int().tolist()
    return {"shape": list(t.shape), "dtype": str(t.dtype).split(".")[1], "data": values}


def rand(*shape, low=-2.0, high=2.0):
    """Values with four decimals, so that the file stays small."""
    return torch.round(torch.empty(shape).uniform_(low, high) * 1e4) / 1e4


def case(name, f, *inputs, **parameters):
    """f(*inputs), and the gradients of sum(output * upstream) for every float input."""
    inputs = [i.clone().requires_grad_(i.dtype == torch.float32) for i in inputs]
    outputs = f(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    c = {"op": name, "parameters": parameters, "inputs": [dump(i) for i in inputs], "outputs": [dump(o) for o in outputs]}
    if outputs[0].requires_grad:
        upstream = rand(*outputs[0].shape)
        (outputs[0] * upstream).sum().backward()
        c["upstream"] = dump(upstream)
        c["grads"] = [None if i.grad is None else dump(i.grad) for i in inputs]
    return c


def operations():
    a, b = rand(3, 4), rand(3, 4)
    row, positive = rand(4), rand(3, 4, low=0.1, high=3.0)
    square, index = rand(3, 3), torch.tensor([2, 0, 2, 1])
    withzero = rand(4, 3)
    withzero[1] = 0.0
    soft = torch.tensor([-100.0, -1.0, 0.0, 1.0, 19.9, 20.1, 100.0])
    theta = rand(2, 2, 3, low=-1.0, high=1.0)
    images, grid = rand(2, 1, 5, 4, low=0.0, high=1.0), rand(2, 3, 3, 2, low=-1.3, high=1.3)
    pixels = torch.tensor([[0, 1, 2, 127], [128, 200, 254, 255], [10, 20, 30, 40]], dtype=torch.uint8)
    weight, bias = rand(5, 4), rand(5)
    return [
        case("add", lambda x, y: x + y, a, b),
        case("add", lambda x, y: x + y, a, row),
        case("sub", lambda x, y: x - y, a, b),
        case("sub", lambda x, y: x - y, row, a),
        case("mul", lambda x, y: x * y, a, b),
        case("mul", lambda x, y: x * y, a, row),
        case("div", lambda x, y: x / y, a, positive),
        case("div", lambda x, y: x / y, row, positive),
        case("transpose", lambda x: x.transpose(0, 2), rand(2, 3, 4), dim0=0, dim1=2),
        case("transpose", lambda x: x.transpose(0, 1), a, dim0=0, dim1=1),
        case("sum", torch.sum, a),
        case("mean", torch.mean, a),
        case("relu", torch.relu, torch.tensor([-1.0, -0.0, 0.0, 1e-30, 2.0])),
        case("sum_dim", lambda x: x.sum(0), a, dim=0),
        case("sum_dim", lambda x: x.sum(-1), rand(2, 3, 4), dim=-1),
        case("normalize", lambda x: F.normalize(x, dim=1), a, dim=1),
        case("normalize", lambda x: F.normalize(x, dim=0), a, dim=0),
        case("normalize", lambda x: F.normalize(x, dim=1), withzero, dim=1),
        case("exp", torch.exp, a),
        case("log", torch.log, positive),
        case("softplus", F.softplus, soft),
        case("cos", torch.cos, a),
        case("sin", torch.sin, a),
        case("scale", lambda x: x * 2.5 - 0.75, a, factor=2.5, offset=-0.75),
        case("scale", lambda x: x + 3, a, factor=1, offset=3),
        case("scale", lambda x: x * -1, a, factor=-1, offset=0),
        case("scale", lambda x: x.clone(), a, factor=1, offset=0),
        case("matmul", torch.matmul, a, rand(4, 2)),
        case("matmul", torch.matmul, rand(2, 3, 4), rand(4, 2)),
        case("matmul", torch.matmul, row, rand(4)),
        case("eye_mask", lambda x: torch.eye(3, dtype=torch.bool), square, n=3),
        case("reshape", lambda x: x.reshape(2, -1), a, shape=[2, -1]),
        case("rows", lambda x, i: x.index_select(0, i), a, index),
        case("pixels", lambda x, i: x[i].to(torch.float32).div(255), pixels, index),
        case("slice", lambda x: x[:, 1:3], a, dim=1, start=1, end=3),
        case("slice", lambda x: x[2:2], a, dim=0, start=2, end=2),
        case("cat", lambda *t: torch.cat(t, 0), a, b, a, dim=0),
        case("cat", lambda *t: torch.cat(t, 1), a, rand(3, 1), dim=1),
        case("affine_grid", lambda t: F.affine_grid(t, (2, 1, 3, 5), align_corners=False), theta, n=2, h=3, w=5),
        case("grid_sample", lambda i, g: F.grid_sample(i, g, mode="bilinear", padding_mode="zeros", align_corners=False), images, grid),
        case("mse_loss", F.mse_loss, a, b),
        case("mse_loss", F.mse_loss, rand(1, 1), rand(1, 1)),
        case("linear", F.linear, a, weight, bias),
        case("linear", lambda *t: F.relu(F.linear(*t)), a, weight, bias, relu=True),
        case("linear", lambda *t: F.relu(F.linear(*t)), rand(1, 4), weight, bias, relu=True),
        case("linear", lambda *t: F.relu(F.linear(*t)), rand(3, 1), rand(1, 1), rand(1), relu=True),
    ]


def chain():
    """Two steps of the shape that autoenc has: initial weights, output, loss and all gradients."""
    torch.manual_seed(7)
    net = torch.nn.Sequential(
        torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.Linear(3, 6)
    )
    initial = [dump(p) for p in net.parameters()]
    x = rand(4, 6).requires_grad_(True)
    y = net(x)
    loss = F.mse_loss(y, x.detach())
    loss.backward()
    return {
        "names": list(net.state_dict()), "initial": initial, "x": dump(x), "output": dump(y), "loss": dump(loss),
        "grads": [dump(p.grad) for p in net.parameters()], "x_grad": dump(x.grad),
    }


def adam(weight_decay, lr):
    """Ten steps on given gradients; one of the parameters has none, one has zeros."""
    start = [rand(3, 2), rand(5), rand(2)]
    steps = [[rand(3, 2) * 10.0 ** (k % 4 - 2), torch.zeros(5) if k % 3 == 0 else rand(5) * 1e-6] for k in range(10)]
    parameters = [torch.nn.Parameter(p.clone()) for p in start]
    optimizer = torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)
    after = []
    for gradients in steps:
        for p, g in zip(parameters, gradients):
            p.grad = g.clone()
        optimizer.step()
        after.append([dump(p) for p in parameters])
    state = [optimizer.state[p] for p in parameters[:2]]
    return {
        "weight_decay": weight_decay, "lr": lr, "start": [dump(p) for p in start],
        "gradients": [[dump(g) for g in s] for s in steps], "after": after,
        "exp_avg": [dump(s["exp_avg"]) for s in state], "exp_avg_sq": [dump(s["exp_avg_sq"]) for s in state],
    }


def generator(seed):
    torch.manual_seed(seed)
    state = hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()
    draws = [torch.empty((), dtype=torch.int64).random_().item() for _ in range(3)]
    permutation = torch.randperm(13).tolist()
    uniform = torch.empty(3, 7).uniform_(-0.25, 0.5)
    many = torch.empty(37).uniform_(0, 1)  # 16 and more are drawn another way
    own = torch.Generator()
    own.manual_seed(seed)
    layer = torch.nn.Linear(3, 2)
    return {
        "seed": str(seed), "state": state, "int64": [str(d) for d in draws], "randperm": permutation, "uniform": dump(uniform),
        "uniform37": dump(many), "randperm_seeded": torch.randperm(11, generator=own).tolist(),
        "weight": dump(layer.weight), "bias": dump(layer.bias),
        "state_after": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
    }


def write(folder):
    torch.manual_seed(0)
    golden = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "operations": operations(),
        "adam": [adam(0.0, 1e-3), adam(1e-8, 1e-3), adam(0.1, 0.05)],
        "chain": chain(),
        "generator": [generator(s) for s in SEEDS],
    }
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    table.write(folder)
    modules.write(folder)


if __name__ == "__main__":
    goldens.run(write, __file__, below={"generator": 0, "initial": 0})
