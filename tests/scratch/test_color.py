import cv2
import numpy as np
import pytest

from sightline.scratch.color import histogram, most_deviation, statistics


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (9, 7, 3)).astype(np.uint8)


def test_statistics_are_those_of_opencv_and_do_not_see_where_things_are() -> None:
    mean, deviation = cv2.meanStdDev(image())
    np.testing.assert_allclose(statistics(image()), np.ravel([mean, deviation]), rtol=1e-12)
    shuffled = np.random.default_rng(1).permutation(image().reshape(-1, 3)).reshape(9, 7, 3)
    np.testing.assert_allclose(statistics(shuffled), statistics(image()), rtol=1e-12)


def test_a_histogram_is_that_of_opencv() -> None:
    theirs = cv2.calcHist([image()], [0, 1, 2], None, [4, 4, 4], [0, 256] * 3)
    np.testing.assert_allclose(histogram(image(), 4), theirs.ravel() / 63)
    assert histogram(image(), 8).sum() == pytest.approx(1) and histogram(image(), 8).size == 512


def test_no_bytes_deviate_by_more_than_half_black_half_white() -> None:
    half = np.repeat([[0, 255]], 8, axis=0)[..., None]
    mean, deviation = statistics(half)
    assert deviation == most_deviation(mean) == 127.5
    assert most_deviation(0) == most_deviation(255) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: statistics(np.zeros((3, 3))), r"got \(3, 3\)"),
        (lambda: histogram(np.full((2, 2, 1), 300)), "values of 0 to 255, got 300"),
        (lambda: histogram(image(), 0), "bins: expected 1 or more, got 0"),
        (lambda: most_deviation(-1), "expected 0 to 255, got -1"),
    ],
)
def test_what_does_not_fit_is_said(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
