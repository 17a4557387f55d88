"""events.jsonl: a line a happening, appended; what pages, plots and reports read."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline.files import output_errors

NAME = "events.jsonl"


def append(folder: Path, event: dict[str, Any]) -> None:
    """Add a line to a run folder's events, on disk when this returns."""
    path = folder / NAME
    with output_errors(path), path.open("a+b") as file:
        if file.tell() > 0:  # a crash may have left half a line; it must not take this one along
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(event).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run folder's events; one that was cut short by a crash is passed over."""
    path = folder / NAME
    if not path.is_file():
        return []
    found = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def history(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The epochs among the events, in order. A resumed run may train some again: those count once,
    as they came out last."""
    epochs: dict[int, dict[str, Any]] = {}
    for event in found:
        if event.get("event") == "epoch":
            epochs[event["epoch"]] = event
        elif event.get("event") == "resume":
            epochs = {number: epoch for number, epoch in epochs.items() if number <= event["epoch"]}
    return [epochs[number] for number in sorted(epochs)]
