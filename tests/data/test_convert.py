"""Sets written in other formats and read again: everything kept, whole or absent."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.data.boxes import Boxes
from sightline.data.convert import convert
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset, Subset
from sightline.data.readers import coco, flat, masks, table, voc, yolo
from sightline.data.split import Splits
from sightline.data.truths import ArrayPictures, Truths
from sightline.errors import DataError, OutputError, UnknownName

Read = Callable[[Path], Splits]
READERS: dict[str, Read] = {
    "voc": voc.read,
    "coco": coco.read,
    "yolo": yolo.read,
    "csv": table.read,
}
FORMATS = list(READERS)
CLASSES = ("red cell", "<white> & 'other'", 'größe, "3"', "no")


def picture(path: Path, width: int = 64, height: int = 48) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (1, 2, 3)).save(path)


def boxed(root: Path, names: list[str], seed: int) -> FileDataset:
    """Pictures with 0 to 3 boxes of whole and broken pixels, in and out of the picture."""
    rng = np.random.default_rng(seed)
    for name in names:
        picture(root / name, *rng.integers(20, 90, 2).tolist())
    boxes = [rng.uniform(-5, 80, (i % 4, 4)).round(i % 3) for i in range(len(names))]
    labels = [rng.integers(0, len(CLASSES), len(b)) for b in boxes]
    return FileDataset(root, names, Truths(boxes=Boxes.of(boxes, labels)), CLASSES)


def parts(root: Path) -> Splits:
    """A set with official parts; the first image of each has no boxes."""
    train = boxed(root, ["a/1.png", "a/2 3.JPG", "b/x.1.webp", "b/4.png", "ü.jpeg"], 0)
    val, test = boxed(root, ["v.png", "w.png"], 1), boxed(root, ["t.png"], 2)
    return Splits(train, val, test, boxed(root, ["d.png", "e.png"], 3))


def objects(dataset: Dataset, index: int) -> tuple[np.ndarray, list[str]]:
    assert dataset.truths.boxes is not None
    truth = dataset.truths.boxes.at(index)
    return truth["boxes"], [dataset.classes[label] for label in truth["classes"]]


def pixels(dataset: Dataset, index: int) -> bytes:
    return np.asarray(dataset[index].image).tobytes()


def assert_equal(ours: Splits, theirs: Splits) -> None:
    """The same parts, images, labels by name, and boxes to 1e-3 px; in any order."""
    assert list(ours.parts) == list(theirs.parts)
    for part, dataset in ours.parts.items():
        other = theirs.parts[part]
        assert len(dataset) == len(other)
        names = [Path(other.source(i)).name for i in range(len(other))]
        for i in range(len(dataset)):
            j = names.index(Path(dataset.source(i)).name)
            (boxes, labels), (found, found_labels) = objects(dataset, i), objects(other, j)
            assert labels == found_labels
            assert np.abs(boxes - found).max(initial=0) <= 1e-3
            assert pixels(dataset, i) == pixels(other, j)


@pytest.mark.parametrize("name", FORMATS)
def test_boxes_labels_empty_images_and_parts_are_kept(tmp_path: Path, name: str) -> None:
    splits, ticks = parts(tmp_path / "set"), []
    convert(splits, name, tmp_path / "out", ticks.append)
    again = READERS[name](tmp_path / "out")
    assert_equal(splits, again)
    assert sum(ticks) == 10
    if name != "csv":  # which has no place for classes that no box has
        assert again.train.classes == CLASSES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "set"]


def test_through_all_formats_and_back_nothing_changes(tmp_path: Path) -> None:
    first = splits = parts(tmp_path / "set")
    for step, name in enumerate(["voc", "coco", "yolo", "voc", "csv", "coco"]):
        convert(splits, name, tmp_path / str(step))
        splits = READERS[name](tmp_path / str(step))
    assert_equal(first, splits)


edges = st.floats(-10_000, 10_000, width=32) | st.integers(-10, 10_000).map(float)
corners = st.tuples(edges, edges, edges, edges)


@pytest.fixture(scope="module")
def canvases(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Path]:
    """Pictures of differing and awkward sizes."""
    root = tmp_path_factory.mktemp("canvases")
    found = {size: root / f"{size[0]}x{size[1]}.png" for size in [(1, 1), (7, 4999), (640, 333)]}
    for (width, height), path in found.items():
        Image.new("1", (width, height)).save(path)
    return found


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(boxes=st.lists(corners, max_size=4), size=st.sampled_from([(1, 1), (7, 4999), (640, 333)]))
def test_any_box_survives_any_format(
    canvases: dict[tuple[int, int], Path],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    boxes: list[tuple[float, float, float, float]],
    size: tuple[int, int],
) -> None:
    path = canvases[size]
    truths = Truths(boxes=Boxes.of([boxes, []], [[0] * len(boxes), []]))
    other = canvases[(1, 1) if size != (1, 1) else (7, 4999)]
    dataset = FileDataset(path.parent, [path.name, other.name], truths, ("x",))
    to = tmp_path_factory.mktemp("out") / "new"
    convert(Splits(dataset), name, to)
    again = READERS[name](to).train
    row = [Path(again.source(i)).name for i in range(2)].index(path.name)
    assert again.truths.boxes is not None
    assert dataset.truths.boxes is not None
    ours, theirs = again.truths.boxes.at(row)["boxes"], dataset.truths.boxes.at(0)["boxes"]
    assert np.abs(ours - theirs).max(initial=0) <= 1e-3
    assert len(again.truths.boxes.at(1 - row)["boxes"]) == 0


# What the other columns become


def columns(**column: np.ndarray) -> tuple[Truths, np.ndarray]:
    n = len(next(iter(column.values())))
    rng = np.random.default_rng(0)
    return Truths(**column), rng.integers(0, 256, (n, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("column", "values", "classes"),
    [
        ("label", np.array([1, 0, 1, 2]), ("a, b", "c", "ü")),
        ("labels", np.array([[1, 0, -1], [-1, -1, -1], [0, 0, 1]], np.int8), ("a, b", "c", "ü")),
        ("values", np.array([[0.1, 1], [0, -3e20]], np.float32), ("age", "height")),
        ("values", np.array([[0, 1], [1, 0]], np.float32), ("age", "height")),
    ],
    ids=["label", "labels", "values", "whole values"],
)
def test_a_csv_holds_labels_many_labels_and_numbers(
    tmp_path: Path, column: str, values: np.ndarray, classes: tuple[str, ...]
) -> None:
    truths, images = columns(**{column: values})
    whole = ArrayDataset(images, truths, classes)
    splits = Splits(whole, test=Subset(whole, [1, 0]))
    convert(splits, "csv", tmp_path / "out")
    again = table.read(tmp_path / "out")
    assert again.train.classes == classes
    assert again.test is not None
    for part, order in ((again.train, range(len(values))), (again.test, [1, 0])):
        assert np.array_equal(getattr(part.truths, column), values[list(order)])
        for row, index in enumerate(order):
            assert np.array_equal(part[row].image, images[index])


def test_grey_pictures_in_memory_stay_grey(tmp_path: Path) -> None:
    truths = Truths(label=np.array([0, 1]))
    pixels = np.arange(40, dtype=np.uint8).reshape(2, 4, 5, 1)
    convert(Splits(ArrayDataset(pixels, truths, ("a", "b"))), "csv", tmp_path / "out")
    assert np.array_equal(table.read(tmp_path / "out").train[1].image, pixels[1])


# Pictures and their names


def test_pictures_are_linked_not_copied_where_the_disk_allows(tmp_path: Path) -> None:
    convert(parts(tmp_path / "set"), "coco", tmp_path / "out")
    assert (tmp_path / "out/images/v.png").samefile(tmp_path / "set/v.png")


def test_pictures_are_copied_where_links_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    splits = parts(tmp_path / "set")
    convert(splits, "yolo", tmp_path / "out")
    assert_equal(splits, yolo.read(tmp_path / "out"))
    assert not (tmp_path / "out/images/val/v.png").samefile(tmp_path / "set/v.png")


def test_a_link_is_followed_to_its_picture(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "blob.png")
    (tmp_path / "set" / "blob.png").rename(tmp_path / "set" / "blob")
    (tmp_path / "set" / "a.png").symlink_to("blob")
    truths = Truths(boxes=Boxes.of([[]], [[]]))
    convert(Splits(FileDataset(tmp_path / "set", ["a.png"], truths, ("x",))), "voc", tmp_path / "o")
    made = tmp_path / "o/JPEGImages/a.png"
    assert made.is_file() and not made.is_symlink()


def test_names_that_would_collide_take_their_folders_along(tmp_path: Path) -> None:
    names = ["cat/1.png", "dog/1.png", "dog/1.JPG", "dog_1.png", "a:b?.png", ".x.png"]
    splits = Splits(boxed(tmp_path / "set", names, 0))
    convert(splits, "voc", tmp_path / "out")
    made = sorted(path.name for path in (tmp_path / "out/JPEGImages").iterdir())
    assert made == ["_.x.png", "a_b_.png", "cat_1.png", "dog_1-2.JPG", "dog_1-3.png", "dog_1.png"]
    assert len(voc.read(tmp_path / "out").train) == 6


def test_a_picture_without_a_suffix_is_written_as_png(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "cat.1.png")
    picture(tmp_path / "set" / "dog.2.png")
    for name in ("cat.1", "dog.2"):
        (tmp_path / "set" / f"{name}.png").rename(tmp_path / "set" / name)
    splits = flat.read(tmp_path / "set", "cat|dog")
    convert(splits, "csv", tmp_path / "out")
    again = table.read(tmp_path / "out").train
    assert Path(again.source(1)).name == "dog.2.png"
    assert np.array_equal(again[1].image, splits.train[1].image)


def test_rows_of_rows_of_files_are_found(tmp_path: Path) -> None:
    whole = boxed(tmp_path / "set", ["a.png", "b.png", "c.png", "d.png"], 0)
    some = Subset(Subset(whole, [3, 2, 0]), [1, 0])
    convert(Splits(some), "coco", tmp_path / "out")
    again = coco.read(tmp_path / "out").train
    assert [Path(again.source(i)).name for i in range(2)] == ["c.png", "d.png"]
    assert np.abs(objects(again, 1)[0] - objects(whole, 3)[0]).max() <= 1e-3


# As others expect them


def test_coco_is_written_as_pycocotools_reads_it(tmp_path: Path) -> None:
    picture(tmp_path / "set/a.png", 64, 48)
    truths = Truths(boxes=Boxes.of([[[1, 2, 4.5, 6]]], [[1]]))
    convert(
        Splits(FileDataset(tmp_path / "set", ["a.png"], truths, ("x", "y"))), "coco", tmp_path / "o"
    )
    assert json.loads((tmp_path / "o/annotations/instances_train.json").read_text()) == {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 2,
                "bbox": [1, 2, 3.5, 4],
                "area": 14,
                "iscrowd": 0,
                "segmentation": [],
            }
        ],
        "categories": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}],
    }


def test_a_box_over_the_whole_picture_reads_as_each_format_has_it(tmp_path: Path) -> None:
    picture(tmp_path / "set/a.png", 8, 6)
    truths = Truths(boxes=Boxes.of([[[0, 0, 8, 6]]], [[0]]))
    splits = Splits(FileDataset(tmp_path / "set", ["a.png"], truths, ("x",)))
    for name in FORMATS:
        convert(splits, name, tmp_path / name)
    xml = (tmp_path / "voc/Annotations/a.xml").read_text()
    assert "<xmin>1</xmin><ymin>1</ymin><xmax>8</xmax><ymax>6</ymax>" in xml
    assert (tmp_path / "yolo/labels/train/a.txt").read_text() == "0 0.5 0.5 1 1\n"
    assert (tmp_path / "csv/train.csv").read_text().split("\n")[1] == "images/a.png,0,0,8,6,x"


# Mistakes


def failing(tmp_path: Path) -> Splits:
    """A set whose last picture is gone."""
    splits = parts(tmp_path / "set")
    (tmp_path / "set" / "t.png").unlink()
    return splits


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_left_behind_on_failure(tmp_path: Path, name: str) -> None:
    splits = failing(tmp_path)
    with pytest.raises(DataError, match=r"set/t.png: No such file or directory"):
        convert(splits, name, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert (tmp_path / "set" / "v.png").is_file()


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    splits = parts(tmp_path / "set")
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="out exists; --to never overwrites"):
        convert(splits, "voc", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        convert(parts(tmp_path / "set"), "voc", tmp_path / "file" / "out")


def test_the_new_folder_has_a_folders_usual_rights(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    convert(parts(tmp_path / "set"), "csv", tmp_path / "deep" / "out")
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "deep/out")]
    assert rights[0] == rights[1]


def test_an_unknown_format_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="unknown format 'cocoo'; did you mean coco"):
        convert(parts(tmp_path / "set"), "cocoo", tmp_path / "out")


def test_truths_that_a_format_cannot_hold_are_refused(tmp_path: Path) -> None:
    truths, images = columns(label=np.array([0, 1]))
    labelled = Splits(ArrayDataset(images, truths, ("a", "b"), "few"))
    with pytest.raises(DataError, match="few: coco holds boxes; this set has label"):
        convert(labelled, "coco", tmp_path / "out")
    masked = Truths(masks=ArrayPictures(np.zeros((2, 4, 5), np.uint8)))
    with pytest.raises(
        DataError, match="csv holds label or labels or values or landmarks or boxes; this set"
    ):
        convert(Splits(ArrayDataset(images, masked, ("a", "b"))), "csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["", " a", "a\n", "a\x00b", "\ud800"])
def test_class_names_that_would_not_read_back_are_refused(tmp_path: Path, name: str) -> None:
    truths, images = columns(label=np.array([0, 1]))
    with pytest.raises(DataError, match="expected plain text"):
        convert(Splits(ArrayDataset(images, truths, ("x", name))), "csv", tmp_path / "out")


def test_columns_that_would_be_read_as_something_else_are_refused(tmp_path: Path) -> None:
    truths, images = columns(values=np.array([[1.0], [2.0]], np.float32))
    for name in ("label", "image"):
        with pytest.raises(DataError, match="would be read as something else"):
            convert(Splits(ArrayDataset(images, truths, (name,))), "csv", tmp_path / "out")


def test_masks_do_not_become_boxes(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / "set" / folder / "a.png")
    with pytest.raises(DataError, match="voc holds boxes; this set has masks"):
        convert(masks.read(tmp_path / "set"), "voc", tmp_path / "out")
