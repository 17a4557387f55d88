"""Sets that are made: what they say is there is there, and an image depends on its number alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.data import generated, shapes, triangles
from sightline.data.dataset import Dataset, Subset
from sightline.data.fingerprint import fingerprint
from sightline.data.split import Splits
from sightline.errors import DataError

MAKERS: list[Callable[..., Splits]] = [
    shapes.shapes,
    generated.captchas,
    generated.blobs,
    triangles.triangles,
]
every_set = pytest.mark.parametrize("make", MAKERS)


def extent(inside: NDArray[np.bool_]) -> list[float]:
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def regions(mask: NDArray[np.uint8]) -> list[tuple[int, list[float]]]:
    """Class and extent of every connected region of a mask, by filling them one after another."""
    left, found = mask.copy(), []
    while left.any():
        first = tuple(np.argwhere(left)[0])
        kind, region = int(left[first]), np.zeros(mask.shape, bool)
        region[first] = True
        while True:
            grown = np.pad(region, 1)
            near = [np.roll(grown, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            grown = np.any(near, 0)[1:-1, 1:-1] & (left == kind)
            if (grown == region).all():
                break
            region = grown
        left[region] = 0
        found.append((kind, extent(region)))
    return found


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), height=st.integers(32, 120), width=st.integers(32, 120))
def test_boxes_of_shapes_are_the_extents_of_what_their_masks_show(
    seed: int, height: int, width: int
) -> None:
    train = shapes.shapes(3, 0, (height, width), seed).train
    for index in range(3):
        truth = train[index].truth
        assert truth.boxes is not None and truth.classes is not None and truth.mask is not None
        said = zip(truth.classes.tolist(), truth.boxes.tolist(), strict=True)
        assert sorted(said) == sorted(regions(truth.mask))


def test_shapes_show_every_class_in_every_number() -> None:
    boxes = shapes.shapes(200, 0).train.truths.boxes
    assert boxes is not None
    assert set(np.diff(boxes.starts)) == {1, 2, 3, 4}
    assert set(boxes.classes) == {1, 2, 3, 4}


def test_a_shape_stands_out_from_its_ground() -> None:
    """Inside and outside of the edge differ by more than the grain, for nearly all."""
    train, seen = shapes.shapes(40, 0).train, []
    for index in range(len(train)):
        sample = train[index]
        inside = sample.truth.mask != 0
        image = sample.image.astype(float)
        seen.append(np.abs(image[inside].mean(0) - image[~inside].mean(0)).max() > 20)
    assert np.mean(seen) > 0.9


def test_boxes_of_captchas_are_the_extents_of_their_ink() -> None:
    train = generated.captchas(40, 0).train
    for index in range(len(train)):
        sample = train[index]
        dark = sample.image[..., 0] < 128
        boxes = sample.truth.boxes
        assert boxes is not None and len(boxes) == 4
        covered = np.zeros_like(dark)
        for left, top, right, bottom in boxes.astype(int).tolist():
            own = np.zeros_like(dark)
            own[top:bottom, left:right] = dark[top:bottom, left:right]
            assert extent(own) == [left, top, right, bottom]
            covered |= own
        assert (covered == dark).all()  # nothing dark that no box says
        assert (np.diff(boxes[:, 0]) > 0).all()


def test_a_digit_looks_like_itself_and_unlike_others() -> None:
    """Upright regular digits of one class are nearly equal after their boxes are cut out."""
    train = generated.captchas(300, 0).train
    cut: dict[int, list[Any]] = {}
    for index in range(len(train)):
        sample = train[index]
        assert sample.truth.boxes is not None and sample.truth.classes is not None
        for box, digit in zip(sample.truth.boxes.astype(int), sample.truth.classes, strict=True):
            cut.setdefault(int(digit), []).append(
                sample.image[box[1] : box[3], box[0] : box[2]].tobytes()
            )
    assert sorted(cut) == list(range(10))
    for digit, looks in cut.items():
        others = {look for other in cut if other != digit for look in cut[other]}
        assert not set(looks) & others
        assert len(set(looks)) > 5  # sizes and faces


def test_blobs_are_told_by_where_they_are() -> None:
    """The nearest class mean of the spots' places is right for nearly all, but not for all."""
    train = generated.blobs(600, 0).train
    pixels = np.asarray(train.images(range(600)))[..., 0].astype(float)
    total = pixels.sum((1, 2))
    x = (pixels.sum(1) * np.arange(16)).sum(1) / total
    y = (pixels.sum(2) * np.arange(16)).sum(1) / total
    places, label = np.stack([x, y], 1), train.truths.label
    means = np.stack([places[label == c].mean(0) for c in range(3)])
    nearest = ((places[:, None] - means) ** 2).sum(2).argmin(1)
    assert 0.9 < (nearest == label).mean() < 1


def same(one: Dataset, row: int, other: Dataset, at: int) -> bool:
    a, b = one[row], other[at]
    columns = ("label", "boxes", "classes", "mask")
    equal = [np.array_equal(getattr(a.truth, n), getattr(b.truth, n)) for n in columns]
    return bool((a.image == b.image).all()) and all(equal) and a.source == b.source


@every_set
def test_an_image_depends_on_its_number_and_the_seed_alone(make: Callable[..., Splits]) -> None:
    whole, few, other = make(30, 0), make(10, 20), make(30, 0, seed=1)
    assert few.test is not None
    backwards = Subset(whole.train, np.arange(30)[::-1])
    for row in (0, 7, 9):
        assert same(whole.train, row, few.train, row)
        assert same(whole.train, row, backwards, 29 - row)
        assert same(whole.train, 10 + row, few.test, row)
        assert not (whole.train[row].image == other.train[row].image).all()
    assert other.test is None


@every_set
def test_images_asked_for_together_are_those_asked_for_alone(make: Callable[..., Splits]) -> None:
    train = make(12, 0).train
    together = train.images([11, 3, 3])
    assert isinstance(together, np.ndarray) and together.dtype == np.uint8
    assert (together == np.stack([train[i].image for i in (11, 3, 3)])).all()


@every_set
def test_a_generated_set_has_a_fingerprint_that_its_seed_changes(
    make: Callable[..., Splits],
) -> None:
    assert fingerprint(make(5, 0).train) == fingerprint(make(5, 0).train)
    assert fingerprint(make(5, 0).train) != fingerprint(make(5, 0, seed=1).train)


def test_landmarks_of_triangles_are_where_they_are_painted() -> None:
    """The center is the lightest spot, left and right lie so from the center to the tip, and about
    a third of the images hide something below a disc."""
    train = triangles.triangles(200, 0, seed=3).train
    points = train.truths.landmarks
    assert points is not None
    assert train.classes == ("tip", "left", "right", "center")
    hidden = np.isnan(points).any(2)
    assert 0.2 < hidden.any(1).mean() < 0.4
    assert hidden.any(0).all()
    for row in np.flatnonzero(~hidden.any(1))[:30].tolist():
        tip, left, right, center = points[row].astype(np.float64)
        ahead, beside = tip - center, right - left
        assert ahead[0] * beside[1] - ahead[1] * beside[0] > 0  # to the right, y down
        assert (points[row] > 0).all() and (points[row] < 96).all()
        x, y = center.astype(int).tolist()
        pixels = train[row].image.astype(int)
        assert pixels[y, x].min() > 180
        inside = (0.7 * tip + 0.3 * center).astype(int)
        outside = (tip + 0.2 * ahead).astype(int).clip(0, 95)
        body, ground = pixels[inside[1], inside[0]], pixels[outside[1], outside[0]]
        assert np.ptp(body) > np.ptp(ground)  # vivid on muted


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: shapes.shapes(size=(16, 96)), "each side must be 32 to 1024"),
        (lambda: triangles.triangles(size=(96, 2000)), "each side must be 32 to 1024"),
        (lambda: generated.blobs(centers=1), "2 to 10"),
        (lambda: generated.blobs(spread=0), "spread 0"),
        (lambda: generated.captchas(0, 5), "0 training"),
    ],
)
def test_what_cannot_be_made_is_one_line(make: Callable[[], Splits], said: str) -> None:
    with pytest.raises(DataError, match=said):
        make()
