"""Class folders, one mistake at a time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.readers import folders
from sightline.errors import DataError

Photos = Callable[..., Path]


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4)).save(path)


def names(root: Path, part: str = "train") -> list[str]:
    dataset = folders.read(root).parts[part]
    return [str(Path(dataset.source(i)).relative_to(root)) for i in range(len(dataset))]


def test_a_folder_of_class_folders_is_a_set_to_be_cut(photos: Photos) -> None:
    root = photos(each=3)
    splits = folders.read(root)
    assert list(splits.parts) == ["train"]
    train = splits.train
    assert train.classes == ("blue", "green", "red")
    assert (train.name, train.top, len(train)) == ("photos", 255, 9)
    assert names(root) == [f"{c}/{i:02d}.png" for c in train.classes for i in range(3)]
    assert train.truths.label.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert train[8].image.shape == (22, 20, 3)
    assert train[8].image.mean((0, 1)).argmax() == 2  # how `photos` paints its third class


def test_the_order_is_that_of_the_names_not_of_the_disk(tmp_path: Path) -> None:
    for name in ("b/10.png", "a/2.png", "b/9.png", "B/1.png", "a/sub/1.png", "a/1.png"):
        picture(tmp_path / name)
    assert folders.read(tmp_path).train.classes == ("B", "a", "b")
    assert names(tmp_path) == [
        "B/1.png",
        "a/1.png",
        "a/2.png",
        "a/sub/1.png",
        "b/10.png",
        "b/9.png",
    ]


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("training", "validation", "testing"),
        ("Train", "Valid", "Test"),
        ("train", None, "test"),
        ("train", "val", None),
        ("train", None, None),
    ],
)
def test_folders_called_train_val_and_test_are_the_parts(
    tmp_path: Path, train: str, val: str | None, test: str | None
) -> None:
    for count, part in ((3, train), (2, val), (1, test)):
        for i in range(count):
            for name in ("cat", "dog"):
                if part:
                    picture(tmp_path / part / name / f"{i}.png")
    splits = folders.read(tmp_path)
    wanted = {"train": 6, "val": 4 if val else 0, "test": 2 if test else 0}
    assert {k: len(v) for k, v in splits.parts.items()} == {k: n for k, n in wanted.items() if n}
    assert all(part.classes == ("cat", "dog") for part in splits.parts.values())


def test_a_folder_beside_train_and_test_is_refused_and_litter_is_not(tmp_path: Path) -> None:
    """Else the network would learn to tell the training part from the test part."""
    for name in ("train/a", "train/b", "test/a", "test/b", "__MACOSX"):
        picture(tmp_path / name / "1.png")
    assert folders.read(tmp_path).train.classes == ("a", "b")
    picture(tmp_path / "bus" / "1.png")
    with pytest.raises(DataError, match="there is also bus"):
        folders.read(tmp_path)


def test_a_class_name_that_cannot_be_printed_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b\nc"):
        picture(tmp_path / name / "1.png")
    with pytest.raises(DataError, match="must be printable"):
        folders.read(tmp_path)


def test_hidden_files_and_litter_are_passed_over_and_nothing_else(photos: Photos) -> None:
    root = photos(each=3)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._00.png", ".cache/1.png"):
        (root / "red" / name).parent.mkdir(exist_ok=True)
        (root / "red" / name).write_text("litter")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("")
    (root / "red" / "notes.txt").write_text("not litter: it is listed, and found unreadable")
    (root / "README.md").write_text("beside the classes")
    train = folders.read(root).train
    assert train.classes == ("blue", "green", "red")
    assert [n for n in names(root) if n.startswith("red")] == [
        "red/00.png",
        "red/01.png",
        "red/02.png",
        "red/notes.txt",
    ]


def test_names_of_any_script_and_with_blanks_are_fine(tmp_path: Path) -> None:
    for name in ("größe mit blank", "猫"):
        picture(tmp_path / name / "ein bild, 1.png")
    train = folders.read(tmp_path).train
    assert train.classes == ("größe mit blank", "猫")
    assert np.array_equal(train[1].image, np.zeros((4, 4, 1)))


# Mistakes


def expect(root: Path, said: str) -> None:
    with pytest.raises(DataError) as caught:
        folders.read(root)
    assert str(caught.value) == f"{root}{said}"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    expect(tmp_path / "none", ": No such file or directory")


def test_a_file_where_a_folder_is_meant(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    expect(tmp_path / "a.txt", ": Not a directory")


def test_an_empty_folder(tmp_path: Path) -> None:
    expect(tmp_path, ": nothing in it; expected a folder of pictures for each class")


def test_pictures_without_class_folders(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    picture(tmp_path / "2.png")
    expect(tmp_path, ": 2 files but no class folders; expected a folder of pictures for each class")


def test_a_single_class(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png")
    expect(tmp_path, ": one class only (cat); a classifier needs two or more")


def test_classes_without_files_are_all_named(photos: Photos) -> None:
    root = photos(each=2)
    (root / "yellow").mkdir()
    (root / "black").mkdir()
    (root / "black" / ".keep").write_text("")
    expect(root, ": no files for black, yellow")


def test_a_train_folder_without_classes(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "1.png")
    with pytest.raises(DataError, match="train: 1 files but no class folders"):
        folders.read(tmp_path)


def test_a_class_that_is_only_in_test(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/a", "test/b", "test/c", "test/d"):
        picture(tmp_path / name / "1.png")
    with pytest.raises(DataError) as caught:
        folders.read(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'test'}: classes that are not in train: c, d"


def test_a_class_that_is_missing_in_test(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/a"):
        picture(tmp_path / name / "1.png")
    with pytest.raises(DataError) as caught:
        folders.read(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'test'}: no files for b"


def test_a_folder_called_train_dev_is_a_part(tmp_path: Path) -> None:
    for part in ("train", "train-dev", "test"):
        for name in ("cat", "dog"):
            picture(tmp_path / part / name / "1.png")
    splits = folders.read(tmp_path)
    assert list(splits.parts) == ["train", "train-dev", "test"]
    assert names(tmp_path, "train-dev") == ["train-dev/cat/1.png", "train-dev/dog/1.png"]
