"""The topic pooling: four by four, what a shift changes, and what moves in step."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.errors import DataError
from sightline.lab.pooling import run


def test_four_by_four_pooled_at_strides_two_and_one() -> None:
    tables = {table.name: [list(row[1:]) for row in table.rows] for table in run(side=96).tables}
    assert tables["max-stride-2"] == [[6, 8], [3, 4]]
    assert tables["max-stride-1"] == [[6, 7, 8], [6, 7, 8], [3, 3, 4]]
    assert tables["average-stride-2"] == [[3.75, 5.25], [2, 2]]
    assert np.shape(tables["average-stride-1"]) == (3, 3)


def test_more_pooling_forgives_more_and_only_shifts_keep_in_step() -> None:
    tables = {table.name: table for table in run(side=120, shifts=4).tables}
    one = [float(cell.split()[0]) for cell in tables["changed"].rows[1][2:6]]
    assert one == sorted(one, reverse=True) and one[3] < one[0] / 2
    apart = {row[0]: [float(cell.split()[0]) for cell in row[1:]] for row in
             tables["out-of-step"].rows}  # fmt: skip
    assert all(row[0] == 0 for row in apart.values())
    assert apart["sobel_x"][1] > 50 and apart["laplacian"][1] == 0
    assert apart["laplacian"][2] > 20


def test_a_blank_image_changes_nothing_and_a_small_one_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "blank.png")
    found = run(tmp_path / "blank.png")
    assert all("nan" not in str(row) for table in found.tables for row in table.rows)
    Image.fromarray(np.zeros((20, 64, 3), np.uint8)).save(tmp_path / "small.png")
    with pytest.raises(DataError, match="at least 32 pixels a side"):
        run(tmp_path / "small.png")
