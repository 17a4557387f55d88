"""The named sets: each in a small tree of its canonical layout, opened by name."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data import catalog
from sightline.data.catalog import DATASETS, open_named
from sightline.data.readers.published import FLOWERS
from sightline.errors import DataError

Counts = dict[str, int]  # images by part


@pytest.fixture(autouse=True)
def _nothing_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pictures(root: Path, *names: str, mode: str = "RGB") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (4, 3)).save(root / name)


def idx(root: Path) -> Counts:
    root.mkdir(parents=True)
    for part, n in (("train", 20), ("t10k", 10)):
        pixels, labels = bytes(n * 4), bytes(i % 10 for i in range(n))
        images = b"\0\0\x08\x03" + np.array([n, 2, 2], ">u4").tobytes() + pixels
        with gzip.open(root / f"{part}-images-idx3-ubyte.gz", "wb") as file:
            file.write(images)
        with gzip.open(root / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(b"\0\0\x08\x01" + np.array([n], ">u4").tobytes() + labels)
    return {"train": 20, "test": 10}


def cifar10(root: Path) -> Counts:
    home = root / "cifar-10-batches-bin"
    home.mkdir(parents=True)
    for batch in ["test_batch", *(f"data_batch_{i}" for i in range(1, 6))]:
        (home / f"{batch}.bin").write_bytes(b"".join(bytes([i]) + bytes(3072) for i in range(10)))
    (home / "batches.meta.txt").write_text("".join(f"class{i}\n" for i in range(10)))
    return {"train": 50, "test": 10}


def cifar100(root: Path) -> Counts:
    home = root / "cifar-100-binary"
    home.mkdir(parents=True)
    for batch in ("train", "test"):
        rows = b"".join(bytes([i // 5, i]) + bytes(3072) for i in range(100))
        (home / f"{batch}.bin").write_bytes(rows)
    (home / "fine_label_names.txt").write_text("".join(f"fine{i}\n" for i in range(100)))
    return {"train": 100, "test": 100}


def animals(root: Path) -> Counts:
    pictures(root, "cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "panda/1.jpg")
    return {"train": 4}


def dogs_vs_cats(root: Path) -> Counts:
    pictures(root, "train/cat.0.jpg", "train/cat.1.jpg", "train/dog.0.jpg", "test1/1.jpg")
    return {"train": 3}


def flowers17(root: Path) -> Counts:
    numbers = [n for first in range(1, 1361, 80) for n in (first, first + 79)]
    pictures(root, *(f"jpg/image_{n:04d}.jpg" for n in numbers))
    (root / "jpg" / "files.txt").write_text("image_0001.jpg\n")
    return {"train": 34}


def caltech101(root: Path) -> Counts:
    home = root / "101_ObjectCategories"
    pictures(home, *(f"object{i:03d}/image_0001.jpg" for i in range(101)))
    pictures(home, "BACKGROUND_Google/image_0001.jpg")
    (home / "BACKGROUND_Google" / "tmp").write_text("")
    return {"train": 101}


def tiny_imagenet(root: Path) -> Counts:
    ids = [f"n{i:08d}" for i in range(200)]
    home = root / "tiny-imagenet-200"
    pictures(home, *(f"train/{key}/images/{key}_{i}.JPEG" for key in ids for i in (0, 1)))
    pictures(home, *(f"val/images/val_{i}.JPEG" for i in range(200)), "test/images/test_0.JPEG")
    (home / "train" / ids[0] / f"{ids[0]}_boxes.txt").write_text(f"{ids[0]}_0.JPEG\t0\t0\t3\t2\n")
    lines = [f"val_{i}.JPEG\t{key}\t0\t0\t3\t2\n" for i, key in enumerate(ids)]
    (home / "val" / "val_annotations.txt").write_text("".join(lines))
    words = [f"{key}\tthing {i}, Res {i}\n" for i, key in enumerate(ids)]
    (home / "words.txt").write_text("n99999999\tnothing\n" + "".join(words))
    return {"train": 400, "val": 200}


def imagenet_samples(root: Path) -> Counts:
    pictures(root, *(f"n{i:08d}_thing_{i}.jpg" for i in range(100)))
    return {"train": 100}


def smiles(root: Path) -> Counts:
    inner = root / "SMILEs"
    pictures(inner, "positives/positives7/1.jpg", "negatives/negatives7/1.jpg", mode="L")
    return {"train": 2}


def captcha(root: Path) -> Counts:
    pictures(root, *(f"digits/{i}/000001.png" for i in range(1, 10)), "downloads/00000.jpg")
    return {"train": 9}


def orl_faces(root: Path) -> Counts:
    pictures(root, *(f"s{i}/1.png" for i in range(1, 41)), mode="L")
    (root / "README").write_text("our database of faces")
    return {"train": 40}


def lfw(root: Path) -> Counts:
    home = root / "lfw_funneled"
    pictures(home, *(f"Person_{i}/Person_{i}_0001.jpg" for i in range(5749)))
    pictures(home, "Person_7/Person_7_0002.jpg")
    (home / "pairs.txt").write_text("")
    return {"train": 5750}


def bccd(root: Path) -> Counts:
    home = root / "BCCD"
    lists = home / "ImageSets" / "Main"
    (home / "Annotations").mkdir(parents=True)
    lists.mkdir(parents=True)
    for key, (part, label) in enumerate(
        [("train", "RBC"), ("val", "WBC"), ("test", "Platelets")], start=1
    ):
        pictures(home, f"JPEGImages/{key}.jpg")
        box = "<xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>2</ymax>"
        (home / "Annotations" / f"{key}.xml").write_text(
            f"<annotation><filename>{key}.jpg</filename><object><name>{label}</name>"
            f"<bndbox>{box}</bndbox></object></annotation>"
        )
        (lists / f"{part}.txt").write_text(f"{key}\n")
    return {"train": 1, "val": 1, "test": 1}


def membrane(root: Path) -> Counts:
    pictures(root, "images/0.png", mode="L")
    pictures(root, "masks/0.png", mode="1")
    return {"train": 1}


def pennfudan(root: Path) -> Counts:
    pictures(root, "PennFudanPed/PNGImages/F1.png")
    masks = root / "PennFudanPed" / "PedMasks"
    masks.mkdir()
    Image.fromarray(np.array([[0, 1, 1, 0]] * 3, np.uint8)).save(masks / "F1_mask.png")
    return {"train": 1}


def loose(root: Path) -> Counts:
    pictures(root, "1.png", "2.png")
    return {"train": 2}


LAYOUTS: dict[str, Callable[[Path], Counts]] = {
    "mnist": idx,
    "fashion-mnist": idx,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "animals": animals,
    "dogs-vs-cats": dogs_vs_cats,
    "flowers17": flowers17,
    "caltech101": caltech101,
    "tiny-imagenet": tiny_imagenet,
    "imagenet-samples": imagenet_samples,
    "smiles": smiles,
    "captcha": captcha,
    "orl-faces": orl_faces,
    "lfw": lfw,
    "bccd": bccd,
    "pennfudan": pennfudan,
    "membrane": membrane,
    "t91": loose,
    "set5": loose,
}
FROM_FILES = [name for name, entry in DATASETS.items() if not entry.embedded]


@pytest.mark.parametrize("name", FROM_FILES)
def test_a_set_is_read_from_its_canonical_layout(name: str, tmp_path: Path) -> None:
    counts, entry = LAYOUTS[name](tmp_path / name), DATASETS[name]
    splits = open_named(name, str(tmp_path))
    assert {part: len(dataset) for part, dataset in splits.parts.items()} == counts
    assert set(counts) == set(entry.images)
    for dataset in splits.parts.values():
        assert len(dataset.classes) == len(set(dataset.classes)) == entry.classes
        assert dataset.truths.task == entry.task
        assert dataset.name == name
        first = dataset[0]
        assert first.image.dtype == np.uint8
        assert str(tmp_path) in first.source or name in first.source
    label = splits.train.truths.label
    if label is not None:
        assert set(label.tolist()) == set(range(entry.classes))


@pytest.mark.parametrize("name", FROM_FILES)
def test_an_empty_folder_of_a_set_is_one_line_that_names_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(DataError) as caught:
        open_named(name, str(tmp_path))
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", [name for name in FROM_FILES if not DATASETS[name].remotes], ids=str
)
def test_a_set_without_an_address_says_what_to_put_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_named(name, str(tmp_path))
    said = str(caught.value)
    assert f"put {DATASETS[name].files} into {tmp_path / name}" in said
    assert "\n" not in said


@pytest.mark.parametrize("name", DATASETS)
def test_an_entry_says_what_a_user_must_know(name: str) -> None:
    entry = DATASETS[name]
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert entry.about and not entry.about.endswith(".")
    assert set(entry.images) <= {"train", "val", "test"} and "train" in entry.images
    assert all(count > 0 for count in entry.images.values())
    assert (entry.classes == 0) == (entry.task == "restoration")
    assert catalog.NONE_ON_RECORD in entry.licence or re.match(r"[A-Z]", entry.licence)


@pytest.mark.parametrize("name", [name for name in FROM_FILES if DATASETS[name].remotes])
def test_an_address_is_whole_and_its_sum_has_the_length_of_its_kind(name: str) -> None:
    remotes = DATASETS[name].remotes
    for remote in remotes:
        assert re.match(r"https?://[^/]+/.", remote.address)
        assert remote.digest is None or re.fullmatch(
            r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", remote.digest
        )
        assert remote.size is None or remote.size > 0
    if len(remotes) == 1:  # an archive, told by its name
        assert remotes[0].name.endswith((".tar.gz", ".tgz", ".zip"))


def test_super_resolution_sets_are_also_found_in_the_folder_they_share(tmp_path: Path) -> None:
    pictures(tmp_path, "superres/t91/t1.png", "superres/set5/baby.png")
    assert len(open_named("t91", str(tmp_path)).train) == 1
    assert len(open_named("set5", str(tmp_path)).train) == 1


def test_the_flowers_are_those_of_the_entry() -> None:
    assert len(set(FLOWERS)) == DATASETS["flowers17"].classes
