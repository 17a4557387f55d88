"""Boxes and masks through the same maps: what holds between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.data import geometry
from sightline.data.augment import PRESETS, Augment
from sightline.data.boxes import Boxes, Instances
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.placing import laid
from sightline.data.truths import ArrayPictures, Truths
from sightline.data.views import View
from sightline.errors import DataError
from sightline.instances import extent, of_mask

SIDE = 48
HALF = (
    0.5 + 1 / 16
)  # of a pixel: a mask says only which centers are inside; OpenCV's steps are 1/32


@st.composite
def objects(draw: st.DrawFn, side: int = SIDE) -> NDArray[np.bool_]:
    """(1 to 4, side, side): ellipses, rectangles and blots, each of 4 pixels or more."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    y, x = np.mgrid[:side, :side] + 0.5
    found = []
    for _ in range(draw(st.integers(1, 4))):
        cx, cy = rng.uniform(8, side - 8, 2)
        rx, ry = rng.uniform(2, 14, 2)
        round_one = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1
        square = (abs(x - cx) <= rx) & (abs(y - cy) <= ry)
        found.append(
            (round_one, square, round_one & (rng.random((side, side)) < 0.7))[rng.integers(3)]
        )
    return np.stack([mask for mask in found if mask.sum() >= 4] or [np.ones((side, side), bool)])


def column(masks: NDArray[np.bool_], with_masks: bool) -> Boxes:
    instances = Instances.of([of_mask(mask) for mask in masks]) if with_masks else None
    return Boxes.of([[extent(mask) for mask in masks]], [np.arange(len(masks))], instances)


def moved_extents(masks: NDArray[np.bool_], matrix: NDArray, size: tuple[int, int]) -> NDArray:
    """(n, 4) by warping each mask alone."""
    each = [
        geometry.moved_masks(mask[None].astype(np.uint8), matrix[None], size, "gray", outside=0)
        for mask in masks
    ]
    return np.array([extent(mask[0] != 0) for mask in each])


AUGMENTS = st.one_of(
    st.sampled_from([PRESETS["standard"], PRESETS["strong"], PRESETS["light"]]),
    st.builds(
        Augment,
        flip=st.booleans(),
        flip_vertical=st.booleans(),
        shift=st.floats(0, 0.5),
        rotate=st.floats(0, 180),
        zoom=st.floats(0, 1),
        stretch=st.floats(0, 1),
        shear=st.floats(0, 0.5),
        resized_crop=st.sampled_from([0.0, 0.2, 0.6]),
    ),
)
STRAIGHT = st.builds(
    Augment,
    flip=st.booleans(),
    flip_vertical=st.booleans(),
    shift=st.floats(0, 0.5),
    zoom=st.floats(0, 1),
    stretch=st.floats(0, 1),
    resized_crop=st.sampled_from([0.0, 0.2, 0.6]),
)
EXACT = st.builds(Augment, flip=st.booleans(), flip_vertical=st.booleans(), crop=st.booleans())
SIZES = st.sampled_from([(48, 48), (40, 32), (24, 30)])


@given(objects(), AUGMENTS, SIZES, st.integers(0, 2**31))
def test_a_box_through_any_view_contains_the_extent_of_its_mask(
    masks: NDArray[np.bool_], augment: Augment, size: tuple[int, int], seed: int
) -> None:
    matrix = View(size, augment=augment).draw((SIDE, SIDE), seed, 1, np.array([3])).matrices
    boxes = geometry.moved_boxes(column(masks, with_masks=False), matrix, size, keep=0.0)
    truth = moved_extents(masks, matrix[0], size)[boxes.classes]
    seen = (truth != 0).any(1)
    reach = np.array([-HALF, -HALF, HALF, HALF])
    assert (np.sign(reach) * (truth - boxes.boxes - reach) <= 0)[seen].all()


@given(objects(), STRAIGHT, SIZES, st.integers(0, 2**31))
def test_without_a_turn_the_box_is_the_extent_of_its_mask(
    masks: NDArray[np.bool_], augment: Augment, size: tuple[int, int], seed: int
) -> None:
    """Whole masks: of a thin one that a view shrinks, no center may be left."""
    filled = np.zeros_like(masks)
    for target, mask in zip(filled, masks, strict=True):
        x0, y0, x1, y1 = (int(v) for v in extent(mask))
        target[y0:y1, x0:x1] = True
    matrix = View(size, augment=augment).draw((SIDE, SIDE), seed, 1, np.array([3])).matrices
    boxes = geometry.moved_boxes(column(filled, with_masks=False), matrix, size, keep=0.0)
    truth = moved_extents(filled, matrix[0], size)[boxes.classes]
    wide = ((boxes.boxes[:, 2:] - boxes.boxes[:, :2]) > 2).all(1)
    assert np.abs(truth - boxes.boxes)[wide].max(initial=0) <= HALF


@given(objects(), EXACT, SIZES, st.integers(0, 2**31))
def test_mirrors_and_whole_crops_move_boxes_and_masks_exactly_alike(
    masks: NDArray[np.bool_], augment: Augment, size: tuple[int, int], seed: int
) -> None:
    matrix = View(size, augment=augment).draw((SIDE, SIDE), seed, 1, np.array([3])).matrices
    solid = np.stack([np.outer(mask.any(1), mask.any(0)) for mask in masks])
    truth = moved_extents(solid, matrix[0], size)
    boxes = geometry.moved_boxes(column(solid, with_masks=False), matrix, size, keep=1e-6)
    assert np.array_equal(boxes.boxes, truth[boxes.classes])
    assert set(boxes.classes.tolist()) == set(np.flatnonzero(truth.any(1)).tolist())


@given(objects(), AUGMENTS, SIZES, st.integers(0, 2**31))
def test_with_a_mask_at_hand_the_box_is_the_extent_of_the_moved_mask(
    masks: NDArray[np.bool_], augment: Augment, size: tuple[int, int], seed: int
) -> None:
    matrix = View(size, augment=augment).draw((SIDE, SIDE), seed, 1, np.array([3])).matrices
    boxes = geometry.moved_boxes(column(masks, with_masks=True), matrix, size)
    truth = moved_extents(masks, matrix[0], size)
    assert boxes.instances is not None
    assert np.array_equal(boxes.boxes, truth[boxes.classes])
    for row, mask in enumerate(boxes.instances.masks(size)):
        assert extent(mask != 0) == tuple(boxes.boxes[row])
    for lost in set(range(len(masks))) - set(boxes.classes.tolist()):
        scale = abs(np.linalg.det(matrix[0, :, :2]))
        seen = (
            geometry.moved_instances(Instances.of([of_mask(masks[lost])]), matrix, size).at(0).area
        )
        assert seen < 0.25 * max(1, scale * masks[lost].sum())


@given(
    objects(),
    st.sampled_from(["stretch", "contain", "cover", "center"]),
    st.tuples(st.integers(24, 96), st.integers(24, 96)),
)
def test_boxes_instances_and_classes_of_pixels_agree_on_a_canvas(
    masks: NDArray[np.bool_], mode: str, size: tuple[int, int]
) -> None:
    label = (masks * np.arange(1, len(masks) + 1)[:, None, None]).max(0).astype(np.uint8)
    truths = Truths(boxes=column(masks, with_masks=True), masks=ArrayPictures(label[None]))
    image = np.repeat(label[None, :, :, None], 3, 3)
    dataset = ArrayDataset(image, truths, [str(i) for i in range(5)])
    pixels, on_it = laid(dataset, np.array([0]), Canvas(size, mode))  # type: ignore[arg-type]
    assert pixels.shape == (1, *size, 3)
    assert on_it.boxes is not None and on_it.boxes.instances is not None
    assert on_it.masks is not None
    classes = on_it.masks.at(0)
    drawn = on_it.boxes.instances.masks(size)
    top = [row for row in range(len(masks)) if (label == row + 1).any()]
    for row in top:  # where nothing hides it, the class mask is the instance mask
        hidden = masks[row + 1 :].any(0).any()
        if not hidden or not (masks[row] & masks[row + 1 :].any(0)).any():
            assert np.array_equal(classes == row + 1, drawn[row] == 1)
    limit = np.array([size[1], size[0]] * 2)
    for row, mask in enumerate(drawn):
        if mask.any():
            whole = np.clip(on_it.boxes.boxes[row], 0, limit)
            found = np.array(extent(mask != 0))
            assert (found[:2] >= whole[:2] - HALF).all()
            assert (found[2:] <= whole[2:] + HALF).all()


def test_a_mask_of_another_size_than_its_image_is_named() -> None:
    """A COCO file may say another size than its pictures have."""
    boxes = Boxes.of([[], [[0, 0, 4, 4]]], [[], [0]], Instances.of([of_mask(np.ones((6, 8)))]))
    dataset = ArrayDataset(np.zeros((2, 8, 6, 3), np.uint8), Truths(boxes=boxes), ("a",), "toys")
    with pytest.raises(DataError, match="toys:1: 6x8, the mask of an object in it is 8x6"):
        laid(dataset, np.array([0, 1]), Canvas((4, 4)))


def test_a_box_of_which_a_quarter_is_left_stays_and_less_is_dropped() -> None:
    boxes = Boxes.of([[[0, 0, 8, 8]], [[0, 0, 8, 8]]], [[0], [0]])
    shift = np.array([[[1.0, 0, -6], [0, 1, 0]], [[1, 0, -6.5], [0, 1, 0]]])
    moved = geometry.moved_boxes(boxes, shift, (16, 16))
    assert moved.boxes.tolist() == [[0, 0, 2, 8]]
    assert moved.starts.tolist() == [0, 1, 1]


def test_images_without_boxes_keep_their_place() -> None:
    boxes = Boxes.of([[], [[1, 1, 3, 3]], []], [[], [2], []], Instances.of([of_mask(np.eye(4))]))
    moved = geometry.moved_boxes(boxes, np.repeat(np.eye(2, 3)[None], 3, 0), (4, 4))
    assert moved.starts.tolist() == [0, 0, 1, 1]
    assert moved.boxes.tolist() == [[0, 0, 4, 4]]  # the mask's own extent
    assert moved.at(0)["instances"] == ()


@pytest.mark.parametrize("angle", [0.3, 1.2])
def test_after_a_turn_the_box_with_a_mask_is_tighter_than_that_of_its_corners(angle: float) -> None:
    y, x = np.mgrid[:64, :64] + 0.5
    disc = ((x - 32) ** 2 + (y - 32) ** 2 <= 15**2)[None]
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = np.concatenate([turn, ([32, 32] - turn @ [32, 32])[:, None]], 1)[None]
    loose = geometry.moved_boxes(column(disc, with_masks=False), matrix, (64, 64)).boxes[0]
    tight = geometry.moved_boxes(column(disc, with_masks=True), matrix, (64, 64)).boxes[0]
    assert abs(tight - [17, 17, 47, 47]).max() <= 1
    assert (loose[2:] - loose[:2]).min() > (tight[2:] - tight[:2]).max() + 6
