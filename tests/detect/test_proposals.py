"""Graph-based segments, and boxes of their groupings."""

import numpy as np
import pytest
from skimage.segmentation import felzenszwalb

from sightline.detect.proposals import grouped, proposals
from sightline.detect.segments import blurred, segments
from sightline.errors import DataError


def scene(noise: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = np.full((60, 80, 3), 60)
    image[10:40, 8:30] = (200, 60, 60)
    image[20:50, 45:70] = (60, 180, 90)
    image[28:36, 52:62] = (230, 230, 240)
    return (image + rng.integers(0, noise + 1, image.shape)).astype(np.uint8)


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = np.unique(np.stack([one.ravel(), other.ravel()], 1), axis=0)
    return len(pairs) == one.max() + 1 == len(np.unique(other))


def test_segments_are_the_areas_of_one_color() -> None:
    found = segments(scene(), 600, 0)
    assert found.max() == 3 and found[0, 0] == 0
    assert len({found[2, 2], found[25, 20], found[45, 50], found[32, 57]}) == 4


@pytest.mark.parametrize("scale", [50.0, 300.0])
def test_segments_without_noise_are_scikit_images(scale: float) -> None:
    image = scene(0)
    expected = felzenszwalb(image, scale=scale, sigma=0, min_size=20)
    assert same_partition(segments(image, scale, 0, 20), expected)


def test_none_is_smaller_than_asked_and_a_larger_scale_leaves_fewer() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 1), dtype=np.uint8)
    few, many = segments(image, 2000, least=30), segments(image, 50, least=5)
    assert np.bincount(few.ravel()).min() >= 30 and np.bincount(many.ravel()).min() >= 5
    assert few.max() < many.max()
    with pytest.raises(DataError, match="least 0"):
        segments(image, least=0)


def test_a_blur_keeps_what_is_even_and_the_mean_of_the_rest() -> None:
    even = np.full((9, 12, 2), 7.0)
    np.testing.assert_allclose(blurred(even, 1.5), even)
    spot = np.zeros((41, 41, 1))
    spot[20, 20] = 1
    assert blurred(spot, 2).sum() == pytest.approx(1)


def test_grouping_ends_with_one_region_and_boxes_every_one_before() -> None:
    labels = segments(scene(), 600, 0)
    boxes = grouped(scene(), labels)
    assert len(boxes) == 2 * 4 - 1
    assert boxes[-1].tolist() == [0, 0, 80, 60]
    for number in range(4):
        rows, columns = np.nonzero(labels == number)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert boxes[number].tolist() == box


def test_proposals_hold_the_objects_each_once() -> None:
    found = proposals(scene(), (100, 300), smallest=5)
    assert len(np.unique(found, axis=0)) == len(found)
    for truth in ([8, 10, 30, 40], [45, 20, 70, 50], [52, 28, 62, 36]):
        assert np.abs(found - truth).max(1).min() <= 2
