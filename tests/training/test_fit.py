"""The loop: interrupted anywhere, it goes on to the same bits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sightline import images as sl_images
from sightline import models, tasks
from sightline.data.augment import Augment
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset, FileDataset
from sightline.data.loader import Loader
from sightline.data.placing import on_canvas
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import Diverged
from sightline.tasks.task import is_better
from sightline.training import checkpoint
from sightline.training.callbacks import Callback, EarlyStopping
from sightline.training.fit import fit
from sightline.training.optim import optimizer
from sightline.training.run import Rules, Run
from sightline.training.schedules import schedule

EPOCHS = 3


def dataset(n: int = 26) -> ArrayDataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return ArrayDataset(images, Truths(label=np.arange(n, dtype=np.int64) % 2), ("a", "b"))


def loader() -> Loader:
    augment = Augment(flip=True, shift=0.1, rotate=10, brightness=0.2, mixup=0.3, cutmix=0.3)
    return Loader(dataset(), View((8, 8), augment=augment), 8, 5, torch.device("cpu"))


def new_run(name: str = "adamw", rate: float = 1e-2) -> Run:
    torch.manual_seed(0)
    model = models.build("resnet9", 2, 3, (8, 8), {"width": 4, "dropout": 0.3})
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Run(
        model=model,
        task=tasks.build("classification", ["a", "b"], {}),
        optimizers={"model": optimizer(model, name, rate=rate)},
        rates={"model": schedule("onecycle", rate, EPOCHS * len(loader()), len(loader()))},
        device=torch.device("cpu"),
        seed=5,
    )


def validate(run: Run) -> dict[str, float]:
    weights = next(run.model.parameters())
    return {"accuracy": round(float(weights.detach().abs().sum()) % 1, 1), "loss": 1.0}


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Run) -> None:
        run.stop = sum(run.steps.values()) >= self.step


def bits(run: Run) -> dict[str, bytes]:
    return {k: v.numpy().tobytes() for k, v in run.model.state_dict().items()}


def without_seconds(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


@pytest.mark.parametrize("step", range(1, 12))
def test_a_resumed_run_equals_an_uninterrupted_one(step: int, tmp_path: Path) -> None:
    whole = fit(new_run(), loader(), validate, EPOCHS)
    stopped = fit(new_run(), loader(), validate, EPOCHS, [StopAt(step)])
    resumed = new_run()
    checkpoint.load(checkpoint.save(tmp_path, stopped), resumed)
    fit(resumed, loader(), validate, EPOCHS)
    assert bits(resumed) == bits(whole)
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    assert resumed.best_epoch == whole.best_epoch
    assert all(torch.equal(resumed.best[k], v) for k, v in whole.best.items())


def files_of(folder: Path) -> FileDataset:
    """The same images as files, which are decoded by threads."""
    whole = dataset()
    names = [f"{number:02d}.png" for number in range(len(whole))]
    for name, sample in zip(names, whole, strict=True):
        sl_images.write(folder / name, sample.image)
    return FileDataset(folder, names, whole.truths, whole.classes)


@pytest.mark.parametrize("step", [1, 2, 5, 8, 10])
def test_all_that_a_run_may_have_survives_a_checkpoint(step: int, tmp_path: Path) -> None:
    """Decoding threads, averaged weights, pieces, clipping and early stopping."""
    placed = on_canvas(files_of(tmp_path), Canvas((8, 8)), lambda _: None, False)
    assert not isinstance(placed, ArrayDataset)

    def started() -> tuple[Run, Loader]:
        run = new_run()
        run.rules = Rules(average=0.8, clip=0.5)
        return run, Loader(placed, loader().view, 8, 5, torch.device("cpu"), pieces=2)

    def stopping() -> EarlyStopping:
        return EarlyStopping(2, gain=10.0)  # no epoch gains so much: the third is the last

    whole = fit(*started(), validate, 5, [stopping()])
    assert len(whole.history) == EPOCHS
    run, batches = started()
    fit(run, batches, validate, 5, [StopAt(step), stopping()])
    resumed, batches = started()
    assert checkpoint.load(checkpoint.save(tmp_path / "saved", run), resumed) == []
    fit(resumed, batches, validate, 5, [stopping()])
    assert bits(resumed) == bits(whole)
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    for name in ("average", "best"):
        ours, theirs = getattr(resumed, name), getattr(whole, name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[k], v) for k, v in theirs.items())


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_every_optimizer_survives_a_checkpoint(name: str, tmp_path: Path) -> None:
    whole = fit(new_run(name), loader(), None, EPOCHS)
    stopped = fit(new_run(name), loader(), None, EPOCHS, [StopAt(6)])
    resumed = new_run(name)
    checkpoint.load(checkpoint.save(tmp_path, stopped), resumed)
    fit(resumed, loader(), None, EPOCHS)
    assert bits(resumed) == bits(whole)


def test_a_loss_that_is_no_number_ends_the_run_with_its_images_named() -> None:
    run = new_run("sgd", rate=1e30)
    with pytest.raises(Diverged, match=r"nan or infinite in epoch 1.*arrays:"):
        fit(run, loader(), None, EPOCHS)


def test_epochs_are_the_same_images_whatever_was_read_before() -> None:
    whole = [batch.indices.tolist() for batch in loader().epoch(1)]
    assert [batch.indices.tolist() for batch in loader().epoch(1, start=2)] == whole[2:]
    inputs = [batch.inputs for batch in loader().epoch(1)]
    for a, b in zip(loader().epoch(1, start=2), inputs[2:], strict=True):
        assert torch.equal(a.inputs, b)


def test_a_last_batch_of_one_image_is_left_out() -> None:
    made = Loader(dataset(25), View((8, 8)), 8, 5, torch.device("cpu"))
    assert len(made) == 3
    assert [len(batch.indices) for batch in made.epoch(0)] == [8, 8, 8]


def test_parts_are_stepped_in_the_order_the_task_yields_them() -> None:
    """A task with two parts: the second sees the first one already stepped."""

    class TwoParts(tasks.Task):
        goal, classes = "-loss", ("a",)

        def settings(self) -> dict[str, Any]:
            return {}

        def losses(self, model: nn.Module, batch: Any) -> Any:
            assert isinstance(model, nn.ModuleDict)
            before = model["first"].weight.detach().clone()
            yield "first", {"push": model["first"].weight.sum()}
            assert not torch.equal(before, model["first"].weight)
            untouched = model["first"].weight.detach().clone()
            yield "second", {"pull": (model["second"].weight * untouched).sum()}
            assert torch.equal(untouched, model["first"].weight)

        def forward(self, model: nn.Module, inputs: torch.Tensor) -> tasks.Raw:
            raise NotImplementedError

        def decode(self, raw: tasks.Raw) -> list:
            raise NotImplementedError

        def meter(self) -> Any:
            raise NotImplementedError

    model = nn.ModuleDict({"first": nn.Linear(2, 1), "second": nn.Linear(2, 1)})
    run = Run(
        model=model,
        task=TwoParts(),
        optimizers={name: optimizer(part, "sgd", rate=0.1) for name, part in model.items()},
        rates={"first": lambda _: 0.1, "second": lambda _: 0.01},
        device=torch.device("cpu"),
    )
    fit(run, loader(), None, 1)
    assert run.steps == {"first": len(loader()), "second": len(loader())}
    assert set(run.history[0]["train"]) == {"first/push", "second/pull"}


def test_the_better_figure_wins_and_a_tie_goes_to_the_lower_loss() -> None:
    assert is_better("+accuracy", {"accuracy": 0.5}, None)
    assert is_better("+accuracy", {"accuracy": 0.6, "loss": 2}, {"accuracy": 0.5, "loss": 1})
    assert is_better("+accuracy", {"accuracy": 0.5, "loss": 1}, {"accuracy": 0.5, "loss": 2})
    assert not is_better("+accuracy", {"accuracy": 0.5, "loss": 1}, {"accuracy": 0.5, "loss": 1})
    assert is_better("-mae", {"mae": 1, "loss": 5}, {"mae": 2, "loss": 1})
