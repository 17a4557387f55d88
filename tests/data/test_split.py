"""Which images train, which choose, which are scored once."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from sightline.data.dataset import ArrayDataset, Subset
from sightline.data.partition import stratified
from sightline.data.split import Splits, book_split, class_counts, cut
from sightline.data.truths import Truths
from sightline.errors import DataError

FIXED = settings(derandomize=True, deadline=None, max_examples=150)
SHARES = st.sampled_from([0.05, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.4, 0.5])


def dataset(truths: Truths, names: tuple[str, ...] = ("a", "b", "c")) -> ArrayDataset:
    return ArrayDataset(np.zeros((len(truths), 2, 2, 1), np.uint8), truths, names, "toys")


def of_counts(*counts: int) -> ArrayDataset:
    """A set with so many images of each class, mixed."""
    label = np.repeat(np.arange(len(counts)), counts)
    order = np.random.default_rng(0).permutation(len(label))
    return dataset(Truths(label=label[order]), tuple(f"c{i}" for i in range(len(counts))))


# Cutting by class


@FIXED
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), SHARES, SHARES, st.integers(0, 10**9))
def test_every_row_is_in_exactly_one_part(
    counts: list[int], val: float, test: float, seed: int
) -> None:
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
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


# Cutting a set


def test_missing_parts_are_cut_from_train_and_those_there_stay() -> None:
    whole, own = of_counts(40, 40), of_counts(5, 5)
    both = cut(Splits(whole), 0.2, 0.1, 0)
    assert {name: len(part) for name, part in both.parts.items()} == {
        "train": 56,
        "val": 16,
        "test": 8,
    }
    some = cut(Splits(whole, test=own), 0.2, 0.1, 0)
    assert some.test is own
    assert (len(some.train), len(some.parts["val"])) == (64, 16)
    none = cut(Splits(whole), 0.0, 0.0, 0)
    assert list(none.parts) == ["train"]
    assert len(none.train) == 80


def test_the_parts_name_their_images_as_the_whole_does() -> None:
    parts = cut(Splits(of_counts(20, 20)), 0.2, 0.2, 0).parts
    sources = [part.source(i) for part in parts.values() for i in range(len(part))]
    assert sorted(sources) == sorted(f"toys:{i}" for i in range(40))


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(DataError, match=r"val 0\.5 and test 0\.5 leave nothing to train on"):
        cut(Splits(of_counts(9, 9)), 0.5, 0.5, 0)


def test_classes_too_small_to_be_cut_are_all_named() -> None:
    with pytest.raises(DataError, match=r"toys: too few images .*: c1 \(2\), c3 \(1\); each"):
        cut(Splits(of_counts(9, 2, 9, 1)), 0.2, 0.2, 0)
    cut(Splits(of_counts(9, 2, 9, 1)), 0.0, 0.0, 0)  # nothing is cut, nothing is wrong


def test_many_labels_and_numbers_are_cut_too() -> None:
    labels = np.ones((30, 3), np.int8)
    assert len(cut(Splits(dataset(Truths(labels=labels))), 0.2, 0.2, 0).train) == 18
    values = np.zeros((30, 3), np.float32)
    assert len(cut(Splits(dataset(Truths(values=values))), 0.2, 0.2, 0).train) == 18


def test_counts_are_of_classes_or_of_yes() -> None:
    assert class_counts(of_counts(4, 0, 2)) == [4, 0, 2]
    labels = np.array([[1, 0, -1], [1, 1, -1]], np.int8)
    assert class_counts(dataset(Truths(labels=labels))) == [2, 1, 0]
    assert class_counts(dataset(Truths(values=np.zeros((2, 3), np.float32)))) == []


# As the books split


@pytest.mark.parametrize(("n", "test", "seed"), [(100, 0.2, 16), (1797, 0.25, 42), (10, 0.5, 0)])
def test_the_books_split_is_scikit_learns(n: int, test: float, seed: int) -> None:
    pixels = np.arange(n, dtype=np.int64)
    whole = dataset(Truths(label=pixels % 3))
    parts = book_split(whole, test, seed)
    train_rows, test_rows = train_test_split(pixels, test_size=test, random_state=seed)
    assert isinstance(parts.train, Subset)
    assert isinstance(parts.test, Subset)
    assert np.array_equal(parts.train.rows, train_rows)
    assert np.array_equal(parts.test.rows, test_rows)
    assert parts.val is None
