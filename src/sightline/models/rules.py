"""Rules of thumb for architectures, each a function from a network to findings.

Starter book, chapter 11.3.2. `lint.py` gathers what they find.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from sightline.models.graph import Graph, Layer
from sightline.models.operations import ACTIVATIONS, NORMS
from sightline.models.summary import pair, volume, what

LARGE = 200  # pixels of an input from which large first kernels and strides are fine
USUAL = (28, 32, 64, 96, 128, 224, 227, 256, 299)  # sides of inputs
POOLS = ("max pool", "avg pool")
SMALL = 4  # pixels a side from which pooling leaves too little


@dataclass(frozen=True)
class Finding:
    """What a rule says of layers: what is so, and what to do about it."""

    rule: str
    level: Literal["warning", "note"]
    layers: tuple[str, ...]
    says: str
    do: str

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "layers": list(self.layers)}


class Chain:
    """A graph with what the rules ask of it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.by_name = graph.by_name
        self.readers = graph.readers()
        self.input = graph.layers[0]
        self.convs = [layer for layer in graph.layers if layer.kind == "conv"]

    def source(self, layer: Layer) -> Layer:
        return self.by_name[layer.inputs[0]]

    def next(self, layer: Layer, through: tuple[str, ...]) -> tuple[Layer | None, list[Layer]]:
        """The layer that alone goes on from this one, and those of certain kinds passed on the
        way; None where several do, or nothing."""
        passed: list[Layer] = []
        while len(after := self.readers[layer.name]) == 1:
            layer = after[0]
            if layer.kind not in through:
                return layer, passed
            passed.append(layer)
        return None, passed


def _square_input(chain: Chain) -> Iterator[Finding]:
    height, width = chain.input.shape[1:]
    if height != width:
        yield Finding(
            "square input", "note", (), f"The input is {height}x{width}.",
            "Square inputs keep volumes simple: take a square canvas, unless the shape of the "
            "images matters.",
        )  # fmt: skip
    elif height not in USUAL:
        near = min(USUAL, key=lambda side: abs(side - height))
        yield Finding(
            "usual input", "note", (), f"The input is {height}x{width}.",
            f"Usual sides are {', '.join(map(str, USUAL))}: {near} is near and was tried by many.",
        )  # fmt: skip


def _whole_volumes(chain: Chain) -> Iterator[Finding]:
    """(W - F + 2P) / S + 1 is whole, or only padding is left over."""
    for layer in chain.convs + [p for p in chain.graph.layers if p.kind in POOLS]:
        s = layer.settings
        before = chain.source(layer).shape
        if s.get("ceil") or len(before) != 3:
            continue
        for axis in (0, 1):
            side, reach = before[1 + axis], (s["kernel"][axis] - 1) * s["dilation"][axis] + 1
            stride, pad = s["stride"][axis], s["padding"][axis]
            left = (side + 2 * pad - reach) % stride
            if left > pad and reach >= stride:
                size = (side - reach + 2 * pad) / stride + 1
                yield Finding(
                    "whole volumes", "warning", (layer.name,),
                    f"({side} - {reach} + 2*{pad}) / {stride} + 1 = {size:g} is not whole: the "
                    f"last {left - pad} of {side} rows or columns are never looked at.",
                    "Choose an input that can be divided by 2 as often as the network halves it, "
                    "or pad.",
                )  # fmt: skip
                break


def _kernels(chain: Chain) -> Iterator[Finding]:
    large = min(chain.input.shape[1:]) > LARGE
    for i, layer in enumerate(chain.convs):
        sides = layer.settings["kernel"]
        if any(side % 2 == 0 for side in sides):
            yield Finding(
                "odd kernels", "warning", (layer.name,),
                f"A kernel of {pair(sides)} has no center.",
                "Take 3x3 or 5x5.",
            )  # fmt: skip
        whole = tuple(sides) == tuple(chain.source(layer).shape[1:])
        if min(sides) > 5 and not (i == 0 and large) and not whole:
            yield Finding(
                "small kernels", "warning", (layer.name,),
                f"{what(layer)} on a volume of {volume(chain.source(layer).shape)}.",
                f"7x7 and 11x11 are for the first layer of inputs over {LARGE} pixels; else stack "
                "two or three of 3x3, which see as much with fewer weights.",
            )  # fmt: skip


def _strides(chain: Chain) -> Iterator[Finding]:
    large = min(chain.input.shape[1:]) > LARGE
    for i, layer in enumerate(chain.convs):
        if max(layer.settings["stride"]) > 1 and not (i == 0 and large):
            yield Finding(
                "stride 1", "note", (layer.name,), f"{what(layer)} skips pixels.",
                f"Strides are for the first layer of inputs over {LARGE} pixels; let POOL shrink "
                "the volume, as long as you have no reason of your own (residual networks have).",
            )  # fmt: skip


def _padding(chain: Chain) -> Iterator[Finding]:
    for layer in chain.convs:
        before, after = chain.source(layer).shape, layer.shape
        whole = tuple(layer.settings["kernel"]) == tuple(before[1:])
        padded = chain.source(layer).kind == "pad"
        if max(layer.settings["stride"]) == 1 and after[1:] < before[1:] and not (whole or padded):
            yield Finding(
                "same padding", "note", (layer.name,),
                f"{what(layer)} makes {volume(after)} of {volume(before)}: borders are lost.",
                "Pad by half the kernel, so that only POOL shrinks the volume, unless you mean the "
                "shrinking.",
            )  # fmt: skip


def _pools(chain: Chain) -> Iterator[Finding]:
    large = min(chain.input.shape[1:]) > LARGE
    for layer in chain.graph.layers:
        if layer.kind not in POOLS:
            continue
        kernel, stride = layer.settings["kernel"], layer.settings["stride"]
        before = chain.source(layer).shape
        whole = tuple(kernel) == tuple(before[1:]) and (layer.kind == "avg pool" or kernel[0] > 3)
        if whole or max(stride) == 1:
            continue
        name = (layer.name,)
        if max(kernel) > 3:
            yield Finding(
                "small pools", "warning", name, f"{what(layer)} throws away most of what it reads.",
                "Pool 2x2 at stride 2; 3x3 at most.",
            )  # fmt: skip
        elif max(kernel) == 3 and not large:
            yield Finding(
                "small pools", "note", name,
                f"{what(layer)} on an input of {pair(chain.input.shape[1:])}.",
                f"3x3 windows are for inputs over {LARGE} pixels, early in the network; else 2x2 "
                "at stride 2.",
            )  # fmt: skip
        if min(stride) > max(kernel):
            yield Finding(
                "small pools", "warning", name, f"{what(layer)} leaves pixels out between windows.",
                "Make the stride no larger than the window.",
            )  # fmt: skip
        if min(before[1:]) < SMALL:
            yield Finding(
                "pooled too often", "warning", name,
                f"{what(layer)} shrinks {volume(before)}, where hardly a place is left.",
                "Leave this POOL out, or give the network a larger input.",
            )  # fmt: skip
        if not _before(chain, layer, "conv"):
            yield Finding(
                "pooled too early", "warning", name,
                "Nothing was learned yet that could be pooled.",
                "Put at least one CONV => RELU before the first POOL, or a smaller input.",
            )  # fmt: skip


def _before(chain: Chain, layer: Layer, kind: str) -> bool:
    """Whether a layer of this kind comes before."""
    at = chain.graph.layers.index(layer)
    return any(other.kind == kind for other in chain.graph.layers[:at])


def _batch_norm(chain: Chain) -> Iterator[Finding]:
    norms = [layer for layer in chain.graph.layers if layer.kind in NORMS]
    if not norms and len(chain.convs) > 1:
        yield Finding(
            "batch norm", "warning", (), "The network has no batch norm.",
            "Put BN behind each activation: fewer epochs, a steadier loss, almost always a lower "
            "one, at two to three times the time an epoch.",
        )  # fmt: skip
    early = tuple(n.name for n in norms if (chain.next(n, ())[0] or n).kind in ACTIVATIONS)
    if early:
        yield Finding(
            "batch norm after the activation", "note", early, "BN stands before the activation.",
            "The book puts it behind; the original paper and most published networks before. Worth "
            "one experiment, not more.",
        )  # fmt: skip
    last = tuple(n.name for n in norms if n.name in chain.graph.outputs)
    if last:
        yield Finding(
            "batch norm before the output", "warning", last, "BN stands right before the softmax.",
            "Leave it out there: it undoes the scale of the scores.",
        )  # fmt: skip


def _dropout(chain: Chain) -> Iterator[Finding]:
    between = (*ACTIVATIONS, *NORMS, "dropout")
    for layer in chain.graph.layers:
        if layer.kind == "linear":
            after, passed = chain.next(layer, between)
            dropped = [p for p in passed if p.kind == "dropout" and p.settings["p"] > 0]
            if after is not None and after.kind == "linear" and not dropped:
                yield Finding(
                    "dropout between FC", "warning", (layer.name,),
                    f"No dropout between {layer.name} and {after.name}, where most weights are.",
                    "Put DO.5 between fully connected layers.",
                )  # fmt: skip
        if layer.kind == "dropout" and len(layer.shape) == 3 and layer.settings["p"] > 0.25:
            yield Finding(
                "dropout of volumes", "note", (layer.name,),
                f"{layer.settings['p']:g} of a volume is dropped.",
                "Between volumes .10 to .25 is enough, behind POOL.",
            )  # fmt: skip


def _fully_connected(chain: Chain) -> Iterator[Finding]:
    linear = [layer for layer in chain.graph.layers if layer.kind == "linear"]
    for layer in linear:
        start = layer
        while start.inputs and chain.source(start).kind in ("flatten", "reshape"):
            start = chain.source(start)
        flat = start.inputs and len(chain.source(start).shape) == 3
        spread = flat and max(chain.source(start).shape[1:]) > 1
        if spread and _reaches(chain, layer, "conv"):
            yield Finding(
                "FC at the end", "warning", (layer.name,),
                "A fully connected layer comes before a CONV: places are mixed up by then.",
                "Move it behind the last CONV and POOL.",
            )  # fmt: skip
    if len(linear) > 3 and chain.convs:
        yield Finding(
            "few FC", "note", tuple(layer.name for layer in linear),
            f"{len(linear)} fully connected layers.",
            "One or two before the last are enough; depth belongs into CONV.",
        )  # fmt: skip


def _reaches(chain: Chain, layer: Layer, kind: str) -> bool:
    """Whether a layer of this kind reads, however far on, what this one gives."""
    reached = {layer.name}
    for other in chain.graph.layers:
        if reached & set(other.inputs):
            if other.kind == kind:
                return True
            reached.add(other.name)
    return False


def _filters(chain: Chain) -> Iterator[Finding]:
    """The most filters at each size of the volume, from large to small."""
    most: dict[int, Layer] = {}
    for layer in chain.convs:
        side = layer.shape[1]
        if side not in most or layer.shape[0] > most[side].shape[0]:
            most[side] = layer
    sides = sorted(most, reverse=True)
    for larger, smaller in pairwise(sides):
        before, after = most[larger].shape, most[smaller].shape
        if after[0] < before[0] and smaller > 1:
            yield Finding(
                "growing filters", "warning", (most[smaller].name,),
                f"{after[0]} filters at {after[1]}x{after[2]}, after {before[0]} at "
                f"{before[1]}x{before[2]}.",
                "Let filters grow as the volume shrinks: double them behind each POOL.",
            )  # fmt: skip


def _activations(chain: Chain) -> Iterator[Finding]:
    between = (*NORMS, *POOLS, "dropout", "pad", "flatten")
    for layer in chain.graph.layers:
        if layer.kind not in ("conv", "linear"):
            continue
        after, _ = chain.next(layer, between)
        if after is None or after.kind not in ("conv", "linear"):
            continue
        single = any(x.settings.get("groups", 1) > 1 for x in (layer, after))
        if not single:
            yield Finding(
                "activation behind each", "note" if layer.kind == "conv" else "warning",
                (layer.name,), f"No activation between {layer.name} and {after.name}.",
                "Two linear layers in a row are one: put RELU between them (inverted residuals "
                "leave it out on purpose).",
            )  # fmt: skip
    ends = [chain.by_name[name] for name in chain.graph.outputs]
    if soft := tuple(layer.name for layer in ends if layer.kind == "softmax"):
        yield Finding(
            "no softmax inside", "warning", soft, "The network ends with a softmax.",
            "Leave it to the task: the loss wants scores, and takes the softmax itself.",
        )  # fmt: skip


RULES: tuple[Callable[[Chain], Iterator[Finding]], ...] = (
    _whole_volumes, _kernels, _fully_connected, _filters, _batch_norm, _dropout, _pools,
    _activations, _strides, _padding, _square_input,
)  # fmt: skip
