"""The books' kernels on a photograph, by our loops and by OpenCV; and the edge of six by six."""

from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.errors import DataError
from sightline.lab.grids import cells, grays, signs
from sightline.lab.photographs import gray, photograph, ratio
from sightline.lab.pictures import Array, panels
from sightline.lab.pictures import image as draw
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.scratch.convolution import correlate
from sightline.scratch.kernels import BOOK, EDGES, PREWITT

KERNELS = {**BOOK, **EDGES}
Kernel = Literal[
    "small_blur", "large_blur", "sharpen", "laplacian", "sobel_x", "sobel_y", "emboss", "prewitt",
    "sobel", "scharr", "prewitt_horizontal", "sobel_horizontal", "scharr_horizontal",
]  # fmt: skip
BORDERS = {  # ours and OpenCV's
    "replicate": cv2.BORDER_REPLICATE,
    "zero": cv2.BORDER_CONSTANT,
    "wrap": cv2.BORDER_WRAP,
    "reflect": cv2.BORDER_REFLECT_101,
}
SIX = np.repeat([[10.0, 10.0, 10.0, 0.0, 0.0, 0.0]], 6, axis=0)  # bright left, dark right
LARGEST = 21  # side of the widest kernel: an image must be larger
Gray = NDArray[np.uint8]


def run(
    image: Annotated[Path | None, Says("a picture's file; else scikit-learn's temple")] = None,
    kernel: Annotated[Kernel, Says("the one to see large, ours beside OpenCV's")] = "small_blur",
    border: Annotated[
        Literal["replicate", "zero", "wrap", "reflect"], Says("what lies around the image")
    ] = "replicate",
    side: Annotated[int, Says("the longer side of the image, pixels", 32, 640)] = 240,
) -> Found:
    photo = gray(photograph(image, "china", side))
    if min(photo.shape) < LARGEST:
        raise DataError(
            f"the image is {photo.shape[1]}x{photo.shape[0]} when shrunk to {side}; expected at "
            f"least {LARGEST} pixels a side, those of the widest kernel"
        )
    found = {name: _ours(photo, each, border) for name, each in KERNELS.items()}
    compared = [_compared(photo, name, found[name], border) for name in KERNELS]
    six = correlate(SIX, PREWITT)
    pictures = {
        "large": _large(photo, kernel, found[kernel], border),
        "book": _book(photo, found),
        "edges": _edges(found),
        "rescaling": _rescaling(found),
        "borders": _borders(photo),
        "six-by-six": _six(six),
    }
    head = ("kernel", "size", "sum", "least", "most", "clipped", "bytes apart", "floats apart")
    dark = correlate(SIX[:, ::-1], PREWITT)
    tables = [
        Table("kernels", head, compared),
        Table(
            "rows",
            ("row of the image", "row of the result"),
            [(_row(SIX[0]), _row(six[0])), (_row(SIX[0, ::-1]), _row(dark[0]))],
        ),
    ]
    return Found(pictures, tables, _notes(found, compared, photo))


def _ours(photo: Gray, kernel: Array, border: str) -> Array:
    """The kernel's answer (h, w), neither rounded nor clipped."""
    return correlate(photo, kernel, padding="same", mode=border)


def _bytes(found: Array) -> Gray:
    """As the book shows it: cut at 0 and 255, fractions dropped."""
    return np.clip(found, 0, 255).astype(np.uint8)


def _compared(photo: Gray, name: str, found: Array, border: str) -> tuple[str | int | float, ...]:
    """A row of the table: a kernel, its range, and how far OpenCV's answer is from ours."""
    kernel = KERNELS[name]
    exact = _theirs(photo.astype(np.float64), kernel, border)
    apart = np.abs(_bytes(found).astype(int) - _theirs(photo, kernel, border)).max()
    outside = float(np.mean((found < 0) | (found > 255)))
    return (
        name, f"{kernel.shape[0]}x{kernel.shape[1]}", round(float(kernel.sum())),
        round(float(found.min())), round(float(found.max())), f"{outside:.0%}", int(apart),
        f"{np.abs(found - exact).max():.0e}".replace("0e+00", "0"),
    )  # fmt: skip


def _theirs(photo: NDArray, kernel: Array, border: str) -> NDArray:
    """OpenCV's filter2D, of the photograph's own type; it wraps no border, so we lay it around."""
    high, wide = (length // 2 for length in kernel.shape)
    whole = cv2.copyMakeBorder(photo, high, high, wide, wide, BORDERS[border])
    found = cv2.filter2D(whole, -1, kernel)
    return found[high : high + photo.shape[0], wide : wide + photo.shape[1]]


def _notes(
    found: dict[str, Array], compared: list[tuple[str | int | float, ...]], photo: Gray
) -> list[str]:
    apart = [(str(row[0]), int(row[6])) for row in compared]
    equal = sum(difference == 0 for _, difference in apart)
    others = ", ".join(f"{name} by {difference}" for name, difference in apart if difference)
    laplacian = found["laplacian"]
    lost = float(np.mean(laplacian < 0))
    stretched = -laplacian.min() / max(np.ptp(laplacian), 1e-12) * 255
    around = [_ours(photo, BOOK["large_blur"], mode) for mode in ("zero", "replicate")]
    frame = _frame(np.abs(around[0] - around[1]))
    return [
        f"as bytes, {equal} of {len(apart)} kernels equal OpenCV's at every pixel"
        + (f"; apart are {others}: the book drops fractions, OpenCV rounds" if others else ""),
        f"the book's rescaling (range 0 to 255) stretches nothing, it clips: of the Laplacian "
        f"{lost:.0%} of the pixels are below 0 and come out black; stretched from its least to its "
        f"most, no edge at all would be gray {stretched:.0f}",
        "zeros around the image instead of its border repeated change the outermost pixels of the "
        f"large blur by {frame:.0f} gray levels on average",
    ]


def _frame(values: Array) -> float:
    """The mean of the outermost pixels."""
    sides = [values[0], values[-1], values[1:-1, 0], values[1:-1, -1]]
    return float(np.concatenate(sides).mean())


def _large(photo: Gray, name: str, found: Array, border: str) -> Figure:
    """The photograph, our answer, OpenCV's, and where the two differ."""
    theirs, ours = _theirs(photo, KERNELS[name], border), _bytes(found)
    apart = np.abs(ours.astype(int) - theirs.astype(int))
    figure, axes = panels(2, 2, height=0.35 + 3.6 * ratio(photo))
    draw(axes[0], photo, "Original")
    draw(axes[1], ours, f"{name}, our loops")
    draw(axes[2], theirs, f"{name}, OpenCV")
    draw(axes[3], apart, f"Difference, white is {max(1, apart.max())}", max(1, int(apart.max())))
    return figure


def _book(photo: Gray, found: dict[str, Array]) -> Figure:
    figure, axes = panels(3, 3, height=0.45 + 2.35 * ratio(photo))
    draw(axes[0], photo, "Original")
    axes[-1].axis("off")
    for ax, name in zip(axes[1:-1], BOOK, strict=True):
        size = "x".join(map(str, BOOK[name].shape))
        draw(ax, _bytes(found[name]), f"{name}, {size}")
    return figure


def _edges(found: dict[str, Array]) -> Figure:
    """The edge filters with their sign: middle gray is no edge."""
    names = [name for name in EDGES if name != "laplacian"]
    figure, axes = panels(3, 2, height=0.35 + 3.6 * ratio(found[names[0]]))
    for i, name in enumerate((names[0], names[3], names[1], names[4], names[2], names[5])):
        values = found[name]
        most = float(np.abs(KERNELS[name]).sum() / 2 * 255)  # the strongest edge there can be
        draw(axes[i], (values / most * 2 + 1) / 2 * 255, name.replace("_", ", "))
    figure.supxlabel(
        "gray: no edge; white: brighter on the left or above; black: darker", fontsize=9
    )
    return figure


def _rescaling(found: dict[str, Array]) -> Figure:
    """Three ways to show numbers below 0, on the Laplacian."""
    values = found["laplacian"]
    figure, axes = panels(1, 3, height=0.5 + 2.4 * ratio(values))
    draw(axes[0], _bytes(values), "Clipped, the book's")
    draw(axes[1], np.abs(values), "Size without sign")
    least, span = values.min(), max(np.ptp(values), 1e-12)
    draw(axes[2], (values - least) / span * 255, "Stretched")
    return figure


def _borders(photo: Gray) -> Figure:
    """The large blur under each border."""
    figure, axes = panels(2, 2, height=0.35 + 3.6 * ratio(photo))
    for ax, mode in zip(axes, BORDERS, strict=True):
        draw(ax, _ours(photo, BOOK["large_blur"], mode), f"large_blur, border: {mode}")
    return figure


def _six(found: Array) -> Figure:
    """The image of tens and zeros, the kernel, and 0 30 30 0."""
    figure, axes = panels(1, 3, height=2.6)
    cells(axes[0], SIX, "10s and 0s, 6x6", grays(SIX, 10))
    cells(axes[1], PREWITT, "Vertical edge filter", signs(PREWITT))
    cells(axes[2], found, "0 30 30 0, 4x4", signs(found))
    return figure


def _row(values: Array) -> str:
    return " ".join(f"{value:g}" for value in values)


TOPIC = Topic(
    "Kernels made by hand",
    "Nine numbers decide whether a sliding window blurs, sharpens or finds edges: those whose "
    "sum is 1 keep a flat region as it is, those whose sum is 0 make it black. Our loops and "
    "OpenCV agree to rounding, as both compute cross-correlation, with the kernel not flipped.",
    "Starter book, 11.1; course notes, 5.1",
    run,
)
