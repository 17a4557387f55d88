"""Suppression of boxes that repeat a better one, or lie inside it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.boxes import suppress
from sightline.detect.nested import outermost


def drawn(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 60, (n, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 40, (n, 2))], 1).astype(np.float32)
    return boxes, (rng.integers(1, 9, n) / 8).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 80), st.floats(0.1, 0.9), st.floats(0.3, 1))
def test_what_stays_is_what_a_plain_loop_leaves(
    seed: int, n: int, most: float, inside: float
) -> None:
    boxes, scores = drawn(seed, n)
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    shared = np.maximum(np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - low, 0).prod(2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept: list[int] = []
    for i in sorted(range(n), key=lambda i: (-scores[i], i)):
        covered = (
            shared[i, k] > np.float32(most) * (areas[i] + areas[k] - shared[i, k])
            or shared[i, k] > np.float32(inside) * areas[i]
            for k in kept
        )
        if not any(covered):
            kept.append(i)
    assert outermost(boxes, scores, most, inside).tolist() == kept


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 80))
def test_with_all_of_a_box_allowed_inside_it_is_suppression_by_iou(seed: int, n: int) -> None:
    boxes, scores = drawn(seed, n)
    expected = suppress(boxes, scores, iou=0.3)
    np.testing.assert_array_equal(outermost(boxes, scores, 0.3, 1), expected)


def test_a_part_inside_a_better_box_goes_and_a_better_part_leaves_what_is_around_it() -> None:
    boxes = np.array([[10, 10, 60, 60], [20, 20, 40, 40], [80, 80, 100, 100]], np.float32)
    assert outermost(boxes, np.array([0.9, 0.8, 0.6], np.float32), 0.3, 0.6).tolist() == [0, 2]
    assert outermost(boxes, np.array([0.8, 0.9, 0.6], np.float32), 0.3, 0.6).tolist() == [1, 0, 2]
    assert outermost(boxes, np.array([0.9, 0.8, 0.6], np.float32), 0.3, 1).tolist() == [0, 1, 2]
