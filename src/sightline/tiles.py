"""Tiles: single images of a report, each with what is said about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sightline import page
from sightline.data.dataset import Dataset
from sightline.errors import DataError
from sightline.types import Image


@dataclass(frozen=True)
class Tile:
    """One image that went wrong.

    picture  a data: address; empty where the image is not at hand
    crisp    a small image, to be enlarged pixel by pixel
    lines    (what, value) said about it; `source` is where it came from
    """

    picture: str
    crisp: bool
    lines: list[tuple[str, str]]
    source: str


def image_of(row: Mapping[str, str], test: Dataset | None) -> Image | None:
    """The image of a row of predictions.csv; None where it cannot be read, or where the set's is
    another one by now."""
    index = int(row["index"])
    if test is None or index >= len(test) or test.source(index) != row["source"]:
        return None
    try:
        return test[index].image
    except DataError:
        return None


def picture_of(row: Mapping[str, str], test: Dataset | None) -> tuple[str, bool]:
    """A data: address of the row's image, and whether it is a small one; ("", False) where there is
    none."""
    image = image_of(row, test)
    if image is None or test is None:
        return "", False
    return page.picture(image, test.top)
