"""Sets that are made, not found: for tests, demonstrations and first steps. Nothing is downloaded.

Image i of a set is a function of (seed, i) alone, drawn when it is asked for. The test part goes on
where the training part ends.
"""

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from sightline import chance
from sightline.data.boxes import Boxes
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.data.truths import Rows, Truths
from sightline.drawing.lettering import Face, glyph
from sightline.errors import DataError
from sightline.types import Image, Images, Size

Drawn = Callable[[int], NDArray[np.uint8]]  # from a number to a picture
FACES: tuple[Face, ...] = ("regular", "bold", "oblique", "bold-oblique")
CAPTCHA: Size = (36, 150)
INKED = 128  # coverage from which a pixel counts as ink


@final
class Generated(Dataset):
    """Pictures drawn when they are asked for: image i by `draw(first + i)`."""

    def __init__(
        self, draw: Drawn, first: int, truths: Truths, classes: Sequence[str], name: str
    ) -> None:
        self.draw, self.first = draw, first
        self.truths, self.classes, self.name, self.top = truths, tuple(classes), name, 255

    def images(self, indices: Sequence[int] | Rows) -> Images:
        drawn = [self.draw(self.first + int(i)) for i in indices]
        return np.stack(drawn) if drawn else []

    def source(self, index: int) -> str:
        return f"{self.name}:{self.first + index}"


def parts(part: Callable[[int, int], Dataset], train: int, test: int) -> Splits:
    """`part(first, count)` for training, and for testing from where it ends."""
    if train < 1 or test < 0:
        raise DataError(f"{train} training and {test} test images: expected 1 and 0 or more")
    return Splits(part(0, train), None, part(train, test) if test else None)


def captchas(train: int = 1000, test: int = 200, seed: int = 0) -> Splits:
    """Four dark digits on white, 150x36 grey, as the Starter book's case study (chapter 21) met
    them: each upright or slanted, regular or bold, the row of them anywhere. Boxes with classes.
    """

    def part(first: int, count: int) -> Dataset:
        numbers = np.arange(first, first + count)
        placed = [_digits_of(int(i), seed) for i in numbers]
        boxes = [[_inked(ink, left, top) for _, ink, left, top in digits] for digits in placed]
        classes = [[digit for digit, *_ in digits] for digits in placed]
        truths = Truths(boxes=Boxes.of(boxes, classes))
        names = [str(digit) for digit in range(10)]
        return Generated(lambda i: _captcha(i, seed), first, truths, names, "captchas")

    return parts(part, train, test)


def _digits_of(number: int, seed: int) -> list[tuple[int, NDArray[np.uint8], int, int]]:
    """Digit, ink, left and top of each."""
    step, height = 33, CAPTCHA[0]

    def even(draw: str, low: float, high: float, place: int = 0) -> int:
        return int(chance.uniform(seed, place, number, f"captcha-{draw}", low, high))

    start, base = even("start", 3, 25), even("base", 22, 31)
    placed = []
    for place in range(4):
        digit, face = even("digit", 0, 10, place), FACES[even("face", 0, 4, place)]
        ink = glyph(str(digit), even("size", 21, 24, place), face)
        left = start + place * step + even("left", 0, 4, place)
        top = base - ink.shape[0] + even("top", 0, 3, place)
        placed.append((digit, ink, left, min(max(top, 0), height - ink.shape[0])))
    return placed


def _inked(ink: NDArray[np.uint8], left: int, top: int) -> tuple[int, int, int, int]:
    """The extent of what is dark, in the image's pixels."""
    rows = np.flatnonzero((ink >= INKED).any(1))
    columns = np.flatnonzero((ink >= INKED).any(0))
    return left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1


def _captcha(number: int, seed: int) -> Image:
    paper = np.full((*CAPTCHA, 1), 255, np.uint8)
    for _, ink, left, top in _digits_of(number, seed):
        area = paper[top : top + ink.shape[0], left : left + ink.shape[1], 0]
        np.minimum(area, 255 - ink, out=area)
    return paper


def blobs(
    train: int = 800,
    test: int = 200,
    centers: int = 3,
    size: Size = (16, 16),
    spread: float = 0.11,
    seed: int = 0,
) -> Splits:
    """One soft spot on black, grey: its place is drawn from the Gaussian of the image's class, as
    scikit-learn's `make_blobs` draws points. A problem of two numbers that looks like images.

    centers  classes, 2 to 10; their Gaussians stand evenly on a circle
    spread   deviation of a Gaussian, as a share of the side; the classes overlap a little
    """
    if not (2 <= centers <= 10 and 0 < spread <= 1 and all(4 <= side <= 256 for side in size)):
        raise DataError(
            f"blobs of {centers} centers, spread {spread:g}, {size[1]}x{size[0]} pixels: expected "
            "2 to 10, 0 to 1, sides 4 to 256"
        )

    def part(first: int, count: int) -> Dataset:
        numbers = np.arange(first, first + count)
        truths = Truths(label=numbers % centers)
        names = [f"blob {number + 1}" for number in range(centers)]

        def draw(number: int) -> Image:
            return _spot(_blob_place(number, centers, spread, seed), size)

        return Generated(draw, first, truths, names, "blobs")

    return parts(part, train, test)


def _blob_place(number: int, centers: int, spread: float, seed: int) -> tuple[float, float]:
    """x and y as shares of the sides."""
    turn = 2 * np.pi * ((number % centers) / centers + 0.1)
    radius = np.sqrt(-2 * np.log(1 - chance.uniform(seed, 0, number, "blob-radius")))
    angle = 2 * np.pi * chance.uniform(seed, 0, number, "blob-angle")
    x = 0.5 + 0.27 * np.cos(turn) + spread * radius * np.cos(angle)
    y = 0.5 + 0.27 * np.sin(turn) + spread * radius * np.sin(angle)
    return float(np.clip(x, 0.02, 0.98)), float(np.clip(y, 0.02, 0.98))


def _spot(place: tuple[float, float], size: Size) -> Image:
    columns, rows = (np.arange(side) + 0.5 for side in size[::-1])
    width = 0.09 * min(size)
    across = np.exp(-0.5 * ((columns - place[0] * size[1]) / width) ** 2)
    down = np.exp(-0.5 * ((rows - place[1] * size[0]) / width) ** 2)
    return np.rint(255 * down[:, None, None] * across[None, :, None]).astype(np.uint8)
