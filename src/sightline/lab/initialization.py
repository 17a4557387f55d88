"""Initialization: how activations spread, fade or stick at their bounds through many layers."""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.lab.pictures import COLORS, Array, logarithmic, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import MUTED
from sightline.scratch import initializers
from sightline.scratch.activations import ACTIVATIONS

ROWS = 256  # examples that are sent through
CONSTANT = 0.05
Draw = Callable[[int, int, np.random.Generator], Array]
SCHEMES: dict[str, Draw] = {
    "zeros": initializers.zeros,
    f"constant {CONSTANT:g}": lambda a, b, _: initializers.constant(a, b, CONSTANT),
    "normal .01": lambda a, b, rng: initializers.normal(a, b, rng, 0.01),
    "normal 1": lambda a, b, rng: initializers.normal(a, b, rng, 1.0),
    "LeCun, Glorot": initializers.glorot_normal,  # one variance where fan_in is fan_out
    "He": initializers.he_normal,
}
BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "relu": (0.0, 4.0)}  # of histograms
NAMES = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "ReLU"}
EDGE = 0.01  # nearer than this to a bound, a tanh or a sigmoid counts as saturated


def run(
    activation: Annotated[
        Literal["both", "tanh", "relu", "sigmoid"], Says("of every layer; both is tanh and ReLU")
    ] = "both",
    layers: Annotated[int, Says("hidden layers", 2, 50)] = 10,
    width: Annotated[int, Says("units of a layer", 2, 512)] = 256,
    fan_in: Annotated[int, Says("inputs of the layer in the table of variances", 1, 1024)] = 64,
    fan_out: Annotated[int, Says("outputs of that layer", 1, 1024)] = 32,
    seed: Annotated[int, Says("of inputs and weights", 0)] = 0,
) -> Found:
    kinds = ("tanh", "relu") if activation == "both" else (activation,)
    passed = {
        kind: {name: through(kind, draw, layers, width, seed) for name, draw in SCHEMES.items()}
        for kind in kinds
    }
    tables, notes = [variances(fan_in, fan_out, seed)], []
    pictures = {"spread": _curves(passed, width)}
    for kind, of in passed.items():
        rows = [(n + 1, *(float(acts[n].std()) for acts in of.values())) for n in range(layers)]
        tables.append(Table(f"deviation-{kind}", ("layer", *of), rows))
        tables.append(_last(kind, of))
        ends = {
            name: float(acts[-1].std() / acts[0].std())
            for name, acts in of.items()
            if name != "zeros"
        }
        notes.append(
            f"{NAMES[kind]}: from layer 1 to layer {layers} the deviation changes by a factor of "
            f"{ends['He']:.3g} with He, {ends['LeCun, Glorot']:.3g} with LeCun or Glorot, "
            f"{ends['normal .01']:.2g} with normal .01"
        )
        pictures[f"histograms-{kind}"] = _histograms(kind, of)
    notes.append(
        f"with {width} units in and out LeCun and Glorot are one, of variance 1/{width}; "
        "constant weights make every unit of a layer the same unit, whatever the layer's width"
    )
    return Found(pictures, tables, notes)


def through(kind: str, draw: Draw, layers: int, width: int, seed: int) -> list[Array]:
    """Activations (256, width) of every layer for standard normal inputs; no biases."""
    rng = np.random.default_rng(seed)
    A, found = rng.normal(size=(ROWS, width)), []
    for _ in range(layers):
        A = ACTIVATIONS[kind].function(A @ draw(width, width, rng))
        found.append(A)
    return found


def variances(fan_in: int, fan_out: int, seed: int) -> Table:
    """What each scheme draws for one layer: the limit or sigma, and what was really drawn."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[Cell, ...]] = []
    for scheme in ("lecun", "glorot", "he"):
        for form in ("uniform", "normal"):
            W = initializers.INITIALIZERS[f"{scheme}-{form}"](fan_in, fan_out, rng)
            variance = {"lecun": 1 / fan_in, "glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in}
            limit = np.sqrt(3 * variance[scheme])
            sigma = np.sqrt(variance[scheme])
            drawn = float(W.std())
            shown = f"{limit:.5f}" if form == "uniform" else "none"
            rows.append((f"{scheme} {form}", shown, f"{sigma:.5f}", variance[scheme], drawn))
    heads = ("scheme", "limit", "sigma", "variance", "sigma drawn")
    return Table(f"variances-{fan_in}-{fan_out}", heads, rows)


def stuck(kind: str, A: Array) -> float:
    """The share of activations whose slope is lost: 0 for ReLU, at a bound for the others."""
    low, high = BOUNDS[kind]
    if kind == "relu":
        return float(np.mean(A <= 0))
    return float(np.mean(np.minimum(A - low, high - A) < EDGE))


def units_apart(A: Array) -> int:
    """How many units of a layer (rows, units) differ from one another."""
    return len(np.unique(A.round(12), axis=1).T)


def _last(kind: str, of: dict[str, list[Array]]) -> Table:
    heads = ("scheme", "mean", "deviation", "slope lost (%)", "units apart")
    rows = [
        (
            name, float(A[-1].mean()), float(A[-1].std()), f"{100 * stuck(kind, A[-1]):.1f}",
            units_apart(A[0]),
        )
        for name, A in of.items()
    ]  # fmt: skip
    return Table(f"last-layer-{kind}", heads, rows)


def _curves(passed: dict[str, dict[str, list[Array]]], width: int) -> Figure:
    """The deviation of every layer; schemes whose deviation is 0 cannot be drawn."""
    figure, axes = panels(1, len(passed), height=3.6)
    for ax, (kind, of) in zip(axes, passed.items(), strict=True):
        for i, (name, acts) in enumerate(of.items()):
            spread = np.array([A.std() for A in acts])
            if spread.min() > 0:
                ax.plot(
                    np.arange(len(acts)) + 1, spread, marker="o", markersize=3.5,
                    color=COLORS[i], label=name,
                )  # fmt: skip
        logarithmic(ax, "y")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.grid(axis="y")
        ax.set_title(f"{NAMES[kind]}, {width} units a layer")
        ax.set_xlabel("layer")
    axes[0].set_ylabel("deviation of activations (logarithmic)")
    handles, names = axes[-1].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=6)
    return figure


def _histograms(kind: str, of: dict[str, list[Array]]) -> Figure:
    """One row a scheme, one column for some of the layers; what lies outside falls in the end."""
    depth = len(next(iter(of.values())))
    picked = sorted({round(n) for n in np.linspace(0, depth - 1, 5)})
    low, high = BOUNDS[kind]
    figure, axes = panels(len(of), len(picked), height=1.05)
    for i, (name, acts) in enumerate(of.items()):
        for j, n in enumerate(picked):
            ax = axes[i * len(picked) + j]
            ax.hist(
                acts[n].ravel().clip(low, high), bins=40, range=(low, high), color=COLORS[i],
                weights=np.full(acts[n].size, 100 / acts[n].size),
            )  # fmt: skip
            _small(ax, low, high, last=i == len(of) - 1)
            if i == 0:
                ax.set_title(f"layer {n + 1}")
            if j == 0:
                ax.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=4)
    beyond = f" (above {high:g} counted at {high:g})" if kind == "relu" else ""
    figure.supxlabel(
        f"activation, {NAMES[kind]}{beyond}; heights are shares of a layer, cut at 30 %",
        fontsize=9.5, color=MUTED,
    )  # fmt: skip
    return figure


def _small(ax: Axes, low: float, high: float, last: bool) -> None:
    ax.set_ylim(0, 30)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xticks([low, (low + high) / 2, high])
    if not last:
        ax.tick_params(labelbottom=False)


TOPIC = Topic(
    "Where weights start: activations through ten layers",
    "Follow one scheme from layer to layer: with small weights activations fade to 0, with large "
    "ones a tanh sticks at -1 and 1 and a ReLU explodes, with constant ones all units are one. A "
    "layer multiplies the variance by its inputs times the weights' variance: LeCun and Glorot "
    "make that 1, which serves tanh; He makes it 2, for ReLU throws half away.",
    "Starter book, 10.1.6 to 10.1.12; Course notes, 3.6",
    run,
)
