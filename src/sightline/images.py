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

import io
import os
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL
from PIL import ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from sightline import files, jpeg
from sightline.errors import DataError
from sightline.types import Image, Size

PIXEL_CAP = 80_000_000  # 240 MB decoded; Pillow warns above 89 million
BYTE_CAP = 256 * 2**20
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")  # the decoders that may run at all
ORIENTATION = 0x0112  # EXIF tag
SIDEWAYS = (5, 6, 7, 8)  # its values that swap height and width
REDUCED = {  # JPEG decoders do these for less than the whole costs
    2: (cv2.IMREAD_REDUCED_GRAYSCALE_2, cv2.IMREAD_REDUCED_COLOR_2),
    4: (cv2.IMREAD_REDUCED_GRAYSCALE_4, cv2.IMREAD_REDUCED_COLOR_4),
    8: (cv2.IMREAD_REDUCED_GRAYSCALE_8, cv2.IMREAD_REDUCED_COLOR_8),
}
warnings.filterwarnings("ignore", module=r"PIL\.")  # of caps we keep ourselves, and odd metadata
TIFF_WIDTH, TIFF_HEIGHT = 256, 257  # tags
PNG_ORIENTED = (b"eXIf", b"Raw profile", b"com.adobe.xmp")  # where a PNG may say it is turned
PNG_ODD = (*PNG_ORIENTED, b"acTL")  # or animated
WHITE = (255, 255, 255)


def read(path: Path) -> Image:
    """Decode the picture at `path` to (height, width, 1 or 3) uint8.

    Raises DataError, naming the file, when it is missing, no picture, cut short or too large.
    """
    return decode(content(path), str(path))


def read_reduced(path: Path, needed: Callable[[Size], Size]) -> tuple[Image, Size]:
    """As `read`, but a JPEG is decoded at a half, a quarter or an eighth of its size where that is
    still twice what is needed: several times quicker. Also gives the whole size.

    needed  from the whole (height, width) to the smallest that will do
    """
    data, source = content(path), str(path)
    header = jpeg.header(data)
    if header is not None:
        size = header.size[::-1] if header.orientation in SIDEWAYS else header.size
        ratio = min(whole / small for whole, small in zip(size, needed(size), strict=True))
        fits = [n for n in REDUCED if ratio >= 2 * n]  # averaged down by 2 or more thereafter
        image = _decode_jpeg(data, header, source, max(fits, default=1))
        if image is not None:
            return image, size
    image = decode(data, source)
    return image, image.shape[:2]


def content(path: Path) -> bytes:
    """The bytes of a picture's file. Raises DataError, naming it, where it is none or too large."""
    return files.content(path, BYTE_CAP)


def has_alpha(data: bytes, source: str) -> bool:
    """Whether a picture says that it is transparent somewhere, by its header; JPEG and BMP never.

    Raises DataError as `decode` does.
    """
    if data.startswith((b"\xff\xd8", b"BM")):
        return False
    with _opened(io.BytesIO(data), source) as picture:
        return picture.has_transparency_data


def size(path: Path) -> Size:
    """(height, width) of what `read` would give, from the header alone; the same caps and errors.

    A PNG that may be oriented is decoded: its EXIF can lie behind the pixels.
    """
    with _opened_path(path) as picture:
        width, height = picture.size
        if picture.format == "PNG":
            if any(mark in content(path) for mark in PNG_ORIENTED):
                return read(path).shape[:2]
            return height, width
        if isinstance(picture, TiffImageFile):  # some Pillows have turned its size already
            width, height = picture.tag_v2[TIFF_WIDTH], picture.tag_v2[TIFF_HEIGHT]
        turned = picture.getexif().get(ORIENTATION, 1) in SIDEWAYS
        return (width, height) if turned else (height, width)


def read_mask(path: Path) -> NDArray[np.uint8]:
    """(height, width): the value of each pixel as the file holds it.

    Palette pictures give their indices, bilevel ones 0 and 1, grey ones their values; RGB is taken
    where its channels are equal, 16 bits where no value is over 255. Raises DataError as `read`
    does, and for anything else.
    """
    with _opened_path(path) as picture:
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        mode, values = upright.mode, np.asarray(upright)
    if mode in ("1", "L", "P"):
        return values.astype(np.uint8)
    if mode == "RGB":
        if (values == values[..., :1]).all():
            return values[..., 0].copy()
        raise DataError(f"{path}: a mask in color; expected one value a pixel")
    if mode.startswith("I"):
        if values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8)
        raise DataError(f"{path}: mask values to {values.max()}; expected 0 to 255")
    raise DataError(f"{path}: a mask of mode {mode}; expected grey, a palette or black and white")


@contextmanager
def _opened(file: IO[bytes], source: str) -> Iterator[PIL.Image]:
    """The picture in an open file, its header read; what fails inside becomes a DataError."""
    try:
        with PIL.open(file, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > PIXEL_CAP:
                raise DataError(_too_large(source, f"{width} x {height} pixels"))
            yield picture
    except (PIL.DecompressionBombError, PIL.DecompressionBombWarning) as error:
        found = re.search(r"\d+", str(error))  # Pillow stops before it tells width and height
        what = f"{int(found[0]) // 1_000_000} million pixels" if found else "too many pixels"
        raise DataError(_too_large(source, what)) from None
    except UnidentifiedImageError:
        file.seek(0)
        raise DataError(f"{source}: not a picture (starts with {file.read(8)!r})") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError) as error:
        # What Pillow's decoders raise on damaged files; cv2 is not reached with those.
        raise DataError(f"{source}: damaged picture ({str(error).rstrip('.')})") from None


@contextmanager
def _opened_path(path: Path) -> Iterator[PIL.Image]:
    with files.plain(path, BYTE_CAP) as (handle, size):
        if size == 0:
            raise DataError(f"{path}: empty file")
        with (
            os.fdopen(handle, "rb", closefd=False) as file,
            _opened(file, str(path)) as picture,
        ):
            yield picture


def decode(data: bytes, source: str) -> Image:
    """Decode the bytes of one picture; `source` names it in errors."""
    if not data:
        raise DataError(f"{source}: empty file")
    header = jpeg.header(data)
    image = None if header is None else _decode_jpeg(data, header, source)
    if image is not None:
        return image
    with _opened(io.BytesIO(data), source) as picture:
        if picture.format == "PNG":
            _check_png(data, source)
        fast = _decode_fast(data, picture)
        return _decode_any(picture, source) if fast is None else fast


def _too_large(source: str, what: str) -> str:
    return f"{source}: {what}, over the cap of {PIXEL_CAP // 1_000_000} million"


def _decode_jpeg(data: bytes, header: jpeg.Header, source: str, part: int = 1) -> Image | None:
    """A plain JPEG by OpenCV, upright; None where it cannot.

    part  1, or 2, 4, 8: decode at that part of the size
    """
    height, width = header.size
    if width * height > PIXEL_CAP:
        raise DataError(_too_large(source, f"{width} x {height} pixels"))
    gray = header.channels == 1
    flag = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR_RGB
    if part > 1:
        flag = REDUCED[part][not gray]
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        return None
    if part > 1 and not gray:  # these flags know no other order
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, pixels)
    if header.orientation != 1:
        pixels = np.ascontiguousarray(_turned(pixels, header.orientation))
    return with_channels(pixels)


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
        if any(word in data for word in PNG_ODD):
            return None
    else:
        return None
    gray = picture.mode == "L"
    flag = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR_RGB
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        return None
    turn = _orientation(picture) if picture.format == "JPEG" else 1
    if turn != 1:
        pixels = np.ascontiguousarray(_turned(pixels, turn))
    return with_channels(pixels)


def _orientation(picture: PIL.Image) -> int:
    """1 to 8; 1 where EXIF is missing or too damaged to be read: no fault of the pixels."""
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except (Warning, SyntaxError, ValueError, TypeError, KeyError, OSError, struct.error):
        return 1


def _check_png(data: bytes, source: str) -> None:
    """Every chunk that matters is whole and of the checksum it carries; no decoder here asks."""
    at, kind = 8, b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise DataError(f"{source}: damaged picture (cut short)")
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data):
            raise DataError(f"{source}: damaged picture (cut short)")
        critical = kind[:1].isupper()
        if critical and zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(
            data[end : end + 4], "big"
        ):
            raise DataError(f"{source}: damaged picture (checksum of {kind!r})")
        at = end + 4


def _turned(pixels: NDArray, orientation: int) -> NDArray:
    """Undo an EXIF orientation, 1 to 8 (EXIF 2.3, 4.6.4)."""
    if orientation in SIDEWAYS:
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
    if mode == "F" or mode.startswith("I"):
        return with_channels(_eight_bits(np.asarray(upright), source))
    if upright.has_transparency_data:
        paper = PIL.new("RGBA", upright.size, WHITE)
        upright = PIL.alpha_composite(paper, upright.convert("RGBA"))
    if mode in ("1", "L", "LA"):
        return with_channels(np.asarray(upright.convert("L")).copy())
    return np.asarray(upright.convert("RGB")).copy()


def _eight_bits(values: NDArray, source: str) -> Image:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535):  # also catches nan
        raise DataError(f"{source}: grey values from {low:g} to {high:g}; expected 0 to 65535")
    if values.dtype.kind == "f" and high <= 1:
        return np.rint(values * 255.0).astype(np.uint8)
    if values.dtype.itemsize == 2 or high > 255:  # also of the other order of bytes
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
    low = min(height, image.shape[0]), min(width, image.shape[1])
    if low != image.shape[:2]:  # first what shrinks, so that nothing is skipped
        image = with_channels(cv2.resize(image, low[::-1], interpolation=cv2.INTER_AREA))
    if low == (height, width):
        return image
    return with_channels(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))


def encode(image: Image, suffix: str, quality: int = 92) -> bytes:
    """The bytes of a .png, .jpg or .webp file."""
    pixels = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, quality]
    if suffix == ".webp":
        options = [cv2.IMWRITE_WEBP_QUALITY, quality]
    done, data = cv2.imencode(suffix, pixels, options)
    assert done, f"cannot encode {suffix}"
    return data.tobytes()


def write(path: Path, image: Image, new: bool = False) -> None:
    """Write a .png, .jpg or .webp, whole or not at all; `new` as in `files.atomic`."""
    files.write_bytes(path, encode(image, path.suffix.lower()), new)
