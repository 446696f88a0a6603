"""What the golden generators, PKG/testdata/golden.py, share: their command line, the check and the datasets.

    python3 PKG/testdata/golden.py             writes the goldens beside the generator (or: make golden PKG=...)
    python3 PKG/testdata/golden.py --check     computes them again and compares

A generator needs no arguments. Which variants it writes is decided by the Python that runs it: its PyTorch's version is
part of the name where several are kept.
"""
import argparse
import gzip
import json
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = {"torch", "numpy", "versions"}  # keys that may differ

_data = ROOT / "data"


def idx(dataset, name):
    """An IDX file of bytes as an array; dataset is torchvision's name of it, such as MNIST."""
    import numpy as np

    path = _data / dataset / "raw" / name
    try:
        raw = path.read_bytes() if path.exists() else gzip.open(f"{path}.gz").read()
    except FileNotFoundError:
        flag = {"MNIST": "mnist", "FashionMNIST": "fashion-mnist", "KMNIST": "kmnist"}[dataset]
        sys.exit(f"{path}.gz: no such file; `bin/latent data --dataset {flag}` fetches it, --data DIR names another folder")
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy()


def torch_version():
    """PyTorch's version as far as goldens are told apart by it: 1.13, 2.11."""
    import torch

    return ".".join(torch.__version__.split(".")[:2])


def _differences(at, stored, new, relative, below):
    """One line for each value that differs."""
    if isinstance(stored, dict) and isinstance(new, dict) and stored.keys() == new.keys():
        for k in stored:
            if k not in VERSIONS:
                yield from _differences(f"{at}.{k}", stored[k], new[k], below.get(k, relative), below)
    elif isinstance(stored, list) and isinstance(new, list) and len(stored) == len(new):
        for i, (a, b) in enumerate(zip(stored, new)):
            yield from _differences(f"{at}[{i}]", a, b, relative, below)
    elif stored != new:
        both = isinstance(stored, float) and isinstance(new, float)
        if not both or not abs(stored - new) <= relative * (max(abs(stored), abs(new)) + 0.1):
            if not both or stored == stored or new == new:  # not two NaN
                yield f"{at}: stored {_short(stored)}, computed {_short(new)}"


def _short(value):
    text = json.dumps(value)
    return text if len(text) < 80 else text[:77] + "..."


def _compare(stored, new, read, relative, below):
    if not stored.exists():
        yield f"{stored}: not stored"
        return
    read = {".json": _json, ".npz": _npz}.get(stored.suffix, read)
    if read:
        yield from _differences(stored.name, read(stored), read(new), relative, below)
    elif stored.read_bytes() != new.read_bytes():
        yield f"{stored}: other bytes"


def _json(path):
    return json.loads(path.read_text())


def _npz(path):
    """The arrays by name: how a file is packed differs from one zlib to another."""
    import numpy as np

    with np.load(path, allow_pickle=True) as arrays:
        return {name: [str(a.dtype), a.shape, a.flags.f_contiguous, a.tolist()] for name, a in arrays.items()}


def run(write, generator, *, folder=None, relative=1e-5, below=None, read=None):
    """Runs a generator: write(folder) writes its files.

    The check compares JSON and .npz files by value: integers and texts must be equal, floats a and b may differ by
    relative * (max(|a|, |b|) + 0.1); below gives another relative below a key. Other files must have the same bytes,
    except those whose names are in read, which gives a function that turns a path into what JSON could hold.
    """
    global _data
    description = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the stored goldens, write nothing")
    parser.add_argument("--data", type=pathlib.Path, default=_data, metavar="DIR", help="datasets, as `latent data` lays them out")
    args = parser.parse_args()
    _data = args.data.resolve()
    folder = pathlib.Path(folder or pathlib.Path(generator).resolve().parent)
    if not args.check:
        write(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        write(temporary)
        files = sorted(f for f in temporary.rglob("*") if f.is_file())
        different = [line for f in files for line in _compare(folder / f.relative_to(temporary), f, (read or {}).get(f.name), relative, below or {})]
    for line in different[:20]:
        print(line)
    print(f"{len(files)} files, {len(different)} differences")
    sys.exit(different != [])
