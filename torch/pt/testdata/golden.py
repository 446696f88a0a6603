"""Writes the goldens of torch/pt: small .pt files of this Python's torch, and
beside them what they hold as JSON, in a folder named by its version: torch-1.13
(Debian 12's), torch-2.11 (pip's). zoo.safetensors is written where safetensors is
installed.
"""
import json
import pathlib
import sys
from collections import OrderedDict

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts" / "test"))
import goldens  # noqa: E402


def described(v):
    """v as JSON: a tensor as its type, shape and values, a dict as pairs."""
    if isinstance(v, torch.Tensor):
        wide = v.detach().to(torch.float32) if v.dtype in (torch.float16, torch.bfloat16) else v.detach()
        return {"tensor": str(wide.dtype)[6:], "shape": list(v.shape), "values": wide.reshape(-1).tolist()}
    if isinstance(v, dict):
        return {"dict": [[str(k), described(e)] for k, e in v.items()]}
    if isinstance(v, (list, tuple)):
        return [described(e) for e in v]
    return {"float": v} if isinstance(v, float) else v


def checkpoint():
    """A whole training's, with all that people put beside the weights."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 2))
    weight = model[3].weight
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    model(torch.randn(3, 1, 4, 4)).sum().backward()
    optimizer.step()
    schedule.step()
    state = model.state_dict()
    return {
        "epoch": 3, "loss": 0.25, "best": None, "name": "a run", "done": False, "history": [0.5, 0.25], "shape": (1, 4, 4),
        "model": state, "half": {k: v.half() if v.is_floating_point() else v for k, v in state.items()},
        "tied": [weight, weight.t(), weight[0]], "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(),
        "bytes": torch.tensor([-3, 3], dtype=torch.int8), "size": weight.shape, "where": torch.device("cpu"),
    }


def write_safetensors(folder):
    """Every element type, by safetensors' own writer, where it is installed."""
    try:
        import safetensors.torch
    except ImportError:
        return
    safetensors.torch.save_file({
        "F32": torch.tensor([[1.5, -0.1], [3e38, 1e-45]]),
        "F64": torch.tensor([0.1, -1e300], dtype=torch.float64),
        "F16": torch.tensor([1.0, -0.1, 65504.0, 6e-8], dtype=torch.float16),
        "BF16": torch.tensor([1.0, -0.1, 3e38], dtype=torch.bfloat16),
        "I64": torch.tensor([-2**63, 2**63 - 1]),
        "I32": torch.tensor([-2**31, 7], dtype=torch.int32),
        "I16": torch.tensor([-2**15, 7], dtype=torch.int16),
        "I8": torch.tensor([-128, 7], dtype=torch.int8),
        "U8": torch.tensor([0, 255], dtype=torch.uint8),
        "BOOL": torch.tensor([True, False]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }, folder / "zoo.safetensors", metadata={"format": "pt", "made": "golden"})


def write(folder):
    write_safetensors(folder)
    folder = folder / ("torch-" + goldens.torch_version())
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)

    linears = torch.nn.Sequential(OrderedDict(encoder=torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()),
                                              decoder=torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(3, 4))))
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)

    optimiser = torch.optim.Adam(linears.parameters(), lr=1e-3, weight_decay=1e-8)
    linears(torch.ones(2, 4)).sum().backward()
    optimiser.step()

    files = {
        # what users save
        "linears.pt": linears.state_dict(),
        "adam.pt": {"epoch": 3, "optimiser": optimiser.state_dict()},
        "zoo.pt": {
            "float32": torch.tensor([[1.5, -0.1], [3e38, 1e-45]]),
            "float64": torch.tensor([0.1, -1e300], dtype=torch.float64),
            "int64": torch.tensor([-2**63, 2**63 - 1]),
            "int32": torch.tensor([-2**31, 7], dtype=torch.int32),
            "uint8": torch.tensor([0, 128, 255], dtype=torch.uint8),
            "bool": torch.tensor([True, False]),
            "float16": torch.tensor([1.0, -0.1, 65504.0, 6e-8, -6.1e-5, 0.0], dtype=torch.float16),
            "bfloat16": torch.tensor([1.0, -0.1, 3e38, 1e-40], dtype=torch.bfloat16),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
            "parameter": torch.nn.Parameter(torch.tensor([4.0, 5.0])),
            "plain": [1, -1, 255, 256, 65536, 2**31, -2**63, 0.1, "\u0416\n", True, False, None, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}],
            "many": list(range(1100)),  # more than one batch of the pickler's appends
        },
        "views.pt": {  # all but "clone" share one storage
            "base": base,
            "transposed": base.transpose(0, 2),
            "row": base[1, 2],
            "column": base[:, 1:, 3],
            "every second": base[:, :, ::2],
            "expanded": base[0, 0, :1].expand(3, 2),
            "one": base[1, 1, 1],
            "none": base[:, 3:],
            "clone": base.transpose(0, 2).clone(memory_format=torch.preserve_format),
        },
        # what is refused
        "module.pt": torch.nn.Linear(1, 1),
        "int16.pt": torch.tensor([1], dtype=torch.int16),
        "sparse.pt": torch.eye(2).to_sparse(),
    }

    expected = {"torch": torch.__version__}
    for name, value in files.items():
        torch.save(value, folder / name)
        if name not in ("module.pt", "int16.pt", "sparse.pt"):
            expected[name] = described(value)
    torch.save(checkpoint(), folder / "checkpoint.pt")
    torch.save(linears.state_dict(), folder / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), folder / "script.pt")
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))


if __name__ == "__main__":
    # Their bytes hold addresses and file names of the process that wrote them.
    goldens.run(write, __file__, read={
        "legacy.pt": lambda path: described(torch.load(path)),
        "script.pt": lambda path: torch.jit.load(str(path)).code,
    })
