"""Detectors that begin with a classifier's weights, or with another detector's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sightline as sl
from sightline import models
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.errors import SightlineError

STILL = {"train__epochs": 1, "train__optimizer__rate": 1e-12, "canvas__size": [32, 32]}


def squares(classes: tuple[str, ...] = ("square",)) -> ArrayDataset:
    """Bright squares in noise, one an image, in color."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (40, 32, 32, 3)).astype(np.uint8)
    corners = rng.integers(0, 18, (40, 2)).tolist()
    for image, (x, y) in zip(images, corners, strict=True):
        image[y : y + 12, x : x + 12] = 240
    boxes = [[[x, y, x + 12, y + 12]] for x, y in corners]
    kinds = [[row % len(classes)] for row in range(40)]
    return ArrayDataset(images, Truths(boxes=Boxes.of(boxes, kinds)), classes, "squares", 255)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet18.pt"
    torch.manual_seed(0)
    torch.save(models.build("resnet18", 10, 3, (64, 64)).body.state_dict(), path)
    return path


def trained(to: Path, **settings: Any) -> sl.Artifact:
    return sl.train(squares(), to=to, quiet=True, **settings)


def test_a_classifiers_weights_plan_a_yolo_on_its_body(weights: Path, tmp_path: Path) -> None:
    given = {"pretrained__model": "resnet18", "pretrained__weights": str(weights)}
    model = trained(tmp_path / "run", **given, **STILL)
    assert model.header["model"] == {"name": "yolo", "body": "resnet18", "width": 16}
    theirs, ours = torch.load(weights), model.predictor.tensors()
    convolutions = [name for name, tensor in theirs.items() if tensor.ndim == 4]
    assert len(convolutions) == 20
    for name in convolutions:  # its norms, which are fresh, are taken for folded ones
        torch.testing.assert_close(ours[f"body.body.{name}"], theirs[name])
    recipe = (tmp_path / "run" / "recipe.toml").read_text("utf-8")
    assert "body = 0.1" in recipe


def test_another_detector_on_that_body_is_a_setting(weights: Path, tmp_path: Path) -> None:
    given = {"pretrained__model": "resnet18", "pretrained__weights": str(weights)}
    asked = {"model__name": "localizer", "model__body": "resnet18", "model__hidden": 16}
    model = trained(tmp_path / "run", **given, **STILL, **asked)
    theirs, ours = torch.load(weights), model.predictor.tensors()
    torch.testing.assert_close(ours["body.body.0.conv1.weight"], theirs["conv1.weight"])


def test_a_detector_goes_on_to_other_classes(tmp_path: Path) -> None:
    small = {"model__name": "yolo", "model__width": 4, "model__anchors": 1}
    first = trained(tmp_path / "first", **small, **STILL)
    other = sl.train(
        squares(("odd", "even")),
        to=tmp_path / "other",
        quiet=True,
        pretrained__model=str(tmp_path / "first"),
        **STILL,
    )
    old, new = first.predictor.tensors(), other.predictor.tensors()
    torch.testing.assert_close(new["body.body.0.0.weight"], old["body.body.0.0.weight"])
    assert new["body.head.weight"].shape[0] == old["body.head.weight"].shape[0] + 1


def test_a_classifier_that_is_no_body_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lenet.pt"
    torch.save(models.build("lenet", 10, 3, (28, 28)).body.state_dict(), path)
    given = {"pretrained__model": "lenet", "pretrained__weights": str(path)}
    with pytest.raises(SightlineError, match="unknown body of a detector 'lenet'"):
        trained(tmp_path / "run", **given, **STILL)
