"""Pictures to judge a model by: reliability, and the curves of two classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.plots import BLUE, GREEN, GRID, INK, MUTED, ORANGE, PAPER, as_svg, shortened, styled

LINES = (BLUE, ORANGE, GREEN, INK, MUTED, "#8a5fbf", "#a8740a", "#c2478f")
DASHED = (0, (3, 3))
Line = tuple[NDArray[np.float64], NDArray[np.float64]]  # x and y, both (n,)
Bins = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]  # count, x and y
Mark = tuple[float, float, str]  # x, y, and what stands there


def reliability(now: Bins, before: Bins | None = None) -> str:
    """Accuracy against confidence, a bar a bin, over how many answers each holds; with `before`,
    the same before calibration as rings. The dashed line is where the two are equal."""
    count, _, accuracy = now
    width = 1 / len(count)
    middles = (np.arange(len(count)) + 0.5) * width
    with styled():
        figure = Figure(figsize=(3.5, 4.4))
        above = figure.add_axes((0, 0.27, 1, 0.73))
        held = count > 0
        above.bar(
            middles[held], accuracy[held], width, color=BLUE, edgecolor=PAPER, linewidth=0.8,
            label="after" if before else "accuracy of the bin",
        )  # fmt: skip
        above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DASHED, zorder=3)
        if before is not None:
            there = before[0] > 0
            x, y = before[1][there], before[2][there]
            above.plot(
                x, y, "o-", color=ORANGE, markersize=5, markerfacecolor=PAPER, linewidth=1.2,
                zorder=4, label="before",
            )  # fmt: skip
            above.legend(loc="upper left", labelcolor=INK, handlelength=1.2)
        _unit(above)
        above.set_ylabel("right")
        above.tick_params(labelbottom=False)
        below = figure.add_axes((0, 0, 1, 0.2), sharex=above)
        share = count / max(1, count.sum())
        below.bar(middles, share, width, color=MUTED, edgecolor=PAPER, linewidth=0.8)
        below.yaxis.set_major_locator(ticker.MaxNLocator(2))
        below.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=None))
        below.set_xlabel("confidence")
        below.set_ylabel("answers")
        below.grid(axis="y")
        return as_svg(figure)


def roc(lines: Mapping[str, Line], marks: Sequence[Mark] = ()) -> str:
    """True against false positive rates, a line a name; the dashed one is guessing."""
    return _curves(lines, marks, "false positive rate", "true positive rate (recall)", True)


def precision_recall(lines: Mapping[str, Line], marks: Sequence[Mark] = ()) -> str:
    """Precision (y) against recall (x), a line a name."""
    return _curves(lines, marks, "recall", "precision", False)


def errors(shares: NDArray[np.float64], near: float) -> str:
    """The share of images (y) whose error is at most so much (x); the dashed line is at `near`.

    shares  (n,) the error of each image
    """
    ordered = np.sort(shares)
    far = max(1.5 * near, float(np.quantile(ordered, 0.98)))
    with styled():
        figure = Figure(figsize=(3.5, 3.5))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.axvline(near, color=MUTED, linewidth=1, linestyle=DASHED)
        x = np.concatenate([[0.0], ordered, [max(far, ordered[-1])]])
        y = np.concatenate([[0.0], np.arange(1, len(ordered) + 1) / len(ordered), [1.0]])
        ax.step(x, y, where="post", color=BLUE)
        ax.set(xlim=(0, far), ylim=(-0.01, 1.03))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(5))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=None))
        ax.grid(color=GRID)
        ax.set_xlabel("normalized error of an image")
        ax.set_ylabel("images with no more")
        return as_svg(figure)


def _curves(
    lines: Mapping[str, Line], marks: Sequence[Mark], across: str, up: str, guessing: bool
) -> str:
    with styled():
        figure = Figure(figsize=(3.5, 3.5))
        ax = figure.add_axes((0, 0, 1, 1))
        if guessing:
            ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DASHED)
        for number, (name, (x, y)) in enumerate(lines.items()):
            color = LINES[number % len(LINES)]
            ax.plot(x, y, color=color, label=shortened(name, 30))
        for number, (across_at, up_at, words) in enumerate(marks):
            color = (ORANGE, GREEN)[number % 2]
            ax.plot(
                [across_at],
                [up_at],
                "o",
                color=color,
                markersize=7,
                markeredgecolor=PAPER,
                zorder=4,
            )
            ax.text(
                0.97 if guessing else 0.03, 0.05 + 0.07 * (len(marks) - 1 - number), words,
                transform=ax.transAxes, ha="right" if guessing else "left", color=color,
                fontweight="bold",
            )  # fmt: skip
        if len(lines) > 1:
            ax.legend(loc="lower right" if guessing else "lower left", labelcolor="linecolor")
        _unit(ax)
        ax.set_xlabel(across)
        ax.set_ylabel(up)
        return as_svg(figure)


def _unit(ax: Axes) -> None:
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.03))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(ticker.FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.grid(color=GRID)


def overlaid(lines: Mapping[str, Line], across: str, up: str) -> str:
    """A share (y) against epochs (x), a line a name."""
    with styled():
        figure = Figure(figsize=(7.4, 3.2))
        ax = figure.add_axes((0, 0, 1, 1))
        for number, (name, (x, y)) in enumerate(lines.items()):
            marker = "o" if len(x) <= 12 else ""
            color = LINES[number % len(LINES)]
            ax.plot(x, y, color=color, marker=marker, markersize=4, label=shortened(name, 40))
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=None))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True, min_n_ticks=1))
        if max(len(x) for x, _ in lines.values()) == 1:
            ax.set(xlim=(0.5, 1.5), ylim=(0, 1))
        ax.grid(axis="y")
        ax.set_xlabel(across)
        ax.set_ylabel(up)
        ax.legend(loc="lower right", labelcolor="linecolor", handlelength=1.4, frameon=True)
        return as_svg(figure)
