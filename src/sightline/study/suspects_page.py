"""The page of suspects: pictures whose label is likely wrong; needs nothing outside itself."""

from dataclasses import dataclass
from pathlib import Path

from sightline import files, page
from sightline.data.dataset import Dataset
from sightline.errors import DataError
from sightline.study.suspects import Suspects
from sightline.version import __version__

SHOWN = 120  # suspects with pictures
SIDE = 160  # pixels, the longest side of a picture


@dataclass(frozen=True)
class Tile:
    """A suspect on the page; `picture` is empty where it cannot be read."""

    rank: int
    member: str
    given: str
    suggested: str
    confidence: float
    given_confidence: float
    picture: str
    crisp: bool


def write(path: Path, found: Suspects) -> None:
    """Write the page. Raises OutputError where `path` exists or cannot be written."""
    if path.exists():
        raise files.exists_already(path, "--html")
    text = (
        page.environment()
        .get_template("suspects.html")
        .render(
            found=found,
            tiles=[_tile(found, rank, row) for rank, row in enumerate(found.rows[:SHOWN], 1)],
            pairs=found.pairs(),
            version=__version__,
        )
    )
    with files.output_errors(path):
        files.write_text(path, text, new=True)


def _tile(found: Suspects, rank: int, row: int) -> Tile:
    confidence, given = found.confidence(row)
    return Tile(
        rank,
        found.members[row],
        found.given(row),
        found.suggested(row),
        confidence,
        given,
        *shown(found.train, row, SIDE),
    )


def shown(dataset: Dataset, row: int, side: int) -> tuple[str, bool]:
    """A data: address of an image, and whether it is a small one; ("", False) where it cannot be
    read."""
    try:
        return page.picture(dataset.images([row])[0], dataset.top, side)
    except DataError:
        return "", False
