"""What the command line says where the system refuses, and of names that steer a terminal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sightline.cli import main

Photos = Callable[..., Path]


@pytest.fixture
def sightline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Exit code, standard output and standard error of `main`."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sightline", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        assert isinstance(done.value.code, int)
        return done.value.code, out, err

    return run


Sightline = Callable[..., tuple[int, str, str]]
LONG = "x" * 300  # no file has so long a name


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", f"./{LONG}"),
        ("check", "animals", "--data-root", LONG),
        ("check", "PHOTOS", "--html", f"{LONG}.html"),
        ("check", "PHOTOS", "--fix", LONG),
        ("show", "PHOTOS", "--to", f"{LONG}.png"),
        ("split", "PHOTOS", "--to", f"{LONG}.csv"),
        ("pack", "PHOTOS", "--canvas", "8x8", "--to", f"{LONG}.h5"),
        ("convert", "PHOTOS", "--format", "csv", "--to", LONG),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-2][:9]}",
)
def test_a_name_that_no_file_can_have_is_one_line(
    sightline: Sightline, photos: Photos, arguments: tuple[str, ...]
) -> None:
    root = str(photos(each=3))
    code, _, said = sightline("data", *(root if a == "PHOTOS" else a for a in arguments))
    assert code == 2
    assert LONG in said and said.endswith("File name too long\n") and said.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_one_line(sightline: Sightline, photos: Photos) -> None:
    root = photos(each=3)
    (root / "red").chmod(0)
    try:
        code, _, said = sightline("data", "check", root)
    finally:
        (root / "red").chmod(0o755)
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(f"sightline: {root / 'red'}") and "Permission denied" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this device")
def test_output_that_finds_the_disk_full_is_one_line() -> None:
    command = [sys.executable, "-m", "sightline", "data", "list", "--json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "sightline: output: No space left on device\n"
    assert done.returncode == 2


def test_names_of_files_and_classes_cannot_steer_the_terminal(
    sightline: Sightline, photos: Photos, tmp_path: Path
) -> None:
    root = photos(each=3)
    (root / "red" / "\x1b[2J.png").write_bytes(b"")
    _, out, _ = sightline("data", "check", root)
    assert "\x1b" not in out and "red/\\x1b[2J.png: empty file" in out
    (root / "red" / "00.png").unlink()
    code, _, said = sightline("data", "pack", root, "--canvas", "8x8", "--to", tmp_path / "a.h5")
    assert code == 2 and "\x1b" not in said and said.endswith("\\x1b[2J.png: empty file\n")
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("image,label\na.png,\x1b[2J\na.png,b\n")
    code, _, said = sightline("data", "check", tmp_path / "t.csv")
    assert code == 2
    assert "class names must be printable, not '\\x1b[2J'" in said


def test_ctrl_c_while_packing_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from sightline.cli import main; main()"  # where tests run in the background, it is off
    command = [sys.executable, "-c", code, "data", "pack", "shapes", "--canvas", "512x512"]
    process = subprocess.Popen(
        [*command, "--to", str(tmp_path / "a.h5")], stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.iterdir()) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 130
    assert said[-1] == "sightline: stopped by Ctrl-C"
    assert list(tmp_path.iterdir()) == []
