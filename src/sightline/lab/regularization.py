"""Penalties on weights: what none, L1, L2 and elastic net do to them, and to accuracy."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sightline.lab.pictures import Array, logarithmic, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, GRID, MUTED, ORANGE, PAPER
from sightline.scratch.penalties import l2
from sightline.scratch.regression import SoftmaxRegression

NAMES = {"none": "no penalty", "l1": "L1", "l2": "L2", "elastic-net": "elastic net"}
COLORS = {"none": MUTED, "l1": ORANGE, "l2": BLUE, "elastic-net": GREEN}
BOOK = {"none": "50.40", "l1": "52.53", "l2": "55.07", "elastic-net": ""}
STRENGTHS = np.geomspace(1e-4, 1e-1, 7)
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """How a set is learned, where nothing else is asked."""

    strength: float
    rate: float
    momentum: float
    epochs: int
    batch: int | None


SETTINGS = {
    "digits": Setting(0.001, 0.5, 0.9, 150, None),
    "animals": Setting(1e-4, 0.01, 0.0, 10, 1),  # the book's
}


def run(
    data: Annotated[
        Literal["digits", "animals"], Says("digits, or the book's experiment on its animals")
    ] = "digits",
    strength: Annotated[float, Says("of the penalties; 0: what suits the data", 0, 10)] = 0.0,
    train: Annotated[int, Says("digits to learn from", 50, 1500)] = 200,
    epochs: Annotated[int, Says("passes; 0: what suits the data", 0, 5000)] = 0,
    seed: Annotated[int, Says("of the digits' split, and of the order of rows", 0)] = 5,
) -> Found:
    given = SETTINGS[data]
    setting = replace(given, strength=strength or given.strength, epochs=epochs or given.epochs)
    parts = digits(train, seed) if data == "digits" else animals()
    models = {name: learned(name, setting, parts, seed) for name in NAMES}
    pictures = {
        "weights": _images(models, parts),
        "histograms": _histograms(models),
    }
    tables = [_compared(models, parts, data)]
    if data == "digits":
        sweep = swept(setting, parts, seed)
        pictures["over-strength"] = _over_strength(sweep, models["none"], parts, setting.strength)
    notes = [_zeros(models, setting), _worth(models, parts)]
    if data == "animals":
        notes.append(_pull(models["l1"], setting, parts))
    return Found(pictures, tables, notes)


@dataclass(frozen=True, eq=False)
class Parts:
    """Rows (n, features) and labels (n,) to learn from and to test on; (h, w, c) of a row, and the
    names of the classes."""

    train: tuple[Array, Labels]
    test: tuple[Array, Labels]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]


def digits(train: int, seed: int) -> Parts:
    """scikit-learn's 1,797 digits, values 0 to 1."""
    found = load_digits()
    X, rest, y, truth = train_test_split(
        found.data / 16, found.target, train_size=train, random_state=seed
    )
    names = tuple(map(str, range(10)))
    return Parts((X, y.astype(np.int64)), (rest, truth.astype(np.int64)), (8, 8, 1), names)


def animals() -> Parts:
    """The book's 3,000 animals at 32x32, values 0 to 255, split with its seed 5.

    Raises DataError where the set is not on this machine.
    """
    from sightline.data.canvas import Canvas
    from sightline.data.catalog import open_named
    from sightline.data.placing import laid
    from sightline.data.split import book_split

    splits = book_split(open_named("animals"), 0.25, 5)
    assert splits.test is not None
    both = []
    for part in (splits.train, splits.test):
        pixels, truths = laid(part, np.arange(len(part)), Canvas((32, 32)))
        assert truths.label is not None
        rows = pixels.reshape(len(part), -1).astype(np.float64)
        both.append((rows, truths.label.astype(np.int64)))
    return Parts(both[0], both[1], (32, 32, 3), splits.train.classes)


def learned(penalty: str, setting: Setting, parts: Parts, seed: int) -> SoftmaxRegression:
    """Softmax regression under this penalty."""
    return SoftmaxRegression(
        penalty, setting.strength, setting.rate, setting.momentum, setting.epochs, setting.batch,
        seed,
    ).fit(*parts.train)  # fmt: skip


def zeros(model: SoftmaxRegression) -> float:
    """Share of weights that are 0."""
    return float(np.mean(model.weights_ == 0))


def _compared(models: dict[str, SoftmaxRegression], parts: Parts, data: str) -> Table:
    book = data == "animals"
    rows: list[tuple[Cell, ...]] = [
        (
            NAMES[name], f"{100 * model.score(*parts.train):.2f}",
            f"{100 * model.score(*parts.test):.2f}", *([BOOK[name]] if book else []),
            f"{100 * zeros(model):.1f}", f"{np.abs(model.weights_).mean():.3g}",
            f"{l2(model.weights_):.3g}",
        )
        for name, model in models.items()
    ]  # fmt: skip
    heads = (
        "penalty", "training accuracy, %", "test accuracy, %", *(["book's test, %"] * book),
        "zero weights, %", "mean |w|", "sum of w^2",
    )  # fmt: skip
    return Table("penalties", heads, rows)


def swept(setting: Setting, parts: Parts, seed: int) -> dict[str, list[tuple[float, float, float]]]:
    """Training accuracy, test accuracy and share of zero weights by STRENGTHS."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for name in ("l1", "l2", "elastic-net"):
        models = [
            learned(name, replace(setting, strength=s), parts, seed) for s in STRENGTHS.tolist()
        ]
        found[name] = [(m.score(*parts.train), m.score(*parts.test), zeros(m)) for m in models]
    return found


def _zeros(models: dict[str, SoftmaxRegression], setting: Setting) -> str:
    shares = {name: f"{zeros(model):.1%}" for name, model in models.items()}
    always = " (pixels that are always 0)" if zeros(models["none"]) else ""
    return (
        f"At strength {setting.strength:g}, weights of 0: {shares['none']} without a penalty"
        f"{always}, {shares['l1']} with L1, {shares['l2']} with L2, "
        f"{shares['elastic-net']} with elastic net."
    )


def _worth(models: dict[str, SoftmaxRegression], parts: Parts) -> str:
    tests = {name: model.score(*parts.test) for name, model in models.items()}
    best = max(tests, key=lambda name: tests[name])
    n = len(parts.test[1])
    deviation = np.sqrt(tests[best] * (1 - tests[best]) / n)
    gain = f"{100 * (tests[best] - tests['none']):.2f} points above no penalty; "
    return (
        f"Best on the {n:,} test images: {NAMES[best]}, {100 * tests[best]:.2f} %"
        f"{', ' + gain if best != 'none' else '; '}chance alone moves an accuracy over {n:,} "
        f"images by {100 * deviation:.2f} points (a standard deviation)."
    )


def _pull(model: SoftmaxRegression, setting: Setting, parts: Parts) -> str:
    """How far L1 can have moved a weight in all."""
    steps = setting.epochs * len(parts.train[1])
    pull = setting.rate * setting.strength * steps
    mean = np.abs(model.weights_).mean()
    return (
        f"In {steps:,} steps L1 moves a weight by {pull:.2g} at most, and weights are about "
        f"{mean:.2g}, for pixels are not scaled: such a penalty does next to nothing, and what "
        "differs is chance in the last steps. Another --seed orders the rows, and the penalties, "
        "otherwise."
    )


def _images(models: dict[str, SoftmaxRegression], parts: Parts) -> Figure:
    """Weights as images: blue below 0, white 0, vermilion above; colored images in their colors."""
    height, width, channels = parts.shape
    figure, axes = panels(4, 1, height=7.4 / len(parts.classes) * 0.93 + 0.12)
    centers = (width + 1) * np.arange(len(parts.classes)) + (width - 1) / 2
    for ax, (name, model) in zip(axes, models.items(), strict=True):
        top = np.quantile(np.abs(model.weights_), 0.995) or 1.0
        shown = np.clip(model.weights_.T.reshape(-1, height, width, channels) / top, -1, 1)
        framed = [
            np.pad(_colored(one), ((0, 0), (0, 1), (0, 0)), constant_values=1) for one in shown
        ]
        ax.imshow(np.hstack(framed)[:, :-1], interpolation="nearest")
        for edge in centers[:-1] + (width + 1) / 2:
            ax.axvspan(edge - 0.5, edge + 0.5, color=GRID, linewidth=0)
        ax.set_xticks(centers if name == "none" else [], parts.classes if name == "none" else [])
        ax.xaxis.tick_top()
        ax.set_yticks([])
        ax.set_ylabel(NAMES[name], fontsize=8)
        for spine in ax.spines.values():
            spine.set(visible=True, color=GRID)
    return figure


def _colored(pixels: Array) -> Array:
    """(h, w, 1 or 3) of -1 to 1 to colors (h, w, 3)."""
    if pixels.shape[2] == 3:
        return pixels / 2 + 0.5
    both = LinearSegmentedColormap.from_list("both", [BLUE, PAPER, ORANGE])
    colors: Array = both(pixels[..., 0] / 2 + 0.5)[..., :3]
    return colors


def _histograms(models: dict[str, SoftmaxRegression]) -> Figure:
    figure, axes = panels(2, 2, height=2.2)
    top = max(np.quantile(np.abs(model.weights_), 0.995) for model in models.values()) or 1.0
    edges = np.linspace(-top, top, 62)  # an odd number of bins: one is about 0
    for ax, (name, model) in zip(axes, models.items(), strict=True):
        share = np.full(model.weights_.size, 100 / model.weights_.size)
        clipped = np.clip(model.weights_.ravel(), -top, top)
        ax.hist(clipped, edges.tolist(), weights=share, color=COLORS[name], histtype="stepfilled")
        title = f"{NAMES[name]}: {zeros(model):.0%} are 0"
        ax.set_title(title[0].upper() + title[1:])
        ax.grid(axis="y")
        ax.set_ylabel("% of weights")
        ax.set_xlabel("weight")
    return figure


def _over_strength(
    sweep: dict[str, list[tuple[float, float, float]]],
    plain: SoftmaxRegression,
    parts: Parts,
    strength: float,
) -> Figure:
    figure, (left, right) = panels(1, 2, height=3.2)
    for name, rows in sweep.items():
        train, test, none = (100 * np.array(column) for column in zip(*rows, strict=True))
        left.plot(STRENGTHS, test, "o-", markersize=4, color=COLORS[name], label=NAMES[name])
        left.plot(STRENGTHS, train, ":", color=COLORS[name], linewidth=1.2)
        right.plot(STRENGTHS, none, "o-", markersize=4, color=COLORS[name])
    left.axhline(100 * plain.score(*parts.test), color=MUTED, linewidth=1, label="no penalty")
    left.set_title("Accuracy: test, dotted training")
    right.set_title("Weights that are 0")
    left.set_ylabel("%")
    left.legend(loc="lower left")
    for ax in (left, right):
        logarithmic(ax)
        ax.axvline(strength, color=GRID, linewidth=1)
        ax.grid(axis="y")
        ax.set_xlabel("strength (logarithmic scale)")
    return figure


TOPIC = Topic(
    "Penalties on weights: L1, L2, elastic net",
    "L1 sets most weights to 0 and keeps strokes that tell the classes apart, L2 makes all of "
    "them smaller and none of them 0, and elastic net does both. Too strong a penalty "
    "leaves too little to learn with, and accuracy falls on training and test images alike.",
    "Starter book, 9.3",
    run,
)
