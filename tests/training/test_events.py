"""events.jsonl survives crashes."""

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.training import events


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    events.append(tmp_path, {"event": "start"})
    events.append(tmp_path, {"event": "epoch", "epoch": 1})
    assert [e["event"] for e in events.read(tmp_path)] == ["start", "epoch"]


def test_half_a_line_left_by_a_crash_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    events.append(tmp_path, {"event": "start"})
    with (tmp_path / events.NAME).open("ab") as file:
        file.write(b'{"event": "epo')
    events.append(tmp_path, {"event": "resume", "epoch": 1})
    assert [e["event"] for e in events.read(tmp_path)] == ["start", "resume"]


def test_no_file_is_no_events(tmp_path: Path) -> None:
    assert events.read(tmp_path) == []


EPOCH = {"event": "epoch", "epoch": 1, "train": {"loss": 1.0}, "rate": {"model": 0.1}}


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 10**400},
        {"epoch": 1.5},
        {"epoch": "one"},
        {"epoch": True},
        {"epoch": -1},
        {"train": ["loss", 1]},
        {"train": {"loss": "low"}},
        {"val": {"loss": 10**400}},
        {"rate": "<b>"},
        {"seconds": "x"},
        {"event": "resume", "epoch": None},
        {"event": "test", "figures": {"images": "y"}},
        {"event": "start", "data": []},
        {"event": "start", "data": {"classes": 3}},
        {"event": "start", "model": "lenet"},
    ],
    ids=str,
)
def test_a_line_that_was_edited_into_nonsense_is_passed_over(
    change: dict[str, Any], tmp_path: Path
) -> None:
    lines = [EPOCH, EPOCH | change, EPOCH | {"epoch": 2, "train": {"loss": float("nan")}}]
    (tmp_path / events.NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [event["epoch"] for event in events.read(tmp_path)] == [1, 2]
