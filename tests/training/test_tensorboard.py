"""TensorBoard's logs, where it is installed; a plain word where it is not."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import device, nn

from sightline import experiment
from sightline.errors import RecipeError
from sightline.request import ask
from sightline.talk import Silent
from sightline.tasks.classification import Classification
from sightline.training.run import Run
from sightline.training.tensorboard import TensorBoard, require_tensorboard

INSTALLED = importlib.util.find_spec("tensorboard") is not None


def test_without_the_extra_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith("torch.utils.tensorboard"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RecipeError, match=r"pip install 'sightline\[tensorboard\]'"):
        require_tensorboard()
    wanted = [("train.tensorboard", True), ("train.epochs", 1)]
    with pytest.raises(RecipeError, match="sightline"):
        experiment.train(ask("lenet-digits", Silent()), wanted, tmp_path / "run", False, Silent())
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not INSTALLED, reason="needs the tensorboard extra")
@pytest.mark.filterwarnings("ignore")
def test_figures_are_scalars_by_epoch_and_a_resumed_run_replaces_its_own(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def told(done: int, entries: list[dict[str, Any]]) -> None:
        run = Run(nn.Linear(1, 2), Classification(("a", "b")), {}, {}, device("cpu"), epoch=done)
        logs = TensorBoard(tmp_path)
        logs.on_start(run)
        for entry in entries:
            run.history.append(entry)
            logs.on_epoch(run)
        logs.on_end(run)

    def entry(number: int, loss: float) -> dict[str, Any]:
        figures = {"train": {"loss": loss}, "val": {"accuracy": 0.5}, "rate": {"model": 0.25}}
        return {"epoch": number, "seconds": 1.0} | figures

    told(0, [entry(1, 3.0), entry(2, 2.0), entry(3, 1.0)])
    told(1, [entry(2, 2.5), entry(3, 1.5)])
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    assert set(read.Tags()["scalars"]) == {"loss/train", "accuracy/val", "rate/model", "seconds"}
    found = [(event.step, event.value) for event in read.Scalars("loss/train")]
    assert found == [(1, 3.0), (2, 2.5), (3, 1.5)]
