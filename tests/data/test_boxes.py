"""Boxes by column: any choice of images or boxes keeps each with its class and its mask."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.data.boxes import Boxes, Instances
from sightline.instances import of_mask


def drawn(counts: list[int], seed: int, masks: bool = True) -> Boxes:
    """Images of so many boxes; the class of a box is its number, its mask has a pixel for each."""
    m, rng = sum(counts), np.random.default_rng(seed)
    edges = np.cumsum([0, *counts])
    corners = rng.random((m, 4)).astype(np.float32)
    pixels = [rng.random((3, 4)) < 0.5 for _ in range(m)]
    split = [slice(a, b) for a, b in pairwise(edges)]
    return Boxes.of(
        [corners[rows] for rows in split],
        [np.arange(m)[rows] for rows in split],
        Instances.of([of_mask(one) for one in pixels]) if masks else None,
    )


def said(boxes: Boxes) -> list[list[tuple[object, ...]]]:
    """Of each image, its boxes with class and runs."""
    found = []
    for image in range(len(boxes)):
        truth = boxes.at(image)
        masks = truth.get("instances", [None] * len(truth["boxes"]))
        runs = [None if mask is None else (mask.size, mask.counts.tolist()) for mask in masks]
        rows = zip(truth["boxes"].tolist(), truth["classes"].tolist(), runs, strict=True)
        found.append([(tuple(box), label, run) for box, label, run in rows])
    return found


COUNTS = st.lists(st.integers(0, 4), min_size=1, max_size=6)


@given(COUNTS, st.integers(0, 99), st.data())
def test_images_that_are_taken_keep_their_boxes(
    counts: list[int], seed: int, data: st.DataObject
) -> None:
    boxes = drawn(counts, seed)
    rows = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=8))
    taken = boxes.take(np.array(rows, np.int64))
    whole = said(boxes)
    assert said(taken) == [whole[row] for row in rows]


@given(COUNTS, st.integers(0, 99), st.data())
def test_boxes_that_are_kept_stay_with_their_image(
    counts: list[int], seed: int, data: st.DataObject
) -> None:
    boxes = drawn(counts, seed)
    chosen = data.draw(st.sets(st.integers(0, max(0, sum(counts) - 1)))) if sum(counts) else set()
    kept = said(boxes.kept(np.array(sorted(chosen), np.int64)))
    assert kept == [[box for box in image if box[1] in chosen] for image in said(boxes)]


@given(COUNTS, COUNTS)
def test_sets_that_are_joined_keep_their_boxes(left: list[int], right: list[int]) -> None:
    one, other = drawn(left, 1), drawn(right, 2)
    assert said(Boxes.joined([one, other])) == said(one) + said(other)


def test_a_part_without_boxes_does_not_take_the_masks_of_the_others() -> None:
    """An image folder of empty scenes has no masks to know."""
    one, empty = drawn([2, 1], 1), drawn([0, 0], 2, masks=False)
    for parts in ([one, empty], [empty, one]):
        assert said(Boxes.joined(parts)) == [box for part in parts for box in said(part)]
    assert Boxes.joined([one, drawn([1], 2, masks=False)]).instances is None


def test_every_box_knows_its_image() -> None:
    assert drawn([2, 0, 1], 0).images.tolist() == [0, 0, 2]
