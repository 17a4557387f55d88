"""A request opened: the content of its recipe, planned where it names a set, and its data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from sightline import files, recipe, tables
from sightline.data.canvas import Canvas
from sightline.data.checking import objects
from sightline.data.split import Splits
from sightline.errors import DataError
from sightline.fine_tuning import plan_for
from sightline.overrides import Setting, override
from sightline.plan import for_learner
from sightline.prepare import Opened, make_plan, open_data, split_data
from sightline.processes import ALONE, Processes
from sightline.provenance import split_sentence
from sightline.recipe import DataOnly, PretrainedOnly
from sightline.request import Request
from sightline.talk import Talk

RUNS = Path("runs")


@dataclass(frozen=True, eq=False)
class Asked:
    """content  of the recipe, not yet validated
    origin   what an error says it comes from
    reasons  sentences of the plan, if it was planned
    split    how the parts came about, in a sentence
    """

    content: dict[str, Any]
    origin: str
    data: tables.Data
    opened: Opened
    splits: Splits
    reasons: list[str]

    @property
    def split(self) -> str:
        return split_sentence(self.opened, self.data, self.splits)

    @property
    def remarks(self) -> tuple[str, ...]:
        """A line on each thing that is odd about the set's objects."""
        opened, canvas = self.opened, self.content.get("canvas")
        if opened.sizes is None or not isinstance(canvas, dict):
            return opened.remarks
        on_it = TypeAdapter(Canvas).validate_python(canvas)
        tiny = objects.tiny(opened.splits.train, opened.sizes, on_it)
        return opened.remarks + ((tiny,) if tiny else ())


def open_request(
    request: Request,
    settings: Sequence[Setting],
    talk: Talk,
    given: Opened | None = None,
    processes: Processes = ALONE,
) -> Asked:
    """Open the data of a request, and plan where it names no recipe; `settings` override both.

    given  data from Python, in place of what the request names
    Raises SightlineError for anything that is not as it should be.
    """
    content = override(request.content, settings)
    data = recipe.from_dict({"data": content.get("data", {})}, request.name, DataOnly).data
    opened = given or processes.in_turn(partial(open_data, data, talk, request.planned))
    splits = split_data(opened, data)
    boxes = splits.train.truths.boxes
    if boxes is not None and not len(boxes.boxes):
        raise DataError(
            f"{splits.train.name}: no box in any of its {len(boxes)} training images; there is "
            "nothing to learn to find"
        )
    points = splits.train.truths.landmarks
    if points is not None and splits.train.truths.task == "landmarks" and np.isnan(points).all():
        raise DataError(
            f"{splits.train.name}: no landmark is visible in any of its {len(points)} training "
            "images; there is nothing to learn to find"
        )
    if not request.planned:
        return Asked(content, request.name, data, opened, splits, [])
    planned = make_plan(opened, splits)
    if "learner" in content:
        planned = for_learner(planned)
    elif "pretrained" in content:
        table = recipe.from_dict({"pretrained": content["pretrained"]}, "--from", PretrainedOnly)
        epochs = dict(settings).get("train.epochs")
        epochs = epochs if type(epochs) is int and epochs > 0 else None  # else refused below
        planned = plan_for(planned, table.pretrained, splits.train, talk, epochs)
    content = override(planned.content | {"data": content["data"]}, settings)
    reasons = planned.reasons + [f"as you say: {key} = {value}" for key, value in settings]
    return Asked(content, "the plan", data, opened, splits, reasons)


def tell(asked: Asked, talk: Talk) -> None:
    """What was found in the data, how it is split, and why the plan is as it is."""
    if asked.opened.findings is not None:
        talk.say(asked.opened.findings.sentence())
    for remark in asked.remarks:
        talk.say(remark)
    talk.say(f"split: {asked.split}")
    unreadable = len(asked.opened.unreadable)
    if unreadable:
        talk.say(f"going on without {unreadable} unreadable files (in the report)")
    if asked.reasons:
        talk.say("\n  ".join(["the plan", *asked.reasons]))


def require_free(to: Path | None) -> None:
    """Raise OutputError where a run folder that was asked for is there already."""
    if to is not None:
        with files.output_errors(to):
            if to.exists():
                raise files.exists_already(to)


def claimed(to: Path | None, name: str) -> Path:
    """A new run folder: the one asked for, or the next free runs/NAME."""
    return files.claim_folder(to) if to else files.claim_next_folder(RUNS, name)
