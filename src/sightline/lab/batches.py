"""Batches: what an update costs, and how far the same number of examples brings the descent."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes

from sightline.lab.material import Labels, digits
from sightline.lab.pictures import COLORS, MARKERS, Array, logarithmic, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import INK
from sightline.scratch.losses import cross_entropy, cross_entropy_gradient

SIZES = (1, 16, 64)  # and all
RATES = (0.02, 0.06, 0.2, 0.6, 2.0)
SETS = (1000, 4000, 16_000, 64_000)
FEATURES, CLASSES = 20, 10  # of the generated sets
UPDATES = 400  # at most, on those


def run(
    seed: Annotated[int, Says("of the sets and their order", 0)] = 0,
    train: Annotated[int, Says("digits to learn from", 100, 1500)] = 1000,
    epochs: Annotated[int, Says("examples processed, in times the set", 1, 100)] = 20,
    goal: Annotated[float, Says("loss to be reached on the generated sets", 0.7, 2.2)] = 0.8,
    rate: Annotated[float, Says("the rate on the generated sets", 0.001, 10)] = 0.1,
) -> Found:
    X, y, X_test, y_test = digits(train, seed)
    at = np.unique(np.geomspace(1, epochs * train, 60).astype(int))
    curves, rows = {}, []
    for size in (*SIZES, train):
        tried = [(descent(X, y, size, r, at, seed), r) for r in RATES]
        (losses, W), best = min(tried, key=lambda one: float(one[0][0][-5:].mean()))
        right = float(((with_ones(X_test) @ W).argmax(axis=1) == y_test).mean())
        curves[size] = losses
        updates = epochs * -(-train // size)
        rows.append((_name(size, train), best, updates, size, float(losses[-1]), right))
    needed: list[tuple[Cell, ...]] = []
    for n in SETS:
        for size in (64, n):
            updates = reaching(n, size, rate, goal, seed)
            said = (updates, updates * size) if updates else ("not reached", "")
            needed.append((n, "64" if size == 64 else "all", size, *said))
    heads = (
        "batch", "best rate", "updates", "examples an update", "training loss", "test accuracy",
    )  # fmt: skip
    tables = [
        Table("digits", heads, rows),
        Table(
            "generated-sets",
            ("examples", "batch", "examples an update", "updates", "examples processed"),
            needed,
        ),
    ]
    first, last = rows[0], rows[-1]
    notes = [
        f"After {epochs} passes over {train} digits the loss is {rows[1][4]:.3g} by batches of 16 "
        f"({rows[1][2]:,} updates) and {last[4]:.3g} by the whole set ({last[2]} updates); one by "
        f"one it is {first[4]:.3g}.",
        f"To bring the loss to {goal:g}, batches of 64 process {_said(needed[0])} examples of "
        f"{SETS[0]:,} and {_said(needed[-2])} of {SETS[-1]:,}; the whole set at once "
        f"{_said(needed[1])} and {_said(needed[-1])}.",
    ]
    figure, (left, right_ax) = panels(1, 2, height=3.6)
    _curves(left, at, curves, train)
    _needed(right_ax, needed, goal)
    return Found({"batches": figure}, tables, notes)


def with_ones(X: Array) -> Array:
    """A last column of ones, for the bias."""
    return np.column_stack([X, np.ones(len(X))])


def descent(
    X: Array, y: Labels, size: int, rate: float, at: Array, seed: int
) -> tuple[Array, Array]:
    """Softmax regression from zero weights by shuffled batches of `size`: the loss on all rows
    once so many examples (at) have been processed, and the weights in the end."""
    rows, rng = with_ones(X), np.random.default_rng(seed)
    W = np.zeros((rows.shape[1], int(y.max()) + 1))
    losses: list[float] = []
    loss = float(cross_entropy(rows @ W, y).mean())
    done, order = 0, rng.permutation(len(X))
    while len(losses) < len(at):
        start = done % len(X)
        if start == 0 and done:
            order = rng.permutation(len(X))
        batch = order[start : start + size]
        while len(losses) < len(at) and at[len(losses)] < done + len(batch):
            losses.append(loss)
        W -= rate * rows[batch].T @ cross_entropy_gradient(rows[batch] @ W, y[batch])
        done += len(batch)
        if len(losses) < len(at) and at[len(losses)] < done + size:  # it is asked for next
            loss = float(cross_entropy(rows @ W, y).mean())
    return np.array(losses), W


def generated(n: int, seed: int) -> tuple[Array, Labels]:
    """Points about ten centers, which are the same for every n."""
    centers = np.random.default_rng(seed).normal(0, 1, (CLASSES, FEATURES))
    rng = np.random.default_rng([seed, n])
    y = rng.integers(0, CLASSES, n)
    return centers[y] + rng.normal(0, 1.6, (n, FEATURES)), y


def reaching(n: int, size: int, rate: float, goal: float, seed: int) -> int:
    """Updates until new points are answered with that loss at most; 0 if never."""
    X, y = generated(n, seed)
    X_test, y_test = generated(1999, seed)
    rows, tests = with_ones(X), with_ones(X_test)
    rng = np.random.default_rng(seed)
    W = np.zeros((FEATURES + 1, CLASSES))
    for update in range(1, UPDATES + 1):
        batch = rng.permutation(n)[:size] if size < n else slice(None)
        W -= rate * rows[batch].T @ cross_entropy_gradient(rows[batch] @ W, y[batch])
        if cross_entropy(tests @ W, y_test).mean() <= goal:
            return update
    return 0


def _name(size: int, train: int) -> str:
    return "all" if size == train else str(size)


def _said(row: tuple[Cell, ...]) -> str:
    return f"{row[4]:,}" if isinstance(row[4], int) else "(goal not reached)"


def _curves(ax: Axes, at: Array, curves: dict[int, Array], train: int) -> None:
    for i, (size, losses) in enumerate(curves.items()):
        ax.plot(at, losses, color=COLORS[i], label=f"batches of {_name(size, train)}")
    ax.axvline(train, color=INK, linestyle=":", linewidth=1)
    ax.annotate("one pass", (train, 0.02), (4, 0), textcoords="offset points", fontsize=8,
                xycoords=("data", "axes fraction"))  # fmt: skip
    logarithmic(ax)
    logarithmic(ax, "y")
    ax.grid(axis="y")
    ax.set_title("Softmax regression on digits")
    ax.set_xlabel("examples processed")
    ax.set_ylabel("training loss")
    ax.legend(loc="lower left", fontsize=8)


def _needed(ax: Axes, needed: list[tuple[Cell, ...]], goal: float) -> None:
    for i, batch in enumerate(("64", "all")):
        reached = [row for row in needed if row[1] == batch and isinstance(row[4], int)]
        sizes, examples = [row[0] for row in reached], [row[4] for row in reached]
        marker = MARKERS[i] + "-"
        ax.plot(sizes, examples, marker, color=COLORS[2 + i], label=f"batches of {batch}")
    logarithmic(ax)
    logarithmic(ax, "y")
    ax.set_xticks(SETS, [f"{n:,}" for n in SETS])
    ax.minorticks_off()
    ax.grid(axis="y")
    ax.set_title(f"Examples until the loss is {goal:g}")
    ax.set_xlabel("size of the training set")
    ax.set_ylabel("examples processed")
    ax.legend(loc="upper left", fontsize=8)


TOPIC = Topic(
    "Batches: what an update costs",
    "For the same number of examples processed, small batches make many cheap steps and are far "
    "down before the whole set has made its second one. An update costs what its batch costs, "
    "however large the set is, so the larger the set the more descent on all of it wastes.",
    "Theory book, stochastic gradient descent; course notes, 3.8",
    run,
)
