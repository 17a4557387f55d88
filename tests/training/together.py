"""What one process and several must do alike; torchrun runs this file, the test imports it.

python -m torch.distributed.run --nproc-per-node 2 together.py OUT.json
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from sightline import models, tasks
from sightline.data.boxes import Boxes
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Batch, Loader
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.predictions import Recording
from sightline.predictor import TorchPredictor
from sightline.processes import Processes, joined
from sightline.tasks import Losses, Ratio
from sightline.tasks.evaluate import evaluate
from sightline.training.callbacks import Callback
from sightline.training.fit import fit
from sightline.training.optim import optimizer
from sightline.training.run import Rules, Run

CPU = torch.device("cpu")


def pictures(n: int, size: int = 28, task: str = "classification") -> ArrayDataset:
    """Grey noise, brighter for later classes: learnable within some steps."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, n)
    images = rng.integers(0, 120, (n, size, size, 1), dtype=np.uint8)
    images += (12 * labels[:, None, None, None]).astype(np.uint8)
    if task == "multilabel":
        many = np.stack([labels > 4, labels % 2 == 0], 1).astype(np.int8)
        many[::7, 0] = -1  # not known
        return ArrayDataset(images, Truths(labels=many), ("bright", "even"))
    if task == "regression":
        values = np.stack([labels, -labels], 1).astype(np.float32)
        return ArrayDataset(images, Truths(values=values), ("up", "down"))
    if task == "landmarks":
        points = rng.uniform(0, size, (n, 2, 2)).astype(np.float32)
        points[::7, 1] = np.nan  # not visible
        return ArrayDataset(images, Truths(landmarks=points), ("one", "two"))
    if task == "detection":
        corners = rng.integers(0, size - 30, (n, 2))
        boxes = np.concatenate([corners, corners + 24], 1).astype(np.float32)
        found = Boxes(boxes, labels.astype(np.int64) % 2, np.arange(n + 1))
        return ArrayDataset(images, Truths(boxes=found), ("even", "odd"))
    return ArrayDataset(images, Truths(label=labels.astype(np.int64)), tuple("abcdefghij"))


def new_run(
    processes: Processes,
    model: nn.Module,
    task: tasks.Task,
    rate: float,
    name: str = "sgd",
    **more: Any,
) -> Run:
    parts = dict(model.items()) if isinstance(model, nn.ModuleDict) else {"model": model}
    return Run(
        model=model,
        task=task,
        optimizers={key: optimizer(part, name, rate=rate) for key, part in parts.items()},
        rates=dict.fromkeys(parts, lambda _: rate),
        device=CPU,
        processes=processes,
        **more,
    )


class Curve(Callback):
    """The losses of every step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.before: dict[str, list[float]] = {}

    def on_step(self, run: Run) -> None:
        run.read_losses()
        self.steps.append(
            {
                name: (total - before[0]) / max(count - before[1], 1e-9)
                for name, (total, count) in run.sums.items()
                for before in [self.before.get(name, [0.0, 0.0])]
            }
        )
        self.before = {name: list(sums) for name, sums in run.sums.items()}

    def on_epoch(self, run: Run) -> None:
        self.before = {}


def trained(run: Run, data: ArrayDataset, batch: int, epochs: int, pieces: int = 1) -> dict:
    """What a training shows, and whether all processes have come to the same weights."""
    torch.manual_seed(0)
    share = run.processes.rank, run.processes.size
    view = View(data[0].image.shape[:2])
    loader = Loader(data, view, batch, 3, CPU, pieces=pieces, share=share)
    curve = Curve()
    fit(run, loader, None, epochs, [curve])
    weights = [float(p.detach().double().sum()) for p in run.model.parameters()]
    bits = b"".join(p.detach().numpy().tobytes() for p in run.model.parameters())
    return {
        "curve": curve.steps,
        "history": [record["train"] for record in run.history],
        "weights": weights,
        "alike": len(set(run.processes.gather(bits))) == 1,
        "batches": len(loader),
    }


def digits() -> ArrayDataset:
    """320 of scikit-learn's digits, 28x28."""
    images, labels = load_digits(return_X_y=True)
    images = np.kron(images[:320].reshape(-1, 8, 8), np.ones((3, 3)))
    pixels = np.pad(images * 15, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)[..., None]
    return ArrayDataset(pixels, Truths(label=labels[:320].astype(np.int64)), tuple("0123456789"))


def lenet(processes: Processes) -> dict:
    """50 steps of LeNet with what a step may do besides: clipping, averaged weights."""
    torch.manual_seed(0)
    model = models.build("lenet", 10, 1, (28, 28))
    rules = Rules(clip=1.0, average=0.9)
    task = tasks.build("classification", list("abcdefghij"), {"weights": [1.0, 3.0] * 5})
    run = new_run(processes, model, task, 0.01, rules=rules)
    found = trained(run, digits(), 64, 10)
    return found | {"average": [float(v.double().sum()) for v in run.average.values()]}


def uneven(processes: Processes, n: int, batch: int, pieces: int = 1) -> dict:
    """Batches that do not divide, and a last one too small for all."""
    torch.manual_seed(0)
    model = models.build("shallownet", 2, 1, (28, 28))
    task = tasks.build("multilabel", ["bright", "even"], {})
    return trained(
        new_run(processes, model, task, 0.05), pictures(n, task="multilabel"), batch, 2, pieces
    )


class Adversaries(tasks.Task):
    """A generator and a critic, which learn in turn."""

    goal, classes = "-loss", ("a",)

    def settings(self) -> dict[str, Any]:
        return {}

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        assert isinstance(model, nn.ModuleDict)
        flat = batch.inputs.flatten(1)
        fakes = model["generator"](flat[:, :16])
        real, fake = model["critic"](flat), model["critic"](fakes.detach())
        yield "critic", {"real": (real - 1).square().mean(), "fake": fake.square().mean()}
        yield "generator", {"fool": (model["critic"](fakes) - 1).square().mean()}

    def forward(self, model: nn.Module, inputs: Tensor) -> tasks.Raw:
        raise NotImplementedError

    def decode(self, raw: tasks.Raw) -> list[Any]:
        raise NotImplementedError

    def meter(self) -> Any:
        raise NotImplementedError


def adversaries(processes: Processes) -> dict:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(64, 32), nn.LeakyReLU(), nn.Linear(32, 1))
    model = nn.ModuleDict({"generator": nn.Linear(16, 64), "critic": critic})
    run = new_run(processes, model, Adversaries(), 1e-3, "adam")
    return trained(run, pictures(80, size=8), 16, 5)


def matched(indices: np.ndarray) -> np.ndarray:
    """How many boxes each image has: most have none."""
    return np.where(indices % 8 == 0, indices % 11, 0)


class Matching(Adversaries):
    """As a detector: a loss over matched boxes, of which most images have none, some many."""

    def losses(self, model: nn.Module, batch: Batch) -> Iterator[tuple[str, Losses]]:
        flat = batch.inputs.flatten(1)
        boxes = torch.from_numpy(matched(batch.indices))
        errors = (model(flat).squeeze(1) - 0.3).square()
        count = boxes.sum().float()
        found = (errors.detach() < 0.05).float() * boxes
        yield (
            "model",
            {
                "box": Ratio((errors * boxes).sum(), count),
                "found": Ratio(found.sum(), count),
                "boxes an image": boxes.float().mean(),
            },
        )


def detector(processes: Processes) -> dict:
    torch.manual_seed(0)
    run = new_run(processes, nn.Linear(64, 1), Matching(), 0.01)
    return trained(run, pictures(64, size=8), 16, 4)


def evaluated(processes: Processes, task: str) -> dict:
    """Figures and predictions of an untrained network, which is the same everywhere."""
    network, side, n = ("ssd7", 64, 300) if task == "detection" else ("shallownet", 12, 700)
    data = pictures(n, size=side, task=task)
    settings: dict[str, Any] = {}
    if task == "regression":
        settings = {"mean": [4.0, -4.0], "deviation": [3.0, 3.0]}
    made = tasks.build(task, list(data.classes), settings)
    torch.manual_seed(0)
    model = models.build(network, made.outputs, 1, (side, side))
    seen = (side, side)
    predictor = TorchPredictor(model, made, Canvas(seen, channels=1), View(seen), CPU)
    meter = Recording(made.meter(), data)
    done: list[int] = []
    figures = evaluate(predictor, meter, data, done.append, processes)
    return {
        "figures": figures,
        "alike": len({str(f) for f in processes.gather(figures)}) == 1,
        "csv": meter.text(),
    }


def normed(processes: Processes) -> dict:
    """Batch norm: each process has the statistics of its own share while it trains; the first
    one's are those of validation."""
    torch.manual_seed(0)
    model = models.build("resnet9", 10, 1, (16, 16), {"width": 2})
    task = tasks.build("classification", list("abcdefghij"), {})
    run = new_run(processes, model, task, 0.01, rules=Rules(average=0.5))
    data, buffers = pictures(64, size=16), dict(model.named_buffers())
    before: list[float] = []

    def validate(run: Run) -> dict[str, float]:
        before.append(sum(float(b.double().sum()) for b in buffers.values()))
        return {"accuracy": before[-1]}

    share = processes.rank, processes.size
    fit(run, Loader(data, View((16, 16)), 16, 3, CPU, share=share), validate, 2)
    seen = processes.gather(before)
    return {"seen": seen, "history": [record["train"] for record in run.history]}


def agreement(processes: Processes) -> dict:
    """One process is asked to stop, and all do at the same step."""

    class Once(Callback):
        def on_step(self, run: Run) -> None:
            if processes.rank == processes.size - 1 and run.batch == 3:
                run.interrupted = True

    torch.manual_seed(0)
    task = tasks.build("multilabel", ["bright", "even"], {})
    run = new_run(processes, models.build("shallownet", 2, 1, (28, 28)), task, 0.05)
    data, share = pictures(48, task="multilabel"), (processes.rank, processes.size)
    fit(run, Loader(data, View((28, 28)), 8, 3, CPU, share=share), None, 3, [Once()])
    return {"batches": processes.gather(run.batch)}


def everything(processes: Processes) -> dict[str, Any]:
    return {
        "lenet": lenet(processes),
        "36 by 7": uneven(processes, 36, 7),  # one is left over
        "39 by 7": uneven(processes, 39, 7),  # four are, enough for two processes
        "37 by 9": uneven(processes, 37, 9),
        "37 by 9 in pieces": uneven(processes, 37, 9, 2),
        "38 by 7": uneven(processes, 38, 7),  # three are: enough for one process alone
        "adversaries": adversaries(processes),
        "detector": detector(processes),
        **{name: evaluated(processes, name) for name in tasks.TASKS},
        "normed": normed(processes),
        "agreement": agreement(processes),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined() as processes:
        found = everything(processes)
        if processes.first:
            Path(sys.argv[1]).write_text(json.dumps(found))
