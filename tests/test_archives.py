"""Archives: what is in them comes out; what would harm is refused, and nothing is left behind."""

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline import archives
from sightline.archives import extract
from sightline.errors import DataError, OutputError

Content = list[tuple[str, bytes]]
FILES: Content = [("set/a.txt", b"one"), ("set/deep/b.txt", b"two" * 1000), ("c", b"")]


def entry(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, link
    return made


def as_tar(path: Path, content: Content) -> Path:
    mode = {".tgz": "w:gz", ".gz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in content:
            tar.addfile(entry(name, len(data)), io.BytesIO(data))
    return path


def as_zip(path: Path, content: Content) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content:
            file.writestr(name, data)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.tar.xz", "a.tar.bz2", "a.zip"])
def test_everything_comes_out(tmp_path: Path, name: str) -> None:
    make = as_zip if name.endswith(".zip") else as_tar
    archive = make(tmp_path / name, FILES)
    extract(archive, tmp_path / "deep" / "out")
    assert tree(tmp_path / "deep" / "out") == dict(FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "deep"])
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_the_kind_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    inner = as_zip(tmp_path / "inner.zip", [("x", b"x")]).read_bytes()
    extract(as_tar(tmp_path / "a.zip", [("last.zip", inner)]), tmp_path / "out")
    assert tree(tmp_path / "out") == {"last.zip": inner}


def test_rights_and_owners_in_an_archive_do_not_matter(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        made = entry("run.sh", 2)
        made.mode, made.uid = 0o6777, 12345
        tar.addfile(made, io.BytesIO(b"ok"))
    extract(tmp_path / "a.tar", tmp_path / "out")
    mode = (tmp_path / "out/run.sh").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)


def test_of_two_members_of_one_name_the_last_stays(tmp_path: Path) -> None:
    extract(as_tar(tmp_path / "a.tar", [("a", b"longer"), ("./a", b"new")]), tmp_path / "out")
    assert tree(tmp_path / "out") == {"a": b"new"}


def refused(tmp_path: Path, archive: Path, message: str) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DataError, match=message) as raised:
        extract(archive, tmp_path / "out")
    assert str(raised.value).startswith(f"{archive}: ")
    assert "\n" not in str(raised.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("make", [as_tar, as_zip])
@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "..\\x", "C:\\x", "C:x", "a/..", "."]
)
def test_a_name_that_leads_outside_is_refused(
    tmp_path: Path, make: Callable[[Path, Content], Path], name: str
) -> None:
    archive = make(tmp_path / "a", [("ok", b"1"), (name, b"2")])
    refused(tmp_path, archive, "lies outside the archive")


@pytest.mark.parametrize(
    "made",
    [
        entry("a", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        entry("a", kind=tarfile.SYMTYPE, link=".."),
        entry("a", kind=tarfile.LNKTYPE, link="ok"),
        entry("a", kind=tarfile.CHRTYPE),
        entry("a", kind=tarfile.BLKTYPE),
        entry("a", kind=tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, made: tarfile.TarInfo) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(entry("ok", 1), io.BytesIO(b"1"))
        tar.addfile(made)
    refused(tmp_path, tmp_path / "a.tar", "member 'a' is no plain file")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    refused(tmp_path, tmp_path / "a.zip", "member 'a' is no plain file")


@pytest.mark.parametrize("content", [[("a", b"1"), ("a/b", b"2")], [("a/b", b"2"), ("a", b"1")]])
@pytest.mark.parametrize("make", [as_tar, as_zip])
def test_a_file_that_is_also_a_folder_is_refused(
    tmp_path: Path, make: Callable[[Path, Content], Path], content: Content
) -> None:
    refused(tmp_path, make(tmp_path / "a", content), "is a file here and a folder there")


@pytest.mark.parametrize("make", [as_tar, as_zip])
def test_bombs_are_refused_by_size_and_by_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path, Content], Path]
) -> None:
    big = make(tmp_path / "big", [("a", bytes(600)), ("b", bytes(600))])
    many = make(tmp_path / "many", [(f"{i}/", b"") for i in range(9)] + [("a", b"")])
    monkeypatch.setattr(archives, "BYTE_CAP", 1000)
    refused(tmp_path, big, "unpacks to more than the caps allow")
    monkeypatch.setattr(archives, "COUNT_CAP", 5)
    refused(tmp_path, many, "unpacks to more than the caps allow")


def test_a_bomb_that_hides_its_size_writes_no_more_than_it_says(tmp_path: Path) -> None:
    archive = as_zip(tmp_path / "a.zip", [("a", bytes(100_000))])
    content = bytearray(archive.read_bytes())
    for at, length in (
        (content.find(b"PK\x03\x04") + 22, 4),
        (content.find(b"PK\x01\x02") + 24, 4),
    ):
        content[at : at + length] = (50).to_bytes(4, "little")
    archive.write_bytes(content)
    refused(tmp_path, archive, "a'? is not of the size it says|damaged archive")


def test_a_file_with_holes_is_refused(tmp_path: Path) -> None:
    """A few bytes that would unpack to a gigabyte of zeros."""
    made = entry("a")
    made.pax_headers = {
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": str(2**30),
        "GNU.sparse.realsize": str(2**30), "GNU.sparse.map": "0,0", "GNU.sparse.numblocks": "1",
    }  # fmt: skip
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(made)
    refused(tmp_path, tmp_path / "a.tar", "member 'a' is no plain file")


def test_a_name_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    made = entry("long", 64 * 2**20, tarfile.GNUTYPE_LONGNAME)
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(made.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(64 * 2**20))
    refused(tmp_path, tmp_path / "a.tgz", "a header of 67108864 bytes")


def test_an_encrypted_zip_is_said_to_be_one(tmp_path: Path) -> None:
    archive = as_zip(tmp_path / "a.zip", [("a", b"secret")])
    content = bytearray(archive.read_bytes())
    for at in (content.find(b"PK\x03\x04") + 6, content.find(b"PK\x01\x02") + 8):
        content[at] |= 1
    archive.write_bytes(content)
    refused(tmp_path, archive, "member 'a' is encrypted")


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.tar.xz", "a.tar.bz2", "a.zip"])
def test_an_archive_cut_short_is_damaged(tmp_path: Path, name: str) -> None:
    noise = bytes(range(256)) * 300
    make = as_zip if name.endswith(".zip") else as_tar
    archive = make(tmp_path / name, [("a", noise), ("b", noise[::-1])])
    content = archive.read_bytes()
    for length in (0, 1, 10, len(content) // 3, len(content) // 2):
        archive.write_bytes(content[:length])
        refused(tmp_path, archive, "damaged archive|size it says|holds no files")


def test_a_byte_that_flipped_in_a_zip_is_noticed(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a", b"content" * 100)
    archive.write_bytes(archive.read_bytes().replace(b"content", b"kontent", 1))
    refused(tmp_path, archive, r"damaged archive \(Bad CRC-32")


def test_an_archive_of_nothing_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, as_tar(tmp_path / "a.tar", []), "holds no files")
    refused(tmp_path, as_zip(tmp_path / "a.zip", [("folder/", b"")]), "holds no files")


def test_other_files_are_no_archives(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_text("<html>not found</html>" * 100)
    refused(tmp_path, tmp_path / "a.tgz", "damaged archive")
    refused(tmp_path, tmp_path / "absent.zip", "damaged archive")


def test_a_folder_that_holds_something_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    with pytest.raises(OutputError, match="cannot write"):
        extract(as_tar(tmp_path / "a.tar", FILES), tmp_path / "out")
    assert tree(tmp_path / "out") == {"mine": b"mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "out"]


def test_names_that_the_disk_refuses_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        extract(as_zip(tmp_path / "a.zip", [("x" * 300, b"")]), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
