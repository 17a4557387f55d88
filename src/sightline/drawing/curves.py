"""The curves of training: loss, the figure to be bettered, and the rate, against the epoch."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.plots import (
    GREEN,
    MUTED,
    NAMES,
    ORANGE,
    PAPER,
    SPLIT_COLORS,
    SPLIT_NAMES,
    as_svg,
    styled,
)
from sightline.wording import SHARES

History = Sequence[Mapping[str, Any]]
SHADES = (GREEN, MUTED, ORANGE, "#000000")  # of the rates of several parts
WIDE, NARROW = 10.6, 3.7  # inches
LARGEST = 1e30  # matplotlib's axes overflow long before floats do
LOGARITHMIC = 1.5  # powers of ten from which an axis is logarithmic


@dataclass(frozen=True)
class Marks:
    """What is drawn beside the curves.

    best_epoch  is marked; None where nothing was chosen
    goal        a figure of validation; shares (`wording.SHARES`) are drawn in percent
    rate        a panel of the rate, where it changes
    resumes     epochs after which the run was taken up again, marked on the axis
    """

    best_epoch: int | None = None
    goal: str = "accuracy"
    rate: bool = False
    resumes: tuple[int, ...] = ()


def svg(history: History, marks: Marks, stacked: bool = False) -> str:
    """The curves as SVG text.

    history  a mapping an epoch: {"epoch", "train": {name: value}, "val": {name: value}, "rate":
             {part: value}}; all but the first may be missing, values may be nan
    stacked  one panel above the other, for narrow pages
    """
    with styled():
        return as_svg(_figure(history, marks, stacked), cut=False)


def png(history: History, marks: Marks, title: str) -> bytes:
    """The same as a picture with a title, as the Starter book's TrainingMonitor (17) draws it."""
    with styled():
        figure = _figure(history, marks, stacked=False)
        figure.set_size_inches(WIDE, 3.6)
        figure.subplots_adjust(top=0.8)
        figure.suptitle(title, x=0.012, ha="left", fontweight="bold", fontsize=12)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110)
        return out.getvalue()


def _figure(history: History, marks: Marks, stacked: bool) -> Figure:
    figured = any(has(history, part, marks.goal) for part in ("train", "val"))
    rated = marks.rate and _moves(history)
    panels = 1 + figured + rated
    width, height = (NARROW, 2.75 * panels) if stacked else (WIDE, 3.2)
    figure = Figure(figsize=(width, height))
    shape = (panels, 1) if stacked else (1, panels)
    axes: list[Axes] = list(figure.subplots(*shape, squeeze=False).flat)
    columns, rows = shape[1], shape[0]
    _place(figure, width / columns, height / rows, columns, rows)
    _loss_panel(axes[0], history)
    if figured:
        _goal_panel(axes[1], history, marks)
    if rated:
        _rate_panel(axes[-1], history)
    last = max((int(epoch["epoch"]) for epoch in history), default=1)
    for ax in axes:
        ax.grid(axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("epoch")
        ax.set_xlim((0.5, 1.5) if last == 1 else (1 - last * 0.01, last * 1.015))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(6, integer=True, min_n_ticks=1))
        for epoch in marks.resumes:
            if 0 < epoch < last:
                ax.axvline(epoch + 0.5, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
        if marks.best_epoch is not None:
            ax.axvline(
                marks.best_epoch, color=MUTED, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1
            )
    return figure


def _place(figure: Figure, width: float, height: float, columns: int, rows: int) -> None:
    """Room around the panels, of width x height inches with it: a layout that looks for itself
    draws everything twice."""
    left, right, top, bottom = 0.62, 0.12, 0.36, 0.5
    figure.subplots_adjust(
        left=left / (width * columns),
        right=1 - right / (width * columns),
        top=1 - top / (height * rows),
        bottom=bottom / (height * rows),
        wspace=(left + right) / (width - left - right),
        hspace=(top + bottom) / (height - top - bottom),
    )


def series(
    history: History, part: str, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Epochs and values, both (n,); nan where there is none that can be drawn."""
    x = np.array([float(epoch["epoch"]) for epoch in history])
    y = np.array([float((epoch.get(part) or {}).get(name, math.nan)) for epoch in history])
    drawable = np.abs(y) < LARGEST  # not nan either
    return x, np.where(drawable, y, np.nan)


def has(history: History, part: str, name: str) -> bool:
    """Whether there is any finite value of it."""
    return bool(np.isfinite(series(history, part, name)[1]).any())


def _moves(history: History) -> bool:
    """Whether any part's rate is not the same throughout."""
    return any(len(set(values[np.isfinite(values)])) > 1 for _, values in _rates(history))


def _rates(history: History) -> list[tuple[str, NDArray[np.float64]]]:
    names = dict.fromkeys(name for epoch in history for name in epoch.get("rate") or {})
    return [(name, series(history, "rate", name)[1]) for name in names]


def _marker(history: History) -> str:
    return "o" if len(history) <= 12 else ""  # a line of few points, or of one, shows them


def _line(ax: Axes, history: History, part: str, name: str) -> None:
    x, y = series(history, part, name)
    color, label = SPLIT_COLORS[part], SPLIT_NAMES[part]
    ax.plot(x, y, color=color, label=label, marker=_marker(history), markersize=4)


def _logarithmic(ax: Axes, decades: float) -> None:
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if decades < 3 else (1,)))
    ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def _decades(values: NDArray[np.float64]) -> float:
    """Powers of ten between the least and the greatest; 0 where not all are positive."""
    values = values[np.isfinite(values)]
    if not len(values) or values.min() <= 0:
        return 0.0
    return float(np.log10(values.max()) - np.log10(values.min()))


def _loss_panel(ax: Axes, history: History) -> None:
    parts = [part for part in ("train", "val") if has(history, part, "loss")]
    values = np.concatenate([np.empty(0), *(series(history, p, "loss")[1] for p in parts)])
    decades = _decades(values)
    logarithmic = decades > LOGARITHMIC
    if logarithmic:
        _logarithmic(ax, decades)
    ax.set_title("Loss (logarithmic scale)" if logarithmic else "Loss")
    for part in parts:
        _line(ax, history, part, "loss")
    if parts:
        ax.legend(loc="upper right", labelcolor="linecolor", handlelength=1.4, frameon=True)


def _goal_panel(ax: Axes, history: History, marks: Marks) -> None:
    goal = marks.goal
    name = NAMES.get(goal, goal.capitalize())
    parts = [part for part in ("train", "val") if has(history, part, goal)]
    ax.set_title(f"{name} on validation" if parts == ["val"] else name)
    for part in parts:
        _line(ax, history, part, goal)
    share = goal in SHARES
    if share:
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, decimals=None))
    x, y = series(history, "val", goal)
    if share and len(history) == 1:
        ax.set_ylim(0, 1)  # around a single point the axis would show hundredths of a percent
    at = x == marks.best_epoch
    if marks.best_epoch is None or not np.isfinite(y[at]).any():
        return
    best = float(y[at][-1])
    ax.plot([marks.best_epoch], [best], "o", color=ORANGE, ms=7, mec=PAPER, zorder=4)
    late = y[-max(1, len(y) // 3) :]  # the words stand in the corner that they leave free
    low, high = ax.get_ylim()
    below = not float(np.nanmean(late) if np.isfinite(late).any() else best) < (low + high) / 2
    ax.text(
        0.98,
        0.05 if below else 0.95,
        f"epoch {marks.best_epoch}: " + (f"{best:.1%}" if share else f"{best:.4g}"),
        transform=ax.transAxes,
        ha="right",
        va="bottom" if below else "top",
        fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 3},
    )


def _rate_panel(ax: Axes, history: History) -> None:
    rates = _rates(history)
    decades = _decades(np.concatenate([values for _, values in rates]))
    logarithmic = decades > LOGARITHMIC
    if logarithmic:
        _logarithmic(ax, decades)
    else:
        ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_title("Rate (logarithmic scale)" if logarithmic else "Rate")
    x = series(history, "rate", "")[0]
    for (name, values), color in zip(rates, SHADES, strict=False):
        ax.plot(x, values, color=color, label=name, marker=_marker(history), markersize=4)
    if not logarithmic:
        ax.set_ylim(bottom=0)  # once the lines are there; before them it would end at 1
    if len(rates) > 1:
        ax.legend(loc="upper right", labelcolor="linecolor", handlelength=1.4, frameon=True)
