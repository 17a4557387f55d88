"""What no detector can learn is mended before training, and counted, a line each."""

import numpy as np
import pytest

from sightline.data.boxes import Boxes
from sightline.data.canvas import Canvas
from sightline.data.checking.audit import audit
from sightline.data.checking.objects import Sound, sound, tiny
from sightline.data.dataset import ArrayDataset, Dataset
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError

NAMES = ("cell", "dot", "rare", "unused")
GOOD = [10, 10, 30, 25]


def of(tables: list[list[list[float]]], classes: list[list[int]], side: int = 40) -> Dataset:
    pixels = np.zeros((len(tables), side, 2 * side, 3), np.uint8)
    return ArrayDataset(pixels, Truths(boxes=Boxes.of(tables, classes)), NAMES, "toys", 255)


def sizes_of(dataset: Dataset) -> np.ndarray:
    return np.array([image.shape[:2] for image in dataset.images(range(len(dataset)))])


def settled(dataset: Dataset, negatives: bool = True) -> Sound:
    return sound({"train": dataset}, {"train": sizes_of(dataset)}, negatives)


def boxes_of(dataset: Dataset) -> Boxes:
    assert dataset.truths.boxes is not None
    return dataset.truths.boxes


def test_a_set_without_faults_is_the_same_set() -> None:
    dataset = of([[GOOD], [GOOD], [GOOD, GOOD]], [[0], [1], [0, 1]])
    found = settled(dataset)
    assert found.parts["train"] is dataset
    assert found.remarks == ("2 classes without any box: rare, unused",)


def test_boxes_of_no_area_and_outside_are_left_out_and_those_across_the_edge_cut() -> None:
    faults = [[30, 5, 30, 9], [9, 30, 12, 20], [81, 3, 90, 9], [70, 30, 95, 40.5], GOOD]
    found = settled(of([faults, [GOOD]], [[0, 1, 0, 1, 3], [2]]))
    boxes = boxes_of(found.parts["train"])
    assert boxes.boxes.tolist() == [[70, 30, 80, 40], GOOD, GOOD]
    assert boxes.classes.tolist() == [1, 3, 2]
    assert found.remarks == (
        "3 boxes are left out: 2 of no area, 1 wholly outside the image "
        "(sightline data check names them)",
        "1 box is cut at the edge of the image; 15 pixels outside at most",
        "3 classes in one image alone, which trains or tests but not both: dot, rare, unused",
        "1 class without any box: cell",
    )


def test_what_formats_round_away_is_not_spoken_of() -> None:
    dataset = of([[[-0.004, 0, 80.004, 40]]] * 3, [[0], [0], [0]])
    assert settled(dataset).parts["train"] is dataset


def test_without_their_sizes_images_have_no_edge() -> None:
    dataset = of([[[70, 30, 95, 41], [5, 5, 5, 9]]] * 2, [[0, 0]] * 2)
    found = sound({"train": dataset}, None, True)
    assert boxes_of(found.parts["train"]).boxes.tolist() == [[70, 30, 95, 41]] * 2
    assert found.remarks[0].startswith("2 boxes are left out: 2 of no area (")


@pytest.mark.parametrize("negatives", [True, False])
def test_images_without_objects_are_kept_or_left_out_in_every_part(negatives: bool) -> None:
    train = of([[GOOD], [], [[5, 5, 5, 5]], [GOOD]], [[0], [], [0], [1]])
    val = of([[], [GOOD]], [[], [0]])
    parts = {"train": train, "val": val}
    found = sound(parts, {name: sizes_of(part) for name, part in parts.items()}, negatives)
    said = "3 of 6 images without objects: "
    if negatives:
        assert said + "kept as negatives (data.negatives=false leaves them out)" in found.remarks
        assert [len(part) for part in found.parts.values()] == [4, 2]
        assert not found.bare
    else:
        assert said + "left out (data.negatives=true keeps them as negatives)" in found.remarks
        assert [len(part) for part in found.parts.values()] == [2, 1]
        assert {name: rows.tolist() for name, rows in found.bare.items()} == {
            "train": [1, 2],
            "val": [0],
        }
        assert found.parts["train"].source(1) == train.source(3)


def test_a_part_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(DataError, match="toys: no image of train has objects, and data.negatives"):
        settled(of([[], []], [[], []]), negatives=False)


def test_boxes_of_unknown_classes_are_counted_and_refused() -> None:
    with pytest.raises(DataError) as caught:
        settled(of([[GOOD, GOOD], [GOOD], [GOOD]], [[7, -1], [7], [0]]))
    assert str(caught.value) == (
        "toys: 3 boxes of unknown classes in 2 images of train: -1, 7; expected 0 to 3"
    )


def test_huge_images_are_counted() -> None:
    dataset = of([[GOOD]] * 3, [[0]] * 3)
    sizes = {"train": np.array([[40, 80], [5000, 4000], [3000, 6000]])}
    assert sound({"train": dataset}, sizes, True).remarks[-1] == (
        "2 of 3 images with a side of 4,096 pixels or more, the largest 4000x5000: slow to decode; "
        "sightline data pack does it once"
    )


def test_objects_that_all_but_vanish_on_the_canvas_are_counted() -> None:
    dataset = of([[GOOD], [[0, 0, 80, 40]]], [[0], [0]])
    sizes = sizes_of(dataset)
    assert tiny(dataset, sizes, Canvas((40, 80))) == ""
    assert tiny(dataset, sizes, Canvas((20, 80))) == (
        "1 of 2 boxes under 8 pixels on the canvas of 80x20, half of all under 13.8: "
        "canvas.size=[height,width] makes it larger"
    )
    assert tiny(dataset, sizes, Canvas((30, 40), "contain")).startswith("1 of 2 boxes")
    assert tiny(dataset, sizes, Canvas((30, 40), "cover")) == ""


def test_other_truths_are_left_alone() -> None:
    pixels = np.zeros((4, 8, 8, 3), np.uint8)
    dataset = ArrayDataset(pixels, Truths(label=np.array([0, 1, 0, 1])), ("a", "b"))
    assert sound({"train": dataset}, None, False).parts["train"] is dataset


def test_a_check_names_the_image_of_a_class_that_is_in_one_alone() -> None:
    splits = Splits(of([[GOOD], [GOOD], [GOOD]], [[0], [0], [2]]), of([[GOOD]], [[0]]))
    (lone,) = [finding for finding in audit(splits).findings if finding.kind == "lone"]
    assert lone.groups == ((("train", 2),),)
    assert lone.text.endswith("not both: rare")
