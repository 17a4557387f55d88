"""The forward pass of the book by hand, and one step of backpropagation, every number shown."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from sightline.lab.pictures import Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE, PAPER
from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.neural_network import forward, gradients

# The book's weights, (3, 3) and (3, 1): from x1, x2 and the column of ones to three hidden units.
FIRST = ((0.351, -0.097, 0.457), (1.076, -0.165, -0.165), (1.116, 0.542, -0.331))
LAST = ((0.383,), (-0.327,), (-0.329,))
INPUTS, HIDDEN, OUTPUT = ("x1", "x2", "1"), ("h1", "h2", "h3"), "out"
PLACES = {
    **{name: (0.0, 2.0 - i) for i, name in enumerate(INPUTS)},
    **{name: (1.0, 2.0 - i) for i, name in enumerate(HIDDEN)},
    OUTPUT: (1.85, 1.0),
}
RADIUS = 0.235
UNIT = 1.75  # a step to the right is so many steps up: circles are round


def run(
    x1: Annotated[float, Says("the first input", -10, 10)] = 0.0,
    x2: Annotated[float, Says("the second input", -10, 10)] = 1.0,
    target: Annotated[float, Says("what the output should be", 0, 1)] = 1.0,
    alpha: Annotated[float, Says("the learning rate", 0, 100)] = 0.5,
    steps: Annotated[int, Says("of descent on this one example", 1, 10_000)] = 1,
) -> Found:
    row, truth = np.array([[x1, x2, 1.0]]), np.array([[target]])
    before = [np.array(FIRST), np.array(LAST)]
    acts = forward(row, before)
    slopes = gradients(acts, truth, before)
    after = descended(row, truth, alpha, steps)
    again = forward(row, after)
    deltas = unit_deltas(acts, truth, before)
    units: list[tuple[Cell, ...]] = [
        (name, f"{net:.4f}", f"{value:.4f}", f"{delta:.5f}", f"{then:.4f}")
        for name, net, value, delta, then in zip(
            (*HIDDEN, OUTPUT), np.append(row @ before[0], acts[1] @ before[1]),
            np.append(acts[1], acts[2]), deltas, np.append(again[1], again[2]), strict=True,
        )
    ]  # fmt: skip
    weights: list[tuple[Cell, ...]] = [
        (a, b, f"{before[k][i, j]:.3f}", f"{slopes[k][i, j]:.5f}", f"{after[k][i, j]:.5f}")
        for k, (froms, tos) in enumerate(((INPUTS, HIDDEN), (HIDDEN, (OUTPUT,))))
        for j, b in enumerate(tos)
        for i, a in enumerate(froms)
    ]
    said = "1 step" if steps == 1 else f"{steps} steps"
    tables = [
        Table("units", ("unit", "net input", "output", "delta", f"after {said}"), units),
        Table("weights", ("from", "to", "weight", "slope", f"after {said}"), weights),
    ]
    out, then = float(acts[2][0, 0]), float(again[2][0, 0])
    notes = [
        f"the output {out:.4f} becomes {then:.4f} after {said} at rate {alpha:g}; the loss, half "
        f"the squared error, goes from {half(out, target):.5f} to {half(then, target):.5f}",
        f"above 0.5 the answer is 1: it is {int(out > 0.5)} before and {int(then > 0.5)} after",
        f"the slopes differ from central differences of the loss by "
        f"{checked(row, truth, before, slopes):.0e}, relatively",
    ]
    pictures = {
        "forward": _forward(row[0], before, acts, target),
        "backward": _backward(row[0], slopes, deltas),
    }
    return Found(pictures, tables, notes)


def half(output: float, target: float) -> float:
    """Half the squared error of one output."""
    return 0.5 * (output - target) ** 2


def descended(row: Array, truth: Array, alpha: float, steps: int) -> list[Array]:
    """The book's weights after so many steps on one row (1, 3)."""
    weights = [np.array(FIRST), np.array(LAST)]
    for _ in range(steps):
        slopes = gradients(forward(row, weights), truth, weights)
        weights = [W - alpha * slope for W, slope in zip(weights, slopes, strict=True)]
    return weights


def unit_deltas(acts: list[Array], truth: Array, weights: list[Array]) -> Array:
    """dE/dnet of h1, h2, h3 and the output, (4,)."""
    hidden, out = acts[1], acts[2]
    last = (out - truth) * out * (1 - out)
    return np.append(last @ weights[1].T * hidden * (1 - hidden), last)


def checked(row: Array, truth: Array, weights: list[Array], slopes: list[Array]) -> float:
    """The largest relative difference of a matrix's slopes from central differences."""

    def loss() -> float:
        return half(float(forward(row, weights)[2][0, 0]), float(truth[0, 0]))

    return max(
        relative_difference(numerical_gradient(loss, W), slope)
        for W, slope in zip(weights, slopes, strict=True)
    )


def _forward(row: Array, weights: list[Array], acts: list[Array], target: float) -> Figure:
    figure, ax = _sheet("Forward: each unit is the sigmoid of its weighted sum")
    _edges(ax, weights, "{:.3f}", BLUE)
    values = [*row, *acts[1][0], acts[2][0, 0]]
    for name, value in zip(PLACES, values, strict=True):
        shown = f"{value:g}" if name in INPUTS else f"{value:.4f}"
        _node(ax, name, shown, BLUE if name in INPUTS else GREEN)
    sums = np.append(row @ weights[0], acts[1] @ weights[1])
    for name, net in zip((*HIDDEN, OUTPUT), sums, strict=True):
        _below(ax, name, f"sum {net:.3f}")
    x, y = PLACES[OUTPUT]
    ax.text(x * UNIT, y + 0.46, f"truth {target:g}", ha="center", va="center", color=ORANGE)
    return figure


def _backward(row: Array, slopes: list[Array], deltas: Array) -> Figure:
    figure, ax = _sheet("Backward: slope = value at the left x delta at the right")
    _edges(ax, slopes, "{:.4f}", ORANGE)
    for name, value in zip(INPUTS, row, strict=True):
        _node(ax, name, f"{value:g}", BLUE)
    for name, delta in zip((*HIDDEN, OUTPUT), deltas, strict=True):
        _node(ax, name, f"{delta:.4f}", ORANGE)
        _below(ax, name, "delta")
    return figure


def _sheet(title: str) -> tuple[Figure, Axes]:
    figure, (ax,) = panels(1, 1, height=4.3, width=5.4)
    ax.set_title(title)
    ax.set_aspect("equal")
    ax.set_xlim(-0.27, 1.85 * UNIT + 0.27)
    ax.set_ylim(-0.5, 2.4)
    ax.axis("off")
    return figure, ax


def _node(ax: Axes, name: str, value: str, color: str) -> None:
    x, y = PLACES[name][0] * UNIT, PLACES[name][1]
    ax.add_patch(Circle((x, y), RADIUS, facecolor=PAPER, edgecolor=color, linewidth=2, zorder=3))
    ax.text(x, y - 0.02, value, ha="center", va="center", zorder=4, fontsize=9, weight="bold")
    above = "ones" if name == "1" else name
    ax.text(x, y + 0.26, above, ha="center", va="bottom", zorder=4, color=MUTED, fontsize=9)


def _below(ax: Axes, name: str, words: str) -> None:
    x, y = PLACES[name][0] * UNIT, PLACES[name][1]
    ax.text(x, y - 0.26, words, ha="center", va="top", zorder=4, color=MUTED, fontsize=9)


def _edges(ax: Axes, numbers: list[Array], form: str, color: str) -> None:
    """A line for each weight, as wide as its number is large, the number on it near its start."""
    for k, (froms, tos) in enumerate(((INPUTS, HIDDEN), (HIDDEN, (OUTPUT,)))):
        largest = max(float(np.abs(numbers[k]).max()), 1e-12)
        for i, a in enumerate(froms):
            for j, b in enumerate(tos):
                number = numbers[k][i, j]
                start, end = (np.array([PLACES[n][0] * UNIT, PLACES[n][1]]) for n in (a, b))
                ax.plot(
                    *zip(start, end, strict=True), color=color, zorder=1, solid_capstyle="butt",
                    linewidth=0.5 + 2.5 * abs(number) / largest, alpha=0.45,
                )  # fmt: skip
                x, y = start + (end - start) * (0.25 if k == 0 else 0.5)
                ax.text(
                    x, y, form.format(number), ha="center", va="center", fontsize=8.5, zorder=2,
                    color=INK, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2},
                )  # fmt: skip


TOPIC = Topic(
    "A forward pass and a step back, by hand",
    "Follow the numbers from left to right, where each unit is the sigmoid of its weighted sum, "
    "and in the second picture the deltas from right to left. A weight's slope is the value at "
    "its left end times the delta at its right end, so weights that leave an input of 0 stay.",
    "Starter book, 10.1.3",
    run,
)
