"""Overlap and shapes of boxes against plain arithmetic, NumPy and torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline.boxes as ours
from sightline.boxes import tensors

numbers = st.integers(-6, 14)
box = st.tuples(numbers, numbers, numbers, numbers)
several = st.lists(box, max_size=6)


def covered(one: tuple[int, ...], two: tuple[int, ...]) -> float:
    """IoU of boxes with whole corners, by counting pixels."""
    of = [{(x, y) for x in range(b[0], b[2]) for y in range(b[1], b[3])} for b in (one, two)]
    return len(of[0] & of[1]) / max(1, len(of[0] | of[1]))


def table(rows: list[tuple[int, ...]]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


@settings(max_examples=60, deadline=None)
@given(several, several)
def test_overlap_is_a_count_of_pixels(one: list, two: list) -> None:
    wanted = np.array([[covered(a, b) for b in two] for a in one]).reshape(len(one), len(two))
    found = ours.iou(table(one), table(two))
    assert found == pytest.approx(wanted, abs=1e-6)
    also = tensors.iou(torch.from_numpy(table(one)), torch.from_numpy(table(two)))
    assert also.numpy().tobytes() == found.tobytes()
    assert ours.area(table(one)).tolist() == tensors.area(torch.from_numpy(table(one))).tolist()


def test_shapes_there_and_back() -> None:
    boxes = np.array([[1, 2, 5, 10], [0, 0, 0, 0]], np.float32)
    assert ours.centers(boxes).tolist() == [[3, 6, 4, 8], [0, 0, 0, 0]]
    assert ours.corners(ours.centers(boxes)).tolist() == boxes.tolist()
    both = torch.from_numpy(boxes)
    assert tensors.centers(both).tolist() == ours.centers(boxes).tolist()
    assert tensors.corners(tensors.centers(both)).tolist() == boxes.tolist()


def test_clipping_leaves_what_is_in_the_image() -> None:
    boxes = np.array([[-3, -4, 5, 20], [30, 2, 40, 9], [1, 1, 2, 2]], np.float32)
    wanted = [[0, 0, 5, 10], [20, 2, 20, 9], [1, 1, 2, 2]]
    assert ours.clip(boxes, (10, 20)).tolist() == wanted
    assert tensors.clip(torch.from_numpy(boxes), (10, 20)).tolist() == wanted


def test_the_overlaps_of_losses_on_a_worked_case() -> None:
    one, two = torch.tensor([0.0, 0, 2, 2]), torch.tensor([1.0, 0, 3, 4])
    # shared 2, union 10, around 12; centers (1, 1) and (2, 2), diagonal² 25
    assert tensors.iou_of_pairs(one, two).item() == pytest.approx(0.2)
    assert tensors.generalized_iou(one, two).item() == pytest.approx(0.2 - 2 / 12)
    assert tensors.distance_iou(one, two).item() == pytest.approx(0.2 - 2 / 25)
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(0.5)) ** 2
    wanted = 0.2 - 2 / 25 - v / (0.8 + v) * v
    assert tensors.complete_iou(one, two).item() == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["generalized_iou", "distance_iou", "complete_iou"])
def test_losses_bring_boxes_together_even_from_afar_or_without_area(name: str) -> None:
    target = torch.tensor([[4.0, 4, 8, 10]] * 3)
    start = torch.tensor([[20.0, 20, 22, 22], [5, 5, 5, 5], [4, 4, 8, 10]])
    boxes = start.clone().requires_grad_()
    loss = (1 - getattr(tensors, name)(boxes, target)).sum()
    (slope,) = torch.autograd.grad(loss, boxes)
    assert slope.isfinite().all()
    moved = slope[0, :2] + slope[0, 2:]
    assert (moved > 0).all()  # the loss falls as the whole box goes left and up
    assert getattr(tensors, name)(target, target).tolist() == pytest.approx([1, 1, 1])
