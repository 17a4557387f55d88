"""Spoiled pictures: by their levels, by (seed, index) alone, in any value range."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.study.robustness.corruptions import CORRUPTIONS, corrupted

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
FLAT = np.full((64, 64, 1), 128, np.uint8)


@given(
    st.sampled_from(sorted(CORRUPTIONS)),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([1, 3]),
    st.sampled_from([255, 16]),
)
@settings(max_examples=60, deadline=None)
def test_size_kind_and_range_stay(
    name: str, strength: int, height: int, width: int, channels: int, top: int
) -> None:
    rng = np.random.default_rng(height * width)
    image = rng.integers(0, top + 1, (height, width, channels), dtype=np.uint8)
    before = image.copy()
    found = corrupted(image, name, strength, 0, 3, top)
    assert found.shape == image.shape and found.dtype == np.uint8 and found.max() <= top
    assert np.array_equal(image, before)
    assert np.array_equal(found, corrupted(image, name, strength, 0, 3, top))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_strength_takes_a_picture_further_from_what_it_was(name: str) -> None:
    smooth = cv2.GaussianBlur(PHOTO, (0, 0), 2)
    away = [
        float(np.abs(corrupted(smooth, name, at, 0, 0).astype(float) - smooth).mean())
        for at in range(1, 6)
    ]
    assert away == sorted(away) and away[0] > 0 and len(set(away)) == 5


def test_noise_has_the_deviation_that_is_said_and_is_of_the_index() -> None:
    for strength, level in enumerate(CORRUPTIONS["noise"].levels[:3], 1):
        found = corrupted(FLAT, "noise", strength, 0, 0).astype(float) - 128
        assert found.std() == pytest.approx(level, rel=0.05) and abs(found.mean()) < 1.5
    one, again = (corrupted(FLAT, "noise", 2, 0, 1) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, corrupted(FLAT, "noise", 2, 0, 2))
    assert not np.array_equal(one, corrupted(FLAT, "noise", 2, 1, 1))


def test_the_other_corruptions_by_hand() -> None:
    steps = np.array([[[0], [100]], [[200], [255]]], np.uint8)
    assert corrupted(steps, "brightness", 3, 0, 0).ravel().tolist() == [75, 175, 255, 255]
    # the mean is 138.75; half of the contrast is left
    assert corrupted(steps, "contrast", 2, 0, 0).ravel().tolist() == [69, 119, 169, 197]
    peak = np.zeros((101, 101, 1), np.uint8)
    peak[50, 50] = 255
    blurred = corrupted(np.full_like(peak, 90), "blur", 5, 0, 0)
    assert (blurred == 90).all()
    assert corrupted(peak, "blur", 1, 0, 0)[50, 50] == round(255 / (2 * np.pi * 1.01**2))
    encoded = cv2.imencode(".jpg", PHOTO[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    by_hand = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(corrupted(PHOTO, "jpeg", 3, 0, 0), by_hand)


def test_pictures_of_16_grey_levels_are_spoiled_as_much_as_others() -> None:
    dark = np.full((8, 8, 1), 4, np.uint8)
    assert (corrupted(dark, "brightness", 5, 0, 0, top=16) == 12).all()  # 125 of 255 is 7.8 of 16
