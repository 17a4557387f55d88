"""The table in the terminal: a row an epoch, as wide as there is room for."""

from typing import Any

import pytest
from torch import device, nn

from sightline import talk
from sightline.progress import Progress, figure, took
from sightline.talk import Silent, Terminal
from sightline.tasks.classification import Classification
from sightline.training.run import Run


def train(told: Progress, entries: list[dict[str, Any]], goal: str = "+accuracy") -> None:
    """Epochs as the loop tells them: three steps each."""
    run = Run(nn.Linear(1, 2), Classification(("a", "b")), {}, {}, device("cpu"), goal=goal)
    told.on_start(run)
    best = -1.0
    for number, entry in enumerate(entries, 1):
        for _ in range(3):
            told.on_step(run)
        run.epoch, run.seconds = number, run.seconds + 61.5 * number
        run.history.append({"epoch": number, "rate": {"model": 0.01}} | entry)
        now = entry.get("val", {}).get("accuracy", -1.0)
        if now > best:
            best, run.best_epoch = now, number
        told.on_epoch(run)


FULL = [
    {"train": {"loss": 1.5, "accuracy": 0.5}, "val": {"loss": 1.25, "accuracy": 0.625}},
    {"train": {"loss": 0.5, "accuracy": 0.75}, "val": {"loss": 1.5, "accuracy": 0.5}},
]


def lines(
    capsys: pytest.CaptureFixture[str], width: int, entries: list[dict[str, Any]], **more: Any
) -> list[str]:
    train(Progress(Terminal(), lambda _: None, 40, 3, width), entries, **more)
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()


def test_each_epoch_is_a_row_below_one_head(capsys: pytest.CaptureFixture[str]) -> None:
    head, first, second = lines(capsys, 80, FULL)
    expected = ["epoch", "loss", "accuracy", "val", "loss", "val", "accuracy", "rate", "time"]
    assert head.split() == expected
    assert first.split() == [
        "1/40", "1.5000", "50.00%", "1.2500", "62.50%", "0.01", "1m02s", "best",
    ]  # fmt: skip
    assert second.split()[-1] == "2m03s"
    assert first.index("1.2500") + 6 == head.index("val loss") + 8  # right below one another


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_rows_are_never_wider_than_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    said = lines(capsys, width, FULL)
    assert max(map(len, said)) <= width
    assert all("62.50%" in said[1] and "1.5000" in said[1] for _ in said)
    assert ("time" in said[0]) == (width >= 60)


def test_what_a_run_has_not_makes_no_column(capsys: pytest.CaptureFixture[str]) -> None:
    head, row = lines(capsys, 80, [{"train": {"loss": 0.25}}])
    assert head.split() == ["epoch", "loss", "rate", "time"]
    assert row.split() == ["1/40", "0.2500", "0.01", "1m02s"]
    head, _ = lines(capsys, 80, [{"train": {"loss": 1}, "val": {"loss": 2.0}}], goal="-loss")
    assert head.split() == ["epoch", "loss", "val", "loss", "rate", "time"]


def test_the_bar_moves_a_share_of_an_epoch_at_each_step() -> None:
    moved: list[float] = []
    train(Progress(Silent(), moved.append, 40, 3, 80), FULL)
    assert sum(moved) == pytest.approx(2)


def test_rows_stand_above_the_bar_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    told = Terminal()
    with told.bar("epoch", 40) as (tick, _):
        train(Progress(told, tick, 40, 3, 80), FULL)
    said = capsys.readouterr().err
    assert said.index("val accuracy") < said.index("62.50%") < said.index("2m03s")


def test_figures_and_times_are_short() -> None:
    assert [figure("loss", v) for v in (0.61424, 1234.5678, 0.00001234)] == [
        "0.6142", "1.23e+03", "1.23e-05",
    ]  # fmt: skip
    assert figure("f1", 0.98765) == "98.77%" and figure("loss", float("nan")) == "nan"
    assert [took(s) for s in (8.06, 59.96, 125, 12_000)] == ["8.1s", "1m00s", "2m05s", "3h20m"]


def test_the_width_is_the_terminals_or_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "47")
    assert talk.columns() == 47
    for nonsense in ("", "wide", "0"):
        monkeypatch.setenv("COLUMNS", nonsense)
        assert talk.columns() >= 1
