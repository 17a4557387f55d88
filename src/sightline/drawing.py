"""What is drawn onto pictures: captions below them."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as PIL
from PIL import ImageDraw, ImageFont

from sightline.images import to_channels
from sightline.types import Image


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans as matplotlib ships it (it knows far more scripts than Pillow's own font)."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def captioned(image: Image, text: str) -> Image:
    """The image in color, at least 224 pixels wide, with a line of text on a band below it."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    pixels = to_channels(image, 3)
    height, width = pixels.shape[:2]
    factor = -(-224 // width)
    if factor > 1 and height * factor <= 4096:
        pixels = np.repeat(np.repeat(pixels, factor, 0), factor, 1)
        height, width = pixels.shape[:2]
    size = max(14, width // 22)
    font = _font(size)
    while size > 9 and font.getlength(text) > width - size:
        size -= 1
        font = _font(size)
    band = int(size * 1.9)
    sheet = PIL.new("RGB", (width, height + band), (24, 24, 27))
    sheet.paste(PIL.fromarray(pixels), (0, 0))
    pen = ImageDraw.Draw(sheet)
    pen.text((size // 2, height + band // 2), text, font=font, fill=(250, 250, 250), anchor="lm")
    return np.asarray(sheet).copy()
