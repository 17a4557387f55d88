import cv2
import numpy as np
import pytest
from scipy import ndimage, signal

from sightline.scratch import convolution as cv
from sightline.scratch.kernels import BOOK, PREWITT, box_blur

# Table 11.1 of the book and its Laplacian.
IMAGE = np.array(
    [
        [95, 242, 186, 152, 39],
        [39, 14, 220, 153, 180],
        [5, 247, 212, 54, 46],
        [46, 77, 133, 110, 74],
        [156, 35, 74, 93, 116],
    ]
)
LAPLACIAN = BOOK["laplacian"]
SCIPY = {"zero": "constant", "replicate": "nearest", "wrap": "grid-wrap", "reflect": "mirror"}


def test_the_worked_laplacian_at_stride_one() -> None:
    expected = [[692, -315, -6], [-680, -194, 305], [153, -59, -86]]
    assert cv.correlate(IMAGE, LAPLACIAN).tolist() == expected


def test_the_worked_laplacian_at_stride_two() -> None:
    assert cv.correlate(IMAGE, LAPLACIAN, stride=2).tolist() == [[692, -6], [153, -86]]


def test_the_worked_laplacian_with_a_border_of_zeros() -> None:
    expected = [
        [-99, -673, -130, -230, 176],
        [-42, 692, -315, -6, -482],
        [312, -680, -194, 305, 124],
        [54, 153, -59, -86, -24],
        [-543, 167, -35, -72, -297],
    ]
    assert cv.correlate(IMAGE, LAPLACIAN, padding=1).tolist() == expected
    assert cv.correlate(IMAGE, LAPLACIAN, padding="same").tolist() == expected


def test_the_worked_box_blur_is_132() -> None:
    image = np.array([[93, 139, 101], [26, 252, 196], [135, 230, 18]])
    (value,) = cv.correlate(image, box_blur(3)).ravel()
    assert value == pytest.approx(132.22, abs=0.005)


def test_the_course_edge_is_0_30_30_0() -> None:
    image = np.repeat([[10, 10, 10, 0, 0, 0]], 6, axis=0)
    assert cv.correlate(image, PREWITT).tolist() == [[0, 30, 30, 0]] * 4


def test_alexnet_fits_227_pixels_and_not_224() -> None:
    assert cv.places(224, 11, 4) == 54.25
    assert cv.places(227, 11, 4) == 55
    assert cv.output_size(227, 11, 4, exact=True) == 55
    assert cv.output_size(224, 11, 4) == 54
    with pytest.raises(ValueError, match=r"whole number of places, got 54\.25"):
        cv.output_size(224, 11, 4, exact=True)


def test_ten_filters_of_three_by_three_on_color_have_280_parameters() -> None:
    assert cv.parameters(3, 3, 10) == 280
    assert cv.parameters(3, 3, 1) - 1 == 27  # weights of one field on color
    assert cv.parameters(3, 94, 1) - 1 == 846
    assert cv.parameters(3, 3, 32) == 896  # ShallowNet's first layer


def test_same_keeps_the_size_and_valid_loses_the_margin() -> None:
    for side in (1, 3, 5, 7):
        kernel = np.ones((side, side))
        assert cv.correlate(IMAGE, kernel[:5, :5], padding="same").shape == (5, 5)
        assert cv.same_padding(side) == (side - 1) // 2
    assert cv.correlate(IMAGE, np.ones((3, 5))).shape == (3, 1)


@pytest.mark.parametrize("mode", cv.MODES)
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (1, 7)])
def test_every_border_is_that_of_scipy(mode: str, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(9, 11)), rng.normal(size=shape)
    ours = cv.correlate(image, kernel, padding="same", mode=mode)
    theirs = ndimage.correlate(image, kernel, mode=SCIPY[mode])
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    ours = cv.convolve(image, kernel, padding="same", mode=mode)
    np.testing.assert_allclose(ours, ndimage.convolve(image, kernel, mode=SCIPY[mode]), atol=1e-12)


def test_full_valid_and_same_are_those_of_scipy_signal() -> None:
    rng = np.random.default_rng(1)
    image, kernel = rng.normal(size=(8, 6)), rng.normal(size=(3, 3))
    for padding, mode in ((2, "full"), ("same", "same"), ("valid", "valid")):
        ours = cv.convolve(image, kernel, padding=padding)
        np.testing.assert_allclose(ours, signal.convolve2d(image, kernel, mode), atol=1e-12)
        ours = cv.correlate(image, kernel, padding=padding)
        np.testing.assert_allclose(ours, signal.correlate2d(image, kernel, mode), atol=1e-12)


def test_a_stride_takes_every_second_place() -> None:
    rng = np.random.default_rng(2)
    image, kernel = rng.normal(size=(10, 9)), rng.normal(size=(3, 2))
    full = cv.correlate(image, kernel)
    np.testing.assert_array_equal(cv.correlate(image, kernel, stride=3), full[::3, ::3])


@pytest.mark.parametrize("name", BOOK)
def test_the_books_seven_filters_are_those_of_opencv(name: str) -> None:
    """OpenCV rounds where the book cuts off, so a blur may differ by one."""
    rng = np.random.default_rng(3)
    image = cv2.GaussianBlur(rng.integers(0, 256, (40, 50)).astype(np.uint8), (5, 5), 0)
    ours = cv.filtered(image, BOOK[name])
    theirs = cv2.filter2D(image, -1, BOOK[name], borderType=cv2.BORDER_REPLICATE)
    assert ours.dtype == np.uint8
    worst = np.abs(ours.astype(int) - theirs.astype(int)).max()
    assert worst <= (1 if "blur" in name else 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cv.correlate(IMAGE[0], LAPLACIAN), r"got \(5,\) and \(3, 3\)"),
        (lambda: cv.correlate(IMAGE, np.ones((2, 2)), padding="same"), "odd side, got 2"),
        (lambda: cv.correlate(IMAGE, np.ones((7, 7))), "at most 5, the padded side, got 7"),
        (lambda: cv.correlate(IMAGE, LAPLACIAN, stride=0), "stride from 1"),
        (lambda: cv.correlate(IMAGE, LAPLACIAN, padding="full"), "got 'full'"),
        (lambda: cv.correlate(IMAGE, LAPLACIAN, padding=1, mode="mirror"), "mode: expected one"),
        (lambda: cv.correlate(IMAGE, LAPLACIAN, padding=5, mode="reflect"), "margin below 5"),
    ],
)
def test_what_does_not_fit_is_said(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
