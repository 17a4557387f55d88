"""What a folder does not say itself is said alike to every command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terminal import sightline

FLAT = ("--label-from", "red|blue|green")
INSTANCES = ("--masks", "instances")


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    root = tmp_path / "flat"
    root.mkdir()
    rng = np.random.default_rng(0)
    for number, name in enumerate(("red", "green", "blue")):
        for i in range(9):
            pixels = rng.integers(0, 120, (12, 12, 3), dtype=np.uint8)
            pixels[..., number] += 100
            Image.fromarray(pixels).save(root / f"{name}.{i}.png")
    return root


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    root = tmp_path / "objects"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    values = np.zeros((12, 16), np.uint8)
    values[2:5, 3:7], values[6:11, 8:12] = 1, 2
    for i in range(4):
        Image.fromarray(np.roll(values, i, 1) * 90).save(root / "images" / f"{i}.png")
        Image.fromarray(np.roll(values, i, 1)).save(root / "masks" / f"{i}.png")
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("show",),
        ("show", "--stats"),
        ("show", "light", "--augment"),
        ("split", "--to", "split.csv"),
        ("pack", "--canvas", "8x8", "--to", "flat.h5"),
        ("convert", "--format", "csv", "--to", "as-csv"),
    ],
    ids=" ".join,
)
def test_labels_are_found_in_names_by_every_command(
    flat: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(flat.parent)
    command, *rest = arguments
    code, out, error = sightline("data", command, flat, *rest, *FLAT, "--json")
    assert code == 0, error
    assert json.loads(out)
    code, _, error = sightline("data", command, flat, *rest)
    assert (code, "--label-from" in error) == (2, True)


def test_masks_are_numbered_objects_where_that_is_said(objects: Path) -> None:
    _, out, _ = sightline("data", "show", objects, "--stats", "--json", *INSTANCES)
    assert json.loads(out)["train"]["classes"] == {"object": 8}
    _, out, _ = sightline("data", "check", objects, "--json", *INSTANCES)
    assert json.loads(out)["task"] == "detection"
    _, out, _ = sightline("data", "check", objects, "--json")
    assert json.loads(out)["task"] == "segmentation"


def test_masks_that_a_format_cannot_hold_are_said_to_be_left_out(objects: Path) -> None:
    for format in ("coco", "voc", "yolo", "csv"):
        to = objects.parent / format
        code, out, error = sightline(
            "data", "convert", objects, "--format", format, "--to", to, *INSTANCES
        )
        assert (code, "left out" in out) == (0, False)
        said = f"the masks of objects are left out: {format} holds boxes, coco also masks"
        assert (said in error) == (format != "coco")


def test_hints_on_a_named_set_are_a_mistake() -> None:
    code, _, error = sightline("data", "check", "digits", *FLAT)
    assert (code, error) == (
        2,
        "sightline: digits is a named set; --label-from and --masks are for paths",
    )


def test_a_model_of_labels_in_names_is_measured_on_others_like_them(flat: Path) -> None:
    quick = ("--set", "train.epochs=1", "--set", "model.width=4", "--set", "canvas.size=[8,8]")
    code, _, error = sightline("train", flat, *FLAT, "--to", flat.parent / "run", *quick)
    assert code == 0, error
    other = flat.parent / "other"
    other.mkdir()
    for path in sorted(flat.glob("*.1.png")):
        (other / path.name).write_bytes(path.read_bytes())
    code, out, error = sightline("evaluate", flat.parent / "run", "--data", other, *FLAT, "--json")
    assert code == 0, error
    assert json.loads(out)["test"]["images"] == 3


@pytest.mark.parametrize("command", ["check", "show", "split", "pack", "convert"])
def test_the_pattern_in_the_help_can_be_copied(command: str) -> None:
    _, out, _ = sightline("data", command, "--help")
    assert r"_(\w+)_" in out
