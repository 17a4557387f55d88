"""The commands that judge: what they print, and what they refuse in a line."""

import json
import math
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sightline.cli import app
from sightline.cli.judging import measure
from sightline.cli.options import class_weights
from sightline.errors import RecipeError, SightlineError, UnknownName

SECONDS, BYTES = {"ms": 1e-3, "s": 1.0}, {"kB": 1e3, "MB": 1e6, "GB": 1e9}


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cv") / "two"
    said(f"train digits --learner softmax-regression --folds 2 --to {folder}")
    return folder


def said(line: str) -> str:
    done = CliRunner().invoke(app, line.split(), catch_exceptions=False)
    if done.exception is not None and isinstance(done.exception, SightlineError):
        raise done.exception
    return done.stdout


def test_folds_are_told_and_compared_on_the_same_test_images(folds: Path, tmp_path: Path) -> None:
    again = f"train digits --learner softmax-regression --folds 2 --to {folds}"
    assert "test of 2 folds" in said(again)
    first, second = folds / "fold-1", folds / "fold-2"
    page = tmp_path / "page.html"
    found = json.loads(
        said(f"compare {first} {second} --latency 10s --size 1GB --to {page} --json")
    )
    assert found["images"] == 269
    assert found["chosen"] == found["best"]
    assert page.exists()
    assert "McNemar" in said(f"compare {first} {second}")
    with pytest.raises(RecipeError, match="another request"):
        said(f"train digits --learner knn --folds 2 --to {folds}")


def test_evaluate_weighs_classes_and_ranks(folds: Path) -> None:
    first = folds / "fold-1"
    found = json.loads(said(f"evaluate {first} --rank 2 --weight 8=10 --json"))["test"]
    assert found["accuracy"] <= found["top2"] <= found["top5"]
    assert 0 < found["weighted"] < 1
    assert 0 < found["ece"] < 1
    with pytest.raises(UnknownName, match="class in --weight"):
        said(f"evaluate {first} --weight eight=10")


def test_calibrate_prints_before_and_after(folds: Path, tmp_path: Path) -> None:
    to = tmp_path / "new.safetensors"
    text = said(f"calibrate {folds / 'fold-2'} --to {to}")
    assert text.startswith("temperature ")
    assert "loss" in text
    assert "ece" in text
    assert to.exists()


@pytest.mark.parametrize(
    ("text", "units", "value"),
    [("100ms", SECONDS, 0.1), ("2s", SECONDS, 2.0), ("10MB", BYTES, 1e7), ("1.5kb", BYTES, 1500.0)],
)
def test_limits_have_units(text: str, units: dict[str, float], value: float) -> None:
    assert measure(text, "--limit", units) == pytest.approx(value)


@pytest.mark.parametrize("text", ["100", "ms", "-1ms", "xs", "1.2.3s", "infs"])
def test_a_limit_without_a_number_or_unit_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected a number with"):
        measure(text, "--latency", SECONDS)
    assert measure("", "--latency", SECONDS) == math.inf


def test_weights_are_read_from_the_last_sign() -> None:
    assert class_weights(["cat=10", "a=b=0.5"]) == {"cat": 10.0, "a=b": 0.5}
    for text in ("cat", "cat=", "cat=-1", "cat=inf", "cat=x"):
        with pytest.raises(typer.BadParameter, match="expected CLASS=X"):
            class_weights([text])
