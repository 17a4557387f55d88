"""A CSV of landmarks: columns NAME_x and NAME_y."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.convert import convert
from sightline.data.dataset import Dataset
from sightline.data.readers import table
from sightline.errors import DataError


def read(folder: Path, content: str) -> Dataset:
    (folder / "list.csv").write_text(content)
    return table.read(folder / "list.csv").train


def test_pairs_of_columns_are_landmarks_and_empty_cells_are_not_visible(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        "image,left_eye_x,left_eye_y,left_eye_z_y,left_eye_z_x\na.png,1.5,2,,\nb.png,,,4,-3\n",
    )
    assert (got.truths.task, got.classes) == ("landmarks", ("left_eye", "left_eye_z"))
    points = got.truths.landmarks
    assert points is not None and points.dtype == np.float32
    wanted = [[[1.5, 2], [np.nan, np.nan]], [[np.nan, np.nan], [-3, 4]]]
    assert np.array_equal(points, wanted, equal_nan=True)


@pytest.mark.parametrize(
    "header", ["age,nose_x,nose_y", "speed_x,height", "speed_x,level_y", "_x,_y"]
)
def test_other_numbers_are_values_still(tmp_path: Path, header: str) -> None:
    row = ",".join("3.5" for _ in header.split(","))
    got = read(tmp_path, f"image,{header}\na.png,{row}\nb.png,{row}\n")
    assert got.truths.task == "regression"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nose_x,nose_y,chin_x\na.png,1,2,3\n", "list.csv: column chin_x has no chin_y"),
        (
            "nose_x,nose_y\na.png,1,2\nb.png,1,\n",
            "list.csv:3: nose_y is empty and nose_x is '1'; expected both, or neither",
        ),
        ("nose_x,nose_y\na.png,,7\n", "list.csv:2: nose_x is empty and nose_y is '7'"),
        ("nose_x,nose_y\na.png,1,two\n", "list.csv:2: nose_y is 'two'; expected a number"),
        ("nose_x,nose_y\na.png,nan,1\n", "list.csv:2: nose_x is 'nan'; expected a number"),
        ("nose_x,nose_y\na.png,1,1e12\n", "list.csv:2: nose_y is '1e12'; expected a number"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"image,{content}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_landmarks_survive_being_written_and_read(tmp_path: Path) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 9)).save(tmp_path / "b.png")
    (tmp_path / "list.csv").write_text(
        "image,left_x,left_y,right_x,right_y\na.png,1.25,2,,\nb.png,0.1,5,4,3\n"
    )
    splits = table.read(tmp_path / "list.csv")
    convert(splits, "csv", tmp_path / "out")
    again = table.read(tmp_path / "out")
    assert again.train.classes == splits.train.classes
    assert np.array_equal(
        again.train.truths.landmarks, splits.train.truths.landmarks, equal_nan=True
    )
