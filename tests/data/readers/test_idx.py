"""IDX: the four files of MNIST, whole, damaged and hostile."""

import gzip
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sightline.data.readers import idx
from sightline.errors import DataError


def zipped(data: bytes) -> bytes:
    """Without the time of day, which would stand in the names of tests."""
    return gzip.compress(data, mtime=0)


SIZES = {"train": 12, "t10k": 7}


def encoded(array: np.ndarray, magic: bytes | None = None) -> bytes:
    """The bytes of an IDX file, written by its definition (yann.lecun.com/exdb/mnist)."""
    start = magic or bytes([0, 0, 8, array.ndim])
    return start + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def arrays(part: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(SIZES[part])
    pixels = rng.integers(0, 256, (SIZES[part], 5, 4), dtype=np.uint8)
    return pixels, (np.arange(SIZES[part]) % 10).astype(np.uint8)


def written(root: Path, suffix: str = "", dash: str = "-") -> Path:
    for part in SIZES:
        pixels, labels = arrays(part)
        for name, array in ((f"images{dash}idx3", pixels), (f"labels{dash}idx1", labels)):
            data = encoded(array)
            path = root / f"{part}-{name}-ubyte{suffix}"
            path.write_bytes(zipped(data) if suffix else data)
    return root


@pytest.mark.parametrize(("suffix", "dash"), [("", "-"), (".gz", "-"), ("", ".")])
def test_the_four_files_are_train_and_test(tmp_path: Path, suffix: str, dash: str) -> None:
    root = written(tmp_path, suffix, dash)
    assert idx.recognises(root)
    splits = idx.read(root, name="mnist")
    assert list(splits.parts) == ["train", "test"]
    for name, part in idx.PARTS.items():
        dataset = splits.parts[name]
        pixels, labels = arrays(part)
        assert np.array_equal(dataset.images(np.arange(len(dataset))), pixels[..., None])
        assert dataset.truths.label is not None
        assert dataset.truths.label.tolist() == labels.tolist()
        assert dataset.classes == tuple("0123456789")
        assert dataset.source(3) == f"mnist/{name}:3"


def test_the_set_is_called_as_its_folder_and_travels_to_workers(tmp_path: Path) -> None:
    train = pickle.loads(pickle.dumps(idx.read(written(tmp_path)).train))
    assert train.name == tmp_path.name
    assert train.source(11) == f"{tmp_path.name}/train:11"


def test_other_classes_may_be_named(tmp_path: Path) -> None:
    train = idx.read(written(tmp_path), classes=idx.FASHION).train
    assert train.classes[train[11].truth.label or 0] == "Trouser"


TRAIN, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def said(root: Path, name: str, data: bytes) -> str:
    """The error about a set in which one file holds these bytes."""
    written(root)
    (root / name.removesuffix(".gz")).unlink()
    (root / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        idx.read(root)
    text = str(caught.value)
    assert text.startswith(f"{root / name}: ")
    assert "\n" not in text
    return text.removeprefix(f"{root / name}: ")


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        (TRAIN, b"", "starts with ; expected 00000803"),
        (TRAIN, b"hello world", "starts with 68656c6c; expected 00000803"),
        (TRAIN, encoded(arrays("train")[1]), "starts with 00000801; expected 00000803"),
        (TRAIN, encoded(arrays("train")[0], b"\0\0\x0d\x03"), "starts with 00000d03"),
        (LABELS, encoded(arrays("train")[0]), "starts with 00000803; expected 00000801"),
        (TRAIN, b"\0\0\x08\x03\0\0", "cut short in its header"),
        (TRAIN, encoded(arrays("train")[0]) + b"x", "more than the 240 bytes its header claims"),
        (LABELS, encoded(arrays("t10k")[1]), "7 labels but 12 images"),
        (LABELS, encoded(np.full(12, 10, np.uint8)), "label 10 of image 0; expected 0 to 9"),
        (TRAIN, encoded(np.empty((0, 5, 4), np.uint8)), "an empty array"),
        (TRAIN + ".gz", zipped(encoded(arrays("train")[0]))[:-40], "damaged gz"),
        (TRAIN + ".gz", encoded(arrays("train")[0]), "damaged gz"),
        (TRAIN + ".gz", zipped(encoded(arrays("train")[0])[:-9]), "cut short: 231 of 240"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, data: bytes, text: str) -> None:
    assert said(tmp_path, name, data).startswith(text)


def test_a_gz_with_a_flipped_bit_is_found_by_its_sum(tmp_path: Path) -> None:
    data = bytearray(zipped(encoded(arrays("train")[0])))
    data[-6] ^= 1  # in the checksum, behind all pixels
    assert said(tmp_path, TRAIN + ".gz", bytes(data)).startswith("damaged gz (CRC check failed")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_header_that_claims_more_than_the_file_can_hold_is_refused(
    tmp_path: Path, suffix: str
) -> None:
    data = b"\0\0\x08\x03" + b"\xff" * 12 + b"pixels"
    text = said(tmp_path, TRAIN + suffix, zipped(data) if suffix else data)
    assert text.startswith("its header claims 4294967295 x 4294967295 x 4294967295 bytes")


def test_a_gz_is_unpacked_no_further_than_its_header_says(tmp_path: Path) -> None:
    """One gigabyte of zeros behind a header for 20 pixels, read under a limit of memory."""
    head = b"\0\0\x08\x03" + struct.pack(">3I", 1, 5, 4)
    packed = zipped(head + bytes(2**20)) + zipped(bytes(2**20)) * 1023
    (tmp_path / "bomb.gz").write_bytes(packed)
    code = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from sightline.data.readers import idx\n"
        "from sightline.errors import DataError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    idx.array(Path(sys.argv[1]), 3)\n"
        "except DataError as error:\n    print(error)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bomb.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    text, grown = done.stdout.strip().split("\n")
    assert text.endswith("more than the 20 bytes its header claims")
    assert int(grown) < 20  # MB


def test_missing_files_are_named(tmp_path: Path) -> None:
    assert not idx.recognises(tmp_path)
    (written(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"no t10k-labels-idx1-ubyte or \.gz of it"):
        idx.read(tmp_path)
