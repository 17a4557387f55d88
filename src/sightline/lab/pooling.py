"""Pooling on numbers and on a photograph: what it forgives; and what convolution keeps in step."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.errors import DataError
from sightline.lab.grids import cells, grays
from sightline.lab.photographs import gray, photograph, ratio
from sightline.lab.pictures import COLORS, MARKERS, Array, panels
from sightline.lab.pictures import image as draw
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, ORANGE
from sightline.scratch.convolution import correlate
from sightline.scratch.kernels import BOOK
from sightline.scratch.pooling import average_pool, max_pool

FOUR = np.array([[1, 3, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], dtype=np.float64)
STEPS = 3  # times that a photograph is pooled
CELL = 2**STEPS
MOVES: dict[str, Callable[[Array], Array]] = {
    "shift": lambda image: np.roll(image, (5, 9), (0, 1)),
    "quarter turn": np.rot90,
    "twice as large": lambda image: image.repeat(2, 0).repeat(2, 1),
}
SHOWN = ("sobel_x", "laplacian", "small_blur")


def run(
    image: Annotated[Path | None, Says("a picture's file; else scikit-learn's temple")] = None,
    window: Annotated[int, Says("side of the window on the 4x4 numbers", 1, 4)] = 2,
    shifts: Annotated[int, Says("shift the photograph by up to so many pixels", 1, 16)] = 8,
    side: Annotated[int, Says("the longer side of the photograph, pixels", 96, 480)] = 240,
) -> Found:
    photo = gray(photograph(image, "china", side)).astype(np.float64)
    if min(photo.shape) < 3 * CELL + shifts:
        raise DataError(
            f"the image is {photo.shape[1]}x{photo.shape[0]} when shrunk to {side}; expected at "
            f"least {3 * CELL + shifts} pixels a side for {STEPS} pools and the shifts"
        )
    edges = np.abs(correlate(photo, BOOK["sobel_x"], padding="same", mode="replicate"))
    changed = _changed(photo, edges, shifts)
    square = photo[: min(photo.shape) // 2 * 2, : min(photo.shape) // 2 * 2]
    kept = {kernel: _out_of_step(square, kernel) for kernel in SHOWN}
    pictures = {
        "numbers": _numbers(window),
        "photograph": _photograph(photo, edges),
        "shifts": _shifts(changed),
        "in-step": _in_step(square),
    }
    change: list[tuple[Cell, ...]] = [
        (s, *(f"{100 * values[s]:.0f} %" for values in changed.values())) for s in range(shifts + 1)
    ]
    steps: list[tuple[Cell, ...]] = [
        (kernel, *(f"{100 * share:.1f} %" for share in row)) for kernel, row in kept.items()
    ]
    tables = [
        *_pools(window),
        Table("changed", ("shift, pixels", *changed), change),
        Table("out-of-step", ("kernel", *MOVES), steps),
    ]
    return Found(pictures, tables, _notes(window, changed, kept))


def pooled(image: Array, side: int, stride: int, average: bool = False) -> Array:
    """One image (h, w) pooled to (oh, ow)."""
    batch = image[None, None]
    return (average_pool(batch, side, stride) if average else max_pool(batch, side, stride)[0])[
        0, 0
    ]


def _pools(window: int) -> list[Table]:
    """The four results on the 4x4 numbers, where strides are as wide as the window, and 1."""
    found = []
    for average in (False, True):
        for stride in sorted({1, window}, reverse=True):
            values = pooled(FOUR, window, stride, average)
            name = f"{'average' if average else 'max'}-stride-{stride}"
            heads = ("row", *(str(j) for j in range(values.shape[1])))
            rows: list[tuple[Cell, ...]] = [
                (str(i), *map(float, row)) for i, row in enumerate(values)
            ]
            found.append(Table(name, heads, rows))
    return found


def _changed(photo: Array, edges: Array, shifts: int) -> dict[str, list[float]]:
    """How far features change when the image is shifted: root mean square of f(shifted) - f as a
    share of the deviation of f, for shifts of 0 on."""
    height, width = (length - shifts - (length - shifts) % CELL for length in photo.shape)
    parts: dict[str, list[Array]] = {"pixels": [], "edges": []}
    for shift in range(shifts + 1):
        view = np.s_[
            :height, shift : shift + width
        ]  # inside the photograph: nothing comes in empty
        parts["pixels"].append(photo[view])
        parts["edges"].append(edges[view])
    for step in range(1, STEPS + 1):
        cell = 2**step
        parts[f"max {cell}x{cell}"] = [pooled(part, cell, cell) for part in parts["edges"]]
    whole = [pooled(part, CELL, CELL, average=True) for part in parts["edges"]]
    parts[f"average {CELL}x{CELL}"] = whole
    return {
        name: [float(np.sqrt(np.mean((part - of[0]) ** 2)) / (of[0].std() or 1.0)) for part in of]
        for name, of in parts.items()
    }


def _apart(found: Array, wanted: Array) -> float:
    """|found - wanted| / |wanted|, 0 where they agree."""
    return float(np.linalg.norm(found - wanted) / (np.linalg.norm(wanted) or 1.0))


def _both(square: Array, kernel: str, move: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Move, then convolve; and convolve, then move. Both ends of the image are joined."""
    first = correlate(move(square), BOOK[kernel], padding="same", mode="wrap")
    return first, move(correlate(square, BOOK[kernel], padding="same", mode="wrap"))


def _out_of_step(square: Array, kernel: str) -> list[float]:
    return [_apart(*_both(square, kernel, move)) for move in MOVES.values()]


def _notes(window: int, changed: dict[str, list[float]], kept: dict[str, list[float]]) -> list[str]:
    dropped = 1 - pooled(FOUR, window, window).size / FOUR.size
    one = {name: values[1] for name, values in changed.items()}
    largest = f"max {CELL}x{CELL}"
    turned = [name for name in kept if kept[name][1] < 1e-9]
    notes = [
        f"a window of {window} at stride {window} drops {dropped:.0%} of the numbers and has "
        "no parameters",
        f"one pixel of shift changes the edges by {one['edges']:.0%} of their deviation, their "
        f"largest in {CELL}x{CELL} cells by {one[largest]:.0%}: pooling forgives small shifts, not "
        "all of them",
        f"sobel_x: shifted first or last it is the same ({kept['sobel_x'][0]:.0%} apart); turned "
        f"first or last it is {kept['sobel_x'][1]:.0%} apart: a vertical edge, turned, is not one",
    ]
    if turned:
        same = ", ".join(turned)
        notes.append(f"a kernel that looks the same after a quarter turn keeps in step: {same}")
    return notes


def _numbers(window: int) -> Figure:
    figure, axes = panels(2, 3, height=2.6)
    top = float(FOUR.max())
    ends = (BLUE, ORANGE, GREEN, COLORS[3])
    for row, stride in enumerate((window, 1)):
        count = (4 - window) // stride + 1
        places = [(i * stride, j * stride) for i in range(count) for j in range(count)]
        few = places[:4] if row == 0 else places[:2]
        windows = [((i, j, window, window), ends[n % 4]) for n, (i, j) in enumerate(few)]
        ax = axes[3 * row]
        cells(ax, FOUR, f"4x4, stride {stride}", 1 - 0.5 * (1 - grays(FOUR, top)), 12, windows)
        for ax, average in zip(axes[3 * row + 1 : 3 * row + 3], (False, True), strict=True):
            values = pooled(FOUR, window, stride, average)
            name = "Average" if average else "Max"
            title = f"{name}: {len(values)}x{len(values)}"
            frames = [((*divmod(n, count), 1, 1), ends[n % 4]) for n in range(len(few))]
            cells(ax, values, title, 1 - 0.5 * (1 - grays(values, top)), 12, frames, 2)
    return figure


def _photograph(photo: Array, edges: Array) -> Figure:
    """The edges at full size and pooled, by maximum and by mean."""
    figure, axes = panels(2, 4, height=0.6 + 1.75 * ratio(photo))
    draw(axes[0], edges, "Vertical edges", float(edges.max()))
    draw(axes[4], photo, "Photograph")
    for row, average in enumerate((False, True)):
        for step in range(1, STEPS + 1):
            cell = 2**step
            name = "Average" if average else "Max"
            values = pooled(edges, cell, cell, average)
            ax = axes[4 * row + step]
            draw(ax, values, f"{name} {cell}x{cell}", float(values.max()))
            ax.images[0].set_interpolation("nearest")
    return figure


def _shifts(changed: dict[str, list[float]]) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.6)
    for i, (name, values) in enumerate(changed.items()):
        shares = 100 * np.array(values)
        ax.plot(shares, color=COLORS[i], marker=MARKERS[i], markersize=5, label=name)
    ax.set_title("How far features change when the image is shifted")
    ax.set_xlabel("shift, pixels")
    ax.set_ylabel("change, % of the features' deviation")
    ax.set_ylim(0, None)
    ax.grid(axis="y")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _in_step(square: Array) -> Figure:
    """Sobel's filter before and after each move, and the difference."""
    figure, axes = panels(len(MOVES), 3, height=2.55)
    for row, (name, move) in enumerate(MOVES.items()):
        first, last = _both(square, "sobel_x", move)
        top = float(np.abs(first).max()) / 2 or 1.0
        draw(axes[3 * row], np.abs(first), f"{name.capitalize()}, then edges", top)
        draw(axes[3 * row + 1], np.abs(last), f"Edges, then {name}", top)
        draw(axes[3 * row + 2], np.abs(first - last), f"Difference: {_apart(first, last):.0%}", top)
    return figure


TOPIC = Topic(
    "Pooling, and what it forgives",
    "Pooling keeps the largest or the mean of each window and has nothing to learn; small shifts "
    "change what is pooled less than what is not, since a maximum that stays within its window "
    "stays itself. Convolution moves in step with its image when that is shifted, not when it is "
    "turned or enlarged, because its kernel stays upright and of one size.",
    "Starter book, 11.2 and 11.4; course notes, 5.7; theory book, convolution",
    run,
)
