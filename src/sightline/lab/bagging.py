"""Bagging: models on bootstrap samples, the error of their mean, and the formula for it."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes

from sightline.lab.material import Labels, digits
from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, INK, MUTED, ORANGE
from sightline.scratch.arrays import one_hot
from sightline.scratch.layered import LayeredNetwork

CORRELATIONS = (0.0, 0.3, 0.7, 1.0)
TIMES = 100  # orders of the models that the error of a mean is averaged over


def run(
    seed: Annotated[int, Says("of the errors, the samples and the first weights", 0)] = 0,
    models: Annotated[int, Says("networks of the ensemble, k at most", 2, 100)] = 20,
    train: Annotated[int, Says("digits to learn from", 20, 1500)] = 150,
    units: Annotated[int, Says("hidden units of a network", 1, 256)] = 16,
    epochs: Annotated[int, Says("passes of a network over its sample", 1, 500)] = 40,
    draws: Annotated[int, Says("draws of errors for the formula", 100, 1_000_000)] = 20_000,
) -> Found:
    rng = np.random.default_rng(seed)
    ks = np.arange(1.0, models + 1)
    simulated = {c: simulate(c, models, draws, rng) for c in CORRELATIONS}
    X, y, X_test, y_test = digits(train, seed)
    chances = np.stack(
        [trained(X, y, units, epochs, seed + i, rng).predict_proba(X_test) for i in range(models)]
    )  # (models, n, 10)
    errors = chances - one_hot(y_test, 10)
    v, c = moments(errors)
    by_formula = formula(v, c, ks)
    squares, wrong = ensembles(chances, errors, y_test, rng)
    rows = [
        (k, float(wrong[k - 1]), float(squares[k - 1]), float(by_formula[k - 1]))
        for k in range(1, models + 1)
        if k in (1, 2, 3, 5, 10, 15, models) or k % 20 == 0
    ]
    known = [
        (share, int(k), float(found[k - 1]), float(formula(1.0, share, k)))
        for share, found in simulated.items()
        for k in sorted({1, min(3, models), min(10, models), models})
    ]
    tables = [
        Table("formula", ("correlation", "k", "simulated", "v/k + (k-1)c/k"), known),
        Table("digits", ("k", "wrong", "mean squared error", "by formula"), rows),
    ]
    notes = [
        f"One network of {train} digits is wrong on {wrong[0]:.1%} of the others, the mean of "
        f"{models} on {wrong[-1]:.1%}.",
        f"The networks' errors have variance {v:.4f} and covariance {c:.4f} (correlation "
        f"{c / v:.2f}): no number of them brings the mean's squared error below {c:.4f}.",
    ]
    figure, axes = panels(1, 3, height=3.3)
    _simulated(axes[0], simulated, ks)
    _measured(axes[1], ks, squares, by_formula, c)
    _wrong(axes[2], ks, wrong)
    return Found({"bagging": figure}, tables, notes)


def simulate(correlation: float, models: int, draws: int, rng: np.random.Generator) -> Array:
    """Mean squared error of the mean of the first k of `models` errors of variance 1, (models,)."""
    common = rng.standard_normal((draws, 1))
    own = rng.standard_normal((draws, models))
    errors = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    means = np.cumsum(errors, axis=1) / np.arange(1, models + 1)
    squares: Array = (means**2).mean(axis=0)
    return squares


def formula(variance: float, covariance: float, k: Array | int) -> Array:
    """Expected squared error of the mean of k models: v / k + (k - 1) c / k."""
    return np.asarray(variance / k + (k - 1) * covariance / k)


def trained(
    X: Array, y: Labels, units: int, epochs: int, seed: int, rng: np.random.Generator
) -> LayeredNetwork:
    """A network on a bootstrap sample: as many rows, drawn with replacement. An example of the
    last class is always among them, so that every network has all classes."""
    rows = rng.integers(0, len(X), len(X))
    rows[0] = int(np.flatnonzero(y == y.max())[0])
    network = LayeredNetwork((units,), epochs=epochs, batch_size=32, seed=seed)
    return network.fit(X[rows], y[rows])


def moments(errors: Array) -> tuple[float, float]:
    """Mean square of a model's errors (models, ...), and mean product of two models' errors."""
    k = len(errors)
    flat = errors.reshape(k, -1)
    products = flat @ flat.T / flat.shape[1]  # (k, k)
    v = float(np.trace(products) / k)
    return v, float((products.sum() - np.trace(products)) / (k * (k - 1)))


def ensembles(
    chances: Array, errors: Array, y: Labels, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Mean squared error and share of wrong answers of the mean of k models, for every k; a mean
    over many orders of the models."""
    k = np.arange(1, len(chances) + 1)[:, None, None]
    squares, wrong = np.zeros(len(k)), np.zeros(len(k))
    products = errors.reshape(len(k), -1) @ errors.reshape(len(k), -1).T / errors[0].size
    for time in range(TIMES):
        order = rng.permutation(len(k))
        mine = products[np.ix_(order, order)]
        squares += [mine[:i, :i].sum() / i**2 for i in range(1, len(k) + 1)]
        if time < TIMES // 10:  # the dearer one
            answers = (np.cumsum(chances[order], axis=0) / k).argmax(axis=2)
            wrong += (answers != y).mean(axis=1)
    return squares / TIMES, wrong / (TIMES // 10)


def _simulated(ax: Axes, simulated: dict[float, Array], ks: Array) -> None:
    for at, (share, found) in enumerate(simulated.items()):
        ax.plot(ks, formula(1.0, share, ks), color=COLORS[at], linewidth=1.4, label=f"c = {share}")
        ax.plot(ks, found, "os^D"[at], color=COLORS[at], markersize=3)
    ax.set_ylim(0, 1.5)
    ax.grid(axis="y")
    ax.set_title("v/k + (k-1)c/k")
    ax.set_xlabel("models k   (marks: simulated)")
    ax.set_ylabel("squared error of the mean, v = 1")
    ax.legend(loc="upper center", fontsize=8, ncols=2)


def _measured(ax: Axes, ks: Array, squares: Array, by_formula: Array, c: float) -> None:
    ax.plot(ks, by_formula, color=INK, linewidth=1.2, label="by formula")
    ax.plot(ks, squares, "o", color=BLUE, markersize=4, label="measured")
    ax.axhline(c, color=MUTED, linestyle="--", linewidth=1, label="covariance c")
    ax.set_ylim(0, 1.2 * squares.max())
    ax.grid(axis="y")
    ax.set_title("Networks on digits")
    ax.set_xlabel("models k")
    ax.set_ylabel("squared error of the mean")
    ax.legend(loc="lower right", fontsize=8)


def _wrong(ax: Axes, ks: Array, wrong: Array) -> None:
    ax.plot(ks, 100 * wrong, "o-", color=ORANGE, markersize=4)
    ax.set_ylim(0, 120 * wrong.max())
    ax.grid(axis="y")
    ax.set_title("Wrong answers")
    ax.set_xlabel("models k")
    ax.set_ylabel("percent of new digits")


TOPIC = Topic(
    "Bagging: many models on bootstrap samples",
    "The mean of k models errs less than one, quickly at first and then no more: its squared error "
    "is v/k + (k-1)c/k. What the models' errors have in common, the covariance c, no averaging "
    "takes away, so an ensemble pays by how differently its members err.",
    "Theory book, bagging",
    run,
)
