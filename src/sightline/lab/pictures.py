"""What topics draw alike: panels, points, decision regions, images, and animations."""

import io
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from numpy.typing import NDArray
from PIL import Image as Pillow

from sightline.plots import BLUE, GREEN, INK, ORANGE, PAPER

COLORS = (BLUE, ORANGE, GREEN, "#8a5fbf", "#a8740a", "#0f8aa0", "#c2478f", "#666d78")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
Array = NDArray[np.float64]
COMMON = 48  # colors of an animation that are kept exactly
WIDTH = 7.4  # inches, of a figure as wide as a page


def panels(
    rows: int, columns: int, height: float = 2.9, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """A figure of equal panels, row by row; `height` of a row in inches, `width` of them all."""
    figure = Figure(figsize=(width, rows * height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def points(
    ax: Axes, X: Array, y: NDArray[np.int64], names: Sequence[str] = (), size: float = 34
) -> None:
    """Points (n, 2), a color and a mark a label, `size` in square points; with names, a legend."""
    for label in range(int(y.max()) + 1):
        kept = X[y == label]
        ax.scatter(
            kept[:, 0], kept[:, 1], s=size, marker=MARKERS[label % 8], color=COLORS[label % 8],
            edgecolor=PAPER, linewidth=0.8 if size > 20 else 0.4, zorder=3,
            label=names[label] if names else None,
        )  # fmt: skip
    if names:
        ax.legend(loc="best", frameon=True)


def grid(low: Sequence[float], high: Sequence[float], side: int = 160) -> tuple[Array, Array]:
    """Places of a plane from corner `low` to corner `high`: x and y, both (side, side)."""
    x, y = np.meshgrid(np.linspace(low[0], high[0], side), np.linspace(low[1], high[1], side))
    return x, y


def regions(
    ax: Axes, predict: Callable[[Array], NDArray[np.int64]], low: Sequence[float],
    high: Sequence[float], classes: int,
) -> None:  # fmt: skip
    """Color every place of a plane by the label that `predict` gives rows (n, 2)."""
    x, y = grid(low, high, 220)
    found = predict(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    ground(ax, found, low, high, classes)


def ground(
    ax: Axes, found: NDArray[np.int64], low: Sequence[float], high: Sequence[float], classes: int
) -> None:
    """Color a plane by the labels (side, side) of its `grid`."""
    pale = ListedColormap([_pale(COLORS[i % 8]) for i in range(classes)])
    ax.imshow(
        found, cmap=pale, vmin=-0.5, vmax=classes - 0.5, origin="lower", aspect="auto",
        extent=(low[0], high[0], low[1], high[1]), interpolation="nearest", zorder=0,
    )  # fmt: skip


def surface(
    ax: Axes, value: Callable[[Array], Array], low: Sequence[float], high: Sequence[float]
) -> None:
    """Color every place of a plane by a value of 0 (blue) to 1 (vermilion), with a line at .5;
    `value` gives rows (n, 2) one number each."""
    x, y = grid(low, high)
    found = value(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    ends = _pale(BLUE, 0.6), _pale(ORANGE, 0.6)
    both = LinearSegmentedColormap.from_list("both", [ends[0], to_rgb(PAPER), ends[1]])
    ax.imshow(
        found, cmap=both, vmin=0, vmax=1, origin="lower", aspect="auto",
        extent=(low[0], high[0], low[1], high[1]), interpolation="bilinear", zorder=0,
    )  # fmt: skip
    if found.min() < 0.5 < found.max():
        ax.contour(x, y, found, levels=[0.5], colors=INK, linewidths=1.2, zorder=2)


def image(ax: Axes, pixels: NDArray[np.generic], title: str, top: float = 255) -> None:
    """An image (h, w) or (h, w, 3) with its title, single pixels left sharp."""
    ax.imshow(
        pixels if pixels.ndim == 3 else pixels.astype(float), cmap="gray", vmin=0, vmax=top,
        interpolation="nearest" if max(pixels.shape[:2]) <= 64 else "antialiased",
    )  # fmt: skip
    ax.set_title(title)
    ax.set_xticks([])
    ax.set_yticks([])


def logarithmic(ax: Axes, axis: str = "x") -> None:
    """Make an axis ("x" or "y") logarithmic, its numbers written out: 0.01, 1, 1,000."""
    getattr(ax, f"set_{axis}scale")("log")
    which = ax.xaxis if axis == "x" else ax.yaxis
    which.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.9g}"))
    which.set_minor_formatter(ticker.NullFormatter())


def animated(figures: Iterable[Figure], seconds: float = 0.08, rest: float = 2.0) -> bytes:
    """A GIF that repeats; the last picture rests. The figures have equal panels; one layout and
    one palette serve them all."""
    frames: list[Pillow.Image] = []
    places: list[Bbox] = []
    for figure in figures:
        frames.append(_frame(figure, places))
        places = places or [ax.get_position() for ax in figure.axes]
    palette = _palette([frames[round(i * (len(frames) - 1) / 4)] for i in range(5)])
    small = [frame.quantize(palette=palette, dither=Pillow.Dither.NONE) for frame in frames]
    times = [round(1000 * seconds)] * (len(small) - 1) + [round(1000 * rest)]
    out = io.BytesIO()
    small[0].save(
        out, "GIF", save_all=True, append_images=small[1:], duration=times, loop=0, optimize=False
    )
    return out.getvalue()


def _palette(frames: Sequence[Pillow.Image]) -> Pillow.Image:
    """255 colors for all frames: the commonest as they are, so that greys stay grey, and of the
    others those that cover most. Pillow looks colors up in steps of 4: white is taken for 252, so
    what is nearer to that than white (27 = 3 x 3^2) becomes white, or paper would not be."""
    together = np.concatenate([np.asarray(frame) for frame in frames])
    packed = together.reshape(-1, 3).astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, counts = np.unique(packed, return_counts=True)
    common = found[np.argsort(-counts.astype(np.int64), kind="stable")[:COMMON]]
    others = Pillow.fromarray(together).quantize(255 - COMMON, Pillow.Quantize.MAXCOVERAGE)
    colors = np.array(others.getpalette(), np.uint8).reshape(-1, 3)[: 255 - COMMON]
    exact = np.stack([common >> 16, common >> 8 & 255, common & 255], axis=1).astype(np.uint8)
    both = np.concatenate([exact, colors])
    both[((both.astype(int) - 252) ** 2).sum(axis=1) <= 27] = 255
    palette = Pillow.new("P", (1, 1))
    palette.putpalette(both.tobytes())
    return palette


def _frame(figure: Figure, places: Sequence[Bbox]) -> Pillow.Image:
    """The figure as pixels; its axes at `places`, where there are any: a layout takes long."""
    figure.set_dpi(96)
    if places:
        figure.set_layout_engine("none")
        for ax, place in zip(figure.axes, places, strict=True):
            ax.set_position(place)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Pillow.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _pale(color: str, share: float = 0.28) -> tuple[float, float, float]:
    red, green, blue = (1 - share + share * part for part in to_rgb(color))
    return red, green, blue
