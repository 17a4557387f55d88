"""CIFAR-10 and -100 in both versions, and pickles that want to do more than hold them."""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.data.readers import cifar, pickled
from sightline.errors import DataError

TEN = [f"class {i}" for i in range(10)]
FINE = [f"fine {i}" for i in range(100)]
COARSE = [f"coarse {i}" for i in range(20)]
BATCHES = [f"data_batch_{i}" for i in range(1, 6)]


def batch(seed: int, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 32, 32, 3) and labels (n,) below ten."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, n)


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).reshape(len(pixels), -1)


def binary_10(root: Path) -> Path:
    for seed, name in enumerate([*BATCHES, "test_batch"]):
        pixels, labels = batch(seed)
        rows = np.concatenate([labels[:, None].astype(np.uint8), planes(pixels)], 1)
        (root / f"{name}.bin").write_bytes(rows.tobytes())
    (root / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    return root


def python_10(root: Path, protocol: int = 2) -> Path:
    for seed, name in enumerate([*BATCHES, "test_batch"]):
        pixels, labels = batch(seed)
        content = {
            b"batch_label": b"training batch",
            b"labels": labels.tolist(),
            b"data": planes(pixels),
            b"filenames": [b"a.png"] * len(labels),
        }
        (root / name).write_bytes(pickle.dumps(content, protocol))
    meta = {"num_cases_per_batch": 4, "label_names": TEN, "num_vis": 3072}
    (root / "batches.meta").write_bytes(pickle.dumps(meta, protocol))
    return root


def binary_100(root: Path) -> Path:
    for seed, name in enumerate(["train", "test"]):
        pixels, labels = batch(seed)
        two = np.stack([labels, labels * 10 + 9], 1).astype(np.uint8)
        (root / f"{name}.bin").write_bytes(np.concatenate([two, planes(pixels)], 1).tobytes())
    (root / "fine_label_names.txt").write_text("\n".join(FINE))
    (root / "coarse_label_names.txt").write_text("\n".join(COARSE))
    return root


def python_100(root: Path) -> Path:
    for seed, name in enumerate(["train", "test"]):
        pixels, labels = batch(seed)
        content = {
            "coarse_labels": labels.tolist(),
            "fine_labels": (labels * 10 + 9).tolist(),
            "data": planes(pixels),
        }
        (root / name).write_bytes(pickle.dumps(content))
    meta = {"fine_label_names": FINE, "coarse_label_names": COARSE}
    (root / "meta").write_bytes(pickle.dumps(meta))
    return root


@pytest.mark.parametrize("write", [binary_10, python_10])
@pytest.mark.parametrize("inner", [True, False])
def test_cifar_10_is_its_official_train_and_test(
    tmp_path: Path, write: Callable[[Path], Path], inner: bool
) -> None:
    name = "cifar-10-batches-bin" if write is binary_10 else "cifar-10-batches-py"
    home = tmp_path / name if inner else tmp_path
    home.mkdir(exist_ok=True)
    write(home)
    assert cifar.recognises(tmp_path)
    splits = cifar.read(tmp_path, name="cifar10")
    assert {part: len(d) for part, d in splits.parts.items()} == {"train": 20, "test": 4}
    assert splits.test is not None
    pixels = np.concatenate([batch(seed)[0] for seed in range(5)])
    labels = np.concatenate([batch(seed)[1] for seed in range(5)])
    got = splits.train.images(np.arange(20))
    assert isinstance(got, np.ndarray)
    assert got.flags.c_contiguous
    assert np.array_equal(got, pixels)
    assert splits.train.truths.label is not None
    assert splits.train.truths.label.tolist() == labels.tolist()
    assert np.array_equal(splits.test[2].image, batch(5)[0][2])
    assert splits.test.source(2) == "cifar10/test:2"
    assert splits.train.classes == tuple(TEN)
    assert pickle.loads(pickle.dumps(splits.train)).source(19) == "cifar10/train:19"


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_any_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    got = cifar.read(python_10(tmp_path, protocol)).train
    assert np.array_equal(got[1].image, batch(0)[0][1])


def test_a_pickle_by_python_2_and_an_older_numpy_is_read(tmp_path: Path) -> None:
    """As the published batches are: texts are bytes, arrays come from numpy.core."""
    raw = batch(0)[0]
    data = b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\n"
    data += b"ndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x04M\x00\x0c\x86cnumpy\ndtype\n"
    data += b"q\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
    data += b"K\x00tb\x89T" + (4 * 3072).to_bytes(4, "little") + planes(raw).tobytes()
    data += b"tbU\x06labelsq\x08]q\t(K\x03K\x01K\x04K\x01eU\x0bbatch_labelU\x02xyu."
    (tmp_path / "batch").write_bytes(data)
    got = pickled.load(tmp_path / "batch")
    assert np.array_equal(got["data"], planes(raw))
    assert got["labels"] == [3, 1, 4, 1]
    assert got["batch_label"] == "xy"


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_both_spellings_of_numpy_are_known(tmp_path: Path, core: str) -> None:
    data = pickle.dumps({"data": np.arange(6, dtype=np.uint8).reshape(2, 3)}, 2)
    data = data.replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", core.encode())
    (tmp_path / "batch").write_bytes(data)
    assert pickled.load(tmp_path / "batch")["data"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_array_in_the_order_of_fortran_is_the_same_array(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    for protocol in (2, 5):
        (tmp_path / "batch").write_bytes(pickle.dumps({"data": array}, protocol))
        assert np.array_equal(pickled.load(tmp_path / "batch")["data"], array)


@pytest.mark.parametrize("write", [binary_100, python_100])
def test_cifar_100_has_fine_labels_unless_asked_for_coarse(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    fine, coarse = cifar.read(write(tmp_path)).train, cifar.read(tmp_path, coarse=True).train
    labels = batch(0)[1]
    assert cifar.recognises(tmp_path)
    assert (fine.classes, coarse.classes) == (tuple(FINE), tuple(COARSE))
    assert fine.truths.label is not None and coarse.truths.label is not None
    assert fine.truths.label.tolist() == (labels * 10 + 9).tolist()
    assert coarse.truths.label.tolist() == labels.tolist()
    assert np.array_equal(fine[3].image, batch(0)[0][3])


# Mistakes


def said(root: Path, name: str) -> str:
    with pytest.raises(DataError) as caught:
        cifar.read(root)
    text = str(caught.value)
    assert text.startswith(f"{root / name}: ")
    assert "\n" not in text
    return text.removeprefix(f"{root / name}: ")


def test_what_is_no_cifar_is_said(tmp_path: Path) -> None:
    assert not cifar.recognises(tmp_path)
    with pytest.raises(DataError, match="no CIFAR in it; expected one of cifar-10-batches-bin"):
        cifar.read(tmp_path)


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    (binary_10(tmp_path) / "data_batch_4.bin").unlink()
    assert said(tmp_path, "data_batch_4.bin") == "No such file or directory"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: data[:-1], "12291 bytes; expected a multiple of 3073 (one an image)"),
        (lambda data: b"", "0 bytes; expected a multiple of 3073"),
        (lambda data: data[:3073] + b"\x0a" + data[3074:], "label 10 of image 1; expected 0 to 9"),
    ],
    ids=["cut", "empty", "label"],
)
def test_a_damaged_batch_is_named(
    tmp_path: Path, change: Callable[[bytes], bytes], text: str
) -> None:
    path = binary_10(tmp_path) / "data_batch_2.bin"
    path.write_bytes(change(path.read_bytes()))
    assert said(tmp_path, "data_batch_2.bin").startswith(text)


GOOD: dict[str, Any] = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({**GOOD, "labels": [0]}, "2 images but 1 labels"),
        ({**GOOD, "labels": [0, 99]}, "label 99 of image 1; expected 0 to 9"),
        ({**GOOD, "labels": [0, -1]}, "labels from -1 to 0"),
        ({**GOOD, "labels": [0, 10**30]}, "labels from 0 to 1"),
        ({**GOOD, "labels": [0, 10**9999]}, "labels from 0 to 1"),
        ({**GOOD, "labels": [0, "1"]}, "its labels is no list of whole numbers"),
        ({**GOOD, "labels": [0, True]}, "its labels is no list of whole numbers"),
        ({"data": GOOD["data"]}, "its labels is no list of whole numbers"),
        ({**GOOD, "data": np.zeros((2, 3071), np.uint8)}, "its data is no array of (n, 3072)"),
        ({**GOOD, "data": b"123"}, "its data is no array of (n, 3072)"),
        ({**GOOD, "data": np.zeros((2, 3072))}, "damaged pickle (array of f8; expected u1)"),
        ([GOOD], "holds a list; expected a dict"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, str) else "",
)
def test_a_pickle_of_something_else_is_named(tmp_path: Path, content: Any, text: str) -> None:
    (python_10(tmp_path) / "data_batch_3").write_bytes(pickle.dumps(content))
    assert said(tmp_path, "data_batch_3").startswith(text)


class Caller:
    """Pickles to a call of a function with one argument."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_calls_a_function_is_refused_by_its_name(
    tmp_path: Path, protocol: int
) -> None:
    mark = tmp_path / "called"
    for function, name in ((os.system, "posix.system"), (eval, "builtins.eval")):
        data = pickle.dumps({"data": Caller(function, f"touch {mark}")}, protocol)
        (tmp_path / "batch").write_bytes(data.replace(b"__builtin__", b"builtins"))
        with pytest.raises(DataError) as caught:
            pickled.load(tmp_path / "batch")
        assert str(caught.value).startswith(f"{tmp_path / 'batch'}: refused: {name}; only arrays")
    assert not mark.exists()


DOUBLED = b"\x80\x02}K\x01\x85%s%s\x86K\x01s."  # a key of a tuple and that same tuple


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "damaged pickle"),
        (b"hello", "refused: OBJ"),
        (b"an ordinary text", "damaged pickle"),
        (pickle.dumps(GOOD)[:-100], "damaged pickle"),
        (b"(S'touch /tmp/x'\nios\nsystem\n.", "refused: INST os system"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "refused: NEWOBJ"),
        (b"\x80\x02\x82\x01.", "refused: EXT1"),
        (b"Pid\n.", "refused: PERSID id"),
        (b"\x80\x02}r\xff\xff\xff\xff.", "refused: LONG_BINPUT 4294967295"),
        (b"\x80\x02}p99999999999\n.", "refused: PUT 99999999999"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x00.", "damaged pickle"),
        (b"\x80\x02cnumpy\nndarray\n(K\x01tR}b.", "damaged pickle"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}b.", "damaged pickle"),
        (b"\x80\x02c_codecs\nencode\n}U\x0c__defaults__Nsb.", "damaged pickle"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.", "damaged"),
        (b"\x80\x02})" + b"\x85" * 2_000_000 + b"K\x01s.", "refused: more than 100 tuples"),
        (DOUBLED % (b"q\x01", b"h\x01"), "refused: a tuple that is met again"),
        (DOUBLED % (b"\x94", b"h\x00"), "refused: a tuple that is met again"),
        (DOUBLED % (b"N}\x86bq\x01", b"h\x01"), "refused: a tuple that is met again"),
        (b"\x80\x02cnumpy\ndtype\n" + b"]" * 99_999 + b"a" * 99_998 + b"\x85R.", "damaged"),
        (b"\x80\x02}\x8a\xff" + b"\x01" * 255 * 9 + b"K\x01s.", "damaged"),
        (b"\x80\x02}K\x01K\x02s.", ""),
        (b"\x80\x02N.", "holds a NoneType"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_hostile_or_damaged_pickle_is_one_line(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "batch").write_bytes(data)
    if not text:
        assert pickled.load(tmp_path / "batch") == {"1": 2}
        return
    with pytest.raises(DataError) as caught:
        pickled.load(tmp_path / "batch")
    assert str(caught.value).startswith(f"{tmp_path / 'batch'}: {text}")
    assert "\n" not in str(caught.value)


def test_a_pickle_that_is_changed_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    """Never a traceback: what a flipped byte makes of it is a dict or a DataError."""
    rng = np.random.default_rng(0)
    whole = pickle.dumps({"data": np.zeros((1, 6), np.uint8), "labels": [3, 700]}, 2)
    path = tmp_path / "batch"
    for _ in range(1500):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(0, 256)
        path.write_bytes(data)
        with suppress(DataError):
            assert isinstance(pickled.load(path), dict)
