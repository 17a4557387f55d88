"""Runs in four made situations, each named rightly, and a healthy one."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from sightline import experiment
from sightline.artifact import Artifact, open_artifact
from sightline.cli import app
from sightline.data import catalog
from sightline.errors import ArtifactError, DataError, SightlineError
from sightline.evaluation import own_splits
from sightline.overrides import setting
from sightline.request import ask
from sightline.study.gaps_page import to_text
from sightline.study.run_gaps import RunGaps, diagnose_run
from sightline.talk import Silent

PLAIN = ("augment={}", "view.test=center", "train.batch=64", "train.threads=1", "train.smoothing=0",
         "train.precision=float32", "train.save_every=60")  # fmt: skip
MLP = ("model.name=mlp", "model.activation=relu")


def trained(what: str, to: Path, *words: str) -> Artifact:
    return experiment.train(
        ask(what, Silent()), [setting(word) for word in words], to, False, Silent()
    )


def diagnosed(artifact: Artifact, human: float | None = None) -> RunGaps:
    return diagnose_run(artifact, "run", Silent(), human)


def kinds(found: RunGaps) -> list[str]:
    return [gap.kind for gap in found.named]


def digits() -> tuple[np.ndarray, np.ndarray]:
    whole = catalog.open_named("digits", None, Silent()).train
    pixels = np.asarray(whole.images(np.arange(len(whole))))[..., 0] * 15
    return pixels.astype(np.uint8), np.asarray(whole.truths.label)


def write(root: Path, part: str, pixels: np.ndarray, names: list[str]) -> None:
    for number, (image, name) in enumerate(zip(pixels, names, strict=True)):
        folder = root / part / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    words = (*PLAIN, "train.epochs=3", "model.width=8")
    return trained("digits", tmp_path_factory.mktemp("healthy") / "run", *words)


def test_nothing_stands_out_in_a_healthy_run(healthy: Artifact) -> None:
    found = diagnosed(healthy)
    assert kinds(found) == []
    text = to_text(found)
    assert "nothing stands out" in text
    for error in found.errors:
        assert f"{error.wrong} of {error.images:,}" in text


def test_a_network_far_too_small_has_bias(tmp_path: Path) -> None:
    words = (*PLAIN, *MLP, "model.first=2", "model.second=2", "train.epochs=3")
    found = diagnosed(trained("digits", tmp_path / "run", *words))
    assert kinds(found) == ["avoidable bias"]
    assert "a bigger network" in to_text(found)


def test_a_large_network_on_few_images_has_variance(tmp_path: Path) -> None:
    words = (*PLAIN, *MLP, "data.val=0.45", "data.test=0.5", "train.epochs=20")
    found = diagnosed(trained("digits", tmp_path / "run", *words))
    assert kinds(found) == ["variance"]
    assert found.errors[0].error == 0
    assert "more training images" in to_text(found)


@pytest.fixture(scope="module")
def mismatched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits to train on; the same with noise to validate and test on."""
    root = tmp_path_factory.mktemp("mismatch") / "digits"
    pixels, labels = digits()
    names = [str(label) for label in labels]
    write(root, "train", pixels[:900], names[:900])
    noise = np.random.default_rng(0).normal(0, 90, pixels.shape)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    write(root, "val", noisy[900:1300], names[900:1300])
    write(root, "test", noisy[1300:], names[1300:])
    return root


def test_validation_images_of_another_kind_are_a_mismatch(mismatched: Path, tmp_path: Path) -> None:
    words = (*PLAIN, *MLP, "data.train_dev=0.25", "train.epochs=12")
    found = diagnosed(trained(str(mismatched), tmp_path / "run", *words))
    assert kinds(found)[0] == "data mismatch"
    assert "errors run --part val" in to_text(found)
    assert found.name == "digits"


def test_without_train_dev_a_mismatch_is_said_to_be_possible(
    mismatched: Path, tmp_path: Path
) -> None:
    found = diagnosed(trained(str(mismatched), tmp_path / "run", "learner.name=knn"))
    assert kinds(found)[0] == "variance"
    assert any("data.train_dev=0.1" in note for note in found.notes)
    assert found.remarks == ()
    assert "learner knn" in to_text(found)


def test_the_best_of_500_models_on_60_images_overfits_validation(tmp_path: Path) -> None:
    pixels, _ = digits()
    coins = np.random.default_rng(0).integers(0, 2, len(pixels))
    names = [("heads", "tails")[coin] for coin in coins]  # nobody errs less than every other time
    root = tmp_path / "coins"
    cuts = {"train": slice(0, 400), "val": slice(400, 460), "test": slice(460, None)}
    for part, rows in cuts.items():
        write(root, part, pixels[rows], names[rows])
    artifact = trained(str(root), tmp_path / "run", *PLAIN, *MLP, "model.first=32",
                       "train.epochs=1", 'train.optimizer={name="sgd", rate=1e-6}')  # fmt: skip
    val = own_splits(artifact, Silent()).val
    assert val is not None
    model, truth = artifact.predictor.model, torch.from_numpy(np.asarray(val.truths.label))
    (inputs,) = artifact.predictor.inputs(val.images(np.arange(60)))
    best = (1.0, 0)
    for seed in range(500):
        _draw_weights(model, seed)
        with torch.inference_mode():
            error = float((model(inputs).argmax(1) != truth).float().mean())
        best = min(best, (error, seed))
    _draw_weights(model, best[1])
    found = diagnosed(artifact, human=0.5)
    assert kinds(found) == ["overfitting to validation"]
    assert "a larger validation part" in to_text(found)


def _draw_weights(model: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(generator=generator)


def test_every_part_is_measured_clean_as_it_is_tested(healthy: Artifact) -> None:
    found = diagnosed(healthy)
    assert [error.part for error in found.errors] == ["train", "val", "test"]
    assert found.errors[2].error == pytest.approx(1 - healthy.test["accuracy"])
    again = diagnosed(healthy)
    assert again.errors == found.errors  # augmentation would differ
    splits = own_splits(healthy, Silent())
    accuracy = healthy.evaluate(splits.train)["accuracy"]
    assert found.errors[0].error == pytest.approx(1 - accuracy)


def test_of_large_parts_some_images_are_drawn_and_that_is_said(healthy: Artifact) -> None:
    found = diagnose_run(healthy, "run", Silent(), limit=100)
    assert [error.images for error in found.errors] == [100, 100, 100]
    assert found.errors[0].whole > 1000
    assert any("drawn at random: 100 of" in note for note in found.notes)


def test_parts_that_are_missing_are_said(tmp_path: Path) -> None:
    words = ("learner.name=softmax-regression", "learner.epochs=3")
    bare = diagnosed(trained("digits", tmp_path / "a", *words, "data.val=0", "data.test=0"))
    assert [error.part for error in bare.errors] == ["train"]
    assert any("no test part" in note for note in bare.notes)
    tested = diagnosed(trained("digits", tmp_path / "b", *words, "data.val=0"))
    assert [gap.kind for gap in tested.gaps] == ["avoidable bias", "variance"]
    assert any("no validation part" in note for note in tested.notes)


def test_what_has_no_share_of_wrong_answers_is_refused(healthy: Artifact) -> None:
    other = Artifact({**healthy.header, "task": {"name": "regression"}}, healthy.predictor)
    with pytest.raises(ArtifactError, match="no answer is right or wrong"):
        diagnosed(other)
    header = {key: value for key, value in healthy.header.items() if key != "recipe"}
    with pytest.raises(DataError, match="was not trained here"):
        diagnosed(Artifact(header, healthy.predictor))


def test_the_command_prints_json_and_writes_a_page_that_loads_nothing(
    healthy: Artifact, tmp_path: Path
) -> None:
    run, page = str(healthy.run), tmp_path / "page.html"
    told = json.loads(said("diagnose", run, "--human", "0.01", "--to", str(page), "--json"))
    assert told["human"] == 0.01
    assert [error["part"] for error in told["errors"]] == ["train", "val", "test"]
    assert told["named"] == []
    text = page.read_text("utf-8")
    assert "Nothing stands out" in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert "<script" not in text
    with pytest.raises(SightlineError, match="never overwrites"):
        said("diagnose", run, "--to", str(page))


def test_curves_are_remarked_upon_in_the_same_place(tmp_path: Path) -> None:
    words = (*PLAIN, *MLP, "data.val=0.4", "data.test=0.4", "train.epochs=5",
             'train.optimizer={name="sgd", rate=3.0}')  # fmt: skip
    artifact = trained("digits", tmp_path / "run", *words)
    found = diagnosed(open_artifact(tmp_path / "run"))
    assert artifact.run is not None
    assert [remark.kind for remark in found.remarks] == ["rate very high"]
    assert "the curves say" in to_text(found)


def said(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    if isinstance(done.exception, SightlineError):
        raise done.exception
    return done.stdout
