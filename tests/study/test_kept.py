"""The cache of folds: how large it gets, and what is in use while it is pruned."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.study.kept import LOCK, in_use, prune


def search(root: Path, number: int, size: int = 1000) -> Path:
    """A search's folder of so many bytes, used at `number`."""
    folder = root / f"{number:024x}"
    with in_use(folder):
        (folder / "fold-1.npy").write_bytes(bytes(size))
    os.utime(folder / LOCK, (number, number))
    return folder


def test_the_longest_unused_go_first_until_the_rest_fits(tmp_path: Path) -> None:
    folders = [search(tmp_path, number) for number in (3, 1, 2)]
    assert prune(tmp_path, 3000) == 0
    assert prune(tmp_path, 2500) == 1
    assert [folder.exists() for folder in folders] == [True, False, True]
    with in_use(folders[2]):
        pass  # used again: no longer the oldest
    assert prune(tmp_path, 1000) == 1
    assert [folder.exists() for folder in folders] == [False, False, True]


def test_only_searches_are_removed(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_bytes(bytes(5000))
    (tmp_path / ("a" * 24)).symlink_to(tmp_path / "photos")
    search(tmp_path, 1)
    assert prune(tmp_path, 0) == 1
    assert (tmp_path / "photos" / "mine.jpg").exists()
    assert prune(tmp_path / "nothing", 0) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is held on Windows")
def test_what_another_process_uses_stays(tmp_path: Path) -> None:
    folder = search(tmp_path, 1)
    code = (
        "import sys; from pathlib import Path; from sightline.study.kept import in_use\n"
        "with in_use(Path(sys.argv[1])):\n"
        "    print('in', flush=True); sys.stdin.readline()"
    )
    words = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with in_use(folder):  # two may use it
            assert prune(tmp_path, 0) == 0
        assert prune(tmp_path, 0) == 0 and folder.exists()
        other.communicate("\n")
    assert prune(tmp_path, 0) == 1 and not folder.exists()


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with in_use(tmp_path / "file" / "below"):
        pass
    assert (tmp_path / "file").read_text() == "mine"
