"""Pictures in and out: the only door to decoders. Every image inside is uint8 RGB or grey.

What becomes of unusual pictures (the first rule that applies):
  EXIF orientation        applied once, here; nothing later looks at it
  bilevel, grey           one channel
  16-bit grey             divided by 257, so 65535 becomes 255
  32-bit or float grey    0..1 times 255, 0..255 as it is, 0..65535 divided by 257; else refused
  alpha, transparency     laid over white
  palette, CMYK, YCbCr    converted to RGB
  animations              the first frame
"""

import importlib.util
import io
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL
from PIL import ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from sightline import files
from sightline.errors import DataError
from sightline.types import Image, Size

PIXEL_CAP = 80_000_000  # 240 MB decoded; Pillow warns above 89 million
BYTE_CAP = 256 * 2**20
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")  # the decoders that may run at all
ORIENTATION = 0x0112  # EXIF tag
WHITE = (255, 255, 255)


def read(path: Path) -> Image:
    """Decode the picture at `path` to (height, width, 1 or 3) uint8.

    Raises DataError, naming the file, when it is missing, no picture, cut short or too large.
    """
    try:
        size = path.stat().st_size
        if size > BYTE_CAP:
            raise DataError(f"{path}: {size / 2**20:.0f} MB, over the cap of {BYTE_CAP >> 20} MB")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    return decode(data, str(path))


def decode(data: bytes, source: str) -> Image:
    """Decode the bytes of one picture; `source` names it in errors."""
    if not data:
        raise DataError(f"{source}: empty file")
    try:
        with PIL.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > PIXEL_CAP:
                raise DataError(_too_large(source, f"{width} x {height} pixels"))
            fast = _decode_fast(data, picture)
            return _decode_any(picture, source) if fast is None else fast
    except (PIL.DecompressionBombError, PIL.DecompressionBombWarning) as error:
        raise DataError(_too_large(source, str(error).split(",")[0].lower())) from None
    except UnidentifiedImageError:
        raise DataError(f"{source}: not a picture (starts with {data[:8]!r})") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError) as error:
        # What Pillow's decoders raise on damaged files; cv2 is not reached with those.
        raise DataError(f"{source}: damaged picture ({str(error).rstrip('.')})") from None


def _too_large(source: str, what: str) -> str:
    return f"{source}: {what}, over the cap of {PIXEL_CAP // 1_000_000} million"


def _decode_fast(data: bytes, picture: PIL.Image) -> Image | None:
    """OpenCV's decoder for whole, plain files; None where Pillow must look.

    OpenCV fills what a cut JPEG lacks with grey and says nothing, so the end marker is asked for.
    """
    if picture.mode not in ("L", "RGB") or "transparency" in picture.info:
        return None
    if picture.format == "JPEG":
        if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            return None
    elif picture.format == "PNG":
        if b"IEND" not in data[-64:] or b"eXIf" in data or b"acTL" in data:
            return None
    else:
        return None
    gray = picture.mode == "L"
    flag = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR_RGB
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        return None
    turn = picture.getexif().get(ORIENTATION, 1) if picture.format == "JPEG" else 1
    if turn != 1:
        pixels = np.ascontiguousarray(_turned(pixels, turn))
    return with_channels(pixels)


def _turned(pixels: NDArray, orientation: int) -> NDArray:
    """Undo an EXIF orientation, 1 to 8 (EXIF 2.3, 4.6.4)."""
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _decode_any(picture: PIL.Image, source: str) -> Image:
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    mode = upright.mode
    if mode in ("1", "L"):
        return with_channels(np.asarray(upright.convert("L")))
    if mode == "F" or mode.startswith("I"):
        return with_channels(_eight_bits(np.asarray(upright), source))
    if upright.has_transparency_data:
        paper = PIL.new("RGBA", upright.size, WHITE)
        upright = PIL.alpha_composite(paper, upright.convert("RGBA"))
        if mode == "LA":
            return with_channels(np.asarray(upright.convert("L")))
    return np.asarray(upright.convert("RGB")).copy()


def _eight_bits(values: NDArray, source: str) -> Image:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535):  # also catches nan
        raise DataError(f"{source}: grey values from {low:g} to {high:g}; expected 0 to 65535")
    if values.dtype.kind == "f" and high <= 1:
        return np.rint(values * 255.0).astype(np.uint8)
    if values.dtype == np.uint16 or high > 255:
        return np.rint(values / 257.0).astype(np.uint8)
    return np.rint(values).astype(np.uint8)


def with_channels(pixels: NDArray) -> NDArray:
    """(height, width) -> (height, width, 1); three dimensions pass."""
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def to_channels(image: Image, channels: int) -> Image:
    """The image with 1 or 3 channels: grey is repeated, color weighed as ITU-R BT.601."""
    if image.shape[2] == channels:
        return image
    code = cv2.COLOR_GRAY2RGB if channels == 3 else cv2.COLOR_RGB2GRAY
    return with_channels(cv2.cvtColor(image, code))


def resize(image: Image, size: Size) -> Image:
    """To (height, width): area averaging where it shrinks, linear where it grows."""
    height, width = size
    if image.shape[:2] == (height, width):
        return image
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return with_channels(cv2.resize(image, (width, height), interpolation=how))


def encode(image: Image, suffix: str, quality: int = 92) -> bytes:
    """The bytes of a .png, .jpg or .webp file."""
    pixels = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, quality]
    if suffix == ".webp":
        options = [cv2.IMWRITE_WEBP_QUALITY, quality]
    done, data = cv2.imencode(suffix, pixels, options)
    assert done, f"cannot encode {suffix}"
    return data.tobytes()


def write(path: Path, image: Image) -> None:
    """Write a .png, .jpg or .webp, whole or not at all."""
    files.write_bytes(path, encode(image, path.suffix.lower()))


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
    pixels = to_channels(image, 3)
    height, width = pixels.shape[:2]
    if width < 224:
        factor = -(-224 // width)
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
