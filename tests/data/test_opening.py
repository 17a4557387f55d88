"""Which format a path is, and what is said where it is none."""

from pathlib import Path

import numpy as np
import pytest

from sightline import images
from sightline.data.opening import Hints, open_path, open_set
from sightline.errors import DataError, UnknownName
from sightline.talk import Silent


class Heard:
    """Remembers what is said; shows no bars."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bar = Silent().bar

    def say(self, text: str) -> None:
        self.lines.append(text)


def picture(path: Path, size: tuple[int, int] = (6, 8), value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, np.full((*size, 1), value, np.uint8))


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """A tiny set in each format of folders."""
    for stem in ("cat.0", "cat.1", "dog.0"):
        picture(tmp_path / "flat" / f"{stem}.png")
        picture(tmp_path / "classes" / stem[:3] / f"{stem}.png")
        picture(tmp_path / "pairs" / "input" / f"{stem}.png")
        picture(tmp_path / "pairs" / "target" / f"{stem}.png")
        picture(tmp_path / "masks" / "images" / f"{stem}.png")
        picture(tmp_path / "masks" / "masks" / f"{stem}.png", value=1 if stem == "cat.0" else 0)
        picture(tmp_path / "yolo" / "images" / f"{stem}.png")
    (tmp_path / "yolo" / "labels").mkdir()
    (tmp_path / "yolo" / "labels" / "cat.0.txt").write_text("0 .5 .5 .5 .5\n")
    (tmp_path / "yolo" / "data.yaml").write_text("train: images\nnames: [cat]\n")
    (tmp_path / "train.csv").write_text("image,label\nflat/cat.0.png,cat\nflat/dog.0.png,dog\n")
    (tmp_path / "coco.json").write_text(
        '{"images": [{"id": 1, "file_name": "flat/cat.0.png"}], "annotations": [],'
        ' "categories": [{"id": 1, "name": "cat"}]}'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("place", "task", "said"),
    [
        ("classes", "classification", ""),
        ("pairs", "restoration", "read as input/ beside target/"),
        ("masks", "segmentation", "read as images/ beside masks/"),
        ("yolo", "detection", "read as YOLO's data.yaml"),
        ("train.csv", "classification", "read as a CSV that lists pictures"),
        ("coco.json", "detection", "read as COCO's JSON"),
    ],
)
def test_a_path_is_read_in_the_format_it_has(trees: Path, place: str, task: str, said: str) -> None:
    talk = Heard()
    splits = open_path(trees / place, talk)
    assert splits.train.truths.task == task
    assert [line.partition(": ")[2] for line in talk.lines] == ([said] if said else [])


def test_a_flat_folder_wants_to_be_told_where_its_labels_are(trees: Path) -> None:
    with pytest.raises(
        DataError, match=r"pictures but no class folders; .*--label-from 'cat\|dog'"
    ):
        open_path(trees / "flat")
    train = open_path(trees / "flat", hints=Hints(label_from="cat|dog")).train
    assert train.classes == ("cat", "dog")
    assert train.truths.label is not None
    assert train.truths.label.tolist() == [0, 0, 1]


def test_masks_that_number_objects_become_boxes_where_that_is_said(trees: Path) -> None:
    train = open_path(trees / "masks", hints=Hints(masks="instances")).train
    truth = train[0].truth
    assert truth.boxes is not None and truth.instances is not None
    assert truth.boxes.tolist() == [[0, 0, 8, 6]]
    assert truth.instances[0].mask().all()
    assert len(train[1].truth.instances or ()) == 0


def test_pictures_beside_class_folders_are_named(trees: Path) -> None:
    picture(trees / "classes" / "cover.png")
    (trees / "classes" / "README.md").write_text("not a picture")
    with pytest.raises(DataError, match=r"pictures beside the class folders: cover.png; move"):
        open_path(trees / "classes")


def test_links_to_folders_are_followed_and_loops_are_told(trees: Path) -> None:
    (trees / "classes" / "dog" / "more").symlink_to(trees / "flat")
    assert len(open_path(trees / "classes").train) == 6
    (trees / "flat" / "loop").symlink_to(trees / "flat")
    with pytest.raises(DataError, match=r"folders within folders, 32 deep; a link to itself\?"):
        open_path(trees / "classes")


def test_what_is_no_set_is_said(trees: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (trees / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes.txt: not a set; expected a folder, or a .csv"):
        open_path(trees / "notes.txt")
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        open_path(trees / "nowhere")
    with pytest.raises(UnknownName, match="unknown data set 'digitz'; did you mean digits?"):
        open_set("digitz")
    monkeypatch.chdir(trees)
    with pytest.raises(DataError, match=r"'flat' is no named set; for the folder write ./flat"):
        open_set("flat")
    assert open_set("classes/").train.classes == ("cat", "dog")
