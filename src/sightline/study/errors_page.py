"""The page of mistakes: one file with pictures, ticks for causes, and a script of its own.

The script is named in the page's policy by its hash, so no other runs. What it knows of the data is
JSON in which <, > and & are written as escapes; it writes words as text, never as markup.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from sightline import files, page
from sightline.data.dataset import Dataset
from sightline.study.causes import CAUSES, LONGEST, Tags, advice, summed
from sightline.study.mistakes import Mistake, Mistakes
from sightline.study.suspects_page import shown
from sightline.version import __version__

SIDE = 176  # pixels, the longest side of a mistake's picture
SMALL = 72  # and of a training image's
NONE = Tags(CAUSES, {})


@dataclass(frozen=True)
class Near:
    """A training image; `picture` is empty where it cannot be read."""

    said: str
    source: str
    picture: str
    crisp: bool


@dataclass(frozen=True)
class Card:
    """A mistake on the page."""

    mistake: Mistake
    picture: str
    crisp: bool
    near: list[Near]


def write(path: Path, mistakes: Mistakes, tags: Tags | None = None, new: bool = True) -> None:
    """Write the page.

    tags  ticked when it is opened first; afterwards the browser's own
    new   raise OutputError where `path` exists, which is else replaced
    """
    ticks = tags or NONE
    environment = page.environment()
    assert environment.loader is not None
    script = environment.loader.get_source(environment, "errors.js")[0]
    causes = summed(ticks, len(mistakes.every), mistakes.images)
    text = environment.get_template("errors.html").render(
        mistakes=mistakes,
        causes=causes,
        said=advice(causes) if tags else [],
        cards=[_card(mistakes, mistake) for mistake in mistakes.chosen],
        data=Markup(as_data(_facts(mistakes, ticks))),
        script=Markup(script),
        policy=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        longest=LONGEST,
        version=__version__,
    )
    with files.output_errors(path):
        files.write_text(path, text, new=new)


def as_data(content: object) -> str:
    """JSON that stands in a page as it is: nothing in it can end its element or begin another."""
    text = json.dumps(content, allow_nan=False)  # ASCII: all else as \u escapes
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _facts(mistakes: Mistakes, tags: Tags) -> dict[str, object]:
    """What the script knows. Ticks that came from a table have a place of their own in the browser,
    so that they are not hidden by older ones."""
    ticked = {str(index): sorted(those) for index, those in sorted(tags.ticked.items())}
    content = json.dumps([tags.causes, ticked], sort_keys=True)
    own = hashlib.sha256(content.encode()).hexdigest()[:12] if ticked else "new"
    rows = [[m.index, m.source, m.truth, m.guess, round(m.confidence, 6)] for m in mistakes.chosen]
    return {
        "key": f"{mistakes.key}-{own}",
        "images": mistakes.images,
        "wrong": len(mistakes.every),
        "causes": list(tags.causes),
        "fixed": list(CAUSES),
        "ticked": ticked,
        "rows": rows,
    }


def _card(mistakes: Mistakes, mistake: Mistake) -> Card:
    picture, crisp = shown(mistakes.dataset, mistake.index, SIDE)
    return Card(mistake, picture, crisp, _near(mistakes.train, mistake.near))


def _near(train: Dataset, rows: Sequence[int]) -> list[Near]:
    label = train.truths.label
    assert label is not None
    found = np.asarray(label)
    return [
        Near(train.classes[int(found[row])], train.source(row), *shown(train, row, SMALL))
        for row in rows
    ]
