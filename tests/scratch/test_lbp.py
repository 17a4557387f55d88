import numpy as np
import pytest

from sightline.scratch.lbp import lbp, patterns, uniform


@pytest.mark.parametrize(("points", "radius"), [(8, 1.0), (8, 2.0), (16, 2.0), (6, 1.5), (4, 1.0)])
def test_codes_are_those_of_scikit_image(points: int, radius: float) -> None:
    feature = pytest.importorskip("skimage.feature")
    image = (np.random.default_rng(0).random((20, 23)) * 255).astype(np.uint16)
    margin = int(np.ceil(radius))
    inner = np.s_[margin:-margin, margin:-margin]  # scikit-image reads zeros beyond the border
    ours = patterns(image, points, radius)
    for name, codes in (("default", ours), ("uniform", uniform(ours, points))):
        theirs = feature.local_binary_pattern(image, points, radius, name)[inner]
        np.testing.assert_array_equal(codes, theirs.astype(np.int64))


def test_four_neighbors_by_hand() -> None:
    image = np.array([[0, 9, 0], [1, 5, 5], [0, 2, 0]])  # right 5, above 9, left 1, below 2
    assert patterns(image, 4).tolist() == [[0b0011]]
    assert uniform(np.array([0b0011, 0b0101, 0, 0b1111]), 4).tolist() == [2, 5, 0, 4]


def test_flat_regions_are_one_pattern_and_light_changes_nothing() -> None:
    assert set(patterns(np.full((6, 6), 7)).ravel()) == {255}
    image = np.random.default_rng(1).integers(0, 100, (12, 12))
    np.testing.assert_array_equal(patterns(2 * image + 30), patterns(image))


def test_uniform_codes_are_58_of_256_and_do_not_change_when_the_image_turns() -> None:
    assert (uniform(np.arange(256)) <= 8).sum() == 58
    image = np.random.default_rng(2).random((16, 16))
    turned = uniform(patterns(np.rot90(image)))
    np.testing.assert_array_equal(turned, np.rot90(uniform(patterns(image))))
    np.testing.assert_allclose(lbp(np.rot90(image)), lbp(image))


def test_a_grid_has_shares_a_cell() -> None:
    shares = lbp(np.random.default_rng(3).random((11, 12)), grid=2).reshape(4, 10)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patterns(np.zeros((5, 5, 3))), r"got \(5, 5, 3\), 8 and 1"),
        (lambda: patterns(np.zeros((4, 9)), 8, 2), "5 pixels a side or more"),
        (lambda: lbp(np.zeros((5, 5)), grid=4), "grid: expected 1 to 3, got 4"),
    ],
)
def test_what_does_not_fit_is_said(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
