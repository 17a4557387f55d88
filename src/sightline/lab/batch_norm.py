"""Batch norm: what a layer is fed while it learns, with and without, on the digits."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, ORANGE
from sightline.scratch.initializers import INITIALIZERS
from sightline.scratch.layered import backward, cost, forward, named
from sightline.scratch.layers import Activate, BatchNorm, Dense, Layer
from sightline.scratch.optimizers import optimizer_of

Labels = NDArray[np.int64]
TRAIN = 1347  # of 1,797: the book's three quarters
SIZES = (2, 8, 32, 450)  # batches of the test set that are normalized by their own statistics
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KINDS = ("without", "before", "after")  # the activation
SAID = {"without": "without", "before": "before g", "after": "after g"}


@dataclass(frozen=True)
class Setting:
    """What all trainings of a run have in common: `hidden` layers of so many units."""

    activation: str
    hidden: tuple[int, ...]
    epochs: int
    batch: int
    rest: bool
    seed: int


@dataclass(frozen=True, eq=False)
class Training:
    """What was seen in training: mean cost an epoch, test accuracy after each, quantiles
    (epochs + 1, 5, units) of what the last hidden activation is fed, and the layers at the end."""

    costs: list[float]
    accuracies: list[float]
    fed: Array
    layers: list[Layer]


def run(
    activation: Annotated[
        Literal["sigmoid", "tanh", "relu"], Says("of the hidden layers; the paper takes sigmoid")
    ] = "sigmoid",
    depth: Annotated[int, Says("hidden layers", 1, 10)] = 3,
    units: Annotated[int, Says("of each hidden layer", 2, 256)] = 64,
    rate: Annotated[float, Says("the middle of three learning rates, a factor 5 apart", 1e-4, 10)]
    = 0.2,
    epochs: Annotated[int, Says("passes over the digits", 1, 200)] = 15,
    batch: Annotated[int, Says("digits in a batch", 2, 512)] = 64,
    rest: Annotated[
        Literal["skipped", "used"], Says("the rows left over of an epoch, 3 with batches of 64")
    ] = "skipped",
    seed: Annotated[int, Says("of weights and batches", 0)] = 0,
) -> Found:  # fmt: skip
    X, y = digits()
    setting = Setting(activation, (units,) * depth, epochs, batch, rest == "used", seed)
    rates = [rate / 5, rate, 5 * rate]
    seen = {(kind, r): trained(X, y, kind, r, setting) for kind in KINDS for r in rates}
    rows: list[tuple[Cell, ...]] = [
        (SAID[kind], *(f"{100 * seen[kind, r].accuracies[-1]:.1f}" for r in rates))
        for kind in KINDS
    ]
    tables = [
        Table("accuracy", ("batch norm", *(f"rate {r:g}, %" for r in rates)), rows),
        statistics(seen["before", rate].layers, X[TRAIN:], y[TRAIN:]),
    ]
    moved, slope = useless_bias(seen["before", rate].layers, X[:batch], y[:batch])
    loud, quiet = (wandering(seen[kind, rates[-1]].fed) for kind in ("without", "before"))
    notes = [
        f"rate {rate:g}: {100 * seen['before', rate].accuracies[0]:.1f} % of the test digits "
        f"after one epoch with batch norm, {100 * seen['without', rate].accuracies[0]:.1f} % "
        f"without",
        f"rate {rates[-1]:g}: of the units of the last hidden layer, the one that moves most moves "
        f"its median by {np.ptp(loud[:, 2]):.2f} without batch norm, by {np.ptp(quiet[:, 2]):.2f} "
        f"with",
        f"a bias of 1 put before batch norm moves no output by more than {moved:.0e}, and the "
        f"largest slope of the cost by such a bias is {slope:.0e}: it is useless",
    ]
    pictures = {
        "curves": _curves(seen, rates),
        "fed": _fed(loud, quiet, rates[-1]),
    }
    return Found(pictures, tables, notes)


def digits() -> tuple[Array, Labels]:
    """scikit-learn's digits, 0 to 1, (1797, 64), in an order of their own."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order] / 16, y[order].astype(np.int64)


def built(sizes: list[int], kind: str, activation: str, rng: np.random.Generator) -> list[Layer]:
    """Dense layers with batch norm before the activation, after it (then with biases), or none."""
    start = INITIALIZERS["he-normal" if activation == "relu" else "glorot-normal"]
    layers: list[Layer] = []
    for a, b in pairwise(sizes[:-1]):
        layers.append(Dense(start(a, b, rng), bias=kind != "before"))
        if kind == "before":
            layers.append(BatchNorm(b))
        layers.append(Activate(activation))
        if kind == "after":
            layers.append(BatchNorm(b))
    return [*layers, Dense(start(sizes[-2], sizes[-1], rng))]


def trained(X: Array, y: Labels, kind: str, rate: float, setting: Setting) -> Training:
    """Plain mini-batch descent on the first 1,347 digits, looked at after every epoch."""
    rng = np.random.default_rng(setting.seed)
    layers = built([X.shape[1], *setting.hidden, 10], kind, setting.activation, rng)
    optimizer = optimizer_of("sgd", rate)
    costs, accuracies, fed = [], [], [last_fed(layers, X[TRAIN:])]
    for _ in range(setting.epochs):
        some = []
        cuts = range(setting.batch, TRAIN, setting.batch)
        for rows in np.split(rng.permutation(TRAIN), cuts):
            if len(rows) < setting.batch and not setting.rest:
                continue
            scores = forward(layers, X[rows], training=True)
            parameters = named(layers, "parameters")
            some.append(cost(scores, y[rows], parameters, 0.0))
            optimizer.step(parameters, backward(layers, scores, y[rows], 0.0))
        costs.append(float(np.mean(some)))
        right = forward(layers, X[TRAIN:], training=False).argmax(axis=1) == y[TRAIN:]
        accuracies.append(float(right.mean()))
        fed.append(last_fed(layers, X[TRAIN:]))
    return Training(costs, accuracies, np.array(fed), layers)


def by_batch(layers: list[Layer], X: Array) -> Array:
    """Scores of rows that are normalized by their own statistics; the averages stay."""
    kept = [layer.averages for layer in layers]
    scores = forward(layers, X, training=True)
    for layer, averages in zip(layers, kept, strict=True):
        layer.averages = averages
    return scores


def last_fed(layers: list[Layer], X: Array) -> Array:
    """Quantiles (5, units) of what the last activation is fed for these rows."""
    by_batch(layers, X)
    last = [layer for layer in layers if isinstance(layer, Activate)][-1]
    return np.quantile(last.input, QUANTILES, axis=0)


def wandering(fed: Array) -> Array:
    """(epochs + 1, 5): the quantiles of the unit whose median moves most."""
    return np.asarray(fed[:, :, np.ptp(fed[:, 2], axis=0).argmax()])


def statistics(layers: list[Layer], X: Array, y: Labels) -> Table:
    """Accuracy of the same network when each batch is normalized by itself, and by the averages
    kept in training, which do not ask who else is in the batch."""
    running = float((forward(layers, X, training=False).argmax(axis=1) == y).mean())
    rows: list[tuple[Cell, ...]] = []
    for size in SIZES:
        parts = np.array_split(np.arange(len(y)), max(1, len(y) // size))
        right = [by_batch(layers, X[part]).argmax(axis=1) == y[part] for part in parts]
        own = float(np.concatenate(right).mean())
        rows.append((size, f"{100 * own:.1f}", f"{100 * running:.1f}"))
    return Table("statistics", ("test batch", "by its own, %", "by the running ones, %"), rows)


def useless_bias(layers: list[Layer], X: Array, y: Labels) -> tuple[float, float]:
    """How far a bias of 1 before the first batch norm moves the scores, and the largest slope of
    the cost by that bias."""
    plain = by_batch(layers, X)
    first = layers[0]
    biased = Dense(first.parameters["W"], bias=True)
    biased.parameters["b"] += 1
    others = [biased, *layers[1:]]
    scores = by_batch(others, X)
    slopes = backward(others, scores, y, 0.0)
    return float(np.abs(scores - plain).max()), float(np.abs(slopes["0.b"]).max())


def _curves(seen: dict[tuple[str, float], Training], rates: list[float]) -> Figure:
    figure, axes = panels(2, 3, height=2.5)
    for j, rate in enumerate(rates):
        above, below = axes[j], axes[3 + j]
        for i, kind in enumerate(KINDS):
            at = seen[kind, rate]
            epochs = np.arange(len(at.costs)) + 1
            color, style = COLORS[(1, 0, 2)[i]], "--" if kind == "after" else "-"
            above.plot(epochs, at.costs, style, color=color, label=_legend(kind))
            below.plot(epochs, 100 * np.array(at.accuracies), style, color=color)
        above.set_title(f"rate {rate:g}")
        above.set_ylim(0, 2.6)
        below.set_ylim(0, 101)
        below.set_xlabel("epoch")
        for ax in (above, below):
            ax.grid(axis="y")
            if j:
                ax.tick_params(labelleft=False)
    axes[0].set_ylabel("training cost")
    axes[3].set_ylabel("test accuracy, %")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _legend(kind: str) -> str:
    return "without" if kind == "without" else f"batch norm {kind} the activation"


def _fed(without: Array, with_norm: Array, rate: float) -> Figure:
    """Bands of what one unit of the last hidden layer is fed, on one scale."""
    figure, axes = panels(1, 2, height=3.3)
    _band(axes[0], without, ORANGE, f"Without, rate {rate:g}")
    _band(axes[1], with_norm, BLUE, f"With batch norm, rate {rate:g}")
    axes[0].set_ylabel("net input of the unit that moves most")
    low = min(ax.get_ylim()[0] for ax in axes)
    high = max(ax.get_ylim()[1] for ax in axes)
    axes[0].set_ylim(low, high + 0.16 * (high - low))  # room for the legends
    axes[1].set_ylim(axes[0].get_ylim())
    for ax in axes:
        ax.legend(loc="upper left", ncols=3, columnspacing=1, handlelength=1.2)
    return figure


def _band(ax: Axes, fed: Array, color: str, title: str) -> None:
    epochs = np.arange(len(fed))
    ax.fill_between(
        epochs, fed[:, 0], fed[:, 4], color=color, alpha=0.15, linewidth=0, label="nine tenths"
    )
    ax.fill_between(epochs, fed[:, 1], fed[:, 3], color=color, alpha=0.3, linewidth=0, label="half")
    ax.plot(epochs, fed[:, 2], color=color, label="median")
    ax.grid(axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(title)
    ax.set_xlabel("epochs of training")


TOPIC = Topic(
    "Batch norm while a network learns",
    "Compare the bands: with batch norm what a unit is fed keeps its place and width while the "
    "layers below change, and training goes well where the plain network hardly moves. Each batch "
    "has its mean taken off and is divided by its deviation, so a bias before it is lost; the "
    "paper normalizes before the activation, the Starter book (11.2) after it.",
    "Course notes, 3.15 and 3.16; Ioffe and Szegedy, 2015",
    run,
)
