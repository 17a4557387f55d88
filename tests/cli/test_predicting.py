"""`sightline predict` for boxes: how sure, in which format, and what does not go together."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sightline import images, models, tasks
from sightline.artifact import Artifact, header_for
from sightline.data.canvas import Canvas
from sightline.data.opening import open_set
from sightline.data.views import View
from sightline.predictor import TorchPredictor
from terminal import sightline

SIZE = (64, 64)
CLASSES = ("bar", "square")


def saved(task_name: str, model: dict[str, Any], to: Path) -> Path:
    """A model file of an untrained network."""
    torch.manual_seed(3)
    task = tasks.build(task_name, CLASSES, {})
    given = {key: value for key, value in model.items() if key != "name"}
    body = models.build(model["name"], len(CLASSES), 3, SIZE, given, [0.5] * 3, [0.2] * 3).eval()
    canvas, view = Canvas(SIZE, channels=3), View(SIZE)
    header = header_for(task, task_name, canvas, view, model=model)
    Artifact(header, TorchPredictor(body, task, canvas, view, torch.device("cpu"))).save(to)
    return to


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SSD7 untrained: it says something everywhere, with little confidence."""
    return saved("detection", {"name": "ssd7"}, tmp_path_factory.mktemp("ssd") / "ssd.safetensors")


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two pictures."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
        images.write(folder / f"{name}.png", pixels)
    return folder


def said(detector: Path, noise: Path, *more: object) -> list[dict[str, Any]]:
    code, out, error = sightline("predict", detector, noise, "--json", *more)
    assert code == 0, error
    found: list[dict[str, Any]] = json.loads(out)["predictions"]
    return found


def test_boxes_of_the_confidence_that_is_asked_for_are_said(detector: Path, noise: Path) -> None:
    every = [
        share for row in said(detector, noise, "--confidence", 0.01) for share in row["confidence"]
    ]
    assert len(set(every)) > 20
    least = float(np.median(every))
    some = [s for row in said(detector, noise, "--confidence", least) for s in row["confidence"]]
    assert sorted(some) == sorted(share for share in every if share >= np.float32(least))
    usual = [share for row in said(detector, noise) for share in row["confidence"]]
    assert usual == [share for share in every if share >= 0.5]


@pytest.mark.parametrize("format", ["voc", "coco", "yolo", "csv"])
def test_boxes_are_written_in_pixels_of_the_pictures(
    detector: Path, noise: Path, tmp_path: Path, format: str
) -> None:
    asked = ("--confidence", 0.3)
    expected = said(detector, noise, *asked)
    to = tmp_path / "boxes"
    code, out, error = sightline("predict", detector, noise, *asked, "--format", format, "--to", to)
    assert (code, out) == (0, f"{to}\n"), error
    found = open_set(str(to)).train.truths.boxes
    assert found is not None and len(found) == 2
    for index, row in enumerate(expected):
        assert len(row["boxes"]) > 0
        np.testing.assert_allclose(found.at(index)["boxes"], row["boxes"], atol=1e-3)
    code, _, error = sightline("predict", detector, noise, *asked, "--format", format, "--to", to)
    assert code == 2 and error.endswith("choose another name")


def test_a_cascade_that_finds_nothing_still_lists_its_pictures(noise: Path, tmp_path: Path) -> None:
    to = tmp_path / "boxes"
    asked = ("predict", "haar:frontalface", noise, "--smallest", 60, "--format", "coco", "--to", to)
    code, _, error = sightline(*asked)
    assert code == 0, error
    assert json.loads((to / "results.json").read_text("utf-8")) == []
    assert (
        len(json.loads((to / "annotations/instances_train.json").read_text("utf-8"))["images"]) == 2
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--format", "voc"), "--format and --to DIR together"),
        (("--to", "x"), "--format and --to DIR together"),
        (("--format", "voc", "--to", "x", "--ids", "y"), "--ids are COCO's; --format voc has none"),
        (("--format", "coco", "--to", "x", "--ids", "y"), "y: No such file"),
        (("--confidence", "0.001"), "gives boxes above 0.01 alone"),
        (("--stride", "4"), "go with --windows"),
        (("--video", "x.mp4"), "name pictures, or a --video"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    detector: Path, noise: Path, options: tuple[str, ...], text: str
) -> None:
    code, _, error = sightline("predict", detector, noise, *options)
    assert code == 2
    assert text in " ".join(error.replace("│", " ").split())


def test_labels_have_no_confidence_of_boxes_and_no_format(noise: Path, tmp_path: Path) -> None:
    layers = {"name": "pattern", "layers": "INPUT => FC"}
    classifier = saved("classification", layers, tmp_path / "model.safetensors")
    for options in (("--confidence", 0.5), ("--format", "voc", "--to", tmp_path / "x")):
        code, _, error = sightline("predict", classifier, noise, *options)
        assert code == 2
        assert error.startswith(f"sightline: {options[0]} is for boxes"), error
        assert error.endswith("finds none; add --windows?")
    assert not (tmp_path / "x").exists()
