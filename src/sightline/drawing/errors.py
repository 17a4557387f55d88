"""Errors drawn: from part to part of a run, and against the number of training images."""

from collections.abc import Sequence

import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, as_svg, styled

Bar = tuple[str, float, float, float]  # name, value, and the ends of its interval


def steps(bars: Sequence[Bar], human: float | None, gaps: Sequence[tuple[str, float]]) -> str:
    """Errors as a bar a part, each on the height of the one before: the step from one to the next
    is colored where it is a named fault.

    bars   of the parts in order, after that of human error, which may be unknown
    gaps   (name of the fault or "", size) up to each bar
    """
    names = ["human", *(name for name, *_ in bars)]
    values = np.array([human or 0.0, *(value for _, value, _, _ in bars)])
    high = max(float(values.max()), *(end for *_, end in bars), 0.01)
    clear = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6}  # of what lies behind words
    with styled():
        figure = Figure(figsize=(0.5 + 0.74 * len(names), 3.5))
        ax = figure.add_axes((0, 0, 1, 1))
        at = np.arange(len(names))
        ax.bar(at[:1], values[:1], 0.62, color=MUTED, alpha=0.5)
        for x, (before, value, (fault, _)) in enumerate(
            zip(values[:-1], values[1:], gaps, strict=True), 1
        ):
            base = min(before, value)
            ax.bar([x], [base], 0.62, color=BLUE, alpha=0.35, linewidth=0)
            if value > before:
                color = ORANGE if fault else BLUE
                ax.bar([x], [value - before], 0.62, bottom=base, color=color, linewidth=0)
            ax.plot([x - 1 + 0.31, x + 0.31], [before, before], color=MUTED, linewidth=0.8,
                    linestyle=(0, (3, 3)), zorder=1)  # fmt: skip
        for x, (_, value, low, end) in enumerate(bars, 1):
            ax.plot([x, x], [low, end], color=INK, linewidth=1.4)
            ax.plot([x - 0.07, x + 0.07], [low, low], color=INK, linewidth=1.4)
            ax.plot([x - 0.07, x + 0.07], [end, end], color=INK, linewidth=1.4)
            ax.text(x, end + 0.02 * high, f"{100 * value:.2f} %", ha="center", va="bottom",
                    color=INK, fontsize=8.5, bbox=clear)  # fmt: skip
            fault = gaps[x - 1][0]
            if fault:
                ax.text(x, end + 0.095 * high, fault.replace(" ", "\n", 1), ha="center",
                        va="bottom", color=ORANGE, fontweight="bold", fontsize=8.5)  # fmt: skip
        label = "not known" if human is None else f"{100 * human:.2f} %"
        ax.text(0, values[0] + 0.02 * high, label, ha="center", va="bottom", color=MUTED,
                fontsize=9)  # fmt: skip
        ax.set_xticks(at, names, color=INK)
        ax.set_xlim(-0.5, len(names) - 0.5)
        ax.set_ylim(0, high * (1.3 if any(fault for fault, _ in gaps) else 1.12))
        ax.yaxis.set_major_locator(ticker.MaxNLocator(5))
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=None))
        ax.set_ylabel("error")
        ax.grid(axis="y")
        ax.spines["left"].set_visible(False)
        return as_svg(figure)


def against_images(
    images: Sequence[int],
    train: Sequence[Sequence[float]],
    val: Sequence[Sequence[float]],
    fitted: tuple[Sequence[float], Sequence[float]] | None,
    human: float | None,
) -> str:
    """A learning curve: error on train and val against the number of training images.

    train, val  (error, low, high) at each number
    fitted      numbers of images and the power law at them, drawn on as a dashed line
    """
    with styled():
        figure = Figure(figsize=(7.0, 3.8))
        ax = figure.add_axes((0, 0, 1, 1))
        x = np.asarray(images, np.float64)
        for name, rows, color in (("validation", val, ORANGE), ("training", train, BLUE)):
            table = np.array(rows)
            if table.size:
                ax.fill_between(x, table[:, 1], table[:, 2], color=color, alpha=0.18, linewidth=0)
                ax.plot(x, table[:, 0], "o-", color=color, markersize=5, label=name)
        if fitted is not None:
            ax.plot(*fitted, color=GREEN, linewidth=1.4, linestyle=(0, (4, 3)),
                    label="power law", zorder=3)  # fmt: skip
        if human is not None:
            ax.axhline(human, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label="human")
        ax.set_xscale("log")
        shown = [*images, *([images[-1] * 2] if fitted is not None else [])]
        ax.set_xticks(shown, [f"{n:,}" for n in shown])
        ax.xaxis.set_minor_locator(ticker.NullLocator())
        ax.yaxis.set_major_locator(ticker.MaxNLocator(5))
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=None))
        ax.set_ylim(bottom=0)
        ax.set_xlabel("training images (logarithmic)")
        ax.set_ylabel("error")
        ax.grid(axis="y")
        ax.legend(loc="upper right", labelcolor="linecolor", handlelength=1.4, frameon=True)
        return as_svg(figure)
