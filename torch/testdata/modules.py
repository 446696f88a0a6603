"""The goldens of modules and optimisers: PyTorch's initial weights, outputs, gradients, state_dicts, steps and schedules.

Written by golden.py into torch-VERSION/modules.json.
"""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F

from operations import dump, rand

CONV = {"Stride": [2], "Padding": [1]}


class Net(nn.Module):
    """Names by attribute, a list of modules, a parameter and a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.norm1 = nn.BatchNorm2d(4)
        self.layers = nn.ModuleList([nn.Linear(36, 8), nn.Linear(8, 8)])
        self.fc_out = nn.Sequential(nn.ReLU(), nn.Linear(8, 3))
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("offset", torch.zeros(3))

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = torch.flatten(F.max_pool2d(x, 2), 1)
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.fc_out(x) * self.scale + self.offset


MODULES = {
    "linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "linear without bias": (lambda: nn.Linear(3, 4, bias=False), (2, 3)),
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1), (2, 2, 6, 5)),
    "conv2d in groups": (lambda: nn.Conv2d(2, 4, 3, groups=2, bias=False), (2, 2, 6, 5)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1), (2, 2, 3, 3)),
    "batch_norm1d": (lambda: nn.BatchNorm1d(3), (5, 3)),
    "batch_norm2d": (lambda: nn.BatchNorm2d(2), (2, 2, 3, 3)),
    "layer_norm": (lambda: nn.LayerNorm([3, 4]), (2, 3, 4)),
    "net": (Net, (2, 1, 8, 8)),
}


def modules():
    cases = []
    for name, (make, shape) in MODULES.items():
        torch.manual_seed(7)
        m = make()
        c = {"name": name, "initial": {k: dump(v) for k, v in m.state_dict().items()}, "names": list(m.state_dict())}
        x = rand(*shape).requires_grad_(True)
        y = m(x)
        upstream = rand(*y.shape)
        (y * upstream).sum().backward()
        c.update(x=dump(x), y=dump(y), upstream=dump(upstream), x_grad=dump(x.grad),
                 gradients={k: dump(p.grad) for k, p in m.named_parameters()})
        m.eval()
        c.update(evaluated=dump(m(x)), after={k: dump(v) for k, v in m.state_dict().items()})
        cases.append(c)
    return cases


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd with decay": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.05),
    "sgd with momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.05),
    "sgd with nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=1.0),
    "adadelta with decay": lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.8, weight_decay=0.1),
}


def state(optimizer):
    """The state_dict without what only newer versions have."""
    d = optimizer.state_dict()
    known = ("lr", "betas", "eps", "weight_decay", "momentum", "dampening", "nesterov", "rho", "params")
    return {"state": {str(k): {n: dump(v) if isinstance(v, torch.Tensor) else v for n, v in s.items() if v is not None} for k, s in d["state"].items()},
            "settings": {k: v for k, v in d["param_groups"][0].items() if k in known}}


def optimizers():
    """Steps on given gradients; the second parameter gets none in the second step, the third never."""
    cases = []
    for name, make in OPTIMIZERS.items():
        torch.manual_seed(3)
        start = [rand(3, 2), rand(4), rand(2)]
        parameters = [nn.Parameter(p.clone()) for p in start]
        optimizer = make(parameters)
        gradients, after = [], []
        for k in range(6):
            g = [rand(3, 2), rand(4) * 1e-3, None]
            if k == 1 and name not in ("adam",):  # Adam counts one number of steps for all
                g[1] = None
            for p, v in zip(parameters, g):
                p.grad = None if v is None else v.clone()
            optimizer.step()
            gradients.append([None if v is None else dump(v) for v in g])
            after.append([dump(p) for p in parameters])
        cases.append({"name": name, "start": [dump(p) for p in start], "gradients": gradients, "after": after, "state": state(optimizer)})
    return cases


def schedules():
    """The learning rates that each gives, the first one before any step."""
    cases = []
    for name, make in {
        "step": lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=2, gamma=0.7),
        "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=5, eta_min=0.01),
    }.items():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.8)
        schedule = make(optimizer)
        rates = []
        for _ in range(13):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        cases.append({"name": name, "rates": rates})
    return cases


def clipping():
    torch.manual_seed(4)
    gradients = [rand(3, 2), rand(4)]
    cases = []
    for most in 0.5, 100.0:
        parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients] + [nn.Parameter(torch.zeros(2))]
        for p, g in zip(parameters, gradients):
            p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, most)
        clipped = [dump(p.grad) for p in parameters[:2]]
        for p, g in zip(parameters, gradients):
            p.grad = g.clone()
        torch.nn.utils.clip_grad_value_(parameters, most)
        cases.append({"most": most, "gradients": [dump(g) for g in gradients], "norm": float(norm), "by_norm": clipped,
                      "by_value": [dump(p.grad) for p in parameters[:2]]})
    return cases


def write(folder):
    version = ".".join(torch.__version__.split(".")[:2])
    target = folder / f"torch-{version}"
    target.mkdir(exist_ok=True)
    golden = {"torch": torch.__version__, "modules": modules(), "optimizers": optimizers(), "schedules": schedules(), "clipping": clipping()}
    (target / "modules.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
