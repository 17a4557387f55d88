"""Downloads from a server on this machine: fresh, resumed, checked, and every way to be cheated."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sightline import download
from sightline.download import Remote, fetch
from sightline.errors import DataError, OutputError

CONTENT = np.random.default_rng(0).bytes(700_000)
DIGEST = "md5:" + hashlib.md5(CONTENT).hexdigest()


@dataclass
class Server:
    """A file on a server, and how the server behaves.

    cut      bytes after which a connection ends; `cuts` connections do
    said     the length it claims, if not the true one
    """

    content: bytes = CONTENT
    ranges: bool = True
    tag: str = ""
    cut: int | None = None
    cuts: int = 1
    said: int | None = None
    status: int = 200
    total: bool = True
    hang: float = 0
    address: str = ""
    asked: list[str | None] = field(default_factory=list)

    def remote(self, digest: str | None = DIGEST) -> Remote:
        return Remote(self.address, digest)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            wanted, content = self.headers.get("Range"), server.content
            server.asked.append(wanted)
            if server.status != 200:
                self.send_error(server.status)
                return
            start = 0
            other = self.headers.get("If-Range", server.tag) != server.tag
            if wanted and server.ranges and not other:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content) > 0:
                self.send_response(416)
                if server.total:
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            length = len(content) - start if server.said is None else server.said
            if length >= 0:
                self.send_header("Content-Length", str(length))
            if server.tag:
                self.send_header("ETag", server.tag)
            self.end_headers()
            body = content[start:]
            if server.cut is not None and server.cuts > 0:
                server.cuts -= 1
                body = body[: server.cut]
            self.wfile.write(body)
            if server.hang:
                self.wfile.flush()
                stop.wait(server.hang)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server.address = f"http://127.0.0.1:{listening.server_port}/files/set.bin"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            listening.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Listening:
    """Keeps what is said, and what the bar counted."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bars: list[tuple[str, int]] = []
        self.done = 0.0

    def say(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[tuple]:
        self.bars.append((title, total))
        yield self._tick, lambda _: None

    def _tick(self, more: float) -> None:
        self.done += more


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_only_once(tmp_path: Path) -> None:
    talk = Listening()
    with serving(Server()) as server:
        path = fetch(server.remote(), tmp_path / "new", talk)
        assert path.read_bytes() == CONTENT
        assert fetch(server.remote(), tmp_path / "new", talk) == path
    assert server.asked == [None]
    assert names(tmp_path / "new") == ["set.bin"]
    assert talk.said == []
    assert talk.bars == [("set.bin, MB", 0)]
    assert talk.done == pytest.approx(0.7)


def test_the_beginning_of_a_hash_is_checked_too(tmp_path: Path) -> None:
    whole = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
    with serving(Server()) as server:
        assert fetch(server.remote(whole[:15]), tmp_path / "a").read_bytes() == CONTENT
        with pytest.raises(DataError, match=f"came as {whole}, published is sha256:00000000"):
            fetch(server.remote("sha256:00000000"), tmp_path / "b")
    assert "set.bin" not in names(tmp_path / "b")


def test_the_bar_knows_how_much_will_come(tmp_path: Path) -> None:
    talk = Listening()
    with serving(Server(content=bytes(3_200_000))) as server:
        fetch(server.remote(None), tmp_path, talk)
    assert talk.bars == [("set.bin, MB", 3)]
    assert talk.done == pytest.approx(3.2)


def test_a_cut_download_goes_on_where_it_ended(tmp_path: Path) -> None:
    with serving(Server(cut=300_000)) as server:
        assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]
    assert names(tmp_path) == ["set.bin"]


def test_a_partial_of_an_earlier_try_is_gone_on_from(tmp_path: Path) -> None:
    (tmp_path / "set.bin.partial").write_bytes(CONTENT[:1000])
    talk = Listening()
    with serving(Server()) as server:
        assert fetch(server.remote(), tmp_path, talk).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]
    assert talk.done == pytest.approx(0.7)


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    (tmp_path / "set.bin.partial").write_bytes(b"x" * 1000)
    with serving(Server(ranges=False)) as server:
        assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT


def test_what_was_complete_but_not_yet_checked_is_taken(tmp_path: Path) -> None:
    (tmp_path / "set.bin.partial").write_bytes(CONTENT)
    with serving(Server()) as server:
        assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=700000-"]


@pytest.mark.parametrize("total", [True, False])
def test_a_partial_longer_than_the_file_is_thrown_away(tmp_path: Path, total: bool) -> None:
    (tmp_path / "set.bin.partial").write_bytes(CONTENT + b"more")
    with serving(Server(total=total)) as server:
        assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=700004-", None]


def test_a_file_of_another_hash_is_removed(tmp_path: Path) -> None:
    with serving(Server(content=b"other")) as server:
        with pytest.raises(DataError, match=f"came as md5:.*, published is {DIGEST}"):
            fetch(server.remote(), tmp_path)
        assert [n for n in names(tmp_path) if not n.endswith(".version")] == []
        server.content = CONTENT
        assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT


def test_a_hash_that_nobody_published_is_said_to_be_unverified(tmp_path: Path) -> None:
    talk = Listening()
    with serving(Server()) as server:
        fetch(server.remote(None), tmp_path, talk)
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert talk.said == [
        f"set.bin: no published hash on record; this file's is sha256:{digest} (unverified)"
    ]


def test_without_hash_or_version_a_file_is_never_joined_from_two(tmp_path: Path) -> None:
    (tmp_path / "set.bin.partial").write_bytes(b"old" * 1000)
    with serving(Server()) as server:
        assert fetch(server.remote(None), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_version_that_changed_in_between_is_fetched_anew(tmp_path: Path) -> None:
    with serving(Server(tag='"one"', cut=1000, cuts=99)) as server:
        with pytest.raises(DataError, match="ended early, after 5000 bytes; try again"):
            fetch(server.remote(None), tmp_path)
        server.cut, server.asked = None, []
        assert server.tag == '"one"'
        server.tag, server.content = '"two"', CONTENT[::-1]
        assert fetch(server.remote(None), tmp_path).read_bytes() == CONTENT[::-1]
    assert server.asked == ["bytes=5000-"]
    assert names(tmp_path) == ["set.bin"]


def test_the_same_version_is_gone_on_with(tmp_path: Path) -> None:
    with serving(Server(tag='"one"', cut=400_000)) as server:
        assert fetch(server.remote(None), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-"]


def test_a_server_that_says_more_than_it_sends_is_noticed(tmp_path: Path) -> None:
    with (
        serving(Server(said=900_000, ranges=False)) as server,
        pytest.raises(DataError, match="ended early, after 700000 bytes; try again to go on"),
    ):
        fetch(server.remote(None), tmp_path)
    assert not (tmp_path / "set.bin").exists()


def test_a_server_that_says_less_than_it_sends_is_cheated_by_its_hash(tmp_path: Path) -> None:
    with (
        serving(Server(said=1000)) as server,
        pytest.raises(DataError, match="published is"),
    ):
        fetch(server.remote(), tmp_path)


def test_a_file_of_unsaid_length_is_taken(tmp_path: Path) -> None:
    with serving(Server(said=-1)) as server:
        assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT


def test_a_file_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BYTE_CAP", 1000)
    with (
        serving(Server()) as server,
        pytest.raises(DataError, match=r"set\.bin: longer than 1000 bytes"),
    ):
        fetch(server.remote(), tmp_path)


def test_a_server_that_falls_silent_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with (
        serving(Server(cut=1000, cuts=99, hang=60)) as server,
        pytest.raises(DataError, match="ended early, after 5000 bytes"),
    ):
        fetch(server.remote(), tmp_path)
    assert (tmp_path / "set.bin.partial").read_bytes() == CONTENT[:5000]


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (503, "Service Unavailable")])
def test_an_address_that_answers_with_an_error_is_named(
    tmp_path: Path, status: int, reason: str
) -> None:
    with (
        serving(Server(status=status)) as server,
        pytest.raises(DataError, match=rf"/set\.bin: cannot be reached \({reason}\)"),
    ):
        fetch(server.remote(), tmp_path)


def test_an_address_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with serving(Server()) as server:
        address = server.address
    with pytest.raises(DataError, match=r"cannot be reached \([^\n]*refused\)$"):
        fetch(Remote(address, DIGEST), tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(Server()) as server, pytest.raises(OutputError, match="cannot write"):
        fetch(server.remote(), tmp_path / "file" / "deep")


FULL = """
import resource, sys
from pathlib import Path
from sightline.download import Remote, fetch
from sightline.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    fetch(Remote(sys.argv[1]), Path(sys.argv[2]))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
def test_a_disk_that_is_full_is_one_line(tmp_path: Path) -> None:
    with serving(Server()) as server:
        done = subprocess.run(
            [sys.executable, "-c", FULL, server.address, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == f"cannot write {tmp_path / 'set.bin.partial'}: File too large\n"
    assert (tmp_path / "set.bin.partial").read_bytes() == CONTENT[:100_000]
