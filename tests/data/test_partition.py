"""Rows into parts: every row once, in proportion, groups whole."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

from sightline.data.dataset import ArrayDataset
from sightline.data.partition import folds, grouped, strata, stratified
from sightline.data.split import class_counts
from sightline.data.truths import ArrayPictures, Boxes, Truths
from sightline.errors import DataError

FIXED = settings(derandomize=True, deadline=None, max_examples=150)
SHARES = st.sampled_from([0.05, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.4, 0.5])
COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=6)


def dataset(truths: Truths, names: tuple[str, ...] = ("a", "b", "c")) -> ArrayDataset:
    return ArrayDataset(np.zeros((len(truths), 2, 2, 1), np.uint8), truths, names, "toys")


def mixed(counts: list[int]) -> np.ndarray:
    """So many rows of each class, in random order."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


# Cutting by class


@FIXED
@given(COUNTS, SHARES, SHARES, st.integers(0, 10**9))
def test_every_row_is_in_exactly_one_part(
    counts: list[int], val: float, test: float, seed: int
) -> None:
    groups = mixed(counts)
    parts = stratified(groups, len(groups), [val, test], seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(groups)))
    assert all((np.diff(part) > 0).all() for part in parts)
    again = stratified(groups, len(groups), [val, test], seed)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


@pytest.mark.parametrize("shares", [(0.15, 0.15), (0.25, 0.5), (0.4, 0.4), (0.8, 0.1), (0.5,)])
def test_a_class_of_three_or_more_gives_at_least_one_image_to_each_part(
    shares: tuple[float, ...],
) -> None:
    for count in range(3, 40):
        sizes = [len(part) for part in stratified(None, count, shares, 0)]
        assert min(sizes) >= 1, (count, sizes)


@FIXED
@given(st.lists(st.integers(20, 300), min_size=1, max_size=5), SHARES, SHARES)
def test_each_class_is_cut_in_proportion(counts: list[int], val: float, test: float) -> None:
    assume(val + test < 0.9)
    groups = np.repeat(np.arange(len(counts)), counts)
    _, *parts = stratified(groups, len(groups), [val, test], 0)
    for part, share in zip(parts, (val, test), strict=True):
        taken = np.bincount(groups[part], minlength=len(counts))
        assert np.abs(taken - share * np.array(counts)).max() <= 1


def test_another_seed_draws_other_rows() -> None:
    groups = np.repeat(np.arange(3), 100)
    drawn = [tuple(stratified(groups, 300, [0.2], seed)[1]) for seed in range(20)]
    assert len(set(drawn)) == 20
    often = np.bincount(np.concatenate(drawn), minlength=300)
    assert 0.1 < (often > 0).mean() <= 1
    assert often.max() < 14  # of 20; 60 of 300 are drawn each time


def test_classes_of_one_size_are_not_drawn_alike() -> None:
    groups = np.repeat(np.arange(2), 50)
    (_, part) = stratified(groups, 100, [0.2], 0)
    first, second = part[part < 50], part[part >= 50] - 50
    assert not np.array_equal(first, second)


def test_without_classes_rows_are_drawn_alike() -> None:
    rest, val, test = stratified(None, 100, [0.2, 0.1], 3)
    assert (len(rest), len(val), len(test)) == (70, 20, 10)


def test_a_share_of_nothing_takes_nothing() -> None:
    rest, val, test = stratified(np.repeat([0, 1], 5), 10, [0.0, 0.2], 0)
    assert (len(rest), len(val), len(test)) == (8, 0, 2)


# Folds


@FIXED
@given(COUNTS, st.integers(2, 10), st.integers(0, 10**9))
def test_folds_take_every_row_once_and_differ_by_one_at_most(
    counts: list[int], k: int, seed: int
) -> None:
    groups = mixed(counts)
    numbers = folds(groups, len(groups), k, seed)
    assert np.array_equal(numbers, folds(groups, len(groups), k, seed))
    assert set(numbers.tolist()) <= set(range(1, k + 1))
    assert np.ptp(np.bincount(numbers, minlength=k + 1)[1:]) <= 1
    for group in range(len(counts)):
        assert np.ptp(np.bincount(numbers[groups == group], minlength=k + 1)[1:]) <= 1


@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_folds_hold_as_many_of_each_class_as_scikit_learns_do(k: int) -> None:
    groups = mixed([40, 23, 11])
    numbers = folds(groups, len(groups), k, 0)
    ours = [np.bincount(groups[numbers == i], minlength=3) for i in range(1, k + 1)]
    parts = StratifiedKFold(k).split(groups, groups)
    theirs = [np.bincount(groups[test], minlength=3) for _, test in parts]
    for mine, other in zip(np.sort(ours, axis=0), np.sort(theirs, axis=0), strict=True):
        assert np.array_equal(mine, other)


def test_another_seed_folds_other_rows() -> None:
    groups = np.repeat(np.arange(2), 50)
    assert len({tuple(folds(groups, 100, 5, seed)) for seed in range(10)}) == 10


# Groups


@FIXED
@given(
    st.lists(st.integers(1, 30), min_size=4, max_size=40),
    st.lists(SHARES, min_size=1, max_size=3),
    st.integers(0, 10**9),
)
def test_no_group_is_in_two_parts_and_no_part_is_empty_or_overfull(
    sizes: list[int], shares: list[float], seed: int
) -> None:
    assume(sum(shares) < 0.95)
    rng = np.random.default_rng(seed)
    owners = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    classes = rng.integers(0, 4, len(owners))
    every = [1 - sum(shares), *shares]
    part = grouped(owners, classes, every, seed)
    assert np.array_equal(part, grouped(owners, classes, every, seed))
    assert all(len(set(part[owners == owner])) == 1 for owner in range(len(sizes)))
    taken = np.bincount(part, minlength=len(every))
    assert len(taken) == len(every)
    assert taken.min() > 0
    assert (taken - np.array(every) * len(owners)).max() <= max(sizes)


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_as_balanced_as_scikit_learns(seed: int) -> None:
    """Sizes against GroupKFold, which knows no classes; classes against StratifiedGroupKFold."""
    rng = np.random.default_rng(seed)
    owners = np.repeat(np.arange(60), rng.integers(1, 12, 60))
    lean = rng.dirichlet([1, 1, 1], 60)  # each person has classes of their own
    classes = np.array([rng.choice(3, p=lean[owner]) for owner in owners])
    part = grouped(owners, classes, [0.2] * 5, seed)

    def spread(parts: list[np.ndarray]) -> float:
        table = np.array([np.bincount(classes[rows], minlength=3) for rows in parts])
        return float(np.abs(table / table.sum(0) - 0.2).max())

    ours = [np.flatnonzero(part == i) for i in range(5)]
    sizes = [test for _, test in GroupKFold(5).split(owners, classes, owners)]
    both = [test for _, test in StratifiedGroupKFold(5).split(owners, classes, owners)]
    assert spread(ours) <= spread(sizes)
    assert spread(ours) <= spread(both) + 0.05
    assert np.ptp([len(rows) for rows in ours]) <= 12  # the largest person


def test_groups_of_one_size_are_cut_exactly() -> None:
    """Forty people with ten pictures each, every person a class."""
    people = np.repeat(np.arange(40), 10)
    part = grouped(people, people, [0.7, 0.15, 0.15], 0)
    assert np.bincount(part).tolist() == [280, 60, 60]
    assert len({tuple(grouped(people, people, [0.7, 0.15, 0.15], seed)) for seed in range(5)}) == 5


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(DataError, match="2 groups are too few for 3 parts"):
        grouped(np.array([0, 0, 1]), None, [0.5, 0.3, 0.2], 0)


# What is drawn in proportion


def test_many_labels_are_drawn_by_the_rarest_yes() -> None:
    labels = np.zeros((60, 3), np.int8)
    labels[:, 0] = 1
    labels[:20, 1] = 1
    labels[40:, 2] = -1  # unknown is no yes
    labels[50:, 0] = 0
    found = strata(dataset(Truths(labels=labels)))
    assert found is not None
    assert [len(set(found[rows].tolist())) for rows in (slice(20), slice(20, 50), slice(50, 60))]
    assert len({int(found[0]), int(found[30]), int(found[55])}) == 3


def test_boxes_are_drawn_by_the_rarest_class_of_the_image() -> None:
    corners, both, common, none = np.ones((2, 4)), [0, 1], [0, 0], np.empty(0)
    classes = [both] * 20 + [common] * 30 + [none] * 10
    boxes = Boxes.of([corners[: len(c)] for c in classes], classes)
    toys = dataset(Truths(boxes=boxes))
    found = strata(toys)
    assert found is not None
    assert [len(set(found[a:b].tolist())) for a, b in ((0, 20), (20, 50), (50, 60))] == [1, 1, 1]
    assert len(set(found.tolist())) == 3
    assert class_counts(toys) == [50, 20, 0]


def test_strata_of_few_rows_are_drawn_from_together() -> None:
    labels = np.eye(30, 3, dtype=np.int8)  # three images with one label each, 27 with none
    found = strata(dataset(Truths(labels=labels)))
    assert found is not None
    assert len(set(found[:3].tolist())) == 1
    assert len(set(found.tolist())) == 2


def test_values_are_drawn_by_tenths() -> None:
    values = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
    found = strata(dataset(Truths(values=values)))
    assert found is not None
    assert np.bincount(found).tolist() == [20] * 10
    tops = [values[found == tenth].max() for tenth in range(10)]
    assert tops == sorted(tops)
    _, part = stratified(found, 200, [0.2], 0)
    assert np.bincount(found[part]).tolist() == [4] * 10


def test_masks_are_drawn_alike() -> None:
    masks = ArrayPictures(np.zeros((5, 2, 2), np.uint8))
    assert strata(dataset(Truths(masks=masks))) is None
    assert class_counts(dataset(Truths(masks=masks))) == []
