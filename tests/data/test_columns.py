"""Columns in one file: written in chunks, whole or absent, read in place; never trusted."""

import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from sightline.data.columns import Column, Columns, recognises, writing
from sightline.errors import DataError, OutputError

LAYOUT = {
    "train": {
        "features": Column(50, (7,), "<f4"),
        "label": Column(50, (), "<i8"),
        "sources": Column(50, (), "S12"),
    },
    "test": {"features": Column(3, (7,), "<f4"), "nothing": Column(0, (4,), "<f4")},
}
ABOUT = {"kind": "features", "classes": ["a", "größe"]}


def features(path: Path) -> np.ndarray:
    """A matrix of features, appended in uneven chunks as a network would give them."""
    matrix = np.random.default_rng(0).normal(size=(53, 7)).astype(np.float32)
    with writing(path, ABOUT, LAYOUT) as writer:
        for rows in np.split(np.arange(50), [1, 17, 40]):
            names = np.array([f"ü{row}".encode() for row in rows])
            writer.append("train", features=matrix[rows], label=rows, sources=names)
        writer.append("test", features=matrix[50:])
    return matrix


def test_a_matrix_of_features_reads_back(tmp_path: Path) -> None:
    matrix = features(tmp_path / "f.h5")
    found = Columns(tmp_path / "f.h5")
    assert found.about == ABOUT
    train = found.place("train", "features", "<f4", (None, 7)).mapped()
    assert np.array_equal(train, matrix[:50])
    assert train.flags.aligned
    assert not train.flags.writeable
    assert np.array_equal(found.place("train", "label", "<i8", (50,)).mapped(), np.arange(50))
    sources = found.place("train", "sources", "S", (50,)).mapped()
    assert bytes(sources[49]).decode() == "ü49"
    assert found.place("test", "nothing", "<f4", (None, 4)).mapped().shape == (0, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["f.h5"]


def test_other_programs_read_the_same_file(tmp_path: Path) -> None:
    matrix = features(tmp_path / "f.h5")
    with h5py.File(tmp_path / "f.h5") as file:
        assert np.array_equal(file["train/features"][()], matrix[:50])
        assert file["train/features"].chunks is None
        assert json.loads(file["about"][()].tobytes()) == ABOUT
        assert sorted(file) == ["about", "test", "train"]


def test_the_same_columns_give_the_same_bytes(tmp_path: Path) -> None:
    features(tmp_path / "a.h5")
    features(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_place_is_mapped_again_in_another_process(tmp_path: Path) -> None:
    matrix = features(tmp_path / "f.h5")
    place = Columns(tmp_path / "f.h5").place("test", "features", "<f4", (3, 7))
    again = pickle.loads(pickle.dumps(place))
    assert np.array_equal(again.mapped(), matrix[50:])


def test_many_classes_and_parts_have_room(tmp_path: Path) -> None:
    classes = [f"class {i}" for i in range(22_000)]  # an HDF5 attribute ends at 64 KB
    layout = {f"part{i}": {f"column{j}": Column(1, (), "u1") for j in range(9)} for i in range(40)}
    with writing(tmp_path / "f.h5", {"classes": classes}, layout) as writer:
        for part in layout:
            writer.append(part, **{f"column{j}": np.array([j], np.uint8) for j in range(9)})
    found = Columns(tmp_path / "f.h5")
    assert found.about["classes"] == classes
    assert found.place("part39", "column8", "u1", (1,)).mapped()[0] == 8


# Whole or absent


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "f.h5").write_text("mine")
    with (
        pytest.raises(OutputError, match="f.h5 exists; --to never overwrites"),
        writing(tmp_path / "f.h5", {}, LAYOUT),
    ):
        raise AssertionError
    assert (tmp_path / "f.h5").read_text() == "mine"


def test_of_two_writers_at_once_the_second_is_told_and_the_first_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.h5"
    layout = {"train": {"label": Column(1, (), "<i8")}}
    with (
        pytest.raises(OutputError, match="f.h5 exists"),
        writing(path, {}, layout) as slow,
    ):
        with writing(path, {}, layout) as quick:
            quick.append("train", label=np.array([1]))
        slow.append("train", label=np.array([2]))
    assert Columns(path).place("train", "label", "<i8", (1,)).mapped()[0] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["f.h5"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError, ZeroDivisionError])
def test_nothing_is_left_behind_on_failure(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), writing(tmp_path / "f.h5", {}, LAYOUT) as writer:
        writer.append("train", label=np.arange(3))
        raise error
    assert list(tmp_path.iterdir()) == []


def test_columns_that_were_not_filled_are_a_bug(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="train/features: 0 of 50 rows"),
        writing(tmp_path / "f.h5", {}, LAYOUT),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def in_process(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


WRITE = """
import os, resource, signal, sys
import numpy as np
from pathlib import Path
from sightline.data.columns import Column, writing
from sightline.errors import OutputError
path, end = Path(sys.argv[1]), sys.argv[2]
if end == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    with writing(path, {}, {"train": {"images": Column(100, (100, 100), "u1")}}) as writer:
        for i in range(100):
            writer.append("train", images=np.full((1, 100, 100), i, np.uint8))
            if end == "killed" and i == 50:
                os.kill(os.getpid(), signal.SIGKILL)
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits and kills are POSIX")
def test_a_disk_that_is_full_is_one_line_and_no_crash(tmp_path: Path) -> None:
    done = in_process(WRITE, str(tmp_path / "f.h5"), "full")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"cannot write {tmp_path / 'f.h5'}: File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits and kills are POSIX")
def test_a_writer_that_is_killed_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    done = in_process(WRITE, str(tmp_path / "f.h5"), "killed")
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "f.h5").exists()


def test_what_has_no_room_is_refused_before_the_work(tmp_path: Path) -> None:
    layout = {"train": {"images": Column(10**9, (4096, 4096), "u1")}}
    with (
        pytest.raises(OutputError, match=r"it takes 15625000\.0 GB, .* are free"),
        writing(tmp_path / "f.h5", {}, layout),
    ):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_the_new_file_has_a_files_usual_rights(tmp_path: Path) -> None:
    features(tmp_path / "f.h5")
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "f.h5").stat().st_mode == (tmp_path / "usual").stat().st_mode


# Files by others


def hostile(path: Path, make: Callable[[h5py.File], None]) -> Path:
    """A file as this module writes it, then changed by HDF5 itself."""
    features(path)
    with h5py.File(path, "r+") as file:
        make(file)
    return path


def replaced(**settings: object) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        del file["train/label"]
        file["train"].create_dataset("label", **settings)

    return make


def linked(link: object) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        del file["train/label"]
        file["train"]["label"] = link

    return make


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((50,), "i8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (50,))
    del file["train/label"]
    file["train"].create_virtual_dataset("label", layout)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (linked(h5py.SoftLink("/test/features")), "label is a link to elsewhere"),
        (linked(h5py.ExternalLink("/etc/passwd", "/x")), "label is a link to elsewhere"),
        (linked(h5py.SoftLink("/nowhere")), "label is a link to elsewhere"),
        (virtual, "not laid out as a column"),
        (replaced(data=np.arange(50), chunks=(10,)), "not laid out as a column"),
        (replaced(data=np.arange(50), compression="gzip"), "not laid out as a column"),
        (replaced(shape=(50,), dtype="i8", external=[("/etc/passwd", 0, 400)]), "not laid out"),
        (replaced(shape=(10**15,), dtype="i8"), "train/label is cut short"),
        (replaced(data=np.zeros(50, [("a", "i8")])), "not laid out as a column"),
        (replaced(data=["text"] * 50), "not laid out as a column"),
        (replaced(data=h5py.Empty("i8")), "label is no array"),
        (lambda file: file["train"].create_group("deep"), "train/deep is no array"),
        (lambda file: file.create_dataset("x", data=[1]), "x is no part of a set"),
        (lambda file: file.__delitem__("about"), "about is missing"),
        (lambda file: file["about"].__setitem__(slice(0, 1), 0), "about is no JSON"),
        (lambda file: file["train"].__setitem__("loop", file["train"]), "train/loop is no array"),
    ],
)
def test_what_a_writer_never_makes_is_refused(
    tmp_path: Path, make: Callable[[h5py.File], None], message: str
) -> None:
    path = hostile(tmp_path / "f.h5", make)
    with pytest.raises(DataError, match=message) as raised:
        Columns(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_a_column_of_another_type_or_shape_is_named(tmp_path: Path) -> None:
    features(tmp_path / "f.h5")
    found = Columns(tmp_path / "f.h5")
    with pytest.raises(DataError, match=r"train/label is int64 of \(50,\); expected int32 of"):
        found.place("train", "label", "<i4", (50,))
    with pytest.raises(DataError, match=r"float32 of \(50, 7\); expected float32 of \(any, 8\)"):
        found.place("train", "features", "<f4", (None, 8))
    with pytest.raises(DataError, match="val/label is missing"):
        found.place("val", "label", "<i8", (50,))


def test_a_file_cut_anywhere_is_one_line(tmp_path: Path) -> None:
    features(tmp_path / "f.h5")
    content = (tmp_path / "f.h5").read_bytes()
    for length in (0, 7, 8, 100, 2000, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.h5").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut.h5: [^\n]+$"):
            Columns(tmp_path / "cut.h5")


def test_files_are_told_by_their_first_bytes(tmp_path: Path) -> None:
    features(tmp_path / "f.h5")
    (tmp_path / "t.h5").write_text("text")
    assert recognises(tmp_path / "f.h5")
    assert not recognises(tmp_path / "t.h5")
    assert not recognises(tmp_path)
    with pytest.raises(DataError, match="damaged or no HDF5 file"):
        Columns(tmp_path / "t.h5")
    with pytest.raises(DataError, match="damaged or no HDF5 file"):
        Columns(tmp_path / "absent.h5")


def test_a_reader_holds_no_file_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("the system does not list open files")
    features(tmp_path / "f.h5")
    before = len(list(Path("/proc/self/fd").iterdir()))
    found = Columns(tmp_path / "f.h5")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert found.parts.keys() == {"train", "test"}
