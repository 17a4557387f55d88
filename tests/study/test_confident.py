"""Confident learning against loops written from the paper, and on labels known to be wrong."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightline.errors import DataError
from sightline.study.confident import noise, ranked

Pair = tuple[NDArray[np.int64], NDArray[np.float64]]


def drawn(seed: int, n: int = 60, k: int = 4) -> Pair:
    rng = np.random.default_rng(seed)
    return rng.integers(0, k, n), rng.dirichlet(np.full(k, 0.4), n)


def by_hand(labels: NDArray[np.int64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The estimated joint, image by image."""
    n, k = p.shape
    threshold = {}
    for c in range(k):
        mine = [p[x, c] for x in range(n) if labels[x] == c]
        if mine:
            threshold[c] = sum(mine) / len(mine)
    counts: Counter[tuple[int, int]] = Counter()
    for x in range(n):
        sure = [c for c in threshold if p[x, c] >= threshold[c] - 1e-9]
        if sure:
            counts[int(labels[x]), max(sure, key=lambda c: p[x, c])] += 1
    joint = np.zeros((k, k))
    for i in range(k):
        total, of = sum(counts[i, j] for j in range(k)), int((labels == i).sum())
        for j in range(k):
            share = counts[i, j] / total if total else float(i == j)
            joint[i, j] = share * of / n
    return joint


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), k=st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_the_joint_is_that_of_loops_over_images(seed: int, n: int, k: int) -> None:
    labels, p = drawn(seed, n, k)
    found = noise(labels, p)
    assert np.allclose(found.joint, by_hand(labels, p))
    assert found.joint.sum() == pytest.approx(1)
    assert np.allclose(found.joint.sum(1), np.bincount(labels, minlength=k) / n)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_pruning_is_that_of_loops_over_classes(seed: int) -> None:
    labels, p = drawn(seed)
    n, k = p.shape
    joint = by_hand(labels, p)
    of_class, of_pair = set(), set()
    for i in range(k):
        mine = [x for x in range(n) if labels[x] == i]
        many = int(np.rint(n * (joint[i].sum() - joint[i, i])))
        of_class |= set(sorted(mine, key=lambda x: p[x, i])[:many])
        for j in range(k):
            if j != i:
                worst = sorted(mine, key=lambda x: p[x, i] - p[x, j])
                of_pair |= set(worst[: int(np.rint(n * joint[i, j]))])
    odd = {x for x in range(n) if p[x, labels[x]] < p[x].max()}
    for prune, expected in {
        "class": of_class & odd,
        "noise-rate": of_pair & odd,
        "both": of_class & of_pair & odd,
    }.items():
        found = ranked(labels, p, prune)  # type: ignore[arg-type]
        assert set(np.flatnonzero(found.suspected).tolist()) == expected, prune


def test_suspects_come_first_and_the_surest_of_them_before_the_others() -> None:
    labels, p = drawn(3, 200)
    for order in ("margin", "self-confidence"):
        found = ranked(labels, p, order=order)  # type: ignore[arg-type]
        many = int(found.suspected.sum())
        assert 0 < many < 200
        assert found.suspected[found.order[:many]].all()
        assert sorted(found.order.tolist()) == list(range(200))
        for part in (found.order[:many], found.order[many:]):
            assert (np.diff(found.score[part]) >= 0).all()
    assert (found.suggested != labels).all()


def test_a_table_worked_by_hand() -> None:
    # thresholds: class 0 (.9 + .8 + .1) / 3 = .6, class 1 (.7 + .9) / 2 = .8
    p0 = np.array([0.9, 0.8, 0.1, 0.3, 0.1])
    p = np.stack([p0, 1 - p0], 1)
    labels = np.array([0, 0, 0, 1, 1])
    found = noise(labels, p)
    assert np.allclose(found.thresholds, [0.6, 0.8])
    assert found.counts.tolist() == [[2, 1], [0, 1]]  # .7 of the fourth reaches no threshold
    assert np.allclose(found.joint, [[0.4, 0.2], [0, 0.4]])
    assert found.rate == pytest.approx(0.2)
    assert np.allclose(found.given_truth, [[1, 1 / 3], [0, 2 / 3]])
    assert ranked(labels, p).order[0] == 2
    assert ranked(labels, p).suspected.tolist() == [False, False, True, False, False]


def test_flipped_labels_are_found_and_their_rate_is_estimated() -> None:
    rng = np.random.default_rng(0)
    n, k = 5000, 5
    truth = rng.integers(0, k, n)
    p = rng.dirichlet(np.ones(k), n) * 0.5
    p[np.arange(n), truth] += 0.5
    flipped = np.zeros(n, np.bool_)
    flipped[rng.choice(n, n // 10, replace=False)] = True
    labels = np.where(flipped, (truth + rng.integers(1, k, n)) % k, truth)
    found = ranked(labels, p)
    assert noise(labels, p).rate == pytest.approx(0.1, abs=0.02)
    assert flipped[found.order[: n // 10]].mean() > 0.95
    right = found.suggested[flipped] == truth[flipped]
    assert right.mean() > 0.95


def test_a_set_of_which_every_answer_is_right_has_no_suspects() -> None:
    labels = np.arange(30) % 3
    p = np.full((30, 3), 0.1)
    p[np.arange(30), labels] = 0.8
    assert noise(labels, p).rate == pytest.approx(0)
    assert not ranked(labels, p).suspected.any()


def test_a_class_that_no_image_is_labeled_with_is_never_a_truth() -> None:
    labels, p = drawn(1, 40, 4)
    labels = labels % 3
    found = noise(labels, p)
    assert found.thresholds[3] == np.inf and found.counts[:, 3].sum() == 0
    assert found.given_truth[:, 3].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("labels", "p"),
    [
        ([0, 1], [[0.5, 0.5]]),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]]),
        ([0, 1], [[0.5, 0.6], [0.5, 0.5]]),
        ([0, 1], [[np.nan, 0.6], [0.5, 0.5]]),
        ([], np.zeros((0, 2))),
    ],
)
def test_arrays_of_other_shapes_or_values_are_refused(labels: list[int], p: list[float]) -> None:
    with pytest.raises(DataError):
        noise(np.array(labels, np.int64), np.array(p))
