"""The topic image: what the book says of pixels and of its three source sizes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.errors import DataError
from sightline.lab.image import run


def test_rows_come_first_and_red_and_blue_change_places(tmp_path: Path) -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[20, 10] = (252, 198, 188)  # the book's skin tone
    Image.fromarray(pixels).save(tmp_path / "dot.png")
    found = run(tmp_path / "dot.png", x=10, y=20, size=16)
    facts = dict(found.tables[0].rows)
    assert facts["pixel [y, x] = [20, 10] as red, green, blue"] == "(252, 198, 188)"
    assert facts["the same pixel in OpenCV's order"] == "(188, 198, 252)"
    assert facts["shape in NumPy: height, width, depth"] == "(30, 40, 3)"
    assert facts["colors that a pixel can have, 256 ** 3"] == "16,777,216"


def test_both_strategies_on_the_sizes_of_the_book() -> None:
    rows = {row[:2]: row[2:] for row in run(size=224).tables[2].rows}
    assert rows["312x234", "squash"] == ("224x224", "0.75", "0%", "0%")
    assert rows["770x300", "resize and crop"] == ("575x224", "1.00", "61%", "0%")
    assert rows["800x600", "fit inside"] == ("224x168", "1.00", "0%", "25%")


def test_a_pixel_outside_and_a_file_that_is_no_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the image has x 0 to 639, y 0 to 426"):
        run(x=640)
    (tmp_path / "no.png").write_text("no")
    with pytest.raises(DataError, match="not a picture"):
        run(tmp_path / "no.png")
