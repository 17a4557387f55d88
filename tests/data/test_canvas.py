"""Laying images on canvases, and bringing answers back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data.canvas import Canvas, Placed, inverse, move_points
from sightline.errors import DataError
from sightline.types import Annotation

MODES = ("stretch", "contain", "cover", "center", "native", "tile")
FIXED = settings(derandomize=True, deadline=None, max_examples=80)
SIDES = st.integers(1, 400)


@st.composite
def canvases(draw: st.DrawFn, mode: str) -> Canvas:
    size = draw(st.integers(4, 300)), draw(st.integers(4, 300))
    return Canvas(
        size,
        mode,  # type: ignore[arg-type]
        channels=1,
        multiple=draw(st.integers(1, 64)),
        overlap=draw(st.integers(0, min(size) // 2)) if mode == "tile" else 0,
    )


def random_boxes(height: int, width: int, n: int = 5) -> np.ndarray:
    rng = np.random.default_rng(height * 1000 + width)
    corners = rng.uniform(0, 1, (n, 2, 2)) * (width, height)
    return np.sort(corners, 1).reshape(n, 4).astype(np.float32)


def on_canvas(points: np.ndarray, placed: Placed) -> np.ndarray:
    """Coordinates of the original on the canvas, as float32: what a perfect model would answer."""
    return move_points(points.reshape(-1, 2), placed.matrix).reshape(points.shape).astype("f4")


# Coordinates


@pytest.mark.parametrize("mode", MODES)
@FIXED
@given(st.data(), SIDES, SIDES)
def test_a_box_survives_place_and_restore_within_a_thousandth_of_a_pixel(
    mode: str, data: st.DataObject, height: int, width: int
) -> None:
    canvas = data.draw(canvases(mode))
    scale = data.draw(st.sampled_from([1.0, 0.25, 2.0]))
    boxes = random_boxes(height, width)
    landmarks = boxes[:, :2]
    for placed in canvas.place(np.zeros((height, width, 1), np.uint8)):
        answer = Annotation(
            boxes=on_canvas(boxes, placed) * np.float32(scale),
            landmarks=on_canvas(landmarks, placed) * np.float32(scale),
        )
        (back,) = canvas.restore([answer], [placed], scale)
        assert back.boxes is not None
        assert back.landmarks is not None
        assert back.boxes.dtype == back.landmarks.dtype == np.float32
        assert np.abs(back.boxes - boxes).max() < 1e-3
        assert np.abs(back.landmarks - landmarks).max() < 1e-3


@FIXED
@given(
    st.lists(st.floats(-3, 3), min_size=6, max_size=6).filter(
        lambda m: abs(m[0] * m[4] - m[1] * m[3]) > 0.1
    )
)
def test_the_inverse_undoes_any_matrix(numbers: list[float]) -> None:
    matrix = np.array(numbers).reshape(2, 3)
    points = np.random.default_rng(0).uniform(-50, 50, (8, 2))
    assert np.allclose(move_points(move_points(points, matrix), inverse(matrix)), points)


@pytest.mark.parametrize("mode", MODES)
@FIXED
@given(st.data(), st.integers(8, 120), st.integers(8, 120))
def test_the_matrix_says_where_the_pixels_went(
    mode: str, data: st.DataObject, height: int, width: int
) -> None:
    """A bright rectangle is found where the matrix puts it, within a pixel of the coarser grid."""
    canvas = data.draw(canvases(mode))
    top, left = data.draw(st.integers(0, height - 5)), data.draw(st.integers(0, width - 5))
    bottom, right = data.draw(st.integers(top + 4, height)), data.draw(st.integers(left + 4, width))
    image = np.zeros((height, width, 1), np.uint8)
    image[top:bottom, left:right] = 255
    for placed in canvas.place(image):
        box = on_canvas(np.array([left, top, right, bottom], np.float64), placed)
        limits = placed.pixels.shape[1::-1] * 2
        x0, y0, x1, y1 = np.clip(box, 0, limits)
        lit = placed.pixels[..., 0] >= 128
        if min(x1 - x0, y1 - y0) < 2:
            continue  # too thin on this canvas to find
        rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
        found = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        coarser = max(1.0, placed.matrix.diagonal().max())
        assert np.abs(np.subtract(found, (x0, y0, x1, y1))).max() <= coarser


def test_boxes_are_clipped_to_the_original_and_landmarks_are_not() -> None:
    canvas = Canvas((64, 64), "contain")
    (placed,) = canvas.place(np.zeros((20, 40, 3), np.uint8))
    answer = Annotation(
        boxes=np.array([[-10, 0, 90, 64], [32, 32, 40, 36]], np.float32),
        landmarks=np.array([[-16, 32], [np.nan, np.nan]], np.float32),
    )
    (back,) = canvas.restore([answer], [placed])
    assert back.boxes is not None
    assert back.landmarks is not None
    assert back.boxes.tolist() == [[0, 0, 40, 20], [20, 10, 25, 12.5]]
    assert back.landmarks[0].tolist() == [-10, 10]
    assert np.isnan(back.landmarks[1]).all()


def test_what_has_no_place_in_the_image_passes() -> None:
    canvas = Canvas((8, 8))
    (placed,) = canvas.place(np.zeros((5, 7, 3), np.uint8))
    answer = Annotation(label=2, scores=np.ones(3, np.float32), values=np.ones(1, np.float32))
    (back,) = canvas.restore([answer], [placed])
    assert back is answer
    empty = Annotation(boxes=np.zeros((0, 4), np.float32), classes=np.zeros(0, np.int64), label=1)
    (back,) = canvas.restore([empty], [placed])
    assert back.boxes is not None
    assert back.boxes.shape == (0, 4)
    assert back.label == 1


def test_restoring_wants_one_annotation_a_canvas() -> None:
    canvas = Canvas((8, 8))
    placed = canvas.place(np.zeros((5, 7, 3), np.uint8))
    with pytest.raises(ValueError, match="zip"):
        canvas.restore([Annotation(), Annotation()], placed)


# Masks and images


@pytest.mark.parametrize("mode", ["contain", "stretch"])
@pytest.mark.parametrize("size", [(40, 60), (60, 40), (48, 48)])
@pytest.mark.parametrize("factor", [2, 3])
def test_a_mask_made_on_a_larger_canvas_comes_back_exactly(
    mode: str, size: tuple[int, int], factor: int
) -> None:
    mask = np.random.default_rng(0).integers(0, 5, size, dtype=np.uint8)
    larger = size if mode == "stretch" else (max(size), max(size))
    canvas = Canvas((larger[0] * factor, larger[1] * factor), mode)  # type: ignore[arg-type]
    (placed,) = canvas.place(np.zeros((*size, 3), np.uint8))
    top, left = np.rint(placed.matrix[::-1, 2]).astype(int)
    answer = np.full(canvas.size, 9, np.uint8)
    answer[top : top + size[0] * factor, left : left + size[1] * factor] = mask.repeat(
        factor, 0
    ).repeat(factor, 1)
    (back,) = canvas.restore([Annotation(mask=answer)], [placed])
    assert back.mask is not None
    assert np.array_equal(back.mask, mask)


def test_a_mask_a_quarter_as_fine_as_the_canvas_covers_the_whole_original() -> None:
    canvas = Canvas((64, 64), "stretch")
    (placed,) = canvas.place(np.zeros((32, 32, 3), np.uint8))
    halves = np.zeros((16, 16), np.uint8)
    halves[:, 8:] = 1
    (back,) = canvas.restore([Annotation(mask=halves)], [placed], scale=0.25)
    assert back.mask is not None
    assert back.mask.shape == (32, 32)
    assert (back.mask[:, :16] == 0).all()
    assert (back.mask[:, 16:] == 1).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_comes_back_in_the_originals_size_and_place(channels: int) -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (4, 6, channels), dtype=np.uint8)
    image = cells.repeat(8, 0).repeat(8, 1)  # (32, 48, channels)
    canvas = Canvas((96, 96), "contain", channels=channels)  # type: ignore[arg-type]
    (placed,) = canvas.place(image)
    (back,) = canvas.restore([Annotation(image=placed.pixels)], [placed])
    assert back.image is not None
    assert back.image.shape == image.shape
    inner = np.zeros((32, 48), bool)
    inner[3::8, 3::8] = inner[4::8, 4::8] = True  # middles of the cells, away from their edges
    assert np.abs(back.image[inner].astype(int) - image[inner]).max() <= 1


# The rules


@pytest.mark.parametrize("mode", MODES)
@FIXED
@given(st.data(), SIDES, SIDES)
def test_every_canvas_has_the_size_and_channels_it_should(
    mode: str, data: st.DataObject, height: int, width: int
) -> None:
    canvas = data.draw(canvases(mode))
    for channels in (1, 3):
        placed = canvas.place(np.zeros((height, width, channels), np.uint8))
        assert placed
        for one in placed:
            assert one.size == (height, width)
            assert one.matrix.dtype == np.float64
            assert one.pixels.dtype == np.uint8
            assert one.pixels.flags.c_contiguous or mode == "tile"
            if mode != "native":
                assert one.pixels.shape == (*canvas.size, 1)
                continue
            tall, wide, _ = one.pixels.shape
            assert tall % canvas.multiple == wide % canvas.multiple == 0
            assert 0 <= tall - height < canvas.multiple
            assert 0 <= wide - width < canvas.multiple


def test_placing_is_deterministic() -> None:
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    for mode in MODES:
        canvas = Canvas((24, 24), mode)  # type: ignore[arg-type]
        for one, two in zip(canvas.place(image), canvas.place(image), strict=True):
            assert np.array_equal(one.pixels, two.pixels)
            assert np.array_equal(one.matrix, two.matrix)


def test_contain_fills_the_rest_evenly() -> None:
    canvas = Canvas((10, 20), "contain", channels=1, fill=7)
    (placed,) = canvas.place(np.full((10, 10, 1), 200, np.uint8))
    assert (placed.pixels[:, 5:15] == 200).all()
    assert (placed.pixels[:, :5] == 7).all()
    assert (placed.pixels[:, 15:] == 7).all()


@pytest.mark.parametrize("size", [(3, 100), (100, 3), (37, 53), (1, 999), (50, 50)])
def test_the_corners_of_the_image_are_exactly_where_contain_put_them(size: tuple[int, int]) -> None:
    """Also where the inner size was rounded: the matrix is that of the pixels, not of the ratio."""
    (placed,) = Canvas((50, 60), "contain", channels=1).place(np.full((*size, 1), 255, np.uint8))
    lit = placed.pixels[..., 0] == 255
    rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
    corners = move_points(np.array([[0, 0], [size[1], size[0]]]), placed.matrix)
    expected = [[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]]
    assert np.allclose(corners, expected, atol=1e-9)


def test_cover_leaves_nothing_to_fill_and_cuts_evenly() -> None:
    canvas = Canvas((10, 10), "cover", channels=1, fill=7)
    image = np.full((10, 30, 1), 200, np.uint8)
    image[:, :10], image[:, 20:] = 50, 90
    (placed,) = canvas.place(image)
    assert (placed.pixels == 200).all()


def test_native_pads_right_and_below() -> None:
    image = np.full((5, 9, 3), 200, np.uint8)
    (placed,) = Canvas(mode="native", multiple=8, fill=3).place(image)
    assert placed.pixels.shape == (8, 16, 3)
    assert (placed.pixels[:5, :9] == 200).all()
    assert (placed.pixels[5:] == 3).all()
    assert (placed.pixels[:, 9:] == 3).all()
    assert np.array_equal(placed.matrix, [[1, 0, 0], [0, 1, 0]])


@FIXED
@given(st.data(), SIDES, SIDES)
def test_tiles_cover_every_pixel_and_overlap_by_at_least_what_was_asked(
    data: st.DataObject, height: int, width: int
) -> None:
    canvas = data.draw(canvases("tile"))
    image = (np.arange(height * width) % 251).astype(np.uint8).reshape(height, width, 1)
    seen = np.zeros((height, width), int)
    corners: list[tuple[int, int]] = []
    for placed in canvas.place(image):
        left, top = (-placed.matrix[:, 2]).astype(int)
        corners.append((top, left))
        cut = image[top : top + canvas.size[0], left : left + canvas.size[1]]
        assert np.array_equal(placed.pixels[: cut.shape[0], : cut.shape[1]], cut)
        seen[top : top + canvas.size[0], left : left + canvas.size[1]] += 1
    assert seen.min() >= 1
    assert len(set(corners)) == len(corners)
    for axis, length in ((0, height), (1, width)):
        starts = sorted({corner[axis] for corner in corners})
        steps = np.diff(starts)
        assert (steps <= canvas.size[axis] - canvas.overlap).all()
        assert starts[0] == 0
        assert starts[-1] == max(0, length - canvas.size[axis])


def test_grey_images_are_repeated_on_a_canvas_of_three_channels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    (placed,) = Canvas((8, 8)).place(image)
    assert np.array_equal(placed.pixels, image.repeat(3, 2))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": (0, 8)}, r"canvas size \(0, 8\): each side must be 1 to 4096"),
        ({"size": (8, 20_000)}, "each side must be 1 to 4096"),
        ({"multiple": 0}, "canvas multiple 0: must be at least 1"),
        ({"size": (8, 9), "overlap": 8}, "canvas overlap 8: must be 0 to 7"),
        ({"overlap": -1}, "canvas overlap -1"),
        ({"fill": 256}, "canvas fill 256: must be 0 to 255"),
        ({"fill": -1}, "canvas fill -1: must be 0 to 255"),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_followed_is_refused(options: dict, said: str) -> None:
    with pytest.raises(DataError, match=said):
        Canvas(**options)


@given(st.data(), SIDES, SIDES)
def test_center_keeps_every_pixel_and_cuts_or_fills_evenly(
    data: st.DataObject, height: int, width: int
) -> None:
    size = data.draw(SIDES), data.draw(SIDES)
    image = np.random.default_rng(0).integers(1, 256, (height, width, 1), dtype=np.uint8)
    placed = Canvas(size, "center", channels=1).place(image)[0]
    assert placed.pixels.shape == (*size, 1)
    assert np.array_equal(placed.matrix[:, :2], np.eye(2))
    left, top = placed.matrix[:, 2].astype(int)
    for offset, side, wanted in ((top, height, size[0]), (left, width, size[1])):
        assert abs((wanted - side) / 2 - offset) <= 0.5
    for row in range(size[0]):
        for column in range(size[1]):
            inside = 0 <= row - top < height and 0 <= column - left < width
            expected = image[row - top, column - left, 0] if inside else 0
            assert placed.pixels[row, column, 0] == expected
