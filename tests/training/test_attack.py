"""Inputs moved against a model: the exact worst case of a linear one, and training on them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import sightline as sl
from sightline import models, tasks
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Loader
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import RecipeError
from sightline.training import checkpoint
from sightline.training.attack import Attack
from sightline.training.callbacks import Callback
from sightline.training.fit import fit
from sightline.training.optim import optimizer
from sightline.training.run import Rules, Run
from sightline.training.schedules import schedule
from sightline.training.step import step as training_step


def linear() -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Linear(20, 2)
    x = torch.rand(30, 20)
    return model, x, model(x).argmax(1)


def margin(model: nn.Linear, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The score of the truth less the other's."""
    scores = model(x)
    rows = torch.arange(len(x))
    return (scores[rows, y] - scores[rows, 1 - y]).detach()


@pytest.mark.parametrize("steps", [1, 7])
def test_on_a_linear_model_it_is_the_exact_worst_case(steps: int) -> None:
    model, x, y = linear()
    x = 0.3 + 0.4 * x  # eps does not reach the ends of [0, 1]
    far = 20 / 255
    moved = Attack(20, steps).examples(lambda i: F.cross_entropy(model(i), y), x)
    weights = (model.weight[y] - model.weight[1 - y]).detach()
    closed = margin(model, x, y) - far * weights.abs().sum(1)  # no move of eps does worse
    torch.testing.assert_close(margin(model, moved, y), closed, atol=1e-5, rtol=1e-5)
    turned = margin(model, moved, y) < 0
    assert turned.any() and not turned.all()
    assert torch.equal(turned, closed < 0)


def test_examples_stay_within_eps_and_within_the_picture() -> None:
    model, x, y = linear()

    def loss(inputs: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(inputs), y)

    for attack in (Attack(40), Attack(40, 5), Attack(40, 1, start=True), Attack(40, 5, start=True)):
        torch.manual_seed(3)
        moved = attack.examples(loss, x)
        assert moved.min() >= 0 and moved.max() <= 1
        assert (moved - x).abs().max() <= 40 / 255 + 1e-6
        assert loss(moved) > loss(x)
        torch.manual_seed(3)
        assert torch.equal(moved, attack.examples(loss, x))
    assert not moved.requires_grad and model.weight.grad is None


def test_more_steps_do_at_least_as_well_on_a_curved_model() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(20, 50), nn.Tanh(), nn.Linear(50, 3))
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    x, y = torch.rand(200, 20), torch.randint(0, 3, (200,))

    def loss(inputs: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(inputs), y)

    assert loss(Attack(30, 20).examples(loss, x)) > loss(Attack(30).examples(loss, x)) > loss(x)


def blobs(n: int = 160) -> ArrayDataset:
    """Two classes told apart by one strong patch and, more easily, by many weak pixels."""
    rng = np.random.default_rng(0)
    y = np.arange(n, dtype=np.int64) % 2
    sign = (2.0 * y - 1)[:, None, None, None]
    X = 128 + 5 * sign + rng.normal(0, 3, (n, 16, 16, 1))
    X[:, 4:8, 4:8] += 20 * sign
    return ArrayDataset(X.clip(0, 255).astype(np.uint8), Truths(label=y), ("a", "b"), top=255)


def new_run(attack: Attack | None, network: str = "resnet9") -> Run:
    torch.manual_seed(0)
    settings = {"width": 4, "dropout": 0.3} if network == "resnet9" else {}
    model = models.build(network, 2, 1, (16, 16), settings, [0.5], [0.05])
    return Run(
        model=model,
        task=tasks.build("classification", ["a", "b"], {}),
        optimizers={"model": optimizer(model, "adamw", rate=0.003)},
        rates={"model": schedule("constant", 0.003, 20, 10)},
        device=torch.device("cpu"),
        seed=5,
        rules=Rules(attack=attack),
    )


def loader(pieces: int = 1, n: int = 40) -> Loader:
    return Loader(blobs(n), View((16, 16)), 16, 5, torch.device("cpu"), pieces=pieces)


def left(run: Run, eps: float) -> float:
    """Accuracy on the set's images, moved by FGSM against the network."""
    run.model.eval()
    (batch,) = Loader(blobs(96), View((16, 16)), 96, 5, run.device).epoch(0)
    assert batch.labels is not None
    labels = batch.labels
    moved = Attack(eps).examples(lambda x: F.cross_entropy(run.model(x), labels), batch.inputs)
    return float((run.model(moved).argmax(1) == labels).float().mean())


def bits(run: Run) -> dict[str, bytes]:
    return {k: v.numpy().tobytes() for k, v in run.model.state_dict().items()}


HARD = Attack(12, start=True)


def test_training_on_examples_keeps_the_accuracy_that_plain_training_loses() -> None:
    plain, hard = (
        fit(new_run(attack, "shallownet"), loader(n=96), None, 4) for attack in (None, HARD)
    )
    assert left(plain, 1e-6) == left(hard, 1e-6) == 1
    assert left(hard, 12) > 0.9 and left(plain, 12) < 0.1


@pytest.mark.parametrize("step", [1, 4])
def test_a_resumed_run_on_examples_equals_an_uninterrupted_one(step: int, tmp_path: Path) -> None:
    class Stop(Callback):
        def on_step(self, run: Run) -> None:
            run.stop = sum(run.steps.values()) >= step

    whole = fit(new_run(HARD), loader(2), None, 2)
    stopped = fit(new_run(HARD), loader(2), None, 2, [Stop()])
    resumed = new_run(HARD)
    checkpoint.load(checkpoint.save(tmp_path, stopped), resumed)
    assert bits(fit(resumed, loader(2), None, 2)) == bits(whole)


def test_statistics_of_batch_norm_learn_nothing_from_the_way_to_the_examples() -> None:
    runs = [new_run(attack) for attack in (None, Attack(1e-9, 1), Attack(1e-9, 3))]
    for run in runs:  # all on the images themselves
        run.model.train()
        training_step(run, next(loader().steps(0)))
        assert run.model.training
    plain, *others = (dict(run.model.named_buffers()) for run in runs)
    for name, value in plain.items():
        for other in others:
            torch.testing.assert_close(other[name], value)


def test_a_recipe_asks_for_it_in_classification_alone(tmp_path: Path) -> None:
    X, y = np.stack([s.image for s in blobs(40)]), blobs(40).truths.label
    settings: dict[str, Any] = {"train__epochs": 1, "model__width": 4}
    values = np.random.default_rng(0).random(40)
    with pytest.raises(RecipeError, match="adversarial is for classification, not regression"):
        sl.train((X, values), to=tmp_path / "no", quiet=True, train__adversarial__eps=4, **settings)
    assert not (tmp_path / "no").exists()
    with pytest.raises(RecipeError, match="adversarial: eps 0, steps 1; expected eps above 0"):
        sl.train((X, y), to=tmp_path / "no", quiet=True, train__adversarial__eps=0)
    sl.train((X, y), to=tmp_path / "run", quiet=True, train__adversarial__eps=4, **settings)
    recipe = (tmp_path / "run" / "recipe.toml").read_text("utf-8")
    assert "[train.adversarial]\neps = 4.0\nsteps = 1\n" in recipe
