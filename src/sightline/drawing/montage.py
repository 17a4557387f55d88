"""A sheet of many pictures in equal cells, with captions, row headings and a legend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PIL
from PIL import ImageDraw

from sightline import images
from sightline.drawing.annotations import fitted_size, legend, resized
from sightline.drawing.colors import RGB
from sightline.drawing.lettering import font, length, shortened
from sightline.types import Image, Size

PAPER, INK, FAINT, FRAME = (243, 243, 241), (32, 33, 36), (112, 113, 118), (205, 205, 202)
GAP, MARGIN, TEXT = 6, 14, 13  # pixels
LINE = 19  # from one line of text to the next
HEADING = 190  # pixels that a row's heading takes at most
CLOSE = 15  # between lines of one caption
ROWS = 20  # of a block; more headed rows go on in a block to its right, as newspapers do


@dataclass(frozen=True, kw_only=True)
class Lettering:
    """The words of a sheet; each may be left out.

    title     a line above all, and `about` smaller below it
    tops      one above each column
    headings  (name, detail) left of each row
    key       names and colors explained at the bottom
    """

    title: str = ""
    about: str = ""
    tops: Sequence[str] = ()
    headings: Sequence[tuple[str, str]] = ()
    key: Sequence[tuple[str, RGB]] = ()


def montage(
    tiles: Sequence[Image | None],
    captions: Sequence[str] = (),
    columns: int = 8,
    *,
    side: int | None = None,
    text: Lettering | None = None,
) -> Image:
    """The tiles in rows of `columns`, each in the middle of a cell.

    tiles     pictures of any sizes; None leaves a cell empty
    captions  one below each tile, of one line or more; or none at all
    side      of the square that each is fitted into (`drawing.fitted_size`), in pixels; without
              it tiles are as large as they should be

    Cells are as large as the largest needs.
    """
    text = text or Lettering()
    assert tiles and columns >= 1, "a montage of nothing"
    fitted = [None if t is None else _fitted(t, side) for t in tiles]
    sizes = [t.shape[:2] for t in fitted if t is not None]
    cell: Size = (max(s[0] for s in sizes), max(s[1] for s in sizes)) if sizes else (1, 1)
    sheet, corners = _paper(cell, len(tiles), columns, _lines(captions), text)
    pen = ImageDraw.Draw(sheet)
    for number, (tile, (x, y)) in enumerate(zip(fitted, corners, strict=True)):
        if tile is None:
            continue
        height, width = tile.shape[:2]
        left, top = x + (cell[1] - width) // 2, y + (cell[0] - height) // 2
        sheet.paste(PIL.fromarray(np.ascontiguousarray(tile)), (left, top))
        pen.rectangle((left - 1, top - 1, left + width, top + height), outline=FRAME)
        for down, words in enumerate(captions[number].split("\n") if captions else ()):
            line = shortened(words, cell[1], TEXT - 1)
            at = (x + cell[1] / 2, y + cell[0] + LINE / 2 + 1 + down * CLOSE)
            pen.text(at, line, font=font(TEXT - 1), fill=INK, anchor="mm")
    if not text.key:
        return np.asarray(sheet).copy()
    key = legend(text.key, sheet.width - 2 * MARGIN, INK, PAPER)
    band = np.full((key.shape[0] + MARGIN // 2, sheet.width, 3), PAPER, np.uint8)
    band[: key.shape[0], MARGIN:-MARGIN] = key
    return np.concatenate([np.asarray(sheet), band])


def _fitted(tile: Image, side: int | None) -> Image:
    color = images.to_channels(tile, 3)
    if side is None:
        return color
    return resized(color, fitted_size((tile.shape[0], tile.shape[1]), (side, side)))


def _lines(captions: Sequence[str]) -> int:
    """Lines that every row of cells leaves for captions."""
    return max((caption.count("\n") + 1 for caption in captions), default=0)


def _paper(
    cell: Size, count: int, columns: int, lines: int, text: Lettering
) -> tuple[PIL.Image, list[tuple[int, int]]]:
    """The sheet with all its words but captions and key; the corner (x, y) of every cell."""
    rows = -(-count // columns)
    blocks = -(-rows // ROWS) if text.headings else 1
    high = -(-rows // blocks)  # rows of a block
    indent = _indent(text.headings)
    step = cell[0] + GAP + (LINE + (lines - 1) * CLOSE if lines else 0), cell[1] + GAP
    block = indent + columns * step[1] - GAP
    top = MARGIN + LINE * bool(text.title) + LINE * bool(text.about) + LINE * bool(text.tops)
    top += GAP * bool(text.title or text.about)
    width = 2 * MARGIN + blocks * block + (blocks - 1) * 3 * MARGIN
    width = max(width, min(960, _needed(text)))
    below = GAP if text.key else MARGIN
    sheet = PIL.new("RGB", (width, top + high * step[0] - GAP + below), PAPER)
    corners = []
    for number in range(count):
        (row, column), (at, down) = divmod(number, columns), divmod(number // columns, high)
        x = MARGIN + at * (block + 3 * MARGIN) + indent + column * step[1]
        corners.append((x, top + down * step[0]))
        if column == 0 and row < len(text.headings):
            _write_heading(sheet, text.headings[row], corners[-1], indent, cell[0])
    _write_above(sheet, text, [c for c in corners if c[1] == top], cell[1], columns)
    return sheet, corners


def _needed(text: Lettering) -> int:
    """Pixels that the lines above a sheet want."""
    lines = length(text.title, TEXT + 2, "bold"), length(text.about, TEXT)
    return round(max(lines)) + 2 * MARGIN


def _indent(headings: Sequence[tuple[str, str]]) -> int:
    if not headings:
        return 0
    widest = max(
        max(length(name[:99], TEXT, "bold"), length(detail[:99], TEXT - 2))
        for name, detail in headings
    )
    return min(HEADING, round(widest) + 2 * GAP)


def _write_heading(
    sheet: PIL.Image, heading: tuple[str, str], corner: tuple[int, int], indent: int, height: int
) -> None:
    pen, (name, detail) = ImageDraw.Draw(sheet), heading
    x, y = corner[0] - indent, corner[1] + height / 2
    lines = (
        (name, TEXT, "bold", INK, -LINE / 2 if detail else 0),
        (detail, TEXT - 2, "regular", FAINT, LINE / 2),
    )
    for words, size, face, ink, lower in lines:
        line = shortened(words, indent - GAP, size, face)  # type: ignore[arg-type]
        pen.text((x, y + lower), line, font=font(size, face), fill=ink, anchor="lm")


def _write_above(
    sheet: PIL.Image, text: Lettering, tops: list[tuple[int, int]], width: int, columns: int
) -> None:
    pen, room, y = ImageDraw.Draw(sheet), sheet.width - 2 * MARGIN, MARGIN + LINE / 2
    if text.title:
        line = shortened(text.title, room, TEXT + 2, "bold")
        pen.text((MARGIN, y), line, font=font(TEXT + 2, "bold"), fill=INK, anchor="lm")
        y += LINE
    if text.about:
        line = shortened(text.about, room, TEXT)
        pen.text((MARGIN, y), line, font=font(TEXT), fill=FAINT, anchor="lm")
    if text.tops:
        for number, (x, top) in enumerate(tops):
            line = shortened(text.tops[number % columns], width, TEXT - 1)
            at = (x + width / 2, top - LINE / 2)
            pen.text(at, line, font=font(TEXT - 1), fill=FAINT, anchor="mm")
