"""Receptive fields: what of the input one output sees, layer by layer.

Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural networks": a window
of kernel k, stride s, padding p and dilation d makes of (size, jump, start) the field
(size + (k - 1) d jump, jump s, start + ((k - 1) d / 2 - p) jump). Coordinates are continuous as
everywhere here: the center of the first pixel is at 0.5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Pair = tuple[float, float]  # (height, width)
MIXING = ("linear", "softmax")  # of flattened maps: each output depends on all of them


@dataclass(frozen=True)
class Field:
    """All in pixels of the input, (height, width).

    size   of the rectangle that one output depends on; it may reach beyond the border
    jump   from one output to the next
    start  the center of the first output's rectangle
    """

    size: Pair = (1.0, 1.0)
    jump: Pair = (1.0, 1.0)
    start: Pair = (0.5, 0.5)


@dataclass(frozen=True)
class Seen:
    """A field, and over how many positions (height, width) it is repeated: what a layer that
    mixes all of them needs to know, also after they were flattened."""

    field: Field
    positions: tuple[int, int]


def seen_by(
    kind: str, settings: Mapping[str, Any], inputs: Sequence[Seen], shape: tuple[int, ...]
) -> Seen:
    """What an output of the layer sees, from what its inputs see; shape without the batch.

    Of several branches the field covers all, but for a gate: one factor a channel, as squeeze and
    excitation has it, looks at the whole picture and would hide what the convolutions see.
    """
    if not inputs:
        return Seen(Field(), (shape[1], shape[2]) if len(shape) == 3 else (1, 1))
    seen = _joined(kind, inputs)
    spatial = (shape[1], shape[2]) if len(shape) == 3 else None
    if (kind in MIXING and len(shape) == 1) or kind in ("attention", "product"):
        return _whole(seen)
    if kind == "mean":
        return _whole(seen) if spatial in (None, (1, 1)) else seen
    if spatial is None:
        return seen
    if "kernel" in settings:
        seen = _window(seen, settings, up=kind == "up conv")
    elif kind == "adaptive pool":
        seen = _adaptive(seen, spatial)
    elif kind == "upsample":
        seen = _upsampled(seen, spatial, str(settings["mode"]))
    elif kind in ("pad", "slice"):
        seen = _moved(seen, settings["before"], settings["step"])
    else:
        return seen
    return replace(seen, positions=spatial)


def _joined(kind: str, inputs: Sequence[Seen]) -> Seen:
    """The union of the branches' fields, repeated as in the widest of them."""
    widest = max(inputs, key=lambda seen: seen.positions)
    if kind == "mul":
        inputs = [s for s in inputs if s.positions != (1, 1)] or inputs
    size, start = [0.0, 0.0], [0.0, 0.0]
    for axis in (0, 1):
        low = min(s.field.start[axis] - s.field.size[axis] / 2 for s in inputs)
        high = max(s.field.start[axis] + s.field.size[axis] / 2 for s in inputs)
        size[axis], start[axis] = high - low, (high + low) / 2
    field = Field((size[0], size[1]), widest.field.jump, (start[0], start[1]))
    return Seen(field, widest.positions)


def _mapped(seen: Seen, change: Any) -> Seen:
    """The field with `change(axis, size, jump, start)` made along both axes."""
    f = seen.field
    rows = [change(axis, f.size[axis], f.jump[axis], f.start[axis]) for axis in (0, 1)]
    (s0, j0, t0), (s1, j1, t1) = rows
    return replace(seen, field=Field((s0, s1), (j0, j1), (t0, t1)))


def _window(seen: Seen, settings: Mapping[str, Any], up: bool) -> Seen:
    def change(i: int, size: float, jump: float, start: float) -> tuple[float, float, float]:
        k, s = settings["kernel"][i], settings["stride"][i]
        p, d = settings["padding"][i], settings["dilation"][i]
        reach = (k - 1) * d
        if up:  # each output reads ceil(k / s) inputs
            fine = jump / s
            return size + (-(-k // s) - 1) * jump, fine, start - (reach / 2 - p) * fine
        return size + reach * jump, jump * s, start + (reach / 2 - p) * jump

    return _mapped(seen, change)


def _whole(seen: Seen) -> Seen:
    def change(i: int, size: float, jump: float, start: float) -> tuple[float, float, float]:
        reach = (seen.positions[i] - 1) * jump
        return size + reach, jump, start + reach / 2

    return replace(_mapped(seen, change), positions=(1, 1))


def _adaptive(seen: Seen, to: tuple[int, int]) -> Seen:
    """Window i of `to` reaches from floor(i n / to) to ceil((i + 1) n / to)."""

    def change(i: int, size: float, jump: float, start: float) -> tuple[float, float, float]:
        n, out = seen.positions[i], to[i]
        widths = [-(-(j + 1) * n // out) - j * n // out for j in range(out)]
        reach = (max(widths) - 1) * jump
        return size + reach, jump * n / out, start + (widths[0] - 1) / 2 * jump

    return _mapped(seen, change)


def _upsampled(seen: Seen, to: tuple[int, int], mode: str) -> Seen:
    taps = {"nearest": 1, "nearest-exact": 1, "bilinear": 2, "bicubic": 4}.get(mode, 2)

    def change(i: int, size: float, jump: float, start: float) -> tuple[float, float, float]:
        fine = jump * seen.positions[i] / to[i]
        return size + (taps - 1) * jump, fine, start - (jump - fine) / 2

    return _mapped(seen, change)


def _moved(seen: Seen, before: Sequence[int], step: Sequence[int]) -> Seen:
    def change(i: int, size: float, jump: float, start: float) -> tuple[float, float, float]:
        return size, jump * step[i], start - before[i] * jump

    return _mapped(seen, change)
