"""Precision is measured where it pays, remembered, and never moves the run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sightline import outset, pace, prepare, recipe
from sightline.data.dataset import ArrayDataset
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import RecipeError
from sightline.recipe import Recipe


def splits(n: int = 20) -> Splits:
    pixels = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return Splits(ArrayDataset(pixels, Truths(label=np.arange(n) % 2), ("a", "b")))


def asked(precision: str = "auto", **train: object) -> Recipe:
    content = {
        "data": {"path": "x"},
        "canvas": {"size": [8, 8]},
        "model": {"name": "shallownet"},
        "train": {"epochs": 2, "batch": 8, "optimizer": {"name": "sgd", "rate": 0.1}}
        | {"precision": precision, "device": "cpu", "threads": 1}
        | train,
    }
    return recipe.from_dict(content, "test", Recipe)


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any training is long enough to be measured, on a processor that has bfloat16."""
    monkeypatch.setattr(pace, "SHORT", 0.0)
    monkeypatch.setattr(prepare, "has_bfloat16", lambda _: True)


@pytest.mark.parametrize(
    ("half", "chosen"), [(0.5, "bfloat16"), (0.9, "bfloat16"), (0.95, "float32"), (2.0, "float32")]
)
def test_bfloat16_must_gain_a_tenth(half: float, chosen: str) -> None:
    found = pace.by_times({"float32": 1.0, "bfloat16": half})
    assert found.chosen == chosen
    assert found.gain == pytest.approx(1 / half)


def test_what_is_told_has_the_figure() -> None:
    told = pace.by_times({"float32": 1.71, "bfloat16": 1.0}).why
    assert told == "bfloat16, 1.7 times as fast here as float32"


def test_a_precision_that_is_asked_for_is_not_measured(tmp_path: Path) -> None:
    for precision in ("float32", "bfloat16"):
        fixed, found = pace.settled(asked(precision), splits(), tmp_path)
        assert fixed.train.precision == found.chosen == precision
    assert list(tmp_path.iterdir()) == []


def test_a_short_training_is_in_float32_and_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "has_bfloat16", lambda _: True)
    monkeypatch.setattr(pace, "SHORT", 1e9)
    fixed, found = pace.settled(asked(), splits(), tmp_path)
    assert (fixed.train.precision, found.gain) == ("float32", None)
    assert list(tmp_path.iterdir()) == []


def test_without_the_hardware_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "has_bfloat16", lambda _: False)
    fixed, found = pace.settled(asked(), splits(), tmp_path)
    assert (fixed.train.precision, found.gain) == ("float32", None)


@pytest.mark.usefixtures("long")
def test_what_was_measured_once_is_not_measured_again(tmp_path: Path) -> None:
    fixed, found = pace.settled(asked(), splits(), tmp_path)
    assert found.gain is not None
    assert found.gain > 0
    assert fixed.train.precision == found.chosen
    (path,) = tmp_path.iterdir()
    path.write_text(json.dumps({"float32": 3.0, "bfloat16": 1.0}))
    fixed, found = pace.settled(asked(), splits(), tmp_path)
    assert (fixed.train.precision, found.gain) == ("bfloat16", 3.0)
    pace.settled(asked(batch=4), splits(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", '{"float32": 1.0}', '{"float32": 0.0, "bfloat16": NaN}']
)
def test_a_spoilt_cache_is_measured_anew(content: str, tmp_path: Path) -> None:
    _, found = pace.settled(asked(), splits(), tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    _, found = pace.settled(asked(), splits(), tmp_path)
    assert found.gain is not None
    assert set(json.loads(path.read_text())) == {"float32", "bfloat16"}


@pytest.mark.usefixtures("long")
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    taken = tmp_path / "a file"
    taken.write_text("")
    _, found = pace.settled(asked(), splits(), taken / "pace")
    assert found.gain is not None


@pytest.mark.usefixtures("long")
def test_measuring_leaves_chance_threads_and_images_alone(tmp_path: Path) -> None:
    data = splits()
    assert isinstance(data.train, ArrayDataset)
    assert data.train.pixels is not None
    before = torch.get_rng_state(), np.array(data.train.pixels)
    pace.settled(asked(threads=2), data, tmp_path)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(data.train.pixels, before[1])
    assert torch.get_num_threads() == 1


def test_compiling_without_a_compiler_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = prepare.decided(asked("float32", compile=True), splits())
    with pytest.raises(RecipeError, match=r"train\.compile needs a C\+\+ compiler"):
        outset.make_run(chosen, splits(), outset.make_task(chosen, splits().train))
