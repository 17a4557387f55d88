"""Robustness measured: by hand, through all views, and as a user meets it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from typer.testing import CliRunner

from by_hand import SIDE, Cam, artifact_of, saved
from sightline.cli import app
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.errors import SightlineError
from sightline.study.explaining.subject import network_of
from sightline.study.robustness.attacks import attack_canvases, log_scores
from sightline.study.robustness.corruptions import corrupted
from sightline.study.robustness.measure import Asked, measure, rows_of
from sightline.training.attack import Attack


def photos(n: int = 12) -> ArrayDataset:
    pixels = np.random.default_rng(0).integers(0, 256, (n, 20, 24, 3), dtype=np.uint8)
    artifact = artifact_of(Cam())
    labels = np.array([a.label for a in artifact.predict(list(pixels))], np.int64)
    labels[::4] = (labels[::4] + 1) % 3  # a quarter is wrong
    return ArrayDataset(pixels, Truths(label=labels), artifact.classes, top=255)


def test_accuracies_are_those_of_answers_to_the_spoiled_pictures() -> None:
    artifact, dataset = artifact_of(Cam()), photos()
    ticks: list[int] = []
    found = measure(artifact, dataset, Asked(["noise", "jpeg"], limit=0, seed=4), ticks.append)
    assert found.clean == 9 / 12 == artifact.evaluate(dataset)["accuracy"]
    assert sum(ticks) == 12 * 11 and found.images == 12
    for name, line in found.spoiled.items():
        for strength, accuracy in enumerate(line, 1):
            each = [corrupted(dataset[i].image, name, strength, 4, i) for i in range(12)]
            right = [a.label for a in artifact.predict(each)] == dataset.truths.label
            assert accuracy == pytest.approx(right.mean())
    every = [value for line in found.spoiled.values() for value in line]
    assert found.mean == pytest.approx(np.mean(every))


def test_a_limit_takes_evenly_spaced_images() -> None:
    assert rows_of(photos(12), 4).tolist() == [0, 4, 7, 11]
    assert len(rows_of(photos(12), 50)) == len(rows_of(photos(12), 0)) == 12


@pytest.mark.parametrize("test", ["center", "mirror", "ten-crop"])
def test_what_is_attacked_is_the_whole_answer_of_all_views(test: str) -> None:
    artifact, dataset = artifact_of(Cam(), test, side=16), photos()
    network, predictor = network_of(artifact, "test"), artifact.predictor
    pictures, labels = list(dataset.images(range(12))), dataset.truths.label
    assert labels is not None
    scores = np.stack([a.scores for a in artifact.predict(pictures)])  # type: ignore[misc]
    still = attack_canvases(predictor, network, pictures, labels, Attack(1e-6), 0)
    np.testing.assert_allclose(still.scores, scores, atol=1e-5)
    moved = attack_canvases(predictor, network, pictures, labels, Attack(8), 0)
    rows = np.arange(12)
    assert (moved.scores[rows, labels] < scores[rows, labels]).all()
    assert np.abs(moved.after - moved.before).max() <= 8 / 255 + 1e-6
    assert not any(p.requires_grad and p.grad is not None for p in network.parameters())


def test_of_one_view_the_loss_is_cross_entropy_on_the_canvas() -> None:
    artifact = artifact_of(Cam())
    network = network_of(artifact, "test")
    x = torch.rand(5, 3, SIDE, SIDE)
    y = torch.tensor([0, 1, 2, 0, 1])
    ours = -log_scores(network, artifact.predictor.view, x)[torch.arange(5), y]
    torch.testing.assert_close(ours, F.cross_entropy(network(x), y, reduction="none"))


def test_accuracy_falls_with_eps_and_examples_are_of_right_answers() -> None:
    artifact, dataset = artifact_of(Cam()), photos(24)
    asked = Asked(["blur"], "pgd", (0.5, 20, 60), steps=4, limit=0)
    found = measure(artifact, dataset, asked)
    values = list(found.attacked.values())
    assert list(found.attacked) == [0.5, 20, 60]
    assert found.clean >= values[0] >= values[1] >= values[2] and values[2] < found.clean
    assert measure(artifact, dataset, asked).attacked == found.attacked
    assert found.examples
    for one in found.examples:
        (was, _), (now, _) = one.answers
        assert was == dataset.truths.label[one.row] != now  # type: ignore[index]
    assert len({one.row for one in found.examples}) == len(found.examples)


def test_the_command_prints_tables_and_writes_a_page(tmp_path: Path) -> None:
    model, to = saved(tmp_path), tmp_path / "out"
    options = ["--data", "digits", "--limit", "40", "--attack", "fgsm", "--eps", "4,32"]
    done = CliRunner().invoke(app, ["robustness", str(model), *options, "--to", str(to), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["images"] == 40 and set(said["corruptions"]) == {
        "noise", "blur", "brightness", "contrast", "jpeg",
    }  # fmt: skip
    assert said["attack"]["eps"] == [4, 32] and len(said["attack"]["accuracy"]) == 2
    assert json.loads((to / "robustness.json").read_text("utf-8")) | {"folder": str(to)} == said
    html = (to / "index.html").read_text("utf-8")
    assert "<script" not in html and 'src="http' not in html and "Goodfellow" in html
    assert (to / "corruptions.svg").exists() and (to / "spoiled.png").exists()
    for more, words in (
        (["--corruption", "snow"], "unknown corruption 'snow'"),
        (["--eps", "0"], "grey levels above 0"),
    ):
        done = CliRunner().invoke(app, ["robustness", str(model), "--data", "digits", *more])
        assert isinstance(done.exception, SightlineError) and words in str(done.exception)
