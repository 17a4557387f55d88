import cv2
import numpy as np
import pytest

from sightline.scratch.kernels import BOOK, EDGES, PREWITT, SCHARR, SOBEL, box_blur


def test_the_book_has_seven_kernels_all_of_odd_sides() -> None:
    assert list(BOOK) == [
        "small_blur", "large_blur", "sharpen", "laplacian", "sobel_x", "sobel_y", "emboss",
    ]  # fmt: skip
    assert all(side % 2 for kernel in (*BOOK.values(), *EDGES.values()) for side in kernel.shape)


def test_blurs_keep_a_flat_image_and_edge_filters_blacken_it() -> None:
    for name in ("small_blur", "large_blur", "sharpen", "emboss"):
        assert BOOK[name].sum() == pytest.approx(1)
    for kernel in (*EDGES.values(), BOOK["sobel_x"], BOOK["sobel_y"]):
        assert kernel.sum() == 0


def test_blurs_are_7_and_21_wide() -> None:
    assert BOOK["small_blur"].shape == (7, 7) and BOOK["small_blur"][0, 0] == 1 / 49
    assert BOOK["large_blur"].shape == (21, 21) and BOOK["large_blur"][0, 0] == 1 / 441
    with pytest.raises(ValueError, match="odd number from 1, got 4"):
        box_blur(4)


def test_sobel_and_scharr_are_those_of_opencv_with_the_course_sign() -> None:
    for ours, size in ((SOBEL, 3), (SCHARR, cv2.FILTER_SCHARR)):
        across, down = cv2.getDerivKernels(1, 0, size)
        np.testing.assert_array_equal(-ours, down @ across.T)
    np.testing.assert_array_equal(BOOK["sobel_x"], -SOBEL)
    np.testing.assert_array_equal(BOOK["sobel_y"], -SOBEL.T)
    assert PREWITT.tolist() == [[1, 0, -1]] * 3
