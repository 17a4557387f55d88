"""Tiny ImageNet: class names from words.txt, val from its list, mistakes by file and line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sightline.data.readers import tiny_imagenet
from sightline.errors import DataError

FISH, SHARK = "n01443537", "n01484850"
LINES = [f"val_0.JPEG\t{SHARK}\t0\t0\t3\t2", f"val_1.JPEG\t{FISH}\t1\t0\t3\t2"]


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3)).save(path, "JPEG")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for key in (FISH, SHARK):
        for i in (0, 1):
            picture(tmp_path / "train" / key / "images" / f"{key}_{i}.JPEG")
        (tmp_path / "train" / key / f"{key}_boxes.txt").write_text(f"{key}_0.JPEG\t0\t0\t3\t2\n")
    for name in ("val_0.JPEG", "val_1.JPEG"):
        picture(tmp_path / "val" / "images" / name)
    picture(tmp_path / "test" / "images" / "test_0.JPEG")
    (tmp_path / "val" / "val_annotations.txt").write_text("\n".join(LINES) + "\n")
    words = [
        "n00001740\tentity",
        f"{SHARK}\tgreat white shark, white shark",
        f"{FISH}\tgoldfish, Ca",
    ]
    (tmp_path / "words.txt").write_text("\n".join(words))
    return tmp_path


def test_train_and_val_are_read_and_test_is_left_alone(home: Path) -> None:
    splits = tiny_imagenet.read(home)
    assert list(splits.parts) == ["train", "val"]
    train, val = splits.parts.values()
    assert train.classes == val.classes == ("goldfish", "great white shark")
    assert train.truths.label is not None and train.truths.label.tolist() == [0, 0, 1, 1]
    assert train.source(3).endswith(f"train/{SHARK}/images/{SHARK}_1.JPEG")
    assert val.truths.label is not None and val.truths.label.tolist() == [1, 0]
    assert val[0].image.shape == (3, 4, 3)
    assert val.source(0).endswith("val/images/val_0.JPEG")


def test_the_folder_that_the_archive_unpacks_to_is_looked_into(home: Path) -> None:
    outer = home.parent / "tiny-imagenet"
    outer.mkdir()
    home.rename(outer / "tiny-imagenet-200")
    assert tiny_imagenet.read(outer).train.name == "tiny-imagenet"


@pytest.mark.parametrize("inner", ["", "images/"])
def test_val_in_class_folders_has_the_same_truths(home: Path, inner: str) -> None:
    (home / "val" / "val_annotations.txt").unlink()
    for name, key in (("val_0.JPEG", SHARK), ("val_1.JPEG", FISH)):
        target = home / "val" / key / inner / name
        target.parent.mkdir(parents=True)
        (home / "val" / "images" / name).rename(target)
    (home / "val" / "images").rmdir()
    val = tiny_imagenet.read(home).val
    assert val is not None and val.truths.label is not None
    found = {Path(val.source(i)).name: int(val.truths.label[i]) for i in range(2)}
    assert found == {"val_0.JPEG": 1, "val_1.JPEG": 0}


def test_two_classes_of_one_name_are_told_apart(home: Path) -> None:
    (home / "words.txt").write_text(f"{FISH}\tcrane\n{SHARK}\tcrane, lift\n")
    assert tiny_imagenet.read(home).train.classes == (f"crane ({FISH})", f"crane ({SHARK})")


def annotations(*lines: str) -> Callable[[Path], None]:
    def write(home: Path) -> None:
        (home / "val" / "val_annotations.txt").write_text("\n".join(lines))

    return write


def words(text: str) -> Callable[[Path], None]:
    return lambda home: (home / "words.txt").write_text(text) and None


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda home: (home / "words.txt").unlink(), "/words.txt: No such file or directory"),
        (words("n01443537 goldfish"), "/words.txt:1: 'n01443537 goldfish'; expected a WordNet id"),
        (words(f"{FISH}\tgoldfish"), f"/words.txt: no names for {SHARK}, classes of train/"),
        (
            lambda home: (home / "val" / "val_annotations.txt").unlink(),
            "/val/val_annotations.txt: No such file or directory",
        ),
        (annotations(LINES[0], "val_1.JPEG"), "/val/val_annotations.txt:2: 'val_1.JPEG'; expected"),
        (
            annotations(LINES[0], "val_1.JPEG\tn00000000\t0\t0\t1\t1"),
            "/val/val_annotations.txt:2: class 'n00000000' has no folder in train/",
        ),
        (
            annotations(*LINES, f"val_2.JPEG\t{FISH}"),
            "/val/val_annotations.txt:3: no image ",
        ),
        (annotations(*LINES, LINES[0]), "/val/val_annotations.txt:3: val_0.JPEG is listed before"),
        (annotations(LINES[0]), "/val/val_annotations.txt: does not list val_1.JPEG"),
        (
            annotations(f"../images/val_0.JPEG\t{FISH}"),
            "/val/val_annotations.txt:1: no image ",
        ),
        (
            lambda home: (home / "train" / FISH / "images").rename(home / "gone"),
            f"/train/{FISH}: no pictures",
        ),
        (lambda home: (home / "train").rename(home / "gone"), "/train: expected a folder for each"),
    ],
)
def test_a_mistake_names_file_and_line(
    home: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(home)
    with pytest.raises(DataError) as caught:
        tiny_imagenet.read(home)
    assert str(caught.value).startswith(f"{home}{said}")
    assert "\n" not in str(caught.value)


def test_a_class_of_val_that_train_lacks_is_named(home: Path) -> None:
    (home / "val" / "val_annotations.txt").unlink()
    (home / "val" / "images").rename(home / "gone")
    picture(home / "val" / "n00000000" / "val_0.JPEG")
    with pytest.raises(DataError, match=r"val: not in train/: n00000000"):
        tiny_imagenet.read(home)
