"""Preparations: from a recipe to data in parts, on canvases, and what was left to the machine."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import plan, tables, tasks
from sightline.data import catalog, members
from sightline.data.canvas import Canvas
from sightline.data.check import Findings, examine, without_unreadable
from sightline.data.checking import objects
from sightline.data.dataset import Dataset, Subset
from sightline.data.landmarks import require_partners
from sightline.data.opening import Hints, open_path
from sightline.data.placing import fits, on_canvas
from sightline.data.split import Splits, book_split, class_counts, cut, fold, folded
from sightline.data.views import View
from sightline.errors import DataError, RecipeError
from sightline.predictor import choose_device, require_views
from sightline.recipe import Recipe
from sightline.talk import Talk
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
    remarks     a line on each thing that is odd about its objects
    sizes       (n, 2) height and width of the images of train, where they were looked at and the
                set is no named one
    """

    splits: Splits
    findings: Findings | None
    unreadable: list[str]
    mirror: bool
    absent: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    sizes: NDArray[np.int64] | None = None


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
        return _with_sound_objects(Opened(splits, None, [], mirror), None, data.negatives)
    opened, sizes = _looked(splits, data.quarantine, talk, mirror)
    # Named sets are opened again without a look, and must be the same then.
    return _with_sound_objects(opened, None if data.name else sizes, data.negatives)


def open_arrays(dataset: Dataset, talk: Talk) -> Opened:
    """A set given from Python, looked at."""
    opened, sizes = _looked(Splits(dataset), False, talk, True)
    return _with_sound_objects(opened, sizes, True)


def _with_sound_objects(
    opened: Opened, sizes: dict[str, NDArray[np.int64]] | None, negatives: bool
) -> Opened:
    """The set with boxes that can be trained on; `sizes` of each part's images, where trusted."""
    before = opened.splits
    found = objects.sound(before.parts, sizes, negatives)
    absent = set(opened.absent)
    if found.bare:
        names = members.Names(before)
        for name, rows in found.bare.items():
            absent |= set(names.of(Subset(before.parts[name], rows)))
    of_train = None if sizes is None else sizes["train"]
    if of_train is not None and "train" in found.bare:
        of_train = np.delete(of_train, found.bare["train"], 0)
    return replace(
        opened,
        splits=Splits.of(found.parts),
        absent=frozenset(absent),
        remarks=found.remarks,
        sizes=of_train,
    )


def _looked(
    splits: Splits, quarantine: bool, talk: Talk, mirror: bool
) -> tuple[Opened, dict[str, NDArray[np.int64]]]:
    """The set without what cannot be read, and the sizes of what can, by part."""
    parts = splits.parts
    objects.require_known_classes(parts)
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
    opened = Opened(Splits.of(kept), findings, unreadable, mirror, frozenset(absent))
    return opened, {name: found[name].sizes for name in kept}


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


def _require_validation(setup: tables.Train, splits: Splits) -> None:
    if splits.val is not None:
        return
    wanted: dict[str, object] = {"goal": setup.goal, "patience": setup.patience}
    wanted["keep.improvements"] = setup.keep.improvements
    schedules = [setup.schedule, *(part.schedule for part in setup.parts.values())]
    schedules += [stage.schedule for stage in setup.stages]
    wanted["schedule plateau"] = any(how and how.name == "plateau" for how in schedules)
    for name, value in wanted.items():
        if value:
            raise RecipeError(f"train.{name} needs a validation part; data.val = 0.15 makes one")


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
    if chosen.task == "landmarks":
        if chosen.augment.flip:
            require_partners(splits.train.classes, "augment.flip", "set augment.flip=false")
        require_views(splits.train.classes, test, "view.test")
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
