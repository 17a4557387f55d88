"""The topic descriptors: what features are worth, and the book's table."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.errors import DataError
from sightline.lab.descriptors import compared, run


def test_shape_tells_digits_apart_and_gray_statistics_do_not() -> None:
    found = {name: max(scores) for name, _, *scores in compared("digits", 800, 5, 0)}
    assert found["HOG"] > 0.9 and found["pixels"] > 0.9
    assert found["gray statistics"] < 0.4 < found["LBP on a grid 3x3"]


def test_animals_are_described_by_color_and_missing_ones_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="put cats/, dogs/ and panda/ into"):
        run("animals")
    rng = np.random.default_rng(0)
    for number, name in enumerate(("cats", "dogs", "panda")):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(0, 120, (70, 66, 3), dtype=np.uint8)
            pixels[..., number] += 100
            Image.fromarray(pixels).save(tmp_path / "animals" / name / f"{i}.png")
    found = {score[0]: score for score in compared("animals", 80, 1, 0)}
    assert found["color statistics"][1:] == (6, 1.0, 1.0)
    assert found["HOG"][1] == 1764


def test_of_the_books_18_deviations_8_are_none_of_bytes() -> None:
    found = run(images=80)
    assert "8 of its 18 deviations" in found.notes[1]
    assert found.tables[1].rows[4] == ("dog", 177.43, 22.31, 149.49, 197.41, 18.99, 187.78)
