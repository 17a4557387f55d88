"""The monitor: a page, a picture and a table drawn from a run's events, whatever state it is in."""

import csv
import json
import math
import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from torch import device, nn

from sightline import files, images, monitor
from sightline.errors import ArtifactError, OutputError
from sightline.monitor import Monitor
from sightline.tasks.classification import Classification
from sightline.training import events
from sightline.training.run import Run

RECIPE = """about = "tried"
task = "{task}"
[data]
path = "/photos"
[canvas]
size = [8, 8]
[model]
name = "resnet9"
[train]
epochs = {epochs}
device = "cpu"
threads = 1
goal = "{goal}"
optimizer = {{ name = "sgd", rate = 0.01 }}
"""


def start(name: str = "animals", classes: tuple[str, ...] = ("cats", "dogs")) -> dict[str, Any]:
    return {
        "event": "start",
        "version": "0.1.0",
        "data": {"name": name, "classes": list(classes)},
        "model": {"name": "resnet9", "parameters": 12},
    }


def epoch(number: int, **figures: Any) -> dict[str, Any]:
    figures = {"loss": 1 / number, "accuracy": 1 - 0.5 / number} | figures
    return {
        "event": "epoch",
        "epoch": number,
        "train": {"loss": figures["loss"] * 0.9, "accuracy": figures["accuracy"]},
        "val": figures,
        "rate": {"model": 0.01 / number},
        "seconds": 30.0 * number,
    }


TEST = {"event": "test", "epoch": 3, "chosen": True, "figures": {"accuracy": 0.75, "images": 20.0}}


def make(
    folder: Path,
    *lines: dict[str, Any],
    epochs: int = 10,
    task: str = "classification",
    goal: str = "",
) -> Path:
    """A run folder with these events."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE.format(task=task, epochs=epochs, goal=goal), "utf-8")
    (folder / "events.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines), "utf-8"
    )
    return folder


def words(path: Path) -> str:
    """What a reader reads, tags gone and spaces single."""
    body = path.read_text("utf-8").partition("<body>")[2]
    text = unescape(re.sub(r"<[^>]*>", " ", body)).replace("\u202f", " ").replace("\xa0", " ")
    return re.sub(r"\s+", " ", text)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_running_page_refreshes_itself_and_says_how_far_it_is(tmp_path: Path) -> None:
    run = make(tmp_path / "run", start(), *(epoch(n) for n in range(1, 4)))
    page = monitor.draw(run, running=True)
    assert '<meta http-equiv="refresh" content="30">' in page.read_text("utf-8")
    text = words(page)
    for said in (
        "animals",
        "83.3 % validation accuracy, epoch 3",
        "best, epoch 3",
        "running Epoch 3 of 10. Trained for 1 min 30 s, about 3 min 30 s left.",
        "rate 0.0033",
        "training loss 0.3000",
        "an epoch takes 30.0 s",
    ):
        assert said in text, said
    assert text.index(" 3 best 0.3000") < text.index(" 2 0.4500") < text.index(" 1 0.9000")


@pytest.mark.parametrize(
    ("lines", "state", "said"),
    [
        ([TEST], "finished", "finished Epoch 3 of 3"),
        ([{"event": "stopped", "epoch": 3, "batch": 0}], "stopped", "Go on with: sightline resume"),
        ([{"event": "diverged", "epoch": 3, "why": "became nan"}], "diverged", "became nan"),
        ([], "interrupted", "not running"),
        ([TEST, {"event": "resume", "epoch": 3}], "interrupted", "not running"),
    ],
)
def test_a_page_of_a_run_that_goes_on_no_more_stays_as_it_is(
    lines: list[dict[str, Any]], state: str, said: str, tmp_path: Path
) -> None:
    run = make(tmp_path / "run", start(), *(epoch(n) for n in range(1, 4)), *lines, epochs=3)
    page = monitor.draw(run)
    assert monitor.read(run).state == state
    assert 'http-equiv="refresh' not in page.read_text("utf-8")
    assert said in words(page)


def test_a_run_that_diverged_is_told_to_go_on_with_a_lower_rate(tmp_path: Path) -> None:
    lines = [epoch(1), {"event": "diverged", "epoch": 1, "why": "became nan"}]
    run = make(tmp_path / "run", start(), *lines)
    assert [(r.kind, r.epoch) for r in monitor.read(run).remarks] == [("rate very high", 2)]
    assert "--set train.optimizer.rate=0.001" in words(monitor.draw(run))


def test_a_resumed_run_goes_on_in_the_same_table_without_doubles(tmp_path: Path) -> None:
    lines = [start(), *(epoch(n) for n in range(1, 6))]
    run = make(tmp_path / "run", *lines)
    monitor.draw(run)
    assert [row["epoch"] for row in table(run / "history.csv")] == list("12345")
    lines += [{"event": "resume", "epoch": 3, "batch": 2}]
    make(run, *lines)
    page = monitor.draw(run)
    assert [row["epoch"] for row in table(run / "history.csv")] == list("123")
    lines += [epoch(4, loss=0.125), epoch(5)]
    make(run, *lines)
    page = monitor.draw(run)
    rows = table(run / "history.csv")
    assert [row["epoch"] for row in rows] == list("12345")
    assert [row["val/loss"] for row in rows][3] == "0.125"
    assert list(rows[0]) == [
        "epoch", "seconds", "train/loss", "train/accuracy", "val/loss", "val/accuracy",
        "rate/model",
    ]  # fmt: skip
    assert "taken up again after epoch 3" in words(page)


def test_the_picture_is_the_curves_with_the_epoch_in_its_title(tmp_path: Path) -> None:
    run = make(tmp_path / "run", start(), *(epoch(n) for n in range(1, 6)))
    monitor.draw(run)
    height, width, _ = images.read(run / "curves.png").shape
    assert width > 1000 and height > 300


def test_a_run_without_validation_shows_its_training_loss(tmp_path: Path) -> None:
    lines = [epoch(n) for n in range(1, 4)]
    for line in lines:
        del line["val"]
    run = make(tmp_path / "run", start(), *lines)
    text = words(monitor.draw(run))
    assert "0.3000 training loss, epoch 3; no validation part" in text
    assert "best" not in text and monitor.read(run).best is None


def test_a_regression_shows_its_mean_absolute_error_and_the_lowest_is_best(tmp_path: Path) -> None:
    lines = [epoch(n, mae=value) for n, value in enumerate([9.5, 1234.5, 20000.0], 1)]
    run = make(tmp_path / "run", start(classes=("price",)), *lines, task="regression")
    text = words(monitor.draw(run))
    assert "20,000 validation mean absolute error, epoch 3" in text and "9.5 best, epoch 1" in text


def test_the_recipes_goal_decides_what_is_best(tmp_path: Path) -> None:
    lines = [epoch(1, loss=0.5, accuracy=0.5), epoch(2, loss=0.4, accuracy=0.4)]
    for goal, best in (("", 1), ("-loss", 2)):
        run = make(tmp_path / f"run{goal}", start(), *lines, goal=goal)
        found = monitor.read(run).best
        assert found is not None and found["epoch"] == best
        assert f"best, epoch {best}" in words(monitor.draw(run))


@pytest.mark.parametrize("epochs", [0, 1, 2, 50, 300])
def test_a_page_of_any_length_keeps_its_newest_epochs(epochs: int, tmp_path: Path) -> None:
    run = make(tmp_path / "run", start(), *(epoch(n) for n in range(1, epochs + 1)), epochs=300)
    page = monitor.draw(run, running=True)
    text = words(page)
    assert page.stat().st_size < 200_000
    assert f"Epoch {epochs} of 300" in text
    if epochs > monitor.ROWS:
        assert f"{epochs - monitor.ROWS} earlier epochs and all figures" in text
    assert ("Too early to say." in text) == (epochs in (1, 2))


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7*7 }}"])
def test_names_are_shown_and_never_run(hostile: str, tmp_path: Path) -> None:
    lines = [epoch(1), {"event": "diverged", "epoch": 1, "why": hostile}]
    run = make(tmp_path / "run", start(hostile), *lines)
    page = monitor.draw(run)
    content = page.read_text("utf-8")
    assert "<script" not in content and "<img" not in content
    assert words(page).count(hostile) >= 2


def test_the_page_loads_nothing_and_needs_no_script(tmp_path: Path) -> None:
    page = monitor.draw(make(tmp_path / "run", start(), epoch(1), TEST))
    content = page.read_text("utf-8")
    assert not re.search(r"https?:", content) and "<script" not in content
    outside = re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', content)
    assert outside == ["report.html"]
    ids = re.findall(r'\bid="([^"]*)"', content)
    assert len(ids) == len(set(ids))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no run"):
        monitor.draw(tmp_path)


def test_a_process_that_holds_the_folder_is_seen(tmp_path: Path) -> None:
    assert not monitor.is_running(tmp_path)
    with files.locked(tmp_path):
        assert monitor.is_running(tmp_path)
    assert not monitor.is_running(tmp_path)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    run = make(tmp_path / "run", start(), epoch(1))
    (run / "monitor.html").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        monitor.draw(run)


def a_run() -> Run:
    return Run(nn.Linear(1, 2), Classification(("a", "b")), {}, {}, device("cpu"))


def test_drawing_takes_a_thirtieth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that only drawing and epochs move."""
    now, drawn = 100.0, []

    def pages(*arguments: Any) -> Path:
        nonlocal now
        now += 0.5
        drawn.append(now)
        return tmp_path

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(monitor, "_write", pages)
    make(tmp_path / "run", start(), epoch(1))
    watching, run = Monitor(tmp_path / "run"), a_run()
    for _ in range(600):
        now += 1
        watching.on_epoch(run)
    assert 600 / 16 - 3 <= len(drawn) <= 600 / 15
    assert drawn[0] - 100 < 7
    watching.on_end(run)
    assert drawn[-1] == now


def test_a_monitor_draws_curves_again_only_for_new_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path / "run", start(), epoch(1))
    watching = Monitor(run)
    watching.draw(running=True)
    picture = (run / "curves.png").stat().st_mtime_ns
    monkeypatch.setattr(monitor.curves, "svg", lambda *_: pytest.fail("drawn again"))
    events.append(run, TEST)
    watching.draw()
    assert monitor.read(run).state == "finished" and "finished" in words(run / "monitor.html")
    assert (run / "curves.png").stat().st_mtime_ns >= picture


def test_figures_that_are_no_numbers_make_a_page(tmp_path: Path) -> None:
    odd = [math.nan, math.inf, -math.inf, 1e263, -1e300, 0.0, 5e-324]
    lines = [
        {
            "event": "epoch",
            "epoch": i + 1,
            "train": {"loss": value},
            "val": {"loss": odd[-i], "accuracy": value},
            "rate": {"model": odd[-i]},
            "seconds": math.nan if i == 3 else i,
        }
        for i, value in enumerate(odd)
    ]
    run = make(tmp_path / "run", start(), *lines)
    assert "Epochs" in words(monitor.draw(run, running=True))
    assert len(table(run / "history.csv")) == len(odd)
