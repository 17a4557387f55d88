"""The same training with other seeds: told with its deviation, taken up again, one model of all."""

import json
import shutil
import statistics
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import sightline as sl
from sightline.cli import app
from sightline.errors import RecipeError
from sightline.request import Request, ask
from sightline.study.repeat import Repeated, repeat, seed_of
from sightline.talk import Silent

SETTINGS = [
    ("model.name", "mlp"),
    ("train.epochs", 2),
    ("train.seed", 7),
    ("train.precision", "float32"),
    ("train.threads", 1),
]


def repeated(folder: Path, n: int = 2) -> Repeated:
    return repeat(ask("digits", Silent()), SETTINGS, n, folder, False, Silent())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("repeat") / "two"
    repeated(path)
    return path


def test_members_differ_in_their_seed_alone(folder: Path) -> None:
    recipes = [(folder / f"member-{n}" / "recipe.toml").read_text("utf-8") for n in (1, 2)]
    for number, text in enumerate(recipes):
        assert f"seed = {7 + number}" in text
    members = [sl.load(folder / f"member-{n}") for n in (1, 2)]
    assert len({m.header["data"]["fingerprint"] for m in members}) == 1
    assert len({m.test["loss"] for m in members}) == 2


def test_the_folder_opens_as_the_ensemble_and_tells_mean_and_deviation(folder: Path) -> None:
    found = repeated(folder)  # all is there already
    losses = [sl.load(run).test["loss"] for run in found.members.runs]
    told = found.to_dict()
    assert told["summary"]["test"]["loss"]["mean"] == pytest.approx(statistics.fmean(losses))
    assert told["summary"]["test"]["loss"]["deviation"] == pytest.approx(statistics.stdev(losses))
    assert sl.load(folder).test == told["ensemble"]["test"]
    assert told["ensemble"]["test"]["loss"] <= statistics.fmean(losses) + 1e-6
    assert "mean of 2" in found.to_text()
    assert "val  of 2 members" in found.to_text()


def test_the_same_command_trains_what_is_missing(folder: Path) -> None:
    first = (folder / "member-1" / "model.safetensors").stat().st_mtime_ns
    before = sl.load(folder).test
    shutil.rmtree(folder / "member-2")
    (folder / "model.safetensors").unlink()
    repeated(folder)
    assert sl.load(folder).test == before
    assert (folder / "member-1" / "model.safetensors").stat().st_mtime_ns == first
    with pytest.raises(RecipeError, match="members of another request"):
        repeated(folder, 4)


def test_the_seed_is_that_asked_for_else_the_recipes() -> None:
    request = Request({"train": {"seed": 5}}, "x", planned=False)
    assert seed_of(request, []) == 5
    assert seed_of(request, [("train.seed", 1), ("train.seed", 9)]) == 9
    assert seed_of(Request({}, "x", planned=True), [("train.epochs", 3)]) == 0


def test_the_commands_print_the_ensemble(folder: Path, tmp_path: Path) -> None:
    def said(line: str) -> str:
        done = CliRunner().invoke(app, line.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    members = " ".join(str(folder / f"member-{n}") for n in (1, 2))
    found = json.loads(said(f"ensemble {members} --by vote --to {tmp_path / 'two'} --json"))
    assert found["by"] == "vote"
    assert found["test"]["images"] == 269
    text = said(f"ensemble {members} --learn-weights --to {tmp_path / 'weighed'}")
    assert text.startswith("weights learned on 269 validation images")
    ten = json.loads(said(f"evaluate {tmp_path / 'two'} --views ten-crop --json"))
    assert ten["views"] == "ten-crop"
    done = CliRunner().invoke(app, ["train", "digits", "--folds", "2", "--repeat", "2"])
    assert done.exit_code == typer.BadParameter.exit_code
