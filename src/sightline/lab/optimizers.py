"""Optimizers: the paths eight rules take over four surfaces, and how many steps they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.lab.pictures import COLORS, Array, animated, grid, logarithmic, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import INK, PAPER
from sightline.scratch.optimizers import optimizer_of

RULES = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "nadam")
RATES = (*(float(f"{m}e{power}") for power in (-3, -2, -1) for m in (1, 2, 5)), 1.0)
LARGER = {"adadelta": 10.0}  # its steps are relative to how far it went: begun at 0, they are small
STARTS = 9  # the surface's own and eight around it: a rate that is lucky once is not chosen
GONE = 1e3  # a weight beyond it: the path has left the surface for ever
LOST = 1e12  # the loss it has then
FRAMES = 20
SHADES = 14


@dataclass(frozen=True)
class Surface:
    """A loss of two weights (..., 2), its gradient, where paths start, and the part shown; the
    least loss is 0. `around`: how far the other starts lie from it, by axis."""

    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    start: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    least: tuple[tuple[float, float], ...]
    around: tuple[float, float] = (0.25, 0.25)


def beale(w: Array) -> Array:
    """Beale's function: a flat plain with steep walls, least at (3, 0.5)."""
    x, y = w[..., 0], w[..., 1]
    found = (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
    return np.asarray(found)


def beale_gradient(w: Array) -> Array:
    x, y = w[..., 0], w[..., 1]
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    by_x = 2 * (a * (y - 1) + b * (y**2 - 1) + c * (y**3 - 1))
    return np.stack([by_x, 2 * x * (a + 2 * b * y + 3 * c * y**2)], axis=-1)


def rosenbrock(w: Array) -> Array:
    """Rosenbrock's function over 10: a bent valley, least at (1, 1)."""
    x, y = w[..., 0], w[..., 1]
    return np.asarray(0.1 * (1 - x) ** 2 + 10 * (y - x**2) ** 2)


def rosenbrock_gradient(w: Array) -> Array:
    x, y = w[..., 0], w[..., 1]
    lift = 20 * (y - x**2)
    return np.stack([-0.2 * (1 - x) - 2 * x * lift, lift], axis=-1)


STEEP = np.array([1.0, 90.0])  # curvatures of the valley, along and across
SURFACES = {
    "valley": Surface(
        lambda w: np.asarray((STEEP * w**2).sum(-1) / 2), lambda w: STEEP * w,
        (-4.0, 1.0), (-5, -1.6), (2, 1.6), ((0, 0),),
    ),
    "saddle": Surface(
        lambda w: np.asarray(w[..., 0] ** 2 + (w[..., 1] ** 2 / 2 - 1) ** 2),
        lambda w: np.stack([2 * w[..., 0], 2 * w[..., 1] * (w[..., 1] ** 2 / 2 - 1)], axis=-1),
        (-1.5, 1e-6), (-2, -2.2), (1.2, 2.2), ((0, 2**0.5), (0, -(2**0.5))),
        (0.25, 5e-7),
    ),
    "beale": Surface(beale, beale_gradient, (1.0, 1.5), (-0.5, -1.5), (4.5, 2.5), ((3, 0.5),)),
    "rosenbrock": Surface(
        rosenbrock, rosenbrock_gradient, (-1.2, 1.0), (-1.8, -0.8), (1.8, 2.2), ((1, 1),)
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Walk:
    """Where one rule went: places (steps + 1, 2) and their losses from the surface's own start, and
    `needed`, the median over all starts of the steps until the loss stayed below the target; one
    more than all steps where it did not."""

    rate: float
    places: Array
    losses: Array
    needed: int


def run(
    surface: Annotated[
        Literal["all", "valley", "saddle", "beale", "rosenbrock"], Says("whose paths are shown")
    ] = "all",
    rate: Annotated[float, Says("of every rule; 0: each by the best of 10 rates", 0, 100)] = 0.0,
    steps: Annotated[int, Says("of every rule", 10, 2000)] = 300,
    target: Annotated[float, Says("a loss that counts as found", 1e-8, 1)] = 0.01,
) -> Found:
    shown: list[str] = list(SURFACES) if surface == "all" else [surface]
    walks = {
        (name, rule): best(SURFACES[name], rule, (rate,) if rate else rates_of(rule), steps, target)
        for name in shown
        for rule in RULES
    }

    def told(walk: Walk) -> str:
        return str(walk.needed) if walk.needed <= steps else "no"

    needed: list[tuple[Cell, ...]] = [
        (rule, *(told(walks[name, rule]) for name in shown)) for rule in RULES
    ]
    rates: list[tuple[Cell, ...]] = [
        (rule, *(walks[name, rule].rate for name in shown)) for rule in RULES
    ]
    tables = [
        Table("steps", (f"steps to loss {target:g}", *shown), needed),
        Table("rates", ("rate", *shown), rates),
    ]
    notes = [_note(name, {rule: walks[name, rule] for rule in RULES}, target) for name in shown]
    stages = sorted({round(at) for at in np.geomspace(1, steps + 1, FRAMES)})
    moving = animated(_frame(shown, walks, at - 1) for at in stages)
    pictures: dict[str, Figure | bytes] = {
        "moving": moving,
        "paths": _frame(shown, walks, steps),
        "losses": _losses(shown, walks, target),
    }
    return Found(pictures, tables, notes)


def rates_of(rule: str) -> list[float]:
    """The rates tried for a rule: 1, 2, 5 a power of ten."""
    return [rate * LARGER.get(rule, 1.0) for rate in RATES]


def best(surface: Surface, rule: str, rates: Sequence[float], steps: int, target: float) -> Walk:
    """The walk at the rate that needs the fewest steps; where none is there in time, the rate that
    stays lowest over the second half."""
    walks = walked(surface, rule, rates, steps, target)
    return min(walks, key=lambda walk: (walk.needed, walk.losses[steps // 2 :].max()))


def walked(
    surface: Surface, rule: str, rates: Sequence[float], steps: int, target: float
) -> list[Walk]:
    """One rule at all rates and from all starts at once: it treats every number for itself. A path
    that runs off stays where it was last."""
    optimizer = optimizer_of(rule, np.array(rates)[:, None, None])
    turns = np.arange(STARTS - 1) * 2 * np.pi / (STARTS - 1)
    ring = np.array(surface.around) * np.column_stack([np.cos(turns), np.sin(turns)])
    starts = surface.start + np.vstack([np.zeros((1, 2)), ring])
    w = {"w": np.tile(starts, (len(rates), 1, 1))}  # (rates, starts, 2)
    places = np.empty((steps + 1, len(rates), STARTS, 2))
    losses = np.empty(places.shape[:3])
    gone = np.zeros(losses.shape[1:], bool)
    for step in range(steps + 1):
        gone |= np.abs(w["w"]).max(axis=-1) > GONE
        w["w"][gone] = places[max(step - 1, 0)][gone]
        places[step] = w["w"]
        losses[step] = np.where(gone, LOST, surface.loss(w["w"]))
        optimizer.step(w, {"w": surface.gradient(w["w"])})
    below = losses < target
    kept = np.logical_and.accumulate(below[::-1], axis=0).sum(axis=0)  # last steps below
    needed = np.median(steps + 1 - kept, axis=1)  # (rates,)
    return [
        Walk(rate, places[:, i, 0], losses[:, i, 0], int(needed[i])) for i, rate in enumerate(rates)
    ]


def _note(name: str, walks: dict[str, Walk], target: float) -> str:
    order = sorted(walks, key=lambda rule: (walks[rule].needed, walks[rule].losses[-1]))
    first, last = walks[order[0]], walks[order[-1]]
    if first.needed >= len(first.losses):
        lowest = f"{order[0]} ends lowest, {first.losses[-1]:.2g}"
        return f"{name}: none comes below {target:g}; {lowest}"
    if last.needed < len(last.losses):
        return f"{name}: {order[0]} needs {first.needed} steps, {order[-1]} {last.needed}"
    missed = [rule for rule in order if walks[rule].needed >= len(first.losses)]
    return f"{name}: {order[0]} needs {first.needed} steps; not there: {', '.join(missed)}"


def _frame(shown: list[str], walks: dict[tuple[str, str], Walk], at: int) -> Figure:
    """Every path up to step `at`."""
    figure, axes = _room(shown)
    for ax, name in zip(axes, shown, strict=True):
        surface = SURFACES[name]
        _shaded(ax, surface)
        for i, rule in enumerate(RULES):
            path = walks[name, rule].places[: at + 1]
            ax.plot(*path.T, color=COLORS[i], linewidth=1.3, zorder=3)
            ax.plot(
                *path[-1], marker="o", markersize=5.5, color=COLORS[i], zorder=4,
                markeredgecolor=PAPER, markeredgewidth=0.6, linestyle="none", label=rule,
            )  # fmt: skip
        ax.set_title(f"{name}: after {at} steps")
        ax.set_xlim(surface.low[0], surface.high[0])
        ax.set_ylim(surface.low[1], surface.high[1])
    _legend(figure, axes[0])
    return figure


def _room(shown: list[str]) -> tuple[Figure, list[Axes]]:
    return panels(2, 2, height=2.9) if len(shown) > 1 else panels(1, 1, height=4.4)


def _legend(figure: Figure, ax: Axes) -> None:
    handles, names = ax.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)


def _shaded(ax: Axes, surface: Surface) -> None:
    """Darker is lower, in bands of equal ratio; a cross where the loss is 0."""
    ax.imshow(
        _bands(surface), cmap="Greys_r", vmin=-SHADES, vmax=SHADES, origin="lower", aspect="auto",
        extent=(surface.low[0], surface.high[0], surface.low[1], surface.high[1]), zorder=0,
        interpolation="nearest",
    )  # fmt: skip
    for place in surface.least:
        ax.plot(*place, marker="x", color=INK, markersize=8, markeredgewidth=1.6, zorder=2)


@cache
def _bands(surface: Surface) -> Array:
    x, y = grid(surface.low, surface.high, 400)
    height = np.log10(surface.loss(np.stack([x, y], axis=-1)) + 0.02)
    return np.floor((height - height.min()) / np.ptp(height) * SHADES)


def _losses(shown: list[str], walks: dict[tuple[str, str], Walk], target: float) -> Figure:
    figure, axes = _room(shown)
    for ax, name in zip(axes, shown, strict=True):
        for i, rule in enumerate(RULES):
            losses = walks[name, rule].losses
            ax.plot(np.clip(losses, 1e-8, 1e3), color=COLORS[i], linewidth=1.4, label=rule)
        ax.axhline(target, color=INK, linewidth=0.8, linestyle=":")
        logarithmic(ax, "y")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_title(f"{name}: loss")
        ax.set_ylim(3e-7, None)
        ax.set_xlabel("step")
    _legend(figure, axes[0])
    return figure


TOPIC = Topic(
    "Eight optimizers on four surfaces",
    "Watch plain SGD zigzag across the steep valley and wait on the saddle, while momentum swings "
    "past the goal and Adagrad, RMSprop and Adam go at their own pace in each direction. Momentum "
    "adds up the gradients that agree; the others divide each weight's gradient by its past size, "
    "so a flat direction is walked as fast as a steep one.",
    "Course notes, 3.10 to 3.12; Starter book, 9.1 and 9.3",
    run,
)
