"""Learning curves: the error on train and val against the share of the training images used.

DIR/  asked.json  learning-curve.json  index.html  share-0.1.csv  share-0.1/ … share-1/, run folders

Each share holds the smaller ones, drawn by class with a seed, and lies in a split file. All are
validated on the same images; the test part is not looked at. All train for the same number of
optimizer steps (`same = "steps"`): with the same epochs a tenth of the images gets a tenth of the
steps, and what is missing there is training, not data.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightline import chance, experiment, files, recipe
from sightline.artifact import NAME, open_artifact
from sightline.asked import Asked, claimed, open_request
from sightline.data import members, partition
from sightline.data.dataset import Dataset, Subset
from sightline.errors import ArtifactError, RecipeError
from sightline.evaluation import own_splits
from sightline.overrides import Setting, override
from sightline.request import Request
from sightline.study.part_errors import LIMIT, RIGHT, PartError, measure
from sightline.talk import Silent, Talk

Same = Literal["steps", "epochs"]
ASKED = "asked.json"
SPLITTING = ("split", "val", "test", "train_dev", "folds", "fold", "group", "seed")
PER_EPOCH = ("every", "interval", "epochs", "warmup", "patience", "cooldown")  # of a schedule
BY_EPOCH = ("exponential", "inverse_root")  # whose decay counts epochs
MOST = 100_000  # epochs of a recipe


@dataclass(frozen=True)
class Wanted:
    """shares  of the training part, rising, above 0 to 1
    repeat  draws of each share, each with another seed of its weights
    same    what all shares have alike: optimizer steps, or epochs
    limit   images of a part that are measured
    """

    shares: tuple[float, ...]
    repeat: int = 1
    same: Same = "steps"
    limit: int = LIMIT


@dataclass(frozen=True)
class Point:
    """One run.

    images, epochs  trained on and for; 0 epochs of a learner, which is fitted at once
    """

    share: float
    draw: int
    run: Path
    images: int
    epochs: int
    train: PartError
    val: PartError

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "share": self.share,
            "draw": self.draw,
            "run": str(self.run),
            "images": self.images,
            "epochs": self.epochs,
            "train": self.train.to_dict(),
            "val": self.val.to_dict(),
        }


def measure_curve(
    request: Request,
    settings: Sequence[Setting],
    wanted: Wanted,
    to: Path | None,
    quarantine: bool,
    talk: Talk,
) -> tuple[Path, list[Point]]:
    """Train a run a share and draw, and measure each; the folder, and the points by share.

    The folder is `to`, or the next free runs/NAME. Asked again with `to` and the same settings,
    what is finished stays, what was interrupted is resumed, and more shares or draws are added.
    Raises Stopped as training does, and RecipeError where `to` holds another curve.
    """
    _require_sound(wanted)
    settings = [*settings, ("data.quarantine", True)] if quarantine else [*settings]
    signed = {"content": request.content, "settings": settings, "same": wanted.same}
    text = json.dumps(signed, indent=1, default=str) + "\n"
    asked = open_request(request, settings, talk)
    recipe.of_either(asked.content, asked.origin)  # what is wrong with it, at once
    train = asked.splits.train
    if train.truths.task not in RIGHT:
        raise RecipeError(
            f"{train.name} is for {train.truths.task}; learning curves are drawn of shares of "
            f"wrong answers, of {' and '.join(RIGHT)}"
        )
    if asked.splits.val is None:
        raise RecipeError(
            "a learning curve needs a validation part; data.val = 0.15 makes one (--set)"
        )
    for share in wanted.shares:
        _require_enough(train, share)
    contents = {
        share: _content(asked, wanted, len(train), len(_share(train, share, 0)), share)
        for share in wanted.shares
    }
    folder = _folder(to, request.name, text)
    points = []
    for share in wanted.shares:
        for draw in range(1, wanted.repeat + 1):
            name = f"share-{share:g}" + (f"-{draw}" if draw > 1 else "")
            talk.say(f"{name}: {len(_share(train, share, draw - 1)):,} of {len(train):,} images")
            content = _drawn(contents[share], asked, folder / f"{name}.csv", share, draw)
            _carry_out(content, folder / name, asked, talk)
            points.append(_measured(folder / name, share, draw, wanted.limit))
    return folder, points


def _require_sound(wanted: Wanted) -> None:
    rising = all(a < b for a, b in zip(wanted.shares, wanted.shares[1:], strict=False))
    if len(wanted.shares) < 2 or not rising or not 0 < wanted.shares[0] <= wanted.shares[-1] <= 1:
        said = ",".join(f"{share:g}" for share in wanted.shares)
        raise RecipeError(f"--shares {said}: two or more, rising, above 0 and at most 1")


def _require_enough(train: Dataset, share: float) -> None:
    if len(_share(train, share, 0)) < 2:
        raise RecipeError(f"--shares {share:g} of {len(train)} images leaves nothing to train on")


def _share(train: Dataset, share: float, draw: int) -> NDArray[np.int64]:
    """Sorted rows of a share of the training part, of each class at least one image; of one draw
    the smaller shares lie within the larger ones."""
    classes = partition.strata(train)
    groups = np.zeros(len(train), np.int64) if classes is None else classes
    kept = []
    for group in np.unique(groups).tolist():
        rows = np.flatnonzero(groups == group)
        order = chance.permutation(draw, group, len(rows), "share")
        kept.append(rows[order[: max(1, round(share * len(rows)))]])
    return np.sort(np.concatenate(kept))


def _content(asked: Asked, wanted: Wanted, whole: int, images: int, share: float) -> dict[str, Any]:
    """The recipe of a share: as that of all images, for as many steps or epochs."""
    data = {key: value for key, value in asked.content["data"].items() if key not in SPLITTING}
    content = deepcopy(asked.content | {"data": data})
    if "train" not in content:  # a learner, fitted at once
        return content
    setup = content["train"]
    setup["test"] = False
    if wanted.same == "epochs" or share == 1:
        return content
    batch = setup.get("batch", 32)
    factor = _batches(whole, batch) / _batches(images, batch)
    setup["epochs"] = _scaled(setup["epochs"], factor)
    if setup.get("patience"):
        setup["patience"] = _scaled(setup["patience"], factor)
    for stage in setup.get("stages", []):
        if "epochs" in stage:
            stage["epochs"] = _scaled(stage["epochs"], factor)
    parts = [setup, *setup.get("parts", {}).values(), *setup.get("stages", [])]
    for part in parts:
        _scale(part.get("schedule", {}), factor)
    return content


def _scale(schedule: dict[str, Any], factor: float) -> None:
    """Its epochs, on a part whose epochs are shorter by a factor; changed in place."""
    by_epoch = schedule.get("name") == "time" and schedule.get("per", "update") != "update"
    if schedule.get("name") in BY_EPOCH or by_epoch:
        raise RecipeError(
            f"schedule {schedule['name']} decays by epochs, which differ between shares of as "
            "many steps; ask for --same epochs, or another schedule"
        )
    for key in PER_EPOCH:
        if key in schedule:
            schedule[key] = _scaled(schedule[key], factor)


def _batches(images: int, batch: int) -> int:
    """Of an epoch: a single image that is left makes none."""
    whole, rest = divmod(images, batch)
    return max(1, whole + (rest >= 2))


def _scaled(value: Any, factor: float) -> Any:
    """Epochs, or a list of them, on a part whose epochs are shorter by a factor."""
    if isinstance(value, list):
        return [_scaled(each, factor) for each in value]
    if isinstance(value, float):
        return value * factor
    return min(MOST, max(1, round(value * factor))) if value else value


def _drawn(
    content: dict[str, Any], asked: Asked, file: Path, share: float, draw: int
) -> dict[str, Any]:
    """The recipe of one draw of a share, its split file written."""
    train = asked.splits.train
    content = override(content, [("data.split", str(file.resolve()))])
    seeded = "train" if "train" in content else "learner"
    if draw > 1:
        content[seeded]["seed"] = int(content[seeded].get("seed", 0)) + draw - 1
    if not file.exists():
        parts = asked.splits.parts | {"train": Subset(train, _share(train, share, draw - 1))}
        members.write(file, asked.opened.splits, parts)
    return content


def _carry_out(content: dict[str, Any], run: Path, asked: Asked, talk: Talk) -> None:
    """Train a run, or go on with it, or leave it as it is."""
    if (run / NAME).exists():
        talk.say(f"{run} is there already")
    elif (run / "checkpoints").exists():
        experiment.resume(run, (), talk, asked.opened)
    elif run.exists():
        raise ArtifactError(f"{run}: was begun but holds no checkpoint; remove it and ask again")
    else:
        request = Request(content, run.name, planned=False)
        experiment.train(request, [], run, False, talk, asked.opened)


def _folder(to: Path | None, name: str, text: str) -> Path:
    """The folder, claimed and signed; or the one that was, for the same."""
    if to is not None and (to / ASKED).is_file():
        if (to / ASKED).read_text("utf-8") != text:
            raise RecipeError(f"{to} holds another learning curve (see {ASKED}); choose another")
        return to
    folder = claimed(to, name)
    with files.output_errors(folder):
        files.write_text(folder / ASKED, text)
    return folder


def _measured(run: Path, share: float, draw: int, limit: int) -> Point:
    """A run's errors on what it was trained on and on validation."""
    artifact = open_artifact(run)
    splits = own_splits(artifact, Silent())
    parts = {name: part for name, part in splits.parts.items() if name in ("train", "val")}
    train, val = measure(artifact, parts, limit, Silent())
    chosen = recipe.from_text(str(artifact.header["recipe"]), str(run))
    epochs = chosen.train.epochs if isinstance(chosen, recipe.Recipe) else 0
    return Point(share, draw, run, len(splits.train), epochs, train, val)
