"""Boxes, lines and frames as SVG or PNG. Coordinates are points, the y axis downward."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve
from matplotlib.textpath import TextToPath

from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE, PAPER

Kind = Literal["filter", "pool", "dense", "join", "other", "end"]
COLORS: dict[Kind, str] = {
    "filter": BLUE,
    "pool": ORANGE,
    "dense": GREEN,
    "join": "#6a4c93",
    "other": MUTED,
    "end": INK,
}
TITLE, NOTE, HEAD = 9.0, 7.5, 12.0  # points of letters
LEADING = 1.3  # of a line of letters, in their size
PAD = 7.0  # around the words of a box
DOTS = 180  # an inch of a PNG, fewer where it would be larger than
LARGEST = 12_000  # pixels along a side
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle around (x, y) with words: a title, and notes below it."""

    x: float
    y: float
    title: str
    notes: tuple[str, ...] = ()
    kind: Kind = "other"

    @property
    def width(self) -> float:
        notes = [text_width(note, NOTE) for note in self.notes]
        return max(text_width(self.title, TITLE, bold=True), *notes, 24.0) + 2 * PAD

    @property
    def height(self) -> float:
        return LEADING * (TITLE + NOTE * len(self.notes)) + PAD


@dataclass(frozen=True)
class Line:
    """A smooth line through points, straight where two are above one another; with an arrowhead."""

    points: tuple[Point, ...]
    arrow: bool = True


@dataclass(frozen=True)
class Elbow:
    """A line of horizontal and vertical pieces with round corners."""

    points: tuple[Point, ...]
    arrow: bool = True


@dataclass(frozen=True)
class Frame:
    """A pale rectangle behind boxes, with a label along its left side."""

    left: float
    top: float
    width: float
    height: float
    label: str
    strong: bool = False


@dataclass(frozen=True)
class Drawing:
    """What is drawn; `title` stands above it."""

    width: float
    height: float
    title: str
    subtitle: str
    boxes: Sequence[Box]
    lines: Sequence[Line | Elbow]
    frames: Sequence[Frame]


@cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Points that a text takes in the font of PNGs; other sans-serif fonts are no wider."""
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0])


def render(drawing: Drawing, suffix: str) -> bytes:
    """The drawing as a file's content; suffix .svg or .png."""
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "sightline",  # equal drawings are equal files
        "font.family": ["DejaVu Sans", "sans-serif"],
        "text.parse_math": False,
    }
    with mpl.rc_context(style), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), facecolor=PAPER)
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
        ax.set_axis_off()
        for frame in drawing.frames:
            _frame(ax, frame)
        for line in drawing.lines:
            _line(ax, line)
        for box in drawing.boxes:
            _box(ax, box)
        _titles(ax, drawing)
        out = io.BytesIO()
        if suffix == ".svg":
            figure.savefig(out, format="svg", metadata={"Date": None})
        else:
            longest = max(drawing.width, drawing.height) / 72
            figure.savefig(out, format="png", dpi=min(DOTS, LARGEST / longest))
        return out.getvalue()


def _titles(ax: Axes, drawing: Drawing) -> None:
    at = (drawing.width / 2, 20)
    ax.text(*at, drawing.title, fontsize=HEAD, fontweight="bold", ha="center", color=INK)
    ax.text(at[0], 34, drawing.subtitle, fontsize=NOTE, ha="center", color=MUTED)


def _pale(color: str, share: float) -> str:
    """The color on white paper."""
    red, green, blue = (1 - share + share * part for part in to_rgb(color))
    return to_hex((red, green, blue))


def _frame(ax: Axes, frame: Frame) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (frame.left, frame.top), frame.width, frame.height,
            boxstyle="round,pad=0,rounding_size=6",
            facecolor=_pale(INK, 0.035 if not frame.strong else 0.05),
            edgecolor=_pale(INK, 0.45 if frame.strong else 0.12),
            linewidth=1.0 if frame.strong else 0.6,
        )
    )  # fmt: skip
    ax.text(
        frame.left + 9, frame.top + frame.height / 2, _fitting(frame), fontsize=NOTE, ha="center",
        va="center", rotation=90, color=INK if frame.strong else MUTED,
        fontweight="bold" if frame.strong else "normal",
    )  # fmt: skip


def _fitting(frame: Frame) -> str:
    """The label, its beginning giving way where it is longer than the frame is high."""
    label = frame.label
    while label and text_width(label, NOTE, frame.strong) > frame.height - 8:
        label = f"…{label.lstrip('…')[1:]}" if len(label) > 2 else ""
    return label


def _box(ax: Axes, box: Box) -> None:
    color = COLORS[box.kind]
    width, height = box.width, box.height
    left, top = box.x - width / 2, box.y - height / 2
    ax.add_patch(
        FancyBboxPatch(
            (left, top), width, height,
            boxstyle=f"round,pad=0,rounding_size={8 if box.kind == 'join' else 3}",
            facecolor=PAPER if box.kind == "end" else _pale(color, 0.13),
            edgecolor=_pale(color, 0.8), linewidth=0.9,
        )
    )  # fmt: skip
    y = top + PAD / 2 + LEADING * TITLE / 2
    ax.text(
        box.x, y, box.title, fontsize=TITLE, fontweight="bold", color=INK, ha="center",
        va="center_baseline",
    )  # fmt: skip
    for i, note in enumerate(box.notes):
        at = y + LEADING * (TITLE / 2 + NOTE * (i + 0.5))
        ax.text(
            box.x, at, note, fontsize=NOTE, color=_pale(INK, 0.8), ha="center",
            va="center_baseline",
        )  # fmt: skip


def _line(ax: Axes, line: Line | Elbow) -> None:
    points = line.points
    curve = _elbow(points) if isinstance(line, Elbow) else _smooth(points)
    color = _pale(INK, 0.6)
    ax.add_patch(PathPatch(curve, facecolor="none", edgecolor=color, linewidth=1.0))
    if line.arrow:
        x, y = points[-1]
        head = [(x, y), (x - 2.6, y - 5.5), (x + 2.6, y - 5.5)]
        ax.add_patch(Polygon(head, closed=True, facecolor=color, edgecolor="none"))


def _smooth(points: Sequence[Point]) -> Curve:
    """Vertical at every point."""
    where, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(x0 - x1) < 0.01:
            where.append((x1, y1))
            codes.append(Curve.LINETO)
        else:
            middle = (y0 + y1) / 2
            where += [(x0, middle), (x1, middle), (x1, y1)]
            codes += [Curve.CURVE4] * 3
    return Curve(where, codes)


def _elbow(points: Sequence[Point], radius: float = 7.0) -> Curve:
    where, codes = [points[0]], [Curve.MOVETO]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        ends = []
        for other in (before, after):
            long = max(abs(other[0] - here[0]) + abs(other[1] - here[1]), 1e-6)
            share = min(radius, long / 2) / long
            ends.append(
                (here[0] + (other[0] - here[0]) * share, here[1] + (other[1] - here[1]) * share)
            )
        where += [ends[0], here, ends[1]]
        codes += [Curve.LINETO, Curve.CURVE3, Curve.CURVE3]
    return Curve([*where, points[-1]], [*codes, Curve.LINETO])
