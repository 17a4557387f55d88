"""Ten crops: the mean of ten that are cut by hand, passed one by one through the network."""

import numpy as np
import pytest
import torch

from sightline import models, tasks
from sightline.artifact import Artifact, header_for
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import UnknownName
from sightline.evaluation import Where, evaluate_run
from sightline.predictor import TorchPredictor
from sightline.talk import Silent

SIDE, HEIGHT, WIDTH = 16, 21, 24
IMAGES = np.random.default_rng(0).integers(0, 256, (12, HEIGHT, WIDTH, 3), dtype=np.uint8)


def network() -> Artifact:
    torch.manual_seed(0)
    task = tasks.build("classification", ("a", "b", "c"), {})
    canvas, view = Canvas((HEIGHT, WIDTH)), View((SIDE, SIDE), test="ten-crop")
    model = models.build("resnet9", 3, 3, (SIDE, SIDE), {"width": 4}).eval()
    with torch.no_grad():  # answers that differ between crops
        for filters in model.parameters():
            filters.mul_(2)
    predictor = TorchPredictor(model, task, canvas, view, torch.device("cpu"))
    settings = {"name": "resnet9", "width": 4}
    return Artifact(header_for(task, "classification", canvas, view, model=settings), predictor)


def by_hand(model: torch.nn.Module, image: np.ndarray) -> np.ndarray:
    """(classes,) mean probability of four corners, the center, and their mirror images."""
    low, right = HEIGHT - SIDE, WIDTH - SIDE
    answers = []
    for top, left in ((0, 0), (0, right), (low, 0), (low, right), (low // 2, right // 2)):
        crop = image[top : top + SIDE, left : left + SIDE]
        for seen in (crop, crop[:, ::-1]):
            pixels = np.ascontiguousarray(seen.transpose(2, 0, 1)[None]).astype(np.float32) / 255
            with torch.no_grad():
                answers.append(model(torch.from_numpy(pixels)).softmax(1)[0].numpy())
    assert len(answers) == 10
    return np.mean(answers, 0)


def test_ten_crops_are_the_mean_of_ten_cut_by_hand() -> None:
    artifact = network()
    expected = np.stack([by_hand(artifact.predictor.model, image) for image in IMAGES])
    found = np.stack([answer.scores for answer in artifact.predict(IMAGES)])
    assert found == pytest.approx(expected, abs=1e-6)
    center = TorchPredictor(
        artifact.predictor.model, artifact.predictor.task, artifact.predictor.canvas,
        View((SIDE, SIDE)), torch.device("cpu"),
    )  # fmt: skip
    assert np.abs(np.stack([a.scores for a in center.predict(IMAGES)]) - expected).max() > 1e-3


def test_evaluation_through_ten_crops_is_that_of_the_mean_by_hand() -> None:
    artifact = network()
    means = np.stack([by_hand(artifact.predictor.model, image) for image in IMAGES])
    truth = np.arange(12) % 3
    dataset = ArrayDataset(IMAGES, Truths(label=truth), ("a", "b", "c"), "noise")
    figures = artifact.evaluate(dataset)
    assert figures["accuracy"] == pytest.approx((means.argmax(1) == truth).mean())
    assert figures["loss"] == pytest.approx(-np.log(means[np.arange(12), truth]).mean(), abs=1e-5)


def test_an_unknown_view_is_said_before_any_work() -> None:
    with pytest.raises(UnknownName, match="did you mean ten-crop"):
        evaluate_run(network(), Where(views="tencrop"), Silent())
