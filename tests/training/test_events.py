"""events.jsonl survives crashes."""

from pathlib import Path

from sightline.training import events


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    events.append(tmp_path, {"event": "start"})
    events.append(tmp_path, {"event": "epoch", "epoch": 1})
    assert [e["event"] for e in events.read(tmp_path)] == ["start", "epoch"]


def test_half_a_line_left_by_a_crash_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    events.append(tmp_path, {"event": "start"})
    with (tmp_path / events.NAME).open("ab") as file:
        file.write(b'{"event": "epo')
    events.append(tmp_path, {"event": "resume"})
    assert [e["event"] for e in events.read(tmp_path)] == ["start", "resume"]


def test_no_file_is_no_events(tmp_path: Path) -> None:
    assert events.read(tmp_path) == []
