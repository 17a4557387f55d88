"""events.jsonl: a line a happening, appended; what pages, plots and reports read."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline.files import output_errors

NAME = "events.jsonl"
MOST = 10**9  # epochs, batches, and whatever else is counted


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
        if isinstance(event, dict) and _is_sound(event):
            found.append(event)
    return found


def _is_sound(event: dict[str, Any]) -> bool:
    """Whether what is reckoned with is there and of its kind; whoever edits a line may break it."""
    kind = event.get("event")
    counted = ["epoch"] if kind in ("epoch", "resume") else []
    counted += [key for key in ("epoch", "batch") if key in event]
    if not all(_is_number(event.get(key), whole=True) for key in counted):
        return False
    if not _is_number(event.get("seconds", 0)):
        return False
    tables = [event[key] for key in ("train", "val", "rate", "figures") if key in event]
    tables += event["parts"].values() if isinstance(event.get("parts"), dict) else []
    if not all(_is_table(table) and all(map(_is_number, table.values())) for table in tables):
        return False
    if kind != "start":
        return True
    data = event.get("data", {})
    return (
        all(_is_table(event.get(key, {})) for key in ("data", "model", "machine"))
        and isinstance(data.get("classes", []), list)
        and all(_is_table(data.get(key) or {}) for key in ("images", "counts"))
    )


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any, whole: bool = False) -> bool:
    """A float, nan included, or an integer that a float can hold; whole ones from 0 up."""
    if whole:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= MOST)


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
