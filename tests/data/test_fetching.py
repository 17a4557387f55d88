"""Named sets fetched into their folder: whole or absent, nothing left over, one at a time."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sightline import files
from sightline.data import catalog
from sightline.data.catalog import Entry, open_named
from sightline.data.fetching import fetched
from sightline.data.readers import folders
from sightline.download import Remote
from sightline.errors import DataError, OutputError
from sightline.talk import Silent

TWO = ("cats/1.png", "dogs/1.png")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """The address of a folder on this machine, and the folder."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    root = tmp_path / "server"
    root.mkdir()
    handler = partial(Quiet, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", root
        listening.shutdown()
        thread.join()


def archived(path: Path, names: tuple[str, ...], top: str = "") -> str:
    """A zip or tgz of small files; its hash."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(top + name, name)
    else:
        with tarfile.open(path, "w:gz") as tar:
            for name in names:
                entry = tarfile.TarInfo(top + name)
                entry.size = len(name)
                tar.addfile(entry, io.BytesIO(name.encode()))
    return "md5:" + hashlib.md5(path.read_bytes()).hexdigest()


def tree(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", ["a.zip", "a.tgz", "a.tar.gz"])
def test_an_archive_becomes_the_folder_and_is_not_kept(
    tmp_path: Path, server: tuple[str, Path], name: str
) -> None:
    address, root = server
    digest = archived(root / name, TWO)
    folder = fetched(tmp_path / "data" / "pets", [Remote(f"{address}/{name}", digest)], Silent())
    assert tree(tmp_path / "data") == [f"pets/{path}" for path in TWO]
    assert folder == tmp_path / "data" / "pets"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["pets"]


def test_of_an_archive_the_folder_that_is_the_set_is_taken(
    tmp_path: Path, server: tuple[str, Path]
) -> None:
    address, root = server
    digest = archived(root / "a.zip", TWO, "pets-master/images/")
    remote = Remote(f"{address}/a.zip", digest, inside="pets-master/images")
    fetched(tmp_path / "pets", [remote], Silent())
    assert tree(tmp_path / "pets") == list(TWO)


def test_an_archive_without_that_folder_is_named(tmp_path: Path, server: tuple[str, Path]) -> None:
    address, root = server
    remote = Remote(f"{address}/a.zip", archived(root / "a.zip", TWO), inside="images")
    with pytest.raises(DataError, match=r"a\.zip: expected a folder images in it"):
        fetched(tmp_path / "pets", [remote], Silent())
    assert not (tmp_path / "pets").exists()


def test_several_files_and_archives_lie_in_one_folder(
    tmp_path: Path, server: tuple[str, Path]
) -> None:
    address, root = server
    (root / "labels.csv").write_text("a,b")
    digests = [archived(root / f"{i}.zip", (TWO[i],)) for i in range(2)]
    remotes = [Remote(f"{address}/{i}.zip", digests[i]) for i in range(2)]
    fetched(tmp_path / "pets", [*remotes, Remote(f"{address}/labels.csv")], Silent())
    assert tree(tmp_path / "pets") == ["cats/1.png", "dogs/1.png", "labels.csv"]


def test_two_archives_that_hold_the_same_are_refused(
    tmp_path: Path, server: tuple[str, Path]
) -> None:
    address, root = server
    remotes = [Remote(f"{address}/{i}.zip", archived(root / f"{i}.zip", TWO)) for i in range(2)]
    with pytest.raises(DataError, match="holds cats, as another file of the set does"):
        fetched(tmp_path / "pets", remotes, Silent())
    assert not (tmp_path / "pets").exists()


def test_what_came_before_a_failure_is_not_fetched_again(
    tmp_path: Path, server: tuple[str, Path]
) -> None:
    address, root = server
    digest = archived(root / "a.zip", TWO)
    remotes = [Remote(f"{address}/a.zip", digest), Remote(f"{address}/b.csv")]
    with pytest.raises(DataError, match=r"b\.csv: cannot be reached"):
        fetched(tmp_path / "pets", remotes, Silent())
    assert not (tmp_path / "pets").exists()
    (root / "a.zip").unlink()
    (root / "b.csv").write_text("a,b")
    fetched(tmp_path / "pets", remotes, Silent())
    assert tree(tmp_path / "pets") == ["b.csv", *TWO]


def test_a_damaged_archive_that_nobody_vouches_for_is_fetched_again(
    tmp_path: Path, server: tuple[str, Path]
) -> None:
    address, root = server
    (root / "a.zip").write_text("<html>too many requests</html>")
    with pytest.raises(DataError, match="damaged archive"):
        fetched(tmp_path / "pets", [Remote(f"{address}/a.zip")], Silent())
    archived(root / "a.zip", TWO)
    fetched(tmp_path / "pets", [Remote(f"{address}/a.zip")], Silent())
    assert tree(tmp_path / "pets") == list(TWO)


def test_a_second_process_is_told_that_one_is_at_it(tmp_path: Path) -> None:
    waiting = tmp_path / ".pets.download"
    waiting.mkdir()
    with (
        files.locked(waiting),
        pytest.raises(OutputError, match=r"\.pets\.download: another process is downloading to it"),
    ):
        fetched(tmp_path / "pets", [], Silent())


AT_ONCE = """
import sys
from pathlib import Path
from sightline.data.fetching import fetched
from sightline.download import Remote
from sightline.errors import OutputError
from sightline.talk import Silent
sys.stdin.readline()
try:
    fetched(Path(sys.argv[1]), [Remote(sys.argv[2], sys.argv[3])], Silent())
    print("done")
except OutputError as error:
    print(error)
"""


def test_of_two_processes_at_once_one_fetches_and_the_folder_is_whole(
    tmp_path: Path, server: tuple[str, Path]
) -> None:
    address, root = server
    digest = archived(root / "a.zip", tuple(f"cats/{i}.png" for i in range(300)))
    command = [sys.executable, "-c", AT_ONCE, str(tmp_path / "pets"), f"{address}/a.zip", digest]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:  # both are loaded and wait
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0] for process in both)
    assert said[0].endswith("is downloading to it\n") or said == ["done\n", "done\n"]
    assert "done\n" in said
    assert len(tree(tmp_path / "pets")) == 300
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pets", "server"]


def test_a_named_set_comes_when_it_is_nowhere(
    tmp_path: Path, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, root = server
    from PIL import Image

    with zipfile.ZipFile(root / "a.zip", "w") as file:
        for name in ("cats/1.png", "cats/2.png", "dogs/1.png"):
            picture = io.BytesIO()
            Image.new("RGB", (4, 4)).save(picture, "png")
            file.writestr(name, picture.getvalue())
    remotes = (Remote(f"{address}/a.zip"),)
    monkeypatch.setitem(
        catalog.DATASETS,
        "pets",
        Entry("pets", "none", folders.read, "cats/", remotes, images={"train": 2}, classes=2),
    )
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data" / os.sep))
    for _ in range(2):  # the second time from the folder
        splits = open_named("pets", str(tmp_path / "data"))
        assert splits.train.classes == ("cats", "dogs")
        (root / "a.zip").unlink(missing_ok=True)


def test_a_set_that_cannot_be_reached_says_what_to_put_where(
    tmp_path: Path, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    remotes = (Remote(f"{server[0]}/a.zip"),)
    entry = Entry(
        *("pets", "none", folders.read, "cats/ and dogs/", remotes), images={"train": 2}, classes=2
    )
    monkeypatch.setitem(catalog.DATASETS, "pets", entry)
    monkeypatch.setenv("SIGHTLINE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"put cats/ and dogs/ into .*/data/pets; downloading fail"):
        open_named("pets", str(tmp_path / "data"))


def test_an_archive_in_an_archive_is_unpacked_too(tmp_path: Path, server: tuple[str, Path]) -> None:
    address, root = server
    inner = tmp_path / "inner.tar.gz"
    archived(inner, TWO)
    with zipfile.ZipFile(root / "a.zip", "w") as file:
        file.write(inner, "top/inner.tar.gz")
        file.writestr("top/notes.txt", "x")
    folder = fetched(tmp_path / "set", [Remote(f"{address}/a.zip", inside="top")], Silent())
    assert tree(folder) == ["cats/1.png", "dogs/1.png", "notes.txt"]
