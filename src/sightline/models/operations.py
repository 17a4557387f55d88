"""What a node of a traced network does: its kind and its settings, module or function alike.

A module and the function of the same name (`nn.MaxPool2d`, `F.max_pool2d`) are one kind.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import fx, nn

KINDS = {  # by name without case, underscores and dimension
    "conv": "conv",
    "convtranspose": "up conv",
    "linear": "linear",
    "batchnorm": "batch norm",
    "groupnorm": "group norm",
    "layernorm": "layer norm",
    "instancenorm": "instance norm",
    "localresponsenorm": "response norm",
    "maxpool": "max pool",
    "avgpool": "avg pool",
    "adaptiveavgpool": "adaptive pool",
    "adaptivemaxpool": "adaptive pool",
    "interpolate": "upsample",
    "upsample": "upsample",
    "upsamplingnearest": "upsample",
    "upsamplingbilinear": "upsample",
    "pad": "pad",
    "zeropad": "pad",
    "reflectionpad": "pad",
    "replicationpad": "pad",
    "constantpad": "pad",
    "getitem": "slice",
    "cat": "concat",
    "concat": "concat",
    "add": "add",
    "iadd": "add",
    "mul": "mul",
    "imul": "mul",
    "sub": "sub",
    "truediv": "div",
    "mean": "mean",
    "flatten": "flatten",
    "view": "flatten",
    "reshape": "flatten",
    "dropout": "dropout",
    "alphadropout": "dropout",
    "featurealphadropout": "dropout",
    "relu": "relu",
    "relu6": "relu6",
    "leakyrelu": "leaky relu",
    "prelu": "prelu",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "hardswish": "hard swish",
    "hardsigmoid": "hard sigmoid",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softmax": "softmax",
    "logsoftmax": "softmax",
    "matmul": "product",
    "bmm": "product",
    "scaleddotproductattention": "attention",
    "multiheadattention": "attention",
    "clamp": "clamp",
    "chunk": "split",
    "split": "split",
}
NORMS = ("batch norm", "group norm", "layer norm", "instance norm", "response norm")
ACTIVATIONS = (
    "relu", "relu6", "leaky relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "hard swish",
    "hard sigmoid", "sigmoid", "tanh", "softmax", "clamp",
)  # fmt: skip
ARGUMENTS = {  # what a function's arguments are, after the input
    "conv": ("weight", "bias", "stride", "padding", "dilation", "groups"),
    "up conv": ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "max pool": ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg pool": ("kernel_size", "stride", "padding", "ceil_mode"),
    "upsample": ("size", "scale_factor", "mode"),
    "pad": ("pad", "mode", "value"),
}
Shapes = Sequence[tuple[int, ...]]  # of the tensors a node reads, weights included, with the batch
Settings = dict[str, Any]


def operation_of(
    node: fx.Node, module: nn.Module | None, shapes: Shapes, shape: tuple[int, ...]
) -> tuple[str, Settings]:
    """The kind of a node, and its settings as plain values; pairs are (height, width).

    shape  of what it gives, without the batch
    """
    name = _called(node, module)
    kind = KINDS.get(name, name)
    if kind in READERS:
        return kind, READERS[kind](kind, _arguments(kind, node, module), shapes)
    if kind == "dropout":
        p = getattr(module, "p", None) if module is not None else _at(node, 1, "p", 0.5)
        return kind, {"p": float(p or 0.0)}
    if kind == "slice":
        return (kind, _slice(node, shapes)) if _slices(node) else ("part", {})
    if kind == "flatten" and len(shape) > 1:
        return "reshape", {}
    if kind in ACTIVATIONS:
        inplace = getattr(module, "inplace", False) or node.kwargs.get("inplace", False)
        return kind, {"inplace": bool(inplace)}
    return kind, {}


def _called(node: fx.Node, module: nn.Module | None) -> str:
    if node.op == "placeholder":
        return "input"
    if module is not None:
        name = next(c.__name__ for c in type(module).__mro__ if c.__module__.startswith("torch.nn"))
        name = name if name.lower() not in ("module", "sequential") else type(module).__name__
    else:
        name = node.target if isinstance(node.target, str) else node.target.__name__
    return re.sub(r"_|\dd$", "", name.strip("_").lower())


def _at(node: fx.Node, position: int, name: str, default: Any) -> Any:
    if name in node.kwargs:
        return node.kwargs[name]
    return node.args[position] if len(node.args) > position else default


def _arguments(kind: str, node: fx.Node, module: nn.Module | None) -> Mapping[str, Any]:
    if module is not None:
        return {k: v for k, v in vars(module).items() if not k.startswith("_")}
    names = ARGUMENTS.get(kind, ())
    return dict(zip(("input", *names), node.args, strict=False)) | dict(node.kwargs)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int | float):
        return int(value), int(value)
    first, *rest = value
    return int(first), int(rest[0] if rest else first)


def _conv(kind: str, given: Mapping[str, Any], shapes: Shapes) -> Settings:
    groups = int(given.get("groups", 1))
    if "in_channels" in given:
        inputs, filters = int(given["in_channels"]), int(given["out_channels"])
        kernel = _pair(given["kernel_size"])
    else:
        weight = shapes[1]  # (out, in / groups, h, w), or (in, out / groups, h, w) transposed
        up = kind == "up conv"
        inputs = weight[0] if up else weight[1] * groups
        filters = weight[1] * groups if up else weight[0]
        kernel = _pair(weight[2:])
    dilation = _pair(given.get("dilation", 1))
    found = {
        "kernel": kernel,
        "stride": _pair(given.get("stride") or 1),
        "padding": _padding(given.get("padding", 0), kernel, dilation),
        "dilation": dilation,
        "groups": groups,
        "inputs": inputs,
        "filters": filters,
    }
    return found | ({"from": shapes[0][2:]} if kind == "up conv" else {})


def _padding(value: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """Pixels before the first; torch's "same" puts the odd one after the last."""
    if value == "valid":
        return 0, 0
    if value == "same":
        return (kernel[0] - 1) * dilation[0] // 2, (kernel[1] - 1) * dilation[1] // 2
    return _pair(value)


def _pool(_: str, given: Mapping[str, Any], __: Shapes) -> Settings:
    kernel = _pair(given["kernel_size"])
    stride = given.get("stride")
    return {
        "kernel": kernel,
        "stride": kernel if stride in (None, [], ()) else _pair(stride),
        "padding": _pair(given.get("padding", 0)),
        "dilation": _pair(given.get("dilation", 1)),
        "ceil": bool(given.get("ceil_mode", False)),
    }


def _upsample(_: str, given: Mapping[str, Any], __: Shapes) -> Settings:
    return {"mode": str(given.get("mode", "nearest"))}


def _linear(_: str, __: Mapping[str, Any], shapes: Shapes) -> Settings:
    return {"inputs": shapes[0][-1]}


def _attention(_: str, __: Mapping[str, Any], shapes: Shapes) -> Settings:
    return {"tokens": shapes[0][-2]}


def _pad(_: str, given: Mapping[str, Any], __: Shapes) -> Settings:
    """torch names pads from the last axis on: left, right, top, bottom."""
    pads: Any = given.get("pad", given.get("padding", 0))
    pads = [pads] * 4 if isinstance(pads, int) else [*pads, 0, 0]
    return {"before": (int(pads[2]), int(pads[0])), "step": (1, 1)}


def _slices(node: fx.Node) -> tuple[Any, ...]:
    """What a node indexes a tensor with, where that is slices."""
    index = node.args[1] if len(node.args) > 1 else ()
    index = index if isinstance(index, tuple) else (index,)
    return index if any(isinstance(i, slice) for i in index) else ()


def _slice(node: fx.Node, shapes: Shapes) -> Settings:
    index = (*_slices(node), slice(None), slice(None), slice(None))[2:4]
    known = [i if isinstance(i, slice) else slice(None) for i in index]
    starts = [i.start if isinstance(i.start, int) else 0 for i in known]
    sizes = shapes[0][2:4] if shapes and len(shapes[0]) == 4 else (0, 0)
    starts = [s + n if s < 0 else s for s, n in zip(starts, sizes, strict=False)]
    steps = [i.step if isinstance(i.step, int) else 1 for i in known]
    before = [-start for start in starts] or [0, 0]
    return {"before": tuple(before), "step": tuple(steps)}


READERS: dict[str, Callable[[str, Mapping[str, Any], Shapes], Settings]] = {
    "conv": _conv,
    "up conv": _conv,
    "max pool": _pool,
    "avg pool": _pool,
    "upsample": _upsample,
    "linear": _linear,
    "product": _linear,
    "attention": _attention,
    "pad": _pad,
}
