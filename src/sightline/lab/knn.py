"""k nearest neighbors on a plane: the regions of each answer, from islands to one smooth border."""

from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray
from sklearn.datasets import make_blobs, make_moons

from sightline.errors import DataError
from sightline.lab.pictures import Array, grid, ground, logarithmic, panels, points
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import MUTED, SPLIT_COLORS
from sightline.scratch.arrays import accuracy
from sightline.scratch.neighbors import KNeighbors

SHOWN = (1, 3, 5, 15, 45)
TESTED = 1000  # points to test on
SIDE = 120  # places of a plane, each way
Labels = NDArray[np.int64]
Metric = Literal["l2", "l1", "minkowski", "cosine"]


def run(
    k: Annotated[int, Says("shown besides 1 to 45; 0: three quarters of the points", 0, 2000)] = 0,
    data: Annotated[Literal["moons", "blobs"], Says("two moons, or three blobs")] = "moons",
    metric: Annotated[Metric, Says("distance")] = "l2",
    power: Annotated[float, Says("the p of Minkowski's distance", 1, 20)] = 3.0,
    n: Annotated[int, Says("points to learn from", 60, 2000)] = 200,
    noise: Annotated[float, Says("spread of the points about their shape", 0, 2)] = 0.35,
    seed: Annotated[int, Says("of the points", 0, 2**31)] = 0,
) -> Found:
    if k > n:
        raise DataError(
            f"k is {k}, and there are {n} points; give --k {n} or less, or a larger --n"
        )
    k = k or 3 * n // 8 * 2 + 1  # odd
    X, y = drawn(data, n, noise, seed)
    tests = drawn(data, TESTED, noise, seed + 1)
    all_k = sorted({*np.geomspace(1, n * 0.9, 24).astype(int).tolist(), *SHOWN, 2, k})
    learner = KNeighbors(all_k[-1], metric, power).fit(X, y)
    own, near = learner.kneighbors(X)[1], learner.kneighbors(tests[0])[1]  # serve every k
    rows = [
        (
            i, accuracy(learner.elect(own[:, :i])[0], y),
            accuracy(learner.elect(near[:, :i])[0], tests[1]), tied(y[near[:, :i]]),
        )
        for i in all_k
    ]  # fmt: skip
    figure = _regions(X, y, [i for i in all_k if i in (*SHOWN, k)], metric, power)
    best = max(rows, key=lambda row: row[2])
    lone, largest = rows[0], rows[-1]
    notes = [
        f"k = 1: {lone[1]:.1%} of the {n} training points are right, for each is its own nearest "
        f"neighbor, and {lone[2]:.1%} of {TESTED} new ones. Best on new ones is k = {best[0]}, "
        f"{best[2]:.1%}; at k = {largest[0]} they are {largest[2]:.1%}.",
        f"Ties: a tied vote goes to the tied label with the nearest neighbor, then to the lowest. "
        f"(The book draws lots; scikit-learn takes the lowest.) At k = 2 {rows[1][3]} of {TESTED} "
        "votes are tied, and every answer is that of k = 1.",
    ]
    shown = [row for row in rows if row[0] in (*SHOWN, 2, k, best[0])]
    table = Table("accuracy", ("k", "training", "test", "tied votes in the test"), shown)
    return Found({"regions": figure, "curves": _curves(rows)}, [table], notes)


def drawn(data: str, n: int, noise: float, seed: int) -> tuple[Array, Labels]:
    """n points (n, 2) and labels (n,), two moons or three blobs."""
    if data == "moons":
        X, y = make_moons(n, noise=noise, random_state=seed)
    else:
        centers = [(-1.0, 0.0), (1.0, 0.0), (0.0, 1.5)]
        X, y = make_blobs(n, centers=centers, cluster_std=2 * noise, random_state=seed)
    return X, y.astype(np.int64)


def tied(votes: Labels) -> int:
    """How many rows of votes (n, k) have two labels or more with the most."""
    counts = np.stack([(votes == label).sum(axis=1) for label in range(int(votes.max()) + 1)], 1)
    return int(((counts == counts.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())


def _regions(X: Array, y: Labels, all_k: list[int], metric: str, power: float) -> Figure:
    low, high = X.min(0) - 0.3, X.max(0) + 0.3
    figure, axes = panels((len(all_k) + 2) // 3, 3, height=2.4)
    across, up = grid(low, high, SIDE)
    places = np.column_stack([across.ravel(), up.ravel()])
    learner = KNeighbors(all_k[-1], metric, power).fit(X, y)
    near = learner.kneighbors(places)[1]
    for ax, k in zip(axes, all_k, strict=False):
        found = learner.elect(near[:, :k])[0].reshape(SIDE, SIDE)
        ground(ax, found, low, high, int(y.max()) + 1)
        points(ax, X, y, size=14)
        ax.set_title(f"k = {k}")
        ax.set_xticks([])
        ax.set_yticks([])
    for ax in axes[len(all_k) :]:
        ax.set_visible(False)
    return figure


def _curves(rows: list[tuple[int, float, float, int]]) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.2)
    k = [row[0] for row in rows]
    for column, name in ((1, "train"), (2, "test")):
        words = {"train": "training points", "test": "new points"}[name]
        values = [100 * row[column] for row in rows]
        ax.plot(k, values, "o-", markersize=4, color=SPLIT_COLORS[name], label=words)
    best = max(rows, key=lambda row: row[2])
    ax.axvline(best[0], color=MUTED, linewidth=1, linestyle=":")
    logarithmic(ax)
    ax.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]))
    ax.set_xlim(0.9, max(k) * 1.1)
    ax.grid(axis="y")
    ax.legend(loc="lower left")
    ax.set_title(f"Accuracy over k; best on new points at k = {best[0]}")
    ax.set_xlabel("k, neighbors that vote (logarithmic scale)")
    ax.set_ylabel("accuracy, %")
    return figure


TOPIC = Topic(
    "k nearest neighbors: regions and accuracy over k",
    "With k = 1 every stray point has an island of its own and all training points are right; with "
    "more neighbors the islands melt away, and with nearly all of them the shape does too. A small "
    "k follows the noise and a large one blurs the shape, so that the accuracy on new points is "
    "highest in between.",
    "Starter book, 7.2",
    run,
)
