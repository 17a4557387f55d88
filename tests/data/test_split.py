"""Which images train, which choose, which are scored once."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sightline.data import pack
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset, Dataset, Subset
from sightline.data.split import Splits, book_split, class_counts, cut, fold, folded
from sightline.data.truths import Truths
from sightline.errors import DataError


def dataset(truths: Truths, names: tuple[str, ...] = ("a", "b", "c")) -> ArrayDataset:
    return ArrayDataset(np.zeros((len(truths), 2, 2, 1), np.uint8), truths, names, "toys")


def of_counts(*counts: int) -> ArrayDataset:
    """A set with so many images of each class, mixed."""
    label = np.repeat(np.arange(len(counts)), counts)
    order = np.random.default_rng(0).permutation(len(label))
    return dataset(Truths(label=label[order]), tuple(f"c{i}" for i in range(len(counts))))


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


# The train-dev part, folds and groups


def sources(part: Dataset | None) -> set[str]:
    assert part is not None
    return {part.source(i) for i in range(len(part))}


def by_tens(part: Dataset) -> np.ndarray:
    """As if ten toys in a row were one person's."""
    return np.array([int(part.source(i).split(":")[1]) // 10 for i in range(len(part))])


def test_a_train_dev_part_is_cut_from_train_beside_official_parts() -> None:
    whole, own = of_counts(40, 40), of_counts(5, 5)
    parts = cut(Splits(whole, own, own), 0.2, 0.2, 0, train_dev=0.1).parts
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 72,
        "train-dev": 8,
        "val": 10,
        "test": 10,
    }
    assert not sources(parts["train"]) & sources(parts["train-dev"])
    assert class_counts(parts["train-dev"]) == [4, 4]


def test_parts_by_name_become_splits_again() -> None:
    parts = cut(Splits(of_counts(40, 40)), 0.2, 0.2, 0, train_dev=0.1).parts
    assert list(parts) == ["train", "train-dev", "val", "test"]
    assert Splits.of(parts).parts == parts


def test_a_pack_keeps_the_train_dev_part(tmp_path: Path) -> None:
    parts = cut(Splits(of_counts(10, 10)), 0.2, 0.2, 0, train_dev=0.2)
    pack.write(tmp_path / "toys.h5", parts, Canvas((2, 2), channels=1))
    again = pack.read(tmp_path / "toys.h5")
    assert list(again.parts) == ["train", "train-dev", "val", "test"]
    assert sources(again.train_dev) == sources(parts.train_dev)


def test_a_class_must_have_an_image_for_each_part() -> None:
    with pytest.raises(DataError, match=r"c1 \(3\); each class needs at least 4"):
        cut(Splits(of_counts(9, 3)), 0.2, 0.2, 0, train_dev=0.2)


@pytest.mark.parametrize("by_person", [False, True])
def test_each_image_is_validation_in_one_fold_and_test_in_none(by_person: bool) -> None:
    whole = Splits(of_counts(60, 40))
    owners = by_tens if by_person else None
    parted, numbers = folded(whole, 4, 0.2, 0, owners=owners)
    parts = [fold(parted, numbers, number) for number in range(1, 5)]
    vals = [sources(part.val) for part in parts]
    assert sum(map(len, vals)) == len(set().union(*vals)) == 80
    for part in parts:
        assert sources(part.test) == sources(parts[0].test)
        assert sources(part.train) | sources(part.val) == set().union(*vals)
        assert not sources(part.train) & sources(part.val)
        if by_person:
            assert part.val is not None
            assert not set(by_tens(part.train)) & set(by_tens(part.val))


def test_a_fold_takes_the_place_of_a_sets_own_validation() -> None:
    whole, own = of_counts(20, 20), of_counts(5, 5)
    parted, numbers = folded(Splits(whole, own, own), 5, 0.2, 0)
    parts = fold(parted, numbers, 2)
    assert parts.test is own
    assert parts.val is not own
    assert (len(parts.train), len(parts.parts["val"])) == (32, 8)


def test_more_folds_than_images_are_refused() -> None:
    with pytest.raises(DataError, match="toys: 7 folds of 6 images"):
        folded(Splits(of_counts(3, 3)), 7, 0.0, 0)
    with pytest.raises(DataError, match=r"c1 \(1\); each class needs at least 2"):
        folded(Splits(of_counts(9, 1)), 3, 0.0, 0)


def test_no_person_is_in_two_parts() -> None:
    parts = cut(Splits(of_counts(100, 100)), 0.2, 0.2, 0, 0.1, by_tens).parts
    people = [set(by_tens(part)) for part in parts.values()]
    assert sum(map(len, people)) == len(set().union(*people)) == 20
    assert [len(part) for part in parts.values()] == [100, 20, 40, 40]


# As the books split


@pytest.mark.parametrize(("n", "test", "seed"), [(100, 0.2, 16), (1797, 0.25, 42), (10, 0.5, 0)])
def test_the_books_split_is_scikit_learns(n: int, test: float, seed: int) -> None:
    pixels = np.arange(n, dtype=np.int64)
    whole = dataset(Truths(label=pixels % 3))
    parts = book_split(Splits(whole), test, seed)
    train_rows, test_rows = train_test_split(pixels, test_size=test, random_state=seed)
    assert isinstance(parts.train, Subset)
    assert isinstance(parts.test, Subset)
    assert np.array_equal(parts.train.rows, train_rows)
    assert np.array_equal(parts.test.rows, test_rows)
    assert parts.val is None


def test_the_books_split_leaves_a_validation_part_alone() -> None:
    own = Splits(of_counts(8, 8), val=of_counts(2, 2))
    parts = book_split(own, 0.25, 0)
    assert parts.val is own.val
    assert [len(part) for part in parts.parts.values()] == [12, 4, 4]
