"""Temperature scaling (Guo et al. 2017): one number, fitted on validation, that makes a
classifier's probabilities what they say. No answer changes.

The temperature is a setting of the artifact's task, so whatever opens the file answers by it.
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
from sightline.errors import ArtifactError, DataError
from sightline.evaluation import own_splits
from sightline.metrics.calibration import (
    Reliability,
    brier,
    fitted_temperature,
    negative_log_likelihood,
    reliability,
    tempered,
)
from sightline.metrics.curves import best_f1, cuts
from sightline.predictions import Recording
from sightline.study.scores import give_temperature, require_classes, scores_of
from sightline.talk import Talk
from sightline.tasks import Raw
from sightline.training import events

FIGURES = ("loss", "ece", "brier")
Answers = tuple[NDArray[np.float32], NDArray[np.int64]]  # scores (n, k), truths (n,)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What a temperature does.

    images     of validation, where it was fitted, and of test
    figures    of each part, (before, after): loss (mean negative log likelihood), ece, brier
    diagrams   reliability before and after, on test, or on validation where there is no test part
    threshold  for two classes: from which probability of the second on to say so, for the greatest
               F1 on validation
    """

    path: Path
    temperature: float
    images: dict[str, int]
    figures: dict[str, dict[str, tuple[float, float]]]
    diagrams: tuple[Reliability, Reliability]
    threshold: float | None

    def to_dict(self) -> dict[str, Any]:
        found = {
            "temperature": self.temperature,
            "images": self.images,
            "figures": {part: dict(each) for part, each in self.figures.items()},
            "before": self.diagrams[0].to_dict(),
        }
        return found | ({} if self.threshold is None else {"threshold": self.threshold})

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
            lines.append(f"threshold  {self.threshold:.3f}, of the greatest F1 on validation")
        return "\n".join(lines)


def calibrate(model: Path, to: Path | None, talk: Talk) -> Calibrated:
    """Fit a run's or model file's temperature on its own validation part, and write it down.

    to  a new model file; else the model itself is given the temperature, and of a run its
        predictions.csv, test figures and report are brought up to date

    A model that has a temperature already is fitted anew. Raises ArtifactError for another task,
    DataError where the model's data are not at hand or have no validation part, OutputError.
    """
    if to is not None and to.exists():
        raise files.exists_already(to)
    artifact = open_artifact(model)
    require_classes(artifact)
    if "recipe" not in artifact.header:
        raise DataError(f"{model}: was not trained here, so it has no validation part to fit on")
    splits = own_splits(artifact, talk)
    if splits.val is None:
        raise DataError(f"{model}: no validation part to fit on; data.val = 0.15 makes one")
    give_temperature(artifact, 1.0)
    parts = {"val": splits.val} | ({"test": splits.test} if splits.test is not None else {})
    found: dict[str, Answers] = {}
    for name, part in parts.items():
        with talk.bar(f"predicting {name}", len(part)) as (tick, _):
            found[name] = scores_of(artifact, part, tick)
    assert artifact.path is not None
    calibrated = fitted(to or artifact.path, found)
    give_temperature(artifact, calibrated.temperature)
    _save(artifact, calibrated, found, splits, to)
    return calibrated


def fitted(path: Path, found: dict[str, Answers]) -> Calibrated:
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
    threshold = None
    truth = found["val"][1]
    if after["val"].shape[1] == 2 and len(np.unique(truth)) == 2:
        threshold = best_f1(cuts(truth, after["val"][:, 1]))
    return Calibrated(path, temperature, images, figures, diagrams, threshold)


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
