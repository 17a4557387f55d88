"""What images are called wherever a set lies, and the files that publish a split by it."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data import members
from sightline.data.dataset import ArrayDataset, FileDataset, Joined, Subset
from sightline.data.fingerprint import fingerprint
from sightline.data.readers import folders, table
from sightline.data.split import Splits, cut, fold, folded
from sightline.data.truths import Truths
from sightline.errors import DataError, OutputError

Photos = Callable[..., Path]


def of_names(names: list[str], root: str = "/photos", classes: int = 1) -> FileDataset:
    """Files that nobody opens."""
    label = np.arange(len(names)) % classes
    return FileDataset(Path(root), names, Truths(label=label), tuple("abc"[:classes]))


def digits(n: int = 40) -> ArrayDataset:
    return ArrayDataset(np.zeros((n, 2, 2, 1), np.uint8), Truths(label=np.arange(n) % 2), "ab")


def named(splits: Splits) -> dict[str, list[str]]:
    names = members.Names(splits)
    return {part: names.of(dataset) for part, dataset in splits.parts.items()}


def parted(root: Path) -> Path:
    """The photos below train/ and test/."""
    for name in ("blue", "green", "red"):
        for part, keep in (("train", slice(0, 9)), ("test", slice(9, 12))):
            folder = root.parent / "parted" / part / name
            folder.mkdir(parents=True)
            for path in sorted((root / name).iterdir())[keep]:
                shutil.copy(path, folder)
    return root.parent / "parted"


# Names


def test_a_file_is_called_by_its_path_below_the_set(photos: Photos) -> None:
    splits = cut(folders.read(photos()), 0.2, 0.2, 0)
    names = named(splits)
    assert sorted(name for part in names.values() for name in part) == sorted(
        f"{color}/{i:02d}.png" for color in ("blue", "green", "red") for i in range(12)
    )


def test_files_of_official_parts_are_called_by_their_parts_folder(photos: Photos) -> None:
    names = named(folders.read(parted(photos())))
    assert names["train"][0] == "train/blue/00.png"
    assert names["test"][0] == "test/blue/09.png"


def test_rows_of_arrays_are_called_by_part_and_number() -> None:
    train, test = digits(3), digits(2)
    whole = Splits(train, test=test)
    assert named(whole) == {"train": [f"train:{i}" for i in range(3)], "test": ["test:0", "test:1"]}
    mixed = Subset(Joined([Subset(test, [1]), Subset(train, [2, 0])]), [2, 0])
    assert members.Names(whole).of(mixed) == ["train:0", "test:1"]


# Groups


def test_groups_are_found_in_the_names_of_members() -> None:
    names = ["s1/1.png", "s1/2.png", "s2/1.png", "s10/1.png"]
    whole = Splits(of_names(names))
    for group in (r"s\d+", r"^s(\d+)/", "folder"):
        numbers = members.owners(whole, group)(whole.train)
        assert numbers[0] == numbers[1]
        assert len(set(numbers.tolist())) == 3
    assert members.groups(whole, whole, r"s\d+") == {"train": {"s1", "s2", "s10"}}
    assert members.groups(whole, whole, "folder") == {"train": {"s1", "s2", "s10"}}


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("p[0-9]", r"no group in 2 of 2 members by 'p\[0-9\]' \(first: s1/1.png\)"),
        ("s(", "missing \\), unterminated subpattern"),
        ("(s)(1)", "2 groups in it; expected one"),
    ],
)
def test_a_group_that_is_not_found_is_one_line(group: str, said: str) -> None:
    whole = Splits(of_names(["s1/1.png", "s2/1.png"]))
    with pytest.raises(DataError, match=said):
        members.owners(whole, group)(whole.train)


def test_arrays_lie_in_no_folder() -> None:
    whole = Splits(digits(2))
    with pytest.raises(DataError, match=r"no group in 2 of 2 members by 'folder' \(first: train:0"):
        members.owners(whole, "folder")(whole.train)


# Written and read


def test_a_split_is_published_and_read_back_equal_elsewhere(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    whole = folders.read(root)
    parts = cut(whole, 0.2, 0.2, 0, train_dev=0.1)
    members.write(tmp_path / "split.csv", whole, parts.parts)
    root.rename(tmp_path / "moved")
    moved = folders.read(tmp_path / "moved")
    again = members.apply(members.read(tmp_path / "split.csv"), moved)
    assert list(again.parts) == ["train", "train-dev", "val", "test"]
    for name, part in parts.parts.items():
        other = again.parts[name]
        assert members.Names(moved).of(other) == members.Names(whole).of(part)
        assert np.array_equal(part.truths.label, other.truths.label)
    members.write(tmp_path / "again.csv", moved, again.parts)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "split.csv").read_bytes()


def test_a_split_reads_back_with_the_same_fingerprint(photos: Photos, tmp_path: Path) -> None:
    whole = folders.read(photos())
    parts = cut(whole, 0.2, 0.2, 0)
    members.write(tmp_path / "split.csv", whole, parts.parts)
    again = members.apply(members.read(tmp_path / "split.csv"), whole)
    for name, part in parts.parts.items():
        assert fingerprint(again.parts[name]) == fingerprint(part)


def test_a_split_file_is_a_plain_table_in_the_order_of_the_set(tmp_path: Path) -> None:
    whole = Splits(of_names(["a/1.png", "a/2, 3.png", "b/1.png"]))
    parts = {"train": Subset(whole.train, [2, 0])}
    members.write(tmp_path / "split.csv", whole, parts)
    text = 'member,part\na/1.png,train\n"a/2, 3.png",unused\nb/1.png,train\n'
    assert (tmp_path / "split.csv").read_text("utf-8") == text


def test_folds_are_written_and_each_may_be_validation(photos: Photos, tmp_path: Path) -> None:
    whole = folders.read(parted(photos()))
    members.write(tmp_path / "folds.csv", whole, members.assigned(whole, 0, 0, 0, k=3))
    file = members.read(tmp_path / "folds.csv")
    assert file.folds == 3
    parts, numbers = folded(whole, 3, 0.0, 0)
    for number in (1, 2, 3):
        ours, again = fold(parts, numbers, number), members.apply(file, whole, number)
        for name, part in ours.parts.items():
            assert named(again)[name] == members.Names(whole).of(part)


def test_a_file_may_move_images_out_of_official_parts(photos: Photos, tmp_path: Path) -> None:
    whole = folders.read(parted(photos()))
    names = [name for part in named(whole).values() for name in part]
    rows = [f"{name},{'val' if '0.png' in name else 'train'}" for name in names]
    (tmp_path / "split.csv").write_text("\n".join(["member,part", *rows]), "utf-8")
    parts = members.apply(members.read(tmp_path / "split.csv"), whole)
    assert list(parts.parts) == ["train", "val"]
    assert isinstance(parts.val, Joined)
    assert sorted(Path(parts.val.source(i)).name for i in range(len(parts.val))) == sorted(
        ["00.png", "10.png"] * 3
    )
    sample = parts.val[5]
    assert Path(sample.source).parent.name == "red"
    assert sample.truth.label == 2


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_names_that_are_no_text_are_kept_as_their_bytes(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    whole = Splits(of_names([odd, "größe.png", 'line\nend".png']))
    members.write(tmp_path / "split.csv", whole, {"train": whole.train})
    assert list(members.read(tmp_path / "split.csv").rows) == [odd, "größe.png", 'line\nend".png']


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1),
        min_size=1,
        max_size=8,
        unique_by=lambda name: name.rstrip("\0"),
    ),
    st.randoms(use_true_random=False),
)
def test_any_name_survives_a_split_file(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], random: "np.random.Generator"
) -> None:
    whole = Splits(of_names(names))
    rows = [i for i in range(len(names)) if i == 0 or random.random() < 0.5]
    path = tmp_path_factory.mktemp("any") / "split.csv"
    members.write(path, whole, {"train": Subset(whole.train, rows)})
    again = members.apply(members.read(path), whole)
    assert again.train.source(0) == whole.train.source(0)
    assert len(again.train) == len(rows)


def test_excel_may_have_been_at_the_file(tmp_path: Path) -> None:
    """A mark at the start, and lines that end in two characters."""
    (tmp_path / "s.csv").write_bytes("\ufeffmember,part\r\na.png,train\r\n".encode())
    assert members.read(tmp_path / "s.csv").rows == {"a.png": ("train", 2)}


# What is wrong with a file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: header ''; expected member,part or member,fold"),
        ("image,part\na,train\n", ":1: header 'image,part'; expected member,part or member,fold"),
        ("member,part\na,train\nb,trian\n", ":3: part 'trian'; expected train, train-dev, val, "),
        ("member,part\na\n", ":2: 1 cells; expected member,part"),
        ("member,part\na,train\n\nb,val\na,val\n", ":5: a is on line 2 already"),
        ('member,part\n"a,train\n', ":2: unexpected end of data"),
        ("member,part\na,1\n", ":2: part '1'; expected train"),
        ("member,fold\na,0\n", ":2: fold '0'; expected 1 or more, or train-dev, test or unused"),
        ("member,fold\na,val\n", ":2: fold 'val'; expected 1 or more"),
        ("member,fold\na,1\nb,3\n", ": no member is in fold 2"),
        ("member,fold\na,1\nb,1\n", ": no member is in fold 2"),
        ("member,fold\na,test\n", ": no member is in fold 1"),
    ],
    ids=repr,
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError) as caught:
        members.read(path)
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: No such file"):
        members.read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "fold", "said"),
    [
        ("member,part\na,train\nb,val\nx,val\ny,val", None, ":4: x is not in photos (and 1 more)"),
        (
            "member,part\na,train\n",
            None,
            ": 2 members of photos are not in it (b, c); give each a part, or unused",
        ),
        ("member,part\na,val\nb,test\nc,unused\n", None, ": no member is train"),
        ("member,part\na,train\nb,val\nc,test\n", 1, ": data.fold is 1, but the file has parts"),
        ("member,fold\na,1\nb,2\nc,2\n", None, ": folds 1 to 2; say which is validation: data"),
        ("member,fold\na,1\nb,2\nc,2\n", 3, ": data.fold is 3, but the file has folds 1 to 2"),
    ],
    ids=repr,
)
def test_a_file_of_another_set_is_said_so(
    tmp_path: Path, text: str, fold: int | None, said: str
) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError) as caught:
        members.apply(members.read(path), Splits(of_names(["a", "b", "c"])), fold)
    assert str(caught.value).startswith(f"{path}{said}")


def test_an_image_that_a_table_lists_twice_cannot_be_split_by_name(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("image,label\na.png,x\na.png,y\n", "utf-8")
    whole = table.read(tmp_path / "table.csv")
    with pytest.raises(DataError, match=r"table: a\.png is in it twice; a split names it once"):
        members.write(tmp_path / "split.csv", whole, whole.parts)
    assert not (tmp_path / "split.csv").exists()


def test_a_file_is_never_overwritten_and_is_called_csv(tmp_path: Path) -> None:
    whole = Splits(of_names(["a"]))
    with pytest.raises(DataError, match=r"split\.txt: a split file ends in \.csv"):
        members.write(tmp_path / "split.txt", whole, whole.parts)
    members.write(tmp_path / "split.csv", whole, whole.parts)
    with pytest.raises(OutputError, match="exists"):
        members.write(tmp_path / "split.csv", whole, whole.parts)
