"""The outset: a recipe's task, and a run that has not begun."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline import models, tables, tasks
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.data.loader import Loader
from sightline.data.split import Splits, class_counts
from sightline.data.views import View
from sightline.errors import DeviceError, RecipeError, UnknownName
from sightline.models import Network
from sightline.models.bodies import body_of
from sightline.models.detector import Anchored, Detector
from sightline.models.surgery import take_body, take_weights
from sightline.models.unfold import is_folded, unfold
from sightline.predictor import BATCH, TorchPredictor
from sightline.prepare import view_of
from sightline.pretrained import Given, open_model
from sightline.processes import ALONE, Processes
from sightline.recipe import Recipe
from sightline.tables import Pretrained
from sightline.talk import Silent, Talk
from sightline.tasks import Task
from sightline.training.attack import attack_for
from sightline.training.optim import optimizer
from sightline.training.penalty import Penalty
from sightline.training.plateau import Rate, Staged
from sightline.training.run import Rules, Run
from sightline.training.schedules import schedule
from sightline.training.stages import Stage

UNFOLDED = 256  # images whose statistics folded batch norms are given


def statistics(train: Dataset, top: int, limit: int = 2000) -> tuple[list[float], list[float]]:
    """Mean and deviation a channel, in [0, 1], of up to `limit` evenly spaced training images."""
    rows = np.unique(np.linspace(0, len(train) - 1, min(limit, len(train))).round().astype(int))
    count, total, squares = 0, np.zeros(1), np.zeros(1)
    for start in range(0, len(rows), 256):
        chunk = np.asarray(train.images(rows[start : start + 256]), np.float64) / top
        count += chunk.shape[0] * chunk.shape[1] * chunk.shape[2]
        total = total + chunk.sum((0, 1, 2))
        squares = squares + (chunk**2).sum((0, 1, 2))
    mean = total / count
    return mean.tolist(), np.sqrt(np.maximum(squares / count - mean**2, 0)).tolist()


def make_task(chosen: Recipe, train: Dataset) -> Task:
    """The task, with what it takes from the training part: weights, or mean and deviation."""
    if chosen.task != train.truths.task:
        raise RecipeError(
            f"the recipe's task is {chosen.task}, but {train.name} is for {train.truths.task}"
        )
    settings: dict[str, Any] = {}
    if chosen.task == "classification":
        settings["smoothing"] = chosen.train.smoothing
        settings["weights"] = _class_weights(chosen.train.class_weights, train)
    if chosen.task == "regression" and train.truths.values is not None:
        settings["mean"] = train.truths.values.mean(0, dtype=np.float64).tolist()
        deviation = train.truths.values.std(0, dtype=np.float64)
        settings["deviation"] = np.where(deviation > 0, deviation, 1.0).tolist()
    if chosen.task == "landmarks":
        settings["loss_by"] = chosen.train.loss_by
    return tasks.build(chosen.task, train.classes, settings)


def _class_weights(wanted: str | dict[str, float], train: Dataset) -> list[float] | None:
    """What the images of each class weigh."""
    if wanted == "balanced":
        counts = np.maximum(class_counts(train), 1)
        weights: list[float] = (counts.sum() / (len(counts) * counts)).tolist()
        return weights
    if isinstance(wanted, str):
        return None
    for name, weight in wanted.items():
        if name not in train.classes:
            raise UnknownName("class in train.class_weights", name, train.classes)
        if not 0 < weight < math.inf:
            raise RecipeError(f"train.class_weights.{name} = {weight}: must be above 0")
    return [wanted.get(name, 1.0) for name in train.classes]


def open_pretrained(settings: Pretrained, talk: Talk) -> Artifact:
    """The model whose network a recipe begins with, on the CPU. Raises SightlineError."""
    weights = None if settings.weights is None else Path(settings.weights)
    given = Given(weights, tuple(settings.mean), tuple(settings.deviation))
    found = open_model(settings.model, "cpu", talk, given)
    if not isinstance(found.predictor, TorchPredictor):
        raise RecipeError(f"pretrained.model: {settings.model} is no network")
    return found


def _begin_with(
    network: Network, chosen: Recipe, settings: Pretrained, task: Task, train: Dataset
) -> None:
    """Give a network its pretrained weights; its head, too, where that is of the same classes; of a
    detector its body's, where they are a classifier's of that name."""
    found = open_pretrained(settings, Silent())
    assert isinstance(found.predictor, TorchPredictor) and isinstance(
        found.predictor.model, Network
    )
    donor = found.predictor.model
    if is_folded(donor):
        unfold(donor, _some_inputs(train, view_of(chosen)))
    if chosen.normalize == "auto":
        network.normalize.load_state_dict(donor.normalize.state_dict())
    body = body_of(network)
    if body is not None and body.name == found.header["model"]["name"]:
        take_body(body, donor)
        return
    same = (found.task, found.classes) == (chosen.task, task.classes)
    theirs, own = dict(found.header["model"]), {"name": chosen.model.name} | chosen.model.settings
    of_head = () if same else models.find(chosen.model.name).new_head
    for table in (theirs, own):
        for key in (models.INITIALIZE, *of_head):
            table.pop(key, None)
    if theirs != own:
        raise RecipeError(f"pretrained.model is {_shown(theirs)}, and model is {_shown(own)}")
    take_weights(network, donor, head=same)


def _some_inputs(train: Dataset, view: View) -> Iterator[Tensor]:
    """Some of the training part as it is seen at evaluation, enough for statistics."""
    rows = np.unique(np.linspace(0, len(train) - 1, min(UNFOLDED, len(train))).round().astype(int))
    for start in range(0, len(rows), BATCH):
        canvases = torch.from_numpy(np.asarray(train.images(rows[start : start + BATCH])))
        yield view.test_inputs(canvases)[0]


def _shown(table: Mapping[str, Any]) -> str:
    return ", ".join(str(v) if k == "name" else f"{k} {v}" for k, v in table.items())


def _network(chosen: Recipe, train: Dataset, task: Task, pretrained: bool) -> Network:
    """With weights drawn by the recipe's seed, or those it begins with."""
    view = view_of(chosen)
    mean, deviation = statistics(train, view.top) if chosen.normalize != "none" else ([], [])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chosen.train.seed)
        network = models.build(
            chosen.model.name,
            task.outputs,
            chosen.canvas.channels,
            view.size,
            chosen.model.settings,
            mean,
            deviation,
        )
    if isinstance(network.body, Detector) != (chosen.task == "detection"):
        known = ", ".join(models.DETECTORS)
        raise RecipeError(
            f"model.name is {chosen.model.name}, and the task is {chosen.task}; "
            f"detectors are {known}"
        )
    if isinstance(network.body, Detector):
        _require_few_objects(chosen.model.name, network.body, train)
    if isinstance(network.body, Anchored) and train.truths.boxes is not None:
        boxes = torch.from_numpy(train.truths.boxes.boxes)
        network.body.lay(boxes[:, 2:] - boxes[:, :2])
    if pretrained and chosen.pretrained is not None:
        _begin_with(network, chosen, chosen.pretrained, task, train)
    return network


def _require_few_objects(name: str, detector: Detector, train: Dataset) -> None:
    if detector.most is None or train.truths.boxes is None:
        return
    counts = np.diff(train.truths.boxes.starts)
    if many := int((counts > detector.most).sum()):
        raise RecipeError(
            f"{name} tells {detector.most} object an image, and {many} of {len(counts)} training "
            f"images have more, up to {counts.max()}"
        )


def make_run(
    chosen: Recipe,
    placed: Splits,
    task: Task,
    processes: Processes = ALONE,
    pretrained: bool = True,
) -> tuple[Run, Loader]:
    """A run that has not begun and what it learns from. The recipe's device, precision and threads
    are decided already.

    pretrained  begin with such weights where the recipe has them; False where a checkpoint will be
                put into the run, or its speed alone counts
    """
    setup, train, view = chosen.train, placed.train, view_of(chosen)
    device = torch.device(setup.device)
    if device.type == "cuda" and processes.size > 1:
        there = torch.cuda.device_count()
        if processes.local >= there:
            raise DeviceError(
                f"process {processes.local} of this machine has no GPU of its own: there are "
                f"{there}; start {there} processes, or --device cpu"
            )
        device = torch.device("cuda", processes.local)
    model: nn.Module = _network(chosen, train, task, pretrained)
    if device.type == "cuda" and processes.size > 1:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if setup.compile:
        _require_compiler()
        model.compile()
    share = processes.rank, processes.size
    loader = Loader(train, view, setup.batch, setup.seed, device, pieces=setup.pieces, share=share)
    penalty = Penalty(**setup.penalty.model_dump())
    run = Run(
        model=model,
        task=task,
        optimizers={},
        rates={},
        device=device,
        precision=setup.precision,
        seed=setup.seed,
        rules=Rules(setup.clip, penalty, setup.average, attack_for(chosen.task, setup.adversarial)),
        goal=setup.goal,
        processes=processes,
    )
    _give_stages(run, setup, len(loader))
    return run, loader


def _require_compiler() -> None:
    """Raises RecipeError where torch would find no C++ compiler, long after the start."""
    names = [os.environ["CXX"]] if "CXX" in os.environ else ["g++", "clang++", "cl"]
    if not any(map(shutil.which, names)):
        raise RecipeError(
            f"train.compile needs a C++ compiler, and {' or '.join(names)} is not on the PATH; "
            "install one, or set train.compile=false"
        )


def _give_stages(run: Run, setup: tables.Train, per_epoch: int) -> None:
    """What trains when, by which optimizers and rates; the first stage is entered."""
    unknown = sorted(setup.parts.keys() - run.part_models.keys())
    if unknown:
        raise UnknownName("part in train.parts", unknown[0], run.part_models)
    run.stages = [
        Stage(start, stage.trains, partial(_optimizers, setup, stage))
        for start, stage in setup.in_stages()
    ]
    run.enter_stage(0)
    run.rates = rates(setup, run.part_models, per_epoch)


def _optimizers(
    setup: tables.Train, stage: tables.StageSettings, parts: Mapping[str, nn.Module]
) -> dict[str, Optimizer]:
    """Each part's own, or that of all in the stage."""
    found = {}
    for name, part in parts.items():
        tuned = setup.parts.get(name, tables.PartSettings()).optimizer or stage.optimizer
        assert tuned is not None, "nothing of a stage is left open"
        found[name] = optimizer(part, tuned.name, rate=tuned.rate, **tuned.settings)
    return found


def rates(setup: tables.Train, parts: Iterable[str], per_epoch: int) -> dict[str, Rate]:
    """Each part's rate by its own step, in epochs of so many."""
    return {name: rate_of(setup, name, per_epoch) for name in parts}


def rate_of(setup: tables.Train, part: str, per_epoch: int) -> Rate:
    found, starts = [], []
    own = setup.parts.get(part, tables.PartSettings())
    for start, stage in setup.in_stages():
        how, tuned = own.schedule or stage.schedule, own.optimizer or stage.optimizer
        assert how is not None and tuned is not None and stage.epochs is not None
        total = per_epoch * stage.epochs
        found.append(schedule(how.name, tuned.rate, total, per_epoch, how.settings))
        starts.append(start)
    return found[0] if len(found) == 1 else Staged(starts, per_epoch, found)
