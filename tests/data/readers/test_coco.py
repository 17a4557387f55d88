"""COCO's instances: parts, categories by id, crowds, and JSON that is not trusted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_masks

from sightline.data.convert import convert
from sightline.data.readers import coco
from sightline.errors import DataError


def whole(**changes: Any) -> dict[str, Any]:
    """Two pictures, one without objects; ids in no order."""
    return {
        "info": {},
        "images": [
            {"id": 7, "file_name": "a.png", "width": 8, "height": 6},
            {"id": 3, "file_name": "b.png", "width": 8, "height": 6},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 3.5, 4], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 4, "bbox": [0, 0, 8, 6]},
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 4, "name": "cat"}],
    } | changes


def written(path: Path, content: Any = None, images: Path | None = None) -> Path:
    """The JSON at `path`, and its pictures in a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content or whole()))
    folder = images or path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for name in "ab":
        Image.new("L", (8, 6)).save(folder / f"{name}.png")
    return path


def test_boxes_become_corners_and_categories_are_sorted_by_id(tmp_path: Path) -> None:
    train = coco.read(written(tmp_path / "shapes.json")).train
    assert (train.name, train.classes) == ("shapes", ("cat", "dog"))
    truth = train[0].truth
    assert truth.boxes is not None and truth.classes is not None
    assert truth.boxes.tolist() == [[1, 2, 4.5, 6], [0, 0, 8, 6]]
    assert truth.classes.tolist() == [1, 0]
    assert train.source(0) == str(tmp_path / "a.png")
    assert train[1].truth.boxes is not None
    assert train[1].truth.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("json_at", "images_at"),
    [
        ("instances_train.json", "images"),
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_train.json", "images"),
        ("annotations/train.json", "."),
        ("train/_annotations.coco.json", "train"),
        ("_annotations.coco.json", "."),
    ],
)
def test_images_are_found_where_coco_and_others_put_them(
    tmp_path: Path, json_at: str, images_at: str
) -> None:
    written(tmp_path / json_at, images=tmp_path / images_at)
    assert coco.recognises(tmp_path)
    assert coco.read(tmp_path).train.source(0) == str(tmp_path / images_at / "a.png")


def test_each_part_has_its_json_and_maps_its_ids_by_name(tmp_path: Path) -> None:
    images = tmp_path / "images"
    written(tmp_path / "annotations/instances_train.json", images=images)
    other = whole(categories=[{"id": 1, "name": "dog"}])
    other["annotations"] = [{"id": 1, "image_id": 3, "category_id": 1, "bbox": [0, 0, 1, 1]}]
    written(tmp_path / "annotations/instances_val.json", other, images)
    (tmp_path / "annotations/captions_val.json").write_text("not ours")
    (tmp_path / "package.json").write_text("not ours")
    splits = coco.read(tmp_path)
    assert list(splits.parts) == ["train", "val"]
    assert splits.val is not None
    assert splits.val.classes == ("cat", "dog")
    assert splits.val[1].truth.classes.tolist() == [1]  # type: ignore[union-attr]


def test_crowds_are_left_out_and_counted(tmp_path: Path) -> None:
    content = whole()
    content["annotations"][1] |= {"iscrowd": 1, "segmentation": {"counts": [1, 2], "size": [2, 2]}}
    heard: list[str] = []
    path = written(tmp_path / "a.json", content)
    train = coco.read(path, say=heard.append).train
    assert len(train[0].truth.classes) == 1  # type: ignore[arg-type]
    assert heard == [f"{path}: 1 crowd annotations left out"]


def test_ids_may_be_texts(tmp_path: Path) -> None:
    text = json.dumps(whole()).replace('_id": 7', '_id": "x"').replace('"id": 7', '"id": "x"')
    assert len(coco.read(written(tmp_path / "a.json", text)).train[0].truth.classes) == 2  # type: ignore[arg-type]


def test_boxes_outside_and_without_area_are_kept_for_the_check(tmp_path: Path) -> None:
    content = whole()
    content["annotations"][0]["bbox"] = [-5, 2, 0, -1]
    boxes = coco.read(written(tmp_path / "a.json", content)).train[0].truth.boxes
    assert boxes is not None
    assert boxes[0].tolist() == [-5, 2, -5, 1]


def test_a_folder_without_instances_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert not coco.recognises(tmp_path)
    with pytest.raises(DataError, match="no instances_train.json"):
        coco.read(tmp_path)


def test_two_files_for_one_part_are_named(tmp_path: Path) -> None:
    for year in (2014, 2017):
        written(tmp_path / f"annotations/instances_train{year}.json")
    with pytest.raises(DataError, match="both instances_train2014.json and instances_train2017"):
        coco.read(tmp_path)


# Mistakes


def said(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        coco.read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:")
    assert "\n" not in text
    return text.removeprefix(f"{path}:").strip()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("3.5", "NaN", "NaN is no number"),
        ("3.5", "-Infinity", "-Infinity is no number"),
        ("3.5", "1e999", "annotations[0].bbox[2] is inf; expected a number"),
        ("3.5", "1e39", "annotations[0].bbox[2] is 1e+39; expected a number"),
        ("3.5", "9" * 5000, "Exceeds the limit"),
        ("3.5", "9" * 400, "annotations[0].bbox[2] is 999"),
        ("3.5", '"x"', "annotations[0].bbox[2] is 'x'; expected a number"),
        ("3.5", "true", "annotations[0].bbox[2] is True; expected a number"),
        ("3.5", "null", "annotations[0].bbox[2] is None; expected a number"),
        ("3.5", "[1]", "annotations[0].bbox[2] is [1]; expected a number"),
        ("3.5, ", "", "annotations[0].bbox is [1, 2, 4]; expected x, y, width, height"),
        ('"bbox": [1', '"box": [1', "annotations[0].bbox is None; expected x, y"),
        ('"image_id": 7, "category_id": 4', '"category_id": 4', "annotations[1].image_id is None"),
        ('category_id": 90', 'category_id": 9', "annotations[0].category_id 9 is not among the"),
        ('"id": 3', '"id": 7', "images[1]: id 7 is there already"),
        ('"id": 3', '"id": 3.5', "images[1].id is 3.5; expected a whole number"),
        ('"id": 4', '"id": 90', "categories[1]: cat with id 90 is there already"),
        ('"name": "cat"', '"name": "dog"', "categories[1]: dog with id 4 is there already"),
        ('"name": "cat"', '"name": 1', "categories[1].name is 1; expected text"),
        ('"a.png"', '"/etc/a.png"', "images[0].file_name is '/etc/a.png'; expected a path below"),
        ('"a.png"', '"../a.png"', "images[0].file_name is '../a.png'; expected a path below"),
        ('"a.png"', "5", "images[0].file_name is 5; expected a path below"),
        ('"a.png"', f'"{"a" * 5000}"', "no image aaa"),
        ('"a.png"', '"\\ud800"', "no image "),
        ('"b.png"', '"c.png"', "no image "),
        ('"images"', '"pictures"', "expected an object with the lists images, annotations"),
        ('[{"id": 90', '[3, {"id": 90', "categories[0] is no object"),
        ("}]}", "}]", "1: Expecting ',' delimiter"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, text: str) -> None:
    content = json.dumps(whole()).replace(old, new, 1)
    assert content != json.dumps(whole())
    assert said(written(tmp_path / "a.json", content)).startswith(text)


@pytest.mark.parametrize("name", ["images", "categories"])
def test_empty_lists_are_named(tmp_path: Path, name: str) -> None:
    assert (
        said(written(tmp_path / "a.json", whole(**{name: [], "annotations": []}))) == f"no {name}"
    )


def test_a_reference_to_an_image_far_away_costs_nothing(tmp_path: Path) -> None:
    content = whole()
    content["annotations"][1]["image_id"] = 10**9
    text = said(written(tmp_path / "a.json", content))
    assert text == "annotations[1].image_id 1000000000 is not among the images"
    content = whole()
    content["images"][0]["id"] = content["annotations"][0]["image_id"] = 10**9
    content["annotations"][1]["image_id"] = 10**9
    assert len(coco.read(written(tmp_path / "a.json", content)).train) == 2


def test_json_nested_too_deep_is_one_line(tmp_path: Path) -> None:
    assert "recursion" in said(written(tmp_path / "a.json", "[" * 100_000))


def test_json_of_predictions_and_other_encodings_are_named(tmp_path: Path) -> None:
    assert said(written(tmp_path / "a.json", "[1]")).startswith("expected an object with the lists")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe{")
    assert said(tmp_path / "a.json").startswith("not UTF-8")


def test_categories_that_train_has_not_are_named(tmp_path: Path) -> None:
    written(tmp_path / "train.json")
    other = whole(categories=[{"id": 1, "name": "owl"}], annotations=[])
    path = written(tmp_path / "val.json", other)
    with pytest.raises(DataError) as caught:
        coco.read(tmp_path)
    assert str(caught.value) == f"{path}: categories that train has not: owl"


def masked(path: Path, *segmentations: Any) -> Path:
    content = whole()
    for item, segmentation in zip(content["annotations"], segmentations, strict=True):
        item["segmentation"] = segmentation
    return written(path / "masks.json", content)


POLYGON = [1, 2, 4.5, 2, 4.5, 6, 1, 6]


def test_polygons_and_run_lengths_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    theirs = coco_masks.encode(np.asfortranarray(np.eye(6, 8, dtype=np.uint8)))
    text = {"size": [6, 8], "counts": theirs["counts"].decode()}
    path = masked(tmp_path, [POLYGON], text)
    assert coco.read(path).train[0].truth.instances is None
    train = coco.read(path, masks=True).train
    polygon, eye = train[0].truth.instances or ()
    assert polygon.extent() == (1, 2, 4, 6)  # the center of pixel 4 is at 4.5: outside
    assert np.array_equal(eye.mask(), np.eye(6, 8, dtype=bool))
    assert train[1].truth.instances == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, r"segmentation is None; expected polygons or run lengths"),
        ([], r"segmentation is \[\]; expected polygons or run lengths"),
        ([[1, 2, 3, 4]], r"segmentation\[0\] is \[1, 2, 3, 4\]; expected x, y of 3 points or more"),
        ([[1, 2, 3, 4, 5, "x"]], r"segmentation\[0\] is 'x'; expected a number"),
        ({"size": [2, 2], "counts": [4]}, r"segmentation.size is \[2, 2\]; its image \[6, 8\]"),
        ({"size": [6, 8], "counts": [4, None]}, r"counts is \[4, None\]; expected run lengths"),
        ({"size": [6, 8], "counts": [4]}, "run lengths sum to 4; the image has 48 pixels"),
        ({"size": [6, 8], "counts": ["48"]}, r"counts is \['48'\]; expected run lengths"),
        ({"size": [6, 8], "counts": [-2, 50]}, "a run length that is not from 0 to 48"),
        ({"size": [6, 8], "counts": [2**70]}, "a run length that is not from 0 to 48"),
        ({"size": [6, 8], "counts": [2**62] * 4 + [48]}, "a run length that is not from 0 to 48"),
        ([[1, 2, 3, 4, 5, 6] * 40_000], "120000 points that cross 320000 rows; at most 100000"),
        ({"size": [6, 8], "counts": "~~~"}, "is no run-length text|is cut short"),
    ],
)
def test_a_mask_that_is_none_is_said_with_its_place(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(DataError, match=rf"masks.json: annotations\[1\].*{said}") as error:
        coco.read(masked(tmp_path, [POLYGON], value), masks=True)
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools'
def test_masks_are_written_as_run_lengths_that_pycocotools_reads(tmp_path: Path) -> None:
    splits = coco.read(masked(tmp_path, [POLYGON], [POLYGON, [6, 0, 8, 0, 8, 2]]), masks=True)
    convert(splits, "coco", tmp_path / "out")
    path = tmp_path / "out" / "annotations" / "instances_train.json"
    again = coco.read(path, masks=True).train
    ours = splits.train[0].truth.instances or ()
    assert ours and all(
        np.array_equal(a.mask(), b.mask())
        for a, b in zip(ours, again[0].truth.instances or (), strict=True)
    )
    written = json.loads(path.read_text())["annotations"]
    for item, mask in zip(written, ours, strict=True):
        assert np.array_equal(coco_masks.decode(item["segmentation"]), mask.mask())
        assert item["area"] == mask.area == coco_masks.area(item["segmentation"])
