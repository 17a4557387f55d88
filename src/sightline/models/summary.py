"""A network layer by layer: volumes, parameters, multiply-adds, receptive fields, memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

from sightline.models.graph import Graph, Layer
from sightline.models.operations import ACTIVATIONS, NORMS

FLOAT, INDEX = 4, 8  # bytes of a number in float32, and of a position in int64
COLUMNS = 80
HEADS = ("layer", "what", "output", "parameters", "mult-adds", "field")
# What autograd keeps of a layer for the way back.
INPUT_KEPT = ("conv", "up conv", "linear", "max pool", "avg pool", "adaptive pool", *NORMS)
ALL_KEPT = ("mul", "product", "attention")
OUTPUT_KEPT = ("sigmoid", "tanh", "softmax", "relu")
COPIED = ("relu6", "silu", "mish", "hard swish", "hard sigmoid")  # in place, their input is copied
VIEWS = ("flatten", "reshape", "part", "slice", "permute", "transpose", "squeeze", "unsqueeze")


@dataclass(frozen=True)
class Memory:
    """Bytes that training takes with a batch, estimated: float32, Adam, no workspaces.

    activations  what autograd keeps from the way forward for the way back
    """

    batch: int
    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations

    def to_dict(self) -> dict[str, int]:
        return {**vars(self), "total": self.total}

    def to_text(self) -> str:
        return (
            f"memory to train on batches of {self.batch}: about {_bytes(self.total)}, of which\n"
            f"  weights     {_bytes(self.weights):>9}  float32\n"
            f"  gradients   {_bytes(self.gradients):>9}  one a parameter\n"
            f"  optimizer   {_bytes(self.optimizer):>9}  Adam's two averages; SGD's momentum "
            f"takes half\n"
            f"  activations {_bytes(self.activations):>9}  kept for the way back; workspaces come "
            f"on top\n"
        )


def memory_of(graph: Graph, batch: int) -> Memory:
    """What training on batches of so many takes."""
    return Memory(
        batch,
        weights=FLOAT * (graph.parameters + graph.buffers),
        gradients=FLOAT * graph.parameters,
        optimizer=2 * FLOAT * graph.parameters,
        activations=batch * activations_of(graph),
    )


def activations_of(graph: Graph) -> int:
    """Bytes an image that autograd keeps: each tensor once, in-place layers and views none."""
    numbers = {layer.name: prod(layer.shape) for layer in graph.layers}
    root: dict[str, str] = {}  # by layer, the one whose memory its output lies in
    kept: set[str] = set()
    extra = 0
    for layer in graph.layers:
        source = [root[name] for name in layer.inputs]
        inplace = bool(layer.settings.get("inplace"))
        dropping = layer.kind == "dropout" and layer.settings["p"] > 0
        through = layer.kind in VIEWS or inplace or (layer.kind == "dropout" and not dropping)
        root[layer.name] = source[0] if source and through else layer.name
        kept |= _kept(layer, source, root[layer.name])
        if dropping or (inplace and layer.kind in COPIED):
            extra += FLOAT * numbers[layer.name]  # a mask, a copy
        elif layer.kind == "max pool":
            extra += INDEX * numbers[layer.name]
    return FLOAT * sum(numbers[name] for name in kept) + extra


def _kept(layer: Layer, source: Sequence[str], own: str) -> set[str]:
    """Of which layers, by name, the outputs are kept for this one."""
    inplace = bool(layer.settings.get("inplace"))
    if layer.kind in COPIED and inplace:
        return set()
    if layer.kind in OUTPUT_KEPT or (layer.kind in ACTIVATIONS and inplace):
        return {own}
    if layer.kind in ACTIVATIONS or (layer.kind in ALL_KEPT and len(source) > 1):
        return set(source)
    return set(source[:1]) if layer.kind in INPUT_KEPT else set()


def to_dict(graph: Graph, batch: int) -> dict[str, Any]:
    """The summary as plain JSON values; volumes are (channels, height, width)."""
    return {
        "name": graph.name,
        "layers": [_row(layer) for layer in graph.layers],
        "outputs": list(graph.outputs),
        "parameters": graph.parameters,
        "parameters_elsewhere": graph.elsewhere,
        "multiply_adds": graph.multiply_adds,
        "memory": memory_of(graph, batch).to_dict(),
    }


def _row(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "settings": dict(layer.settings),
        "inputs": list(layer.inputs),
        "output": list(layer.shape),
        "parameters": layer.parameters,
        "multiply_adds": layer.multiply_adds,
        "field": vars(layer.field),
    }


def to_text(graph: Graph, batch: int, columns: int = COLUMNS) -> str:
    """A line a layer, then totals and memory; at least 80 columns."""
    first = graph.layers[0].shape
    answer = ", ".join(volume(graph.by_name[name].shape) for name in graph.outputs)
    rows = [HEADS, *(_cells(layer) for layer in graph.layers)]
    wide = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    wide[0] = max(10, min(wide[0], max(columns, COLUMNS) - sum(wide[1:]) - len(wide) + 1))
    lines = [f"{graph.name}: {volume(first)} in, {answer} out", ""]
    for name, kind, *numbers in rows:
        cells = [f"{shortened(name, wide[0]):<{wide[0]}}", f"{kind:<{wide[1]}}"]
        cells += [f"{text:>{space}}" for text, space in zip(numbers, wide[2:], strict=True)]
        lines.append(" ".join(cells).rstrip())
    lines += ["", *_totals(graph), ""]
    return "\n".join(lines) + memory_of(graph, batch).to_text()


def _cells(layer: Layer) -> tuple[str, ...]:
    return (
        layer.name,
        what(layer),
        volume(layer.shape),
        f"{layer.parameters:,}" if layer.parameters else "",
        amount(layer.multiply_adds) if layer.multiply_adds else "",
        _side([ceil(side) for side in layer.field.size]) if layer.inputs else "",
    )


def _totals(graph: Graph) -> list[str]:
    lines = [
        f"{graph.parameters:,} parameters, {amount(graph.multiply_adds)} multiply-adds an image"
    ]
    if graph.elsewhere:
        lines.append(
            f"  of them {graph.elsewhere:,} in heads that answer in training alone, not listed"
        )
    maps = [layer for layer in graph.layers if len(layer.shape) == 3]
    last = next((m for m in reversed(maps) if prod(m.shape[1:]) > 1), maps[0])
    height, width = graph.layers[0].shape[1:]
    seen = pair([ceil(side) for side in last.field.size])
    whole = last.field.size[0] >= height and last.field.size[1] >= width
    lines.append(
        f"a value of the last map ({volume(last.shape)}) sees {seen} pixels"
        + (": the whole input" if whole else f" of the input's {pair((height, width))}")
    )
    return lines


def what(layer: Layer) -> str:
    """A layer in a few letters: conv 3x3/2, 64."""
    s = layer.settings
    if layer.kind in ("conv", "up conv"):
        text = f"{layer.kind} {pair(s['kernel'])}{_stride(s['stride'])}, {s['filters']}"
        if s["groups"] > 1:
            text += " dw" if s["groups"] == s["inputs"] else f" g{s['groups']}"
        return text + (f" d{s['dilation'][0]}" if max(s["dilation"]) > 1 else "")
    if "kernel" in s:
        return f"{layer.kind} {pair(s['kernel'])}{_stride(s['stride'])}"
    if layer.kind == "linear":
        return f"linear {layer.shape[-1]}"
    if layer.kind == "dropout":
        return f"dropout {s['p']:g}"
    if layer.kind == "adaptive pool":
        to = layer.shape[1:]
        return "global pool" if to == (1, 1) else f"pool to {pair(to)}" if len(to) == 2 else "pool"
    return layer.kind


def _stride(stride: Sequence[int]) -> str:
    return "" if max(stride) == 1 else f"/{_side(stride)}"


def volume(shape: Sequence[int]) -> str:
    """(channels, height, width) as the books write it: 28x28x20; units as their number."""
    if len(shape) == 3:
        return f"{shape[1]}x{shape[2]}x{shape[0]}"
    return "x".join(map(str, shape))


def pair(values: Sequence[float]) -> str:
    """3x3 for a kernel's (3, 3)."""
    return f"{values[0]:g}x{values[1]:g}"


def _side(values: Sequence[float]) -> str:
    """3 for (3, 3), else 1x7."""
    return f"{values[0]:g}" if values[0] == values[1] else pair(values)


def amount(count: int) -> str:
    """4.09 G, 118 M, 5,000."""
    for unit, letter in ((10**9, "G"), (10**6, "M")):
        if count >= 0.9995 * unit:
            value = count / unit
            return f"{value:.{2 if value < 99.95 else 0}f} {letter}"
    return f"{count:,}"


def _bytes(count: int) -> str:
    for unit, letter in ((10**9, "GB"), (10**6, "MB")):
        if count >= unit:
            return f"{count / unit:.2f} {letter}" if letter == "GB" else f"{count / unit:.1f} MB"
    return f"{count / 1000:.1f} kB"


def shortened(name: str, limit: int) -> str:
    """The name, its beginning giving way: the end tells layers apart."""
    return name if len(name) <= limit else f"…{name[len(name) - limit + 1 :]}"
