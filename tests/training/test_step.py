"""A step divided in pieces or among processes is the step as a whole."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline import models, tasks
from sightline.data.augment import Augment
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Batch, Loader
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.tasks import Losses, Ratio
from sightline.training.fit import fit
from sightline.training.optim import optimizer
from sightline.training.run import Rules, Run
from sightline.training.step import step

CPU = torch.device("cpu")


def dataset(n: int = 20, labels: int = 0) -> ArrayDataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    if labels:
        truths = Truths(labels=rng.integers(-1, 2, (n, labels)).astype(np.int8))
        return ArrayDataset(images, truths, [f"c{i}" for i in range(labels)])
    return ArrayDataset(images, Truths(label=np.arange(n, dtype=np.int64) % 3), ("a", "b", "c"))


def trained(
    data: ArrayDataset, pieces: int, task: tasks.Task, rules: Rules | None = None, steps: int = 12
) -> Run:
    torch.manual_seed(0)
    model = models.build("shallownet", task.outputs, 3, (8, 8))
    run = Run(
        model=model,
        task=task,
        optimizers={"model": optimizer(model, "sgd", rate=0.1, momentum=0.9)},
        rates={"model": lambda _: 0.1},
        device=CPU,
        rules=rules or Rules(),
    )
    loader = Loader(data, View((8, 8)), 8, 0, CPU, pieces=pieces)
    epochs = steps // len(loader)
    return fit(run, loader, None, epochs)


def losses(run: Run) -> list[float]:
    return [record["train"]["loss"] for record in run.history]


@pytest.mark.parametrize("pieces", [2, 3, 4])
@pytest.mark.parametrize("name", ["plain", "weighted", "many"])
def test_a_batch_in_pieces_teaches_what_it_teaches_whole(name: str, pieces: int) -> None:
    data = dataset(labels=3 if name == "many" else 0)
    settings: dict[str, Any] = {"weights": [1.0, 5.0, 0.2]} if name == "weighted" else {}
    kind = "multilabel" if name == "many" else "classification"
    whole = trained(data, 1, tasks.build(kind, data.classes, settings))
    parted = trained(data, pieces, tasks.build(kind, data.classes, settings))
    assert losses(parted) == pytest.approx(losses(whole), rel=1e-5)
    for a, b in zip(parted.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    if name != "many":
        accuracy = [record["train"]["accuracy"] for record in whole.history]
        assert accuracy == pytest.approx([r["train"]["accuracy"] for r in parted.history])


class Adversaries(tasks.Task):
    """Two parts that learn in turn, the second from what the first one has become."""

    goal, classes = "-loss", ("a",)

    def settings(self) -> dict[str, Any]:
        return {}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        assert isinstance(model, nn.ModuleDict)
        flat = batch.inputs.flatten(1)
        fakes = model["generator"](flat)
        real, fake = model["critic"](flat), model["critic"](fakes.detach())
        yield "critic", {"real": (real - 1).square().mean(), "fake": fake.square().mean()}
        yield "generator", {"fool": (model["critic"](fakes) - 1).square().mean()}

    def forward(self, model: nn.Module, inputs: Tensor) -> tasks.Raw:
        raise NotImplementedError

    def decode(self, raw: tasks.Raw) -> list[Any]:
        raise NotImplementedError

    def meter(self) -> Any:
        raise NotImplementedError


def adversaries(pieces: int) -> Run:
    torch.manual_seed(0)
    model = nn.ModuleDict({"generator": nn.Linear(192, 192), "critic": nn.Linear(192, 1)})
    run = Run(
        model=model,
        task=Adversaries(),
        optimizers={name: optimizer(part, "adam", rate=1e-3) for name, part in model.items()},
        rates={"generator": lambda _: 1e-3, "critic": lambda _: 2e-3},
        device=CPU,
    )
    return fit(run, Loader(dataset(), View((8, 8)), 8, 0, CPU, pieces=pieces), None, 3)


def test_two_parts_learn_in_turn_in_pieces_as_whole() -> None:
    whole, parted = adversaries(1), adversaries(3)
    assert whole.steps == parted.steps == {"critic": 9, "generator": 9}
    for a, b in zip(whole.history, parted.history, strict=True):
        assert set(a["train"]) == {"critic/real", "critic/fake", "generator/fool"}
        assert b["train"] == pytest.approx(a["train"], rel=1e-4)


def test_the_norm_of_gradients_is_held() -> None:
    data, task = dataset(), tasks.build("classification", ["a", "b", "c"], {})
    torch.manual_seed(0)
    model = models.build("shallownet", 3, 3, (8, 8))
    before = [p.detach().clone() for p in model.parameters()]
    run = Run(
        model=model,
        task=task,
        optimizers={"model": optimizer(model, "sgd", rate=1.0)},
        rates={"model": lambda _: 1.0},
        device=CPU,
        rules=Rules(clip=0.01),
    )
    step(run, next(Loader(data, View((8, 8)), 8, 0, CPU).steps(0)))
    moved = torch.cat([(p - b).flatten() for p, b in zip(model.parameters(), before, strict=True)])
    assert moved.detach().norm().item() == pytest.approx(0.01, rel=1e-3)


def test_averaged_weights_follow_their_formula_and_are_the_ones_validated() -> None:
    task = tasks.build("classification", ["a", "b", "c"], {})
    run = trained(dataset(), 1, task, Rules(average=0.9), steps=3)
    torch.manual_seed(0)
    shadow: dict[str, Tensor] = {}
    again = trained(dataset(), 1, task, steps=0)
    loader = Loader(dataset(), View((8, 8)), 8, 0, CPU)
    for done, pieces in enumerate(loader.steps(0), 1):
        step(again, pieces)
        decay = min(0.9, (1 + done) / (10 + done))
        for name, value in again.model.named_parameters():
            now = value.detach().clone()
            shadow[name] = now if done == 1 else decay * shadow[name] + (1 - decay) * now
    for name, value in shadow.items():
        assert torch.allclose(run.average[name], value, atol=1e-6)
    own = {name: value.clone() for name, value in run.model.state_dict().items()}
    with run.validated():
        for name, value in run.model.state_dict().items():
            assert torch.equal(value, run.average.get(name, value))
    assert all(torch.equal(own[name], v) for name, v in run.model.state_dict().items())


def test_losses_without_one_count_are_a_mistake_of_the_task() -> None:
    class Odd(Adversaries):
        def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
            assert isinstance(model, nn.ModuleDict)
            out = model["critic"](batch.inputs.flatten(1)).sum()
            yield "critic", {"a": Ratio(out, torch.tensor(3.0)), "b": out}

    run = adversaries(1)
    run.task = Odd()
    with pytest.raises(ValueError, match="one count for all"):
        step(run, next(Loader(dataset(), View((8, 8)), 8, 0, CPU).steps(0)))


# The device is not waited for


def elsewhere(pieces: list[Batch], device: torch.device) -> list[Batch]:
    """The pieces with their tensors on another device."""
    return [
        replace(
            piece,
            **{
                field.name: value.to(device)
                for field in fields(piece)
                if isinstance(value := getattr(piece, field.name), Tensor)
            },
        )
        for piece in pieces
    ]


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("kind", ["classification", "multilabel"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_reads_nothing_from_the_device(pieces: int, kind: str, precision: str) -> None:
    """Tensors without content, whose first reading is an error."""
    data, nowhere = dataset(labels=3 if kind == "multilabel" else 0), torch.device("meta")
    weights = {"weights": [1.0, 5.0, 0.2]} if kind == "classification" else {}
    task = tasks.build(kind, data.classes, weights)
    model = models.build("shallownet", task.outputs, 3, (8, 8)).to(nowhere)
    tuned = optimizer(model, "sgd", rate=0.1, momentum=0.9)
    run = Run(model, task, {"model": tuned}, {"model": lambda _: 0.1}, CPU, precision)
    for batch in Loader(data, View((8, 8)), 8, 0, CPU, pieces=pieces).steps(0):
        step(run, elsewhere(batch, nowhere))
    assert run.steps == {"model": 3}
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        run.read_losses()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("augment", [Augment(), Augment(flip=True, crop=True, pad=2)])
def test_on_a_gpu_loader_and_steps_wait_for_nothing(augment: Augment) -> None:
    data, gpu = dataset(n=64), torch.device("cuda")
    task = tasks.build("classification", data.classes, {"weights": [1.0, 5.0, 0.2]})
    model = models.build("shallownet", 3, 3, (8, 8)).to(gpu)
    tuned = optimizer(model, "sgd", rate=0.1, momentum=0.9)
    run = Run(model, task, {"model": tuned}, {"model": lambda _: 0.1}, gpu)
    loader = Loader(data, View((8, 8), augment=augment), 8, 0, gpu, pieces=2)
    for batch in loader.steps(0):  # what is made once may wait
        step(run, batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in loader.steps(1):
            step(run, batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    run.read_losses()
