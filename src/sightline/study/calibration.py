"""Temperature scaling (Guo et al. 2017): one number, fitted on validation, that makes a
classifier's probabilities what they say. No answer changes by it.

On request a threshold of two classes goes with it. Both are settings of the artifact's task, so
whatever opens the file answers by them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sightline import files, report
from sightline.artifact import NAME, Artifact, open_artifact
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.errors import ArtifactError, DataError, RecipeError
from sightline.evaluation import own_splits
from sightline.metrics.calibration import (
    Reliability,
    brier,
    fitted_temperature,
    negative_log_likelihood,
    reliability,
    tempered,
)
from sightline.metrics.curves import Cuts, cuts
from sightline.predictions import Recording
from sightline.study.scores import answer_by, require_classes, scores_of
from sightline.study.threshold import require, threshold
from sightline.talk import Talk
from sightline.tasks import Raw
from sightline.training import events

SAID = ("precision", "recall", "f1", "accuracy")  # of a threshold
FIGURES = ("loss", "ece", "brier")
Answers = tuple[NDArray[np.float32], NDArray[np.int64]]  # scores (n, k), truths (n,)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What a temperature does.

    images     of validation, where it was fitted, and of test
    figures    of each part, (before, after): loss (mean negative log likelihood), ece, brier
    diagrams   reliability before and after, on test, or on validation where there is no test part
    threshold  for two classes: from which probability of the second on to say so, by a rule on
               validation; by the greatest F1 where none was asked for
    rule       that was asked for; None where the model goes on answering by the likelier class
    answers    of each part with both classes, precision and more at 0.5 and at the threshold
    """

    path: Path
    temperature: float
    images: dict[str, int]
    figures: dict[str, dict[str, tuple[float, float]]]
    diagrams: tuple[Reliability, Reliability]
    threshold: float | None
    rule: str | None
    answers: dict[str, tuple[dict[str, float], dict[str, float]]]

    def to_dict(self) -> dict[str, Any]:
        found = {
            "temperature": self.temperature,
            "images": self.images,
            "figures": {part: dict(each) for part, each in self.figures.items()},
            "before": self.diagrams[0].to_dict(),
        }
        found |= {} if self.threshold is None else {"threshold": self.threshold}
        return found | ({} if self.rule is None else {"rule": self.rule, "answers": self.answers})

    def to_text(self) -> str:
        """A few lines: the temperature, and what it did to each part."""
        said = "too sure" if self.temperature > 1 else "not sure enough"
        lines = [
            f"temperature {self.temperature:.3f}, fitted on {self.images['val']:,} validation "
            f"images: the answers were {said}"
        ]
        names = {"val": "validation", "test": "test"}
        for part, each in self.figures.items():
            pairs = [f"{name} {was:.4f} -> {now:.4f}" for name, (was, now) in each.items()]
            lines.append(f"{names[part]:<10} ({self.images[part]:,} images)  {'  '.join(pairs)}")
        if self.threshold is not None:
            rule = "the greatest F1 on validation; --threshold f1 lets the model answer by it"
            rule = rule if self.rule is None else f"{self.rule}; the model answers by it"
            lines.append(f"threshold  {self.threshold:.3f}, of {rule}")
        for part, (half, at) in self.answers.items() if self.rule is not None else ():
            pairs = [f"{name} {half[name]:.4f} -> {at[name]:.4f}" for name in SAID]
            lines.append(f"{names[part]:<10} ({self.images[part]:,} images)  {'  '.join(pairs)}")
        return "\n".join(lines)


def calibrate(model: Path, to: Path | None, talk: Talk, rule: str | None = None) -> Calibrated:
    """Fit a run's or model file's temperature on its own validation part, and write it down.

    to    a new model file; else the model itself is given the temperature, and of a run its
          predictions.csv, test figures and report are brought up to date
    rule  of two classes: by which the model is to answer from here on, as `threshold.threshold`
          takes it; "none" for the likelier class; None for the rule that it has

    A model that has a temperature already is fitted anew. Raises RecipeError for what is no rule,
    ArtifactError for another task, DataError where the model's data are not at hand or have no
    validation part, OutputError.
    """
    if to is not None and to.exists():
        raise files.exists_already(to)
    if rule not in (None, "none"):
        require(str(rule))
    artifact = open_artifact(model)
    require_classes(artifact)
    if rule not in (None, "none") and len(artifact.classes) != 2:
        raise RecipeError(f"a threshold is of two classes; {model} has {len(artifact.classes)}")
    if "recipe" not in artifact.header:
        raise DataError(f"{model}: was not trained here, so it has no validation part to fit on")
    splits = own_splits(artifact, talk)
    if splits.val is None:
        raise DataError(f"{model}: no validation part to fit on; data.val = 0.15 makes one")
    if rule is None:
        rule = artifact.header.get("calibration", {}).get("rule")
    rule = None if rule == "none" else rule
    answer_by(artifact, 1.0, None)
    parts = {"val": splits.val} | ({"test": splits.test} if splits.test is not None else {})
    found: dict[str, Answers] = {}
    for name, part in parts.items():
        with talk.bar(f"predicting {name}", len(part)) as (tick, _):
            found[name] = scores_of(artifact, part, tick)
    assert artifact.path is not None
    calibrated = fitted(to or artifact.path, found, rule)
    used = None if rule is None else calibrated.threshold
    answer_by(artifact, calibrated.temperature, used)
    _save(artifact, calibrated, found, splits, to)
    return calibrated


def fitted(path: Path, found: dict[str, Answers], rule: str | None = None) -> Calibrated:
    """What comes of the answers for "val" and, if there, "test"."""
    temperature = fitted_temperature(*found["val"])
    after = {part: tempered(scores, temperature) for part, (scores, _) in found.items()}
    figures = {}
    for part, (scores, truth) in found.items():
        was, now = (_figures(each, truth) for each in (scores, after[part]))
        figures[part] = {name: (was[name], now[name]) for name in FIGURES}
    shown = "test" if "test" in found else "val"
    truth = found[shown][1]
    diagrams = _diagram(found[shown][0], truth), _diagram(after[shown], truth)
    images = {part: len(truth) for part, (_, truth) in found.items()}
    curves = _curves(found, after)
    if rule is not None and "val" not in curves:
        raise DataError("a threshold is chosen on validation, which has images of one class alone")
    at = threshold(rule or "f1", curves["val"]) if "val" in curves else None
    answers = {} if at is None else {p: (cut.at(0.5), cut.at(at)) for p, cut in curves.items()}
    return Calibrated(path, temperature, images, figures, diagrams, at, rule, answers)


def _curves(found: dict[str, Answers], after: dict[str, NDArray[np.float64]]) -> dict[str, Cuts]:
    """Of the parts with images of both of two classes; the probabilities as the model gives them,
    in single precision."""
    return {
        part: cuts(truth, after[part][:, 1].astype(np.float32))
        for part, (_, truth) in found.items()
        if after[part].shape[1] == 2 and len(np.unique(truth)) == 2
    }


def _figures(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> dict[str, float]:
    likelihood = negative_log_likelihood(scores, truth)
    return {
        "loss": likelihood,
        "ece": _diagram(scores, truth).ece,
        "brier": brier(scores, truth),
    }


def _diagram(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> Reliability:
    return reliability(scores.max(1), scores.argmax(1) == truth)


def _save(
    artifact: Artifact,
    calibrated: Calibrated,
    found: dict[str, Answers],
    splits: Splits,
    to: Path | None,
) -> None:
    recording: Recording | None = None
    if splits.test is not None:
        recording = _recorded(artifact, splits.test, found["test"][0])
        artifact.header["test"] = recording.result()
    artifact.header["calibration"] = calibrated.to_dict()
    assert artifact.path is not None
    run = artifact.run
    if to is not None or run is None:
        artifact.save(to or artifact.path)
        return
    with files.output_errors(run), files.locked(run):
        artifact.save(run / NAME)
        if recording is None:
            return
        if "ensemble" in artifact.header:  # which has no events, and no report
            files.write_text(run / "predictions.csv", recording.text())
            return
        tested = [event for event in events.read(run) if event.get("event") == "test"]
        if not tested:
            raise ArtifactError(f"{run}: its events tell of no test")
        files.write_text(run / "predictions.csv", recording.text())
        again = {"figures": recording.result(), "calibration": calibrated.to_dict()}
        events.append(run, tested[-1] | again)
    report.write(run, splits.test)


def _recorded(artifact: Artifact, test: Dataset, scores: NDArray[np.float32]) -> Recording:
    """The answers at the new temperature, as rows and figures."""
    task = artifact.predictor.task
    meter = Recording(task.meter(), test)
    answers = task.decode(Raw({"scores": torch.from_numpy(scores)}))
    rows = range(len(test))
    meter.update(answers, [test.truths.at(i) for i in rows], list(rows))
    return meter
