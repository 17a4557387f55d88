"""The topic kernels: OpenCV's answers, and the course's edge."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.errors import DataError
from sightline.lab.kernels import KERNELS, run


@pytest.mark.parametrize("border", ["replicate", "zero", "wrap", "reflect"])
def test_every_kernel_gives_what_opencv_gives_under_every_border(border: str) -> None:
    table = run(border=border, side=40).tables[0]
    assert [row[0] for row in table.rows] == list(KERNELS) and len(KERNELS) == 13
    for row in table.rows:
        assert row[6] <= (1 if "blur" in row[0] else 0)
        assert float(row[7]) < 1e-10


def test_six_by_six_gives_0_30_30_0_and_its_mirror_minus_thirty() -> None:
    rows = run(side=40).tables[1].rows
    assert rows == [
        ("10 10 10 0 0 0", "0 30 30 0"),
        ("0 0 0 10 10 10", "0 -30 -30 0"),
    ]


def test_an_image_narrower_than_the_widest_kernel_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((10, 200, 3), np.uint8)).save(tmp_path / "thin.png")
    with pytest.raises(DataError, match="at least 21 pixels a side"):
        run(tmp_path / "thin.png")
