"""A CSV of boxes, and a folder with a CSV a part."""

from pathlib import Path

import pytest
from PIL import Image

from sightline.data.dataset import Dataset
from sightline.data.readers import table
from sightline.errors import DataError

HEADER = "image,x0,y0,x1,y1,label\n"


def read(folder: Path, content: str, name: str = "list.csv") -> Dataset:
    (folder / name).write_text(content)
    return table.read(folder / name).train


def boxes(dataset: Dataset, index: int) -> list[list[float]]:
    found = dataset.truths.at(index).boxes
    assert found is not None
    return found.tolist()


def test_each_row_is_a_box_and_an_empty_one_an_image_without(tmp_path: Path) -> None:
    got = read(tmp_path, f"{HEADER}b.png,1,2,3,4.5,dog\na.png,,,,,\nb.png,0,0,8,6,cat\n")
    assert (got.truths.task, got.classes, len(got)) == ("detection", ("cat", "dog"), 2)
    assert got.source(0) == str(tmp_path / "b.png")
    assert boxes(got, 0) == [[1, 2, 3, 4.5], [0, 0, 8, 6]]
    assert got.truths.at(0).classes.tolist() == [1, 0]  # type: ignore[union-attr]
    assert boxes(got, 1) == []


def test_columns_are_known_by_name_in_any_order(tmp_path: Path) -> None:
    got = read(tmp_path, "file,Class,x1,X0,y0,y1\na.png,cat,3,1,2,4\n")
    assert boxes(got, 0) == [[1, 2, 3, 4]]


def test_one_class_is_enough_for_boxes(tmp_path: Path) -> None:
    assert read(tmp_path, f"{HEADER}a.png,1,2,3,4,face\n").classes == ("face",)


def test_four_numbers_without_a_label_are_values_to_regress(tmp_path: Path) -> None:
    got = read(tmp_path, "image,x0,y0,x1,y1\na.png,1,2,3,4\nb.png,1,2,3,5\n")
    assert got.truths.task == "regression"


def test_boxes_outside_and_without_area_are_kept_for_the_check(tmp_path: Path) -> None:
    got = read(tmp_path, f"{HEADER}a.png,-1,5,1e4,2,x\n")
    assert boxes(got, 0) == [[-1, 5, 1e4, 2]]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("a.png,1,2,3,,x", "y1 is ''; expected a number"),
        ("a.png,1,2,three,4,x", "x1 is 'three'; expected a number"),
        ("a.png,nan,2,3,4,x", "x0 is 'nan'; expected a number"),
        ("a.png,1,2,3,inf,x", "y1 is 'inf'; expected a number"),
        ("a.png,1,2,3,4,", "no label"),
        ("a.png,,,,,x", "x0 is ''; expected a number"),
        (",1,2,3,4,x", "no image"),
        ("a.png,1,2,3,4", "5 cells, the header has 6"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, row: str, text: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"{HEADER}a.png,1,2,3,4,x\n\n{row}\n")
    assert str(caught.value) == f"{tmp_path}/list.csv:4: {text}"


# Parts


def test_a_folder_with_a_csv_a_part_is_a_set_of_parts(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 9).save(tmp_path / "c.png")
    (tmp_path / "train.csv").write_text("image,label\na.png,dog\nb.png,cat\n")
    (tmp_path / "test.csv").write_text("image,label\nc.png,dog\n")
    assert table.recognises(tmp_path)
    splits = table.read(tmp_path)
    assert {part: len(d) for part, d in splits.parts.items()} == {"train": 2, "test": 1}
    assert splits.test is not None
    assert (splits.test.name, splits.test.classes) == (tmp_path.name, ("cat", "dog"))
    assert splits.test[0].truth.label == 1
    assert splits.test[0].image.shape == (2, 3, 1)


def test_what_columns_hold_is_decided_over_all_parts(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("image,age\na.png,1\nb.png,0\n")
    (tmp_path / "val.csv").write_text("image,age\nc.png,0.5\n")
    assert table.read(tmp_path).train.truths.task == "regression"


def test_parts_with_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("image,a\na.png,1\n")
    (tmp_path / "val.csv").write_text("image,b\nc.png,0.5\n")
    with pytest.raises(DataError, match=r"val.csv: its columns are b; train's a"):
        table.read(tmp_path)


def test_a_csv_is_recognised_by_its_name(tmp_path: Path) -> None:
    assert not table.recognises(tmp_path)
    (tmp_path / "val.csv").write_text("")
    assert not table.recognises(tmp_path)
    assert table.recognises(tmp_path / "val.csv")
    with pytest.raises(DataError, match=r"train.csv: No such file"):
        table.read(tmp_path)
