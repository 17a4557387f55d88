"""What a picture of a network shows: layers fused into parts, parts into stages, repeats once."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from sightline.models.graph import Graph, Layer
from sightline.models.operations import ACTIVATIONS, NORMS
from sightline.models.summary import volume, what

SAVED = 3  # boxes that drawing a repeat once must save
WORDS = {
    "batch norm": "BN",
    "group norm": "GN",
    "layer norm": "LN",
    "response norm": "LRN",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky relu": "leaky ReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "slice": "subsample",
}


@dataclass(frozen=True)
class Part:
    """A box: a layer with the norms, activations and dropout that follow it.

    inputs  positions of the parts it reads
    """

    title: str
    notes: tuple[str, ...]
    shape: str
    kind: str
    inputs: tuple[int, ...]
    block: str


@dataclass(frozen=True)
class Stage:
    """Parts between two points that everything passes; the last is the point.

    An input of -1 is the point before; others are positions within the stage.
    """

    parts: tuple[Part, ...]

    @property
    def block(self) -> str:
        """The path of the module that all its parts lie in."""
        return common([part.block for part in self.parts])


@dataclass(frozen=True)
class Run:
    """Stages that follow one another, so many times in all."""

    stages: tuple[Stage, ...]
    times: int


def parts_of(graph: Graph) -> list[Part]:
    """The boxes in the order they run; the first is the input."""
    readers = graph.readers()
    groups: list[list[Layer]] = []
    home: dict[str, int] = {}
    by_name = graph.by_name
    for layer in graph.layers:
        if layer.inputs:
            before = by_name[layer.inputs[0]]
            host = groups[home[before.name]]
            alone = len(set(layer.inputs)) == 1 and len(readers[before.name]) == 1
            if alone and host[-1] is before and _follows(layer, host):
                host.append(layer)
                home[layer.name] = home[before.name]
                continue
        home[layer.name] = len(groups)
        groups.append([layer])
    return [_part(group, home) for group in groups]


def _follows(layer: Layer, host: Sequence[Layer]) -> bool:
    """Whether a layer is written into the box of the layers before it."""
    if host[0].kind == "input":
        return False
    if layer.kind in (*NORMS, *ACTIVATIONS, "dropout"):
        return True
    if layer.kind == "pad":
        return host[-1].kind == "slice"
    return layer.kind == "flatten" and prod(host[-1].shape[1:]) == 1


def _part(group: Sequence[Layer], home: dict[str, int]) -> Part:
    first, *rest = group
    notes = [WORDS.get(layer.kind, what(layer)) for layer in rest if layer.kind != "flatten"]
    notes = [note for note in notes if note != "dropout 0"]
    title = what(first)
    for word, short in WORDS.items():
        title = short if title == word else title
    return Part(
        title=_crosses(title),
        notes=tuple(notes),
        shape=_crosses(volume(group[-1].shape)),
        kind=first.kind,
        inputs=tuple(sorted({home[name] for name in first.inputs})),
        block=first.block,
    )


def _crosses(text: str) -> str:
    """3x3 as 3×3."""
    out = list(text)
    for i in range(1, len(out) - 1):
        if out[i] == "x" and out[i - 1].isdigit() and out[i + 1].isdigit():
            out[i] = "×"
    return "".join(out)


def stages_of(parts: Sequence[Part]) -> list[Stage]:
    """The parts cut wherever a single part is all that the rest goes on from."""
    last = list(range(len(parts)))  # who reads each part last
    for i, part in enumerate(parts):
        for name in part.inputs:
            last[name] = i
    stages, begin, reach = [], 0, 0
    for i in range(len(parts)):
        if reach <= i:  # nothing before i is read after i
            inside = [_moved(part, begin) for part in parts[begin : i + 1]]
            stages.append(Stage(tuple(inside)))
            begin = i + 1
        reach = max(reach, last[i])
    if begin < len(parts):  # several answers
        stages.append(Stage(tuple(_moved(part, begin) for part in parts[begin:])))
    return stages


def _moved(part: Part, by: int) -> Part:
    inputs = tuple(max(-1, i - by) for i in part.inputs)
    return Part(part.title, part.notes, part.shape, part.kind, inputs, part.block)


def runs_of(stages: Sequence[Stage]) -> list[Run]:
    """Stages with repeats gathered: the longest saving first, from the beginning."""
    keys = [tuple((p.title, p.notes, p.shape, p.inputs) for p in s.parts) for s in stages]
    boxes = [len(stage.parts) for stage in stages]
    runs, i = [], 0
    while i < len(stages):
        best, length, times = 0, 1, 1
        for period in range(1, (len(stages) - i) // 2 + 1):
            count = 1
            while keys[i : i + period] == keys[i + count * period : i + (count + 1) * period]:
                count += 1
            saved = (count - 1) * sum(boxes[i : i + period])
            if saved > best and saved >= SAVED:
                best, length, times = saved, period, count
        if times == 1:
            runs.append(Run((stages[i],), 1))
            i += 1
        else:
            runs.append(Run(tuple(stages[i : i + length]), times))
            i += length * times
    return runs


def common(paths: Sequence[str]) -> str:
    """The longest path that all begin with: layer1.0 of layer1.0.conv1 and layer1.0."""
    pieces = [path.split(".") for path in paths]
    shared = []
    for names in zip(*pieces, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return ".".join(shared)
