"""Words as pixels: the fonts, what of a text can be shown, and how much of it fits."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

Face = Literal["regular", "bold", "oblique", "bold-oblique"]
FILES: dict[Face, str] = {
    "regular": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "oblique": "DejaVuSans-Oblique.ttf",
    "bold-oblique": "DejaVuSans-BoldOblique.ttf",
}
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size: int, face: Face = "regular") -> Font:
    """DejaVu Sans as matplotlib ships it (it knows far more scripts than Pillow's own font)."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / FILES[face]
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def printable(text: str) -> str:
    """The text with a question mark for every letter that has no shape (newlines, controls)."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def length(text: str, size: int, face: Face = "regular") -> float:
    """Pixels that a line of text takes as it is shown."""
    return font(size, face).getlength(printable(text))


def shortened(text: str, width: float, size: int, face: Face = "regular") -> str:
    """The printable text, cut and ended by … where it is longer than `width` pixels."""
    text = printable(text[:1000])
    if length(text, size, face) <= width:
        return text
    low, high = 0, len(text)  # how many letters fit is between
    while low < high:
        middle = (low + high + 1) // 2
        fits = length(text[:middle].rstrip() + "…", size, face) <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + "…" if low else ""


@cache
def glyph(text: str, size: int, face: Face = "regular") -> NDArray[np.uint8]:
    """(h, w) coverage of a text, 0 to 255, no wider or higher than its ink; not to be written to.

    The same for every caller.
    """
    mask = font(size, face).getmask(text, mode="L")
    pixels = np.array(mask, np.uint8).reshape(mask.size[1], mask.size[0])
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    ink = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels
    ink.flags.writeable = False
    return ink
