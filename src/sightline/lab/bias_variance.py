"""Bias and variance measured: many training sets, many fits, and where their error comes from."""

from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, INK, MUTED, ORANGE
from sightline.scratch import polynomial

DRAWN = (1, 3, 10)  # degrees whose fits are drawn
SHOWN = 40  # fits of a panel
AT = np.linspace(-0.95, 0.95, 96)  # new points: at the very ends the fits of high degree fly off


def truth(x: Array) -> Array:
    """One wave over -1 to 1."""
    return np.sin(np.pi * x)


def run(
    seed: Annotated[int, Says("of points and noise", 0)] = 0,
    count: Annotated[int, Says("points of a training set", 4, 1000)] = 15,
    noise: Annotated[float, Says("deviation of the noise on y", 0, 2)] = 0.4,
    sets: Annotated[int, Says("training sets", 10, 20_000)] = 1000,
    degrees: Annotated[int, Says("the highest degree", 1, 15)] = 10,
    decay: Annotated[float, Says("weight decay of every fit", 0, 1000)] = 0.0,
) -> Found:
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, count)
    targets = truth(x)[:, None] + rng.normal(0, noise, (count, sets))
    new = truth(AT)[:, None] + rng.normal(0, noise, (len(AT), sets))  # a fresh test set a fit
    answers = [
        polynomial.values(polynomial.fit(x, targets, degree, decay), AT)
        for degree in range(degrees + 1)
    ]
    rows = [(degree, *parts(found, new, noise)) for degree, found in enumerate(answers)]
    best = min(rows, key=lambda row: row[5])
    worst = max(abs(row[4] / row[5] - 1) for row in rows if row[5])
    notes = [
        f"Least test error {best[5]:.3g} at degree {best[0]}: bias² {best[1]:.3g}, variance "
        f"{best[2]:.3g}, noise {best[3]:.3g}.",
        f"The sum of the three and the measured error differ by {worst:.1%} at most: the test sets "
        f"are {sets} draws of {len(AT)} points.",
    ]
    heads = ("degree", "bias²", "variance", "noise", "sum of the three", "measured test error")
    drawn = [d for d in DRAWN if d <= degrees] or [degrees]
    pictures = {
        "spread": _spread(x, targets, answers, drawn),
        "parts": _parts(np.array(rows), decay),
    }
    return Found(pictures, [Table("decomposition", heads, rows)], notes)


def parts(found: Array, new: Array, noise: float) -> tuple[float, float, float, float, float]:
    """bias², variance, noise, their sum and the measured error, each a mean over the new points;
    answers and test values are (points, sets)."""
    mean = found.mean(axis=1)
    bias = float(((mean - truth(AT)) ** 2).mean())
    variance = float(found.var(axis=1).mean())
    measured = float(((found - new) ** 2).mean())
    return bias, variance, noise**2, bias + variance + noise**2, measured


def _spread(x: Array, targets: Array, answers: list[Array], drawn: list[int]) -> Figure:
    figure, axes = panels(1, len(drawn), height=3.0)
    for ax, degree in zip(axes, drawn, strict=True):
        found = answers[degree]
        ax.plot(AT, found[:, :SHOWN], color=BLUE, alpha=0.22, linewidth=0.8)
        ax.plot([], [], color=BLUE, linewidth=0.8, label="fits, one a set")
        ax.plot(x, targets[:, 0], "o", color=MUTED, markersize=3, label="points of one set")
        ax.plot(AT, found.mean(axis=1), color=ORANGE, linewidth=2.2, label="mean of all fits")
        ax.plot(AT, truth(AT), "--", color=INK, linewidth=1.3, label="truth")
        ax.set_ylim(-2.2, 2.2)
        ax.set_title(f"degree {degree}")
        ax.set_xlabel("x")
    axes[0].set_ylabel("y")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _parts(rows: Array, decay: float) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.6)
    base = np.zeros(len(rows))
    names = (("noise", 3, "#c9ccd2"), ("bias²", 1, COLORS[1]), ("variance", 2, COLORS[0]))
    for name, column, color in names:
        ax.bar(rows[:, 0], rows[:, column], bottom=base, color=color, label=name, width=0.7)
        base += rows[:, column]
    ax.plot(rows[:, 0], rows[:, 5], "D", color=INK, markersize=5, label="measured test error")
    ax.set_xticks(rows[:, 0].astype(int))
    ax.grid(axis="y")
    ax.set_title(
        "Where the test error comes from" + (f" (weight decay {decay:g})" if decay else "")
    )
    ax.set_xlabel("degree of the polynomial")
    ax.set_ylabel("squared error")
    ax.legend()
    return figure


TOPIC = Topic(
    "Bias and variance, measured",
    "Stiff fits agree with one another and are wrong together (bias), free fits are right on the "
    "average and each wrong in its own way (variance). The error on new points is bias² + variance "
    "+ noise, so the best degree is where lowering the one begins to cost more of the other.",
    "Theory book, estimators; course notes, 3.2",
    run,
)
