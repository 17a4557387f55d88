"""Sets of boxes with faults, as a user's folder has them: said at the start, once, with counts."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.asked import Asked, open_request, tell
from sightline.errors import DataError
from sightline.request import ask
from sightline.talk import Silent

CELL, DOT, RARE = "cell", "dot", "rare"


class Heard(Silent):
    """What is said, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines += text.split("\n")


def truth(number: int) -> list[tuple[float, float, float, float, str]]:
    """x0, y0, x1, y1 and class of the objects of an image of 80x60."""
    more = {
        1: [(70, 40, 95, 60, CELL)],
        2: [(90, 70, 120, 90, CELL)],
        3: [(30, 20, 30, 40, DOT)],
        8: [(5, 5, 15, 15, RARE)],
    }
    if number in (5, 6, 7):
        return []
    return [(20, 10, 60, 40, CELL), (62, 42, 76, 56, DOT), *more.get(number, [])]


def pictures(folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    names = [f"{number:03d}.png" for number in range(20)]
    for name in names:
        Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(folder / name)
    return names


def voc(root: Path) -> None:
    (root / "Annotations").mkdir(parents=True)
    for number, name in enumerate(pictures(root / "JPEGImages")):
        objects = "".join(
            f"<object><name>{label}</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
            f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for x0, y0, x1, y1, label in truth(number)
        )
        text = f"<annotation><filename>{name}</filename>{objects}</annotation>"
        (root / "Annotations" / f"{number:03d}.xml").write_text(text)


def coco(root: Path, odd: int = 0) -> None:
    names, classes = pictures(root / "images"), [CELL, DOT, RARE]
    listed = [
        {"image_id": n, "category_id": classes.index(label), "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for n in range(len(names))
        for x0, y0, x1, y1, label in truth(n)
    ]
    listed += [{"image_id": n, "category_id": 9, "bbox": [1, 1, 5, 5]} for n in range(odd)]
    whole = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "annotations": listed,
        "categories": [{"id": n, "name": name} for n, name in enumerate(classes)],
    }
    (root / "instances_train.json").write_text(json.dumps(whole))


def yolo(root: Path, odd: int = 0) -> None:
    (root / "labels").mkdir(parents=True)
    for number, _ in enumerate(pictures(root / "images")):
        lines = [
            f"{[CELL, DOT, RARE].index(label)} {(x0 + x1) / 160} {(y0 + y1) / 120} "
            f"{(x1 - x0) / 80} {(y1 - y0) / 60}"
            for x0, y0, x1, y1, label in truth(number)
        ]
        lines += ["7 .5 .5 .1 .1"] * (number < odd)
        if number != 5:  # YOLO needs no text for a picture without objects
            (root / "labels" / f"{number:03d}.txt").write_text("\n".join(lines))
    (root / "data.yaml").write_text(f"train: images\nnames: [{CELL}, {DOT}, {RARE}]\n")


def opened(root: Path, *settings: tuple[str, object]) -> tuple[Asked, list[str]]:
    heard = Heard()
    asked = open_request(ask(f"{root}/", heard), settings, heard)
    tell(asked, heard)
    return asked, heard.lines


@pytest.mark.parametrize("layout", [voc, coco, yolo])
def test_each_fault_is_said_once_at_the_start_in_any_layout(tmp_path: Path, layout) -> None:
    layout(tmp_path / "set")
    asked, lines = opened(tmp_path / "set")
    at = lines.index(next(line for line in lines if line.startswith("split:")))
    assert lines[at - 4 : at] == [
        "2 boxes are left out: 1 of no area, 1 wholly outside the image "
        "(sightline data check names them)",
        "1 box is cut at the edge of the image; 15 pixels outside at most",
        "3 of 20 images without objects: kept as negatives (data.negatives=false leaves them out)",
        "1 class in one image alone, which trains or tests but not both: rare",
    ]
    found = asked.splits.parts.values()
    boxes = np.concatenate([part.truths.boxes.boxes for part in found if part.truths.boxes])
    assert len(boxes) == 2 * 17 + 2
    assert boxes.min() >= 0 and (boxes.max(0) <= [80, 60, 80, 60]).all()


def test_images_without_objects_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    coco(tmp_path / "set")
    asked, lines = opened(tmp_path / "set", ("data.negatives", False))
    assert sum(map(len, asked.splits.parts.values())) == 17
    said = "3 of 20 images without objects: left out (data.negatives=true keeps them as negatives)"
    assert said in lines
    members = "".join(f"{n:03d}.png,{'train' if n < 15 else 'val'}\n" for n in range(20))
    (tmp_path / "parts.csv").write_text("member,part\n" + members)
    # a split file may name them all the same
    settings = [("data.split", str(tmp_path / "parts.csv")), ("data.negatives", False)]
    asked, _ = opened(tmp_path / "set", *settings)
    assert [len(part) for part in asked.splits.parts.values()] == [12, 5]


def test_small_objects_are_told_by_the_canvas_they_are_seen_on(tmp_path: Path) -> None:
    coco(tmp_path / "set")
    _, lines = opened(tmp_path / "set", ("canvas.size", [24, 32]))
    assert any(
        line.startswith("19 of 36 boxes under 8 pixels on the canvas of 32x24") for line in lines
    )


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (
            coco,
            "instances_train.json: annotations[38].category_id 9 is not among the categories "
            "(3 boxes have such a class)",
        ),
        (yolo, "000.txt:3: class 7; expected 0 to 2 (3 boxes have such a class)"),
    ],
)
def test_unknown_classes_are_named_with_how_many_boxes_have_one(
    tmp_path: Path, layout, said: str
) -> None:
    layout(tmp_path / "set", odd=3)
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "set")
    assert str(caught.value).endswith(said)


def test_a_set_without_any_box_is_refused_before_it_is_planned(tmp_path: Path) -> None:
    coco(tmp_path / "set")
    path = tmp_path / "set" / "instances_train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))
    with pytest.raises(DataError, match="no box in any of its .* training images"):
        opened(tmp_path / "set")
