"""Learning rates drawn: schedules over the epochs, and the sweep of a range test."""

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.plots import BLUE, GREEN, MUTED, ORANGE, PAPER, as_svg, shortened, styled

LINES = (BLUE, ORANGE, GREEN, "#8a5fbf", "#a8740a", "#0f8aa0", "#c2478f", MUTED)
DECADES = 2.0  # from which a rate is drawn on a logarithmic scale
DEEPEST = 6.0  # decades that are drawn
Series = tuple[NDArray[np.float64], NDArray[np.float64]]  # x and y, both (n,)


def schedules(curves: Mapping[str, Series], suffix: str) -> bytes:
    """Rates against epochs, a line a name; the content of a .svg or .png."""
    with styled():
        figure = Figure(figsize=(7.4, 3.6), layout="constrained")
        ax = figure.subplots()
        for number, (name, (epochs, rates)) in enumerate(curves.items()):
            color = LINES[number % len(LINES)]
            ax.plot(epochs, rates, color=color, label=shortened(name, 40))
        high = max(float(rates.max()) for _, rates in curves.values())
        low = min(float(rates.min()) for _, rates in curves.values())
        most = min(float(np.quantile(rates, 0.1)) for _, rates in curves.values())
        logarithmic = most * 10**DECADES < high  # not where only the last steps go towards zero
        if logarithmic:
            ax.set_yscale("log")
            ax.yaxis.set_minor_formatter(ticker.NullFormatter())
            ax.set_ylim(max(low / 1.5, high * 10**-DEEPEST), high * 1.5)
        else:
            ax.set_ylim(0, high * 1.06)
        ax.yaxis.set_major_formatter(_plain())
        ax.set_title("Learning rate" + (" (logarithmic scale)" if logarithmic else ""))
        last = max(math.ceil(epochs[-1]) for epochs, _ in curves.values())
        ax.set_xlim(0, last)
        ax.xaxis.set_major_locator(ticker.MaxNLocator(10, integer=last >= 2))
        _frame(ax, "epochs done")
        ax.legend(loc="best", labelcolor="linecolor", handlelength=1.4, frameon=True)
        return _content(figure, suffix)


def range_test(
    sweep: Series,
    losses: NDArray[np.float64],
    marks: Sequence[tuple[float, str]],
    title: str,
    suffix: str,
) -> bytes:
    """The smoothed loss (and each step's, pale) against the rate; the content of a .svg or .png.

    marks  rates to point at, each with its words; the first is the suggestion
    """
    rates, smoothed = sweep
    with styled():
        figure = Figure(figsize=(7.4, 3.6), layout="constrained")
        ax = figure.subplots()
        ax.set_xscale("log")
        shown = np.where(np.isfinite(losses), losses, np.nan)
        ax.plot(rates, shown, color=BLUE, alpha=0.3, linewidth=1)
        ax.plot(rates, smoothed, color=BLUE)
        low = float(min(np.nanmin(shown), smoothed.min()))
        high = float(smoothed.max())
        room = max((high - low) * 0.25, abs(high) * 0.01)
        ax.set_ylim(low - room / 2, high + 2 * room)  # what blew up leaves the picture
        ax.set_xlim(float(rates[0]), float(rates[-1]))
        for number, (rate, words) in enumerate(marks):
            color = (ORANGE, GREEN, MUTED)[min(number, 2)]
            at = float(np.interp(math.log(rate), np.log(rates), smoothed))
            dashes = (0, (3, 3))
            ax.axvline(rate, color=color, linewidth=1.1, linestyle=dashes, zorder=1)
            ax.plot([rate], [at], "o", color=color, markersize=7, markeredgecolor=PAPER, zorder=4)
            ax.text(
                0.02,
                0.05 + 0.085 * (len(marks) - 1 - number),
                words,
                transform=ax.transAxes,
                color=color,
                fontweight="bold" if number == 0 else "normal",
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
            )
        ax.set_title(shortened(title, 80))
        ax.set_ylabel("loss")
        ax.xaxis.set_major_locator(ticker.LogLocator(numticks=12))
        ax.xaxis.set_major_formatter(_plain())
        ax.xaxis.set_minor_formatter(ticker.NullFormatter())
        _frame(ax, "learning rate")
        return _content(figure, suffix)


def _plain() -> ticker.FuncFormatter:
    return ticker.FuncFormatter(lambda value, _: f"{value:g}".replace("e-0", "e-"))


def _frame(ax: Axes, words: str) -> None:
    ax.grid(axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(words)
    ax.tick_params(which="both", length=0)


def _content(figure: Figure, suffix: str) -> bytes:
    if suffix == ".svg":
        return as_svg(figure, cut=False).encode()
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=160)
    return out.getvalue()
