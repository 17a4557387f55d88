"""Transpose convolution: every number places a whole filter, overlaps add up, the border is cut."""

from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.errors import DataError
from sightline.lab.grids import Window, cells, said, signs
from sightline.lab.pictures import Array, animated, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, MUTED, ORANGE
from sightline.scratch.im2col import im2col
from sightline.scratch.transpose import coverage, output_size, transpose_convolution

LENGTH = 6  # inputs a side in the picture of coverage


def run(
    side: Annotated[int, Says("of the input, cells", 1, 4)] = 2,
    kernel: Annotated[int, Says("side of the filter", 1, 4)] = 3,
    stride: Annotated[int, Says("cells from one placed filter to the next", 1, 4)] = 2,
    padding: Annotated[int, Says("cells cut from every edge of the output", 0, 2)] = 1,
    seed: Annotated[int, Says("of the numbers; 0 is an example easy to check by hand", 0)] = 0,
) -> Found:
    length = (side - 1) * stride + kernel - 2 * padding
    if length < 1:
        raise DataError(
            f"padding {padding}: nothing is left of {length + 2 * padding} cells a side"
        )
    image, filters = _numbers(side, kernel, seed)
    whole = transpose_convolution(image[None, None], filters[None, None], stride=stride)[0, 0]
    cut = (padding, padding, length, length)
    frames = (_frame(image, filters, stride, at, cut) for at in range(image.size))
    pictures: dict[str, Figure | bytes] = {
        "steps": animated(frames, seconds=1.2),
        "done": _frame(image, filters, stride, image.size - 1, cut),
        "coverage": _coverage(kernel, stride),
    }
    kept = whole[padding : padding + length, padding : padding + length]
    heads = ("row", *(str(j) for j in range(length)))
    tables = [
        Table("output", heads, [(str(i), *map(float, row)) for i, row in enumerate(kept)]),
        Table(
            "sizes",
            ("input", "filter", "stride", "padding", "output"),
            [(n, f, s, p, output_size(n, f, s, p)) for n, f, s, p in SIZES],
        ),
    ]
    return Found(pictures, tables, _notes(image, filters, kept, stride, padding))


SIZES = ((2, 3, 2, 1), (2, 2, 2, 0), (4, 2, 2, 0), (4, 4, 2, 1), (4, 3, 1, 1), (7, 4, 2, 1))


def _numbers(side: int, kernel: int, seed: int) -> tuple[Array, Array]:
    """The input and the filter: counted for seed 0, else drawn."""
    if seed == 0:
        filters = np.ones((kernel, kernel))
        filters[kernel // 2, kernel // 2] = 2
        return np.arange(1.0, side * side + 1).reshape(side, side), filters
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 6, (side, side)).astype(np.float64)
    return image, rng.integers(-2, 4, (kernel, kernel)).astype(np.float64)


def _notes(image: Array, filters: Array, kept: Array, stride: int, padding: int) -> list[str]:
    """The size, what overlaps, and the proof that this is a convolution's matrix, transposed."""
    side, kernel = len(image), len(filters)
    columns = im2col(np.eye(kept.size).reshape(kept.size, 1, *kept.shape), filters.shape, stride,
                     (padding, padding))  # fmt: skip
    matrix = np.einsum("pkq,k->qp", columns, filters.ravel())  # (side·side, output cells)
    apart = float(np.abs(matrix.T @ image.ravel() - kept.ravel()).max())
    reached = coverage(LENGTH, kernel, stride)
    inner = reached[kernel - 1 : len(reached) - kernel + 1]
    inner = inner if inner.size else reached
    few, many = int(inner.min()), int(inner.max())
    even = f"{few}, all alike" if few == many else f"{few} to {many}: a checkerboard"
    return [
        f"({side} - 1) * {stride} + {kernel} - 2 * {padding} = {len(kept)} cells a side",
        f"convolution at stride {stride} and padding {padding} takes {len(kept)}x{len(kept)} to "
        f"{side}x{side} by a matrix {matrix.shape[0]}x{matrix.shape[1]}; its transpose gives this "
        f"result, to {apart:.0e}".replace("0e+00", "the last bit"),
        f"inputs that reach an output cell, along a row and away from the edges: {even}",
    ]


def _frame(image: Array, filters: Array, stride: int, at: int, cut: Window) -> Figure:
    """The input, the filter times one of its numbers, and the sum so far."""
    kernel, width = len(filters), image.shape[1]
    side = (len(image) - 1) * stride + kernel
    total = np.full((side, side), np.nan)
    for k in range(at + 1):
        top, left = (stride * place for place in divmod(k, width))
        under = total[top : top + kernel, left : left + kernel]
        total[top : top + kernel, left : left + kernel] = (
            np.nan_to_num(under) + image.flat[k] * filters
        )
    i, j = divmod(at, width)
    figure, axes = panels(2, 2, height=3.1)
    most = float(np.abs(total[~np.isnan(total)]).max()) or 1.0
    cells(
        axes[0], image, f"Input, {len(image)}x{width}", signs(image), 12, [((i, j, 1, 1), ORANGE)]
    )
    cells(axes[1], filters, f"Filter, {kernel}x{kernel}", signs(filters), 12)
    placed = image[i, j] * filters
    cells(axes[2], placed, f"{said(image[i, j])} times the filter", signs(placed, most), 12)
    windows = [(cut, BLUE), ((i * stride, j * stride, kernel, kernel), ORANGE)]
    size = 11 if side < 8 else 8 if side < 12 else 6
    cells(
        axes[3],
        total,
        f"Added up; inside blue: {cut[2]}x{cut[3]}",
        signs(total, most),
        size,
        windows,
    )
    return figure


def _coverage(kernel: int, stride: int) -> Figure:
    """How many inputs reach each output cell: by the options, and where the stride divides."""
    figure, axes = panels(1, 2, height=3.2)
    even = stride * max(1, -(-kernel // stride))
    for ax, side in zip(axes, (kernel, even), strict=True):
        reached = coverage(LENGTH, side, stride)
        counts = np.outer(reached, reached)
        ax.imshow(counts, cmap="Blues", vmin=0, vmax=max(counts.max() * 1.4, 1))
        for (i, j), count in np.ndenumerate(counts):
            ax.text(j, i, str(count), ha="center", va="center", fontsize=7)
        ax.set_title(f"Filter {side}x{side}, stride {stride}")
        ax.set_xticks([])
        ax.set_yticks([])
    figure.supxlabel(f"inputs that reach each output cell, {LENGTH}x{LENGTH} inputs", color=MUTED)
    return figure


TOPIC = Topic(
    "Transpose convolution by hand",
    "Every number of the input places the whole filter on the output, times itself; where placed "
    "filters overlap they add up, and the padding is cut off at the end. Where the stride does not "
    "divide the filter's side, cells are reached unequally often, which is the checkerboard seen "
    "in images that networks enlarge.",
    "Course notes, 6.13; Dumoulin and Visin 2016",
    run,
)
