"""A network as a plain graph of named layers: what summaries, drawings and the linter walk.

Built and traced on the meta device, so that no memory is asked for weights however large they are.
Shapes are torch's own; receptive fields follow Dumoulin and Visin 2016 and Araujo et al. 2019.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor, fx, nn

from sightline import models
from sightline.errors import RecipeError
from sightline.models.fields import Field, Seen, seen_by
from sightline.models.operations import operation_of
from sightline.types import Size

LEAVES = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One operation of a network.

    name           that of the module (its key in the weights), or of the function: add, cat_1
    kind           conv, linear, batch norm, relu, max pool, add, concat, ...
    settings       kernel, stride, padding, dilation (height, width); filters, groups, p, ...
    inputs         names of the layers it reads
    shape          of the output without the batch: (channels, height, width) or (features,)
    parameters     of its own; a module used twice counts them the first time
    multiply_adds  of one image; bias, norms, activations and pools count as none
    field          what of the input one output sees
    block          path of the module that it lies in, "" for the network itself
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    inputs: tuple[str, ...]
    shape: Shape
    parameters: int
    multiply_adds: int
    field: Field
    block: str = ""


@dataclass(frozen=True)
class Graph:
    """Layers in the order they run, the first the input; `blocks` says of what class a path is.

    elsewhere  parameters that no answer passes through: auxiliary heads, of training alone
    buffers    numbers that are kept but not trained: statistics of batch norm
    """

    name: str
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    elsewhere: int = 0
    buffers: int = 0
    blocks: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @property
    def parameters(self) -> int:
        """Numbers that training changes, auxiliary heads included."""
        return sum(layer.parameters for layer in self.layers) + self.elsewhere

    @property
    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers)

    def readers(self) -> dict[str, list[Layer]]:
        """By name, the layers that read each layer."""
        out: dict[str, list[Layer]] = {layer.name: [] for layer in self.layers}
        for layer in self.layers:
            for name in layer.inputs:
                out[name].append(layer)
        return out


def graph_of(
    name: str,
    outputs: int,
    channels: int,
    size: Size,
    settings: Mapping[str, Any] | None = None,
) -> Graph:
    """The graph of a network by name. Raises what `models.build` raises."""
    with torch.device("meta"):
        body = models.build(name, outputs, channels, size, settings).body
    return trace(body, channels, size, name)


def trace(body: nn.Module, channels: int, size: Size, name: str = "network") -> Graph:
    """The graph of a module on the meta device for inputs (n, channels, *size).

    As it answers in evaluation: without auxiliary heads. Raises RecipeError where torch.fx cannot
    follow the module, or the input is too small for it.
    """
    body = body.eval()
    tracer = _Tracer()
    try:
        code = fx.GraphModule(body, tracer.trace(body))
        walk = _Walk(code, body)
        with torch.no_grad():
            walk.run(torch.empty(1, channels, *size, device="meta"))
    except (fx.proxy.TraceError, RuntimeError, TypeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RecipeError(f"{name} at {size[0]}x{size[1]} cannot be followed: {reason}") from None
    total = sum(p.numel() for p in body.parameters() if p.requires_grad)
    used = sum(layer.parameters for layer in walk.layers)
    buffers = sum(b.numel() for b in body.buffers() if b.is_floating_point())
    blocks = {path: type(module).__name__ for path, module in body.named_modules() if path}
    return Graph(name, tuple(walk.layers), walk.answers, total - used, buffers, blocks)


class _Tracer(fx.Tracer):
    """torch.fx's tracer, to which subclasses of common layers are layers too."""

    def is_leaf_module(self, m: nn.Module, qualified_name: str) -> bool:
        return isinstance(m, LEAVES) or super().is_leaf_module(m, qualified_name)


class _Walk(fx.Interpreter):
    """Runs the traced code on the meta device and notes each tensor it makes as a layer."""

    def __init__(self, code: fx.GraphModule, body: nn.Module) -> None:
        super().__init__(code)
        self.body = body
        self.layers: list[Layer] = []
        self.taken: set[str] = set()
        self.answers: tuple[str, ...] = ()
        self.known: dict[fx.Node, tuple[str, Seen]] = {}  # of nodes that made tensors
        self.counted: set[int] = set()  # parameters, by identity

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if n.op == "output":
            self.answers = tuple(name for name, _ in self._read(n))
        elif n.op != "get_attr":
            self._note(n, result)
        return result

    def _read(self, node: fx.Node) -> Iterator[tuple[str, Seen]]:
        for other in node.all_input_nodes:
            if other in self.known:
                yield self.known[other]

    def _note(self, node: fx.Node, result: Any) -> None:
        many = isinstance(result, tuple | list) and any(isinstance(t, Tensor) for t in result)
        first = next((t for t in result if isinstance(t, Tensor)), None) if many else result
        if not isinstance(first, Tensor):
            return
        shape = tuple(first.shape[1:])
        module = self.body.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, nn.Identity):
            self.known[node] = next(self._read(node))
            return
        read = list(self._read(node))
        kind, settings = operation_of(node, module, self._shapes(node), shape)
        seen = seen_by(kind, settings, [seen for _, seen in read], shape)
        layer = Layer(
            name=self._name(node),
            kind=kind,
            settings=settings,
            inputs=tuple(name for name, _ in read),
            shape=shape,
            parameters=self._count(node, module),
            multiply_adds=_multiply_adds(kind, settings, tuple(first.shape)),
            field=seen.field,
            block=_block(node),
        )
        self.layers.append(layer)
        self.taken.add(layer.name)
        self.known[node] = (layer.name, seen)

    def _name(self, node: fx.Node) -> str:
        name = node.target if node.op == "call_module" else node.name
        name = "input" if node.op == "placeholder" else str(name)
        return name if name not in self.taken else f"{name} ({node.name})"  # used twice

    def _shapes(self, node: fx.Node) -> list[Shape]:
        """Of the tensors it reads, weights included, with the batch."""
        values = [self.env.get(other) for other in node.all_input_nodes]
        return [tuple(v.shape) for v in values if isinstance(v, Tensor)]

    def _count(self, node: fx.Node, module: nn.Module | None) -> int:
        used = list(module.parameters()) if module is not None else []
        for other in node.all_input_nodes:
            if other.op == "get_attr" and isinstance(value := self.env.get(other), nn.Parameter):
                used.append(value)
        fresh = [p for p in used if p.requires_grad and id(p) not in self.counted]
        self.counted |= {id(p) for p in fresh}
        return sum(p.numel() for p in fresh)


def _block(node: fx.Node) -> str:
    """The path of the module whose code called this node."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [value[0] if isinstance(value, tuple) else key for key, value in stack.items()]
    if node.op == "call_module" and paths and paths[-1] == node.target:
        paths.pop()
    return str(paths[-1]) if paths else ""


def _multiply_adds(kind: str, settings: Mapping[str, Any], shape: Shape) -> int:
    """Of one image: a product and a sum count as one, as the papers count.

    shape  of the output for one image, its first axis with it: windows of attention lie there
    """
    if kind == "conv":
        return prod(shape) * settings["inputs"] // settings["groups"] * prod(settings["kernel"])
    if kind == "up conv":
        taps = prod(settings["kernel"]) * shape[1] // settings["groups"]
        return shape[0] * settings["inputs"] * prod(settings["from"]) * taps
    if kind in ("linear", "product"):
        return prod(shape) * int(settings["inputs"])
    if kind == "attention":
        return 2 * prod(shape) * int(settings["tokens"])
    return 0
