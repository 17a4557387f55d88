"""`sightline data pack` and `data convert` as a user meets them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightline.data import pack
from sightline.data.canvas import Canvas
from sightline.data.opening import open_set
from sightline.data.placing import stacked
from sightline.wording import size_in_words
from terminal import sightline

Photos = Callable[..., Path]


def test_a_folder_is_packed_and_opens_as_a_set(photos: Photos, tmp_path: Path) -> None:
    root, to = photos(), tmp_path / "p.h5"
    code, out, error = sightline(
        "data", "pack", root, "--canvas", "12x9", "--mode", "contain", "--to", to
    )
    assert code == 0, error
    assert out == f"{to}  {size_in_words(to.stat().st_size)}, train 36 images\n"
    train = open_set(str(to)).train
    rows = np.arange(36)
    placed = stacked(open_set(str(root)).train.images(rows), Canvas((9, 12), "contain"))
    assert np.array_equal(train.images(rows), placed)


def test_packing_prints_one_json_object_and_nothing_else(tmp_path: Path) -> None:
    to = tmp_path / "d.hdf5"
    code, out, _ = sightline(
        "data", "pack", "digits", "--canvas", "8x8", "--channels", "1", "--to", to, "--json"
    )
    assert code == 0
    assert json.loads(out) == {
        "to": str(to),
        "images": {"train": 1797},
        "canvas": "8x8",
        "bytes": to.stat().st_size,
    }
    assert pack.read(to).train.images([0]).shape == (1, 8, 8, 1)  # type: ignore[union-attr]


def test_training_on_a_pack_is_training_on_its_files(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    assert sightline("data", "pack", root, "--canvas", "16x16", "--to", tmp_path / "p.h5")[0] == 0
    quick = ["--set", "train.epochs=2", "--set", "model.width=4", "--set", "canvas.size=[16,16]"]
    for what, name in ((root, "files"), (tmp_path / "p.h5", "pack")):
        code, _, error = sightline("train", what, "--to", tmp_path / name, *quick)
        assert code == 0, error
    histories = []
    for name in ("files", "pack"):
        lines = (tmp_path / name / "events.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        histories.append([[e.get(key) for key in ("train", "val", "figures")] for e in found[1:]])
    assert histories[0] == histories[1]
    assert len(histories[0]) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--canvas", "32"], "canvas 32: expected WIDTHxHEIGHT, as in 224x224"),
        (["--canvas", "0x9"], "canvas size (9, 0): each side must be 1 to 4096"),
        (["--canvas", "8x8", "--channels", "2"], "canvas channels 2: must be 1 or 3"),
        (["--canvas", "8x8", "--mode", "tile"], "mode tile has none; use stretch, contain, cover"),
        (["--canvas", "8x8", "--to", "p.npz"], "p.npz: a pack is known by its name; end it in .h5"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, error = sightline("data", "pack", "digits", "--to", "p.h5", *settings)
    assert (code, out) == (2, "")
    assert message in error
    assert "\n" not in error
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    to = tmp_path / "p.h5"
    to.write_text("mine")
    code, _, error = sightline("data", "pack", "digits", "--canvas", "8x8", "--to", to)
    assert (code, error) == (
        2,
        f"sightline: {to} exists; --to never overwrites: choose another name",
    )
    assert to.read_text() == "mine"


def test_a_set_is_converted_and_reads_back(photos: Photos, tmp_path: Path) -> None:
    root, to = photos(), tmp_path / "out"
    code, out, error = sightline("data", "convert", root, "--format", "csv", "--to", to, "--json")
    assert code == 0, error
    assert json.loads(out) == {"to": str(to), "images": {"train": 36}, "format": "csv"}
    again = open_set(str(to / "train.csv")).train
    ours = open_set(str(root)).train
    assert again.classes == ours.classes
    assert np.array_equal(again[20].image, ours[20].image)


def test_a_format_that_cannot_hold_the_truths_is_one_line(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    for format, message in (("coco", "coco holds boxes"), ("cvs", "did you mean csv?")):
        code, out, error = sightline(
            "data", "convert", root, "--format", format, "--to", tmp_path / "out"
        )
        assert (code, out) == (2, "")
        assert message in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["pack", "convert"])
def test_help_shows_an_example(command: str) -> None:
    code, out, _ = sightline("data", command, "--help")
    assert code == 0
    assert re.search(rf"For example: sightline data {command} \S+ --", out)
