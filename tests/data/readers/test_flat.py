"""A flat folder: the label is in the file name."""

from pathlib import Path

import pytest
from PIL import Image

from sightline.data.readers import flat
from sightline.errors import DataError


def pictures(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2)).save(root / name)
    return root


def test_a_pattern_finds_the_label_in_each_name(tmp_path: Path) -> None:
    pictures(tmp_path, "cat.0.png", "dog.1.png", "cat.10.png", "sub/dog.2.png")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "Thumbs.db").write_text("")
    train = flat.read(tmp_path, "cat|dog").train
    assert train.classes == ("cat", "dog")
    assert train.truths.label is not None
    assert train.truths.label.tolist() == [0, 0, 1, 1]
    assert [Path(train.source(i)).name for i in range(4)] == [
        "cat.0.png",
        "cat.10.png",
        "dog.1.png",
        "dog.2.png",
    ]
    assert train.name == tmp_path.name
    assert train[3].image.shape == (2, 3, 1)


def test_a_group_says_which_part_of_the_match_is_the_label(tmp_path: Path) -> None:
    pictures(tmp_path, "n01440764_tench.png", "n01494475_great_white.png")
    assert flat.read(tmp_path, r"n\d+_(.+)\.png").train.classes == ("great_white", "tench")


def test_folders_of_parts_share_their_classes(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat.1.png", "train/dog.1.png", "test/dog.2.png")
    splits = flat.read(tmp_path, "cat|dog")
    assert {part: len(dataset) for part, dataset in splits.parts.items()} == {"train": 2, "test": 1}
    assert splits.test is not None
    assert splits.test[0].truth.label == 1
    assert splits.test.classes == ("cat", "dog")


def test_loose_pictures_are_what_is_recognised(tmp_path: Path) -> None:
    assert not flat.recognises(tmp_path)
    assert not flat.recognises(tmp_path / "none")
    assert flat.recognises(pictures(tmp_path, "1.JPG"))


@pytest.mark.parametrize(
    ("names", "pattern", "said"),
    [
        (["cat.1.png", "bird.1.png"], "cat|dog", "/bird.1.png: no label in its name by 'cat|dog'"),
        (["cat.1.png", "_.png"], "([a-z]*)[._]", "/_.png: no label in its name by"),
        (["cat.1.png", "cat.2.png"], "cat|dog", ": one class only (cat)"),
        ([], "cat|dog", ": no files"),
    ],
    ids=["no match", "an empty match", "one class", "nothing there"],
)
def test_a_mistake_names_the_file(
    tmp_path: Path, names: list[str], pattern: str, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        flat.read(pictures(tmp_path, *names), pattern)
    assert str(caught.value).startswith(f"{tmp_path}{said}")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none: No such file or directory"):
        flat.read(tmp_path / "none", "cat")


@pytest.mark.parametrize(("pattern", "said"), [("cat|(", "missing )"), ("(a)(b)", "2 groups")])
def test_a_pattern_that_cannot_be_used_is_shown(tmp_path: Path, pattern: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        flat.read(tmp_path, pattern)
    assert repr(pattern) in str(caught.value)
    assert said in str(caught.value)
