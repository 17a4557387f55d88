"""From canvases to inputs: one matrix and one color map an image, drawn or fixed."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data.augment import LUMA, Augment, Maps
from sightline.data.canvas import move_points
from sightline.data.draws import Draw, rectangles
from sightline.data.geometry import Border
from sightline.data.views import View
from sightline.data.warp import _grid_sampled, shifted
from sightline.data.warp import warped as warp
from sightline.errors import DataError

FIXED = settings(derandomize=True, deadline=None, max_examples=40)
INDICES = np.arange(400)
SIZES = st.tuples(st.integers(2, 40), st.integers(2, 40))
TURNS = {"flip": True, "flip_vertical": True, "rotate": 180.0, "zoom": 2.0, "shear": 1.0}


def noise(n: int, height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def smooth(n: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Cubic curves through a random 4 x 4 grid: what most of a photograph looks like."""
    grids = noise(n, 4, 4, channels).astype(np.float32)
    curves = [cv2.resize(g, (width, height), interpolation=cv2.INTER_CUBIC) for g in grids]
    return np.stack(curves).reshape(n, height, width, channels).clip(0, 255).astype(np.uint8)


def inputs_of(view: View, canvases: np.ndarray, maps: Maps) -> np.ndarray:
    """The training inputs as (n, h, w, c) in grey levels."""
    inputs = view.train_inputs(torch.from_numpy(canvases), maps)
    return inputs.permute(0, 2, 3, 1).numpy() * view.top


def warped(canvases: np.ndarray, matrices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return inputs_of(View(size), canvases, Maps(matrices, exact=False))


def drawn(canvas: tuple[int, int] = (32, 32), indices: np.ndarray = INDICES, **augment: float):
    view = View(canvas, augment=Augment(**augment))
    return view.draw(canvas, 1, 2, indices)


# Geometry


@FIXED
@given(SIZES, SIZES, st.integers(0, 2**31))
def test_the_center_goes_to_the_center(
    size: tuple[int, int], canvas: tuple[int, int], seed: int
) -> None:
    view = View(size, augment=Augment(**TURNS, stretch=1.0))
    matrices = view.draw(canvas, seed, 0, np.arange(16)).matrices
    center = np.array([canvas[1], canvas[0], 2]) / 2
    assert np.allclose(matrices @ center, np.array([size[1], size[0]]) / 2, atol=1e-9)


def test_without_augmentation_nothing_moves() -> None:
    maps = drawn()
    assert maps.exact
    assert maps.colors is None
    assert maps.erased is None
    assert np.array_equal(maps.matrices, np.broadcast_to(np.eye(2, 3), (400, 2, 3)))
    canvases = noise(4, 9, 7)
    view = View((9, 7))
    maps = view.draw((9, 7), 0, 0, np.arange(4))
    assert np.array_equal(np.rint(inputs_of(view, canvases, maps)), canvases)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (7, 10)])
def test_mirrors_are_exact_and_happen_in_half_of_the_draws(
    size: tuple[int, int], channels: int
) -> None:
    canvases = noise(400, *size, channels)
    view = View(size, augment=Augment(flip=True, flip_vertical=True))
    maps = view.draw(size, 0, 0, INDICES)
    got = np.rint(inputs_of(view, canvases, maps)).astype(np.uint8)
    left_right, upside = maps.matrices[:, 0, 0] < 0, maps.matrices[:, 1, 1] < 0
    assert maps.exact
    for i in range(400):
        expected = canvases[i][:, ::-1] if left_right[i] else canvases[i]
        expected = expected[::-1] if upside[i] else expected
        assert np.array_equal(got[i], expected)
    for happened in (left_right, upside, left_right == upside):
        assert 150 < happened.sum() < 250  # 200 expected, 10 the standard error


def test_the_matrix_of_a_mirror_moves_points_as_it_moves_pixels() -> None:
    canvas = np.zeros((400, 8, 12, 1), np.uint8)
    canvas[:, 1:3, 2:6] = 255
    view = View((8, 12), augment=Augment(flip=True, flip_vertical=True))
    maps = view.draw((8, 12), 0, 0, INDICES)
    got = inputs_of(view, canvas, maps)[..., 0] > 128
    for pixels, matrix in zip(got, maps.matrices, strict=True):
        corners = np.sort(move_points(np.array([[2, 1], [6, 3]]), matrix), 0)
        rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
        assert corners.tolist() == [[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_quarter_turn_moves_every_pixel_where_its_matrix_says(turns: int) -> None:
    canvases = noise(1, 9, 9)
    cos, sin = round(math.cos(turns * math.pi / 2)), round(math.sin(turns * math.pi / 2))
    linear = np.array([[cos, -sin], [sin, cos]], float)
    matrix = np.concatenate([linear, ([4.5, 4.5] - linear @ [4.5, 4.5])[:, None]], 1)
    got = np.rint(warped(canvases, matrix[None], (9, 9)))[0]
    for y in range(9):
        for x in range(9):
            to_x, to_y = move_points(np.array([[x + 0.5, y + 0.5]]), matrix)[0]
            assert np.array_equal(got[int(to_y), int(to_x)], canvases[0, y, x])


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (0, -2), (-4, 5)])
def test_a_shift_by_whole_pixels_is_exact_and_mirrors_in_what_is_missing(dx: int, dy: int) -> None:
    canvases = noise(2, 12, 10)
    matrix = np.array([[1.0, 0, dx], [0, 1, dy]])
    got = np.rint(warped(canvases, np.stack([matrix, matrix]), (12, 10)))
    widened = np.pad(canvases, ((0, 0), (6, 6), (6, 6), (0, 0)), mode="symmetric")
    assert np.array_equal(got, widened[:, 6 - dy : 18 - dy, 6 - dx : 16 - dx])


@pytest.mark.parametrize("border", ["edge", "gray"])
@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (-4, 5)])
def test_beyond_the_canvas_the_edge_is_repeated_or_all_is_gray(
    border: Border, dx: int, dy: int
) -> None:
    canvases = noise(2, 12, 10)
    matrices = np.repeat(np.array([[[1.0, 0, dx], [0, 1, dy]]]), 2, 0)
    around = ((0, 0), (6, 6), (6, 6), (0, 0))
    widened = np.pad(canvases, around, constant_values=128)
    if border == "edge":
        widened = np.pad(canvases, around, mode="edge")
    expected = widened[:, 6 - dy : 18 - dy, 6 - dx : 16 - dx]
    pixels = torch.from_numpy(canvases)
    for through in (shifted, warp):
        assert np.array_equal(through(pixels, matrices, (12, 10), border, 128).numpy(), expected)


def test_gray_is_half_of_the_value_range() -> None:
    view = View((8, 8), top=16, border="gray", augment=Augment(shift=1.0))
    canvases = np.full((4, 8, 8, 1), 16, np.uint8)
    seen = inputs_of(view, canvases, view.draw((8, 8), 0, 0, np.arange(4)))
    assert (seen.min(), seen.max()) == (8, 16)


def test_a_smaller_input_sees_the_middle_of_the_canvas() -> None:
    canvases = noise(3, 12, 16)
    view = View((8, 8))
    maps = view.draw((12, 16), 0, 0, np.arange(3))
    assert np.array_equal(np.rint(inputs_of(view, canvases, maps)), canvases[:, 2:10, 4:12])


@FIXED
@given(
    st.integers(0, 2**31),
    st.floats(-2, 2),
    st.floats(0.9, 1.6),
    st.integers(6, 14),
    st.integers(6, 14),
)
def test_a_box_is_found_where_the_matrix_moves_it(
    seed: int, angle: float, scale: float, height: int, width: int
) -> None:
    """Its lit pixels have the center of the moved box within half a pixel."""
    rng = np.random.default_rng(seed)
    canvas = np.zeros((1, 48, 48, 1), np.uint8)
    top, left = rng.integers(16, 33 - height), rng.integers(16, 33 - width)
    bottom, right = top + height, left + width
    canvas[0, top:bottom, left:right] = 255
    linear = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    matrix = np.concatenate([linear, ([24, 24] - linear @ [24, 24])[:, None]], 1)
    got = warped(canvas, matrix[None], (48, 48))[0, ..., 0]
    assert got.sum() == pytest.approx(canvas.sum() * scale**2, rel=0.06)
    ys, xs = np.mgrid[0.5:48, 0.5:48]
    found = np.array([(xs * got).sum(), (ys * got).sum()]) / got.sum()
    center = move_points(np.array([[left + right, top + bottom]]) / 2, matrix)[0]
    assert np.abs(found - center).max() < 0.5


# What is drawn


def test_a_draw_is_a_function_of_seed_epoch_and_index_alone() -> None:
    view = View((32, 32), augment=Augment(**TURNS, shift=0.2, brightness=0.3, erase=0.5))
    whole = view.draw((40, 40), 1, 2, INDICES)
    for rows in (np.array([7]), np.arange(100, 150), INDICES[::-1]):
        part = view.draw((40, 40), 1, 2, rows)
        for field in dataclasses.fields(Maps):
            one, two = getattr(whole, field.name), getattr(part, field.name)
            assert np.array_equal(one[rows], two) if isinstance(one, np.ndarray) else one == two
    for other in (view.draw((40, 40), 2, 2, INDICES), view.draw((40, 40), 1, 3, INDICES)):
        assert not np.isclose(other.matrices, whole.matrices).all((1, 2)).any()


@pytest.mark.parametrize("most", [0.05, 0.2, 1.0])
def test_shifts_stay_within_their_share_of_the_side_and_use_it(most: float) -> None:
    offsets = drawn((20, 40), shift=most).matrices[:, :, 2]
    for reach, side in zip(np.abs(offsets).max(0), (40, 20), strict=True):
        assert 0.97 * most * side < reach <= most * side
    assert np.abs(offsets.mean(0)).max() < 0.1 * most * 40


@pytest.mark.parametrize("most", [10.0, 90.0, 180.0])
def test_turns_stay_within_their_angle_and_use_it(most: float) -> None:
    linear = drawn(rotate=most).matrices[:, :, :2]
    angles = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    assert 0.97 * most < np.abs(angles).max() <= most + 1e-9
    assert 0.4 < (angles > 0).mean() < 0.6
    assert np.allclose(linear @ linear.transpose(0, 2, 1), np.eye(2))


def test_zooms_are_even_in_the_logarithm() -> None:
    linear = drawn(zoom=1.0).matrices[:, :, :2]
    factors = linear[:, 0, 0]
    assert np.allclose(linear, factors[:, None, None] * np.eye(2))
    assert 0.5 <= factors.min() < 0.52
    assert 1.95 < factors.max() <= 2
    assert 0.4 < (factors > 1).mean() < 0.6


def test_stretching_keeps_the_area() -> None:
    linear = drawn(stretch=1.0).matrices[:, :, :2]
    ratios = linear[:, 0, 0] / linear[:, 1, 1]
    assert np.allclose(np.linalg.det(linear), 1)
    assert 0.5 <= ratios.min() < 0.52
    assert 1.95 < ratios.max() <= 2


def test_shears_stay_within_their_slope_and_use_it() -> None:
    linear = drawn(shear=0.5).matrices[:, :, :2]
    assert np.allclose(linear[:, [0, 1, 1], [0, 0, 1]], [1, 0, 1])
    assert 0.48 < np.abs(linear[:, 0, 1]).max() <= 0.5


@pytest.mark.parametrize(
    ("name", "value", "high"),
    [
        ("shift", 1.1, "1"),
        ("rotate", 181, "180"),
        ("hue", 0.6, "0.5"),
        ("zoom", 4.5, "4"),
        ("erase", -0.1, "1"),
        ("mixup", math.nan, "1"),
    ],
)
def test_an_augmentation_out_of_its_range_is_refused(name: str, value: float, high: str) -> None:
    with pytest.raises(DataError, match=rf"augment\.{name} = .*: must be 0 to {high}$"):
        Augment(**{name: value})


def test_shares_of_mixed_batches_sum_to_one_at_most() -> None:
    Augment(mixup=0.5, cutmix=0.5)
    with pytest.raises(DataError, match="may sum to 1 at most"):
        Augment(mixup=0.6, cutmix=0.5)


# The two warps


def differing(
    pixels: torch.Tensor, matrices: np.ndarray, size: tuple[int, int], border: Border = "mirror"
) -> np.ndarray:
    by_cpu = warp(pixels, matrices, size, border, 128).double()
    return (by_cpu - _grid_sampled(pixels, matrices, size, border, 128)).numpy()


def compared(canvases: np.ndarray, border: Border = "mirror", **augment: float) -> np.ndarray:
    """Grey levels by which OpenCV's warp and the device's differ, (n, h, w, c)."""
    size = canvases.shape[1], canvases.shape[2]
    matrices = View(size, augment=Augment(**augment)).draw(size, 0, 0, np.arange(len(canvases)))
    pixels = torch.from_numpy(canvases)
    return differing(pixels, matrices.matrices, size, border)


STRONG = {"flip": True, "shift": 0.2, "rotate": 180.0, "zoom": 1.0, "stretch": 0.5, "shear": 0.3}


@pytest.mark.parametrize("border", ["mirror", "edge"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (64, 48), (96, 96)])
def test_the_two_warps_agree_within_a_grey_level_on_smooth_images(
    size: tuple[int, int], channels: int, border: Border
) -> None:
    """OpenCV rounds places to 1/32 pixel and answers to whole levels."""
    difference = compared(smooth(24, *size, channels), border, **STRONG)
    assert np.abs(difference).mean() < 0.35
    assert np.quantile(np.abs(difference), 0.99) <= 1.0
    assert np.abs(difference).max() <= 2.5
    assert abs(difference.mean()) < 0.05  # no shift of either against the other


def test_the_two_warps_have_the_same_geometry_even_on_noise() -> None:
    """Noise turns 1/64 pixel into levels: up to 8; a shift of half a pixel would be 40 on mean."""
    difference = compared(noise(24, 64, 64), **STRONG)
    assert np.abs(difference).mean() < 1.0
    assert np.abs(difference).max() <= 9
    assert abs(difference.mean()) < 0.05


@pytest.mark.parametrize("size", [(8, 20), (31, 7)])
def test_the_two_warps_agree_on_odd_sizes(size: tuple[int, int]) -> None:
    canvases = smooth(6, 24, 18)
    view = View(size, augment=Augment(**STRONG))
    matrices = view.draw((24, 18), 0, 0, np.arange(6)).matrices
    assert np.abs(differing(torch.from_numpy(canvases), matrices, size)).max() <= 3


def test_the_two_warps_agree_where_a_view_shrinks() -> None:
    """Both average first, or a GPU would train on speckles that the CPU has smoothed away."""
    canvases = torch.from_numpy(noise(8, 64, 64))
    matrices = np.tile(np.array([[0.25, 0, 24], [0, 0.25, 24.0]]), (8, 1, 1))
    difference = differing(canvases, matrices, (64, 64))
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize(("size", "scale"), [((63, 61), 0.3), ((63, 61), 0.2), ((30, 47), 0.15)])
def test_the_two_warps_agree_where_a_side_cannot_be_halved(
    size: tuple[int, int], scale: float
) -> None:
    """What is left over by a division must not be cut off, nor the rest be moved."""
    canvases = torch.from_numpy(smooth(8, *size))
    height, width = 10, 12
    middle = np.array([width - scale * size[1], height - scale * size[0]]) / 2
    matrix = np.concatenate([scale * np.eye(2), middle[:, None]], 1)
    difference = differing(canvases, np.tile(matrix, (8, 1, 1)), (height, width))
    assert np.abs(difference).mean() < 1
    assert np.abs(difference).max() <= 5


# Colors


def colored(pixels: np.ndarray, indices: np.ndarray, **augment: float) -> np.ndarray:
    """(n, h, w, c) in [0, 1] after the color maps alone."""
    size = pixels.shape[1], pixels.shape[2]
    view = View(size, augment=Augment(**augment))
    return inputs_of(view, pixels, view.draw(size, 0, 0, indices)) / 255


def test_brightness_multiplies_and_is_cut_at_white() -> None:
    pixels = np.full((400, 1, 2, 3), 204, np.uint8)
    got = colored(pixels, INDICES, brightness=0.5)
    factors = got[:, 0, 0, 0] / 0.8
    assert 0.5 <= factors.min() < 0.52
    assert got.max() == 1
    assert 0.2 < (got[:, 0, 0, 0] == 1).mean() < 0.3  # a quarter of the factors are over 1.25
    assert np.allclose(got, got[:, :1, :1, :1])


def test_contrast_leaves_middle_grey_alone() -> None:
    pixels = np.zeros((400, 1, 3, 3), np.uint8)
    pixels[:, 0, 1], pixels[:, 0, 2] = 102, 153  # 0, 0.4 and 0.6
    got = colored(pixels, INDICES, contrast=0.5)
    assert np.allclose(got[:, 0, 1] + got[:, 0, 2], 1, atol=1e-5)
    spread = (got[:, 0, 2] - got[:, 0, 1])[:, 0] / 0.2
    assert 0.5 <= spread.min() < 0.52
    assert 1.48 < spread.max() <= 1.5


def test_contrast_comes_before_brightness() -> None:
    pixels = np.full((400, 1, 1, 3), 51, np.uint8)
    bright = colored(pixels, INDICES, brightness=0.5) / 0.2  # the same draws, alone
    contrast = (0.5 - colored(pixels, INDICES, contrast=0.3)) / 0.3
    both = colored(pixels, INDICES, brightness=0.5, contrast=0.3)
    assert np.allclose(both, bright * (0.5 - 0.3 * contrast), atol=1e-5)


def test_saturation_keeps_greys_and_the_luma_of_colors() -> None:
    pixels = np.array([[[90, 90, 90], [120, 90, 60]]], np.uint8)[None].repeat(400, 0)
    got = colored(pixels, INDICES, saturation=1.0)
    assert np.allclose(got[:, 0, 0], 90 / 255, atol=1e-5)
    assert np.allclose(got[:, 0, 1] @ LUMA, pixels[0, 0, 1] @ LUMA / 255, atol=1e-5)
    reach = np.ptp(got[:, 0, 1], axis=1) * 255 / 60  # the factor that was drawn
    assert reach.min() < 0.03
    assert 1.95 < reach.max() <= 2.0001


def test_hue_keeps_greys_and_luma_and_turns_colors() -> None:
    pixels = np.array([[[90, 90, 90], [130, 100, 90]]], np.uint8)[None].repeat(400, 0)
    got = colored(pixels, INDICES, hue=0.5)
    assert np.allclose(got[:, 0, 0], 90 / 255, atol=1e-5)
    assert np.allclose(got[:, 0, 1] @ LUMA, pixels[0, 0, 1] @ LUMA / 255, atol=1e-5)
    assert {int(i) for i in got[:, 0, 1].argmax(1)} == {0, 1, 2}  # each channel leads somewhere


def test_grey_images_are_colored_as_the_same_image_in_three_channels() -> None:
    grey = noise(32, 5, 6, 1)
    options = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
    one = colored(grey, np.arange(32), **options)
    three = colored(grey.repeat(3, 3), np.arange(32), **options)
    assert np.allclose(one, three, atol=1e-5)


def test_colors_and_moves_may_come_together() -> None:
    got = colored(noise(8, 16, 16), np.arange(8), brightness=0.3, hue=0.2, rotate=20, shift=0.1)
    assert got.shape == (8, 16, 16, 3)
    assert 0 <= got.min() < got.max() <= 1


# Erasing


def test_a_share_of_images_lose_a_rectangle() -> None:
    pixels = np.zeros((400, 40, 40, 1), np.uint8)
    view = View((40, 40), augment=Augment(erase=0.5))
    maps = view.draw((40, 40), 0, 0, INDICES)
    got = inputs_of(view, pixels, maps) / 255
    assert set(np.unique(got)) == {0.0, 0.5}
    shares = (got[..., 0] == 0.5).mean((1, 2))
    lost = shares[shares > 0]
    assert 0.4 < len(lost) / 400 < 0.6
    assert 0.04 < lost.min() < 0.07
    assert 0.2 < lost.max() < 0.27


@FIXED
@given(st.integers(0, 2**31), SIZES, st.floats(0, 1))
def test_a_rectangle_lies_inside_and_has_about_its_area(
    seed: int, size: tuple[int, int], share: float
) -> None:
    found = rectangles(Draw(seed, 0, np.arange(50)), size, np.full(50, share), "cutmix")
    top, left, bottom, right = found.T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (bottom <= size[0]).all()
    assert (right <= size[1]).all()
    height, width = bottom - top, right - left
    assert (height >= 0).all()
    wanted = share * size[0] * size[1]
    slack = (height + width) / 2 + 1  # each side is rounded
    assert (height * width <= wanted + slack).all()
    free = (height < size[0]) & (width < size[1])  # not cut short by a side
    assert (np.abs(height * width - wanted) <= slack)[free].all()


# At evaluation


def test_an_image_is_seen_at_its_center() -> None:
    canvases = noise(2, 12, 16)
    (inputs,) = View((8, 8)).test_inputs(torch.from_numpy(canvases))
    got = inputs.permute(0, 2, 3, 1).numpy() * 255
    assert np.array_equal(np.rint(got), canvases[:, 2:10, 4:12])


def test_a_mirror_view_is_the_center_and_its_mirror_image() -> None:
    canvases = torch.from_numpy(noise(2, 8, 8))
    plain, mirrored = View((8, 8), test="mirror").test_inputs(canvases)
    assert torch.equal(mirrored, plain.flip(3))


def test_ten_crops_are_center_and_corners_and_their_mirror_images() -> None:
    canvases = noise(1, 12, 16)
    views = View((8, 8), test="ten-crop").test_inputs(torch.from_numpy(canvases))
    seen = [np.rint(view.permute(0, 2, 3, 1).numpy() * 255)[0] for view in views]
    expected = []
    for top, left in ((2, 4), (0, 0), (0, 8), (4, 0), (4, 8)):
        cut = canvases[0, top : top + 8, left : left + 8]
        expected += [cut, cut[:, ::-1]]
    assert len(seen) == 10
    assert all(np.array_equal(one, two) for one, two in zip(seen, expected, strict=True))


def test_a_canvas_smaller_than_the_input_repeats_its_edge() -> None:
    canvases = noise(1, 5, 6)
    (inputs,) = View((9, 6)).test_inputs(torch.from_numpy(canvases))
    got = np.rint(inputs.permute(0, 2, 3, 1).numpy()[0] * 255)
    assert np.array_equal(got, np.pad(canvases[0], ((2, 2), (0, 0), (0, 0)), mode="edge"))


def test_inputs_are_floats_to_one_laid_out_channels_last() -> None:
    pixels = torch.from_numpy(noise(2, 4, 4) % 17)
    (inputs,) = View((4, 4), top=16).test_inputs(pixels)
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(inputs, pixels.permute(0, 3, 1, 2) / 16)
    view = View((4, 4), top=16, augment=Augment(rotate=10))
    trained = view.train_inputs(pixels, view.draw((4, 4), 0, 0, np.arange(2)))
    assert trained.is_contiguous(memory_format=torch.channels_last)
    assert 0 <= trained.min() < trained.max() <= 1
