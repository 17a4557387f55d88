"""What the quick look at a JPEG says is what Pillow says, or nothing."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightline import images, jpeg

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)


def encoded(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
def test_a_plain_jpeg_is_understood(mode: str, channels: int, progressive: bool) -> None:
    data = encoded(mode, progressive=progressive)
    assert jpeg.header(data) == jpeg.Header((9, 14), channels, 1)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_is_read_in_both_orders_of_bytes(turn: int, order: str) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif[0x0112] = turn
    exif[0x010F] = "a camera"
    found = jpeg.header(encoded(exif=exif.tobytes()))
    assert found == jpeg.Header((9, 14), 3, turn)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        encoded("CMYK"),
        encoded(keep_rgb=True),
        encoded()[:-2],
        encoded() + bytes(100),
        encoded(exif=b"Exif\0\0XX*\0" + bytes(20)),
        encoded(xmp=b'<x tiff:Orientation="6"/>'),
    ],
    ids=["nothing", "three bytes", "inks", "RGB", "cut", "a tail", "bad EXIF", "XMP"],
)
def test_for_all_else_pillow_is_asked(data: bytes) -> None:
    assert jpeg.header(data) is None


@given(st.data())
def test_a_damaged_header_is_never_understood_otherwise_than_by_pillow(data: st.DataObject) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = bytearray(encoded(exif=exif.tobytes()))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, 200))] = data.draw(st.integers(0, 255))
    found = jpeg.header(bytes(whole))
    if found is None:
        return
    try:
        with Image.open(io.BytesIO(whole)) as picture:
            said = picture.size[::-1], len(picture.getbands())
    except (OSError, SyntaxError, ValueError, UserWarning):
        return
    assert (found.size, found.channels) == said


def test_a_plain_jpeg_is_decoded_as_pillow_decodes_it() -> None:
    for mode in ("RGB", "L"):
        data = encoded(mode, quality=95, subsampling=0)
        with Image.open(io.BytesIO(data)) as picture:
            theirs = np.asarray(picture).reshape(9, 14, -1).astype(int)
        assert np.abs(images.decode(data, "x").astype(int) - theirs).max() <= 2
