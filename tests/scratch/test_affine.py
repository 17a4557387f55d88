import numpy as np
import pytest
from scipy import ndimage

from sightline.scratch.affine import moved, turned


@pytest.mark.parametrize("degrees", [0, 30, -75, 180])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6])
def test_images_move_as_scipys_do(degrees: float, scale: float) -> None:
    images = np.random.default_rng(0).random((2, 9, 7))
    matrix, middle, shift = turned(degrees, scale), np.array([4.0, 3.0]), np.array([0.5, -1.25])
    offset = middle - matrix @ (middle + shift)
    expected = [
        ndimage.affine_transform(image, matrix, offset, order=1, mode="grid-constant")
        for image in images
    ]
    np.testing.assert_allclose(moved(images, matrix, (0.5, -1.25)), expected, atol=1e-12)


def test_a_quarter_turn_goes_against_the_clock_and_a_whole_shift_is_exact() -> None:
    image = np.random.default_rng(1).random((1, 8, 8))
    np.testing.assert_allclose(moved(image, turned(90))[0], np.rot90(image[0]), atol=1e-12)
    shifted = moved(image, np.eye(2), (2, 1))[0]
    np.testing.assert_allclose(shifted[2:, 1:], image[0, :-2, :-1], atol=1e-12)
    assert not shifted[:2].any() and not shifted[:, 0].any()


def test_every_image_can_have_its_own_matrix() -> None:
    images = np.random.default_rng(2).random((3, 6, 6))
    matrices = np.stack([turned(angle) for angle in (0, 40, 90)])
    each = [moved(image[None], matrix)[0] for image, matrix in zip(images, matrices, strict=True)]
    np.testing.assert_array_equal(moved(images, matrices), each)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match=r"got \(6, 6\) and \(2, 2\)"):
        moved(np.zeros((6, 6)), np.eye(2))
    with pytest.raises(ValueError, match="scale: expected above 0, got 0"):
        turned(0, 0)
