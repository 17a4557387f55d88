"""A mended copy: what is left out, what is clipped, what stays, and the list that says so."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from sightline.data.catalog import open_named
from sightline.data.checking.audit import audit
from sightline.data.checking.mend import LIST, Fix, format_of, mend
from sightline.data.convert import convert
from sightline.data.readers import coco, folders, masks, table, voc, yolo
from sightline.data.split import Splits
from sightline.data.writers import WRITERS
from sightline.errors import DataError, OutputError

Photos = Callable[..., Path]
READ = {"voc": voc.read, "coco": coco.read, "yolo": yolo.read, "csv": table.read}


def scene(seed: int, size: tuple[int, int] = (30, 40)) -> Any:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def parts(root: Path, sources: dict[str, int]) -> Path:
    """Class folders by part: `{"train/a/1.png": seed}`."""
    for name, seed in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(seed)).save(path)
    return root


def listed(root: Path) -> list[Fix]:
    text = (root / LIST).read_text("utf-8")
    return [Fix(*row.values()) for row in csv.DictReader(io.StringIO(text))]


def test_unreadable_files_and_exact_copies_are_left_out_and_listed(
    photos: Photos, tmp_path: Path
) -> None:
    root = photos(each=5)
    (root / "blue" / "00.png").write_bytes(b"")
    shutil.copy(root / "red" / "01.png", root / "red" / "07.png")
    before = content(root)
    fixes = mend(audit(folders.read(root)), None, tmp_path / "out")
    assert content(root) == before
    kept = content(tmp_path / "out")
    assert listed(tmp_path / "out") == fixes
    kept.pop(LIST)
    assert kept == {n: c for n, c in before.items() if n not in ("blue/00.png", "red/07.png")}
    assert fixes == [
        Fix("train", "blue/00.png", "removed", "empty file"),
        Fix("train", "red/07.png", "removed", "exact copy of red/01.png"),
    ]
    again = audit(folders.read(tmp_path / "out"))
    assert not {f.kind for f in again.findings} & {"unreadable", "duplicates"}


def test_of_copies_across_parts_the_training_one_goes_and_never_the_test_one(
    tmp_path: Path,
) -> None:
    names = {"train/a/1.png": 1, "train/a/2.png": 2, "train/a/3.png": 3, "train/b/1.png": 4}
    names |= {"val/a/1.png": 1, "val/a/2.png": 5, "val/b/1.png": 6, "val/a/9.png": 7}
    names |= {"test/a/1.png": 2, "test/a/2.png": 5, "test/b/1.png": 8, "test/b/2.png": 8}
    root = parts(tmp_path / "set", names)
    fixes = mend(audit(folders.read(root)), None, tmp_path / "out")
    assert {(fix.image, fix.why) for fix in fixes} == {
        ("train/a/1.png", "exact copy of val/a/1.png in val"),
        ("train/a/2.png", "exact copy of test/a/1.png in test"),
        ("val/a/2.png", "exact copy of test/a/2.png in test"),
    }
    assert {fix.what for fix in fixes} == {"removed"}
    left = set(content(tmp_path / "out")) - {LIST}
    assert left == set(names) - {fix.image for fix in fixes}
    assert not [f for f in audit(folders.read(tmp_path / "out")).findings if f.kind == "leak"]


def test_train_dev_is_a_part_like_the_others(tmp_path: Path) -> None:
    names = {"train/a/1.png": 1, "train/a/2.png": 2, "train/b/1.png": 4, "train-dev/a/1.png": 1}
    names |= {"train-dev/a/2.png": 1, "train-dev/a/3.png": 5, "train-dev/b/1.png": 6}
    names |= {"val/a/1.png": 5, "val/b/1.png": 7}
    root = parts(tmp_path / "set", names)
    convert(folders.read(root), "csv", tmp_path / "csv")
    for place, reader, format in ((root, folders, None), (tmp_path / "csv", table, "csv")):
        out = tmp_path / f"{place.name}-out"
        fixes = mend(audit(reader.read(place)), format, out)
        whys = sorted(fix.why.rpartition(" in ")[2] for fix in fixes if fix.what == "removed")
        assert [why[:10] for why in whys] == ["exact copy", "train-dev", "val"]
        counts = {part: len(rows) for part, rows in reader.read(out).parts.items()}
        assert counts == {"train": 2, "train-dev": 2, "val": 2}


def test_copies_with_different_truths_stay_and_are_listed(tmp_path: Path) -> None:
    root = parts(tmp_path / "set", {"a/1.png": 1, "b/1.png": 1, "a/2.png": 2, "b/2.png": 3})
    fixes = mend(audit(folders.read(root)), None, tmp_path / "out")
    why = "exact copy of a/1.png with another truth: decide by hand"
    assert fixes == [Fix("train", "b/1.png", "kept", why)]
    assert set(content(tmp_path / "out")) == {*content(root), LIST}


def test_near_copies_stay(tmp_path: Path) -> None:
    root = parts(tmp_path / "set", {"a/1.png": 1, "b/1.png": 3})
    Image.fromarray(scene(1)).save(root / "a" / "2.jpg", quality=60)
    audited = audit(folders.read(root))
    assert "near" in {finding.kind for finding in audited.findings}
    assert mend(audited, None, tmp_path / "out") == []
    assert set(content(tmp_path / "out")) == {*content(root), LIST}


def boxes_set(root: Path, format: str) -> Splits:
    """A set on disk in a format, with a copy, a damaged file, and boxes of every fault."""
    root.mkdir()
    for i in range(4):
        Image.fromarray(scene(i)).save(root / f"{i}.png")
    shutil.copy(root / "1.png", root / "4.png")
    lines = ["0.png,5,5,20,20,cat", "0.png,30,20,50,45,dog", "0.png,5,5,20,20,cat"]
    lines += ["1.png,1,1,9,9,dog", "4.png,1,1,9,9,dog", "2.png,41,3,60,9,cat", "2.png,7,7,7,9,cat"]
    lines += ["3.png,,,,,"]
    (root / "train.csv").write_text("image,x0,y0,x1,y1,label\n" + "\n".join(lines) + "\n")
    (root / "test.csv").write_text("image,x0,y0,x1,y1,label\n2.png,2,2,8,8,dog\n")
    if format == "csv":
        return table.read(root)
    from sightline.data.convert import convert

    convert(table.read(root), format, root / format)
    return READ[format](root / format)


@pytest.mark.parametrize("format", sorted(WRITERS))
def test_boxes_are_clipped_or_removed_in_every_format(format: str, tmp_path: Path) -> None:
    splits = boxes_set(tmp_path / "set", format)
    root = tmp_path / "set" if format == "csv" else tmp_path / "set" / format
    assert format_of(root, splits.train) == format
    fixes = mend(audit(splits), format, tmp_path / "out")
    again = READ[format](tmp_path / "out")
    column = again.train.truths.boxes
    assert column is not None
    # 0.png keeps one of each box; 1.png loses its copy; 2.png went to test, where it lies too
    found = [column.at(i)["boxes"].round(3).tolist() for i in range(len(again.train))]
    assert sorted(found) == sorted([[[5, 5, 20, 20], [30, 20, 40, 30]], [[1, 1, 9, 9]], []])
    assert again.test is not None and len(again.test) == 1
    said = [(fix.what, fix.why.split(":")[0]) for fix in fixes[1:]]
    assert ("clipped", "box partly outside the image") in said
    assert ("removed", "box there twice") in said
    assert fixes[0].what == "rewritten"
    kinds = {finding.kind for finding in audit(again).findings}
    assert not kinds & {"box-empty", "box-away", "box-outside", "box-twice", "duplicates", "leak"}


def test_boxes_of_no_area_go(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    Image.fromarray(scene(0)).save(root / "0.png")
    lines = ["0.png,5,5,5,20,cat", "0.png,41,5,50,20,cat", "0.png,5,5,9,20,dog"]
    (root / "train.csv").write_text("image,x0,y0,x1,y1,label\n" + "\n".join(lines) + "\n")
    fixes = mend(audit(table.read(root)), "csv", tmp_path / "out")
    assert [fix.what for fix in fixes] == ["rewritten", "removed", "removed"]
    column = table.read(tmp_path / "out").train.truths.boxes
    assert column is not None and column.boxes.tolist() == [[5, 5, 9, 20]]


def test_masks_go_along_and_images_whose_mask_does_not_fit_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for i in range(3):
        Image.fromarray(scene(i)).save(root / "images" / f"{i}.png")
        Image.fromarray(np.eye(30, 40, k=i, dtype=np.uint8)).save(root / "masks" / f"{i}.png")
    splits = masks.read(root, ("ground", "tree"))
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(root / "masks" / "1.png")
    fixes = mend(audit(splits), None, tmp_path / "out")
    assert fixes == [Fix("train", "images/1.png", "removed", "mask size")]
    names = {f"{folder}/{i}.png" for folder in ("images", "masks") for i in (0, 2)}
    assert set(content(tmp_path / "out")) == {*names, LIST}
    assert len(masks.read(tmp_path / "out", ("ground", "tree")).train) == 2


def test_a_set_of_arrays_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="digits: --fix is for sets of files; these are arrays"):
        mend(audit(open_named("digits")), None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_mended_copy_never_overwrites_and_leaves_nothing_half_done(
    photos: Photos, tmp_path: Path
) -> None:
    audited = audit(folders.read(photos(each=3)))
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="never overwrites"):
        mend(audited, None, tmp_path / "out")
    before = set(tmp_path.iterdir())
    (tmp_path / "photos" / "red" / "00.png").unlink()  # gone between look and copy
    with pytest.raises(OutputError, match="No such file"):
        mend(audited, None, tmp_path / "new")
    assert set(tmp_path.iterdir()) == before


def test_a_set_of_which_nothing_is_left_is_refused(photos: Photos, tmp_path: Path) -> None:
    root = photos(each=3)
    for path in root.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="nothing would be left"):
        mend(audit(folders.read(root)), None, tmp_path / "out")


def test_pictures_outside_the_set_do_not_lead_outside_the_copy(tmp_path: Path) -> None:
    from sightline.data.dataset import FileDataset
    from sightline.data.truths import Truths

    (tmp_path / "in").mkdir()
    Image.fromarray(scene(0)).save(tmp_path / "a.png")
    truths = Truths(label=np.array([0, 1]))
    for name in ("../a.png", str(tmp_path / "a.png")):
        stray = FileDataset(tmp_path / "in", [name, name], truths, ("a", "b"))
        with pytest.raises(DataError, match="lies outside"):
            mend(audit(Splits(stray)), None, tmp_path / "copy" / "out")
    assert [p.name for p in (tmp_path / "copy").iterdir()] == []
