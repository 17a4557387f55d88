"""Accuracy against how much pictures are spoiled, or changed against a model."""

import math
from collections.abc import Mapping, Sequence

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.drawing.lines import LINES
from sightline.plots import MUTED, PAPER, as_svg, styled

MARKERS = ("o", "s", "^", "D", "v", "P")


def corruptions(lines: Mapping[str, Sequence[float]], clean: float, chance: float) -> str:
    """Accuracies at strengths 1, 2, … of each corruption, from `clean` at 0; SVG text.

    chance  the accuracy of guessing, marked where it is finite
    """
    with styled():
        figure, ax = _axes("Accuracy on spoiled pictures", "strength")
        for number, (name, values) in enumerate(lines.items()):
            _line(ax, list(range(len(values) + 1)), [clean, *values], name, number)
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        return _finished(figure, ax, chance)


def attack(eps: Sequence[float], values: Sequence[float], clean: float, name: str) -> str:
    """Accuracies at each `eps`, in grey levels of 255, from `clean` at 0; SVG text."""
    with styled():
        figure, ax = _axes("Accuracy on pictures changed against the model", "grey levels of 255")
        _line(ax, [0, *eps], [clean, *values], name, 1)
        return _finished(figure, ax, math.nan)


def _axes(title: str, along: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    ax = figure.subplots()
    ax.set_title(title)
    ax.set_xlabel(along)
    ax.grid(axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=0))
    return figure, ax


def _line(ax: Axes, x: Sequence[float], y: Sequence[float], name: str, number: int) -> None:
    color, marker = LINES[number % len(LINES)], MARKERS[number % len(MARKERS)]
    ax.plot(x, y, color=color, marker=marker, markersize=5.5, markeredgecolor=PAPER, label=name)


def _finished(figure: Figure, ax: Axes, chance: float) -> str:
    if math.isfinite(chance):
        ax.axhline(chance, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        # At the left, where every line is at its highest.
        ax.annotate("guessing", (0, chance), (4, 3), xycoords=("axes fraction", "data"),
                    textcoords="offset points", fontsize=8.5, color=MUTED)  # fmt: skip
    ax.set_xlim(left=0)
    # Beside the lines: they may go anywhere, and guessing lies where a corner would be free.
    figure.legend(loc="outside right center", labelcolor="linecolor", handlelength=1.6)
    return as_svg(figure, cut=False)
