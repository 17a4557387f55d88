"""What is wrong with a run: the gaps between the errors of its parts, and what its curves say."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightline import monitor, recipe
from sightline.artifact import Artifact
from sightline.data.augment import Augment
from sightline.data.split import Splits
from sightline.evaluation import own_splits
from sightline.recipe import Recipe
from sightline.study.gaps import ADVICE, LEAST, Gap, find_gaps, named
from sightline.study.part_errors import (
    LIMIT,
    RIGHT,
    PartError,
    measure,
    of_one_source,
    require_errors,
)
from sightline.talk import Talk
from sightline.training import events
from sightline.training.remarks import Remark


@dataclass(frozen=True, eq=False)
class RunGaps:
    """model    as the user named it
    human    error as given; None where it is not known, and taken for 0
    view     that all parts were seen through
    answers  what is counted as wrong
    errors   of the parts, in order; `gaps` lie between them
    notes    sentences on what these figures cannot tell
    facts    of the run, beside which the advice is read
    remarks  on its curves
    """

    model: str
    name: str
    human: float | None
    view: str
    answers: str
    errors: tuple[PartError, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    facts: tuple[str, ...]
    remarks: tuple[Remark, ...]

    @property
    def named(self) -> list[Gap]:
        """The faults, largest first."""
        return named(self.gaps)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "run": self.model,
            "data": self.name,
            "human": self.human,
            "view": self.view,
            "answers": self.answers,
            "errors": [error.to_dict() for error in self.errors],
            "gaps": [gap.to_dict() for gap in self.gaps],
            "named": [gap.kind for gap in self.named],
            "advice": {gap.kind: list(ADVICE[gap.kind].tries) for gap in self.named},
            "notes": list(self.notes),
            "facts": list(self.facts),
            "curves": [remark.to_dict() for remark in self.remarks],
        }


def diagnose_run(
    artifact: Artifact,
    model: str,
    talk: Talk,
    human: float | None = None,
    least: float = LEAST,
    limit: int = LIMIT,
) -> RunGaps:
    """Measure a model's error on each part of its own set, and name the gaps.

    human  error that nobody gets below, 0 to 1; None where it is not known
    least  smallest gap that is worth work
    limit  images of a part that are measured; of more, as many are drawn

    Raises ArtifactError for a task without shares of wrong answers, DataError for a model without
    parts of its own, or where they are gone or changed.
    """
    require_errors(artifact, model)
    splits = own_splits(artifact, talk)
    errors = measure(artifact, splits.parts, limit, talk)
    chosen = recipe.from_text(str(artifact.header["recipe"]), model)
    found = find_gaps(errors, human or 0.0, least)
    told = events.read(artifact.run) if artifact.run is not None else []
    network = isinstance(chosen, Recipe)
    remarks: Sequence[Remark] = []
    if network and artifact.run is not None and (artifact.run / events.NAME).is_file():
        remarks = monitor.read(artifact.run).remarks
    exact = RIGHT[artifact.task] == "exact"
    return RunGaps(
        model,
        chosen.data.name or Path(chosen.data.path or splits.train.name).name,
        human,
        str(artifact.predictor.view.test),
        "images with any label wrong" if exact else "images named wrongly",
        tuple(errors),
        tuple(found),
        tuple(_notes(errors, found, splits, human, _selection(told))),
        tuple(_facts(chosen, splits) if isinstance(chosen, Recipe) else _of_learner(chosen)),
        tuple(remarks),
    )


def _selection(told: Sequence[dict[str, Any]]) -> tuple[int, bool] | None:
    """Epochs that were compared on validation, and whether the best one was kept."""
    ends = [event for event in told if event.get("event") == "test"]
    if not ends:
        return None
    compared = sum(bool(epoch.get("val")) for epoch in events.history(told))
    return compared, bool(ends[-1].get("chosen"))


def _notes(
    errors: Sequence[PartError],
    found: Sequence[Gap],
    splits: Splits,
    human: float | None,
    selection: tuple[int, bool] | None,
) -> list[str]:
    """What the figures cannot tell, and what would."""
    notes = []
    by_kind = {gap.kind: gap for gap in found}
    if human is None and by_kind["avoidable bias"].verdict in ("named", "minor"):
        notes.append(
            "human error is not known and taken for 0, so avoidable bias is the most it can be: "
            "--human 0.05 says that people err in 5 %"
        )
    for gap in found:
        if gap.high < 0:
            notes.append(
                f"{gap.end} has a lower error than {gap.start}, beyond chance: its images are "
                "easier, were seen before (`sightline data check`), or much was chosen on them"
                if gap.start != "human"
                else "train has a lower error than the human one given"
            )
    notes += _missing(splits, by_kind)
    last = by_kind.get("overfitting to validation")
    if last is not None and splits.val is not None and splits.test is not None:
        if last.verdict == "named" and not of_one_source(splits.val, splits.test):
            notes.append(
                "validation and test were not drawn from one set: a difference of their images "
                "would look like overfitting to validation"
            )
        if selection is not None:
            compared, kept = selection
            notes.append(
                f"of {compared} epochs compared on validation the best was kept"
                if kept and compared > 1
                else "this run chose no epoch on validation"
            )
    few = [error for error in errors if error.interval[1] - error.interval[0] > 0.1]
    notes += [
        f"{error.part}: {error.images} images leave the error open between "
        f"{100 * error.interval[0]:.1f} and {100 * error.interval[1]:.1f} %"
        for error in few
    ]
    drawn = [f"{e.images:,} of {e.whole:,} {e.part}" for e in errors if e.images < e.whole]
    if drawn:
        notes.append(f"measured on images drawn at random: {', '.join(drawn)}")
    return notes


def _missing(splits: Splits, by_kind: dict[Any, Gap]) -> list[str]:
    """Parts that are not there, and what stays unknown for it."""
    notes = []
    if splits.val is None:
        notes.append("there is no validation part (data.val = 0.15 makes one)")
        if splits.test is not None and splits.train_dev is None:
            notes.append("so variance is test less train, and holds data mismatch too")
    elif (
        splits.train_dev is None
        and by_kind["variance"].verdict in ("named", "minor")
        and not of_one_source(splits.train, splits.val)
    ):
        notes.append(
            "training and validation images come from different places: data mismatch would look "
            "like variance; train again with --set data.train_dev=0.1 to tell them apart"
        )
    if splits.test is None:
        notes.append("there is no test part, so overfitting to validation is not measured")
    return notes


def _facts(chosen: Recipe, splits: Splits) -> list[str]:
    """What of a network's recipe the advice would change."""
    setup = chosen.train
    settings = ", ".join(f"{key} {value}" for key, value in chosen.model.settings.items())
    name = chosen.model.name + (f" ({settings})" if settings else "")
    unchanged = asdict(Augment())
    augment = [key for key, value in asdict(chosen.augment).items() if value != unchanged[key]]
    augmented = ", ".join(augment) or "none"
    begun = f", begun with weights of {chosen.pretrained.model}" if chosen.pretrained else ""
    return [
        f"network {name}{begun}, epochs {setup.epochs}, batches of {setup.batch}",
        f"{setup.optimizer.name} at rate {setup.optimizer.rate:g}, schedule {setup.schedule.name}",
        f"augmentation: {augmented}",
        f"{len(splits.train):,} training images",
    ]


def _of_learner(chosen: recipe.LearnerRecipe) -> list[str]:
    settings = ", ".join(f"{key} {value}" for key, value in chosen.learner.settings.items())
    return [f"learner {chosen.learner.name}" + (f" ({settings})" if settings else "")]
