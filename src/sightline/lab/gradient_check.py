"""Gradient checking: a right gradient, three planted bugs, and the best step of the differences."""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.lab.pictures import COLORS, MARKERS, Array, logarithmic, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import MUTED
from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.layered import LayeredNetwork, backward, cost, forward, named
from sightline.scratch.layers import Arrays, Layer

FEATURES, HIDDEN, CLASSES = 5, (6, 5), 3
POWERS = np.arange(-12, -0.75, 0.5)  # of ten, of the steps
GOOD, BUG = 1e-7, 1e-3  # the course's bounds
ADVISED = 1e-4  # the course's step, beside 1e-7
DRAWN = 1e-14  # a smaller difference is drawn here
Gradients = Callable[[Arrays, Arrays, int, float], Arrays]  # right ones, weights, rows, l2


def run(
    activation: Annotated[
        Literal["tanh", "sigmoid", "elu", "relu"], Says("of the hidden layers; ReLU has a kink")
    ] = "tanh",
    l2: Annotated[float, Says("the penalty's strength, the course's lambda", 0, 100)] = 0.5,
    rows: Annotated[int, Says("examples in the batch", 2, 500)] = 16,
    precision: Annotated[Literal["float64", "float32"], Says("of all numbers")] = "float64",
    seed: Annotated[int, Says("of examples and weights", 0)] = 0,
) -> Found:
    steps = 10.0**POWERS
    measured = differences(steps, activation, l2, rows, precision, seed)
    best = {name: int(np.argmin(d)) for name, d in measured.items()}
    at = int(np.abs(steps - ADVISED).argmin())
    verdicts: list[tuple[Cell, ...]] = [
        (name, float(d[at]), f"{steps[best[name]]:.1e}", float(d[best[name]]), verdict(d[at]))
        for name, d in measured.items()
    ]
    heads = ("gradient", f"at step {ADVISED:g}", "best step", "there", f"verdict at {ADVISED:g}")
    by_step: list[tuple[Cell, ...]] = [
        (f"{steps[i]:.0e}", *(float(d[i]) for d in measured.values()))
        for i in range(len(steps) - 1, -1, -2)
    ]
    right = measured["right"]
    notes = [
        f"the right gradient differs least, by {right.min():.1e}, at a step of "
        f"{steps[right.argmin()]:.0e}; by {right[0]:.1e} at {steps[0]:.0e}, where rounding rules, "
        f"and by {right[-1]:.1e} at {steps[-1]:.0e}, where the curve's bend does",
    ]
    if l2:
        least = f"{measured['penalty forgotten'].min():.1e}"
        notes.append(
            f"the forgotten penalty differs by {least} at least, from {rows} rows and lambda {l2:g}"
        )
    else:
        notes.append("without a penalty there is none to forget")
    tables = [Table("verdicts", heads, verdicts), Table("steps", ("step", *measured), by_step)]
    return Found({"differences": _drawn(steps, measured)}, tables, notes)


def sign_wrong(right: Arrays, weights: Arrays, rows: int, l2: float) -> Arrays:  # noqa: ARG001
    """The first layer's matrix goes uphill."""
    return right | {"0.W": -right["0.W"]}


def mean_forgotten(right: Arrays, weights: Arrays, rows: int, l2: float) -> Arrays:
    """A sum over the rows where the loss has their mean; the penalty's part is right."""
    found = {}
    for name, gradient in right.items():
        penalty = l2 / rows * weights[name] if name.endswith(".W") else 0.0
        found[name] = rows * (gradient - penalty) + penalty
    return found


def penalty_forgotten(right: Arrays, weights: Arrays, rows: int, l2: float) -> Arrays:
    """Nothing for the squared weights, which the loss has."""
    return {
        name: gradient - l2 / rows * weights[name] if name.endswith(".W") else gradient
        for name, gradient in right.items()
    }


PLANTED: dict[str, Gradients] = {
    "right": lambda right, weights, rows, l2: right,  # noqa: ARG005
    "sign wrong": sign_wrong,
    "mean forgotten": mean_forgotten,
    "penalty forgotten": penalty_forgotten,
}


def differences(
    steps: Array, activation: str, l2: float, rows: int, precision: str, seed: int
) -> dict[str, Array]:
    """Relative difference (steps,) of each gradient, right and wrong, from central differences of
    the loss over all weights and biases together."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, FEATURES)).astype(precision)
    y = rng.integers(0, CLASSES, rows)
    network = LayeredNetwork(HIDDEN, activation, "glorot-normal")
    layers = network.build([FEATURES, *HIDDEN, CLASSES], rng)
    for layer in layers:
        layer.parameters = {n: P.astype(precision) for n, P in layer.parameters.items()}
        for name in layer.parameters:
            if name == "b":
                layer.parameters["b"] += rng.normal(0, 0.1, layer.parameters["b"].shape)
    weights = named(layers, "parameters")
    right = backward(layers, forward(layers, X, True), y, l2)
    analytic = {name: joined(bug(right, weights, rows, l2)) for name, bug in PLANTED.items()}
    slopes = [numerical(layers, X, y, l2, float(step)) for step in steps]
    return {
        name: np.array([relative_difference(slope, gradient) for slope in slopes])
        for name, gradient in analytic.items()
    }


def numerical(layers: list[Layer], X: Array, y: NDArray[np.int64], l2: float, step: float) -> Array:
    """Central differences of the cost by all parameters, one after the other (n,)."""
    weights = named(layers, "parameters")

    def loss() -> float:
        return cost(forward(layers, X, True), y, weights, l2)

    return joined({name: numerical_gradient(loss, P, step) for name, P in weights.items()})


def joined(arrays: Arrays) -> Array:
    """All numbers in one row, the arrays by their names."""
    return np.concatenate([arrays[name].ravel() for name in sorted(arrays)]).astype(np.float64)


def verdict(difference: float) -> str:
    """The course's words for a relative difference."""
    if difference > BUG:
        return "bug"
    return "good" if difference <= GOOD else "look closer"


def _drawn(steps: Array, measured: dict[str, Array]) -> Figure:
    figure, (ax,) = panels(1, 1, height=4.6)
    ax.axhspan(BUG, 3, color=COLORS[1], alpha=0.09, linewidth=0)
    ax.axhspan(DRAWN, GOOD, color=COLORS[2], alpha=0.09, linewidth=0)
    for i, (name, d) in enumerate(measured.items()):
        ax.plot(
            steps, np.maximum(d, DRAWN), marker=MARKERS[i], markersize=4.5, color=COLORS[i],
            label=name,
        )  # fmt: skip
    right = measured["right"]
    at = int(right.argmin())
    bend = right[-3] * (steps / steps[-3]) ** 2
    ax.plot(steps[at:], bend[at:], ":", color=MUTED, linewidth=1.2)
    for words, place, color in (
        (f"above {BUG:g}: a bug", BUG * 1.3, COLORS[1]),
        (f"below {GOOD:g}: good", GOOD / 4.5, COLORS[2]),
    ):
        ax.text(steps[0], place, words, color=color, ha="left", va="bottom", fontsize=9)
    ax.annotate("rounding: 1/e", (steps[4], right[4]), (8, 6), textcoords="offset points")
    ax.annotate(
        "the bend: e squared", (steps[-4], right[-4]), (-8, 3), textcoords="offset points",
        ha="right",
    )  # fmt: skip
    logarithmic(ax)
    logarithmic(ax, "y")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set_ylim(max(right.min() / 30, DRAWN), 3)
    ax.set_title("Relative difference of gradient and slope")
    ax.set_xlabel("step e of the central difference (logarithmic)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


TOPIC = Topic(
    "Gradient checking",
    "The right gradient draws a V whose tip is far below 1e-7, while each bug stays above 1e-3 "
    "whatever the step. A long step measures the bend of the loss as well, an error of e squared; "
    "a short one the rounding of two nearly equal losses, an error of 1/e, so a step of 1e-4 to "
    "1e-7 serves.",
    "Course notes, 1.7; Starter book, 9.1",
    run,
)
