"""What happens around training: when it ends early, and which models are kept."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sightline import tasks
from sightline.training.callbacks import EarlyStopping, Keep
from sightline.training.run import Run


def run_with(values: list[float], goal: str = "-loss") -> Run:
    """A run that has had these figures on validation."""
    task = tasks.build("classification", ["a", "b"], {})
    model = nn.Linear(1, 1)
    run = Run(model, task, {}, {}, torch.device("cpu"), goal=goal)
    for value in values:
        advance(run, value)
    return run


def advance(run: Run, value: float) -> None:
    run.epoch += 1
    record: dict[str, Any] = {"epoch": run.epoch, "train": {}, "val": {run.goal[1:]: value}}
    run.history.append(record)
    sign = 1 if run.goal[0] == "+" else -1
    best = run.best_figures
    if best is None or sign * value > sign * best[run.goal[1:]]:
        run.best_epoch, run.best_figures = run.epoch, record["val"]


def stops_after(values: list[float], patience: int, gain: float = 0.0, goal: str = "-loss") -> int:
    """The epoch after which training ends; 0 if it goes on."""
    run = run_with([], goal)
    callback = EarlyStopping(patience, gain)
    for value in values:
        advance(run, value)
        callback.on_epoch(run)
        if run.stop:
            return run.epoch
    return 0


@pytest.mark.parametrize(
    ("values", "patience", "gain", "expected"),
    [
        ([5, 4, 3, 2, 1], 1, 0.0, 0),
        ([5, 4, 4.5, 4.4], 2, 0.0, 4),
        ([5, 4, 4.5, 3.9, 4, 4], 2, 0.0, 6),
        ([5, 4.9995, 4.9993, 4.9991], 3, 0.001, 4),  # gains too small, alone and together
        ([5, 4.9995, 4.998, 4.9985], 3, 0.001, 0),  # too small alone, enough together
        ([float("nan"), float("nan"), 1.0], 3, 0.0, 0),
        ([1.0, float("nan"), float("nan")], 2, 0.0, 3),
    ],
)
def test_training_ends_when_nothing_is_gained_for_long(
    values: list[float], patience: int, gain: float, expected: int
) -> None:
    assert stops_after(values, patience, gain) == expected


def test_a_figure_that_should_rise_is_waited_for_too() -> None:
    assert stops_after([0.5, 0.6, 0.6, 0.55], 2, goal="+accuracy") == 4
    assert stops_after([0.5, 0.6, 0.7, 0.8], 2, goal="+accuracy") == 0


def test_a_run_that_has_stopped_early_stays_stopped_when_it_is_taken_up_again() -> None:
    run = run_with([5, 4, 4.5, 4.4])
    EarlyStopping(2).on_start(run)
    assert run.stop
    fresh = run_with([])
    EarlyStopping(1).on_start(fresh)
    assert not fresh.stop


def kept(values: list[float], folder: Path, improvements: bool, last: int) -> list[str]:
    run = run_with([])
    keep = Keep(folder, lambda path: _write(path, run.epoch), improvements, last)
    for value in values:
        advance(run, value)
        keep.on_epoch(run)
    return sorted(path.name for path in folder.iterdir())


def _write(path: Path, epoch: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(str(epoch))


LOSSES = [1.2697, 0.9848, 1.1, 0.8176, 0.9]


def test_every_improvement_is_kept(tmp_path: Path) -> None:
    assert kept(LOSSES, tmp_path / "models", True, 0) == [
        "epoch-001-loss-1.2697.safetensors",
        "epoch-002-loss-0.9848.safetensors",
        "epoch-004-loss-0.8176.safetensors",
    ]


def test_the_last_models_are_kept(tmp_path: Path) -> None:
    names = kept(LOSSES, tmp_path / "models", False, 2)
    assert [name[:9] for name in names] == ["epoch-004", "epoch-005"]


def test_an_epoch_that_is_trained_again_otherwise_leaves_one_model(tmp_path: Path) -> None:
    kept([0.9, 0.7], tmp_path / "models", True, 1)
    names = kept([0.9, 0.8], tmp_path / "models", True, 1)  # resumed after 1, at another rate
    assert names == ["epoch-001-loss-0.9000.safetensors", "epoch-002-loss-0.8000.safetensors"]


def test_improvements_and_the_last_ones_are_kept_together(tmp_path: Path) -> None:
    names = kept(LOSSES, tmp_path / "models", True, 1)
    assert [int(name[6:9]) for name in names] == [1, 2, 4, 5]
