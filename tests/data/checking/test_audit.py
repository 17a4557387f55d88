"""Every kind of finding is planted, found, and not found where it is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from sightline.data.boxes import Instances
from sightline.data.checking import images as audit_images
from sightline.data.checking.audit import Audit, audit, headline
from sightline.data.checking.findings import SEVERITIES, Finding
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset
from sightline.data.readers import folders, masks, pairs, table
from sightline.data.split import Splits
from sightline.data.truths import ArrayPictures, Boxes, Truths
from sightline.instances import of_mask

Photos = Callable[..., Path]
CLASSES = ("a", "b", "c")


def scene(seed: int, size: tuple[int, int] = (40, 40)) -> Any:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def labeled(images: list[Any], labels: list[int], classes: tuple[str, ...] = CLASSES) -> Dataset:
    return ArrayDataset(images, Truths(label=np.array(labels)), classes, "toys")


def boxed(boxes: list[list[float]], classes: list[int], seed: int = 0) -> Dataset:
    """One image 40 wide and 30 high, with boxes, and one without."""
    images = [scene(seed, (30, 40)), scene(seed + 1, (30, 40))]
    column = Boxes.of([boxes, []], [classes, []])
    return ArrayDataset(images, Truths(boxes=column), CLASSES, "boxed")


def of(audited: Audit, kind: str) -> list[Finding]:
    return [finding for finding in audited.findings if finding.kind == kind]


def only(audited: Audit, kind: str) -> Finding:
    (found,) = of(audited, kind)
    return found


def rows(finding: Finding) -> list[list[tuple[str, int]]]:
    return [list(group) for group in finding.groups]


def test_a_good_set_has_nothing_but_its_size_against_it() -> None:
    images = [scene(i) for i in range(30)]
    audited = audit(Splits(labeled(images, [i % 3 for i in range(30)])))
    assert [finding.kind for finding in audited.findings] == ["few"]
    assert headline(audited).startswith("30 images, 3 classes, classification; ")


def test_each_image_is_looked_at_once_and_counted(photos: Photos) -> None:
    ticks: list[int] = []
    splits = folders.read(photos(each=6))
    audited = audit(splits, ticks.append)
    assert ticks == [1] * 18
    assert audited.counts == {"train": [6, 6, 6]}
    assert audited.decoded == 3 * 2 * (20 + 21 + 22) * 20 * 3
    assert audited.stored == sum(path.stat().st_size for path in photos_of(splits))


def photos_of(splits: Splits) -> list[Path]:
    return [Path(splits.train.source(i)) for i in range(len(splits.train))]


def test_damaged_files_and_absent_ones_are_told_apart(photos: Photos, tmp_path: Path) -> None:
    root = photos(each=4)
    cut = root / "blue" / "00.png"
    cut.write_bytes(cut.read_bytes()[:150])
    (root / "red" / "notes.txt").write_text("milk")
    audited = audit(folders.read(root))
    assert rows(only(audited, "unreadable")) == [[("train", 0)], [("train", 12)]]
    assert of(audited, "absent") == []
    listed = tmp_path / "set.csv"
    listed.write_text("image,label\nphotos/red/00.png,x\nnone.png,y\n")
    audited = audit(table.read(listed))
    assert rows(only(audited, "absent")) == [[("train", 1)]]
    assert only(audited, "absent").severity == "problem"
    assert of(audited, "unreadable") == []


def test_a_set_of_which_nothing_can_be_read_is_told_all_the_same(photos: Photos) -> None:
    root = photos(each=3)
    for path in root.rglob("*.png"):
        path.write_bytes(b"")
    audited = audit(folders.read(root))
    assert only(audited, "unreadable").images == 9
    json.dumps(audited.to_dict())


def test_exact_copies_within_a_part_are_grouped() -> None:
    images = [scene(0), scene(1), scene(0), scene(2), scene(0), scene(1)]
    audited = audit(Splits(labeled(images, [0, 1, 0, 2, 0, 1])))
    found = only(audited, "duplicates")
    assert found.severity == "warning"
    assert rows(found) == [
        [("train", 0), ("train", 2), ("train", 4)],
        [("train", 1), ("train", 5)],
    ]
    assert not {"leak", "near", "conflict"} & {finding.kind for finding in audited.findings}


def test_exact_copies_across_parts_are_a_problem() -> None:
    train = labeled([scene(i) for i in range(6)], [0, 1, 2] * 2)
    test = labeled([scene(7), scene(2), scene(9)], [0, 2, 1])
    found = only(audit(Splits(train, None, test)), "leak")
    assert (found.severity, found.part) == ("problem", "train, test")
    assert rows(found) == [[("train", 2), ("test", 1)]]


def test_copies_of_equal_pixels_and_other_shape_are_none() -> None:
    flat = np.arange(64 * 3, dtype=np.uint8)
    images = [flat.reshape(4, 16, 3), flat.reshape(16, 4, 3)]
    assert of(audit(Splits(labeled(images, [0, 1]))), "duplicates") == []


def test_copies_with_other_truths_contradict() -> None:
    images = [scene(0), scene(0), scene(1), scene(1)]
    found = only(audit(Splits(labeled(images, [0, 1, 2, 2]))), "conflict")
    assert found.severity == "problem"
    assert rows(found) == [[("train", 0), ("train", 1)]]
    column = Boxes.of([[[1, 1, 9, 9]], [[1, 1, 20, 9]]], [[0], [0]])
    both = ArrayDataset([scene(5)] * 2, Truths(boxes=column), CLASSES, "boxed")
    assert rows(only(audit(Splits(both)), "conflict")) == [[("train", 0), ("train", 1)]]


def test_near_copies_are_noted_within_and_warned_of_across_parts_and_classes() -> None:
    def again(image: Any) -> Any:
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1)

    train = [scene(i, (80, 80)) for i in range(6)]
    val = [again(train[3]), scene(20, (80, 80)), scene(21, (80, 80))]
    splits = Splits(
        labeled([*train, again(train[0])], [0, 1, 2, 0, 1, 2, 0]), labeled(val, [1, 0, 2])
    )
    audited = audit(splits)
    assert rows(only(audited, "near")) == [[("train", 0), ("train", 6)]]
    assert only(audited, "near").severity == "note"
    leak = only(audited, "near-leak")
    assert (leak.severity, rows(leak)) == ("warning", [[("train", 3), ("val", 0)]])
    assert rows(only(audited, "near-conflict")) == [[("train", 3), ("val", 0)]]


def test_mirrored_copies_are_noted() -> None:
    images = [scene(0), scene(1), scene(2), np.ascontiguousarray(scene(1)[:, ::-1])]
    found = only(audit(Splits(labeled(images, [0, 1, 2, 1]))), "mirrored")
    assert rows(found) == [[("train", 1), ("train", 3)]]


def test_blank_images_are_told_and_are_no_copies_of_each_other() -> None:
    rng = np.random.default_rng(0)
    pale = [(250 + rng.integers(0, 3, (30, 30, 3))).astype(np.uint8) for _ in range(9)]
    audited = audit(Splits(labeled([*pale, scene(0), scene(1)], [0] * 9 + [1, 2])))
    assert only(audited, "blank").images == 9
    assert not {"near", "duplicates", "mirrored"} & {finding.kind for finding in audited.findings}


def test_dark_images_are_told_in_a_set_of_bright_ones() -> None:
    images = [scene(0), scene(1), scene(2) // 20]
    assert rows(only(audit(Splits(labeled(images, [0, 1, 2]))), "dark")) == [[("train", 2)]]


def test_values_to_16_are_noted_and_parts_of_other_ranges_are_a_problem() -> None:
    from sightline.data.catalog import open_named

    digits = open_named("digits")
    audited = audit(digits)
    assert only(audited, "range").text.startswith("pixel values go from 0 to 16")
    assert not {"blank", "dark", "near"} & {finding.kind for finding in audited.findings}
    bright = ArrayDataset(
        (digits.train.images(np.arange(50)) * 15).astype(np.uint8),
        digits.train.truths.take(np.arange(50)),
        digits.train.classes,
    )
    assert only(audit(Splits(digits.train, None, bright)), "ranges").severity == "problem"


@pytest.mark.parametrize("stored", ["one channel", "three channels"])
def test_grey_images_among_color_are_named_however_stored(stored: str) -> None:
    grey = cv2.cvtColor(scene(3), cv2.COLOR_RGB2GRAY)[..., None]
    grey = grey if stored == "one channel" else np.repeat(grey, 3, axis=2)
    images = [scene(0), scene(1), scene(2), grey]
    assert rows(only(audit(Splits(labeled(images, [0, 1, 2, 0]))), "grey")) == [[("train", 3)]]
    mostly = [grey, 255 - grey, grey // 2 + 9, scene(0)]
    found = only(audit(Splits(labeled(mostly, [0, 1, 2, 0]))), "grey")
    assert rows(found) == [[("train", 3)]] and "in color among 3 grey" in found.text


def test_grey_images_in_three_channels_throughout_are_noted() -> None:
    images = [np.repeat(scene(i)[..., :1], 3, axis=2) for i in range(4)]
    audited = audit(Splits(labeled(images, [0, 1, 2, 0])))
    assert only(audited, "channels").text.startswith("4 images stored in three channels")
    assert of(audited, "grey") == []


def test_transparency_is_noted(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        Image.fromarray(scene(ord(label))).save(tmp_path / label / "1.png")
    clear = Image.fromarray(scene(5)).convert("RGBA")
    clear.putalpha(128)
    clear.save(tmp_path / "b" / "2.png")
    Image.fromarray(scene(6)).save(tmp_path / "b" / "3.jpg")
    assert rows(only(audit(folders.read(tmp_path)), "alpha")) == [[("train", 2)]]


def test_odd_sizes_ratios_and_slivers_are_named() -> None:
    images = [scene(i, (50 + i, 60)) for i in range(8)]
    images += [scene(20, (500, 600)), scene(21, (60, 230)), scene(22, (5, 9))]
    audited = audit(Splits(labeled(images, [i % 3 for i in range(11)])))
    assert rows(only(audited, "size")) == [[("train", 8)], [("train", 10)]]
    assert rows(only(audited, "ratio")) == [[("train", 9)]]
    assert rows(only(audited, "small")) == [[("train", 10)]]


def test_too_few_unbalanced_and_missing_classes() -> None:
    images = [scene(i) for i in range(50)]
    train = labeled(images[:44], [0] * 40 + [1] * 4)
    test = labeled(images[44:], [0, 0, 0, 2, 2, 2])
    audited = audit(Splits(train, None, test))
    few = only(audited, "few")
    assert (few.severity, few.part) == ("warning", "train")
    assert "b the fewest with 4" in few.text and "1,000 to 5,000" in few.text
    assert "a has 40, b 4: 10.0 times" in only(audited, "imbalance").text
    gone = {finding.part: finding for finding in of(audited, "missing")}
    assert (gone["train"].severity, gone["test"].severity) == ("problem", "warning")
    assert gone["train"].text.endswith("part: c") and gone["test"].text.endswith("part: b")


def test_classes_of_a_thousand_each_are_enough() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 8, 8, 3), dtype=np.uint8)
    truths = Truths(label=np.arange(3000) % 3)
    audited = audit(Splits(ArrayDataset(pixels, truths, CLASSES)))
    assert not {"few", "imbalance", "missing"} & {finding.kind for finding in audited.findings}


def test_labels_beyond_the_classes_are_unknown(tmp_path: Path) -> None:
    for i in range(4):
        Image.fromarray(scene(i)).save(tmp_path / f"{i}.png")
    truths = Truths(label=np.array([0, 1, 7, -1]))
    files = FileDataset(tmp_path, [f"{i}.png" for i in range(4)], truths, CLASSES)
    audited = audit(Splits(files))
    assert rows(only(audited, "unknown")) == [[("train", 2)], [("train", 3)]]
    assert audited.counts["train"] == [1, 1, 0]


@pytest.mark.parametrize(
    ("kind", "box", "label"),
    [
        ("box-empty", [5, 5, 5, 9], 0),
        ("box-empty", [9, 5, 3, 9], 0),
        ("box-away", [41, 5, 50, 9], 0),
        ("box-outside", [30, 5, 43, 9], 0),
        ("box-outside", [-2, -1, 9, 9], 0),
        ("unknown", [1, 1, 9, 9], 3),
    ],
)
def test_each_fault_of_a_box_is_named(kind: str, box: list[float], label: int) -> None:
    audited = audit(Splits(boxed([[10, 10, 20, 20], box], [0, label])))
    assert rows(only(audited, kind)) == [[("train", 0)]]
    kinds = {finding.kind for finding in audited.findings}
    assert {k for k in kinds if k.startswith("box")} <= {kind}
    assert rows(only(audited, "bare")) == [[("train", 1)]]


def test_a_box_that_is_there_twice_is_named_and_one_on_the_border_is_not() -> None:
    audited = audit(Splits(boxed([[0, 0, 40, 30], [3, 3, 9, 9], [3, 3, 9, 9.2]], [0, 1, 1])))
    assert rows(only(audited, "box-twice")) == [[("train", 0)]]
    assert "1 box there twice" in only(audited, "box-twice").text
    assert of(audited, "box-outside") == []
    assert audited.counts["train"] == [1, 2, 0]


def test_masks_of_another_size_or_with_unknown_values_are_named(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i in range(4):
        Image.fromarray(scene(i)).save(tmp_path / "images" / f"{i}.png")
        mask = np.zeros((40, 40), np.uint8)
        mask[i:20] = 1
        Image.fromarray(mask).save(tmp_path / "masks" / f"{i}.png")
    splits = masks.read(tmp_path, ("ground", "tree"))
    Image.fromarray(np.zeros((40, 39), np.uint8)).save(tmp_path / "masks" / "0.png")
    Image.fromarray(np.full((40, 40), 9, np.uint8)).save(tmp_path / "masks" / "1.png")
    (tmp_path / "masks" / "2.png").write_bytes(b"none")
    audited = audit(splits)
    found = {f.kind: rows(f) for f in audited.findings if f.kind.startswith("mask")}
    assert found == {
        "mask-size": [[("train", 0)]],
        "mask-values": [[("train", 1)]],
        "mask-unreadable": [[("train", 2)]],
    }
    assert audited.counts["train"] == [1, 1]


def test_masks_in_memory_are_checked_too() -> None:
    shapes = [np.zeros((40, 40), np.uint8), np.full((40, 40), 5, np.uint8)]
    shapes += [np.zeros((4, 4), np.uint8), np.full((40, 40), 255, np.uint8)]
    truths = Truths(masks=ArrayPictures(shapes))
    audited = audit(Splits(ArrayDataset([scene(i) for i in range(4)], truths, CLASSES)))
    assert rows(only(audited, "mask-values")) == [[("train", 1)]]
    assert rows(only(audited, "mask-size")) == [[("train", 2)]]


def test_photographs_without_classes_are_audited_too(photos: Photos) -> None:
    audited = audit(pairs.read(photos(each=3)))
    assert audited.task == "restoration"
    assert audited.findings == ()


def test_what_is_too_large_for_memory_is_noted() -> None:
    splits = Splits(labeled([scene(i) for i in range(3)], [0, 1, 2]))
    looks = audit(splits).looks
    assert [f.kind for f in audit_images.between_parts(splits.parts, looks, 20_000)] == ["memory"]
    assert list(audit_images.between_parts(splits.parts, looks, 10**9)) == []


def test_problems_come_first_and_all_of_it_is_json(photos: Photos) -> None:
    root = photos(each=4)
    (root / "red" / "03.png").write_bytes(b"")
    (root / "red" / "04.png").write_bytes((root / "red" / "00.png").read_bytes())
    answer = json.loads(json.dumps(audit(folders.read(root)).to_dict()))
    order = [SEVERITIES.index(finding["severity"]) for finding in answer["findings"]]
    assert order == sorted(order)
    assert answer["counts"] == {"problem": 1, "warning": 2, "note": 0}
    copies = next(f for f in answer["findings"] if f["kind"] == "duplicates")
    sources = [place["source"] for place in copies["images"][0]]
    assert sources == [str(root / "red" / "00.png"), str(root / "red" / "04.png")]
    assert answer["parts"]["train"]["images"] == 13


def test_images_are_named_below_what_their_parts_share(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label in "ab":
            (tmp_path / part / label).mkdir(parents=True)
            Image.fromarray(scene(ord(label))).save(tmp_path / part / label / "1.png")
    audited = audit(folders.read(tmp_path))
    group = only(audited, "leak").groups[0]
    assert [audited.name_of(place) for place in group] == ["train/a/1.png", "test/a/1.png"]


def test_a_mask_of_an_object_that_is_not_as_large_as_its_image_is_found() -> None:
    dataset = boxed([[0, 0, 9, 9], [5, 5, 20, 20]], [0, 1])
    sizes = ((30, 40), (40, 30))
    masks = Instances.of([of_mask(np.ones(size)) for size in sizes])
    assert dataset.truths.boxes is not None
    dataset.truths = Truths(boxes=replace(dataset.truths.boxes, instances=masks))
    finding = only(audit(Splits(dataset)), "mask-size")
    assert (finding.severity, rows(finding)) == ("problem", [[("train", 0)]])
    assert finding.text == "1 box with a mask of another size than their image, in 1 image"
