"""The goldens of operations.table: outputs and gradients of PyTorch's own operations, and calls that it refuses.

Written by golden.py into torch-VERSION/operations.json, once by each of the two PyTorch versions that the tests know. The inputs
are the same in both files.
"""
import json
import math

import torch
import torch.nn.functional as F


def number(v):
    return v if not isinstance(v, float) or math.isfinite(v) else str(v)  # JSON has no NaN


def dump(t):
    t = t.detach().contiguous()
    values = t.reshape(-1).tolist()
    if t.dtype == torch.float32:  # the shortest decimal that reads back as the same float32
        values = [float(str(v)) for v in t.reshape(-1).numpy()]
    return {"shape": list(t.shape), "dtype": str(t.dtype)[6:], "data": [number(v) for v in values]}


def dump_argument(a):
    if isinstance(a, torch.Tensor):
        return {"tensor": dump(a)}
    if isinstance(a, (list, tuple)) and a and isinstance(a[0], torch.Tensor):
        return {"tensors": [dump(t) for t in a]}
    return {"value": a}


def rand(*shape, low=-2.0, high=2.0):
    """Values with four decimals, so that the file stays small."""
    return torch.round(torch.empty(shape).uniform_(low, high) * 1e4) / 1e4


CASES = []
EMPTY = {}  # of each operation with tensors its first case, without rows


def leaf(a):
    if isinstance(a, torch.Tensor):
        return a.clone().requires_grad_(a.is_floating_point())
    return [leaf(t) for t in a] if isinstance(a, (list, tuple)) and a and isinstance(a[0], torch.Tensor) else a


def case(name, f, *arguments, seed=None, grad=True):
    """f(*arguments), and the gradients of the sum of outputs[0] times an upstream gradient for the float tensors. PyTorch's arguments
    are Go's where f is PyTorch's function."""
    if name not in EMPTY:
        EMPTY[name] = empty(name, f, arguments, seed, grad)
    CASES.append(made(name, f, arguments, seed, grad))


def made(name, f, arguments, seed, grad):
    leaves = [leaf(a) if grad else a for a in arguments]
    c = {"op": name, "arguments": [dump_argument(a) for a in arguments]}
    if seed is not None:
        c["seed"] = seed
        torch.manual_seed(seed)
    outputs = f(*leaves)
    if seed is not None:
        torch.manual_seed(len(CASES))
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    c["outputs"] = [dump(o) for o in outputs]
    if grad and outputs[0].requires_grad:
        upstream = rand(*outputs[0].shape)
        (outputs[0] * upstream).sum().backward()
        flat = [t for a in leaves for t in (a if isinstance(a, list) else [a]) if isinstance(t, torch.Tensor)]
        c["upstream"] = dump(upstream)
        c["gradients"] = [None if t.grad is None else dump(t.grad) for t in flat]
    return c


def empty(name, f, arguments, seed, grad):
    """The case without the rows of its first tensor and of those that have as many; None where there is no such."""
    if name == "ScaledDotProductAttention":
        return None  # divides by zero in version 2 unless the batch alone is empty; the table's expression refuses all
    rows = next((list(a.shape)[:1] for a in arguments if isinstance(a, torch.Tensor)), None)
    if not rows:
        return None
    arguments = [a[:0] if isinstance(a, torch.Tensor) and list(a.shape)[:1] == rows else a for a in arguments]
    for gradients in [True, False] if grad else [False]:  # PyTorch may refuse the gradient alone
        with torch.random.fork_rng():
            try:
                return made(name, f, arguments, seed, gradients)
            except (RuntimeError, IndexError, ValueError):
                pass
    return {"op": name, "arguments": [dump_argument(a) for a in arguments], "refused": True}


def has_empty(c):
    return any(0 in t["shape"] for a in c["arguments"] for t in a.get("tensors", [a.get("tensor")]) if t)


def refused(name, f, *arguments):
    """PyTorch refuses f(*arguments)."""
    try:
        f(*arguments)
    except (RuntimeError, IndexError, ValueError):
        CASES.append({"op": name, "arguments": [dump_argument(a) for a in arguments], "refused": True})
        return
    raise SystemExit(f"{name}{arguments} is not refused by PyTorch {torch.__version__}")


def pointwise():
    a, b, row, positive = rand(3, 4), rand(3, 4), rand(4), rand(3, 4, low=0.1, high=3.0)
    unit, empty, scalar, ints = rand(3, 4, low=-0.9, high=0.9), torch.zeros(0, 3), torch.tensor(1.5), torch.tensor([[3, -2], [7, 0]])
    odd = torch.tensor([0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan"), 1e-30, 100.0, -100.0])
    for name, f in {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Maximum": torch.maximum,
                    "Minimum": torch.minimum, "Atan2": torch.atan2, "Remainder": torch.remainder}.items():
        case(name, f, a, positive)
        case(name, f, a, row + 2.5)
        case(name, f, rand(2, 1, 3), rand(4, 1) + 3)
        case(name, f, empty, torch.ones(3))
        refused(name, f, a, rand(5))
    case("Add", torch.add, ints, torch.tensor([0.5, 1.5]))
    case("Div", torch.div, ints, torch.tensor([2, 2]))
    for name, f in {"Eq": torch.eq, "Ne": torch.ne, "Lt": torch.lt, "Le": torch.le, "Gt": torch.gt, "Ge": torch.ge,
                    "LogicalAnd": torch.logical_and, "LogicalOr": torch.logical_or, "LogicalXor": torch.logical_xor}.items():
        case(name, f, torch.tensor([[1.0, 2.0, 0.0], [0.0, 2.0, 3.0]]), torch.tensor([1.0, 0.0, 3.0]), grad=False)
        case(name, f, odd, torch.zeros(1), grad=False)
        case(name, f, empty, empty, grad=False)
        refused(name, f, a, rand(5))
    case("FloorDivide", torch.floor_divide, ints, torch.tensor([2, -2]))
    case("FloorDivide", lambda x, y: torch.div(x, y, rounding_mode="floor"), positive, torch.tensor(0.7), grad=False)
    refused("FloorDivide", torch.floor_divide, a, rand(5))
    for name, f in {"AddScalar": torch.add, "SubScalar": torch.sub, "MulScalar": torch.mul, "DivScalar": torch.div}.items():
        for x in a, empty, scalar, ints:
            case(name, f, x, 2)
        case(name, f, ints, 2.5)
        case(name, f, a, -0.75)
    for name, f in {"EqScalar": torch.eq, "NeScalar": torch.ne, "LtScalar": torch.lt, "LeScalar": torch.le, "GtScalar": torch.gt,
                    "GeScalar": torch.ge}.items():
        for x in odd, empty, ints:
            case(name, f, x, 0, grad=False)
        case(name, f, ints, 2.5, grad=False)
    case("AddI", lambda x, y, alpha: x.add_(y, alpha=alpha), a.clone(), row, 0.5, grad=False)
    case("AddI", lambda x, y, alpha: x.add_(y, alpha=alpha), torch.tensor([3, 4]), torch.tensor([1, 2]), 2, grad=False)
    refused("AddI", lambda x, y, alpha: x.add_(y, alpha=alpha), row, a, 1.0)
    case("MulScalarI", lambda x, v: x.mul_(v), a.clone(), 3.0, grad=False)
    case("FillI", lambda x, v: x.fill_(v), a.clone(), 3.5, grad=False)
    case("CopyI", lambda x, y: x.copy_(y), torch.zeros(2, 3), torch.tensor([1, 2, 3]), grad=False)
    refused("CopyI", lambda x, y: x.copy_(y), torch.zeros(2, 3), torch.zeros(2))
    for factor, offset in (2.5, -0.75), (1, 3), (-1, 0), (1, 0):
        case("Scale", lambda x, m, b: x * m + b, a, factor, offset)
    arguments = {"Log": positive, "Log2": positive, "Log10": positive, "Sqrt": positive, "Rsqrt": positive, "Reciprocal": positive,
                 "Log1p": positive, "Asin": unit, "Acos": unit, "Tan": unit}
    for name, f in {"Neg": torch.neg, "Abs": torch.abs, "Sign": torch.sign, "Reciprocal": torch.reciprocal, "Exp": torch.exp,
                    "Expm1": torch.expm1, "Log": torch.log, "Log1p": torch.log1p, "Log2": torch.log2, "Log10": torch.log10, "Sqrt": torch.sqrt,
                    "Rsqrt": torch.rsqrt, "Square": torch.square, "Sin": torch.sin, "Cos": torch.cos, "Tan": torch.tan, "Asin": torch.asin,
                    "Acos": torch.acos, "Atan": torch.atan, "Erf": torch.erf, "Floor": torch.floor, "Ceil": torch.ceil,
                    "Round": torch.round, "Trunc": torch.trunc, "Frac": torch.frac, "ReLU": torch.relu, "SiLU": F.silu,
                    "GELU": F.gelu, "Sigmoid": torch.sigmoid, "LogSigmoid": F.logsigmoid, "Tanh": torch.tanh, "Softplus": F.softplus}.items():
        case(name, f, arguments.get(name, a))
        case(name, f, arguments.get(name, a).t())
        if name != "GELU":  # of infinity NaN in version 2
            case(name, f, odd, grad=name not in ("SiLU", "LogSigmoid"))
        case(name, f, empty)
        case(name, f, arguments.get(name, a)[0, 0])
    case("Softplus", F.softplus, torch.tensor([-100.0, -1.0, 0.0, 1.0, 19.9, 20.1, 100.0]))
    for name, f in {"IsNaN": torch.isnan, "IsInf": torch.isinf, "IsFinite": torch.isfinite, "LogicalNot": torch.logical_not}.items():
        for x in odd, empty, ints:
            case(name, f, x, grad=False)
    for x in a, empty, ints, odd:
        case("Clamp", torch.clamp, x, -1, 1)
        case("ClampMin", torch.clamp_min, x, 1)
        case("ClampMax", torch.clamp_max, x, 1)
    case("Pow", torch.pow, positive, a)
    case("Pow", torch.pow, positive, row)
    refused("Pow", torch.pow, positive, rand(5))
    for p in 2, 3, 0.5, -1, 0:
        case("PowScalar", torch.pow, positive, p)
    case("PowScalar", torch.pow, ints, 2)
    refused("PowScalar", torch.pow, ints, -1)
    case("Lerp", torch.lerp, a, b, 0.25)
    refused("Lerp", torch.lerp, a, rand(5), 0.25)
    mask = torch.tensor([True, False, True, False])
    case("Where", torch.where, mask, a, b)
    case("Where", torch.where, mask, a, torch.tensor(0.0))
    case("Where", torch.where, a[:0] > 0, a[:0], b[:0])
    refused("Where", torch.where, mask, a, rand(5))
    case("MaskedFill", torch.masked_fill, a, mask, -1.5)
    refused("MaskedFill", torch.masked_fill, a, row, 0)
    for slope in 0.01, 0.2:
        case("LeakyReLU", F.leaky_relu, a, slope)
    case("LeakyReLU", F.leaky_relu, empty, 0.01)
    case("ELU", F.elu, a, 1.0)
    case("ELU", F.elu, empty, 0.5)
    case("Dropout", F.dropout, rand(4, 5), 0.5, True, seed=3)
    case("Dropout", F.dropout, a, 0.5, False)
    case("Dropout", F.dropout, a, 1.0, True)
    refused("Dropout", F.dropout, a, 1.5, True)


def reduce():
    x, cube, empty = rand(3, 4), rand(2, 3, 4), torch.zeros(0, 3)
    ints, flags = torch.tensor([[3, 0], [7, 7]]), torch.tensor([[True, False], [True, True]])

    def dims(f, **more):
        return lambda x, d: f(x, dim=d, **more) if d else f(x, dim=tuple(range(x.dim())), **more)

    for name, f in {"Sum": dims(torch.sum), "SumKeepDim": dims(torch.sum, keepdim=True), "Mean": dims(torch.mean),
                    "MeanKeepDim": dims(torch.mean, keepdim=True), "AMax": dims(torch.amax), "AMin": dims(torch.amin)}.items():
        for d in [], [0], [-1], [0, 2]:
            case(name, f, cube, d)
        case(name, f, x.t(), [1])
        case(name, f, torch.tensor(2.5), [])
        case(name, f, empty, [1])
        refused(name, f, x, [2])
        refused(name, f, x, [0, 0])
    case("AMax", dims(torch.amax), torch.tensor([1.0, 3.0, 3.0]), [0])
    refused("AMax", dims(torch.amax), empty, [0])
    case("Sum", dims(torch.sum), empty, [])
    case("Mean", dims(torch.mean), empty, [])
    case("Sum", dims(torch.sum), ints, [0])
    case("Sum", dims(torch.sum), flags, [])
    refused("Mean", lambda x, d: torch.mean(x), ints, [])
    case("SumDim", lambda x, d: x.sum(d), cube, -2)
    refused("SumDim", lambda x, d: x.sum(d), cube, 3)
    for name, f in {"Var": torch.var, "Std": torch.std}.items():
        for unbiased in True, False:
            case(name, lambda x, u, d: f(x, d, unbiased=u), cube, unbiased, [0, 2])
            case(name, lambda x, u, d: f(x, unbiased=u), x, unbiased, [])
        refused(name, lambda x, u, d: f(x, d, unbiased=u), x, True, [2])
    for name, f in {"CountNonzero": torch.count_nonzero}.items():
        case(name, lambda x, d: f(x, d) if d else f(x), ints, [0], grad=False)
        case(name, lambda x, d: f(x, d) if d else f(x), ints, [], grad=False)
    for name, f in {"Prod": torch.prod, "Max": torch.max, "Min": torch.min, "Median": torch.median}.items():
        case(name, f, x)
        case(name, f, torch.tensor([1.0, 3.0, 2.0, 3.0]))
        case(name, f, ints)
    case("Prod", torch.prod, torch.tensor([2.0, 0.0, 3.0]))
    case("Prod", torch.prod, empty)
    refused("Max", torch.max, empty)
    refused("Min", torch.min, empty)
    for name, f in {"All": torch.all, "Any": torch.any}.items():
        for v in flags, ints, empty:
            case(name, f, v, grad=False)
    for name, f in {"ProdDim": torch.prod, "MaxDim": torch.max, "MinDim": torch.min, "ArgMax": torch.argmax, "ArgMin": torch.argmin,
                    "AllDim": torch.all, "AnyDim": torch.any, "LogSumExp": torch.logsumexp}.items():
        grad = not name.startswith(("A",))
        case(name, f, cube, 1, False, grad=grad)
        case(name, f, x, -1, True, grad=grad)
        case(name, f, empty, 1, False, grad=grad)
        refused(name, f, x, 2, False)
    case("LogSumExp", torch.logsumexp, torch.tensor([[1000.0, 1000.0], [-1000.0, 0.0]]), 1, False)
    for p in 2.0, 1.0, float("inf"), 3.0, 0.0:
        if math.isfinite(p):
            case("Norm", lambda x, p, d: torch.norm(x, p, d) if d else torch.norm(x, p), cube, p, [1])
    case("Norm", lambda x, p, d: torch.norm(x, p), x, 2.0, [])
    case("Norm", lambda x, p, d: torch.norm(x, p, d), torch.zeros(2, 2), 2.0, [1])
    case("NormKeepDim", lambda x, p, d: torch.norm(x, p, d, keepdim=True), cube, 2.0, [0, 2])
    refused("Norm", lambda x, p, d: torch.norm(x, p, d), x, 2.0, [2])
    refused("NormKeepDim", lambda x, p, d: torch.norm(x, p, d, keepdim=True), x, 2.0, [2])
    for name, f in {"CumSum": torch.cumsum, "CumProd": torch.cumprod, "Softmax": F.softmax, "LogSoftmax": F.log_softmax,
                    "Normalize": lambda x, d: F.normalize(x, dim=d)}.items():
        case(name, f, cube, 1)
        case(name, f, x.t(), -1)
        case(name, f, empty, 1)
        refused(name, f, x, 2)
    case("LogSoftmax", F.log_softmax, torch.tensor([[1000.0, 0.0], [-1000.0, 0.0]]), 1)
    case("Softmax", F.softmax, torch.tensor([[float("-inf"), 0.0]]), 1)
    case("Normalize", lambda x, d: F.normalize(x, dim=d), torch.tensor([[3.0, 4.0], [0.0, 0.0]]), 1)
    case("TopK", torch.topk, x, 2, 1, True, True)
    case("TopK", torch.topk, cube, 1, 0, False, True)
    case("TopK", torch.topk, empty, 0, 0, True, True)
    refused("TopK", torch.topk, x, 5, 1, True, True)
    refused("TopK", torch.topk, x, -1, 1, True, True)
    for descending in False, True:
        case("Sort", torch.sort, cube, 1, descending)
        case("ArgSort", torch.argsort, cube, -1, descending, grad=False)
    case("Sort", torch.sort, empty, 0, False)
    refused("Sort", torch.sort, x, 2, False)
    refused("ArgSort", torch.argsort, x, 2, False)
    case("KthValue", torch.kthvalue, x, 2, 1, False)
    refused("KthValue", torch.kthvalue, x, 0, 1, False)
    refused("KthValue", torch.kthvalue, x, 9, 1, False)


def matrix():
    a, b, v = rand(3, 4), rand(4, 2), rand(4)
    for name, f, x, y in [("MatMul", torch.matmul, a, b), ("MatMul", torch.matmul, rand(2, 3, 4), b), ("MatMul", torch.matmul, v, v),
                          ("MatMul", torch.matmul, a, v), ("MatMul", torch.matmul, torch.zeros(0, 4), b), ("MatMul", torch.matmul, rand(3, 0), rand(0, 2)),
                          ("MM", torch.mm, a, b), ("MM", torch.mm, b.t(), a.t()), ("MM", torch.mm, torch.zeros(0, 4), b),
                          ("BMM", torch.bmm, rand(2, 3, 4), rand(2, 4, 2)), ("BMM", torch.bmm, rand(0, 3, 4), rand(0, 4, 2)),
                          ("MV", torch.mv, a, v), ("Dot", torch.dot, v, rand(4)), ("Outer", torch.outer, rand(2), v)]:
        case(name, f, x, y)
    for name, f, x, y in [("MatMul", torch.matmul, a, a), ("MM", torch.mm, a, a), ("MM", torch.mm, a, v), ("BMM", torch.bmm, a, b), ("MV", torch.mv, a, rand(3)),
                          ("Dot", torch.dot, v, rand(3)), ("Outer", torch.outer, a, v), ("MatMul", torch.matmul, a, b.long())]:
        refused(name, f, x, y)
    case("AddMM", torch.addmm, rand(2), a, b)
    refused("AddMM", torch.addmm, rand(3), a, b)
    case("BAddBMM", torch.baddbmm, rand(2, 1, 2), rand(2, 3, 4), rand(2, 4, 2))
    refused("BAddBMM", torch.baddbmm, rand(5), rand(2, 3, 4), rand(2, 4, 2))
    case("Linear", F.linear, a, rand(5, 4), rand(5))
    case("Linear", F.linear, a, rand(5, 4), None)
    case("Linear", F.linear, rand(2, 3, 4), rand(5, 4), rand(5))
    case("Linear", F.linear, torch.zeros(0, 4), rand(5, 4), rand(5))
    refused("Linear", F.linear, a, rand(4, 5), rand(4))
    case("Einsum", torch.einsum, "bi,bj->bij", [rand(2, 3), rand(2, 4)])
    refused("Einsum", torch.einsum, "ij,jk->ik", [a, a])
    refused("Einsum", torch.einsum, "i?", [a])
    for p in 2.0, 1.0, 3.0:
        case("CDist", torch.cdist, a, rand(2, 4), p)
    case("CDist", torch.cdist, torch.zeros(0, 4), a, 2.0)
    refused("CDist", torch.cdist, a, rand(2, 3), 2.0)
    refused("CDist", torch.cdist, a, rand(2, 4), -1.0)
    case("CosineSimilarity", F.cosine_similarity, a, rand(3, 4), 1, 1e-8)
    case("CosineSimilarity", F.cosine_similarity, torch.zeros(2, 3), rand(2, 3), 1, 1e-8, grad=False)
    refused("CosineSimilarity", F.cosine_similarity, a, rand(3, 4), 2, 1e-8)
    case("Trace", torch.trace, a)
    refused("Trace", torch.trace, v)
    case("Diag", torch.diag, a, 1)
    case("Diag", torch.diag, v, -1)
    refused("Diag", torch.diag, rand(2, 2, 2), 0)
    for name, f in {"Tril": torch.tril, "Triu": torch.triu}.items():
        for d in -1, 0, 1:
            case(name, f, a, d)
        case(name, f, torch.zeros(0, 3), 0)
        refused(name, f, v, 0)
    case("Embedding", lambda w, i: F.embedding(i, w), a, torch.tensor([[2, 0], [2, 1]]))
    refused("Embedding", lambda w, i: F.embedding(i, w), a, torch.tensor([3]))
    refused("Embedding", lambda w, i: F.embedding(i, w), a, torch.tensor([0.5]))
    if hasattr(F, "scaled_dot_product_attention"):
        for causal in False, True:
            case("ScaledDotProductAttention", lambda q, k, v, c: F.scaled_dot_product_attention(q, k, v, is_causal=c),
                 rand(1, 2, 3, 4), rand(1, 2, 3, 4), rand(1, 2, 3, 4), causal)


def shape():
    a, cube, empty, index = rand(3, 4), rand(2, 3, 4), torch.zeros(0, 3), torch.tensor([2, 0, 2])
    for name, f in {"Cat": lambda d, *t: torch.cat(t, d), "Stack": lambda d, *t: torch.stack(t, d)}.items():
        case(name, lambda d, t: f(d, *t), 0, [a, rand(3, 4)])
        case(name, lambda d, t: f(d, *t), -1, [a, rand(3, 4), a])
        refused(name, lambda d, t: f(d, *t), 0, [a, rand(2, 3)])
        refused(name, lambda d, t: f(d, *t), 3, [a, a])
    case("Cat", lambda d, t: torch.cat(t, d), 0, [a, torch.zeros(0, 4)])
    case("Split", torch.split, cube, 2, 1)
    case("Split", torch.split, a, 9, 0)
    refused("Split", torch.split, a, -1, 0)
    refused("Split", torch.split, a, 1, 2)
    case("Chunk", torch.chunk, a, 3, 1)
    refused("Chunk", torch.chunk, a, 0, 1)
    case("Unbind", torch.unbind, cube, 1)
    case("Unbind", torch.unbind, rand(2, 0), 0)
    refused("Unbind", torch.unbind, a, 2)
    case("IndexSelect", torch.index_select, a, 1, index)
    case("IndexSelect", torch.index_select, a, 1, index[:0])
    refused("IndexSelect", torch.index_select, a, 1, torch.tensor([4]))
    refused("IndexSelect", torch.index_select, a, 1, torch.tensor([0.5]))
    case("Rows", lambda x, i: x.index_select(0, i), a, index)
    refused("Rows", lambda x, i: x.index_select(0, i), a, torch.tensor([-1]))
    case("IndexAdd", torch.index_add, a, 0, index, rand(3, 4))
    refused("IndexAdd", torch.index_add, a, 0, torch.tensor([3]), rand(1, 4))
    picks = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    case("Gather", torch.gather, a, 0, picks)
    refused("Gather", torch.gather, a, 0, picks + 2)
    case("Scatter", torch.scatter, a, 0, torch.tensor([[0, 1, 2, 0]]), rand(1, 4))
    refused("Scatter", torch.scatter, a, 0, picks + 2, rand(2, 4))
    case("ScatterAdd", torch.scatter_add, a, 0, picks, rand(2, 4))
    refused("ScatterAdd", torch.scatter_add, a, 0, picks + 2, rand(2, 4))
    case("Select", torch.select, cube, 1, -1)
    refused("Select", torch.select, cube, 1, 3)
    case("Slice", lambda x, d, i, j: x.narrow(d, i, j - i), cube, 2, 1, 3)
    case("Slice", lambda x, d, i, j: x.narrow(d, i, j - i), a, 0, 2, 2)
    refused("Slice", lambda x, d, i, j: x.narrow(d, i, j - i), a, 0, 1, 4)
    case("MaskedSelect", torch.masked_select, a, torch.tensor([True, False, True, False]))
    refused("MaskedSelect", torch.masked_select, a, torch.tensor([True, False]))
    case("Nonzero", torch.nonzero, torch.tensor([[1.0, 0.0], [0.0, 2.0]]), grad=False)
    case("Nonzero", torch.nonzero, empty, grad=False)
    case("Transpose", torch.transpose, cube, 0, -1)
    refused("Transpose", torch.transpose, cube, 0, 3)
    case("Permute", torch.permute, cube, [2, 0, 1])
    refused("Permute", torch.permute, cube, [0, 0, 1])
    refused("Permute", torch.permute, cube, [0, 1])
    case("Reshape", torch.reshape, a.t(), [2, -1])
    case("Reshape", torch.reshape, empty, [3, 0])
    refused("Reshape", torch.reshape, a, [5, -1])
    refused("Reshape", torch.reshape, a, [-1, -1])
    case("Flatten", torch.flatten, cube, 1, -1)
    case("Flatten", torch.flatten, torch.tensor(1.5), 0, -1)
    refused("Flatten", torch.flatten, cube, 2, 1)
    case("Squeeze", torch.squeeze, rand(2, 1, 3), 1)
    case("Squeeze", torch.squeeze, rand(2, 1, 3), 0)
    refused("Squeeze", torch.squeeze, a, 2)
    case("Unsqueeze", torch.unsqueeze, a, -1)
    refused("Unsqueeze", torch.unsqueeze, a, 4)
    case("Expand", lambda x, s: x.expand(s), rand(3, 1), [2, -1, 4])
    refused("Expand", lambda x, s: x.expand(s), a, [3, 5])
    case("ExpandAs", lambda x, y: x.expand_as(y), rand(4), a)
    refused("ExpandAs", lambda x, y: x.expand_as(y), rand(5), a)
    case("Repeat", lambda x, n: x.repeat(n), a, [2, 1, 2])
    refused("Repeat", lambda x, n: x.repeat(n), a, [2])
    case("RepeatInterleave", torch.repeat_interleave, a, 2, 1)
    refused("RepeatInterleave", torch.repeat_interleave, a, -1, 1)
    case("Flip", torch.flip, cube, [0, 2])
    refused("Flip", torch.flip, cube, [0, 0])
    case("Roll", torch.roll, a, -1, 1)
    refused("Roll", torch.roll, a, 1, 2)
    case("Pad", lambda x, p, v: F.pad(x, p, value=v), a, [1, 0, 2, 1], -1.5)
    case("Pad", lambda x, p, v: F.pad(x, p, value=v), a, [-1, 0], 0.0)
    refused("Pad", lambda x, p, v: F.pad(x, p, value=v), a, [1, 0, 2], 0.0)
    case("Contiguous", lambda x: x.contiguous(), a.t())
    case("Clone", torch.clone, a)
    case("Detach", lambda x: x.detach(), a)
    case("OneHot", F.one_hot, torch.tensor([[2, 0], [1, 2]]), 4)
    case("OneHot", F.one_hot, torch.tensor([2, 0]), -1)
    refused("OneHot", F.one_hot, torch.tensor([2, 0]), 2)
    refused("OneHot", F.one_hot, torch.tensor([0.5]), 2)
    for number_, dtype in (4, torch.int64), (7, torch.float64), (5, torch.float16), (15, torch.bfloat16), (3, torch.int32), (11, torch.bool), (0, torch.uint8):
        case("ToType", lambda x, d: x.to(dtype), torch.tensor([1.0, 0.0, 2.75]), number_, grad=False)
    case("ToType", lambda x, d: x.to(torch.float64), a, 7)


def layer():
    x, w = rand(2, 4, 6, 5), rand(6, 4, 3, 2)
    case("conv1d", F.conv1d, rand(2, 4, 7), rand(6, 2, 3), rand(6), [2], [1], [1], 2)
    refused("conv1d", F.conv1d, rand(2, 4, 7), rand(3, 3, 3), None, [1], [0], [1], 1)
    case("conv2d", F.conv2d, x, w, rand(6), [1], [0], [1], 1)
    case("conv2d", F.conv2d, x, w, None, [2, 1], [1, 0], [1, 2], 1)
    case("conv2d", F.conv2d, x, rand(6, 2, 3, 2), rand(6), [1], [1], [1], 2)
    case("conv2d", F.conv2d, rand(0, 4, 6, 5), w, rand(6), [1], [0], [1], 1)
    refused("conv2d", F.conv2d, x, rand(6, 3, 3, 2), None, [1], [0], [1], 1)
    refused("conv2d", F.conv2d, x, w, rand(5), [1], [0], [1], 1)
    refused("conv2d", F.conv2d, x, w, None, [0], [0], [1], 1)
    refused("conv2d", F.conv2d, x, rand(6, 4, 9, 9), None, [1], [0], [1], 1)
    case("convTranspose2d", F.conv_transpose2d, x, rand(4, 3, 3, 2), rand(3), [2], [1], [1], 1, [1])
    case("convTranspose2d", F.conv_transpose2d, x, rand(4, 3, 3, 3), None, [1], [0], [0], 2, [1])
    refused("convTranspose2d", F.conv_transpose2d, x, rand(3, 3, 3, 3), None, [1], [0], [0], 1, [1])
    case("maxPool2d", F.max_pool2d, x, [2], [2], [0], [1], False)
    case("maxPool2d", F.max_pool2d, x, [3, 2], [1, 2], [1], [1], True)
    refused("maxPool2d", F.max_pool2d, x, [9], [1], [0], [1], False)
    refused("maxPool2d", F.max_pool2d, x, [2], [2], [2], [1], False)
    for count in True, False:
        case("avgPool2d", F.avg_pool2d, x, [3], [2], [1], True, count)
    refused("avgPool2d", F.avg_pool2d, x, [9], [1], [0], False, True)
    case("AdaptiveAvgPool2d", lambda x, h, w: F.adaptive_avg_pool2d(x, (h, w)), x, 2, 3)
    refused("AdaptiveAvgPool2d", lambda x, h, w: F.adaptive_avg_pool2d(x, (h, w)), rand(3), 2, 3)
    case("AdaptiveMaxPool2d", lambda x, h, w: F.adaptive_max_pool2d(x, (h, w), return_indices=True), x, 2, 3)
    refused("AdaptiveMaxPool2d", lambda x, h, w: F.adaptive_max_pool2d(x, (h, w), return_indices=True), rand(3), 2, 3)

    def batch_norm(x, w, b, m, v, train, momentum, eps):
        running = (None, None) if m is None else (m.detach().clone(), v.detach().clone())
        return F.batch_norm(x, running[0], running[1], w, b, train, momentum, eps)

    for train in True, False:
        case("BatchNorm", batch_norm, x, rand(4), rand(4), rand(4), rand(4, low=0.5, high=2), train, 0.1, 1e-5)
    case("BatchNorm", batch_norm, rand(5, 3), None, None, None, None, True, 0.1, 1e-5)
    refused("BatchNorm", F.batch_norm, x, rand(3), rand(3), None, None, True, 0.1, 1e-5)
    case("LayerNorm", F.layer_norm, x, [6, 5], rand(6, 5), rand(6, 5), 1e-5)
    case("LayerNorm", F.layer_norm, x, [5], None, None, 1e-5)
    refused("LayerNorm", F.layer_norm, x, [4], None, None, 1e-5)
    case("GroupNorm", F.group_norm, x, 2, rand(4), rand(4), 1e-5)
    refused("GroupNorm", F.group_norm, x, 3, None, None, 1e-5)
    case("UpsampleNearest", lambda x, h, w: F.interpolate(x, (h, w), mode="nearest"), x, 9, 4)
    refused("UpsampleNearest", lambda x, h, w: F.interpolate(x, (h, w), mode="nearest"), x, 0, 4)
    for align in True, False:
        case("UpsampleBilinear", lambda x, h, w, a: F.interpolate(x, (h, w), mode="bilinear", align_corners=a), x, 9, 4, align)
        case("upsampleBicubic", lambda x, h, w, a: F.interpolate(x, (h, w), mode="bicubic", align_corners=a), x, 9, 4, align)
    refused("UpsampleBilinear", lambda x, h, w, a: F.interpolate(x, (h, w), mode="bilinear", align_corners=a), x, 0, 4, True)
    refused("upsampleBicubic", lambda x, h, w, a: F.interpolate(x, (h, w), mode="bicubic", align_corners=a), x, 0, 4, True)
    case("PixelShuffle", F.pixel_shuffle, x, 2)
    refused("PixelShuffle", F.pixel_shuffle, x, 3)
    case("AffineGrid", lambda t, n, h, w: F.affine_grid(t, (n, 1, h, w), align_corners=False), rand(2, 2, 3), 2, 3, 4)
    refused("AffineGrid", lambda t, n, h, w: F.affine_grid(t, (n, 1, h, w), align_corners=False), rand(2, 3, 3), 2, 3, 4)
    case("GridSample", lambda x, g: F.grid_sample(x, g, align_corners=False), rand(2, 1, 5, 4), rand(2, 3, 3, 2, low=-1.3, high=1.3))
    refused("GridSample", lambda x, g: F.grid_sample(x, g, align_corners=False), rand(2, 1, 5, 4), rand(3, 3, 3, 2))


def loss():
    logits, target, other = rand(4, 3), torch.tensor([2, 0, 1, 2]), rand(4, 3)
    probability, signs = rand(4, 3, low=0.05, high=0.95), torch.tensor([1.0, -1.0, 1.0, -1.0])
    names = {0: "none", 1: "mean", 2: "sum"}
    for r in names:
        case("CrossEntropy", lambda x, t, r: F.cross_entropy(x, t, reduction=names[r]), logits, target, r)
        case("CrossEntropySmoothed", lambda x, t, s, r: F.cross_entropy(x, t, reduction=names[r], label_smoothing=s), logits, target, 0.1, r)
        case("NLLLoss", lambda x, t, r: F.nll_loss(x, t, reduction=names[r]), logits, target, r)
        case("mseLoss", lambda x, t, r: F.mse_loss(x, t, reduction=names[r]), logits, other, r)
        case("L1Loss", lambda x, t, r: F.l1_loss(x, t, reduction=names[r]), logits, other, r)
        case("SmoothL1Loss", lambda x, t, b, r: F.smooth_l1_loss(x, t, reduction=names[r], beta=b), logits, other, 0.5, r)
        case("HuberLoss", lambda x, t, d, r: F.huber_loss(x, t, reduction=names[r], delta=d), logits, other, 0.5, r)
        case("BCELoss", lambda x, t, r: F.binary_cross_entropy(x, t, reduction=names[r]), probability, (other > 0).float(), r)
        case("BCEWithLogitsLoss", lambda x, t, r: F.binary_cross_entropy_with_logits(x, t, reduction=names[r]), logits, (other > 0).float(), r)
        case("KLDiv", lambda x, t, l, r: F.kl_div(x, t, reduction=names[r], log_target=l), logits, probability, False, r)
        case("KLDiv", lambda x, t, l, r: F.kl_div(x, t, reduction=names[r], log_target=l), logits, other, True, r)
        case("CosineEmbeddingLoss", lambda a, b, t, m, r: F.cosine_embedding_loss(a, b, t, m, reduction=names[r]), logits, other, signs, 0.1, r)
        case("TripletMarginLoss", lambda a, p, n, m, r: F.triplet_margin_loss(a, p, n, m, reduction=names[r]), logits, other, probability, 1.0, r)
        case("MarginRankingLoss", lambda a, b, t, m, r: F.margin_ranking_loss(a, b, t, m, reduction=names[r]), logits[:, 0], other[:, 0], signs, 0.2, r)
    case("CrossEntropy", lambda x, t, r: F.cross_entropy(x, t), rand(2, 3, 4), torch.tensor([[0, 1, 2, 0], [2, 2, 1, -100]]), 1)
    case("CrossEntropy", lambda x, t, r: F.cross_entropy(x, t), logits, F.softmax(other, 1), 1)
    case("CrossEntropy", lambda x, t, r: F.cross_entropy(x, t), torch.zeros(0, 3), target[:0], 1)
    case("L1Loss", lambda x, t, r: F.l1_loss(x, t), torch.zeros(0, 3), torch.zeros(0, 3), 1)
    case("BCELoss", lambda x, t, r: F.binary_cross_entropy(x, t), torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.5]), 1)
    refused("CrossEntropy", lambda x, t, r: F.cross_entropy(x, t), logits, target + 1, 1)
    refused("CrossEntropy", lambda x, t, r: F.cross_entropy(x, t), logits, target[:3], 1)
    refused("CrossEntropySmoothed", lambda x, t, s, r: F.cross_entropy(x, t, label_smoothing=s), logits, target, 1.5, 1)
    refused("NLLLoss", lambda x, t, r: F.nll_loss(x, t), logits, target - 3, 1)
    refused("mseLoss", F.mse_loss, logits, rand(5), None)
    refused("L1Loss", F.l1_loss, logits, rand(5), None)
    refused("BCELoss", lambda x, t, r: F.binary_cross_entropy(x, t), logits, probability, 1)
    refused("BCEWithLogitsLoss", lambda x, t, r: F.binary_cross_entropy_with_logits(x, t), logits, rand(4, 1), 1)
    refused("TripletMarginLoss", lambda a, p, n, m, r: F.triplet_margin_loss(a, p, n, m), logits, rand(5, 5), probability, 1.0, 1)


def create():
    x, ints = rand(2, 3), torch.tensor([[1, 2]])
    for name, f in {"Zeros": torch.zeros, "Ones": torch.ones}.items():
        for s in [2, 3], [], [0, 2]:
            case(name, f, s)
        refused(name, f, [2, -1])
    case("Full", lambda v, s: torch.full(s, v), 2.5, [2, 2])
    refused("Full", lambda v, s: torch.full(s, v), 2.5, [-1])
    case("Eye", torch.eye, 3)
    refused("Eye", torch.eye, -1)
    case("Arange", lambda a, b, c: torch.arange(a, b, c, dtype=torch.float32), 1.0, 2.0, 0.25)
    refused("Arange", torch.arange, 1.0, 2.0, -1.0)
    case("ArangeInt", torch.arange, 5, -5, -3)
    refused("ArangeInt", torch.arange, 0, 5, 0)
    case("Linspace", torch.linspace, -1.0, 1.0, 5)
    case("Linspace", torch.linspace, -1.0, 1.0, 0)
    refused("Linspace", torch.linspace, -1.0, 1.0, -1)
    for s in [2, 3], [5, 7]:
        case("Rand", torch.rand, s, seed=5)
        case("Randn", torch.randn, s, seed=5)
        case("RandInt", torch.randint, -3, 9, s, seed=5)
    refused("Rand", torch.rand, [-1])
    refused("Randn", torch.randn, [-1])
    refused("RandInt", torch.randint, 3, 3, [2])
    case("RandPerm", torch.randperm, 9, seed=5)
    refused("RandPerm", torch.randperm, -1)
    for name, f in {"ZerosLike": torch.zeros_like, "OnesLike": torch.ones_like}.items():
        for t in x, ints, torch.zeros(0, 3):
            case(name, f, t, grad=False)
    case("FullLike", torch.full_like, x, 1.5, grad=False)
    case("FullLike", torch.full_like, ints, 2, grad=False)
    case("RandLike", torch.rand_like, x, seed=6, grad=False)
    case("RandnLike", torch.randn_like, rand(5, 5), seed=6, grad=False)
    refused("RandLike", torch.rand_like, ints)
    case("NewZeros", lambda x, s: x.new_zeros(s), ints, [2, 2], grad=False)
    case("NewOnes", lambda x, s: x.new_ones(s), ints, [2], grad=False)
    case("NewFull", lambda x, v, s: x.new_full(s, v), ints, 7, [2], grad=False)
    refused("NewZeros", lambda x, s: x.new_zeros(s), ints, [-2])
    case("EyeMask", lambda x, n: torch.eye(n, dtype=torch.bool), x, 3, grad=False)
    case("Bernoulli", torch.bernoulli, torch.tensor([[0.0, 1.0, 0.5], [0.25, 0.75, 0.5]]), seed=7, grad=False)
    refused("Bernoulli", torch.bernoulli, torch.tensor([1.5]))
    case("Multinomial", torch.multinomial, torch.tensor([[0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]), 2, False, seed=8, grad=False)
    case("Multinomial", torch.multinomial, torch.tensor([1.0, 2.0, 3.0]), 5, True, seed=8, grad=False)
    refused("Multinomial", torch.multinomial, torch.tensor([1.0, -2.0]), 1, True)
    refused("Multinomial", torch.multinomial, torch.tensor([1.0, 2.0]), 3, False)


def write(folder):
    CASES.clear()
    EMPTY.clear()
    version = ".".join(torch.__version__.split(".")[:2])
    for i, section in enumerate((pointwise, reduce, matrix, shape, layer, loss, create)):
        torch.manual_seed(i)
        section()
    done = {c["op"] for c in CASES if has_empty(c)}
    CASES.extend(c for name, c in EMPTY.items() if c and name not in done)
    target = folder / f"torch-{version}"
    target.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
    (target / "operations.json").write_text(f'{{"torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n')
