"""Small tables of numbers as pictures: an image's pixels, a kernel, what comes of them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from sightline.lab.pictures import Array
from sightline.plots import BLUE, GRID, INK, MUTED, ORANGE, PAPER

Window = tuple[int, int, int, int]  # top, left, height, width, in cells


def grays(values: Array, top: float = 255) -> Array:
    """(h, w) values of 0 to `top` to (h, w, 3) gray cells, from ink to paper."""
    share = np.clip(values / top, 0, 1)[..., None]
    return np.array(to_rgb(INK)) * (1 - share) + np.array(to_rgb(PAPER)) * share


def signs(values: Array, most: float | None = None) -> Array:
    """(h, w) values to (h, w, 3) cells: paper at 0, blue below, vermilion above, nan is paper.

    most  the size of a value that has the full color; that of the largest where not said
    """
    known = np.nan_to_num(values)
    share = np.clip(np.abs(known) / (most or max(np.abs(known).max(), 1e-12)), 0, 1)[..., None]
    full = np.where(known[..., None] < 0, to_rgb(BLUE), to_rgb(ORANGE))
    return 1 - 0.55 * share * (1 - full)


def cells(
    ax: Axes, values: Array, title: str, colors: Array | None = None, size: float = 9.5,
    windows: Sequence[tuple[Window, str]] = (), decimals: int = 0,
) -> None:  # fmt: skip
    """Draw (h, w) numbers into cells of (h, w, 3) colors; nan is left empty.

    windows  outlined, each in its color; `size` of the numbers in points
    """
    height, width = values.shape
    faces = np.ones((height, width, 3)) if colors is None else colors
    ax.imshow(faces, interpolation="nearest", zorder=0)
    for (i, j), value in np.ndenumerate(values):
        if not np.isnan(value):
            dark = faces[i, j] @ [0.299, 0.587, 0.114] < 0.45
            ax.text(
                j, i, said(value, decimals), ha="center", va="center", fontsize=size,
                color=PAPER if dark else INK, zorder=3,
            )  # fmt: skip
    rows, columns = np.arange(height + 1) - 0.5, np.arange(width + 1) - 0.5
    ax.hlines(rows, -0.5, width - 0.5, color=GRID, linewidth=0.9, zorder=1)
    ax.vlines(columns, -0.5, height - 0.5, color=GRID, linewidth=0.9, zorder=1)
    for (top, left, high, wide), color in windows:
        place = (left - 0.5, top - 0.5)
        frame = Rectangle(place, wide, high, fill=False, edgecolor=color, linewidth=2.6, zorder=4)
        ax.add_patch(frame)
    ax.set_xlim(-0.6, width - 0.4)
    ax.set_ylim(height - 0.4, -0.6)
    ax.set_title(title)
    ax.axis("off")


def counted(ax: Axes, height: int, width: int) -> None:
    """Number the rows and columns of drawn cells from 0."""
    for j in range(width):
        ax.text(j, -0.85, str(j), ha="center", va="center", fontsize=8, color=MUTED)
    for i in range(height):
        ax.text(-0.85, i, str(i), ha="center", va="center", fontsize=8, color=MUTED)
    ax.set_xlim(-1.2, width - 0.4)
    ax.set_ylim(height - 0.4, -1.2)


def said(value: float, decimals: int = 0) -> str:
    """A number of a cell: whole numbers as such, others with `decimals`; a true minus sign."""
    text = f"{value + 0.0:.0f}" if value == round(value) else f"{value:.{decimals}f}"  # no -0
    return text.replace("-", "−")
