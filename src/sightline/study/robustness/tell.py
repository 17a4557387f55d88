"""`sightline robustness`: measured, told as text and JSON, and as a page of its own."""

import json
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from sightline import files, images, page, plots
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.drawing import strengths
from sightline.drawing.montage import Lettering, montage
from sightline.evaluation import Where, evaluation_set
from sightline.metrics.classification import wilson
from sightline.study.explaining.overlay import as_bytes
from sightline.study.robustness.corruptions import CORRUPTIONS, STRENGTHS, corrupted
from sightline.study.robustness.measure import (
    Asked,
    Measured,
    measure,
    passes,
    require_sensible,
    rows_of,
)
from sightline.talk import Talk
from sightline.types import Image
from sightline.version import __version__

FOLDER = Path("robustness")
CELL = 104  # pixels of a picture on a sheet


@dataclass(frozen=True, eq=False)
class Outcome:
    """folder  written; `facts` are what robustness.json says"""

    folder: Path
    facts: dict[str, Any]
    text: str


def robustness(
    model: str, artifact: Artifact, where: Where, asked: Asked, to: Path | None, talk: Talk
) -> Outcome:
    """Measure, and write figures, robustness.json and index.html into `to`, or the next free
    robustness/NAME. `model` is as it was asked for. Raises SightlineError before it begins."""
    require_sensible(artifact, asked)
    if to is not None and to.exists():
        raise files.exists_already(to)
    dataset = evaluation_set(artifact, where, talk)
    n = len(rows_of(dataset, asked.limit))
    with talk.bar("measuring", passes(asked, n)) as (tick, _):
        found = measure(artifact, dataset, asked, tick)
    facts = _facts(model, dataset, asked, found)
    folder = files.claim_folder(to) if to else files.claim_next_folder(FOLDER, Path(model).stem)
    _write(folder, artifact, dataset, asked, found, facts)
    return Outcome(folder, facts, _text(facts))


def _facts(model: str, dataset: Dataset, asked: Asked, found: Measured) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "model": model,
        "data": dataset.name,
        "images": found.images,
        "of": len(dataset),
        "seed": asked.seed,
        "accuracy": found.clean,
        "interval": list(wilson(round(found.clean * found.images), found.images)),
        "corruptions": {
            name: {
                "levels": list(CORRUPTIONS[name].levels),
                "unit": CORRUPTIONS[name].unit,
                "accuracy": line,
            }
            for name, line in found.spoiled.items()
        },
        "mean_corruption_accuracy": found.mean,
    }
    if asked.attack is not None:
        facts["attack"] = {
            "name": asked.attack,
            "steps": asked.steps if asked.attack == "pgd" else 1,
            "eps": list(found.attacked),
            "accuracy": list(found.attacked.values()),
        }
    return facts


def _text(facts: dict[str, Any]) -> str:
    """The tables, 80 columns wide."""
    low, high = facts["interval"]
    lines = [
        f"{facts['data']}  ({facts['images']} of {facts['of']} images)",
        f"clean {facts['accuracy']:.1%}  (95 % interval {low:.1%} to {high:.1%})",
        "",
        "strength    " + "".join(f"{at:>8}" for at in range(1, STRENGTHS + 1)) + "    mean",
    ]
    for name, told in facts["corruptions"].items():
        line = told["accuracy"]
        cells = "".join(f"{value:>8.1%}" for value in line)
        lines.append(f"{name:<12}{cells}{sum(line) / len(line):>8.1%}")
    lines.append(f"mean corruption accuracy {facts['mean_corruption_accuracy']:.1%}")
    if "attack" in facts:
        told = facts["attack"]
        lines += ["", f"{_named(told):<12}" + "".join(f"{eps:>8g}" for eps in told["eps"])]
        lines.append(f"{'accuracy':<12}" + "".join(f"{value:>8.1%}" for value in told["accuracy"]))
        lines.append("the most that any value moves, in grey levels of 255")
    return "\n".join(lines) + "\n"


def _named(attack: dict[str, Any]) -> str:
    return "FGSM" if attack["name"] == "fgsm" else f"PGD, {attack['steps']}"


def _write(
    folder: Path,
    artifact: Artifact,
    dataset: Dataset,
    asked: Asked,
    found: Measured,
    facts: dict[str, Any],
) -> None:
    guessing = 1 / len(artifact.classes) if len(artifact.classes) <= 50 else math.nan
    drawn = {"corruptions": strengths.corruptions(found.spoiled, found.clean, guessing)}
    sheets = {"spoiled": spoiled_sheet(dataset, asked, list(found.spoiled))}
    if asked.attack is not None:
        name = "FGSM" if asked.attack == "fgsm" else f"PGD, {asked.steps} steps"
        left = found.attacked
        drawn["attack"] = strengths.attack(list(left), list(left.values()), found.clean, name)
    if found.examples:
        sheets["examples"] = examples_sheet(artifact, dataset, found)
    html = page.environment().get_template("robustness.html").render(
        facts=facts,
        figure={name: Markup(plots.for_page(svg, name, name)) for name, svg in drawn.items()},
        shown={name: page.picture(sheet, side=1000)[0] for name, sheet in sheets.items()},
        model=shlex.quote(facts["model"]),
        version=__version__,
    )  # fmt: skip
    with files.output_errors(folder):
        for name, svg in drawn.items():
            files.write_text(folder / f"{name}.svg", svg)
        for name, sheet in sheets.items():
            images.write(folder / f"{name}.png", sheet)
        files.write_text(folder / "robustness.json", json.dumps(facts, indent=1) + "\n")
        files.write_text(folder / "index.html", html)


def spoiled_sheet(dataset: Dataset, asked: Asked, names: list[str]) -> Image:
    """One picture, whole and at each strength of each corruption, a row a corruption."""
    row = int(rows_of(dataset, asked.limit)[0])
    image = dataset.images([row])[0]
    tiles: list[Image | None] = []
    for name in names:
        each = [corrupted(image, name, at, asked.seed, row, dataset.top) for at in range(1, 6)]
        tiles += [_colored(as_bytes(one, dataset.top)) for one in (image, *each)]
    tops = ["as it is", *(f"strength {at}" for at in range(1, 6))]
    text = Lettering(tops=tops, headings=[(name, "") for name in names])
    return montage(tiles, columns=6, side=CELL, text=text)


def examples_sheet(artifact: Artifact, dataset: Dataset, found: Measured) -> Image:
    """Images before and after, with the answers, and what was added: grey is nothing, black and
    white are eps down and up."""
    tiles: list[Image | None] = []
    captions = []
    for one in found.examples:
        added = (one.after - one.before) * 255 / one.eps
        moved = np.clip(np.rint(127.5 * (1 + added)), 0, 255).astype(np.uint8)
        before, after = (np.rint(255 * x).astype(np.uint8) for x in (one.before, one.after))
        tiles += [_colored(tile) for tile in (before, moved, after)]
        (was, sure), (now, surer) = one.answers
        captions += [
            f"{artifact.classes[was]}\n{sure:.1%}",
            f"at most {one.eps:g}\nof 255",
            f"{artifact.classes[now]}\n{surer:.1%}",
        ]
    about = "what was added is shown enlarged: black and white are eps down and up"
    text = Lettering(title=f"Answers that turned, of {dataset.name}", about=about)
    return montage(tiles, captions, 6, side=CELL, text=text)


def _colored(image: Image) -> Image:
    return image.repeat(3, 2) if image.shape[2] == 1 else image
