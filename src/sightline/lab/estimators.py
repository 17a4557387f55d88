"""Estimators: sample mean and the two sample variances, by simulation against their formulas."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure

from sightline.lab.pictures import COLORS, Array, logarithmic, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import INK

SIZES = (2, 3, 5, 10, 20, 50, 100, 200, 500)
NAMES = ("mean", "variance over n", "variance over n - 1")


@dataclass(frozen=True)
class Nature:
    """A distribution: its mean, variance, and fourth central moment."""

    mean: float
    variance: float
    fourth: float


NATURES = {
    "normal": Nature(0, 1, 3),
    "uniform": Nature(0.5, 1 / 12, 1 / 80),
    "exponential": Nature(1, 1, 9),
}


def run(
    seed: Annotated[int, Says("of the draws", 0)] = 0,
    draws: Annotated[int, Says("samples of each size", 10, 100_000)] = 10_000,
    nature: Annotated[
        Literal["normal", "uniform", "exponential"], Says("what is drawn from")
    ] = "normal",
    size: Annotated[int, Says("size of the samples whose spread is drawn", 2, 500)] = 5,
) -> Found:
    rng = np.random.default_rng(seed)
    known = NATURES[nature]
    found = {n: estimates(sample(nature, draws, n, rng)) for n in SIZES}
    rows = []
    for n, three in found.items():
        for name, measured, (bias, variance) in zip(NAMES, three, formulas(known, n), strict=True):
            truth = known.mean if name == "mean" else known.variance
            off = float(measured.mean() - truth)
            error = float(((measured - truth) ** 2).mean())
            rows.append(
                (n, name, off, bias, float(measured.std()), float(np.sqrt(variance)), error)
            )
    heads = (
        "n", "estimator", "bias", "bias by formula", "standard error", "by formula",
        "mean squared error",
    )  # fmt: skip
    spread = estimates(sample(nature, draws, size, rng))
    few = (spread[1].mean() - known.variance, spread[2].mean() - known.variance)
    notes = [
        f"Of samples of {size}, the variance over n is off by {few[0]:+.3g} on the average "
        f"(formula {-known.variance / size:+.3g}), over n - 1 by {few[1]:+.3g} (formula 0).",
        f"The mean's standard error falls from {rows[0][4]:.3g} of {SIZES[0]} to {rows[-3][4]:.3g} "
        f"of {SIZES[-1]}: with the root of n, so all three estimators are consistent.",
    ]
    pictures = {"spread": _spread(spread, known, size), "errors": _errors(rows)}
    return Found(pictures, [Table("estimators", heads, rows)], notes)


def sample(nature: str, draws: int, n: int, rng: np.random.Generator) -> Array:
    """(draws, n) numbers of that distribution."""
    if nature == "normal":
        return rng.standard_normal((draws, n))
    return rng.random((draws, n)) if nature == "uniform" else rng.standard_exponential((draws, n))


def estimates(samples: Array) -> tuple[Array, Array, Array]:
    """Mean, variance over n, and variance over n - 1 of each row."""
    return samples.mean(axis=1), samples.var(axis=1), samples.var(axis=1, ddof=1)


def formulas(known: Nature, n: int) -> list[tuple[float, float]]:
    """Bias and variance of the three estimators of a sample of n."""
    square = known.variance**2
    unbiased = (known.fourth - square * (n - 3) / (n - 1)) / n
    shrunk = unbiased * ((n - 1) / n) ** 2
    return [(0.0, known.variance / n), (-known.variance / n, shrunk), (0.0, unbiased)]


def _spread(found: tuple[Array, Array, Array], known: Nature, size: int) -> Figure:
    figure, axes = panels(1, 3, height=2.9)
    truths = (known.mean, known.variance, known.variance)
    top = float(np.quantile(found[2], 0.99))
    for at, (ax, values, truth, name) in enumerate(zip(axes, found, truths, NAMES, strict=True)):
        limits = (float(values.min()), float(values.max())) if at == 0 else (0.0, top)
        ax.hist(values, bins=40, range=limits, color=COLORS[at], alpha=0.55)
        ax.axvline(truth, ymax=0.74, color=INK, linewidth=1.4, label=f"truth {truth:.3g}")
        mean = round(float(values.mean()), 3) + 0.0
        on_average = f"on average {mean:.3g}"
        ax.axvline(mean, ymax=0.74, color=COLORS[at], linestyle="--", label=on_average)
        ax.set_yticks([])
        ax.set_title(name)
        ax.set_xlabel(f"estimate from {size} numbers")
        ax.set_ylim(0, 1.4 * ax.get_ylim()[1])
        ax.legend(loc="upper right", fontsize=8)
    axes[0].set_ylabel("how often")
    return figure


def _errors(rows: list[tuple[int, str, float, float, float, float, float]]) -> Figure:
    figure, axes = panels(1, 3, height=3.1)
    titles = ("bias", "standard error", "mean squared error")
    for ax, column, title in zip(axes, (2, 4, 6), titles, strict=True):
        for at, name in enumerate(NAMES):
            mine = [row for row in rows if row[1] == name]
            sizes = np.array([row[0] for row in mine])
            marker = "os^"[at]
            ax.plot(sizes, [r[column] for r in mine], marker, color=COLORS[at], markersize=4)
            formula = [r[3] ** 2 + r[5] ** 2 if column == 6 else r[column + 1] for r in mine]
            ax.plot(sizes, formula, color=COLORS[at], linewidth=1.2, label=name)
        logarithmic(ax)
        ax.set_xticks([2, 10, 100, 500], ["2", "10", "100", "500"])
        if column > 2:
            logarithmic(ax, "y")
        ax.grid(axis="y")
        ax.set_title(title)
        ax.set_xlabel("sample size n")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
        title="marks: measured; lines: by formula",
    )  # fmt: skip
    return figure


TOPIC = Topic(
    "Estimators: bias, standard error, consistency",
    "The variance over n is too small on the average, by 1/n of itself, and over n - 1 it is "
    "right; yet over n its squared error is the smaller one. Every standard error shrinks with the "
    "root of n, so with enough numbers all of them come to the truth, which is consistency.",
    "Theory book, estimators",
    run,
)
