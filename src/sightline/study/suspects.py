"""Suspects: images whose label is likely wrong, found by models that did not train on them.

Out-of-fold probabilities (`out_of_fold.py`) ranked by confident learning (`confident.py`).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline import recipe
from sightline.asked import open_request
from sightline.data.checking import corrections
from sightline.data.dataset import Dataset
from sightline.data.members import Names
from sightline.data.split import Splits
from sightline.errors import RecipeError
from sightline.learners.features import Source, open_source
from sightline.overrides import Setting, override
from sightline.pace import settled
from sightline.prepare import Opened
from sightline.recipe import LearnerRecipe, Recipe
from sightline.request import Request
from sightline.study import confident, kept, out_of_fold
from sightline.study.confident import Noise, Ranked
from sightline.study.out_of_fold import Probabilities
from sightline.talk import Talk
from sightline.wording import plural

WHOLE = [("data.val", 0.0), ("data.test", 0.0)]  # all that the set does not keep for a test itself
LISTED = 1000  # suspects in to_dict


@dataclass(frozen=True, eq=False)
class Suspects:
    """What was found of the training part of a set.

    train          as it was opened, with a label an image
    members        what each image is called
    probabilities  (n, classes) out of fold
    how            what answered, in a few words
    seconds        it took
    kept           where its folds lie; what is asked again is taken from there
    """

    train: Dataset
    members: list[str]
    probabilities: Probabilities
    noise: Noise
    ranked: Ranked
    how: str
    seconds: float
    kept: Path | None = None

    @property
    def rows(self) -> list[int]:
        """The suspects, the surest first."""
        return self.ranked.order[: int(self.ranked.suspected.sum())].tolist()

    @property
    def accuracy(self) -> float:
        """The share of labels that are the likeliest class."""
        label = self.train.truths.label
        assert label is not None
        return float((self.probabilities.argmax(1) == label).mean())

    def given(self, row: int) -> str:
        label = self.train.truths.label
        assert label is not None
        return self.train.classes[int(label[row])]

    def suggested(self, row: int) -> str:
        return self.train.classes[int(self.ranked.suggested[row])]

    def confidence(self, row: int) -> tuple[float, float]:
        """Probabilities of the suggested and of the given label."""
        label = self.train.truths.label
        assert label is not None
        shares = self.probabilities[row]
        return float(shares[self.ranked.suggested[row]]), float(shares[label[row]])

    def pairs(self, limit: int = 8) -> list[tuple[str, str, int]]:
        """Given label, suggested label, how many suspects: the most frequent first."""
        label = self.train.truths.label
        assert label is not None
        chosen, k = self.rows, len(self.train.classes)
        codes, counts = np.unique(
            label[chosen] * k + self.ranked.suggested[chosen], return_counts=True
        )
        best = np.argsort(-counts, kind="stable")[:limit]
        names = self.train.classes
        return [(names[codes[i] // k], names[codes[i] % k], int(counts[i])) for i in best.tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; at most 1,000 suspects."""
        found = []
        for row in self.rows[:LISTED]:
            confidence, given = self.confidence(row)
            found.append(
                {
                    "member": self.members[row],
                    "source": self.train.source(row),
                    "given": self.given(row),
                    "suggested": self.suggested(row),
                    "confidence": confidence,
                    "given_confidence": given,
                }
            )
        return {
            "set": self.train.name,
            "images": len(self.train),
            "classes": list(self.train.classes),
            "how": self.how,
            "out_of_fold_accuracy": self.accuracy,
            "estimated_wrong": self.noise.rate,
            "noise_matrix": self.noise.given_truth.tolist(),
            "count": len(self.rows),
            "suspects": found,
            "seconds": self.seconds,
            "kept": None if self.kept is None else str(self.kept),
        }


def find(
    request: Request,
    settings: Sequence[Setting],
    k: int,
    talk: Talk,
    keep: Path | None = None,
    given: Opened | None = None,
) -> Suspects:
    """Look for wrong labels in the training part of a set (the whole where it has no test part).

    settings  change the plan; `learner.name` takes a learner in place of a network. Without
              train.epochs a network trains for a few (`out_of_fold.epochs_for`)
    k         folds, 2 or more
    keep      where folds that are done lie, below a folder of this request's own; by default in
              the user's cache, of which what was not used for longest goes beyond kept.LIMIT
    given     data from Python, in place of what the request names

    Raises Stopped by Ctrl-C, what was done is kept; SightlineError as training does.
    """
    began = time.monotonic()
    if not request.planned:
        raise RecipeError(f"{request.name} is a recipe; name a set, or a path with a slash")
    device, settings = _device(settings)
    asked = open_request(request, [*WHOLE, *settings], talk, given)
    train = asked.splits.train
    if train.truths.label is None:
        raise RecipeError(f"{train.name} is for {train.truths.task}; labels are of classification")
    if asked.opened.findings is not None:
        talk.say(asked.opened.findings.sentence())
    chosen: Recipe | LearnerRecipe
    source: Source | None = None
    if "learner" in asked.content:
        chosen = recipe.from_dict(asked.content, asked.origin, LearnerRecipe)
        source = open_source(chosen.features, device, talk) if chosen.features else None
        answer = out_of_fold.learner(chosen, train, source, talk)
        sees = f"features of {chosen.features.model}" if chosen.features else "pixels"
        how = f"{chosen.learner.name} on {sees}"
    else:
        chosen = _network(asked.content, asked.origin, settings, train, k)
        answer = out_of_fold.network(chosen, train, talk)
        how = f"{chosen.model.name}, {plural(chosen.train.epochs, 'epoch')} each"
    folder = (keep or kept.usual()) / out_of_fold.key_of(train, chosen, k, source)
    talk.say(f"{k} folds: {how}; those that are done are kept in {folder}")
    with kept.in_use(folder):
        try:
            shares = out_of_fold.out_of_fold(train, answer, k, chosen.data.seed, talk, folder)
        finally:
            if keep is None:
                kept.prune(kept.usual())
    assert train.truths.label is not None
    noise = confident.noise(train.truths.label, shares)
    ranked = confident.ranked(train.truths.label, shares, found=noise)
    members = Names(asked.opened.splits).of(train)
    seconds = time.monotonic() - began
    return Suspects(train, members, shares, noise, ranked, f"{k} folds, {how}", seconds, folder)


def _device(settings: Sequence[Setting]) -> tuple[str, list[Setting]]:
    """Where to compute; and the settings, without it for a learner, which has no such key."""
    device = next((str(value) for key, value in settings if key == "train.device"), "auto")
    learned = any(key.startswith("learner.") for key, _ in settings)
    return device, [s for s in settings if not (learned and s[0] == "train.device")]


def _network(
    content: dict[str, Any], origin: str, settings: Sequence[Setting], train: Dataset, k: int
) -> Recipe:
    """The recipe, its epochs few, fixed for this machine."""
    whole = recipe.from_dict(content, origin, Recipe)
    if not any(key == "train.epochs" for key, _ in settings):
        trained = len(train) - len(train) // k
        epochs = out_of_fold.epochs_for(trained, whole.train.batch)
        whole = recipe.from_dict(override(content, [("train.epochs", epochs)]), origin, Recipe)
    return settled(whole, Splits(train))[0]


def write_list(path: Path, found: Suspects) -> None:
    """Write the suspects as a list of corrections: `data check --fix OUT --labels FILE` reads it.

    Columns: member, label (the suggested one), given, confidence, given_confidence. Raises
    OutputError where `path` is taken.
    """
    rows = []
    for row in found.rows:
        shares = [f"{share:.4f}" for share in found.confidence(row)]
        rows.append([found.members[row], found.suggested(row), found.given(row), *shares])
    header = [*corrections.COLUMNS, "given", "confidence", "given_confidence"]
    corrections.write(path, header, rows)
