"""Pictures of a search, drawn as SVG in the page's own colors: no script, light and dark alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from sightline.study.space import Axis, Choice, Space, short
from sightline.study.trials import Trial

CLOSE = 0.09  # of an axis, nearer than which two numbers would touch
FAR = 4.0  # times the distance of best and median, below which figures are drawn at the bottom
WIDE, NARROW = 1040.0, 340.0  # widths, in pixels
QUARTER = 4  # one trial in so many is drawn as good
Point = tuple[float, float]
Tick = tuple[float, str]  # a place of 0 to 1, and its number


@dataclass(frozen=True)
class Scale:
    """Figures of validation on an axis, the best at 1.

    worst, best  at its ends; `cut` where some are worse and drawn at the end
    """

    worst: float
    best: float
    cut: bool

    def position(self, figure: float) -> float:
        if self.best == self.worst:
            return 1.0
        return min(1.0, max(0.0, (figure - self.worst) / (self.best - self.worst)))

    @property
    def ticks(self) -> list[Tick]:
        if self.best == self.worst:
            return [(1.0, f"{self.best:.4g}")]
        middle = (self.worst + self.best) / 2
        bound = ("≤ " if self.best > self.worst else "≥ ") if self.cut else ""
        return [
            (0.0, f"{bound}{self.worst:.4g}"),
            (0.5, f"{middle:.4g}"),
            (1.0, f"{self.best:.4g}"),
        ]


def scale_of(trials: Sequence[Trial], sign: float) -> Scale | None:
    """The scale of all figures; None without any. A few that failed do not press the rest into a
    corner: what is far below the median lies at the end."""
    found = sorted((t.figure for t in trials if t.figure is not None), key=lambda f: sign * f)
    if not found:
        return None
    worst, best, median = found[0], found[-1], found[len(found) // 2]
    far = best - FAR * (best - median)
    cut = sign * far > sign * worst and far != best
    return Scale(far if cut else worst, best, cut)


def ticks(axis: Axis) -> list[Tick]:
    """Numbers along an axis of the space: every choice, decades of a log scale, ends and middle."""
    if isinstance(axis, Choice):
        return [(axis.position(value), short(value)) for value in axis.values]
    if axis.log:
        first, final = math.ceil(math.log10(axis.low)), math.floor(math.log10(axis.high))
        step = max(1, (final - first) // 5)
        inside = [axis.value(10.0**power) for power in range(first, final + 1, step)]
        found = sorted((axis.position(value), short(value)) for value in inside)
    else:
        found = [(0.5, short(axis.value(axis.at(0.5))))] if not axis.whole else _whole(axis)
    for place, value in zip((0.0, 1.0), axis.ends, strict=True):
        if all(abs(place - other) > CLOSE for other, _ in found):
            found.append((place, short(value)))
    return sorted(found)


def _whole(axis: Axis) -> list[Tick]:
    assert not isinstance(axis, Choice)
    middle = axis.value(axis.at(0.5))
    return [(axis.position(middle), short(middle))]


def _kind(trial: Trial, ranked: Sequence[Trial]) -> str:
    """The class of a trial's line: best, good, rest or lost."""
    if trial.state != "finished":
        return "lost"
    at = next(i for i, other in enumerate(ranked) if other.number == trial.number)
    return "best" if at == 0 else "good" if at < len(ranked) / QUARTER else "rest"


def parallel(
    space: Space, trials: Sequence[Trial], ranked: Sequence[Trial], scale: Scale, name: str,
    narrow: bool = False,
) -> Markup:  # fmt: skip
    """A line a trial through its values to its figure, axes side by side or, where narrow, below
    one another.

    ranked  the finished trials, the best first
    name    of the figure
    """
    axes = [(_name(key, narrow), ticks(axis)) for key, axis in space.items()]
    axes.append((f"validation {name}", scale.ticks))
    drawn = _rows(axes) if narrow else _columns(axes)
    order = {"lost": 0, "rest": 1, "good": 2, "best": 3}
    lines = sorted(trials, key=lambda t: order[_kind(t, ranked)])
    below: list[str] = []
    for trial in lines:
        places = [
            axis.position(trial.values[key]) for key, axis in space.items() if key in trial.values
        ]
        if len(places) < len(space):
            continue
        places += [scale.position(trial.figure)] if trial.figure is not None else []
        path = _path([drawn.at(i, place) for i, place in enumerate(places)])
        said = "–" if trial.figure is None else f"{trial.figure:.4g}"
        below.append(
            f'<path class="line {_kind(trial, ranked)}" d="{path}">'
            f"<title>trial {trial.number}: {said}, {trial.state}</title></path>"
        )
    words = f"values of {len(trials)} trials and their validation {name}"
    return _svg(drawn.size, "".join(below) + drawn.above, words, "narrow" if narrow else "wide")


@dataclass(frozen=True)
class _Axes:
    """Axes laid out: `above` is their SVG."""

    size: Point
    above: str
    places: list[float]
    span: Point
    sideways: bool

    def at(self, number: int, share: float) -> Point:
        """Where a share of an axis lies."""
        start, end = self.span
        along = start + share * (end - start)
        return (along, self.places[number]) if self.sideways else (self.places[number], along)


def _columns(axes: Sequence[tuple[str, list[Tick]]]) -> _Axes:
    """Axes that stand side by side."""
    top, low, height = 46.0, 300.0, 316.0
    edge = 70.0
    step = (WIDE - 2 * edge) / max(1, len(axes) - 1)
    places = [edge + i * step for i in range(len(axes))]
    parts: list[str] = []
    for number, ((name, marks), x) in enumerate(zip(axes, places, strict=True)):
        y = 16 if number % 2 == 0 or step > 180 else 32  # long names in two rows
        parts.append(f'<text class="head" x="{x:.1f}" y="{y}">{escape(name)}</text>')
        parts.append(f'<path class="axis" d="M{x:.1f} {top}V{low}"/>')
        for place, word in marks:
            at = low + place * (top - low)
            parts.append(f'<path class="axis" d="M{x - 4:.1f} {at:.1f}h8"/>')
            parts.append(
                f'<text class="mark" x="{x + 9:.1f}" y="{at + 4:.1f}">{escape(word)}</text>'
            )
    return _Axes((WIDE, height), "".join(parts), places, (low, top), False)


def _rows(axes: Sequence[tuple[str, list[Tick]]]) -> _Axes:
    """Axes that lie below one another."""
    left, right, step = 26.0, NARROW - 26.0, 76.0
    places = [30 + i * step for i in range(len(axes))]
    parts: list[str] = []
    for (name, marks), y in zip(axes, places, strict=True):
        parts.append(
            f'<text class="head" x="{left - 20}" y="{y - 12:.1f}" style="text-anchor:start">'
            f"{escape(name)}</text>"
        )
        parts.append(f'<path class="axis" d="M{left} {y}H{right}"/>')
        for place, word in marks:
            at = left + place * (right - left)
            parts.append(f'<path class="axis" d="M{at:.1f} {y - 4}v8"/>')
            parts.append(
                f'<text class="mark" x="{at:.1f}" y="{y + 19:.1f}" text-anchor="middle">'
                f"{escape(word)}</text>"
            )
    return _Axes((NARROW, places[-1] + 28), "".join(parts), places, (left, right), True)


def progress(
    trials: Sequence[Trial], scale: Scale, sign: float, name: str, narrow: bool = False
) -> Markup:
    """A dot a trial in their order, and the best so far as a line."""
    width, height = (NARROW, 230.0) if narrow else (WIDE, 260.0)
    left, right, top, low = 58.0, width - 12, 14.0, height - 40
    most = max(1, *(t.number for t in trials))
    parts: list[str] = []
    for place, word in scale.ticks:
        y = low + place * (top - low)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        parts.append(f'<text class="mark" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">')
        parts.append(f"{escape(word)}</text>")
    every = max(1, math.ceil((most + 1) / (6 if narrow else 20)))
    for number in range(0, most + 1, every):
        x = left + 8 + number / most * (right - left - 16)
        parts.append(f'<text class="mark" x="{x:.1f}" y="{low + 18}" text-anchor="middle">')
        parts.append(f"{number}</text>")
    parts.append(f'<text class="mark" x="{right}" y="{low + 35}" text-anchor="end">trial</text>')
    best: float | None = None
    steps: list[Point] = []
    dots: list[str] = []
    for trial in trials:
        x = left + 8 + trial.number / most * (right - left - 16)
        y = low + (scale.position(trial.figure) if trial.figure is not None else 0) * (top - low)
        dots.append(_dot(trial, x, y))
        if trial.state != "finished" or trial.figure is None:
            continue
        if best is None or sign * trial.figure > sign * best:
            steps += [(x, steps[-1][1])] if steps else []
            steps.append((x, y))
            best = trial.figure
    if steps:
        steps.append((right - 8, steps[-1][1]))
        parts.append(f'<path class="line best" d="{_path(steps)}"/>')
    words = f"validation {name} of each trial, and the best so far"
    kind = "narrow" if narrow else "wide"
    return _svg((width, height), "".join([*parts, *dots]), words, kind)


def _dot(trial: Trial, x: float, y: float) -> str:
    """Full where it finished, open where it was pruned, a cross where there is no figure."""
    said = "no figure" if trial.figure is None else f"{trial.figure:.4g}"
    title = f"<title>trial {trial.number}: {said}, {trial.state}</title>"
    if trial.figure is None:
        return f'<path class="cross" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8">{title}</path>'
    kind = "full" if trial.state == "finished" else "open"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5">{title}</circle>'


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _svg(size: Point, content: str, words: str, kind: str) -> Markup:
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {size[0]:g} {size[1]:g}" role="img"'
        f' aria-label="{escape(words)}">{content}</svg>'
    )


def _name(key: str, narrow: bool) -> str:
    """A key as a head: whole where there is room."""
    return key if narrow else key.removeprefix("train.").removeprefix("optimizer.")
