"""Boxes that were found, written in every format and read back."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from sightline import images
from sightline.data import predicted
from sightline.data.opening import open_set
from sightline.errors import DataError, OutputError, RecipeError, UnknownName
from sightline.types import Annotation

CLASSES = ("cell", "a < b & c", "großer Wagen, rot")
SIZES = [(40, 60), (33, 17), (8, 200)]  # of three pictures
FORMATS = ("voc", "coco", "yolo", "csv")
Found = list[tuple[str, Annotation]]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / "one.png", folder / "two words.jpg", folder / "sub" / "one.jpg"]
    for path, size in zip(paths, SIZES, strict=True):
        images.write(path, np.zeros((*size, 3), np.uint8))
    return paths


def annotation(boxes: list[list[float]], classes: list[int], sure: list[float]) -> Annotation:
    return Annotation(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.int64),
        confidence=np.array(sure, np.float32),
    )


@st.composite
def answers(draw: st.DrawFn) -> list[Annotation]:
    """Boxes in each of the pictures, some beyond its edges; one may have none."""
    found = []
    for height, width in SIZES:
        boxes, classes, sure = [], [], []
        for _ in range(draw(st.integers(0, 4))):
            x0 = draw(st.floats(-3, width - 1, width=32))
            y0 = draw(st.floats(-3, height - 1, width=32))
            across, down = (draw(st.floats(0.5, 80, width=32)) for _ in range(2))
            boxes.append([x0, y0, x0 + across, y0 + down])
            classes.append(draw(st.integers(0, len(CLASSES) - 1)))
            sure.append(draw(st.floats(0, 1, width=32)))
        found.append(annotation(boxes, classes, sure))
    return found


def back(folder: Path) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    """What our own readers make of it: class and corners of each box, by the picture's name."""
    dataset = open_set(str(folder)).train
    assert dataset.truths.boxes is not None
    found = {}
    for index in range(len(dataset)):
        truth = dataset.truths.boxes.at(index)
        pairs = zip(truth["classes"], truth["boxes"].tolist(), strict=True)
        name = Path(dataset.source(index)).name
        found[name] = [(dataset.classes[kind], tuple(box)) for kind, box in pairs]
    return found


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=12, deadline=None)
@given(answers())
def test_boxes_written_read_back_the_same(
    pictures: list[Path], format: str, found: list[Annotation]
) -> None:
    rows = list(zip(map(str, pictures), found, strict=True))
    with tempfile.TemporaryDirectory() as scratch:
        to = Path(scratch) / "boxes"
        predicted.write(rows, CLASSES, format, to)
        read = back(to)
        assert len(read) == 3
        for (source, answer), name in zip(rows, sorted(read, key=order), strict=True):
            assert answer.classes is not None and answer.boxes is not None
            assert [kind for kind, _ in read[name]] == [CLASSES[i] for i in answer.classes], source
            boxes = np.array([box for _, box in read[name]]).reshape(-1, 4)
            np.testing.assert_allclose(boxes, answer.boxes, atol=1e-3)


def order(name: str) -> int:
    """Of the pictures; two of them are called one, and are told apart by their folder."""
    return 1 if "two" in name else 2 if "sub" in name else 0


@settings(max_examples=12, deadline=None)
@given(answers())
def test_cocos_own_reader_takes_the_results(pictures: list[Path], found: list[Annotation]) -> None:
    rows = list(zip(map(str, pictures), found, strict=True))
    if not any(len(answer.boxes) for answer in found if answer.boxes is not None):
        return  # it fails on an empty list
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        to = Path(scratch) / "boxes"
        predicted.write(rows, CLASSES, "coco", to)
        truths = COCO(to / "annotations" / "instances_train.json")
        results = truths.loadRes(str(to / "results.json"))
        for number, answer in enumerate(found, start=1):
            assert answer.boxes is not None and answer.confidence is not None
            assert answer.classes is not None
            listed = results.loadAnns(results.getAnnIds(imgIds=[number]))
            assert [item["score"] for item in listed] == [float(str(s)) for s in answer.confidence]
            names = [truths.cats[item["category_id"]]["name"] for item in listed]
            assert names == [CLASSES[i] for i in answer.classes]
            corners = np.array([item["bbox"] for item in listed]).reshape(-1, 4)
            corners[:, 2:] += corners[:, :2]
            np.testing.assert_allclose(corners, answer.boxes, atol=1e-3)


def one(pictures: list[Path]) -> Found:
    return [(str(pictures[1]), annotation([[1, 2, 5, 9]], [0], [0.25]))]


@pytest.mark.parametrize(
    ("format", "file", "text"),
    [
        ("voc", "Annotations/two words.xml", "<confidence>0.25</confidence>"),
        ("yolo", "labels/train/two words.txt", " 0.25\n"),
        ("csv", "train.csv", "1,2,5,9,cell,0.25\n"),
        ("coco", "annotations/instances_train.json", '"score": 0.25'),
    ],
)
def test_the_confidence_of_a_box_is_kept(
    pictures: list[Path], tmp_path: Path, format: str, file: str, text: str
) -> None:
    predicted.write(one(pictures), CLASSES, format, tmp_path / "boxes")
    assert text in (tmp_path / "boxes" / file).read_text("utf-8")


def test_results_take_the_ids_of_the_truths_they_are_scored_against(
    pictures: list[Path], tmp_path: Path
) -> None:
    truths = {
        "images": [
            {"id": 7, "file_name": "one.png"},
            {"id": 9, "file_name": "two words.jpg"},
            {"id": 11, "file_name": "sub/one.png"},
            {"id": 12, "file_name": "a/three.png"},
            {"id": 13, "file_name": "by/three.png"},
        ],
        "categories": [{"id": 40, "name": "cell"}],
        "annotations": [],
    }
    (tmp_path / "truths.json").write_text(json.dumps(truths), "utf-8")
    ids = predicted.ids_of(tmp_path / "truths.json")
    predicted.write(one(pictures), CLASSES, "coco", tmp_path / "boxes", ids)
    (result,) = json.loads((tmp_path / "boxes" / "results.json").read_text("utf-8"))
    assert (result["image_id"], result["category_id"]) == (9, 40)
    assert ids.image("photos/sub/one.png") == 11
    assert ids.image("photos/one.png") == 7
    with pytest.raises(DataError, match="several images of that name"):
        ids.image("three.png")
    with pytest.raises(DataError, match=r"other\.jpg: no such image in .*truths\.json"):
        ids.image("other.jpg")
    rows = [(str(pictures[1]), annotation([[1, 2, 5, 9]], [2], [0.25]))]
    with pytest.raises(DataError, match="class großer Wagen, rot is no category of"):
        predicted.write(rows, CLASSES, "coco", tmp_path / "more", ids)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes", "truths.json"]


def test_what_cannot_be_written_is_said_and_leaves_nothing(
    pictures: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(UnknownName, match="unknown format 'pascal'"):
        predicted.write(one(pictures), CLASSES, "pascal", tmp_path / "a")
    with pytest.raises(DataError, match="nothing to write"):
        predicted.write([], CLASSES, "voc", tmp_path / "a")
    with pytest.raises(RecipeError, match="ids are COCO's"):
        predicted.write(
            one(pictures), CLASSES, "voc", tmp_path / "a", predicted.Ids(Path(), {}, {})
        )
    gone = [("nowhere/x.jpg", annotation([[0, 0, 1, 1]], [0], [1]))]
    with pytest.raises(DataError, match="nowhere/x.jpg"):
        predicted.write(gone, CLASSES, "voc", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="choose another name"):
        predicted.write(one(pictures), CLASSES, "voc", tmp_path / "taken")
