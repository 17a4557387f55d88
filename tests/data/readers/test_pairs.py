"""Image pairs for restoration."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.readers import pairs
from sightline.errors import DataError


def picture(path: Path, value: int, size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)
    return path


def test_input_and_target_are_matched_by_stem(tmp_path: Path) -> None:
    for i in (2, 10):
        picture(tmp_path / "input" / f"{i}.png", i)
        picture(tmp_path / "target" / f"{i}.tif", 100 + i, (12, 8))
    assert pairs.recognises(tmp_path)
    train = pairs.read(tmp_path).train
    assert (train.name, train.classes, train.truths.task) == (tmp_path.name, (), "restoration")
    sample = train[0]
    assert sample.source == str(tmp_path / "input/10.png")
    assert sample.image.shape == (4, 6, 1)
    assert sample.truth.image is not None
    assert sample.truth.image.shape == (8, 12, 1)
    assert (sample.image[0, 0, 0], sample.truth.image[0, 0, 0]) == (10, 110)


def test_parts_are_kept(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for folder in ("inputs", "targets"):
            picture(tmp_path / part / folder / "a.png", 1)
    assert list(pairs.read(tmp_path).parts) == ["train", "test"]


def test_photographs_alone_are_the_targets_of_themselves(tmp_path: Path) -> None:
    for i in range(3):
        picture(tmp_path / f"{i}.png", i * 50)
    (tmp_path / "LICENSE").write_text("")
    assert not pairs.recognises(tmp_path)
    train = pairs.read(tmp_path).train
    assert len(train) == 3
    assert np.array_equal(train[2].image, train[2].truth.image)  # type: ignore[arg-type]
    assert train.truths.take(np.array([2])).at(0).image[0, 0, 0] == 100  # type: ignore[index]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["input/a.png"], "/input: expected input/ beside target/"),
        (["input/a.png", "target/b.png"], "/input: without a partner in target/: a.png"),
        (["input/a.png", "target/a.png", "target/b.png"], "/target: without a partner in input/"),
        (["train/input/a.png"], "/train/input: expected target/ beside it"),
        ([], ": no pictures"),
    ],
    ids=str,
)
def test_a_mistake_is_named(tmp_path: Path, names: list[str], text: str) -> None:
    for name in names:
        picture(tmp_path / name, 1)
    with pytest.raises(DataError) as caught:
        pairs.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}{text}")
