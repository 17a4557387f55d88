"""Files that are whole or absent, whatever goes wrong while they are written."""

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sightline import files
from sightline.errors import OutputError


def only(folder: Path) -> list[str]:
    """All names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path, error: type[BaseException]) -> None:
    with files.atomic(path) as file:
        file.write(b"half of the n")
        raise error


def test_a_file_holds_what_was_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "deep" / "er" / "a.bin", b"\x00\xff")
    assert (tmp_path / "deep" / "er" / "a.bin").read_bytes() == b"\x00\xff"
    assert only(tmp_path / "deep" / "er") == ["a.bin"]


def test_text_is_utf_8_and_json_reads_back(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "größe 像素\n")
    assert (tmp_path / "a.txt").read_bytes() == "größe 像素\n".encode()
    files.write_json(tmp_path / "a.json", {"b": [1, 2.5, None]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": [1, 2.5, None]}


def test_the_old_file_stands_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.atomic(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert only(tmp_path) == ["a.txt"]


def test_an_exception_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_half(tmp_path / "a.txt", ValueError)
    assert only(tmp_path) == []


def test_a_disk_that_fills_on_flushing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert only(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="limits are POSIX")
def test_a_write_past_the_systems_limit_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from sightline import files\n"
        "from sightline.errors import OutputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "path = Path(sys.argv[1])\n"
        "try:\n"
        "    with files.output_errors(path):\n"
        "        files.write_bytes(path, bytes(1_000_000))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"cannot write {path}: File too large"
    assert path.read_bytes() == b"old"
    assert only(tmp_path) == ["a.bin"]


def test_a_folder_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("kept")
    with pytest.raises(OSError):
        files.write_text(tmp_path / "a", "new")
    assert only(tmp_path) == ["a"]
    assert (tmp_path / "a" / "b").read_text() == "kept"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_a_file_gets_the_mode_any_new_file_gets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    files.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_of_many_writers_at_once_one_wins_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    texts = [str(i) * 10_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: files.write_text(path, text), texts))
    assert path.read_text() in texts
    assert only(tmp_path) == ["a.txt"]


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    assert files.claim_folder(tmp_path / "runs" / "a") == tmp_path / "runs" / "a"
    with pytest.raises(OutputError, match="a exists; --to never overwrites"):
        files.claim_folder(tmp_path / "runs" / "a")


def test_a_file_of_that_name_is_not_overwritten_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("kept")
    with pytest.raises(OutputError, match="a exists; --to never overwrites"):
        files.claim_folder(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "kept"


def test_the_next_free_name_is_taken(tmp_path: Path) -> None:
    names = [files.claim_next_folder(tmp_path / "runs", "digits").name for _ in range(3)]
    assert names == ["digits", "digits-2", "digits-3"]
    (tmp_path / "runs" / "digits-2").rmdir()
    assert files.claim_next_folder(tmp_path / "runs", "digits").name == "digits-2"


def test_many_at_once_never_get_the_same_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: files.claim_next_folder(tmp_path, "run"), range(24)))
    assert len(set(claimed)) == 24
    assert len(only(tmp_path)) == 24


@pytest.mark.parametrize("deeper", ["run", "below/run"])
def test_a_file_where_a_folder_is_needed_is_named_as_the_fault(tmp_path: Path, deeper: str) -> None:
    """Not "exists; choose another name": no name would do there."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*(Not a directory|File exists)"):
        files.claim_folder(tmp_path / "file" / deeper)
    with pytest.raises(OutputError, match=r"cannot write .*(Not a directory|File exists)"):
        files.claim_next_folder(tmp_path / "file" / deeper, "digits")


def test_an_error_of_the_system_becomes_one_line_that_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught, files.output_errors(tmp_path / "a"):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    assert str(caught.value) == f"cannot write {tmp_path / 'a'}: Permission denied"
    with pytest.raises(OutputError, match="cannot write a: odd"), files.output_errors(Path("a")):
        raise OSError("odd")


def test_an_error_of_another_kind_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), files.output_errors(Path("a")):
        raise ZeroDivisionError


def test_the_next_free_name_is_of_no_file_there_and_makes_none(tmp_path: Path) -> None:
    for expected in ("a-b.png", "a-b-2.png", "a-b-3.png"):
        path = files.next_free(tmp_path, "a/b", ".png")
        assert path == tmp_path / expected
        assert not path.exists()
        path.touch()
    assert files.next_free(tmp_path, "..", ".png").name == "picture.png"


def test_of_two_writers_of_a_new_file_one_is_told_that_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with (
        pytest.raises(OutputError, match=r"a.txt exists; --to never overwrites"),
        files.atomic(path, new=True) as slow,
    ):
        slow.write(b"slow")
        files.write_bytes(path, b"quick", new=True)
    assert path.read_bytes() == b"quick"
    assert only(tmp_path) == ["a.txt"]
    files.write_text(tmp_path / "b.txt", "b", new=True)
    assert only(tmp_path) == ["a.txt", "b.txt"]
    assert (tmp_path / "b.txt").stat().st_mode & 0o777 == (
        tmp_path / "a.txt"
    ).stat().st_mode & 0o777
