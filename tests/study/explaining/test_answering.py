"""The network behind a linear classifier of features, explained as a whole."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sightline as sl
from by_hand import SIDE, Cam, Rectified, artifact_of, saved
from sightline import images, tasks
from sightline.artifact import Artifact
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.errors import ArtifactError
from sightline.evaluation import own_splits
from sightline.learners import build
from sightline.learners.predictor import Extractor, FeaturePredictor
from sightline.study.explaining.answering import answering, network_within
from sightline.study.explaining.grad_cam import grad_cam
from sightline.study.explaining.methods import METHODS, How
from sightline.study.explaining.slopes import gradients
from sightline.study.explaining.subject import network_of, subject
from sightline.study.nearest import nearest
from sightline.talk import Silent
from terminal import sightline

INPUTS = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
CLASSES = ["cat", "dog", "panda"]


def on_features(
    body: torch.nn.Module, name: str = "logistic", layer: str = "", seen: int = 3, **more: Any
) -> Artifact:
    """A learner fitted on random features of a network by hand; `seen` classes in its rows."""
    network = network_of(artifact_of(body), "test")
    extractor = Extractor(network, layer, more.get("pool", "mean"), more.get("mirror", False))
    rng = np.random.default_rng(0)
    X = extractor.rows(torch.from_numpy(rng.random((40, 3, SIDE, SIDE), np.float32)))
    learner = build.build(name, {"C": 1.0} if name in ("logistic", "svm") else {}, (1, 1, 1))
    build.fit(learner, X, np.arange(40) % seen)
    task = tasks.build("classification", CLASSES, {})
    canvas, view = Canvas((SIDE, SIDE), "cover"), View((SIDE, SIDE), test="center")
    device = torch.device("cpu")
    predictor = FeaturePredictor(extractor, learner, task, canvas, view, device)
    header = {"task": {"name": "classification"}, "learner": {"name": name}}
    return Artifact(header, predictor)


@pytest.mark.parametrize("name", ["logistic", "svm", "softmax-regression"])
@pytest.mark.parametrize(("layer", "pool"), [("", "mean"), ("second", "max"), ("relu", "none")])
def test_the_network_with_its_classifier_answers_as_the_model(
    name: str, layer: str, pool: str
) -> None:
    artifact = on_features(Rectified(), name, layer, pool=pool)
    shares = answering(artifact, "test").network(INPUTS).softmax(1)
    expected = artifact.predictor.forward(INPUTS).tensors["scores"]
    torch.testing.assert_close(shares.detach(), expected, rtol=1e-3, atol=1e-5)


def test_a_linear_support_vector_machine_of_the_lessons_gives_the_same_answer() -> None:
    artifact = on_features(Rectified(), "linear-svm")
    found = answering(artifact, "test").network(INPUTS).argmax(1)
    assert torch.equal(found, artifact.predictor.forward(INPUTS).tensors["scores"].argmax(1))


@pytest.mark.parametrize("label", [0, 1, 2])
def test_grad_cam_of_features_of_the_last_maps_is_cam_with_the_classifiers_weights(
    label: int,
) -> None:
    artifact = on_features(Cam())
    network, weights = answering(artifact, "test").network, build.linear(_learner(artifact), 3)
    assert weights is not None
    maps = network.body.conv(network.normalize(INPUTS))[0]
    of_class = torch.from_numpy(weights[0] - weights[0].mean(1, keepdims=True)).float()[:, label]
    by_hand = torch.einsum("k,khw->hw", of_class, maps).clamp(min=0) / SIDE**2
    torch.testing.assert_close(grad_cam(network, INPUTS, label, "conv"), by_hand.detach())


def _learner(artifact: Artifact) -> Any:
    assert isinstance(artifact.predictor, FeaturePredictor)
    return artifact.predictor.learner


def test_slopes_of_a_mean_over_mirror_images_are_those_of_differences() -> None:
    artifact = on_features(Cam(), mirror=True)
    by = answering(artifact, "test")
    slope = by.mean(lambda network, x: gradients(network, x, 1), INPUTS)
    step = torch.zeros_like(INPUTS)
    step[0, 2, 3, 4] = 1e-2
    ends = [_score(artifact, INPUTS + sign * step, 1) for sign in (1, -1)]
    assert float(slope[0, 2, 3, 4]) == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=1e-3)


def _score(artifact: Artifact, inputs: torch.Tensor, label: int) -> float:
    """Of the model's own rows: above the mean of all classes'."""
    assert isinstance(artifact.predictor, FeaturePredictor)
    found = build.linear(artifact.predictor.learner, 3)
    assert found is not None
    scores = artifact.predictor.extractor.rows(inputs).astype(np.float64) @ found[0]
    return float((scores - scores.mean(1, keepdims=True))[0, label])


def test_of_two_classes_either_has_slopes() -> None:
    by = answering(on_features(Cam(), seen=2), "test")
    one, two = (gradients(by.network, INPUTS, label) for label in (0, 1))
    assert one.any()
    torch.testing.assert_close(two, -2 * one)  # scores add up to 0, and the third has no weights


def test_a_classifier_without_slopes_has_occlusion_alone_and_says_so() -> None:
    artifact = on_features(Cam(), "knn")
    photo = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    of = subject(artifact, photo)
    assert METHODS["occlusion"](of, How(), lambda _: None).values.shape == (30, 40)
    for method in ("grad-cam", "gradients", "guided"):
        with pytest.raises(ArtifactError, match=f"{method} needs slopes, and knn on features"):
            METHODS[method](of, How(), lambda _: None)
    assert network_within(artifact, "--filters") is _extractor(artifact).network


def _extractor(artifact: Artifact) -> Extractor:
    assert isinstance(artifact.predictor, FeaturePredictor)
    return artifact.predictor.extractor


def test_the_network_itself_is_left_as_it_was() -> None:
    artifact = on_features(Rectified())
    network = _extractor(artifact).network
    before = network(INPUTS)
    grad_cam(answering(artifact, "test").network, INPUTS, 0, "first")
    torch.testing.assert_close(network(INPUTS), before)


def test_a_run_on_features_is_explained_and_its_errors_have_neighbors(tmp_path: Path) -> None:
    chosen = {"learner__name": "logistic", "learner__C": 0.1, "learner__iterations": 50}
    network = str(saved(tmp_path))
    model = sl.train("digits", to=tmp_path / "run", quiet=True, features__model=network, **chosen)
    images.write(tmp_path / "digit.png", np.full((8, 8, 1), 9, np.uint8))
    code, out, error = sightline(
        "explain", tmp_path / "run", tmp_path / "digit.png", "--filters", "--patches", "fc",
        "--to", tmp_path / "why", "--json",
    )  # fmt: skip
    assert code == 0, error
    assert set(json.loads(out)["methods"]) == set(METHODS)
    code, out, error = sightline("errors", tmp_path / "run", "--json")
    assert code == 0 and json.loads(out)["wrong"] > 0
    train = own_splits(model, Silent()).train
    assert nearest(model.predictor, train, train, 1, Silent())[:5, 0].tolist() == [0, 1, 2, 3, 4]
