"""Few labels: a labeled handful alone, self-training, and label spreading, on moons and digits."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.lab.material import Labels, digits, moons
from sightline.lab.pictures import COLORS, MARKERS, Array, logarithmic, panels, points, regions
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import MUTED, PAPER
from sightline.scratch.label_spreading import closeness, neighborhood, spread
from sightline.scratch.neighbors import KNeighbors
from sightline.scratch.regression import SoftmaxRegression
from sightline.scratch.self_training import self_trained

A_CLASS = (1, 2, 3, 5, 10, 20)  # labels of each class
WAYS = ("1-NN", "label spreading", "softmax regression", "self-training")
ANIMALS = np.array(
    [  # table 4.1: means and deviations of red, green, blue of three cats and three dogs
        [57.61, 41.36, 123.44, 158.33, 149.86, 93.33],
        [120.23, 121.59, 181.43, 145.58, 69.13, 116.91],
        [124.15, 193.35, 65.77, 23.63, 193.74, 162.70],
        [100.28, 163.82, 104.81, 19.62, 117.07, 21.11],
        [177.43, 22.31, 149.49, 197.41, 18.99, 187.78],
        [149.73, 87.17, 187.97, 50.27, 87.15, 36.65],
    ]
)
ROUNDS = 6  # of self-training
NAMES = ("cat", "dog")
TRUTH = np.array([0, 0, 0, 1, 1, 1])
GIVEN = np.array([0, -1, -1, 1, -1, 1])  # table 4.3: rows 2, 3 and 5 lost their label


def run(
    seed: Annotated[int, Says("of the points and of which are labeled", 0)] = 0,
    count: Annotated[int, Says("digits and points in all", 300, 1797)] = 500,
    neighbors: Annotated[int, Says("neighbors that a point is joined to", 1, 50)] = 5,
    alpha: Annotated[float, Says("share of a label that comes from others", 0.01, 0.999)] = 0.95,
    threshold: Annotated[float, Says("how sure self-training must be", 0.1, 1)] = 0.8,
    noise: Annotated[float, Says("deviation of the points from their moon", 0, 1)] = 0.08,
    few: Annotated[int, Says("labels a moon in the picture", 1, 100)] = 2,
    repeats: Annotated[int, Says("draws of the labeled ones, averaged", 1, 50)] = 5,
) -> Found:
    X, y, _, _ = digits(count, seed)
    D, d = moons(count, noise, seed)
    settings = (neighbors, alpha, threshold)
    sets = {"two moons": (D, d), "digits": (X, y)}
    found = {
        name: np.array([accuracies(*both, n, repeats, settings, seed) for n in A_CLASS])
        for name, both in sets.items()
    }
    heads = ("set", "labels a class", *WAYS)
    rows: list[tuple[Cell, ...]] = [
        (name, n, *map(float, line))
        for name, lines in found.items()
        for n, line in zip(A_CLASS, lines, strict=True)
    ]
    answers = animals()
    tables = [
        Table("accuracy", heads, rows),
        Table(
            "table-4.3",
            ("row", "label given", "by spreading", "truth"),
            [
                (i + 1, NAMES[g] if g >= 0 else "?", NAMES[a], NAMES[t])
                for i, (g, a, t) in enumerate(zip(GIVEN, answers, TRUTH, strict=True))
            ],
        ),
    ]
    one = found["digits"][0]
    hidden = GIVEN < 0
    notes = [
        f"With one label a class, of {count} digits: 1-NN {one[0]:.1%}, label spreading "
        f"{one[1]:.1%}; softmax regression {one[2]:.1%}, with self-training {one[3]:.1%}.",
        f"Of the book's three animals without a label, {(answers == TRUTH)[hidden].sum()} of 3 "
        "come out right: six rows of color say too little of cats and dogs.",
    ]
    pictures = {"moons": _moons(D, d, few, settings, seed), "digits": _curves(found)}
    return Found(pictures, tables, notes)


def some_labels(y: Labels, a_class: int, seed: int) -> Labels:
    """y with `a_class` labels of each class kept, and -1 elsewhere."""
    rng = np.random.default_rng(seed)
    kept = np.full(len(y), -1)
    for label in range(int(y.max()) + 1):
        kept[rng.choice(np.flatnonzero(y == label), a_class, replace=False)] = label
    return kept


def learner() -> SoftmaxRegression:
    """The one that trains itself."""
    return SoftmaxRegression(rate=0.5, epochs=60, penalty="l2", strength=1e-3)


def accuracies(
    X: Array, y: Labels, a_class: int, repeats: int, settings: tuple[int, float, float], seed: int
) -> Array:
    """Mean accuracy on the unlabeled rows, by each of `WAYS`; settings are the neighbors, alpha
    and the threshold."""
    neighbors, alpha, threshold = settings
    W = neighborhood(X, neighbors)
    right = np.zeros(len(WAYS))
    for repeat in range(repeats):
        labels = some_labels(y, a_class, seed + repeat)
        known, hidden = labels >= 0, labels < 0
        answers = (
            KNeighbors(1).fit(X[known], y[known]).predict(X),
            spread(W, labels, alpha, rounds=200).argmax(axis=1),
            learner().fit(X[known], y[known]).predict(X),
            self_trained(learner, X, labels, threshold, ROUNDS)[0].predict(X),
        )
        right += [(answer == y)[hidden].mean() for answer in answers]
    return right / repeats


def animals() -> Labels:
    """Answers for table 4.3, its columns brought to one scale."""
    X = (ANIMALS - ANIMALS.mean(axis=0)) / ANIMALS.std(axis=0)
    return spread(closeness(X, 1 / X.shape[1]), GIVEN, 0.5).argmax(axis=1)


def _moons(X: Array, y: Labels, few: int, settings: tuple[int, float, float], seed: int) -> Figure:
    neighbors, alpha, threshold = settings
    labels = some_labels(y, few, seed)
    known = labels >= 0
    reached = spread(neighborhood(X, neighbors), labels, alpha).argmax(axis=1)
    alone = KNeighbors(1).fit(X[known], y[known])
    trained, _ = self_trained(learner, X, labels, threshold, ROUNDS)
    low, high = X.min(axis=0) - 0.25, X.max(axis=0) + 0.25
    figure, axes = panels(1, 3, height=2.8)
    ways: tuple[tuple[str, Callable[[Array], Labels]], ...] = (
        (f"1-NN, {few} labels a moon", alone.predict),
        ("self-training, softmax", trained.predict),
        ("label spreading", KNeighbors(1).fit(X, reached).predict),
    )
    for ax, (title, predict) in zip(axes, ways, strict=True):
        regions(ax, predict, low, high, 2)
        ax.scatter(X[:, 0], X[:, 1], s=5, color=MUTED, alpha=0.6, linewidth=0)
        points(ax, X[known], y[known])
        right = float((predict(X) == y)[~known].mean())
        ax.set_title(title, fontsize=9.5)
        ax.set_xlabel(f"{right:.1%} of the others right")
        ax.set_xticks([])
        ax.set_yticks([])
    return figure


def _curves(found: dict[str, Array]) -> Figure:
    figure, axes = panels(1, 2, height=3.4)
    for ax, (name, lines) in zip(axes, found.items(), strict=True):
        for at, way in enumerate(WAYS):
            dash = "-" if at % 2 else "--"
            ax.plot(
                A_CLASS, lines[:, at], MARKERS[at] + dash, color=COLORS[at], label=way,
                markersize=5, markeredgecolor=PAPER,
            )  # fmt: skip
        logarithmic(ax)
        ax.set_xticks(A_CLASS, [str(n) for n in A_CLASS])
        ax.minorticks_off()
        ax.grid(axis="y")
        ax.set_title(f"{name[0].upper()}{name[1:]}")
        ax.set_xlabel("labels of each class")
    axes[0].set_ylabel("accuracy on the unlabeled")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, fontsize=8.5)
    return figure


TOPIC = Topic(
    "Few labels: self-training and label spreading",
    "Gray points have no label, yet they show where a moon goes on: along them a label spreads "
    "even to points that are nearer to a labeled one of the other moon. Self-training asks the "
    "learner itself, which grows surer but no wiser where its shape does not fit the classes.",
    "Starter book, 4 (table 4.3); Zhou et al., 2004",
    run,
)
