"""Suppression against plain loops, and NumPy against torch bit for bit."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline.boxes as ours
from sightline.boxes import tensors
from sightline.boxes.suppression import exp_of_minus
from sightline.errors import DataError

Made = tuple[np.ndarray, np.ndarray, np.ndarray]


def scattered(n: int, objects: int, seed: int = 0, kinds: int = 3, ties: bool = True) -> Made:
    """Boxes about some objects; scores of two digits, so that there are ties."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, objects, n)
    middle = rng.uniform(0, 400, (objects, 2))[of] + rng.normal(0, 4, (n, 2))
    sides = rng.uniform(4, 80, (objects, 2))[of] * np.exp(rng.normal(0, 0.2, (n, 2)))
    boxes = np.concatenate([middle - sides / 2, middle + sides / 2], 1).astype(np.float32)
    scores = rng.random(n).astype(np.float32)
    return boxes, np.round(scores, 2) if ties else scores, rng.integers(0, kinds, n)


def share(a: np.ndarray, b: np.ndarray) -> np.float32:
    """IoU of two boxes in float32, step by step."""
    f = np.float32
    wide = f(min(a[2], b[2])) - f(max(a[0], b[0]))
    tall = f(min(a[3], b[3])) - f(max(a[1], b[1]))
    if wide <= 0 or tall <= 0:
        return f(0)
    common = wide * tall
    sizes = [max(x[2] - x[0], f(0)) * max(x[3] - x[1], f(0)) for x in (a, b)]
    return common / (sizes[0] + sizes[1] - common)


def plain(made: Made, iou: float, by_class: bool, limit: int | None) -> list[int]:
    boxes, scores, kinds = made
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        rivals = [j for j in kept if not by_class or kinds[i] == kinds[j]]
        if all(share(boxes[j], boxes[i]) <= np.float32(iou) for j in rivals):
            kept.append(i)
    return kept[:limit]


def plain_soft(made: Made, factor: Callable[[float], float], least: float) -> dict[int, float]:
    boxes, scores, kinds = made
    left = {i: float(score) for i, score in enumerate(scores)}
    taken: dict[int, float] = {}
    while left:
        best = min(left, key=lambda i: (-left[i], i))
        score = left.pop(best)
        if score < least:
            break
        taken[best] = score
        for i in left:
            if kinds[i] == kinds[best]:
                left[i] *= factor(float(share(boxes[best], boxes[i])))
    return taken


def plain_matrix(made: Made, f: Callable[[float], float], least: float) -> dict[int, float]:
    boxes, scores, kinds = made
    order = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    covered: dict[int, float] = {}
    found: dict[int, float] = {}
    for at, j in enumerate(order):
        better = [i for i in order[:at] if kinds[i] == kinds[j]]
        overlap = {i: float(share(boxes[i], boxes[j])) for i in better}
        covered[j] = max(overlap.values(), default=0.0)
        ratios = [f(overlap[i]) / f(covered[i]) for i in better if covered[i] < 1]
        score = float(scores[j]) * min(1.0, *ratios, 1.0)
        if score >= least:
            found[j] = score
    return found


def on_torch(made: Made) -> tuple[Any, ...]:
    return tuple(torch.from_numpy(x) for x in made)


corner = st.integers(-3, 12)
side = st.integers(-1, 8)  # some are turned inside out or have no area
cases = st.lists(
    st.tuples(corner, corner, side, side, st.integers(0, 4), st.integers(0, 2)), max_size=24
)


def made_of(rows: list[tuple[int, ...]]) -> Made:
    table = np.array(rows, np.float32).reshape(-1, 6)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], 1)
    return boxes, table[:, 4] / np.float32(4), table[:, 5].astype(np.int64)


@settings(max_examples=100, deadline=None)
@given(cases, st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.booleans(), st.sampled_from([None, 0, 3]))
def test_hard_suppression_is_the_greedy_loop(
    rows: list[tuple[int, ...]], iou: float, by_class: bool, limit: int | None
) -> None:
    boxes, scores, kinds = made = made_of(rows)
    classes = kinds if by_class else None
    found = ours.suppress(boxes, scores, iou=iou, classes=classes, limit=limit)
    assert found.tolist() == plain(made, iou, by_class, limit)
    again = ours.suppress(boxes[found], scores[found], iou=iou, classes=kinds[found])
    if by_class:
        assert again.tolist() == list(range(len(found)))


@settings(max_examples=40, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_rows_matters_to_ties_alone(rows: list[tuple[int, ...]], chance: Any) -> None:
    boxes, _, kinds = made_of(rows)
    scores = np.linspace(0, 1, len(rows), dtype=np.float32)
    mixed = np.array(chance.sample(range(len(rows)), len(rows)), np.int64)
    for how in (ours.suppress, lambda *a, **k: ours.soft_suppress(*a, **k, least=1e-6)[0]):
        straight = how(boxes, scores, classes=kinds)
        other = how(boxes[mixed], scores[mixed], classes=kinds[mixed])
        assert sorted(mixed[other].tolist()) == sorted(straight.tolist())


@pytest.mark.parametrize(("n", "objects"), [(300, 6), (300, 300), (700, 60)])
@pytest.mark.parametrize("by_class", [False, True])
def test_many_boxes_are_suppressed_as_by_the_loop(n: int, objects: int, by_class: bool) -> None:
    boxes, scores, kinds = made = scattered(n, objects)
    found = ours.suppress(boxes, scores, iou=0.4, classes=kinds if by_class else None)
    assert found.tolist() == plain(made, 0.4, by_class, None)


@settings(max_examples=50, deadline=None)
@given(cases)
def test_soft_suppression_is_the_loop_of_the_paper(rows: list[tuple[int, ...]]) -> None:
    boxes, scores, kinds = made_of(rows)
    scores = scores * np.linspace(0.5, 1, len(rows), dtype=np.float32)  # no decay ends in a tie
    made = (boxes, scores, kinds)
    found, values = ours.soft_suppress(boxes, scores, classes=kinds, least=0.01)
    wanted = plain_soft(made, lambda x: math.exp(-x * x / 0.5), 0.01)
    assert dict(zip(found.tolist(), values.tolist(), strict=True)) == pytest.approx(wanted)
    found, values = ours.soft_suppress(boxes, scores, decay="linear", classes=kinds, least=0.01)
    wanted = plain_soft(made, lambda x: 1 - x if x > 0.3 else 1, 0.01)
    assert dict(zip(found.tolist(), values.tolist(), strict=True)) == pytest.approx(wanted)
    assert (np.diff(values) <= 0).all()


@settings(max_examples=50, deadline=None)
@given(cases)
def test_matrix_suppression_is_the_formula_of_the_paper(rows: list[tuple[int, ...]]) -> None:
    boxes, scores, kinds = made = made_of(rows)
    found, values = ours.matrix_suppress(boxes, scores, classes=kinds, least=0.01)
    wanted = plain_matrix(made, lambda x: math.exp(-2 * x * x), 0.01)
    assert dict(zip(found.tolist(), values.tolist(), strict=True)) == pytest.approx(wanted)
    found, values = ours.matrix_suppress(boxes, scores, decay="linear", classes=kinds, least=0.01)
    wanted = plain_matrix(made, lambda x: 1 - x, 0.01)
    assert dict(zip(found.tolist(), values.tolist(), strict=True)) == pytest.approx(wanted)
    assert (np.diff(values) <= 0).all()


@pytest.mark.parametrize(("n", "objects"), [(0, 1), (1, 1), (90, 4), (900, 12), (900, 900)])
@pytest.mark.parametrize("by_class", [False, True])
def test_torch_decides_as_numpy_bit_for_bit(n: int, objects: int, by_class: bool) -> None:
    made = scattered(n, objects, seed=n + objects)
    boxes, scores, kinds = made
    as_tensors = on_torch(made)
    classes = {"classes": kinds} if by_class else {}
    also = {"classes": as_tensors[2]} if by_class else {}
    for iou in (0.1, 0.5):
        one = ours.suppress(boxes, scores, iou=iou, **classes)
        two = tensors.suppress(*as_tensors[:2], iou=iou, **also)
        assert one.tolist() == two.tolist()
    for name in ("soft_suppress", "matrix_suppress"):
        for decay in ("linear", "gaussian"):
            kept, values = getattr(ours, name)(boxes, scores, decay=decay, **classes)
            rows, lowered = getattr(tensors, name)(*as_tensors[:2], decay=decay, **also)
            assert kept.tolist() == rows.tolist()
            assert values.tobytes() == lowered.numpy().tobytes()


def test_a_worked_case() -> None:
    # the second is two thirds in the first (IoU 1/2), the third apart, the fourth of another class
    boxes = np.array([[0, 0, 3, 1], [1, 0, 4, 1], [9, 9, 10, 10], [0, 0, 3, 1]], np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    kinds = np.array([0, 0, 0, 1])
    assert ours.suppress(boxes, scores, iou=0.5, classes=kinds).tolist() == [0, 1, 2, 3]
    assert ours.suppress(boxes, scores, iou=0.4, classes=kinds).tolist() == [0, 2, 3]
    assert ours.suppress(boxes, scores, iou=0.4).tolist() == [0, 2]
    rows, lowered = ours.soft_suppress(boxes, scores, decay="linear", classes=kinds)
    assert rows.tolist() == [0, 2, 3, 1]
    assert lowered.tolist() == pytest.approx([0.9, 0.7, 0.6, 0.4])


def test_exp_of_minus_is_exp() -> None:
    x = np.linspace(0, 80, 4001, dtype=np.float32)
    assert exp_of_minus(x) == pytest.approx(np.exp(-x.astype(np.float64)), rel=2e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    boxes, scores, _ = scattered(5, 2)
    broken = boxes.copy()
    broken[3, 2] = bad
    for how in ("suppress", "soft_suppress", "matrix_suppress"):
        with pytest.raises(DataError, match="finite"):
            getattr(ours, how)(broken, scores)
        with pytest.raises(DataError, match="finite"):
            getattr(tensors, how)(torch.from_numpy(boxes), torch.full((5,), bad))


def test_shapes_that_do_not_fit_and_unknown_decays_are_refused() -> None:
    boxes, scores, kinds = scattered(5, 2)
    with pytest.raises(DataError, match="they should be"):
        ours.suppress(boxes, scores[:4])
    with pytest.raises(DataError, match="they should be"):
        tensors.suppress(torch.from_numpy(boxes), torch.from_numpy(scores), classes=torch.ones(4))
    with pytest.raises(DataError, match="unknown decay 'cubic'"):
        ours.soft_suppress(boxes, scores, decay="cubic", classes=kinds)  # type: ignore[arg-type]
