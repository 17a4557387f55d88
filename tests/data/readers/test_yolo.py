"""YOLO: a data.yaml in its many spellings, labels by line, sizes from headers."""

import os
from pathlib import Path

import pytest
from PIL import Image

from sightline.data.dataset import Dataset
from sightline.data.readers import yaml, yolo
from sightline.errors import DataError

ORIENTATION = 0x0112


def picture(root: Path, name: str, labels: str | None = None, inner: str = "train") -> Path:
    """A picture of 8x4, and its labels unless None."""
    path = root / "images" / inner / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 4)).save(path)
    if labels is not None:
        text = root / "labels" / inner / f"{Path(name).stem}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(labels)
    return root


def described(root: Path, text: str = "train: images/train\nnames: [cat, dog]\n") -> Path:
    root.mkdir(exist_ok=True)
    (root / "data.yaml").write_text(text, encoding="utf-8")
    return root


def boxes(dataset: Dataset, index: int = 0) -> list[list[float]]:
    found = dataset[index].truth.boxes
    assert found is not None
    return found.tolist()


def test_boxes_are_parts_of_the_pictures_size(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "1 0.5 0.5 1 1\n0 0.25 0.75 0.25 0.5\n\n")
    picture(tmp_path, "b.png", "")
    picture(tmp_path, "c.JPG")
    assert yolo.recognises(described(tmp_path))
    train = yolo.read(tmp_path).train
    assert (train.name, train.classes, len(train)) == (tmp_path.name, ("cat", "dog"), 3)
    assert boxes(train) == [[0, 0, 8, 4], [1, 2, 3, 4]]
    assert train[0].truth.classes.tolist() == [1, 0]  # type: ignore[union-attr]
    assert boxes(train, 1) == boxes(train, 2) == []


def test_a_picture_that_is_turned_by_its_exif_has_the_turned_size(tmp_path: Path) -> None:
    picture(tmp_path, "a.jpg", "0 0.5 0.5 1 1")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.new("L", (8, 4)).save(tmp_path / "images/train/a.jpg", exif=exif)
    train = yolo.read(described(tmp_path)).train
    assert boxes(train) == [[0, 0, 4, 8]]
    assert train[0].image.shape == (8, 4, 1)


def test_a_polygon_becomes_its_extent(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.25 0.5 0.75 0.25 0.5 1\n")
    assert boxes(yolo.read(described(tmp_path)).train) == [[2, 1, 6, 4]]


@pytest.mark.parametrize(
    "names",
    [
        "names: [a b, 'c, d', \"e\\u00e9\"]",
        "names: ['a b',\n  'c, d',\n  eé]",
        "names: [\n  'a b', # first\n  'c, d', eé,\n]",
        "names:\n  - a b\n  - 'c, d'\n  - eé # last",
        "names:\n- a b\n- c, d\n- eé",
        "names:\n  0: a b\n  1: c, d\n  2: eé",
        "names:\n  2: 'eé'\n  0: a b   # first\n  1: \"c, d\"",
        "names: {0: a b, 1: 'c, d', 2: eé}",
        "names: {0: a b,\n 1: 'c, d', \"2\": eé}",
    ],
    ids=range(9),
)
def test_names_may_be_written_in_many_ways(tmp_path: Path, names: str) -> None:
    picture(tmp_path, "a.png", "2 0.5 0.5 1 1")
    text = f"# a set\n---\ntrain: images/train # here\nnc: 3\n{names}\nroboflow:\n  version: 3\n"
    assert yolo.read(described(tmp_path, text)).train.classes == ("a b", "c, d", "eé")


def test_words_that_yaml_takes_for_truth_values_are_names(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    text = "train: images/train\nnames: [no, on, 1e3, null, bird's nest, a#b]\n"
    assert yolo.read(described(tmp_path, text)).train.classes == (
        "no",
        "on",
        "1e3",
        "null",
        "bird's nest",
        "a#b",
    )


def test_what_is_not_asked_for_may_be_any_yaml(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    script = "download: |\n  import os  # no\n  names = [\n    'x',\n\nkpt: {a: [1, 2], b: &x 3}\n"
    text = f"{script}train: images/train\nnames: [cat]\nother:\n  - [1, 2]\n  - {{a: b}}\n"
    assert yolo.read(described(tmp_path, text)).train.classes == ("cat",)


def test_parts_are_those_the_yaml_names(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    picture(tmp_path, "b.png", "0 0.5 0.5 1 1", inner="more/deep")
    picture(tmp_path, "c.png", "1 0.5 0.5 1 1", inner="valid")
    text = (
        "path: ../{}\ntrain: [images/train, images/more]\nval: images/valid\ntest:\nnames: [x, y]"
    )
    splits = yolo.read(described(tmp_path, text.format(tmp_path.name)))
    assert {part: len(d) for part, d in splits.parts.items()} == {"train": 2, "val": 1}
    assert splits.train.source(1).endswith("/images/more/deep/b.png")
    named = yolo.read(tmp_path / "data.yaml").train
    assert (named.name, len(named)) == (tmp_path.name, 2)


def test_paths_of_another_machine_are_looked_for_beside_the_yaml(tmp_path: Path) -> None:
    root = tmp_path / "train"
    for name, labels in (("images", None), ("labels", "0 0.5 0.5 1 1")):
        (root / name).mkdir(parents=True)
        if labels is None:
            Image.new("L", (8, 4)).save(root / name / "a.png")
        else:
            (root / name / "a.txt").write_text(labels)
            (root / name / "classes.txt").write_text("cat")
    text = "path: /no/such/place\ntrain: ../train/images\nval: ''\nnames: ['cat']\n"
    assert boxes(yolo.read(described(tmp_path, text)).train) == [[0, 0, 8, 4]]


def test_a_list_of_pictures_may_stand_for_their_folder(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    picture(tmp_path, "b.png", "0 0.5 0.5 1 1")
    (tmp_path / "some.txt").write_text(f"./images/train/b.png\n\n{tmp_path}/images/train/a.png\n")
    train = yolo.read(described(tmp_path, "train: some.txt\nnames: [x]\n")).train
    assert [Path(train.source(i)).name for i in range(2)] == ["b.png", "a.png"]
    (tmp_path / "some.txt").write_text("images/train/b.png\n\nimages/train/c.png\n")
    with pytest.raises(DataError) as caught:
        yolo.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/some.txt:3: no image ")


def test_boxes_outside_and_without_area_are_kept_for_the_check(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 2 1\n0 0.5 0.5 0 -0.5\n")
    assert boxes(yolo.read(described(tmp_path)).train) == [[-4, 0, 12, 4], [4, 3, 4, 1]]


# Mistakes


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("0 0.5 0.5 1", "4 numbers; expected class, center x and y, w, h"),
        ("0 0.5 0.5 1 1 1.9", "confidence 1.9; expected 0 to 1"),
        ("0 0.5 0.5 1 1 0.9 1 1", "8 numbers; expected"),
        ("cat 0.5 0.5 1 1", "number 1 is 'cat'; expected a number"),
        ("0 0.5 nan 1 1", "number 3 is 'nan'; expected a number"),
        ("0 0.5 0.5 inf 1", "number 4 is 'inf'; expected a number"),
        ("0 0.5 0.5 1 1e39", "number 5 is '1e39'; expected a number"),
        ("2 0.5 0.5 1 1", "class 2; expected 0 to 1"),
        ("-1 0.5 0.5 1 1", "class -1; expected 0 to 1"),
        ("0.5 0.5 0.5 1 1", "class 0.5; expected 0 to 1"),
    ],
)
def test_a_mistake_in_the_labels_is_named_with_its_line(
    tmp_path: Path, line: str, text: str
) -> None:
    picture(tmp_path, "a.png", f"0 0.5 0.5 1 1\n\n{line}\n")
    with pytest.raises(DataError) as caught:
        yolo.read(described(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path}/labels/train/a.txt:3: {text}")


def said(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        yolo.read(root)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{root}/")
    return text.removeprefix(f"{root}/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train: images/train\nnames: []", "data.yaml: no names; expected a list of classes"),
        ("train: images/train\nnames: cat", "data.yaml: no names; expected a list of classes"),
        ("train: images/train\nnames:", "data.yaml: no names; expected a list of classes"),
        ("train: images/train\nnames: [a, a]", "data.yaml: a class is named twice"),
        ("train: images/train\nnames: {1: a, 2: b}", "data.yaml: names are numbered 1, 2"),
        ("train: images/train\nnc: 3\nnames: [a]", "data.yaml: nc is 3 but there are 1 names"),
        ("train:\nnames: [a]", "data.yaml: no train; expected the folder of its pictures"),
        ("train: images/no\nnames: [a]", "data.yaml: train is images/no, which is not there"),
        (f"train: {'x' * 999}\nnames: [a]", "data.yaml: train is xxx"),
        ("train: labels\nnames: [a]", "labels: no pictures"),
        ("train: images/train\nnames: [a", "data.yaml:2: [ without ]"),
        ("train: images/train\nnames: *x", "data.yaml:2: '*x': more YAML than is read"),
        ("train: images/train\nnames: [[a]]", "data.yaml:2: '[a]': more YAML than is read"),
        ("train: images/train\nnames: ['a]", 'data.yaml:2: "\'a"; expected one quoted text'),
        ("train: images/train\nnames:\n  - a\n  b: c", "data.yaml:4: 'b: c'; expected '- value'"),
        ("train: images/train\nnames:\n  0: a\n    1: b", "data.yaml:2: lines of differing"),
        ("train: images/train\nnames: [a]\nnames: [b]", "data.yaml:3: names is there already"),
        ("train: images/train\nnames: {0: a, 0: b}", "data.yaml:2: 0 is there already"),
        ("train: images/train\nnames: [a]\nwhat", "data.yaml:3: 'what'; expected 'key: value'"),
        ("  train: x\ntrain: images\nnames: [a]", "data.yaml:1: 'train: x'; expected 'key"),
        ('train: images/train\nnames: ["\\x41"]', "data.yaml:2: '\"\\\\x41\"': an escape"),
        ("train: images/train\n  more\nnames: [a]", "data.yaml:2: a value of several lines"),
    ],
)
def test_a_mistake_in_the_yaml_is_named(tmp_path: Path, text: str, expected: str) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    assert said(described(tmp_path, text)).startswith(expected)


def test_labels_without_a_picture_and_pictures_without_any_labels_are_named(
    tmp_path: Path,
) -> None:
    picture(tmp_path, "a.png")
    first = tmp_path / "labels/train/a.txt"
    assert said(described(tmp_path)) == (
        f"images/train: no labels for its 1 pictures; expected {first}"
    )
    picture(tmp_path, "a.png", "")
    first.with_name("z.txt").write_text("")
    assert said(tmp_path) == f"labels/train: without a picture in {tmp_path}/images/train: z.txt"


def test_one_yaml_is_needed(tmp_path: Path) -> None:
    assert not yolo.recognises(tmp_path)
    with pytest.raises(DataError, match="expected one data.yaml with names and train; none"):
        yolo.read(tmp_path)
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text("names: [a]\ntrain: x\n")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe: no\n")
    assert yolo.recognises(tmp_path)
    with pytest.raises(DataError, match="several: a.yaml, b.yml; name one"):
        yolo.read(tmp_path)


def test_a_yaml_over_the_cap_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [a]\ntrain: x\n" + "#" * yaml.CAP)
    assert said(tmp_path) == "data.yaml: 1 MB, over the cap of 1 MB"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a{blanks}b\ntrain: x\nnames: [a]", "data.yaml:1: 'a     "),
        ("train: x\nnames: {{a{blanks}b}}", "data.yaml:2: 'a     "),
        ("train: x\nnames:\n  0{blanks}b", "data.yaml:3: '0     "),
        ("train: x\nnames: [\n{lines}]", "data.yaml: a class is named twice"),
    ],
)
def test_long_lines_and_many_of_them_take_no_longer_than_their_bytes(
    tmp_path: Path, text: str, expected: str
) -> None:
    """Square in their length they would take hours, not a moment."""
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    long = text.format(blanks=" " * 900_000, lines="a,\n" * 200_000)
    assert said(described(tmp_path, f"{long}\n")).startswith(expected)


def test_a_yaml_that_is_no_plain_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.yaml")  # which nobody writes to
    (tmp_path / "more.yaml").mkdir()
    assert not yolo.recognises(tmp_path)


def test_labels_that_are_no_plain_file_are_named_and_not_taken_for_none(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "0 0.5 0.5 1 1")
    picture(tmp_path, "b.png")
    os.mkfifo(tmp_path / "labels" / "train" / "b.txt")
    assert said(described(tmp_path)) == "labels/train/b.txt: not a plain file"
