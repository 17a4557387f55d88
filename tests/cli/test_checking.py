"""`sightline data check` as a user meets it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from terminal import sightline

Photos = Callable[..., Path]


@pytest.fixture
def damaged(photos: Photos) -> Path:
    root = photos(each=5)
    (root / "red" / "00.png").write_bytes(b"")
    (root / "red" / "07.png").write_bytes((root / "red" / "01.png").read_bytes())
    return root


def test_findings_are_told_with_examples_and_are_no_failure(damaged: Path) -> None:
    code, out, _ = sightline("data", "check", damaged)
    assert code == 0
    assert "1 file cannot be read" in out and "red/00.png: empty file" in out
    assert "red/01.png = red/07.png" in out
    assert out.rstrip().splitlines()[-1] == "1 problem, 2 warnings, 0 notes"


def test_60_columns_are_enough(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = sightline("data", "check", damaged)
    assert max(map(len, out.splitlines())) <= 60
    assert "red/01.png = red/07.png" in out


def test_json_is_one_object_and_nothing_else(damaged: Path) -> None:
    code, out, _ = sightline("data", "check", damaged, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["counts"] == {"problem": 1, "warning": 2, "note": 0}
    assert answer["findings"][0]["kind"] == "unreadable"


def test_strict_ends_with_1_where_there_are_problems_only(damaged: Path) -> None:
    assert sightline("data", "check", damaged, "--strict")[0] == 1
    (damaged / "red" / "00.png").unlink()
    assert sightline("data", "check", damaged, "--strict")[0] == 0


def test_page_and_mended_copy_are_written_once(damaged: Path, tmp_path: Path) -> None:
    page, out = tmp_path / "page.html", tmp_path / "mended"
    code, _, said = sightline("data", "check", damaged, "--html", page, "--fix", out, "--strict")
    assert code == 1  # of the set as it was
    assert page.is_file() and (out / "fixes.csv").is_file()
    assert "2 removed" in said
    assert sightline("data", "check", out, "--strict")[0] == 0
    for option, path in (("--html", page), ("--fix", out)):
        code, _, error = sightline("data", "check", damaged, option, path)
        assert code == 2 and error.endswith("choose another name")


def test_arrays_cannot_be_mended_and_misuse_is_one_line(tmp_path: Path) -> None:
    code, _, error = sightline("data", "check", "digits", "--fix", tmp_path / "out")
    assert (code, error) == (2, "sightline: digits: --fix is for sets of files; these are arrays")
    assert not (tmp_path / "out").exists()
    code, _, error = sightline("data", "check", "digitz")
    assert code == 2 and "did you mean digits?" in error


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether decoding has begun")
def test_ctrl_c_ends_with_one_line(photos: Photos, tmp_path: Path) -> None:
    root = photos(each=120, size=300)
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from sightline.cli import main; main()"  # where tests run in the background, it is off
    command = [sys.executable, "-c", code, "data", "check", root, "--fix", tmp_path / "out"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    threads = Path(f"/proc/{process.pid}/task")
    while len(list(threads.iterdir())) < 3 and time.monotonic() < deadline:  # it decodes
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert error.strip().splitlines()[-1] == "stopped; nothing was changed"
    assert out == "" and not (tmp_path / "out").exists()
