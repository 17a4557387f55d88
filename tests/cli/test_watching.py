"""`sightline monitor` as a user meets it."""

import json
from pathlib import Path

from terminal import sightline
from test_monitor import TEST, epoch, make, start


def test_a_run_is_drawn_again_and_its_remarks_are_said(tmp_path: Path) -> None:
    run = make(tmp_path / "run", start(), *(epoch(n, loss=0.5) for n in range(1, 4)), TEST)
    code, out, error = sightline("monitor", run)
    assert (code, error) == (0, "")
    assert out.splitlines() == [str(run / "monitor.html")]
    diverged = {"event": "diverged", "epoch": 3, "why": "became nan"}
    make(run, start(), *(epoch(n, loss=0.5) for n in range(1, 4)), diverged)
    code, out, _ = sightline("monitor", run)
    assert code == 0 and "epoch 4: rate very high. In epoch 4 the training loss" in out


def test_remarks_are_fields_with_json(tmp_path: Path) -> None:
    diverged = {"event": "diverged", "epoch": 1, "why": "became nan"}
    run = make(tmp_path / "run", start(), epoch(1), diverged)
    code, out, _ = sightline("monitor", run, "--json")
    found = json.loads(out)
    assert code == 0 and found["state"] == "diverged" and found["best_epoch"] == 1
    assert [remark["kind"] for remark in found["remarks"]] == ["rate very high"]
    assert (run / "curves.png").is_file() and (run / "history.csv").is_file()


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    code, out, error = sightline("monitor", tmp_path / "none")
    assert (code, out) == (2, "") and "no run" in error
    assert sightline("monitor", tmp_path)[0] == 2
    assert list(tmp_path.iterdir()) == []
