"""The curse of dimensionality: shells, distances, points needed, and k-NN among idle numbers."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sightline.lab.material import moons
from sightline.lab.pictures import COLORS, Array, logarithmic, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, MUTED, ORANGE
from sightline.scratch.neighbors import KNeighbors

DIMENSIONS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
SHELLS = (0.01, 0.05, 0.1)  # depth as a share of the side
IDLE = (0, 1, 2, 5, 10, 20, 50, 100, 200)


def run(
    seed: Annotated[int, Says("of the points", 0)] = 0,
    count: Annotated[int, Says("points among which the nearest is sought", 10, 5000)] = 500,
    queries: Annotated[int, Says("points that seek", 1, 1000)] = 30,
    side: Annotated[int, Says("points along each axis, for the density", 2, 100)] = 10,
    train: Annotated[int, Says("examples of k-NN", 10, 5000)] = 300,
    k: Annotated[int, Says("neighbors that vote", 1, 10)] = 5,
    repeats: Annotated[int, Says("k-NN runs that are averaged", 1, 100)] = 5,
) -> Found:
    rng = np.random.default_rng(seed)
    ratios = np.array([nearness(d, count, queries, rng) for d in DIMENSIONS])
    runs = [accuracies(seed + i, train, k) for i in range(repeats)]
    right = np.mean(runs, axis=0).tolist()
    rows: list[tuple[Cell, ...]] = [
        (d, *(shell(d, depth) for depth in SHELLS), float(ratio), needed(side, d))
        for d, ratio in zip(DIMENSIONS, ratios, strict=True)
    ]
    heads = (
        "dimensions", *(f"within {depth:g} of the shell" for depth in SHELLS),
        "nearest / farthest", f"points, {side} an axis",
    )  # fmt: skip
    tables = [
        Table("cube", heads, rows),
        Table("k-nn", ("idle dimensions", "accuracy"), list(zip(IDLE, right, strict=True))),
    ]
    half = next(d for d, ratio in zip(DIMENSIONS, ratios, strict=True) if ratio > 0.5)
    notes = [
        f"From {half} dimensions on, the nearest of {count} points is more than half as far away "
        "as the farthest.",
        f"{k}-NN knows {right[0]:.1%} of two moons, and {right[-1]:.1%} once {IDLE[-1]} numbers "
        "that mean nothing stand beside the two that do.",
    ]
    figure, axes = panels(2, 2, height=3.0)
    _shells(axes[0])
    _nearness(axes[1], ratios, count)
    _needed(axes[2], side)
    _accuracy(axes[3], right, k, train)
    return Found({"dimensions": figure}, tables, notes)


def shell(dimensions: int, depth: float) -> float:
    """Share of a cube's volume that lies within `depth` (of the side) of its surface."""
    return float(-np.expm1(dimensions * np.log1p(-2 * depth)))


def needed(side: int, dimensions: int) -> str:
    """Points of a grid with so many along each axis, in words that stay short."""
    power = dimensions * np.log10(side)
    return f"{side**dimensions:,}" if power < 7 else f"10^{power:.0f}"


def nearness(dimensions: int, count: int, queries: int, rng: np.random.Generator) -> float:
    """Nearest over farthest distance from a point to `count` others of a cube; mean of many."""
    rows = rng.random((count, dimensions))
    ratios: list[float] = []
    for query in rng.random((queries, dimensions)):
        distances = np.sqrt(((rows - query) ** 2).sum(axis=1))
        ratios.append(float(distances.min() / distances.max()))
    return float(np.mean(ratios))


def accuracies(seed: int, train: int, k: int) -> list[float]:
    """Of k-NN on moons, as dimensions of normal noise are added; each of the moons' spread."""
    X, y = moons(train, 0.2, seed)
    X_test, y_test = moons(500, 0.2, seed + 10_000)
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    X, X_test = (X - mean) / deviation, (X_test - mean) / deviation
    rng = np.random.default_rng(seed)
    idle: NDArray[np.float64] = rng.standard_normal((train + 500, IDLE[-1]))
    found = []
    for more in IDLE:
        learner = KNeighbors(k).fit(np.column_stack([X, idle[:train, :more]]), y)
        found.append(learner.score(np.column_stack([X_test, idle[train:, :more]]), y_test))
    return found


def _shells(ax: Axes) -> None:
    for at, depth in enumerate(SHELLS):
        shares = [shell(d, depth) for d in DIMENSIONS]
        label = f"{depth:g} of the side"
        ax.plot(DIMENSIONS, shares, "os^"[at] + "-", color=COLORS[at], label=label, markersize=4)
    logarithmic(ax)
    ax.grid(axis="y")
    ax.set_title("Share of a cube near its shell")
    ax.set_xlabel("dimensions")
    ax.set_ylabel("share of the volume")
    ax.legend(loc="lower right", title="no deeper than", fontsize=8)


def _nearness(ax: Axes, ratios: Array, count: int) -> None:
    ax.plot(DIMENSIONS, ratios, "o-", color=BLUE, markersize=4)
    ax.axhline(1, color=MUTED, linestyle="--", linewidth=1)
    logarithmic(ax)
    ax.set_ylim(0, 1.05)
    ax.grid(axis="y")
    ax.set_title(f"Nearest of {count} over the farthest")
    ax.set_xlabel("dimensions")
    ax.set_ylabel("ratio of the distances")


def _needed(ax: Axes, side: int) -> None:
    few = np.arange(1, 11)
    ax.plot(few, float(side) ** few, "o-", color=BLUE, markersize=4)
    for words, number in (("MNIST", 6e4), ("ImageNet", 1.2e6)):
        ax.axhline(number, color=MUTED, linestyle="--", linewidth=1)
        ax.annotate(words, (10, number), (0, 3), textcoords="offset points", ha="right", fontsize=8)
    ax.set_yscale("log")
    tens = range(0, int(10 * np.log10(side)) + 1, max(2, int(np.log10(side)) * 2))
    ax.set_yticks([10.0**ten for ten in tens], [f"10^{ten}" for ten in tens])
    ax.minorticks_off()
    ax.set_xticks(few)
    ax.grid(axis="y")
    ax.set_title(f"Points to keep {side} along each axis")
    ax.set_xlabel("dimensions")
    ax.set_ylabel("points (logarithmic scale)")


def _accuracy(ax: Axes, right: list[float], k: int, train: int) -> None:
    ax.plot(np.array(IDLE) + 1, right, "o-", color=ORANGE, markersize=4)
    ax.axhline(0.5, color=MUTED, linestyle="--", linewidth=1)
    ax.annotate("guessing", (1, 0.5), (0, 3), textcoords="offset points", fontsize=8)
    logarithmic(ax)
    ax.set_xticks([d + 1 for d in IDLE[::2]], [str(d) for d in IDLE[::2]])
    ax.set_ylim(0.45, 1)
    ax.grid(axis="y")
    ax.set_title(f"{k}-NN on two moons, {train} examples")
    ax.set_xlabel("meaningless dimensions added")
    ax.set_ylabel("accuracy on new points")


TOPIC = Topic(
    "The curse of dimensionality",
    "With many dimensions nearly all of a cube is shell, all points are about equally far from one "
    "another, and no set is large enough to fill the room. So what is near says little of the "
    "label unless the data lie on something of few dimensions, and idle numbers hide even that.",
    "Theory book, curse of dimensionality; Starter book, 7.2",
    run,
)
