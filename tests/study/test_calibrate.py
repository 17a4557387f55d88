"""A fitted temperature: no answer changes, what opens the model answers by it, all is told."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

import sightline as sl
from sightline import images, report
from sightline.artifact import open_artifact
from sightline.errors import ArtifactError, DataError, OutputError
from sightline.evaluation import own_splits
from sightline.study.calibration import Calibrated, calibrate
from sightline.study.scores import scores_of
from sightline.talk import Silent


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a network on two kinds of noise that are hard to tell apart; "plain" stays so."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 240)
    X = np.clip(rng.normal(110 + 14 * y[:, None, None, None], 60, (240, 8, 8, 1)), 0, 255)
    folder = tmp_path_factory.mktemp("pairs")
    root = folder / "noise"
    for i in range(len(y)):
        path = root / ("yes" if y[i] else "no") / f"{i:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(images.encode(X[i].astype(np.uint8), ".png"))
    sl.train(
        root, to=folder / "plain", quiet=True, train__epochs=5, model__name="mlp",
        train__optimizer__rate=0.01, canvas__size=[8, 8], train__smoothing=0.0,
        train__precision="float32",
    )  # fmt: skip
    shutil.copytree(folder / "plain", folder / "made")
    return folder


@pytest.fixture(scope="module")
def made(pairs: Path) -> Calibrated:
    return calibrate(pairs / "made", None, Silent())


def probabilities(run: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    artifact = open_artifact(run)
    found = own_splits(artifact, Silent()).parts[part]
    return scores_of(artifact, found)


def test_the_run_answers_the_same_but_as_sure_as_it_should(pairs: Path, made: Calibrated) -> None:
    found = made
    for part in ("val", "test"):
        before, truth = probabilities(pairs / "plain", part)
        after, _ = probabilities(pairs / "made", part)
        assert (before.argmax(1) == after.argmax(1)).all()
        logits = np.log(before.astype(np.float64)) / found.temperature
        expected = torch.softmax(torch.from_numpy(logits), 1).numpy()
        np.testing.assert_allclose(after, expected, atol=1e-6)
        was, now = found.figures[part]["loss"]
        exact = before.astype(np.float64) / before.sum(1, dtype=np.float64, keepdims=True)
        assert was == pytest.approx(log_loss(truth, exact), rel=1e-4)
        assert now == pytest.approx(log_loss(truth, expected), rel=1e-4)
    was, now = found.figures["val"]["loss"]
    assert now < was
    assert open_artifact(pairs / "made").header["calibration"]["temperature"] == found.temperature


def test_figures_predictions_and_report_are_brought_up_to_date(
    pairs: Path, made: Calibrated
) -> None:
    found = made
    artifact = open_artifact(pairs / "made")
    assert artifact.test["loss"] == pytest.approx(found.figures["test"]["loss"][1], rel=1e-4)
    assert artifact.test["accuracy"] == open_artifact(pairs / "plain").test["accuracy"]
    scores, _ = probabilities(pairs / "made", "test")
    with (pairs / "made" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["confidence"]) for row in rows] == pytest.approx(
        scores.max(1).tolist(), abs=1e-6
    )
    page = (pairs / "made" / "report.html").read_text("utf-8")
    assert f"Calibrated by a temperature of {found.temperature:.3f}" in page
    assert "the test images had no say in it" in page
    assert "ROC curve, area" in page
    assert (pairs / "made" / "figures" / "reliability.svg").exists()
    assert found.threshold is not None
    assert f"{found.threshold:.3f}" in page
    assert "sightline calibrate" in (pairs / "plain" / "report.html").read_text("utf-8")


def test_calibrating_again_finds_the_same_temperature(pairs: Path, made: Calibrated) -> None:
    first, again = made, calibrate(pairs / "made", None, Silent())
    assert again.temperature == pytest.approx(first.temperature)
    assert again.figures["test"]["loss"][0] == pytest.approx(first.figures["test"]["loss"][0])
    json.dumps(again.to_dict())


def test_a_new_file_leaves_the_run_as_it_is(pairs: Path, tmp_path: Path) -> None:
    before = (pairs / "plain" / "model.safetensors").read_bytes()
    found = calibrate(pairs / "plain", tmp_path / "sure.safetensors", Silent())
    assert (pairs / "plain" / "model.safetensors").read_bytes() == before
    settings = open_artifact(tmp_path / "sure.safetensors").header["task"]["settings"]
    assert settings["temperature"] == pytest.approx(found.temperature)
    assert "temperature" not in open_artifact(pairs / "plain").header["task"]["settings"]
    with pytest.raises(OutputError):
        calibrate(pairs / "plain", tmp_path / "sure.safetensors", Silent())


def test_the_report_says_of_what_each_figure_is(pairs: Path) -> None:
    page = report.write(pairs / "plain", None).read_text("utf-8")
    said = re.findall(r"Test part, (\d+) images, canvas 8×8, view \w+\.", page)
    assert len(said) >= 4
    assert len(set(said)) == 1


def test_what_cannot_be_calibrated_is_said_in_a_line(pairs: Path, tmp_path: Path) -> None:
    network = sl.load(pairs / "plain")
    network.header.pop("recipe")
    network.save(tmp_path / "stranger.safetensors")
    with pytest.raises(DataError, match="was not trained here"):
        calibrate(tmp_path / "stranger.safetensors", None, Silent())
    with pytest.raises(ArtifactError):
        calibrate(tmp_path / "nothing", None, Silent())


@pytest.mark.parametrize("temperature", [0.0, -1.0, "hot"])
def test_a_file_with_an_impossible_temperature_is_refused(
    pairs: Path, tmp_path: Path, temperature: object
) -> None:
    odd = sl.load(pairs / "plain")
    odd.header["task"]["settings"] |= {"temperature": temperature}
    odd.save(tmp_path / "odd.safetensors")
    with pytest.raises(ArtifactError, match=r"odd\.safetensors"):
        open_artifact(tmp_path / "odd.safetensors")
