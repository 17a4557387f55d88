"""Activation functions and their derivatives: what a unit passes on, and where it saturates."""

from functools import partial
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.lab.pictures import Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GRID, MUTED, ORANGE
from sightline.scratch.activations import (
    ACTIVATIONS,
    Activation,
    elu,
    elu_derivative,
    leaky_relu,
    leaky_relu_derivative,
)

PLACES = (-2.0, 0.0, 2.0)
LAYERS = 10
FAR, FINE = 20.0, 0.01  # how far and how finely slopes are searched for saturation


def run(
    slope: Annotated[float, Says("of the leaky ReLU below 0; programs take 0.01", 0, 1)] = 0.1,
    alpha: Annotated[float, Says("of the ELU, its depth below 0", 0, 5)] = 1.0,
    flat: Annotated[float, Says("a derivative below it counts as saturated", 1e-6, 0.2)] = 0.01,
    reach: Annotated[float, Says("net inputs are drawn from -reach to reach", 1, 20)] = 6.0,
) -> Found:
    shown = functions(slope, alpha)
    slopes = {name: greatest_slope(of) for name, of in shown.items()}
    saturation: list[tuple[Cell, ...]] = [
        (name, slopes[name], *flat_parts(of, flat), slopes[name] ** LAYERS)
        for name, of in shown.items()
    ]
    heads = ("function", "greatest slope", "flat from left", "flat from right")
    tables = [
        Table(
            "values",
            ("function", *(f"g({z:g})" for z in PLACES), *(f"g'({z:g})" for z in PLACES)),
            [(name, *at(of.function), *at(of.derivative)) for name, of in shown.items()],
        ),
        Table("saturation", (*heads, f"slope to the {LAYERS}"), saturation),
    ]
    edge = flat_parts(shown["sigmoid"], flat)[1]
    notes = [
        f"flat means a derivative below {flat:g}; a sigmoid is flat outside ±{edge}, "
        f"a tanh outside ±{flat_parts(shown['tanh'], flat)[1]}",
        f"back through {LAYERS} sigmoids a gradient is multiplied by at most "
        f"{slopes['sigmoid'] ** LAYERS:.2g}, through {LAYERS} active ReLUs by 1",
        "a PReLU is a leaky ReLU whose slope is learned, one a unit (He et al., 2015)",
    ]
    return Found({"functions": _drawn(shown, flat, reach)}, tables, notes)


def functions(slope: float, alpha: float) -> dict[str, Activation]:
    """The six of the book's figure 10.4, in its order."""
    leaky = Activation(
        partial(leaky_relu, alpha=slope), partial(leaky_relu_derivative, alpha=slope)
    )
    curved = Activation(partial(elu, alpha=alpha), partial(elu_derivative, alpha=alpha))
    some = {name: ACTIVATIONS[name] for name in ("step", "sigmoid", "tanh")}
    return some | {"ReLU": ACTIVATIONS["relu"], "leaky ReLU": leaky, "ELU": curved}


def at(function: object) -> list[float]:
    """The function's values at -2, 0 and 2."""
    assert callable(function)
    return [float(value) for value in function(np.array(PLACES))]


def greatest_slope(of: Activation) -> float:
    """The largest derivative between -20 and 20."""
    return float(of.derivative(_line(FAR)).max())


def flat_parts(of: Activation, flat: float) -> tuple[str, str]:
    """Up to where the function is flat coming from the left, and from where to the right."""
    z = _line(FAR)
    steep = z[of.derivative(z) >= flat]
    if not len(steep):
        return "everywhere", "everywhere"
    low = f"{steep[0] - FINE:.2f}" if steep[0] > -FAR else "never"
    return low, f"{steep[-1] + FINE:.2f}" if steep[-1] < FAR else "never"


def _line(reach: float) -> Array:
    count = round(reach / FINE)
    return np.arange(-count, count + 1, dtype=np.float64) * FINE  # with 0 itself


def _drawn(shown: dict[str, Activation], flat: float, reach: float) -> Figure:
    figure, axes = panels(3, 2, height=2.3)
    z = _line(reach)
    for ax, (name, of) in zip(axes, shown.items(), strict=True):
        saturated = of.derivative(z) < flat
        ax.fill_between(
            z, 0, 1, where=saturated, transform=ax.get_xaxis_transform(), color=GRID, alpha=0.6,
            linewidth=0, label=f"derivative below {flat:g}",
        )  # fmt: skip
        value = of.function(z)
        ax.axhline(0, color=MUTED, linewidth=0.6)
        ax.axvline(0, color=MUTED, linewidth=0.6)
        ax.plot(z, of.derivative(z), color=ORANGE, linestyle="--", label="derivative g'(z)")
        if name == "step":
            value = np.where(np.abs(z) < FINE / 2, np.nan, value)  # a jump, not a slope
        ax.plot(z, value, color=BLUE, label="activation g(z)")
        ax.set_ylim(-1.25, 2.5)
        ax.set_xlim(-reach, reach)
        ax.set_title(name)
    for ax in axes[-2:]:
        ax.set_xlabel("net input z")
    parts, names = axes[1].get_legend_handles_labels()
    figure.legend(parts[::-1], names[::-1], loc="outside lower center", ncols=3)
    return figure


TOPIC = Topic(
    "Activation functions and their slopes",
    "Look at the grey parts: there the derivative (broken line) is nearly 0, and what is sent back "
    "through the unit is lost. Sigmoid and tanh saturate on both sides and the step has no slope "
    "at all; ReLU keeps a slope of 1 for every positive input, and leaky ReLU and ELU keep some "
    "below 0.",
    "Starter book, 10.1.1",
    run,
)
