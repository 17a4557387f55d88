"""A fingerprint changes when anything does that a model learns from, and at nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.data.boxes import Boxes, Instances
from sightline.data.check import examine, without_unreadable
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset, Joined, Subset
from sightline.data.fingerprint import fingerprint
from sightline.data.readers import masks, pairs, table
from sightline.data.truths import ArrayPictures, Truths
from sightline.errors import DataError
from sightline.instances import of_mask

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
LABEL = np.array([0, 1, 2, 0, 1, 2])


def arrays(name: str = "toys", **truths: Any) -> ArrayDataset:
    return ArrayDataset(PIXELS, Truths(**(truths or {"label": LABEL})), ("a", "b", "c"), name)


def in_files(root: Path) -> FileDataset:
    paths = []
    for i, pixels in enumerate(PIXELS):
        paths.append(f"größe/{i}.png")
        (root / paths[-1]).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / paths[-1])
    return FileDataset(root, paths, Truths(label=LABEL), ("a", "b", "c"))


def changed(kind: str) -> Dataset:
    pixels, label = PIXELS.copy(), LABEL.copy()
    if kind == "a pixel":
        pixels[3, 0, 0, 0] ^= 1
    if kind == "a truth":
        label[3] = 1
    classes = ("a", "b", "d") if kind == "a class name" else ("a", "b", "c")
    top = 127 if kind == "the range" else 255
    whole = ArrayDataset(pixels, Truths(label=label), classes, "toys", top)
    return Subset(whole, [1, 0, 2, 3, 4, 5]) if kind == "the order" else whole


def test_a_fingerprint_does_not_depend_on_where_or_when() -> None:
    assert fingerprint(arrays()) == fingerprint(arrays("moved"))
    assert len(fingerprint(arrays())) == 16


@pytest.mark.parametrize("kind", ["a pixel", "a truth", "a class name", "the range", "the order"])
def test_a_fingerprint_changes_with(kind: str) -> None:
    assert fingerprint(changed(kind)) != fingerprint(arrays())


def test_a_fingerprint_sees_the_order_of_many_rows_alike() -> None:
    """Another order is another training."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 2, 2, 1), dtype=np.uint8)
    whole = ArrayDataset(pixels, Truths(label=np.zeros(300, np.int64)), ("a", "b"))
    rows = np.arange(300)
    for swapped in range(1, 299):
        order = rows.copy()
        order[[swapped, swapped + 1]] = order[[swapped + 1, swapped]]
        assert fingerprint(Subset(whole, order)) != fingerprint(Subset(whole, rows)), swapped


def test_a_fingerprint_of_several_sets_is_of_what_is_in_them(tmp_path: Path) -> None:
    files = in_files(tmp_path)
    before = fingerprint(Joined([arrays(), files]))
    assert fingerprint(Joined([files, arrays()])) != before
    assert fingerprint(Joined([arrays(), Subset(files, [0, 1, 2, 3, 5, 4])])) != before
    with files.path(1).open("ab") as file:
        file.write(b"more")
    assert fingerprint(Joined([arrays(), files])) != before


def test_a_fingerprint_of_files_is_of_their_names_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = in_files(tmp_path / "one"), in_files(tmp_path / "two")
    before = fingerprint(one)
    assert fingerprint(two) == before
    with one.path(1).open("ab") as file:
        file.write(b"more")
    assert fingerprint(one) != before


def test_a_quarantined_file_that_is_missing_does_not_stop_the_fingerprint(tmp_path: Path) -> None:
    whole = in_files(tmp_path)
    whole.path(2).unlink()
    kept = without_unreadable(whole, examine(whole), quarantine=True)
    assert len(kept) == 5
    assert len(fingerprint(kept)) == 16


def test_files_named_by_absolute_paths_have_a_fingerprint_too(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "lists").mkdir()
    rows = ["image,label"]
    for i, name in enumerate("ab"):
        Image.fromarray(PIXELS[i]).save(tmp_path / "pictures" / f"{name}.png")
        rows.append(f"{tmp_path / 'pictures' / name}.png,{name}")
    (tmp_path / "lists" / "x.csv").write_text("\n".join(rows))
    train = table.read(tmp_path / "lists" / "x.csv").train
    assert np.array_equal(train[1].image, PIXELS[1])
    assert len(fingerprint(train)) == 16


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    whole = in_files(tmp_path)
    whole.path(2).unlink()
    with pytest.raises(DataError, match=r"größe/2\.png: No such file"):
        fingerprint(whole)


def test_a_fingerprint_sees_the_pixels_of_masks_and_targets_in_memory() -> None:
    mask = np.zeros((6, 4, 5), np.uint8)
    other = mask.copy()
    other[3, 1, 1] = 1
    before = fingerprint(arrays(masks=ArrayPictures(mask)))
    assert fingerprint(arrays(masks=ArrayPictures(mask.copy()))) == before
    assert fingerprint(arrays(masks=ArrayPictures(other))) != before
    assert fingerprint(arrays(targets=ArrayPictures(PIXELS))) != fingerprint(
        arrays(targets=ArrayPictures(PIXELS ^ 1))
    )


def test_a_fingerprint_sees_the_masks_of_objects() -> None:
    def boxed(column: int) -> Dataset:
        pixels = np.zeros((4, 5), bool)
        pixels[1, column] = True
        boxes = Boxes.of([[0, 0, 5, 4]] * 6, [[0]] * 6, Instances.of([of_mask(pixels)] * 6))
        return arrays(boxes=boxes)

    assert fingerprint(boxed(1)) == fingerprint(boxed(1))
    assert fingerprint(boxed(1)) != fingerprint(boxed(2))


@pytest.mark.parametrize(
    ("reader", "left", "right"), [(masks, "images", "masks"), (pairs, "input", "target")]
)
def test_masks_and_targets_in_files_count_by_name_and_content_wherever_they_lie(
    tmp_path: Path, reader: Any, left: str, right: str
) -> None:
    for root in (tmp_path / "one", tmp_path / "two"):
        for folder in (left, right):
            (root / folder).mkdir(parents=True)
            Image.fromarray(PIXELS[0][..., 0] % 2).save(root / folder / "1.png")
    one, two = (reader.read(tmp_path / name).train for name in ("one", "two"))
    before = fingerprint(one)
    assert fingerprint(two) == before
    Image.fromarray(1 - PIXELS[0][..., 0] % 2).save(tmp_path / "one" / right / "1.png")
    assert fingerprint(reader.read(tmp_path / "one").train) != before
    assert fingerprint(Joined([two, two])) != before
