"""A CSV that lists pictures: what it may hold, and its mistakes by line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.dataset import Dataset
from sightline.data.readers import table
from sightline.errors import DataError


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes) -> Dataset:
    return table.read(written(folder, content)).train


def test_a_label_column_makes_classes_sorted_by_name(tmp_path: Path) -> None:
    got = read(tmp_path, "image,label\na.png,dog\nsub/b.png,cat\nc.png,dog\n")
    assert got.classes == ("cat", "dog")
    assert got.truths.label.tolist() == [1, 0, 1]
    assert got.name == "list"
    assert got.source(1) == str(tmp_path / "sub" / "b.png")


def test_labels_that_look_like_numbers_are_classes_all_the_same(tmp_path: Path) -> None:
    got = read(tmp_path, "file,Class\na.png,0\nb.png,1\nc.png,10\n")
    assert (got.truths.task, got.classes) == ("classification", ("0", "1", "10"))


def test_columns_of_yes_no_and_unknown_are_many_labels(tmp_path: Path) -> None:
    got = read(tmp_path, "path,sunny,indoor\na.png,1,0\nb.png,,1\nc.png,0,\n")
    assert (got.truths.task, got.classes) == ("multilabel", ("sunny", "indoor"))
    assert got.truths.labels.tolist() == [[1, 0], [-1, 1], [0, -1]]


def test_columns_of_numbers_are_values(tmp_path: Path) -> None:
    got = read(tmp_path, "filename,age,height\na.png,31,1.75\nb.png, 1e1 ,-0.5\n")
    assert (got.truths.task, got.classes) == ("regression", ("age", "height"))
    assert got.truths.values.dtype == np.float32
    assert got.truths.values.tolist() == [[31, 1.75], [10, -0.5]]


def test_the_pictures_lie_beside_the_table(tmp_path: Path) -> None:
    Image.new("L", (5, 4), 7).save(tmp_path / "a, b.png")
    got = read(tmp_path, 'image,label\n"a, b.png",x\nc.png,y\n')
    assert got[0].image.tolist() == [[[7]] * 5] * 4


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfimage,label\na.png,x\nb.png,y\n",
        b"image,label\r\na.png,x\r\nb.png,y\r\n",
        b" image , label \n a.png , x \n b.png , y ",
        b'"image","label"\n"a.png","x"\n"b.png","y"\n',
        b"image,label\n\na.png,x\n\n\nb.png,y\n\n",
        b"IMAGE,LABEL\na.png,x\nb.png,y\n",
    ],
    ids=["mark", "Windows", "blanks", "quotes", "empty lines", "capitals"],
)
def test_a_table_may_be_written_in_many_ways(tmp_path: Path, content: bytes) -> None:
    got = read(tmp_path, content)
    assert got.classes == ("x", "y")
    assert [Path(got.source(i)).name for i in (0, 1)] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ": no rows below the header"),
        ("image,label\n", ": no rows below the header"),
        ("image\na.png\n", ": header 'image'; expected 'image' and then what to learn"),
        ("image;label\na.png;x\n", ": header 'image;label'; expected 'image' and then"),
        ("label,image\nx,a.png\n", ": header 'label,image'; expected 'image' and then"),
        ("image,label\na.png,x\nb.png\n", ":3: 1 cells, the header has 2"),
        ("image,label\na.png,x\nb.png,y,z\n", ":3: 3 cells, the header has 2"),
        ("image,label\na.png,x\nb.png,\n", ":3: no label"),
        ("image,label\na.png,x\nb.png,x\n", ": one class only (x); a classifier needs two"),
        ("image,age\na.png,1.5\nb.png,old\n", ":3: age is 'old'; expected a number"),
        ("image,age\na.png,1.5\nb.png,\n", ":3: age is ''; expected a number"),
        ("image,age\na.png,nan\nb.png,1\n", ":2: age is 'nan'; expected a number"),
        ("image,age\na.png,1\nb.png,inf\n", ":3: age is 'inf'; expected a number"),
        ("image,age\na.png,2\nb.png,1e39\n", ":3: age is '1e39'; expected a number"),
        ("image,a,b\na.png,1,0\nb.png,2,x\n", ":3: b is 'x'; expected a number"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_mistake_is_one_line_that_names_the_line(tmp_path: Path, content: str, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        table.read(path)
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("image,age\n\n\na.png,1\nb.png,x\n", ":5: age is 'x'"),
        ("image,label\n\na.png,x\n\nb.png\n", ":5: 1 cells"),
        ("image,label\n\na.png,x\nb.png,\n", ":4: no label"),
        ('image,age\n"a\nb.png",1\nc.png,x\n', ":4: age is 'x'"),
    ],
    ids=["value", "cells", "label", "a cell of two lines"],
)
def test_lines_are_counted_as_an_editor_counts_them(
    tmp_path: Path, content: str, said: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        table.read(path)
    assert str(caught.value).startswith(f"{path}{said}")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'image,label\na.png,x\n"b.png"z,y\n', 3),
        (b'image,label\na.png,x\n"b.png,y\n', 3),
        (b"image,label\na.png,x\n" + b"b" * 200_000 + b",y\n", 3),
    ],
    ids=["after a quote", "open quote", "very long"],
)
def test_what_is_no_csv_is_said_with_its_line(tmp_path: Path, content: bytes, line: int) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        table.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    for content in ("image,label\né.png,x\nb.png,y\n".encode("latin-1"), "image".encode("utf-16")):
        path = written(tmp_path, content)
        with pytest.raises(DataError, match="utf-8") as caught:
            table.read(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_a_table_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        table.read(tmp_path / "none.csv")
    assert str(caught.value) == f"{tmp_path / 'none.csv'}: No such file or directory"


def test_a_row_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "image,label\na.png,x\n,y\n")
    with pytest.raises(DataError) as caught:
        table.read(path)
    assert str(caught.value) == f"{path}:3: no image"


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "image,sunny,sunny\na.png,1,0\nb.png,0,1\n")
    with pytest.raises(DataError, match="sunny"):
        table.read(path)
