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
from sightline import images, report, tasks
from sightline.artifact import open_artifact
from sightline.errors import ArtifactError, DataError, OutputError, RecipeError
from sightline.evaluation import own_splits
from sightline.inference import describe
from sightline.metrics.classification import ClassificationMeter
from sightline.metrics.curves import at_precision, best_f1, cuts, youden
from sightline.study.calibration import Calibrated, calibrate
from sightline.study.scores import scores_of
from sightline.study.threshold import threshold
from sightline.talk import Silent
from sightline.tasks.evaluate import evaluate
from terminal import sightline


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


@pytest.fixture(scope="module")
def cut(pairs: Path) -> tuple[Path, Calibrated]:
    shutil.copytree(pairs / "plain", pairs / "cut")
    return pairs / "cut", calibrate(pairs / "cut", None, Silent(), "cost=0.2")


def test_a_threshold_is_the_cheapest_on_validation_and_the_model_answers_by_it(
    cut: tuple[Path, Calibrated],
) -> None:
    run, found = cut
    table, truth = probabilities(run, "val")
    said = [table[:, 1] >= at for at in table[:, 1]]
    costs = [
        0.2 * int((~yes & (truth == 1)).sum()) + int((yes & (truth == 0)).sum()) for yes in said
    ]
    assert found.threshold == pytest.approx(float(table[int(np.argmin(costs)), 1]), abs=1e-6)
    artifact = open_artifact(run)
    task = artifact.header["task"]["settings"]
    assert task["threshold"] == found.threshold and task["temperature"] == found.temperature
    test = own_splits(artifact, Silent()).test
    assert test is not None
    labels = [answer.label for answer in artifact.predict(test.images(range(len(test))))]
    table, truth = probabilities(run, "test")
    assert labels == (table[:, 1] >= np.float32(found.threshold)).astype(int).tolist()
    assert labels != table.argmax(1).tolist()
    right = float((np.array(labels) == truth).mean())
    assert artifact.evaluate(test)["accuracy"] == pytest.approx(right)
    assert artifact.test["accuracy"] == pytest.approx(right)
    assert found.answers["test"][1]["accuracy"] == pytest.approx(right)
    meter = artifact.meter_for(test)
    evaluate(artifact.predictor, meter, test)
    assert isinstance(meter, ClassificationMeter)  # ECE is of the likelier class, as without it
    assert meter.calibration().ece == pytest.approx(found.figures["test"]["ece"][1], abs=1e-6)


def test_the_threshold_is_said_wherever_it_counts(cut: tuple[Path, Calibrated]) -> None:
    run, found = cut
    words = f"the answer is yes from a probability of {found.threshold:.3f} on"
    picture = next((run.parent / "noise").rglob("*.png"))
    for command in (("predict", run, picture), ("evaluate", run)):
        code, _, error = sightline(*command)
        assert code == 0 and words in error
    page = (run / "report.html").read_text("utf-8")
    assert "The first threshold was chosen by cost=0.2 on validation" in page
    assert f"{found.threshold:.3f} (in use)" in page
    answers = open_artifact(run).predict(np.full((40, 8, 8, 1), 117, np.uint8))
    assert describe(answers[0], ("no", "yes")).startswith(("no", "yes")[answers[0].label or 0])


def test_calibrating_again_keeps_the_rule_and_none_takes_it_away(
    cut: tuple[Path, Calibrated], tmp_path: Path
) -> None:
    run, found = cut
    again = calibrate(run, tmp_path / "again.safetensors", Silent())
    assert again.rule == "cost=0.2" and again.threshold == pytest.approx(found.threshold)
    calibrate(run, tmp_path / "none.safetensors", Silent(), "none")
    settings = open_artifact(tmp_path / "none.safetensors").header["task"]["settings"]
    assert "threshold" not in settings and "temperature" in settings


def test_a_resumed_run_says_that_what_was_fitted_is_not_kept(
    cut: tuple[Path, Calibrated], tmp_path: Path
) -> None:
    shutil.copytree(cut[0], tmp_path / "on")
    code, _, error = sightline("resume", tmp_path / "on", "--set", "train.epochs=6")
    assert code == 0
    assert "its temperature and threshold were fitted on the weights of before" in error
    assert f"sightline calibrate {tmp_path / 'on'} --threshold cost=0.2" in error.replace("\n", " ")
    assert "threshold" not in open_artifact(tmp_path / "on").header["task"]["settings"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("f2", "expected f1, youden, precision=0.95"),
        ("1.5", "expected f1"),
        ("cost=0", "expected f1"),
        ("precision=2", "expected f1"),
    ],
)
def test_what_is_no_rule_is_said_in_a_line(pairs: Path, rule: str, words: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(words)):
        calibrate(pairs / "plain", None, Silent(), rule)


def test_rules_are_those_of_the_curves() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 60)
    found = cuts(truth, np.round(rng.random(60) * 0.6 + 0.4 * truth, 2))
    assert threshold("0.3", found) == 0.3
    assert threshold("f1", found) == best_f1(found)
    assert threshold("youden", found) == youden(found)
    assert threshold("precision=0.9", found) == at_precision(found, 0.9)
    noise = cuts(np.array([0, 1]), np.array([0.9, 0.1]))
    with pytest.raises(RecipeError, match=r"the greatest precision on validation is 0\.500"):
        threshold("precision=0.9", noise)
    assert threshold("cost=100", noise) == 0.1


def test_a_threshold_is_of_two_classes() -> None:
    with pytest.raises(RecipeError, match="a threshold is of two classes; there are 3"):
        tasks.build("classification", ["a", "b", "c"], {"threshold": 0.4})
    with pytest.raises(RecipeError, match=r"threshold 1\.5: must be from 0 to 1"):
        tasks.build("classification", ["a", "b"], {"threshold": 1.5})
