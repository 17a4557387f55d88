"""What our HTML pages share: the template engine, figures in words, pictures as data."""

import base64
import math

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from sightline import images
from sightline.types import Image

SIDE = 224  # pixels, the longest side of a picture on a page
SMALL = 100  # pixels, a longest side up to which single pixels stay visible


def picture(image: Image, top: int = 255, side: int = SIDE) -> tuple[str, bool]:
    """A data: address of the image, its longest side at most `side`, and whether it is a small one,
    to be enlarged pixel by pixel.

    top  the value that is taken for white
    """
    if top != 255:
        image = np.clip(np.rint(image * (255 / top)), 0, 255).astype(np.uint8)
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest > side:
        size = max(1, height * side // longest), max(1, width * side // longest)
        image = images.resize(image, size)
    crisp = longest <= SMALL
    suffix, kind = (".png", "png") if crisp else (".jpg", "jpeg")
    data = base64.b64encode(images.encode(image, suffix, quality=88)).decode()
    return f"data:image/{kind};base64,{data}", crisp


def percent(share: float, n: int) -> str:
    """A share as "92.7 %"; a second digit where n images bear it out."""
    return f"{100 * share:.{1 if n < 2000 else 2}f}\u202f%" if math.isfinite(share) else "–"


def number(value: float) -> str:
    """Four digits, thousands set apart."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Seconds as "2 h 5 min", "6 min 40 s" or "8.1 s"."""
    if seconds < 60:
        return f"{seconds:.1f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min {rest}\u00a0s"
    return f"{minutes // 60}\u00a0h {minutes % 60}\u00a0min"


def environment() -> Environment:
    """Every word from data is escaped; a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("sightline"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": number, "duration": duration}
    return environment
