"""Writes zoo.safetensors with safetensors' own writer, and checkpoint-VERSION.pt, a whole training's, with this Python's torch."""
import pathlib

import torch

folder = pathlib.Path(__file__).resolve().parent
zoo = {
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
}
try:
    import safetensors.torch

    safetensors.torch.save_file(zoo, folder / "zoo.safetensors", metadata={"format": "pt", "made": "golden"})
except ImportError:
    pass

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 2)).half().float()
tied = model[3].weight
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
model(torch.randn(3, 1, 4, 4)).sum().backward()
optimizer.step()
schedule.step()
version = ".".join(torch.__version__.split(".")[:2])
torch.save({
    "epoch": 3, "loss": 0.25, "best": None, "name": "a run", "done": False, "history": [0.5, 0.25], "shape": (1, 4, 4),
    "model": model.state_dict(), "half": {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()},
    "tied": [tied, tied.t(), tied[0]], "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), "bytes": torch.tensor([-3, 3], dtype=torch.int8),
    "size": model[3].weight.shape, "where": torch.device("cpu"),
}, folder / f"checkpoint-{version}.pt")
