"""Searches: resumable, shared, pruned, never tested; through small real trainings."""

import json
import math
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sightline import recipe
from sightline.errors import OutputError, RecipeError, SightlineError
from sightline.overrides import setting
from sightline.study import search_page, searched
from sightline.study.search import Search, Wanted, begin, opened
from sightline.study.space import Choice, Span
from sightline.study.storage import without_password
from sightline.study.trials import Reporting, Ways, open_trials, value_of
from sightline.study.trying import work
from sightline.talk import Silent
from sightline.training import events
from terminal import sightline

SPACE = """
train.optimizer.rate = { low = 1e-3, high = 1.0, log = true }
train.optimizer.momentum = { one_minus = [1e-2, 1e-1] }
train.batch = { choices = [64, 128] }
"""
RECIPE = """
task = "classification"
data = { name = "digits", val = 0.2, test = 0.2 }
canvas = { size = [8, 8], channels = 1 }
view = { top = 16 }
model = { name = "mlp", first = 16, second = 16 }
[train]
epochs = 2
batch = 64
threads = 1
optimizer = { name = "sgd", rate = 0.1 }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recipe.toml and space.toml."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "small.toml").write_text(RECIPE)
    (folder / "space.toml").write_text(SPACE)
    return folder


def run(place: Path, name: str, **wanted: Any) -> Search:
    asked = Wanted(place / "space.toml", **wanted)
    return searched.search(str(place / "small.toml"), asked, [], place / name, 1, Silent())


@pytest.fixture(scope="module")
def done(place: Path) -> Search:
    """Four trials, at once."""
    return run(place, "done", trials=4)


def test_each_trial_is_a_run_folder_that_was_never_tested(done: Search) -> None:
    assert [trial.state for trial in done.found.all()] == ["finished"] * 4
    for number in range(4):
        folder = done.run_of(number)
        assert (folder / "model.safetensors").is_file()
        assert not (folder / "predictions.csv").exists()
        assert events.read(folder)[-1]["figures"] == {}
        chosen = recipe.read(folder / "recipe.toml")
        assert chosen["train"]["test"] is False and chosen["train"]["seed"] == number
        assert chosen["data"]["test"] == 0.2


def test_the_figure_of_a_trial_is_the_best_of_its_epochs_on_validation(done: Search) -> None:
    for trial in done.found.all():
        history = events.history(events.read(done.run_of(trial.number)))
        assert trial.figure == max(epoch["val"]["accuracy"] for epoch in history)
        assert trial.epochs == len(history) == 2 and trial.seconds > 0
    assert done.ranked[0].figure == max(t.figure or 0 for t in done.found.all())


def test_the_best_recipe_has_the_best_trials_settings_and_is_tested(done: Search) -> None:
    best, written = done.ranked[0], recipe.read(done.folder / "best.toml")
    assert written["train"]["optimizer"]["rate"] == best.values["train.optimizer.rate"]
    assert written["train"]["batch"] == best.values["train.batch"]
    assert written["train"]["seed"] == best.number
    assert recipe.from_dict(written, "best", recipe.Recipe).train.test


def test_taken_up_again_it_draws_what_it_would_have_drawn(place: Path, done: Search) -> None:
    first = run(place, "twice", trials=2)
    again = run(place, "twice", trials=4)
    assert len(first.found.all()) == 4  # the storage is shared
    one, two = ([(t.values, t.figure) for t in s.found.all()] for s in (done, again))
    assert one == two


def test_a_search_that_has_all_its_trials_trains_nothing(done: Search) -> None:
    before = {path for path in done.folder.rglob("*") if path.is_file()}
    searched.search(str(done.folder), Wanted(), [], None, 1, Silent())
    assert {path for path in done.folder.rglob("*") if path.is_file()} == before


def test_killed_in_a_trial_it_goes_on_with_that_trial_and_keeps_the_total(
    place: Path, done: Search
) -> None:
    """Longer than two seconds: a process of its own starts, is killed, and another goes on."""
    to = place / "killed"
    settings = ["--set", "train.epochs=100000", "--set", "train.save_every=0.2"]
    command = [sys.executable, "-m", "sightline", "search", str(place / "small.toml"), "--to", to]
    command += ["--space", str(place / "space.toml"), "--trials", "2", *settings]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    log = to / "trials" / "0000" / "events.jsonl"
    until = time.monotonic() + 240
    while time.monotonic() < until and (not log.exists() or log.read_text().count("epoch") < 9):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    cut = opened(to, Wanted())
    assert [trial.state for trial in cut.found.all()] == ["running"]
    path = cut.run_of(0) / "recipe.toml"
    path.write_text(path.read_text().replace("epochs = 100000", "epochs = 40"))
    base = to / "base.toml"
    base.write_text(base.read_text().replace("epochs = 100000", "epochs = 2"))
    found = searched.search(str(to), Wanted(), [], None, 1, Silent())
    assert [trial.state for trial in found.found.all()] == ["finished"] * 2
    kinds = [event["event"] for event in events.read(found.run_of(0))]
    assert kinds.count("start") == 1 and kinds.count("resume") == 1
    ours, whole = (s.found.all()[0].values for s in (found, done))
    assert ours == whole


def test_two_processes_share_the_trials_and_draw_the_same(place: Path, done: Search) -> None:
    """Longer than two seconds: two processes start."""
    made = begin(
        str(place / "small.toml"), Wanted(place / "space.toml", trials=2), [], place / "two",
        Silent(),
    )  # fmt: skip
    found = searched.search(str(made.folder), Wanted(), [], None, 2, Silent())
    assert [t.number for t in found.found.all()] == [0, 1]
    assert [t.values for t in found.found.all()] == [t.values for t in done.found.all()[:2]]
    assert [t.figure for t in found.found.all()] == [t.figure for t in done.found.all()[:2]]


def test_a_trial_that_another_process_is_at_is_left_to_it(place: Path) -> None:
    found = begin(
        str(place / "small.toml"), Wanted(place / "space.toml", trials=2), [], place / "held",
        Silent(),
    )  # fmt: skip
    other = opened(found.folder, Wanted())
    with found.found.claimed(2) as mine, other.found.claimed(2) as theirs:
        assert mine is not None and theirs is not None
        assert (mine[0].number, theirs[0].number) == (0, 1)
        with found.found.claimed(2) as more:
            assert more is None
    with other.found.claimed(2) as left:  # let go without having ended
        assert left is not None and left[0].number == 0


def test_a_database_holds_the_trials_where_a_url_is_given(place: Path, done: Search) -> None:
    url = f"sqlite:///{place / 'trials.db'}"
    found = run(place, "database", trials=1, url=url)
    assert found.found.all()[0].values == done.found.all()[0].values
    assert not (found.folder / "journal.log").exists()
    with pytest.raises(OutputError, match="another search named database"):
        begin(
            str(place / "small.toml"), Wanted(place / "space.toml", url=url),
            [setting("train.epochs=3")], place / "elsewhere" / "database", Silent(),
        )  # fmt: skip


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/where/trials.db"])
def test_a_database_that_cannot_be_opened_is_one_line(place: Path, url: str) -> None:
    with pytest.raises(SightlineError, match="^--storage [^\n]*$"):
        run(place, "no-database", trials=1, url=url)


def test_a_password_is_never_written() -> None:
    assert without_password("mysql://me:secret@host/db") == "mysql://me@host/db"
    assert without_password("sqlite:///trials.db") == "sqlite:///trials.db"


def test_what_diverges_or_is_refused_is_a_trial_and_the_search_goes_on(place: Path) -> None:
    (place / "wild.toml").write_text("train.optimizer.rate = { choices = [0.1, 1e38] }\n")
    asked = Wanted(place / "wild.toml", trials=4)
    found = searched.search(
        str(place / "small.toml"),
        asked,
        [setting("train.epochs=1"), setting("model.activation=relu")],
        place / "wild",
        1,
        Silent(),
    )
    states = {t.values["train.optimizer.rate"]: t.state for t in found.found.all()}
    assert states == {0.1: "finished", 1e38: "diverged"}
    assert all("nan or infinite" in t.why for t in found.found.all() if t.state == "diverged")


def test_a_trial_that_falls_behind_the_median_is_pruned(tmp_path: Path) -> None:
    ways = Ways({"x": Span(0.0, 1.0)}, "+accuracy", pruner="median")
    trials = open_trials(tmp_path, ("s", "q"), "home", ways, "")
    for number in range(8):
        with trials.claimed(8) as claim:
            assert claim is not None
            trial, _ = claim
            watch = Reporting(trial, "+accuracy", 3)
            level = 0.1 if number == 7 else 0.9 + number / 100
            stand: Any = SimpleNamespace(epoch=0, history=[], stop=False)
            for epoch in range(1, 4):
                stand.epoch = epoch
                stand.history.append({"epoch": epoch, "val": {"accuracy": level}})
                watch.on_epoch(stand)
                if stand.stop:
                    break
            trials.end(trial, "pruned" if watch.pruned else "finished", 1.0)
    found = trials.all()
    assert [t.state for t in found] == ["finished"] * 7 + ["pruned"]
    assert found[7].epochs == 2 and found[7].figure == 0.1


@pytest.mark.parametrize("goal", ["+accuracy", "-loss"])
def test_what_matters_is_the_setting_that_the_figure_depends_on(tmp_path: Path, goal: str) -> None:
    ways = Ways({"x": Span(0.0, 1.0), "y": Span(1e-3, 1.0, log=True)}, goal)
    trials = open_trials(tmp_path, ("s", "q"), "home", ways, "")
    for _ in range(24):
        with trials.claimed(24) as claim:
            assert claim is not None
            trial, _ = claim
            trial.report((value_of(ways.space, trial)["x"] - 0.5) ** 2, 1)
            trials.end(trial, "finished", 1.0)
    found = Search(tmp_path, {}, "made", 24, ways, trials)
    best = found.ranked[0]
    values = [(t.values["x"] - 0.5) ** 2 for t in trials.all()]  # type: ignore[operator]
    assert best.figure == (max(values) if goal[0] == "+" else min(values))
    shares = search_page.importance(found)
    assert list(shares) == ["x", "y"] and shares["x"]["share"] > 0.8
    assert shares["x"]["low"] <= shares["x"]["share"] <= shares["x"]["high"] <= 1
    assert math.isclose(sum(s["share"] for s in shares.values()), 1)


def test_tpe_looks_where_the_best_were(tmp_path: Path) -> None:
    ways = Ways({"x": Span(0.0, 1.0)}, "-loss", sampler="tpe")
    trials = open_trials(tmp_path, ("s", "q"), "home", ways, "")
    for _ in range(40):
        with trials.claimed(40) as claim:
            assert claim is not None
            trial, _ = claim
            trial.report(abs(trial.params["x"] - 0.2), 1)
            trials.end(trial, "finished", 1.0)
    late = [t.values["x"] for t in trials.all()[20:]]
    assert sum(abs(x - 0.2) < 0.1 for x in late) > 7  # type: ignore[operator]


def test_a_search_around_another_has_its_narrowed_space(place: Path, done: Search) -> None:
    found = begin(
        str(place / "small.toml"), Wanted(around=done.folder), [], place / "fine", Silent()
    )
    rate, best = found.ways.space["train.optimizer.rate"], done.ranked[0].values
    assert isinstance(rate, Span) and math.log10(rate.high / rate.low) == pytest.approx(1)
    assert rate.low <= best["train.optimizer.rate"] <= rate.high  # type: ignore[operator]
    assert isinstance(found.ways.space["train.batch"], Choice)


def test_the_page_tells_each_trial_and_loads_nothing(done: Search) -> None:
    text = (done.folder / "search.html").read_text("utf-8")
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text
    assert text.count('<path class="line') >= 2 * 4 and text.count("<circle") == 2 * 4
    assert "The test part was never scored" in text and "few for 3 settings" in text
    again = done.folder.name
    assert again in text and "sightline train" in text


def test_words_from_a_recipe_are_escaped_on_the_page(done: Search) -> None:
    named = Search(done.folder, done.base, "<b>&", 4, done.ways, done.found)
    text = search_page.write(named).read_text("utf-8")
    assert "&lt;b&gt;&amp;" in text and "<b>&" not in text
    search_page.write(done)


def test_interrupted_it_says_how_to_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.errors import Stopped

    found = begin(
        str(place / "small.toml"), Wanted(place / "space.toml", trials=1),
        [setting("train.epochs=50")], place / "stopped", Silent(),
    )  # fmt: skip
    told = Reporting.on_epoch

    def press(self: Reporting, at: Any) -> None:
        told(self, at)
        if at.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Reporting, "on_epoch", press)
    with pytest.raises(Stopped, match=r"go on with: sightline search \S+stopped$"):
        work(found, Silent(), lambda _: None)
    assert found.found.all()[0].state == "running"


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, _, error = sightline("search", "lenet-digits")
    assert code == 2 and "pip install 'sightline[search]'" in error


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("train.optimizer.rat = { low = 0.1, high = 1.0 }", "did you mean rate?"),
        ("train.bach = { choices = [1, 2] }", "did you mean batch?"),
        ("train.batch = { choices = [16, -1] }", "train.batch"),
        (
            "train.optimizer.momentum = { low = 0.5, high = 1.5 }",
            "wrong.toml: train.optimizer (sgd): momentum is 1.0",
        ),
        ("model.fist = { choices = [8] }", "did you mean first?"),
        ("augment.rotat = { low = 0, high = 9 }", "did you mean rotate?"),
        ("trainn.batch = { choices = [8] }", "did you mean train?"),
    ],
)
def test_a_space_that_no_recipe_allows_is_refused_before_training(
    place: Path, space: str, said: str
) -> None:
    path = place / "wrong.toml"
    path.write_text(space)
    to = place / "never"
    code, _, error = sightline("search", place / "small.toml", "--space", path, "--to", to)
    assert code == 2 and said in error and "\n" not in error and not to.exists()
    assert "wrong.toml" in error


def test_a_folder_of_another_search_or_of_none_is_not_touched(place: Path, done: Search) -> None:
    small = place / "small.toml"
    code, _, error = sightline("search", small, "--to", done.folder)
    assert code == 2 and "another space" in error
    code, _, error = sightline(
        "search", small, "--space", place / "space.toml", "--to", done.folder, "--seed", "3"
    )
    assert code == 2 and "another --seed" in error
    code, _, error = sightline("search", small, "--to", place)
    assert code == 2 and "exists" in error
    code, _, error = sightline("search", done.folder, "--set", "train.epochs=9")
    assert code == 2 and "only --trials can change" in error


def test_the_command_prints_a_table_or_one_json_object(place: Path, done: Search) -> None:
    code, out, _ = sightline("search", done.folder)
    assert code == 0 and "4 trials: 4 finished" in out
    assert f"next     sightline train {done.folder / 'best.toml'}" in out
    assert len(out.splitlines()[0].split()) == 8  # "val accuracy" is two words
    code, out, _ = sightline("search", done.folder, "--json")
    told = json.loads(out)
    assert told["best"]["trial"] == done.ranked[0].number
    assert len(told["trials"]) == 4 and set(told["importance"]) <= set(done.ways.space)


def test_the_question_on_disk_reads_as_it_was_asked(done: Search) -> None:
    kept = tomllib.loads((done.folder / "search.toml").read_text())
    assert kept["goal"] == "+accuracy" and kept["trials"] == 4
    assert opened(done.folder, Wanted()).ways == done.ways


def test_a_recipe_without_validation_or_of_a_learner_is_refused(place: Path) -> None:
    with pytest.raises(RecipeError, match="validation"):
        begin("lenet-digits", Wanted(), [], place / "x", Silent())
    with pytest.raises(RecipeError, match="learner"):
        begin("nn-digits", Wanted(), [], place / "x", Silent())
