"""How many of 5 % flipped labels are among the 5 % that confident learning suspects most?

Labels of MNIST's (or another set's) training part are flipped to another class, drawn evenly with a
seed; out-of-fold probabilities come from a small network, and images are ranked by
`sightline.study.confident`. Beside it, from the same probabilities: ranking by the label's
probability alone, and cleanlab where somebody installed it by hand (earlier versions are AGPL-3.0:
it is no dependency of sightline's, for tests neither). Aim: at least 0.7 found; a random order
finds 0.05.
"""

import argparse
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightline.data import catalog
from sightline.data.check import examine
from sightline.data.dataset import Subset
from sightline.data.split import Splits
from sightline.overrides import setting
from sightline.prepare import Opened
from sightline.request import Request
from sightline.study import confident, suspects
from sightline.talk import Terminal

QUESTION = __doc__.splitlines()[0]


def flipped(train: Any, share: float, seed: int) -> tuple[Subset, np.ndarray]:
    """The set with a share of its labels moved to another class, and which they are."""
    rng = np.random.default_rng(seed)
    noisy = Subset(train, np.arange(len(train)))
    rows = rng.choice(len(train), round(share * len(train)), replace=False)
    label = train.truths.label.copy()
    label[rows] = (label[rows] + rng.integers(1, len(train.classes), len(rows))) % len(
        train.classes
    )
    noisy.truths = replace(train.truths, label=label)
    odd = np.zeros(len(train), np.bool_)
    odd[rows] = True
    return noisy, odd


def scores(found: suspects.Suspects, odd: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """The share of the flipped labels found, by several rankings."""
    label = found.train.truths.label
    assert label is not None
    many = int(odd.sum())
    out: dict[str, Any] = {}
    for prune in ("both", "class", "noise-rate"):
        for order in ("margin", "self-confidence"):
            ranked = confident.ranked(label, found.probabilities, prune, order)  # type: ignore[arg-type]
            out[f"found, {prune}, {order}"] = round(float(odd[ranked.order[:many]].mean()), 4)
    ranked = found.ranked
    rows = found.rows
    out |= {
        "suspects": len(rows),
        "precision of the suspects": round(float(odd[rows].mean()), 4),
        "recall of the suspects": round(float(odd[rows].sum() / many), 4),
        "right suggestion for the flipped": round(
            float((ranked.suggested[odd] == truth[odd]).mean()), 4
        ),
        "estimated share of wrong labels": round(found.noise.rate, 4),
        "agreement out of fold": round(found.accuracy, 4),
    }
    return out | cleanlab(label, found, odd)


def cleanlab(label: np.ndarray, found: suspects.Suspects, odd: np.ndarray) -> dict[str, Any]:
    try:
        from cleanlab.count import compute_confident_joint, estimate_joint
        from cleanlab.filter import find_label_issues
    except ImportError:
        return {"cleanlab": "not installed"}
    shares = found.probabilities.astype(np.float64)
    shares /= shares.sum(1, keepdims=True)
    counts = compute_confident_joint(label, shares, calibrate=False)
    joint = estimate_joint(label, shares)
    theirs = find_label_issues(label, shares, filter_by="both", n_jobs=1)
    ours = found.ranked.suspected
    return {
        "cleanlab: found among its suspects": round(float(odd[theirs].sum() / odd.sum()), 4),
        "cleanlab: suspects": int(theirs.sum()),
        "cleanlab: suspects in common": round(
            float((theirs & ours).sum() / max(1, (theirs | ours).sum())), 4
        ),
        "cleanlab: counts that differ": int(np.abs(counts - found.noise.counts).sum()),
        "cleanlab: largest difference of the joint": float(np.abs(joint - found.noise.joint).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--first", type=int, help="the first so many images alone")
    parser.add_argument("--keep", type=Path, help="a folder for folds that are done")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    talk = Terminal()
    train = catalog.open_named(asked.data, None, talk).train
    train = Subset(train, np.arange(asked.first)) if asked.first else train
    noisy, odd = flipped(train, asked.share, asked.seed)
    settings = asked.set or ["model.name=lenet", "canvas.size=[28,28]", "train.batch=64"]
    mirror = catalog.DATASETS[asked.data].mirror
    opened = Opened(Splits(noisy), examine(noisy), [], mirror)
    request = Request({"data": {"name": asked.data}}, asked.data, planned=True)
    kept = len([*asked.keep.rglob("fold-*.npy")]) if asked.keep else 0
    began, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = suspects.find(
            request,
            [setting(text) for text in settings],
            asked.folds,
            talk,
            asked.keep or Path(folder),
            opened,
        )
    figures = {
        "set": asked.data,
        "images": len(train),
        "flipped": int(odd.sum()),
        "how": found.how,
        "settings": settings,
        "folds kept beforehand, in that folder": kept,
        "seconds": round(time.perf_counter() - began),
        "seconds of processor": round(time.process_time() - cpu),
        "peak memory (MB)": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    } | scores(found, odd, np.asarray(train.truths.label))
    measure.save(f"confident-{asked.data}", QUESTION, figures)


if __name__ == "__main__":
    main()
