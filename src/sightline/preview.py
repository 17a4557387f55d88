"""What training would see of a set, before any of it is trained: its canvas and view, with words.

`sightline data show SET --augment` draws them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from sightline import recipe, tables
from sightline.data import catalog
from sightline.data.augment import PRESETS, Augment
from sightline.data.canvas import Canvas
from sightline.data.check import Findings, examine
from sightline.data.dataset import Dataset, Subset
from sightline.data.showing import needs_room
from sightline.data.split import Splits, class_counts
from sightline.data.views import View
from sightline.errors import DataError, UnknownName
from sightline.overrides import override, setting
from sightline.prepare import Opened, make_plan
from sightline.types import Size

LOOKED = 200  # images from which a plan's canvas is judged
LONGEST = 320  # pixels of the canvas for boxes, masks and pairs, which the plan leaves small


@dataclass(frozen=True)
class Preview:
    """The canvas and the view of training; `about` says in a line what may change."""

    canvas: Canvas
    view: View
    about: str


def preview(splits: Splits, what: str, how: str | None, settings: Sequence[str]) -> Preview:
    """What training on an opened set would see.

    what      the user's word for the set
    how       a preset's name, a recipe's, or a recipe file's; None for what the plan would do, or
              the standard preset for boxes, masks and pairs, which it does not plan yet
    settings  as typed, augment.flip=true: they override keys of canvas, view and augment

    Raises UnknownName, RecipeError or DataError.
    """
    planned = how is None or how in PRESETS
    content = _planned(splits, what) if planned else _recipe(cast(str, how))
    if how in PRESETS:
        content["augment"] = asdict(PRESETS[how])
    changes = [setting(text) for text in settings]
    content = override(content, changes) | {"data": {"path": what}}
    chosen = recipe.from_dict(content, how or "the plan", recipe.Recipe)
    seen = chosen.view
    view = View(seen.size or chosen.canvas.size, seen.top, chosen.augment, border=seen.border)
    height, width = view.size
    truths = splits.train.truths
    spacious = needs_room(truths) and truths.task != "landmarks"
    name = "standard" if spacious else "the plan"
    about = f"{how or name}: inputs {width}x{height}, {describe(chosen.augment)}"
    return Preview(chosen.canvas, view, about)


def describe(augment: Augment) -> str:
    """What may change, in a line: "flip, shift 0.1, rotate 15"."""
    parts = []
    for field in fields(augment):
        value = getattr(augment, field.name)
        if value != field.default:
            name = field.name.replace("_", " ")
            said = value if isinstance(value, str) else f"{value:g}"
            parts.append(name if value is True else f"{name} {said}")
    return ", ".join(parts) or "nothing changes"


def _recipe(how: str) -> dict[str, Any]:
    if how.endswith(".toml"):
        return recipe.read(Path(how))
    if how in recipe.names():
        return recipe.named(how)
    raise UnknownName("preset or recipe", how, [*PRESETS, *recipe.names()])


def _planned(splits: Splits, what: str) -> dict[str, Any]:
    """The plan's recipe, judged by a few images instead of all."""
    entry = catalog.DATASETS.get(what)
    mirror = entry is None or entry.mirror
    found = _looked(splits.train)
    opened = Opened(splits, found, [], mirror)
    data = tables.Data(path=what)
    left = 1.0 - (0 if splits.val else data.val) - (0 if splits.test else data.test)
    trained = Subset(splits.train, np.arange(max(1, round(len(splits.train) * left))))
    content = make_plan(opened, replace(splits, train=trained)).content
    truths = splits.train.truths
    if needs_room(truths) and truths.task != "landmarks":  # whose plan is for good
        content["canvas"]["size"] = list(_roomy(found.median_size))
        content["augment"] = asdict(replace(PRESETS["standard"], flip=mirror))
        if splits.train.truths.boxes is not None:  # in a mirrored border objects have no boxes
            content["view"]["border"] = "gray"
    return content


def _looked(train: Dataset) -> Findings:
    rows = np.unique(np.linspace(0, len(train) - 1, min(LOOKED, len(train))).round().astype(int))
    found = examine(Subset(train, rows))
    if not found.images:
        raise DataError(found.unreadable[0][1])
    return replace(found, counts=class_counts(train))


def _roomy(size: Size) -> Size:
    """The median image's size, its longer side at most LONGEST."""
    factor = min(1.0, LONGEST / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
