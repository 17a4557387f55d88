"""A topic carried out: its pictures, tables and page written into a folder."""

import base64
import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sightline import files, page, plots
from sightline.lab.topic import Cell, Found, Table, Topic, topic
from sightline.version import __version__

FOLDER = Path("lab")
DPI = 144


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was found, where it lies, and the options it was found with."""

    name: str
    topic: Topic
    options: dict[str, Any]
    found: Found
    folder: Path
    files: list[str]

    def to_dict(self) -> dict[str, Any]:
        tables = {
            table.name: [dict(zip(table.heads, row, strict=True)) for row in table.rows]
            for table in self.found.tables
        }
        return {
            "topic": self.name,
            "source": self.topic.source,
            "options": {key: _plain(value) for key, value in self.options.items()},
            "tables": tables,
            "notes": list(self.found.notes),
            "folder": str(self.folder),
            "files": self.files,
        }


def carry_out(name: str, options: dict[str, Any], to: Path | None) -> Outcome:
    """Run a topic and write what it finds into `to`, or the next free lab/NAME.

    options  those of the topic that differ from its defaults
    Raises UnknownName, OutputError, and DataError for a picture that cannot be read.
    """
    asked = topic(name)
    if to is not None and to.exists():
        raise files.exists_already(to)
    with plots.styled():
        found = asked.run(**options)
        content = {key: _bytes(picture) for key, picture in found.pictures.items()}
    folder = files.claim_folder(to) if to else files.claim_next_folder(FOLDER, name)
    written = {f"{key}{_suffix(data)}": data for key, data in content.items()}
    written |= {f"{table.name}.csv": as_csv(table).encode() for table in found.tables}
    text = page.environment().get_template("lab.html")
    shown = {
        key: f"data:image/{_suffix(data)[1:]};base64,{base64.b64encode(data).decode()}"
        for key, data in content.items()
    }
    html = text.render(
        name=name, topic=asked, found=found, shown=shown, cell=cell, wordy=wordy, options=options,
        version=__version__,
    )  # fmt: skip
    written["index.html"] = html.encode()
    with files.output_errors(folder):
        for file, data in written.items():
            files.write_bytes(folder / file, data)
    return Outcome(name, asked, options, found, folder, list(written))


def cell(value: Cell) -> str:
    """A table's cell in words."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def wordy(table: Table) -> list[bool]:
    """Which columns hold words, flush left; numbers are flush right."""
    return [
        any(isinstance(row[i], str) and not _number(row[i]) for row in table.rows)
        for i in range(len(table.heads))
    ]


def as_text(table: Table) -> str:
    """The table as lines."""
    rows = [table.heads, *(tuple(map(cell, row)) for row in table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.heads))]
    lines = [
        "  ".join(
            text.ljust(width) if left else text.rjust(width)
            for text, width, left in zip(row, widths, wordy(table), strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def as_csv(table: Table) -> str:
    """The table with all digits."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([table.heads, *table.rows])
    return out.getvalue()


def _number(text: Cell) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _bytes(picture: Figure | bytes) -> bytes:
    if isinstance(picture, bytes):
        return picture
    out = io.BytesIO()
    picture.savefig(out, format="png", dpi=DPI)
    return out.getvalue()


def _suffix(data: bytes) -> str:
    return ".gif" if data[:3] == b"GIF" else ".png"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
