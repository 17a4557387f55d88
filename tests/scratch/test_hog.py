import numpy as np
import pytest

from sightline.scratch.hog import cells, gradients, hog


def slow_cells(image: np.ndarray, orientations: int, cell: int) -> np.ndarray:
    """Pixel by pixel, as the paper says it."""
    h, w = image.shape
    found = np.zeros((h // cell, w // cell, orientations))
    for i in range(h // cell * cell):
        for j in range(w // cell * cell):
            down = image[i + 1, j] - image[i - 1, j] if 0 < i < h - 1 else 0.0
            right = image[i, j + 1] - image[i, j - 1] if 0 < j < w - 1 else 0.0
            angle = np.degrees(np.arctan2(down, right)) % 180
            place = int(angle // (180 / orientations)) % orientations
            found[i // cell, j // cell, place] += np.hypot(down, right) / cell**2
    return found


@pytest.mark.parametrize(("orientations", "cell"), [(9, 4), (6, 5)])
def test_cells_are_those_counted_pixel_by_pixel(orientations: int, cell: int) -> None:
    image = np.random.default_rng(0).random((21, 18))
    expected = slow_cells(image, orientations, cell)
    np.testing.assert_allclose(cells(image, orientations, cell), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 33), (32, 32, 3)])
@pytest.mark.parametrize(("cell", "block"), [(8, 2), (4, 3), (6, 1)])
def test_the_descriptor_is_that_of_scikit_image(
    shape: tuple[int, ...], cell: int, block: int
) -> None:
    feature = pytest.importorskip("skimage.feature")
    image = np.random.default_rng(1).random(shape)
    theirs = feature.hog(
        image, 9, (cell, cell), (block, block), "L2-Hys", feature_vector=True,
        channel_axis=-1 if image.ndim == 3 else None,
    )  # fmt: skip
    np.testing.assert_allclose(hog(image, 9, cell, block), theirs, rtol=1e-5, atol=1e-7)  # float32


def test_a_vertical_edge_votes_for_one_direction_whatever_the_light() -> None:
    image = np.repeat([[0.0] * 4 + [1.0] * 4], 8, axis=0)
    length, direction = gradients(image)
    assert set(direction[length > 0]) == {0}
    votes = cells(image, 9, 8)[0, 0]
    assert votes[0] == pytest.approx(16 / 64) and votes[1:].sum() == 0
    assert cells(image.T, 9, 8)[0, 0].argmax() == 4  # 90 degrees of 9 bins of 20
    brighter = hog(5 + 3 * image, cell=4)
    np.testing.assert_allclose(brighter, hog(image, cell=4), atol=1e-4)


def test_blocks_have_length_one_and_a_blank_image_gives_zeros() -> None:
    image = np.random.default_rng(2).random((32, 32))
    blocks = hog(image, cell=8, block=2).reshape(9, 36)
    np.testing.assert_allclose(np.linalg.norm(blocks, axis=1), 1, atol=1e-6)
    assert not hog(np.ones((32, 32))).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hog(np.zeros((2, 9))), r"from 3x3, got \(2, 9\)"),
        (lambda: hog(np.zeros((8, 8)), cell=9), "cell of 1 to 8, got 9 and 9"),
        (lambda: hog(np.zeros((8, 8)), cell=8), "block: expected 1 to 1 cells, got 2"),
    ],
)
def test_what_does_not_fit_is_said(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
