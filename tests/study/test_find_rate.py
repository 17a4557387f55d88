"""The range test: what it suggests, and that a run is the same afterwards, to the bit."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline import experiment
from sightline.data.loader import Loader
from sightline.errors import RecipeError
from sightline.overrides import setting
from sightline.request import ask
from sightline.study.find_rate import Sweep, find, judged, sentence, short, sweep, to_dict
from sightline.study.look import look, run_of
from sightline.talk import Silent
from sightline.training.optim import optimizer
from sightline.training.run import Run
from sightline.training.step import step

SETTINGS = [setting("train.batch=32"), setting("train.threads=1"), setting("train.seed=3")]


def prepared(*more: str) -> tuple[Run, Loader]:
    settings = [*SETTINGS, *map(setting, more)]
    return run_of(look("lenet-digits", settings, Silent()), Silent())


def fresh(name: str, part: nn.Module) -> Optimizer:
    return optimizer(part, "sgd", rate=0.01, momentum=0.9)


def everything(run: Run) -> dict[str, Any]:
    """All that a sweep might touch."""
    state = run.optimizers["model"].state_dict()
    moments = {
        f"{i}.{k}": v.clone()
        for i, s in state["state"].items()
        for k, v in s.items()
        if v is not None
    }
    gradients = {
        n: None if p.grad is None else p.grad.clone() for n, p in run.model.named_parameters()
    }
    return {
        "model": {k: v.clone() for k, v in run.model.state_dict().items()},
        "gradients": gradients,
        "moments": moments,
        "groups": [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]],
        "counters": (run.epoch, run.batch, dict(run.steps), list(run.history), dict(run.sums)),
        "training": [module.training for module in run.model.modules()],
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].copy(),  # type: ignore[index]  # noqa: NPY002
        "python": random.getstate(),
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def test_a_run_is_the_same_afterwards_to_the_bit_and_goes_on_as_if_nothing_was() -> None:
    runs = []
    for swept in (False, True):
        small = ("model.name=resnet9", "model.width=4", "augment.shift=0.1")
        run, loader = prepared("train.optimizer.momentum=0.9", *small)
        pieces = loader.steps(0)
        for _ in range(3):
            step(run, next(pieces))
        if swept:
            run.model.eval()
            before = everything(run)
            found = sweep(run, loader, fresh, steps=20)
            assert np.isfinite(found.losses).all()
            after = everything(run)
            assert [key for key in before if not same(before[key], after[key])] == []
            run.model.train()
        for _ in range(3):
            step(run, next(pieces))
        runs.append(everything(run))
    one, two = runs
    assert [key for key in ("model", "moments", "counters") if not same(one[key], two[key])] == []


def test_the_same_sweep_comes_out_twice() -> None:
    run, loader = prepared()
    one, two = (sweep(run, loader, fresh, steps=30) for _ in range(2))
    assert np.array_equal(one.losses, two.losses)


def test_rates_rise_exponentially_and_a_long_test_goes_through_several_epochs() -> None:
    run, loader = prepared("train.batch=512")
    found = sweep(run, loader, fresh, steps=20, low=1e-6, high=1e-3)
    assert len(loader) < 20 == len(found.rates)
    assert found.rates[0] == pytest.approx(1e-6) and found.rates[-1] == pytest.approx(1e-3)
    assert np.allclose(found.rates[1:] / found.rates[:-1], 1000 ** (1 / 19))
    assert found.stopped is None


def test_a_loss_that_blows_up_ends_the_test() -> None:
    run, loader = prepared()
    found = sweep(run, loader, fresh, steps=40, low=1e-2, high=1e6)
    assert len(found.rates) < 40
    assert found.stopped == found.rates[-1]


def curve(noise: float = 0.02, blow: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """A loss of 2.3 that falls to 0.8, fastest at 1e-3, is lowest near 1e-2 and blows up."""
    rates = np.geomspace(1e-7, 10, 150)
    x = np.log10(rates)
    losses = 2.3 - 1.5 / (1 + np.exp(-(x + 3) * 4))
    losses += np.where(x > -1.7, blow * (x + 1.7) ** 2, 0)
    return rates, losses + np.random.default_rng(0).normal(size=150) * noise


@pytest.mark.parametrize("blow", [1.0, 40.0, 1e6])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_the_steepest_place_is_found_whatever_comes_after(noise: float, blow: float) -> None:
    found = judged(*curve(noise, blow), ended=True)
    assert found.steepest is not None and found.lowest is not None and found.tenth is not None
    assert 5e-3 < found.lowest < 5e-2
    assert found.tenth == pytest.approx(found.lowest / 10)
    assert max(5e-4, found.tenth) <= found.steepest < 5e-3


def test_a_slow_fall_far_below_the_minimum_is_no_suggestion() -> None:
    rates = np.geomspace(1e-7, 10, 150)
    x = np.log10(rates)
    losses = 3 - 0.6 / (1 + np.exp(-(x + 5) * 9)) - 0.5 / (1 + np.exp(-(x + 2) * 3))
    found = judged(rates, losses + np.where(x > -0.5, 9 * (x + 0.5), 0), True)
    assert found.steepest is not None and 3e-3 < found.steepest < 0.1


def test_a_last_loss_that_is_no_number_is_no_matter() -> None:
    rates, losses = curve()
    losses[-1] = np.inf
    assert judged(rates, losses, True).steepest == pytest.approx(1e-3, rel=1.5)
    losses[-1] = np.nan
    assert judged(rates, losses, True).steepest == pytest.approx(1e-3, rel=1.5)
    assert json.loads(json.dumps(to_dict(judged(rates, losses, True), 0.1)))["losses"][-1] is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_suggests_nothing(seed: int) -> None:
    losses = 2.3 + np.random.default_rng(seed).normal(size=150) * 0.1
    found = judged(np.geomspace(1e-7, 10, 150), losses, False)
    assert found.steepest is None and found.tenth is None
    assert sentence(found).startswith("no rate made the loss fall clearly")


def test_a_loss_that_blows_up_at_once_suggests_nothing() -> None:
    found = judged(np.geomspace(1e-7, 10, 2), np.array([1.0, np.inf]), True)
    assert found.steepest is None
    assert "it blew up" in sentence(found)


def test_a_sweep_is_told_in_a_sentence() -> None:
    none = np.zeros(0)
    found = Sweep(none, none, none, 0.00321, 0.12, 1.23)
    assert sentence(found, 0.01) == (
        "begin with a rate of 0.0032, where the loss falls fastest before it is lowest at 0.12; "
        "a tenth of that, 0.012, is careful; at 1.2 it blew up; the recipe has 0.01"
    )
    assert short(3.14159e-5) == "3.1e-05"


def test_a_run_folder_is_swept_where_it_stands(tmp_path: Path) -> None:
    settings = [*SETTINGS, setting("train.epochs=2")]
    folder = tmp_path / "run"
    experiment.train(ask("lenet-digits", Silent()), settings, folder, False, Silent())
    before = {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    found = look(str(folder), [], Silent())
    run, _ = run_of(found, Silent())
    assert run.epoch == 2
    swept, present = find(str(folder), [], Silent(), (20, 1e-6, 1e-2))
    assert present == 0.01 and len(swept.rates) == 20
    assert {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()} == before


@pytest.mark.parametrize("span", [(20, 1.0, 0.1), (20, 0.0, 1.0), (20, 1e-3, float("inf"))])
def test_rates_that_do_not_rise_are_refused(span: tuple[int, float, float]) -> None:
    with pytest.raises(RecipeError, match="expected 0 < low < high"):
        find("lenet-digits", [], Silent(), span)
