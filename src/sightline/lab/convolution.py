"""Convolution number by number: the books' worked examples, their sizes and what they cost."""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure

from sightline.errors import DataError
from sightline.lab.grids import cells, grays, said, signs
from sightline.lab.pictures import Array, animated, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, ORANGE
from sightline.scratch.convolution import correlate, output_size, pad, parameters, places
from sightline.scratch.depthwise import full_cost
from sightline.scratch.kernels import BOOK, PREWITT, box_blur

FIVE = np.array(  # table 11.1
    [
        [95, 242, 186, 152, 39],
        [39, 14, 220, 153, 180],
        [5, 247, 212, 54, 46],
        [46, 77, 133, 110, 74],
        [156, 35, 74, 93, 116],
    ],
    dtype=np.float64,
)
THREE = np.array([[93, 139, 101], [26, 252, 196], [135, 230, 18]], dtype=np.float64)
SIX = np.repeat([[10.0, 10.0, 10.0, 0.0, 0.0, 0.0]], 6, axis=0)
Example = Literal["laplacian", "blur", "edge"]
EXAMPLES: dict[Example, tuple[Array, Array]] = {  # image and kernel
    "laplacian": (FIVE, BOOK["laplacian"]),
    "blur": (THREE, box_blur(3)),
    "edge": (SIX, PREWITT),
}
FRAMES = 36  # of the animation; places between are left out where there are more
SIZES = (  # what, side, kernel, padding, stride
    ("table 11.1", 5, 3, 0, 1),
    ("table 11.1, stride 2", 5, 3, 0, 2),
    ("table 11.1, padded", 5, 3, 1, 1),
    ("six by six", 6, 3, 0, 1),
    ("AlexNet, as its paper says", 224, 11, 0, 4),
    ("AlexNet, as it must be", 227, 11, 0, 4),
)


def run(
    example: Annotated[
        Example, Says("5x5 and Laplacian, 3x3 and box blur, or 6x6 and edge filter")
    ] = "laplacian",
    stride: Annotated[int, Says("cells from one place to the next, in the animation", 1, 3)] = 1,
    padding: Annotated[int, Says("cells around the image, in the animation", 0, 2)] = 0,
    mode: Annotated[
        Literal["zero", "replicate", "wrap", "reflect"], Says("what the padding holds")
    ] = "zero",
    side: Annotated[int, Says("of an image, for a row of your own in the sizes", 1, 10_000)] = 32,
    field: Annotated[int, Says("side of its kernel", 1, 10_000)] = 3,
) -> Found:
    image, kernel = EXAMPLES[example]
    if field > side + 2 * padding:
        raise DataError(f"field {field}: expected at most {side + 2 * padding}, the padded side")
    whole = pad(image, (padding, padding), mode)
    found = correlate(image, kernel, stride=stride, padding=padding, mode=mode)
    draw = _frames(whole, kernel, found, stride, example)
    shown = sorted(set(np.linspace(0, found.size - 1, min(found.size, FRAMES)).round().astype(int)))
    steps = animated((draw(int(at)) for at in shown), seconds=0.8)
    tables = [
        _matrix(f"{example}-{words}", correlate(image, kernel, stride=s, padding=p))
        for words, s, p in (("stride-1", 1, 0), ("stride-2", 2, 0), ("padded", 1, 1))
    ]
    own = ("yours", side, field, padding, stride)
    head = ("image", "side", "kernel", "padding", "stride", "places", "fits")
    tables += [
        _terms(image, kernel),
        Table("sizes", head, [_size(*row) for row in (*SIZES, own)]),
        _costs(),
    ]
    last = draw(found.size - 1)
    return Found({"steps": steps, "done": last}, tables, _notes(image, kernel, found, own))


def _matrix(name: str, values: Array) -> Table:
    heads = ("row", *(str(j) for j in range(values.shape[1])))
    return Table(name, heads, [(str(i), *map(float, row)) for i, row in enumerate(values)])


def _terms(image: Array, kernel: Array) -> Table:
    """The nine products of the first place."""
    window = image[:3, :3]
    rows = [
        (
            f"[{i}, {j}]",
            float(window[i, j]),
            float(kernel[i, j]),
            float(window[i, j] * kernel[i, j]),
        )
        for i, j in np.ndindex(3, 3)
    ]
    total = float((window * kernel).sum())
    return Table(
        "first-place", ("cell", "image", "kernel", "product"), [*rows, ("sum", "", "", total)]
    )


def _size(
    what: str, side: int, kernel: int, padding: int, stride: int
) -> tuple[str, int, int, int, int, str, str]:
    found = places(side, kernel, stride, padding)
    fits = found == int(found)
    return what, side, kernel, padding, stride, f"{found:.6g}", "yes" if fits else "no"


def _costs() -> Table:
    """What layers of the books are made of."""
    narrow = full_cost(28 * 28, 1, 192, 16) + full_cost(28 * 28, 5, 16, 32)
    rows = [
        ("weights of a 3x3 field on 32x32x3", parameters(3, 3, 1) - 1),
        ("weights of a 3x3 field on 16x16x94", parameters(3, 94, 1) - 1),
        ("parameters of ten 3x3 filters on color", parameters(3, 3, 10)),
        ("inputs of one unit that sees all of 32x32x3", 32 * 32 * 3),
        ("inputs of one unit that sees all of 250x250x3", 250 * 250 * 3),
        ("products of 32 filters 5x5 on 28x28x192", full_cost(28 * 28, 5, 192, 32)),
        ("the same behind 16 filters 1x1", narrow),
    ]
    return Table("costs", ("what", "count"), [(what, f"{count:,}") for what, count in rows])


def _notes(
    image: Array, kernel: Array, found: Array, own: tuple[str, int, int, int, int]
) -> list[str]:
    (rows, columns), turned = found.shape, kernel[::-1, ::-1]
    first = float((image[:3, :3] * kernel).sum())
    flipped = float((image[:3, :3] * turned).sum())
    same = (
        "this kernel is the same turned by half a circle, so convolution proper gives the same"
        if np.array_equal(kernel, turned)
        else f"turned by half a circle, as in convolution proper, the kernel gives {flipped:g}"
    )
    _, side, field, padding, stride = own
    exact, whole = places(side, field, stride, padding), output_size(side, field, stride, padding)
    return [
        f"the result is {rows}x{columns}; the first place of the image without padding gives "
        f"{first:.6g}, and {same}",
        f"your row: ({side} - {field} + 2 * {padding}) / {stride} + 1 = {exact:.6g}"
        + (
            "" if exact == whole else f", no whole number: libraries take {whole}, the book refuses"
        ),
    ]


def _frames(
    whole: Array, kernel: Array, found: Array, stride: int, example: Example
) -> Callable[[int], Figure]:
    """Draws the image, kernel, products and result, as they stand at one place."""
    most = float(np.abs(whole).max() * np.abs(kernel).max())
    small = 1 if kernel[0, 0] % 1 else 0  # decimals
    shown = signs(kernel)
    size = 9.5 if max(whole.shape) < 8 else 8

    def draw(at: int) -> Figure:
        i, j = divmod(at, found.shape[1])
        top, left = i * stride, j * stride
        window = whole[top : top + 3, left : left + 3]
        done = found.astype(np.float64)
        done.flat[at + 1 :] = np.nan
        figure, axes = panels(2, 2, height=3.1)
        place = [((top, left, 3, 3), ORANGE)]
        title = f"Image, {whole.shape[0]}x{whole.shape[1]}"
        cells(axes[0], whole, title, grays(whole, float(whole.max())), size, place)
        cells(axes[1], kernel, f"Kernel ({example})", shown, 12, decimals=2)
        cells(axes[2], window * kernel, "Window times kernel", signs(window * kernel, most), 12,
              decimals=small)  # fmt: skip
        total = f"Sum: {said(found[i, j], small)}"
        cells(axes[3], done, total, signs(done, float(np.abs(found).max())), size + 1,
              [((i, j, 1, 1), BLUE)], small)  # fmt: skip
        return figure

    return draw


TOPIC = Topic(
    "Convolution, number by number",
    "The window moves over the image; what lies under it is multiplied by the kernel cell by cell, "
    "and the sum is one number of the result. Stride and padding decide how many places there are, "
    "(W - F + 2 P) / S + 1, because a window that hangs over the edge has nothing to multiply.",
    "Starter book, 11.1 to 11.2; course notes, 5.1 to 5.5 and 5.13",
    run,
)
