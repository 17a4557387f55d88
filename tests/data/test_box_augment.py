"""Objects and their boxes stay together: zoomed out, cropped around an object, laid as mosaics."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline import boxes as geometry_of_boxes
from sightline.data import geometry, mosaic, windows
from sightline.data.augment import Augment
from sightline.data.boxes import Boxes, Instances
from sightline.data.dataset import ArrayDataset
from sightline.data.draws import Draw
from sightline.data.loader import Batch, Loader
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError
from sightline.instances import extent, of_mask

CPU = torch.device("cpu")
FEW = settings(max_examples=25)
HEIGHT, WIDTH = 48, 64
EACH = {
    "expand": Augment(expand=4.0),
    "iou_crop": Augment(iou_crop=1.0),
    "mosaic": Augment(mosaic=1.0),
    "all": Augment(flip=True, shift=0.1, expand=2.0, iou_crop=0.7, mosaic=0.7, keep="center"),
}


def marked(n: int = 12, seed: int = 0, masks: bool = False) -> ArrayDataset:
    """Black images with one filled rectangle each, as bright as its class is high."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((n, HEIGHT, WIDTH, 1), np.uint8)
    places = []
    for number in range(n):
        sides = rng.integers(16, 40, 2)
        x, y = rng.integers(0, [WIDTH, HEIGHT] - sides + 1)
        places.append([x, y, x + sides[0], y + sides[1]])
        pixels[number, y : y + sides[1], x : x + sides[0]] = brightness(number)
    instances = Instances.of([of_mask(image[..., 0] > 0) for image in pixels]) if masks else None
    boxes = Boxes.of([[place] for place in places], [[c] for c in range(n)], instances)
    names = [f"class {c}" for c in range(n)]
    return ArrayDataset(pixels, Truths(boxes=boxes), names, "marked", 255)


def brightness(number: int) -> int:
    return 250 - 9 * (number % 12)  # away from black and from the grey around


def loader(dataset: ArrayDataset, augment: Augment, batch: int = 12, **how: object) -> Loader:
    view = View((HEIGHT, WIDTH), augment=augment, border="gray")
    return Loader(dataset, view, batch, 3, CPU, **how)  # type: ignore[arg-type]


def seen(batch: Batch) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Grey levels (n, h, w), and boxes with their images and classes."""
    assert batch.boxes is not None and batch.box_images is not None
    assert batch.box_classes is not None
    pixels = batch.inputs[:, 0].numpy() * 255
    return pixels, batch.boxes.numpy(), batch.box_images.numpy(), batch.box_classes.numpy()


@pytest.mark.parametrize("what", EACH)
def test_an_object_and_its_box_stay_together(what: str) -> None:
    ours, found = loader(marked(), EACH[what]), 0
    for epoch in range(6):
        for batch in ours.epoch(epoch):
            pixels, boxes, images, classes = seen(batch)
            for box, image, kind in zip(boxes, images, classes, strict=True):
                lit = np.abs(pixels[image] - brightness(kind)) < 3
                x0, y0, x1, y1 = box
                assert lit[int(y0 + 3) : int(y1 - 2), int(x0 + 3) : int(x1 - 2)].all()
                if what in ("expand", "iou_crop"):  # a mosaic may show the same object again
                    lit[max(0, int(y0)) : int(y1 + 1), max(0, int(x0)) : int(x1 + 1)] = False
                    assert not lit.any()
                found += 1
    assert found > 40


@pytest.mark.parametrize("what", EACH)
def test_a_box_is_the_extent_of_its_mask_through_each(what: str) -> None:
    """The masks are warped by themselves: an oracle that knows no corners."""
    straight, masked = loader(marked(), EACH[what]), loader(marked(masks=True), EACH[what])
    for epoch in range(3):
        (plain,), (batch,) = straight.epoch(epoch), masked.epoch(epoch)
        assert batch.instances is not None and batch.boxes is not None and plain.boxes is not None
        assert batch.box_images is not None and batch.box_classes is not None
        assert torch.equal(batch.inputs, plain.inputs)
        for mask, box in zip(batch.instances.numpy(), batch.boxes.numpy(), strict=True):
            assert extent(mask != 0) == tuple(box)
        key = np.stack([batch.box_images.numpy(), batch.box_classes.numpy()], 1).tolist()
        assert plain.box_images is not None and plain.box_classes is not None
        other = np.stack([plain.box_images.numpy(), plain.box_classes.numpy()], 1).tolist()
        shared = [pair for pair in key if key.count(pair) == other.count(pair) == 1]
        assert len(shared) > 3
        for pair in shared:
            of_mask_, of_corners = batch.boxes[key.index(pair)], plain.boxes[other.index(pair)]
            assert (of_mask_ - of_corners).abs().max() <= 0.6


# Zooming out


def test_zooming_out_happens_in_half_of_the_draws_and_loses_nothing() -> None:
    view = View((40, 60), augment=Augment(expand=4.0), border="gray")
    boxes = Boxes.of([[[0, 0, 60, 40]]] * 400, [[0]] * 400)
    maps = view.draw((40, 60), 1, 2, np.arange(400), boxes)
    linear = maps.matrices[:, :, :2]
    factors = 1 / linear[:, 0, 0]
    assert np.allclose(linear, np.eye(2) / factors[:, None, None])
    assert 150 < (factors == 1).sum() < 250
    assert 3.8 < factors.max() <= 4
    whole = geometry.extents(boxes, maps.matrices)
    assert whole.min() >= -1e-9
    assert (whole[:, 2:].max(0) <= [60 + 1e-9, 40 + 1e-9]).all()
    free = factors > 2  # and lies anywhere in what is free
    share = whole[free, :2] / (np.array([60, 40]) * (1 - 1 / factors[free, None]))
    assert share.min() < 0.05 and share.max() > 0.95


# Crops around an object


@st.composite
def scattered(draw: st.DrawFn) -> Boxes:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    corners = [rng.uniform(0, 1, (rng.integers(0, 5), 2, 2)) for _ in range(8)]
    tables = [np.sort(c, 1).reshape(-1, 4) * [WIDTH, HEIGHT, WIDTH, HEIGHT] for c in corners]
    return Boxes.of(tables, [np.zeros(len(table)) for table in tables])


@FEW
@given(scattered(), st.integers(0, 2**31), st.sampled_from([0.25, 0.8, "center"]))
def test_a_crop_keeps_an_object_and_its_center(boxes: Boxes, seed: int, keep: float) -> None:
    view = View((40, 40), augment=Augment(iou_crop=1.0, expand=2.0, keep=keep), border="gray")
    maps = view.draw((HEIGHT, WIDTH), seed, 1, np.arange(8), boxes)
    kept = geometry.moved_boxes(boxes, maps.matrices, (40, 40), keep)
    whole = geometry.extents(boxes, maps.matrices)
    center = (whole[:, :2] + whole[:, 2:]) / 2
    inside = ((center >= 0) & (center < 40)).all(1)
    for image in range(8):
        own = boxes.images == image
        if own.any():
            assert inside[own].any()
            assert kept.starts[image + 1] > kept.starts[image]


@settings(max_examples=8)
@given(scattered(), st.integers(0, 2**31), st.sampled_from([0.0, 0.25, 0.8]))
def test_a_window_is_the_first_of_those_tried_that_overlaps_enough(
    boxes: Boxes, seed: int, visible: float
) -> None:
    d = Draw(seed, 5, np.arange(8))
    whole = windows.middle(d, (HEIGHT, WIDTH), (HEIGHT, WIDTH), whole=False)
    corners, sides = windows.tried(d, whole)
    found = np.concatenate(windows.overlapping(d, whole, 1.0, boxes, visible), 1)
    for image in range(8):
        own = boxes.boxes[boxes.images == image].astype(np.float64)
        firsts: dict[float, list[float]] = {}
        for corner, side in zip(corners[image], sides[image], strict=True):
            window = np.concatenate([corner, corner + side])[None]
            best = -1.0 if len(own) else 1.0
            for box in own:
                center = (box[:2] + box[2:]) / 2
                if (center >= window[0, :2]).all() and (center < window[0, 2:]).all():
                    shared = np.minimum(box[2:], window[0, 2:]) - np.maximum(box[:2], window[0, :2])
                    if shared.prod() >= visible * (box[2:] - box[:2]).prod():
                        best = max(best, float(geometry_of_boxes.iou(box[None], window)[0, 0]))
            for least in windows.OVERLAPS:
                if best >= least:
                    firsts.setdefault(least, [*corner, *side])
        taken = found[image].tolist()
        assert taken in firsts.values() if firsts else taken == [0, 0, WIDTH, HEIGHT]


def test_windows_that_are_tried_have_their_scales_and_ratios_and_lie_inside() -> None:
    d = Draw(0, 0, np.arange(100))
    corners, sides = windows.tried(d, windows.middle(d, (40, 40), (40, 40), whole=False))
    assert corners.min() >= 0 and (corners + sides).max() <= 40 + 1e-9
    scale, ratio = np.sqrt(sides.prod(-1)) / 40, sides[..., 0] / sides[..., 1]
    assert 0.3 <= scale.min() < 0.31 and 0.99 < scale.max() <= 1
    assert 0.5 <= ratio.min() < 0.51 and 1.96 < ratio.max() <= 2


def test_every_least_overlap_is_met_and_a_share_of_the_images_is_cropped() -> None:
    boxes = Boxes.of([[[12, 12, 36, 36]]] * 600, [[0]] * 600)
    view = View((48, 48), augment=Augment(iou_crop=0.6))
    matrices = view.draw((48, 48), 0, 0, np.arange(600), boxes).matrices
    cropped = ~np.isclose(matrices[:, :, :2], np.eye(2)).all((1, 2))
    assert 0.55 < cropped.mean() < 0.65
    corners = -matrices[:, [0, 1], 2] / matrices[:, [0, 1], [0, 1]]
    seen = np.concatenate([corners, corners + 48 / matrices[:, [0, 1], [0, 1]]], 1)
    overlap = geometry_of_boxes.iou(np.array([[12.0, 12, 36, 36]]), seen)[0, cropped]
    counts, _ = np.histogram(overlap, [0, 0.3, 0.5, 0.7, 1])
    assert counts.min() > 20


def test_a_crop_is_a_function_of_seed_epoch_and_index_and_the_boxes_of_the_image() -> None:
    boxes = marked(50).truths.boxes
    assert boxes is not None
    augment = Augment(iou_crop=0.8, expand=3.0, flip=True)
    view = View((32, 32), augment=augment, border="gray")
    whole = view.draw((HEIGHT, WIDTH), 1, 2, np.arange(50), boxes).matrices
    for rows in (np.array([7]), np.arange(20, 40), np.arange(50)[::-1]):
        part = view.draw((HEIGHT, WIDTH), 1, 2, rows, boxes.take(rows)).matrices
        assert np.array_equal(whole[rows], part)


# Mosaics


@FEW
@given(
    st.integers(0, 2**31),
    st.tuples(st.integers(2, 60), st.integers(2, 60)),
    st.integers(1, 9),
)
def test_the_quarters_fill_the_input_and_keep_the_shape_of_what_they_show(
    seed: int, size: tuple[int, int], n: int
) -> None:
    quarters = mosaic.draw(Draw(seed, 0, np.arange(n)), size)
    filled = np.zeros(size, int)
    for quarter in quarters:
        left, top, right, bottom = quarter.place
        filled[top:bottom, left:right] += 1
        x0, y0, x1, y1 = quarter.window
        assert 0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]
        across, down = (right - left) / (x1 - x0), (bottom - top) / (y1 - y0)
        assert across <= 1.5 and down <= 1.5 and sorted(quarter.rows) == list(range(n))
        if min(size) >= 40:
            assert abs(across / down - 1) < 0.06
    assert (filled == 1).all()
    assert quarters[0].rows.tolist() == list(range(n))


def test_a_mosaic_shows_its_four_images_and_their_boxes_worked_by_hand() -> None:
    inputs = torch.arange(2.0)[:, None, None, None].expand(2, 1, 8, 8).contiguous()
    whole = [(0, 0, 4, 4), (4, 0, 8, 4), (0, 4, 4, 8), (4, 4, 8, 8)]
    rows = [[0, 1], [1, 0], [0, 1], [1, 0]]
    quarters = [
        mosaic.Quarter(np.array(who), (0, 0, 8, 8), place)
        for who, place in zip(rows, whole, strict=True)
    ]
    laid = mosaic.laid(inputs, quarters)[:, 0]
    assert laid[0, :4, :4].eq(0).all() and laid[0, :4, 4:].eq(1).all()
    assert laid[1, 4:, :4].eq(1).all() and laid[1, 4:, 4:].eq(0).all()
    truths = Boxes.of([[[0, 0, 8, 4]], [[2, 2, 4, 8], [-4, 0, 0.5, 8]]], [[5], [6, 7]])
    eye = np.repeat(np.eye(2, 3)[None], 2, 0)
    found = mosaic.boxes(truths, eye, quarters, (8, 8), 0.25)
    assert found.starts.tolist() == [0, 4, 8]
    assert found.classes.tolist() == [5, 6, 5, 6, 6, 5, 6, 5]
    assert found.boxes[:4].tolist() == [[0, 0, 4, 2], [5, 1, 6, 4], [0, 4, 4, 6], [5, 5, 6, 8]]


def test_a_share_of_batches_are_mosaics() -> None:
    plain, ours = loader(marked(40), Augment(), 4), loader(marked(40), Augment(mosaic=0.5), 4)
    laid = [
        not torch.equal(one.inputs, two.inputs)
        for epoch in range(10)
        for one, two in zip(plain.epoch(epoch), ours.epoch(epoch), strict=True)
    ]
    assert 0.35 < np.mean(laid) < 0.65


# The loader


def same(one: Batch, two: Batch) -> bool:
    columns = ("inputs", "boxes", "box_images", "box_classes")
    return np.array_equal(one.indices, two.indices) and all(
        torch.equal(getattr(one, name), getattr(two, name)) for name in columns
    )


def test_an_epoch_with_mosaics_goes_on_from_any_batch_in_any_pieces() -> None:
    whole = list(loader(marked(26), EACH["all"], 8).epoch(2))
    for start in (0, 1, 3):
        rest = list(loader(marked(26), EACH["all"], 8).epoch(2, start))
        assert all(same(a, b) for a, b in zip(whole[start:], rest, strict=True))
    halves = list(loader(marked(26), EACH["all"], 8, pieces=2).epoch(2))
    again = list(loader(marked(26), EACH["all"], 8, pieces=2).epoch(2))
    assert len(halves) == 7 and all(same(a, b) for a, b in zip(halves, again, strict=True))
    shares = [list(loader(marked(26), EACH["all"], 8, share=(r, 2)).epoch(2)) for r in (0, 1)]
    for step, (first, second) in enumerate(zip(*shares, strict=True)):
        both = np.concatenate([first.indices, second.indices])
        assert np.array_equal(both, whole[step].indices)


def test_images_without_objects_are_cropped_zoomed_and_laid_too() -> None:
    empty = Boxes.of([[]] * 8, [[]] * 8)
    dataset = ArrayDataset(np.zeros((8, 32, 32, 3), np.uint8), Truths(boxes=empty), ("a",), "bare")
    for augment in EACH.values():
        (batch,) = Loader(dataset, View((32, 32), augment=augment, border="gray"), 8, 0, CPU).epoch(
            0
        )
        assert batch.boxes is not None and batch.boxes.shape == (0, 4)


@pytest.mark.parametrize("what", ["expand", "iou_crop", "mosaic"])
def test_what_is_for_boxes_is_refused_without_them(what: str) -> None:
    pixels = np.zeros((4, 8, 8, 3), np.uint8)
    dataset = ArrayDataset(pixels, Truths(label=np.arange(4) % 2), ("a", "b"), "toys")
    view = View((8, 8), augment=Augment(**{what: 1.0}), border="gray")
    with pytest.raises(DataError, match=rf"^toys: augment\.{what} is for sets of boxes"):
        Loader(dataset, view, 4, 0, CPU)


@pytest.mark.parametrize(
    ("settings_of", "said"),
    [
        ({"expand": 0.5}, "augment.expand = 0.5: must be 0, or 1 to 8"),
        ({"expand": 9.0}, "augment.expand = 9.0: must be 0 to 8"),
        ({"mosaic": 1.5}, "augment.mosaic = 1.5: must be 0 to 1"),
        ({"keep": 0.0}, 'augment.keep = 0: must be a share above 0, or "center"'),
        ({"iou_crop": 0.5, "crop": True}, "augment.crop and augment.iou_crop exclude one another"),
    ],
)
def test_what_cannot_be_drawn_is_refused(settings_of: dict[str, float], said: str) -> None:
    with pytest.raises(DataError, match=said.replace(".", r"\.")):
        Augment(**settings_of)  # type: ignore[arg-type]


def test_zooming_out_onto_a_mirrored_border_is_refused() -> None:
    with pytest.raises(DataError, match="set view.border to gray"):
        View((8, 8), augment=Augment(expand=2.0))


# Which boxes stay


def test_a_box_stays_by_its_visible_share_or_by_its_center() -> None:
    boxes = Boxes.of([[[0, 0, 8, 8], [-6, 0, 4, 8], [-3, 0, 5, 8], [20, 20, 30, 30]]], [range(4)])
    eye = np.eye(2, 3)[None]

    def stays(keep: geometry.Keep) -> list[int]:
        return geometry.moved_boxes(boxes, eye, (16, 16), keep).classes.tolist()

    assert stays(0.25) == [0, 1, 2]
    assert stays(0.5) == [0, 2]
    assert stays(1.0) == [0]
    assert stays("center") == [0, 2]
