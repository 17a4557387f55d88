"""What an image is: rows of pixels, their channels, and how any size becomes a square."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sightline import images
from sightline.data.canvas import Canvas
from sightline.errors import DataError
from sightline.lab.grids import cells, counted, grays
from sightline.lab.photographs import gray, photograph, ratio
from sightline.lab.pictures import image as draw
from sightline.lab.pictures import panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import ORANGE
from sightline.types import Image, Size

GRID_SIDE = 8  # the book's grid of 64 pixels
BOOK_SIZES: tuple[Size, ...] = ((234, 312), (600, 800), (300, 770))  # of section 3.3
Rule = Literal["stretch", "cover", "contain"]
RULES: dict[Rule, str] = {"stretch": "squash", "cover": "resize and crop", "contain": "fit inside"}


def run(
    image: Annotated[Path | None, Says("a picture's file; else scikit-learn's temple")] = None,
    x: Annotated[int | None, Says("column of the pixel to read; else a third across", 0)] = None,
    y: Annotated[int | None, Says("row of the pixel to read; else half down", 0)] = None,
    size: Annotated[int, Says("side of the square that a network wants, pixels", 8, 1024)] = 224,
) -> Found:
    photo = photograph(image, "china", 4096)
    height, width = photo.shape[:2]
    x, y = width // 3 if x is None else x, height // 2 if y is None else y
    if x >= width or y >= height:
        raise DataError(
            f"pixel x {x}, y {y}: the image has x 0 to {width - 1}, y 0 to {height - 1}"
        )
    pixel = [int(value) for value in photo[y, x]]
    asked = [(photo.shape[0], photo.shape[1]), *BOOK_SIZES]
    pictures = {
        "channels": _channels(photo, x, y),
        "grid": _grid(photo),
        "sizes": _sizes(photo, size),
    }
    tables = [
        _facts(photo, x, y),
        Table(
            "values",
            ("channel", "least", "mean", "most", "deviation"),
            [
                (name, int(plane.min()), float(plane.mean()), int(plane.max()), float(plane.std()))
                for name, plane in (*_planes(photo), ("gray", gray(photo)))
            ],
        ),
        Table(
            "square",
            ("image", "rule", "becomes", "wider by", "cut off", "filled"),
            [_strategy(whole, rule, size) for whole in asked for rule in RULES],
        ),
    ]  # fmt: skip
    return Found(pictures, tables, _notes(photo, x, y, pixel, size))


def _planes(photo: Image) -> list[tuple[str, Image]]:
    return [(name, photo[..., i]) for i, name in enumerate(("red", "green", "blue"))]


def _facts(photo: Image, x: int, y: int) -> Table:
    height, width, depth = photo.shape
    red, green, blue = (int(value) for value in photo[y, x])
    rows = [
        ("shape in NumPy: height, width, depth", f"({height}, {width}, {depth})"),
        ("pixels", f"{height * width:,}"),
        ("numbers a network sees", f"{photo.size:,}"),
        ("aspect ratio, width / height", f"{width / height:.3f}"),
        ("type and range", f"{photo.dtype}, 0 to 255"),
        ("colors that a pixel can have, 256 ** 3", f"{256**3:,}"),
        (f"pixel [y, x] = [{y}, {x}] as red, green, blue", f"({red}, {green}, {blue})"),
        ("the same pixel in OpenCV's order", f"({blue}, {green}, {red})"),
        ("the same pixel in gray", str(int(gray(photo)[y, x]))),
    ]
    return Table("image", ("what", "value"), rows)


def _strategy(whole: Size, rule: Rule, size: int) -> tuple[str, str, str, str, str, str]:
    """What a rule does to an image of that size: names, then shares of the image or canvas."""
    matrix = Canvas((size, size), rule).matrix(whole)
    wide, high = matrix[0, 0] * whole[1], matrix[1, 1] * whole[0]
    seen = min(wide, size) * min(high, size)
    return (
        f"{whole[1]}x{whole[0]}",
        RULES[rule],
        f"{round(wide)}x{round(high)}",
        f"{matrix[0, 0] / matrix[1, 1]:.2f}",
        f"{1 - seen / (wide * high):.0%}",
        f"{1 - seen / size**2:.0%}",
    )


def _notes(photo: Image, x: int, y: int, pixel: list[int], size: int) -> list[str]:
    height, width = photo.shape[:2]
    slim, cut = (_strategy((height, width), rule, size) for rule in ("stretch", "cover"))
    red, green, blue = pixel
    step = int(np.abs(photo.astype(int) - photo[..., ::-1].astype(int)).max())
    return [
        f"{width} pixels wide and {height} high is shape ({height}, {width}, 3): rows come first, "
        f"so the pixel at x = {x}, y = {y} is image[{y}, {x}]",
        f"it is ({red}, {green}, {blue}); who takes red for blue sees ({blue}, {green}, {red}), "
        f"and no shape or type shows it (somewhere in the image the two are {step} apart)",
        f"squashed to {size}x{size}, things are {slim[3]} times as wide as they should be; resized "
        "along the shorter side and cropped they keep their shape, and "
        f"{cut[4]} of the image is lost",
    ]  # fmt: skip


def _channels(photo: Image, x: int, y: int) -> Figure:
    """The photograph, read wrongly, its three planes and its gray."""
    small = images.resize(photo, _at_most(photo, 640))
    factor = small.shape[0] / photo.shape[0]
    figure, axes = panels(2, 3, height=0.45 + 2.35 * ratio(small))
    draw(axes[0], small, "Red, green, blue")
    draw(axes[1], small[..., ::-1], "Read as blue, green, red")
    draw(axes[2], gray(small), "Gray")
    for ax, (name, plane) in zip(axes[3:], _planes(small), strict=True):
        draw(ax, plane, f"{name.capitalize()} alone")
    for ax in axes:
        place = (x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5
        ax.plot(*place, "o", markersize=9, markerfacecolor="none", color=ORANGE, markeredgewidth=2)
    axes[0].set_xlabel(f"circle: image[{y}, {x}]")
    return figure


def _grid(photo: Image) -> Figure:
    """The middle square of the gray image, and the same on 8x8 pixels with their numbers."""
    side = min(photo.shape[:2])
    top, left = (photo.shape[0] - side) // 2, (photo.shape[1] - side) // 2
    square = photo[top : top + side, left : left + side]
    small = gray(images.resize(square, (GRID_SIDE, GRID_SIDE))).astype(np.float64)
    figure, (whole, pixels) = panels(1, 2, height=3.9)
    draw(whole, gray(images.resize(square, _at_most(square, 480))), "The middle square in gray")
    marked = [((4, 3, 1, 1), ORANGE)]
    cells(pixels, small, "The same on 8x8 = 64 pixels", grays(small), 8.5, marked)
    counted(pixels, GRID_SIDE, GRID_SIDE)
    text = f"orange: x = 3, y = 4, the fourth column and fifth row; image[4, 3] = {small[4, 3]:.0f}"
    figure.supxlabel(text, fontsize=9)
    return figure


def _sizes(photo: Image, size: int) -> Figure:
    """The photograph on squares by each rule, and what of it they keep."""
    figure, axes = panels(1, 4, height=2.25)
    small = images.resize(photo, _at_most(photo, 480))
    draw(axes[0], small, "Original")
    axes[0].set_xlabel(f"{photo.shape[1]}x{photo.shape[0]}")
    side = min(photo.shape[:2]) * small.shape[0] / photo.shape[0]
    corner = ((small.shape[1] - side) / 2 - 0.5, (small.shape[0] - side) / 2 - 0.5)
    kept = Rectangle(corner, side, side, fill=False, edgecolor=ORANGE, linewidth=2)
    axes[0].add_patch(kept)
    for ax, (rule, words) in zip(axes[1:], RULES.items(), strict=True):
        draw(ax, Canvas((size, size), rule).place(photo)[0].pixels, words.capitalize())
        ax.set_xlabel(f"{size}x{size}" + (", the orange square" if rule == "cover" else ""))
    return figure


def _at_most(photo: Image, longest: int) -> Size:
    factor = min(1.0, longest / max(photo.shape[:2]))
    height, width = (max(1, round(side * factor)) for side in photo.shape[:2])
    return height, width


TOPIC = Topic(
    "What an image is",
    "A photograph is three planes of bytes, indexed row first; with red and blue exchanged the "
    "array is as valid as before and every color is wrong. A square for a network is made by "
    "squashing, which keeps all and bends shapes, or by resizing along the shorter side and "
    "cropping, which keeps shapes and loses the edges.",
    "Starter book, 3.1 to 3.3",
    run,
)
