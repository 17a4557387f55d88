"""Sets of images: in memory, in files, some rows of another; and from users' arrays."""

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.data.check import examine
from sightline.data.dataset import (
    ArrayDataset,
    FileDataset,
    Joined,
    Subset,
    Truths,
    as_dataset,
    as_uint8,
    traced,
    value_range,
)
from sightline.data.fingerprint import fingerprint
from sightline.data.readers import folders
from sightline.data.relabel import relabeled
from sightline.data.truths import ArrayPictures, Boxes
from sightline.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
LABEL = np.array([0, 1, 2, 0, 1, 2])


def arrays(name: str = "toys") -> ArrayDataset:
    return ArrayDataset(PIXELS, Truths(label=LABEL), ("a", "b", "c"), name)


def in_files(root: Path) -> FileDataset:
    paths = []
    for i, pixels in enumerate(PIXELS):
        paths.append(f"größe/{i}.png")
        (root / paths[-1]).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / paths[-1])
    return FileDataset(root, paths, Truths(label=LABEL), ("a", "b", "c"))


# Truths


def test_truths_are_the_one_column_that_is_set() -> None:
    label = Truths(label=np.array([2, 0]))
    many = Truths(labels=np.array([[1, -1], [0, 1]], np.int8))
    values = Truths(values=np.array([[1.5], [2.5]], np.float32))
    assert [t.task for t in (label, many, values)] == ["classification", "multilabel", "regression"]
    assert [len(t) for t in (label, many, values)] == [2, 2, 2]
    assert label.at(0).label == 2
    assert many.at(0).labels is not None
    assert many.at(0).labels.tolist() == [1, -1]
    assert values.at(1).values is not None
    assert values.at(1).values.tolist() == [2.5]
    for truths in (label, many, values):
        taken = truths.take(np.array([1, 1, 0]))
        assert taken.task == truths.task
        assert len(taken) == 3
    assert label.take(np.array([1, 1, 0])).label.tolist() == [0, 0, 2]
    assert many.take(np.array([1, 0])).labels.tolist() == [[0, 1], [1, -1]]
    assert values.take(np.array([1, 0])).values.tolist() == [[2.5], [1.5]]


# The kinds of sets


def test_arrays_and_files_hold_the_same_samples(tmp_path: Path) -> None:
    memory, files = arrays(), in_files(tmp_path)
    assert len(memory) == len(files) == 6
    for i in range(6):
        assert np.array_equal(memory[i].image, files[i].image)
        assert memory[i].truth.label == files[i].truth.label == LABEL[i]
    assert memory[4].source == "toys:4"
    assert files[4].source == str(tmp_path / "größe" / "4.png")
    assert files.name == tmp_path.name
    for rows in ([], [3], [5, 0, 0, 2]):
        for one, two in zip(memory.images(rows), files.images(np.array(rows, int)), strict=True):
            assert np.array_equal(one, two)


def test_a_sample_is_counted_from_either_end_and_no_further() -> None:
    assert arrays()[-1].source == "toys:5"
    for index in (6, -7):
        with pytest.raises(IndexError, match=f"index {index} of a set of 6"):
            arrays()[index]
    assert len(list(iter(arrays()))) == 6  # so that `for sample in dataset` ends


def test_images_of_one_size_come_as_one_array_and_others_as_a_list() -> None:
    assert isinstance(arrays().images([1, 2]), np.ndarray)
    mixed = [np.zeros((2, 3, 1), np.uint8), np.zeros((4, 5, 3), np.uint8)]
    dataset = ArrayDataset(mixed, Truths(label=np.array([0, 1])), ("a", "b"))
    assert [image.shape for image in dataset.images([1, 0])] == [(4, 5, 3), (2, 3, 1)]


def test_images_and_truths_that_do_not_match_are_refused() -> None:
    with pytest.raises(DataError, match="toys: 6 images but 2 truths"):
        ArrayDataset(PIXELS, Truths(label=np.array([0, 1])), ("a", "b"), "toys")


def test_some_rows_of_a_set_are_a_set_in_their_order() -> None:
    some = Subset(arrays(), [4, 0, 4])
    again = Subset(some, [2, 1], name="again")
    assert [some.source(i) for i in range(3)] == ["toys:4", "toys:0", "toys:4"]
    assert some.truths.label.tolist() == [1, 0, 1]
    assert (some.name, again.name, again.top) == ("toys", "again", 255)
    assert np.array_equal(again[0].image, PIXELS[4])
    assert np.array_equal(again.images([0, 1]), PIXELS[[4, 0]])
    assert again[1].source == "toys:0"


def test_several_sets_become_one(tmp_path: Path) -> None:
    some, files = Subset(arrays(), [4, 0]), in_files(tmp_path)
    both = Joined([some, files])
    assert len(both) == 8
    assert both.truths.label.tolist() == [1, 0, *LABEL.tolist()]
    order = [7, 0, 2, 1, 0]
    for image, row in zip(both.images(order), order, strict=True):
        assert np.array_equal(image, PIXELS[[4, 0, 0, 1, 2, 3, 4, 5][row]])
    assert [both.source(1), both.source(2)] == ["toys:0", files.source(0)]
    assert traced(Subset(both, [3, 0]), 0) == (files, 1)
    assert traced(Subset(both, [3, 0]), 1) == (some.whole, 4)


def test_sets_of_other_classes_are_not_joined() -> None:
    other = ArrayDataset(PIXELS, Truths(label=LABEL), ("a", "b", "z"))
    with pytest.raises(DataError, match="toys: its parts differ in classes, value range"):
        Joined([arrays(), other])


def test_sets_with_other_truths_are_not_joined() -> None:
    marked = Truths(label=LABEL, landmarks=np.zeros((6, 1, 2), np.float32))
    other = ArrayDataset(PIXELS, marked, ("a", "b", "c"))
    with pytest.raises(DataError, match="differ in classes, value range or truths"):
        Joined([arrays(), other])
    with pytest.raises(DataError, match="differ in classes, value range or truths"):
        Joined([other, arrays()])


def test_images_of_several_sets_come_as_one_array_where_they_are_of_one_size() -> None:
    both = Joined([arrays(), Subset(arrays(), [2])])
    together = both.images([6, 0])
    assert isinstance(together, np.ndarray)
    assert np.array_equal(together, PIXELS[[2, 0]])
    assert len(both.images([])) == 0


def test_masks_and_boxes_of_several_sets_become_one() -> None:
    small, large = np.zeros((2, 3, 3), np.uint8), np.ones((3, 4, 5), np.uint8)
    boxes = Boxes.of([np.ones((k, 4)) for k in range(3)], [[0] * k for k in range(3)])
    masks = [Truths(masks=ArrayPictures(m)) for m in (small, large)]
    joined = Truths.joined(masks).masks
    assert joined is not None
    assert [joined.at(i).shape for i in range(5)] == [(3, 3)] * 2 + [(4, 5)] * 3
    assert joined.take(np.array([4, 0])).at(0).shape == (4, 5)
    both = Truths.joined([Truths(boxes=boxes), Truths(boxes=boxes)]).boxes
    assert both is not None
    assert [len(both.at(i)["boxes"]) for i in range(6)] == [0, 1, 2, 0, 1, 2]


def test_a_damaged_file_is_named_by_the_set(tmp_path: Path) -> None:
    files = in_files(tmp_path)
    files.path(2).write_bytes(b"")
    with pytest.raises(DataError, match=r"2\.png: empty file"):
        files.images([0, 2, 3])


def test_sets_survive_being_pickled(tmp_path: Path) -> None:
    joined = Joined([arrays(), Subset(arrays(), [2])])
    for dataset in (arrays(), in_files(tmp_path), Subset(arrays(), [3, 1]), joined):
        again = pickle.loads(pickle.dumps(dataset))
        assert np.array_equal(again[1].image, dataset[1].image)
        assert again.source(0) == dataset.source(0)


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_names_that_are_not_utf_8_are_names_all_the_same(photos: Callable[..., Path]) -> None:
    root = photos(each=3)
    (root / "red" / "00.png").rename(os.fsdecode(os.fsencode(root / "red") + b"/caf\xe9.png"))
    train = folders.read(root).train
    assert len(train) == 9
    assert len(train.images(np.arange(9))) == 9
    assert examine(train).unreadable == []
    assert len(fingerprint(train)) == 16


# From users' arrays


@pytest.mark.parametrize(
    ("X", "shape", "top", "highest"),
    [
        (PIXELS, (6, 4, 5, 3), 255, int(PIXELS.max())),
        (PIXELS[..., 0], (6, 4, 5, 1), 255, int(PIXELS[..., 0].max())),
        (PIXELS[..., :1], (6, 4, 5, 1), 255, int(PIXELS[..., 0].max())),
        (PIXELS.astype(np.int64), (6, 4, 5, 3), 255, int(PIXELS.max())),
        (PIXELS.astype(np.float32), (6, 4, 5, 3), 255, int(PIXELS.max())),
        ((PIXELS / 255).astype(np.float32), (6, 4, 5, 3), 255, int(PIXELS.max())),
        (PIXELS // 16, (6, 4, 5, 3), 15, 15),
        (PIXELS > 127, (6, 4, 5, 3), 1, 1),
    ],
    ids=["uint8", "grey", "grey with axis", "int", "float 255", "float 1", "0 to 15", "bool"],
)
def test_arrays_of_any_type_become_pixels_in_their_range(
    X: np.ndarray, shape: tuple[int, ...], top: int, highest: int
) -> None:
    dataset = as_dataset(X, LABEL)
    images = np.asarray(dataset.images(np.arange(6)))
    assert images.dtype == np.uint8
    assert (images.shape, dataset.top, int(images.max())) == (shape, top, highest)


def test_floats_to_one_are_the_pixels_they_came_from() -> None:
    dataset = as_dataset(PIXELS / 255, LABEL)
    assert np.array_equal(np.asarray(dataset.images(np.arange(6))), PIXELS)


def test_images_of_differing_size_may_come_as_a_list() -> None:
    X = [PIXELS[0], PIXELS[1, :3, :, 0], PIXELS[2, :, :2]]
    dataset = as_dataset(X, ["cat", "dog", "cat"], "mine")
    shapes = [image.shape for image in dataset.images([0, 1, 2])]
    assert shapes == [(4, 5, 3), (3, 5, 1), (4, 2, 3)]
    assert dataset.classes == ("cat", "dog")
    assert dataset.truths.label.tolist() == [0, 1, 0]
    assert dataset[1].source == "mine:1"


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (["b", "a", "b"], "classification", ("a", "b")),
        ([3, 1, 3], "classification", ("1", "3")),
        (np.array([True, False, True]), "classification", ("False", "True")),
        ([0.5, 1.0, 2.0], "regression", ("value0",)),
        ([[0.5, 1], [1, 2], [2, 3]], "regression", ("value0", "value1")),
        ([[1, 0], [-1, 1], [0, 0]], "multilabel", ("0", "1")),
    ],
    ids=str,
)
def test_the_task_follows_from_what_is_to_be_learned(y: Any, task: str, classes: tuple) -> None:
    dataset = as_dataset(PIXELS[:3], y)
    assert dataset.truths.task == task
    assert dataset.classes == classes


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        ([], [], "no images"),
        (PIXELS, [0, 1], "6 images but 2 truths"),
        (PIXELS[..., :2], LABEL, r"X must be .* not \(6, 4, 5, 2\)"),
        (PIXELS[0, 0], LABEL, "X must be"),
        (PIXELS - 300.0, LABEL, "pixels from -300 to .*; expected 0 to 255"),
        (PIXELS * 2.0 + 1, LABEL, "expected 0 to 255"),
        (PIXELS + 0.5 - 1 * (PIXELS == 255), LABEL, "broken values between 0 and"),
        (np.full((6, 4, 5), np.nan), LABEL, "pixels from nan to nan"),
        (np.full((6, 4, 5), "a"), LABEL, "pixels must be numbers"),
        (np.zeros((6, 0, 5)), LABEL, "arrays"),
        ([PIXELS[0], np.zeros((0, 5))], [0, 1], "arrays:1"),
        ([PIXELS[0], np.zeros(5)], [0, 1], r"arrays:1: an image must be .* not \(5, 1\)|\(5,\)"),
        (PIXELS, [[5]] * 6, "one class only"),
        (PIXELS, [[5, 1]] * 6, "many labels must be 1"),
        (PIXELS, [0.0, 1, 2, 3, 4, np.nan], "values to learn must be finite"),
        (PIXELS, 3, r"y must be \(n,\), \(n, k\) or \(n, landmarks, 2\)"),
        (PIXELS[:2], [[0], [1, 2]], "arrays: y"),
        (PIXELS[:3], ["a", None, "b"], "arrays: y"),
        (PIXELS, [1, 1, 1, 1, 1, 1], "one class only"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrays_that_cannot_be_learned_from_are_one_line(X: Any, y: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        as_dataset(X, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 255), (1, 1), (15, 15), (16, 16), (127, 127), (128, 255), (255, 255)]
)
def test_only_a_set_below_half_of_255_has_a_top_of_its_own(highest: int, top: int) -> None:
    assert value_range(highest) == top


def test_floats_to_one_are_scaled_by_the_top_asked_for() -> None:
    assert as_uint8(np.array([0, 0.5, 1]), 16, "x").tolist() == [0, 8, 16]
    assert as_uint8(np.array([0, 1]), 16, "x").tolist() == [0, 1]  # whole numbers as they are
    assert as_uint8(np.array([0.0, 1.0]), None, "x").tolist() == [0, 1]
    same = np.array([1, 2], np.uint8)
    assert as_uint8(same, 16, "x") is same


# Other names for classes


def test_labels_are_matched_to_the_models_classes_by_name() -> None:
    same = relabeled(arrays(), ("c", "x", "a", "b"))
    assert same.classes == ("c", "x", "a", "b")
    assert same.truths.label.tolist() == [2, 3, 0, 2, 3, 0]
    assert [same.classes[i] for i in same.truths.label] == ["a", "b", "c"] * 2
    assert np.array_equal(same[3].image, PIXELS[3])
    assert same[3].source == "toys:3"
    assert arrays().truths.label.tolist() == LABEL.tolist()


def test_classes_that_agree_already_are_left_alone() -> None:
    dataset = arrays()
    assert relabeled(dataset, ("a", "b", "c")) is dataset
    values = ArrayDataset(PIXELS, Truths(values=np.zeros((6, 1), np.float32)), ("age",))
    assert relabeled(values, ("x", "y")) is values


def test_classes_the_model_does_not_know_are_all_named() -> None:
    with pytest.raises(DataError, match="toys: classes the model does not know: b, c; it knows a,"):
        relabeled(arrays(), ("a", "z"))


def test_boxes_and_many_labels_are_matched_by_name_and_other_truths_stay() -> None:
    boxes = Boxes.of([[0, 0, 2, 2]] * 6, [[k] for k in LABEL])
    landmarks = np.ones((6, 2, 2), np.float32)
    known = ArrayDataset(
        PIXELS, Truths(label=LABEL, boxes=boxes, landmarks=landmarks), ("a", "b", "c")
    )
    same = relabeled(known, ("c", "x", "a", "b")).truths
    assert same.boxes is not None
    assert same.boxes.classes.tolist() == same.label.tolist() == [2, 3, 0, 2, 3, 0]
    assert np.array_equal(same.landmarks, landmarks)
    labels = np.array([[1, 0, -1]] * 6, np.int8)
    many = ArrayDataset(PIXELS, Truths(labels=labels), ("a", "b", "c"))
    assert relabeled(many, ("c", "x", "a", "b")).truths.labels[0].tolist() == [-1, -1, 1, 0]


def test_masks_are_not_relabeled() -> None:
    masks = ArrayPictures(np.zeros((6, 4, 5), np.uint8))
    dataset = ArrayDataset(PIXELS, Truths(masks=masks), ("a", "b"))
    assert relabeled(dataset, ("b", "a")) is dataset
