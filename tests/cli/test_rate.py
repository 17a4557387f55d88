"""`sightline rate find` and `sightline rate plot` as a user meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.cli import app
from sightline.errors import SightlineError
from sightline.training.schedules import SCHEDULES


def sightline(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output, standard error, as `main` gives them."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, SightlineError):
        return 2, done.stdout, f"sightline: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_shown_by_its_name(name: str) -> None:
    code, out, error = sightline("rate", "plot", name)
    assert (code, error) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(f"{name}, 40 epochs of 782 steps")
    assert len(lines) == 14 and max(map(len, lines)) <= 80
    assert lines[2].split()[0] == "1" and lines[-1].split()[0] == "40"


def test_the_books_rate_after_forty_epochs_is_in_the_table() -> None:
    _, out, _ = sightline("rate", "plot", "time", "--set", "train.schedule.decay=0.00025")
    assert out.splitlines()[-1].split() == ["40", "0.00116", "0.00113"]


def test_epochs_batches_rate_and_settings_are_followed() -> None:
    options = ["--epochs", "10", "--batches", "3", "--rate", "0.2"]
    settings = ["--set", "train.schedule.factor=0.1"]
    _, out, _ = sightline("rate", "plot", "step", *options, *settings, "--json")
    (curve,) = json.loads(out)["schedules"]
    assert (curve["epochs"], curve["batches"]) == (10, 3)
    assert curve["start"] == pytest.approx([0.2] * 4 + [0.02] * 5 + [0.002])
    assert curve["start"] == curve["end"]


def test_a_recipes_steps_are_counted_from_its_data() -> None:
    _, out, _ = sightline("rate", "plot", "lenet-digits", "--json")
    (curve,) = json.loads(out)["schedules"]
    assert (curve["schedule"], curve["epochs"], curve["batches"]) == ("constant", 100, 12)


def test_a_set_is_planned_first() -> None:
    _, out, _ = sightline("rate", "plot", "digits", "--json")
    (curve,) = json.loads(out)["schedules"]
    assert curve["schedule"] == "onecycle" and max(curve["end"]) <= 0.002


def test_several_are_drawn_in_one_plot(tmp_path: Path) -> None:
    for suffix in ("svg", "png"):
        path = tmp_path / f"rates.{suffix}"
        code, out, _ = sightline("rate", "plot", "step", "cosine", "lenet-digits", "--to", path)
        assert code == 0 and f"picture {path}" in out
    text = (tmp_path / "rates.svg").read_text()
    assert all(word in text for word in ("step", "cosine", "lenet-digits", "Learning rate"))
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    code, _, error = sightline("rate", "plot", "step", "--to", tmp_path / "rates.svg")
    assert code == 2 and "exists" in error


def test_parts_of_their_own_schedule_are_shown_beside_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(
        'task = "classification"\ndata = { name = "digits" }\ncanvas = { size = [8, 8] }\n'
        'model = { name = "lenet" }\n[train]\nepochs = 3\n'
        'optimizer = { name = "sgd", rate = 0.1 }\n'
        'parts = { head = { schedule = { name = "linear" } } }\n'
    )
    _, out, _ = sightline("rate", "plot", path, "--batches", "5", "--json")
    assert [curve["schedule"] for curve in json.loads(out)["schedules"]] == ["constant", "linear"]


def test_data_that_cannot_be_opened_asks_for_the_number_of_batches(tmp_path: Path) -> None:
    path = tmp_path / "far.toml"
    path.write_text(
        'task = "classification"\ndata = { path = "nowhere" }\ncanvas = { size = [8, 8] }\n'
        'model = { name = "lenet" }\n[train]\nepochs = 3\n'
        'optimizer = { name = "sgd", rate = 0.1 }\nschedule = { name = "linear" }\n'
    )
    code, _, error = sightline("rate", "plot", path)
    assert code == 2 and "\n" not in error and error.endswith("--batches N")
    code, out, _ = sightline("rate", "plot", path, "--batches", "10", "--json")
    assert code == 0
    assert json.loads(out)["schedules"][0]["start"] == pytest.approx([0.1, 0.2 / 3, 0.1 / 3])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plot", "cosin"], "unknown schedule, recipe or set 'cosin'; did you mean cosine?"),
        (["plot", "step", "--set", "factor=0.5"], "as in train.schedule.factor=0.25"),
        (["plot", "step", "--rate", "-1"], "rate"),
        (["plot", "step", "--set", "train.schedule.every=0"], "every is 0"),
        (["plot", "step", "--to", "rates.pdf"], "a plot is .svg or .png"),
        (["find", "lenet-digits", "--to", "rates.pdf"], "a plot is .svg or .png"),
        (["find", "lenet-digit"], "did you mean lenet-digits?"),
        (["find", "lenet-digits", "--low", "1", "--high", "0.1"], "expected 0 < low < high"),
        (["find", "lenet-digits", "--set", "train.optimizer.name=adamx"], "did you mean adam"),
    ],
    ids=str,
)
def test_mistakes_are_one_line(arguments: list[str], said: str) -> None:
    code, _, error = sightline("rate", *arguments)
    assert code == 2 and said in error and "\n" not in error.rstrip()


def test_a_rate_is_found_for_a_recipe_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "find.svg"
    adam = ["--set", "train.optimizer.name=adam", "--set", "train.batch=64"]
    code, out, _ = sightline("rate", "find", "lenet-digits", *adam, "--steps", "80", "--to", path)
    assert code == 0
    assert out.startswith("begin with a rate of ")
    assert "; the recipe has 0.01\ntry      --set train.optimizer.rate=" in out
    assert "falls fastest" in path.read_text()


def test_what_was_found_is_one_json_object() -> None:
    code, out, _ = sightline("rate", "find", "digits", "--steps", "40", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["recipe"] == 0.002
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"]) <= 40
    assert found["rate"] is None or 1e-5 < found["rate"] < 0.1
