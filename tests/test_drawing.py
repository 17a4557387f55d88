"""Captions below pictures."""

import numpy as np
import pytest

from sightline import drawing, images


@pytest.mark.parametrize("shape", [(32, 48, 3), (8, 8, 1), (300, 400, 3), (1, 1, 1)], ids=str)
def test_a_caption_stands_below_the_whole_image(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    sheet = drawing.captioned(pixels, "cat 97.1 %  (dog 2.2 %, größe 像素)")
    height, width = sheet.shape[:2]
    factor = width // shape[1]
    assert sheet.dtype == np.uint8
    assert width >= 224
    assert width == factor * shape[1]
    above = pixels.repeat(factor, 0).repeat(factor, 1)
    assert np.array_equal(sheet[: len(above)], images.to_channels(above, 3))
    band = sheet[len(above) :]
    assert height > len(above)
    assert band.max() > 200  # there are letters


def test_a_long_caption_is_set_smaller() -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    short, long = drawing.captioned(pixels, "cat"), drawing.captioned(pixels, "a long line " * 5)
    assert long.shape[0] < short.shape[0]
    assert (long[300:, -4:] == long[300, -1]).all()  # it ends before the edge
