"""The localizer: losses by hand, one box of one class, and what it refuses."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import sightline as sl
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.errors import RecipeError
from sightline.models.detector import Objects
from sightline.models.localizer import PLACE, Localizer

TRUTH = Objects(torch.tensor([[10.0, 20, 50, 40]]), torch.tensor([1]), torch.tensor([1]))


def answering(loss_by: str, raw: list[list[float]]) -> Localizer:
    """One that gives these numbers, an image each: p, x, y, w, h, then classes, all raw."""
    network = Localizer(2, 1, (80, 100), width=4, hidden=8, loss_by=loss_by)  # type: ignore[arg-type]
    network.hidden = torch.nn.Flatten()
    network.body = torch.nn.Identity()
    network.head = torch.nn.Identity()  # type: ignore[assignment]
    assert network(torch.tensor(raw))[2].shape == (len(raw), 4)
    return network


def test_the_course_s_loss_is_squared_and_of_p_alone_without_an_object() -> None:
    network = answering("squared", [[0.0] * 7, [0.0] * 7])
    found = network.loss(torch.zeros(2, 7), TRUTH)
    assert found["object"].total.item() == pytest.approx(0.5**2 + 0.5**2)
    assert found["class"].total.item() == pytest.approx(0.5**2 * 2)
    wanted = np.array([0.3, 0.375, 0.4, 0.25])  # the middle (30, 30), sides 40 and 20
    assert found["box"].total.item() == pytest.approx(float(((0.5 - wanted) ** 2).sum()))
    assert all(loss.count.item() == 2 for loss in found.values())


def test_the_log_loss_is_that_of_p_and_the_class() -> None:
    network = answering("log", [[0.0] * 7, [0.0] * 7])
    raw = torch.tensor([[-2.0, 0, 0, 0, 0, 9, 9], [1.0, 0, 0, 0, 0, 0.5, -0.5]])
    found = network.loss(raw, TRUTH)
    no, yes = -math.log(1 - 1 / (1 + math.exp(2))), -math.log(1 / (1 + math.exp(-1)))
    assert found["object"].total.item() == pytest.approx(no + yes, rel=1e-5)
    assert found["class"].total.item() == pytest.approx(math.log(1 + math.e), rel=1e-5)
    off = torch.tensor([0.5]) - torch.tensor([0.3, 0.375, 0.4, 0.25])
    place = F.smooth_l1_loss(off, torch.zeros(4), reduction="sum", beta=0.1)
    assert found["box"].total.item() == pytest.approx(PLACE * place.item(), rel=1e-5)


def test_it_says_one_box_of_one_class_as_sure_as_both() -> None:
    network = answering("log", [[0.0] * 7])
    raw = torch.tensor([[0.0, 0, 0, 0, 0, math.log(3), 0]])
    found = network.detect(raw)
    assert found.boxes.tolist() == [[[25, 20, 75, 60]]]
    torch.testing.assert_close(found.scores, torch.tensor([[[0.5 * 0.75, 0.0]]]))


def pictures(counts: list[int]) -> ArrayDataset:
    """Grey squares in noise; class 1 is bright. An image each, with so many."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (len(counts), 32, 32, 1)).astype(np.uint8)
    boxes, classes = [], []
    for image, count in zip(images, counts, strict=True):
        corners = rng.integers(0, 18, (count, 2))
        kinds = rng.integers(0, 2, count)
        for (x, y), kind in zip(corners.tolist(), kinds.tolist(), strict=True):
            image[y : y + 12, x : x + 12] = 240 if kind else 130
        boxes.append([[x, y, x + 12, y + 12] for x, y in corners.tolist()])
        classes.append(kinds)
    truths = Truths(boxes=Boxes.of(boxes, classes))
    return ArrayDataset(images, truths, ("dim", "bright"), "squares", 255)


def test_it_finds_the_one_square_there_is(tmp_path: Path) -> None:
    data = pictures([1] * 260 + [0] * 40)
    settings = {"model__name": "localizer", "model__width": 8, "model__hidden": 64}
    settings |= {"train__epochs": 6, "canvas__size": [32, 32], "augment__flip": True}
    model = sl.train(data, to=tmp_path / "run", quiet=True, **settings)
    assert model.test["map50"] > 0.6


def test_images_of_two_objects_are_refused_at_the_start(tmp_path: Path) -> None:
    data = pictures([1] * 30 + [2] * 20)
    with pytest.raises(RecipeError, match="localizer tells 1 object an image, and 6 of 16 train"):
        sl.train(data, to=tmp_path / "run", quiet=True, model__name="localizer")
    assert not (tmp_path / "run").exists()
