"""Stages of a training: what is frozen stands still, and resuming crosses their borders exactly."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sightline import experiment, recipe
from sightline.errors import RecipeError, Stopped, UnknownName
from sightline.outset import make_run, make_task
from sightline.overrides import override
from sightline.prepare import decided, open_data, place, split_data
from sightline.recipe import Recipe
from sightline.request import Request
from sightline.talk import Silent
from sightline.training.callbacks import Callback, EarlyStopping
from sightline.training.fit import fit
from sightline.training.plateau import Plateau, Staged, see_all
from sightline.training.run import Run

RECIPE: dict[str, Any] = {
    "task": "classification",
    "data": {"name": "digits"},
    "canvas": {"size": [8, 8], "channels": 1},
    "view": {"top": 16},
    "model": {"name": "resnet9", "width": 4},
    "train": {
        "epochs": 4,
        "batch": 128,
        "optimizer": {"name": "sgd", "rate": 0.01, "momentum": 0.9},
        "schedule": {"name": "cosine"},
        "save_every": 0,
        "stages": [
            {
                "epochs": 1,
                "trains": "head",
                "optimizer": {"name": "rmsprop", "rate": 0.002},
                "schedule": {"name": "constant"},
            },
            {"epochs": 1, "trains": "features.4"},
            {"trains": "all"},
        ],
    },
}


def chosen(**changes: Any) -> Recipe:
    content = override(RECIPE, [(key.replace("__", "."), value) for key, value in changes.items()])
    return recipe.from_dict(content, "the test", Recipe)


def a_run(**changes: Any) -> tuple[Run, Any]:
    whole = chosen(**changes)
    splits = split_data(open_data(whole.data, Silent(), False), whole.data)
    whole = decided(whole, splits)
    placed = place(splits, whole.canvas, Silent())
    return make_run(whole, placed, make_task(whole, placed.train))


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def changed(before: dict[str, torch.Tensor], run: Run) -> set[str]:
    """First two words of the names of what is otherwise than before."""
    after = run.model.state_dict()
    moved = [name for name, value in before.items() if not torch.equal(value, after[name])]
    return {".".join(name.removeprefix("body.").split(".")[:2]) for name in moved}


def test_what_is_frozen_keeps_its_weights_and_its_statistics() -> None:
    run, loader = a_run()
    seen = []
    for epochs in (1, 2, 3):
        before = weights(run)
        fit(run, loader, None, epochs)
        seen.append(changed(before, run))
    assert seen[0] == {"fc.weight", "fc.bias"}
    assert seen[1] == seen[0] | {f"features.{number}" for number in (4, 5, 6, 7)}
    assert seen[2] == seen[1] | {f"features.{number}" for number in (0, 1, 2)}


def test_each_stage_has_its_own_optimizer_and_schedule() -> None:
    run, loader = a_run()
    assert isinstance(run.optimizers["model"], torch.optim.RMSprop)
    assert run.rates["model"](0) == run.rates["model"](len(loader) - 1) == 0.002
    fit(run, loader, None, 1)  # the second is entered as the first ends
    assert isinstance(run.optimizers["model"], torch.optim.SGD)
    first = [run.rates["model"](len(loader) * epoch) for epoch in range(3)]
    assert first == [0.002, 0.01, 0.01]
    assert run.rates["model"](4 * len(loader) - 1) < 1e-3  # the last cosine spans two epochs
    assert run.rates["model"](2 * len(loader) - 1) < 1e-3


class StopsAfter(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Run) -> None:
        if run.steps["model"] >= self.step:
            run.interrupted = run.stop = True


@pytest.mark.parametrize("epochs", [0.5, 1.0, 1.5, 2.0])
def test_a_run_stopped_in_or_between_stages_goes_on_to_the_same_bits(
    tmp_path: Path, epochs: float
) -> None:
    request = Request(chosen().model_dump(exclude_none=True), "digits", planned=False)
    whole = experiment.train(request, [], tmp_path / "whole", False, Silent())
    stop = StopsAfter(round(epochs * 10))  # of 1,257 images in batches of 128
    with pytest.raises(Stopped):
        experiment.train(request, [], tmp_path / "cut", False, Silent(), watching=[stop])
    again = experiment.resume(tmp_path / "cut", [], Silent())
    for name, value in whole.predictor.tensors().items():
        assert torch.equal(value, again.predictor.tensors()[name]), name


def test_a_training_shorter_than_its_stages_ends_in_an_earlier_one() -> None:
    assert [start for start, _ in chosen(train__epochs=1).train.in_stages()] == [0, 1, 2]
    run, loader = a_run(train__epochs=1)
    fit(run, loader, None, 1)
    assert run.epoch == 1


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([{"trains": "head"}, {"trains": "all"}], "stage 1 needs epochs"),
        ([{"epochs": 2}], "the last stage has no epochs"),
    ],
)
def test_stages_that_do_not_fit_are_refused(stages: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        chosen(train__stages=stages)


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match=r"layer in train\.stages 'features\.9'"):
        a_run(train__stages=[{"trains": "features.9"}])


def test_a_plateau_sees_the_epochs_of_its_own_stage_alone() -> None:
    rates = [Plateau(0.1, patience=2), Plateau(0.1, patience=2)]
    staged = Staged([0, 3], 10, rates)
    history = [{"val": {"loss": 1.0}} for _ in range(5)]
    see_all([staged], history)
    assert [rate.drops for rate in rates] == [1, 0]
    assert staged(0) == rates[0](0) < staged(30) == 0.1


def test_waiting_for_a_gain_begins_with_the_last_stage() -> None:
    run, _ = a_run()
    run.history = [{"epoch": n, "val": {"accuracy": 0.5}} for n in (1, 2, 3, 4)]
    EarlyStopping(2, since=3).on_start(run)
    assert not run.stop
    EarlyStopping(2, since=2).on_start(run)
    assert run.stop
