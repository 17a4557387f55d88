"""All figures: matplotlib without pyplot, as SVG text whose words stay words.

Figures are made for white paper. `for_page` makes one part of an HTML page whose style sheet
decides the colors and the font, so that it follows light and dark.
Blue, vermilion and bluish green are told apart by the color-blind (Okabe and Ito, 2008).
"""

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

INK, MUTED, GRID, PAPER = "#1d2026", "#666d78", "#e2e3e7", "#ffffff"
BLUE, ORANGE, GREEN = "#0b6bb3", "#cf5a06", "#0f8a6b"
ON_COLOR = "#fcfcfc"  # words on a filled cell; white in light and dark alike
VARIABLES = {  # what `for_page` puts for each color
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--card)",
    BLUE: "var(--blue)",
    ORANGE: "var(--orange)",
    GREEN: "var(--green)",
}
SPLIT_COLORS = {"train": BLUE, "val": ORANGE, "test": GREEN}
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
NAMES = {
    "f1": "F1",
    "mae": "Mean absolute error",
    "error": "Error in pixels",
}  # other figures are called by their own name
LABELED = 20  # classes up to which a confusion matrix carries counts, and every class a label
TICKS = 24  # labels along an axis of more classes than that
POINTS = 1500  # of a scatter, from which they are stored as pixels: an SVG of 10,000 is 1 MB
STYLE: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.axisbelow": True,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.framealpha": 1.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "sightline",  # equal figures are equal files
    "text.parse_math": False,  # a class may be called $x$
    "text.color": INK,
    **dict.fromkeys(["axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"], MUTED),
    **dict.fromkeys(["axes.edgecolor", "grid.color", "xtick.color", "ytick.color"], GRID),
    **dict.fromkeys(["figure.facecolor", "axes.facecolor", "legend.edgecolor"], PAPER),
    **dict.fromkeys(["xtick.major.size", "ytick.major.size", "ytick.minor.size"], 0),
    **dict.fromkeys(["axes.spines.top", "axes.spines.right", "legend.frameon"], False),
}


@contextmanager
def styled() -> Iterator[None]:
    """The settings of every figure, and matplotlib's own as they were afterwards."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # Words are written as words: whoever shows them has the letters that our font lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def as_svg(figure: Figure, cut: bool = True) -> str:
    """The figure as SVG text.

    cut  to what is drawn; False where a layout keeps all of it inside, which costs half the time
    """
    out = io.BytesIO()
    room: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.04} if cut else {}
    figure.savefig(out, format="svg", dpi=200, metadata={"Date": None}, **room)
    return out.getvalue().decode()


def shortened(name: str, limit: int = 18) -> str:
    """The name on one line, at most `limit` characters: the middle gives way to an ellipsis."""
    name = "".join(c if c.isprintable() else " " for c in name).strip() or "(blank)"
    if len(name) <= limit:
        return name
    head = (limit - 1) * 2 // 3
    return f"{name[:head]}…{name[len(name) - (limit - 1 - head) :]}"


def confusion(table: NDArray[np.int64], classes: Sequence[str]) -> str:
    """A (truth x guess) table of counts; colors are shares of a row, blue right, vermilion wrong.

    Counts stand in the cells for up to 20 classes; beyond, neither counts nor every name.
    """
    k = len(classes)
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    strength = share**0.6  # one mistake in fifty still shows, at a tenth of full color
    pixels = np.empty((k, k, 4))
    pixels[..., :3] = to_rgb(ORANGE)
    pixels[np.arange(k), np.arange(k), :3] = to_rgb(BLUE)
    pixels[..., 3] = strength
    cell = min(max(3.6 / k, 0.46 if k <= 12 else 0.37), 1.0)
    side = cell * k if k <= LABELED else 6.4
    with styled():
        figure = Figure(figsize=(side, side))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.imshow(pixels, interpolation="none", aspect="equal")
        for spine in ax.spines.values():
            spine.set_visible(True)
        _class_ticks(ax, classes, side / k)
        ax.set_xlabel("guess", labelpad=6)
        ax.set_ylabel("truth", labelpad=6)
        if k <= LABELED:
            edges = np.arange(1, k) - 0.5
            ax.vlines(edges, -0.5, k - 0.5, color=PAPER, linewidth=1.5)
            ax.hlines(edges, -0.5, k - 0.5, color=PAPER, linewidth=1.5)
            _cell_counts(ax, table, strength)
        return as_svg(figure)


def _class_ticks(ax: Axes, classes: Sequence[str], cell: float) -> None:
    """Names along both axes, below slanted where one is wider than its cell (inches)."""
    k = len(classes)
    at = range(0, k, 1 if k <= LABELED else math.ceil(k / TICKS))
    names = [shortened(classes[i], 16) for i in at]
    size = 9.5 if k <= 12 else 8.5
    ax.set_yticks(at, names, fontsize=size, color=INK)
    ax.set_xticks(at, names, fontsize=size, color=INK)
    if max(len(name) for name in names) * size * 0.62 / 72 > cell:
        for label in ax.get_xticklabels():
            label.set(rotation=45, ha="right", va="top", rotation_mode="anchor")


def _cell_counts(ax: Axes, table: NDArray[np.int64], strength: NDArray[np.float64]) -> None:
    k = len(table)
    size = 12 if k <= 5 else 9.5 if k <= 12 else 8
    for row, column in np.argwhere(table > 0):
        count = int(table[row, column])
        said = f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"
        color = ON_COLOR if strength[row, column] > 0.55 else INK
        points = size if count < 1000 else size - 1.5
        ax.text(column, row, said, color=color, ha="center", va="center", fontsize=points)


def counts(names: Sequence[str], per_split: Mapping[str, Sequence[int]]) -> str:
    """Images a class as stacked bars, a piece a split (train, val, test, as far as there are)."""
    k = len(names)
    rows = np.arange(k)
    dense = k > 2 * LABELED
    with styled():
        figure = Figure(figsize=(3.5, min(0.26 * k + 0.2, 7.0)))
        ax = figure.add_axes((0, 0, 1, 1))
        left = np.zeros(k)
        for part, numbers in per_split.items():
            width = np.asarray(numbers, np.float64)
            ax.barh(
                rows,
                width,
                height=1.0 if dense else 0.68,
                left=left,
                color=SPLIT_COLORS.get(part, MUTED),
                edgecolor=PAPER,
                linewidth=0 if dense else 0.8,
                label=SPLIT_NAMES.get(part, part),
            )
            left += width
        if not dense:
            for row, total in zip(rows, left, strict=True):
                at = (float(total) + float(left.max()) * 0.015, float(row))
                ax.text(*at, f"{total:,.0f}", va="center", fontsize=8.5, color=MUTED)
        step = math.ceil(k / TICKS) if dense else 1
        ax.set_yticks(rows[::step], [shortened(n) for n in names[::step]], color=INK)
        ax.set_ylim(k - 0.5, -0.5)
        ax.set_xlim(0, max(float(left.max()), 1.0) * (1.02 if dense else 1.14))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))
        ax.grid(axis="x")
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, labelcolor="linecolor",
            handlelength=0.8, handleheight=0.8, borderaxespad=0.3, borderpad=0.2,
        )  # fmt: skip
        return as_svg(figure)


def scatter(truth: NDArray[np.floating], guess: NDArray[np.floating], name: str) -> str:
    """Guesses against truths of one value, both (n,), with the line where they are equal."""
    finite = np.isfinite(truth) & np.isfinite(guess)
    truth, guess = truth[finite], guess[finite]
    both = np.concatenate([truth, guess]) if len(truth) else np.array([0.0, 1.0])
    low, high = float(both.min()), float(both.max())
    room = (high - low) * 0.05 or 0.5
    limits = (low - room, high + room)
    with styled():
        figure = Figure(figsize=(3.3, 3.3))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.plot(limits, limits, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
        alpha = 0.9 if len(truth) < 60 else 0.5 if len(truth) < POINTS else 0.25
        many = len(truth) >= POINTS
        ax.scatter(truth, guess, s=16, color=BLUE, alpha=alpha, linewidths=0, rasterized=many)
        ax.set(xlim=limits, ylim=limits, xlabel="truth", ylabel="guess")
        ax.set_title(shortened(name, 32))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(ticker.MaxNLocator(5))
        ax.grid()
        return as_svg(figure)


def for_page(svg: str, label: str, prefix: str) -> str:
    """The figure as an element of an HTML page, with the page's colors, font and width.

    label   what a screen reader says
    prefix  of every id, different for each figure of a page

    It takes its natural width where there is room, and never less than 70 % of it.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            key.rpartition("}")[2]: _adapted(key.rpartition("}")[2], value, prefix)
            for key, value in element.attrib.items()
        }
    width = float(root.attrib["viewBox"].split()[2]) * 4 / 3  # points to CSS pixels
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {
        "role": "img",
        "aria-label": label,
        "style": f"width:{width:.0f}px;max-width:100%;min-width:{0.7 * width:.0f}px",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _adapted(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return f"{prefix}-{value}"
    if key == "href" and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    if key == "style":
        for color, variable in VARIABLES.items():
            value = value.replace(color, variable)
    return value.replace("url(#", f"url(#{prefix}-")
