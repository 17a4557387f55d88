"""Preparations: from a recipe to data on canvases, a task and a run that has not begun."""

import math
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sightline import models, plan, tables, tasks
from sightline.data import catalog, members
from sightline.data.canvas import Canvas
from sightline.data.check import Findings, examine, without_unreadable
from sightline.data.dataset import Dataset, Subset
from sightline.data.loader import Loader
from sightline.data.opening import Hints, open_path
from sightline.data.placing import fits, on_canvas
from sightline.data.split import Splits, book_split, class_counts, cut, fold, folded
from sightline.data.views import View
from sightline.errors import DataError, DeviceError, RecipeError, UnknownName
from sightline.predictor import choose_device
from sightline.processes import ALONE, Processes
from sightline.recipe import Recipe
from sightline.talk import Talk
from sightline.tasks import Task
from sightline.training.attack import attack_for
from sightline.training.optim import optimizer
from sightline.training.penalty import Penalty
from sightline.training.plateau import Rate
from sightline.training.run import Rules, Run
from sightline.training.schedules import schedule
from sightline.training.tensorboard import require_tensorboard

GIVEN = "(given)"  # stands in a recipe for data that came from Python


@dataclass(frozen=True, eq=False)
class Opened:
    """A set as it will be used.

    splits      the parts that it brings along
    findings    what a look at it found; None for named sets that were not looked at
    unreadable  why each file that was left out could not be read
    mirror      whether a mirrored image still is of its class
    absent      the members that were left out
    """

    splits: Splits
    findings: Findings | None
    unreadable: list[str]
    mirror: bool
    absent: frozenset[str] = frozenset()


def open_data(data: tables.Data, talk: Talk, look: bool) -> Opened:
    """Open the set of a recipe, and look at every image of it where `look` says so.

    Files cannot be trusted before they are looked at, so a path always is; and so is what leaves
    unreadable files out, or resuming would find them back. The parts that the set brings along
    stay; missing ones are cut later.
    """
    if data.name == GIVEN:
        raise RecipeError(
            "this run was trained on data given from Python; give it again: data=... in sl.resume"
        )
    if data.name is not None:
        splits = catalog.open_named(data.name, data.root, talk)
        mirror = catalog.DATASETS[data.name].mirror
    else:
        assert data.path is not None
        hints = Hints(data.label_from, data.masks)
        splits = open_path(Path(data.path), talk, hints)
        mirror, look = True, True
    task = splits.train.truths.task
    if task not in tasks.TASKS:
        raise RecipeError(
            f"{splits.train.name} is for {task}, which is not trained yet; "
            f"there is {', '.join(tasks.TASKS)}"
        )
    if not look and not data.quarantine:
        return Opened(splits, None, [], mirror)
    return _looked(splits, data.quarantine, talk, mirror)


def open_arrays(dataset: Dataset, talk: Talk) -> Opened:
    """A set given from Python, looked at."""
    return _looked(Splits(dataset), False, talk, True)


def _looked(splits: Splits, quarantine: bool, talk: Talk, mirror: bool) -> Opened:
    parts = splits.parts
    with talk.bar("looking at images", len(splits)) as (tick, _):
        found = {name: examine(part, tick) for name, part in parts.items()}
    kept = {}
    problems: list[str] = []
    for name, part in parts.items():
        try:
            kept[name] = without_unreadable(part, found[name], quarantine)
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    unreadable = [reason for f in found.values() for _, reason in f.unreadable]
    findings = replace(found["train"], counts=class_counts(kept["train"]))
    absent: set[str] = set()
    if unreadable:
        names = members.Names(splits)
        for name, part in parts.items():
            absent |= set(names.of(Subset(part, [row for row, _ in found[name].unreadable])))
    return Opened(Splits.of(kept), findings, unreadable, mirror, frozenset(absent))


def split_data(opened: Opened, data: tables.Data) -> Splits:
    """The parts that are trained, chosen and tested on: those of a split file; else those that the
    set brings, and what is still missing cut from train."""
    splits = opened.splits
    if data.split_file is not None:
        file = members.read(data.split_file)
        return members.apply(file, splits, data.fold, opened.absent)
    if data.split == "book" and splits.test is None:
        splits = book_split(splits, data.test, data.seed)
        further = data.val or data.train_dev
        return cut(splits, data.val, 0.0, data.seed, data.train_dev) if further else splits
    owners = members.owners(splits, data.group) if data.group else None
    if data.folds and data.fold:
        parted, numbers = folded(splits, data.folds, data.test, data.seed, data.train_dev, owners)
        return fold(parted, numbers, data.fold)
    return cut(splits, data.val, data.test, data.seed, data.train_dev, owners)


def make_plan(opened: Opened, splits: Splits) -> plan.Plan:
    """The plan for a set that was looked at, and is split."""
    findings, train = opened.findings, splits.train
    assert findings is not None
    return plan.plan(
        findings, train.truths.task, len(train), opened.mirror, f"{train.name}, as planned"
    )


def view_of(chosen: Recipe) -> View:
    """The view of a recipe; as large as the canvas where it gives no size."""
    view = chosen.view
    assert view.test != "auto", "a recipe that was not decided"
    size = view.size or chosen.canvas.size
    return View(size, view.top, chosen.augment, view.test, view.border)


def place(splits: Splits, canvas: Canvas, talk: Talk, images: str = "auto") -> Splits:
    """Lay every part on its canvases; `images` as in a recipe's `train`."""
    with talk.bar("placing images", len(splits)) as (tick, _):
        held = {"memory": True, "files": False}.get(images)
        parts = {name: on_canvas(part, canvas, tick, held) for name, part in splits.parts.items()}
    return Splits.of(parts)


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


def make_run(
    chosen: Recipe, placed: Splits, task: Task, processes: Processes = ALONE
) -> tuple[Run, Loader]:
    """A run that has not begun and what it learns from. The recipe's device, precision and threads
    are decided already."""
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
    mean, deviation = statistics(train, view.top) if chosen.normalize == "training" else ([], [])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(setup.seed)
        model: nn.Module = models.build(
            chosen.model.name,
            task.outputs,
            chosen.canvas.channels,
            view.size,
            chosen.model.settings,
            mean,
            deviation,
        )
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
    _give_optimizers(run, setup, len(loader))
    return run, loader


def _require_validation(setup: tables.Train, splits: Splits) -> None:
    if splits.val is not None:
        return
    wanted: dict[str, object] = {"goal": setup.goal, "patience": setup.patience}
    wanted["keep.improvements"] = setup.keep.improvements
    schedules = [setup.schedule, *(part.schedule for part in setup.parts.values())]
    wanted["schedule plateau"] = any(how and how.name == "plateau" for how in schedules)
    for name, value in wanted.items():
        if value:
            raise RecipeError(f"train.{name} needs a validation part; data.val = 0.15 makes one")


def _require_compiler() -> None:
    """Raises RecipeError where torch would find no C++ compiler, long after the start."""
    names = [os.environ["CXX"]] if "CXX" in os.environ else ["g++", "clang++", "cl"]
    if not any(map(shutil.which, names)):
        raise RecipeError(
            f"train.compile needs a C++ compiler, and {' or '.join(names)} is not on the PATH; "
            "install one, or set train.compile=false"
        )


def _give_optimizers(run: Run, setup: tables.Train, per_epoch: int) -> None:
    """Each part's optimizer and rate: its own, or those of all."""
    unknown = sorted(setup.parts.keys() - run.part_models.keys())
    if unknown:
        raise UnknownName("part in train.parts", unknown[0], run.part_models)
    for name, part in run.part_models.items():
        tuned = setup.optimizer_of(name)
        run.optimizers[name] = optimizer(part, tuned.name, rate=tuned.rate, **tuned.settings)
    run.rates = rates(setup, run.part_models, per_epoch)


def rates(setup: tables.Train, parts: Iterable[str], per_epoch: int) -> dict[str, Rate]:
    """Each part's rate by its own step, in epochs of so many."""
    found: dict[str, Rate] = {}
    for name in parts:
        how, rate = setup.schedule_of(name), setup.optimizer_of(name).rate
        found[name] = schedule(how.name, rate, per_epoch * setup.epochs, per_epoch, how.settings)
    return found


def decided(chosen: Recipe, splits: Splits) -> Recipe:
    """The recipe with device, precision, threads and where images are held fixed for this machine,
    once and for all."""
    _require_validation(chosen.train, splits)
    if chosen.train.tensorboard:
        require_tensorboard()
    device = choose_device(chosen.train.device)
    precision = chosen.train.precision
    if precision == "auto":
        precision = "bfloat16" if has_bfloat16(device) else "float32"
    threads = chosen.train.threads or torch.get_num_threads()
    images = chosen.train.images
    if images == "auto":
        images = "memory" if fits([*splits.parts.values()], chosen.canvas) else "files"
    fixed = chosen.train.model_copy(
        update={
            "device": device.type,
            "precision": precision,
            "threads": threads,
            "images": images,
        }
    )
    test = chosen.view.test
    if test == "auto":
        test = "mirror" if chosen.augment.flip else "center"
    data = chosen.data
    if data.path is not None:
        data = data.model_copy(update={"path": str(Path(data.path).resolve())})
    if data.split_file is not None:
        data = data.model_copy(update={"split": str(data.split_file.resolve())})
    view = chosen.view.model_copy(update={"test": test})
    return chosen.model_copy(update={"train": fixed, "view": view, "data": data})


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported())
    return False
