"""Gradient descent and SGD on two blobs: the book's two losses, and one that compares them."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import make_blobs
from sklearn.model_selection import train_test_split

from sightline.lab.pictures import Array, logarithmic, panels, points, surface
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, ORANGE
from sightline.scratch.descent import DescentClassifier

Labels = NDArray[np.int64]
# The book's logs: loss at these epochs of gradient_descent.py and sgd.py.
BOOK = {
    "gd": {1: 486.5896, 10: 9.1313, 25: 6.9383, 50: 1.0788, 75: 0.0941, 100: 0.0214},
    "sgd": {1: 0.3701232, 10: 0.0142936, 25: 0.0092114, 50: 0.0061647, 75: 0.0046611,
            100: 0.0037303},
}  # fmt: skip
NAMES = {
    "gd": "gradient descent",
    "sgd": "SGD, the book's",
    "honest": "SGD, training half, shuffled",
}
COLORS = {"gd": BLUE, "sgd": ORANGE, "honest": GREEN}
DASHES = {"gd": "-", "sgd": "--", "honest": "-."}


def run(
    alpha: Annotated[float, Says("learning rate", 1e-6, 100)] = 0.01,
    epochs: Annotated[int, Says("passes over the points", 1, 2000)] = 100,
    batch: Annotated[int, Says("points in a step of SGD", 1, 500)] = 32,
    spread: Annotated[float, Says("standard deviation of each blob", 0.1, 10)] = 1.5,
    seed: Annotated[int, Says("of the first weights", 0)] = 0,
    seeds: Annotated[int, Says("compare from so many other seeds too, from 0 up", 0, 50)] = 5,
) -> Found:
    halves = drawn(spread)
    found = learned(halves, alpha, epochs, batch, seed)
    tables = [_compared(found, halves), _logs(found, epochs)]
    gd, sgd = found["gd"], found["sgd"]
    notes = [
        f"By the book's losses SGD ends at {_times(gd.losses_[-1], sgd.losses_[-1])}: but one is "
        f"a sum over {len(halves.train[1])} points and the other a mean over batches of at most "
        f"{batch}. A point, SGD's is {_times(gd.errors_[-1], sgd.errors_[-1])}.",
        "The book's script learns from all 1,000 points, the 500 it tests on among them.",
    ]
    if seeds:
        pairs = [learned(halves, alpha, epochs, batch, s) for s in range(seeds)]
        higher = sum(pair["sgd"].errors_[-1] > pair["gd"].errors_[-1] for pair in pairs)
        honest = sum(pair["honest"].errors_[-1] > pair["gd"].errors_[-1] for pair in pairs)
        notes.append(
            f"From {seeds} seeds the last loss a point is higher in the book's SGD than in "
            f"gradient descent {higher} times, and in SGD on the training half {honest} times."
        )
    pictures = {"losses": _curves(found), "line": _lines(found, halves)}
    return Found(pictures, tables, notes)


@dataclass(frozen=True, eq=False)
class Halves:
    """The book's 1,000 points, (n, 2) and labels (n,): all of them, and its two halves."""

    whole: tuple[Array, Labels]
    train: tuple[Array, Labels]
    test: tuple[Array, Labels]


def drawn(spread: float = 1.5) -> Halves:
    """make_blobs with its seed 1, halved by train_test_split with 42, as both scripts have it."""
    X, y = make_blobs(1000, 2, centers=2, cluster_std=spread, random_state=1)
    y = y.astype(np.int64)
    X0, X1, y0, y1 = train_test_split(X, y, test_size=0.5, random_state=42)
    return Halves((X, y), (X0, y0), (X1, y1))


def learned(
    halves: Halves, alpha: float, epochs: int, batch: int, seed: int
) -> dict[str, DescentClassifier]:
    """Three learners from the same first weights."""
    return {
        "gd": DescentClassifier(alpha, epochs, seed=seed).fit(*halves.train),
        "sgd": DescentClassifier(alpha, epochs, batch, seed=seed).fit(*halves.whole),
        "honest": DescentClassifier(alpha, epochs, batch, True, seed).fit(*halves.train),
    }


def error_of(learner: DescentClassifier, X: Array, y: Labels) -> float:
    """Mean squared error a point."""
    return float(np.mean((learner.predict_proba(X)[:, 1] - y) ** 2))


def _compared(found: dict[str, DescentClassifier], halves: Halves) -> Table:
    supports = np.bincount(halves.test[1]).tolist()
    rows: list[tuple[Cell, ...]] = [
        (
            NAMES[name], f"{learner.losses_[-1]:.3g}", f"{learner.errors_[-1]:.2g}",
            f"{error_of(learner, *halves.train):.2g}", f"{error_of(learner, *halves.test):.2g}",
            f"{learner.score(*halves.test):.1%}", "/".join(map(str, supports)),
        )
        for name, learner in found.items()
    ]  # fmt: skip
    heads = (
        "learner", "book's loss", "loss a point", "after it: training half", "test half",
        "test accuracy", "test points",
    )  # fmt: skip
    return Table("compared", heads, rows)


def _logs(found: dict[str, DescentClassifier], epochs: int) -> Table:
    """The book's printed losses beside ours, in the book's units."""
    kept = [epoch for epoch in BOOK["gd"] if epoch <= epochs]
    rows: list[tuple[Cell, ...]] = [
        (epoch, *(f"{v:.4g}" for n in BOOK for v in (BOOK[n][epoch], found[n].losses_[epoch - 1])))
        for epoch in kept
    ]
    heads = ("epoch", "descent: book", "ours", "SGD: book", "ours ")
    return Table("book-and-ours", heads, rows)


def _times(first: float, second: float) -> str:
    """How the second figure compares with the first, in words."""
    if not first or not second:
        return "0" if not second else "above 0, where the other's is 0"
    ratio = second / first
    return f"{ratio:.1f} times as much" if ratio >= 1 else f"1/{1 / ratio:.1f} of descent's"


def _curves(found: dict[str, DescentClassifier]) -> Figure:
    figure, (left, right) = panels(1, 2, height=3.4)
    for name, learner in found.items():
        epochs = np.arange(1, len(learner.losses_) + 1)
        tiny = 1e-12  # a logarithm of 0 has no place
        left.plot(
            epochs, np.maximum(learner.losses_, tiny), DASHES[name], color=COLORS[name],
            label=NAMES[name],
        )  # fmt: skip
        right.plot(epochs, np.maximum(learner.errors_, tiny), DASHES[name], color=COLORS[name])
    left.set_title("The book's losses: not comparable")
    left.set_ylabel("sum a step (logarithmic scale)")
    right.set_title("Squared error a point: comparable")
    right.set_ylabel("mean (logarithmic scale)")
    left.legend(loc="upper right", frameon=True)
    for ax in (left, right):
        logarithmic(ax, "y")
        ax.grid(axis="y")
        ax.set_xlabel("epoch")
    return figure


def _lines(found: dict[str, DescentClassifier], halves: Halves) -> Figure:
    X, y = halves.test
    low, high = X.min(0) - 0.5, X.max(0) + 0.5
    figure, axes = panels(1, 3, height=2.7)
    short = {"gd": "Gradient descent", "sgd": "SGD, book's", "honest": "SGD, train half"}
    for ax, (name, learner) in zip(axes, found.items(), strict=True):

        def value(rows: Array, learner: DescentClassifier = learner) -> Array:
            return learner.predict_proba(rows)[:, 1]

        surface(ax, value, low, high)
        points(ax, X, y, size=12)
        wrong = int((learner.predict(X) != y).sum())
        ax.set_title(f"{short[name]}: {wrong} wrong")
        ax.set_xlabel("x1")
    axes[0].set_ylabel("x2")
    return figure


TOPIC = Topic(
    "Two blobs: gradient descent and SGD",
    "The book's two losses lie a hundredfold apart from the first epoch, for one is a sum over all "
    "500 points and the other over a batch of 32; a point, they can be compared, and SGD's is the "
    "higher in the end. SGD falls sooner because it takes 16 or 32 steps an epoch, and gradient "
    "descent one.",
    "Starter book, 9.1 and 9.2",
    run,
)
