"""Fine-tuning as planned: stages by size and likeness, from a run, a file or a network's name."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner

import sightline as sl
from sightline import fine_tuning, models
from sightline.cli import app
from sightline.data.dataset import as_dataset
from sightline.errors import SightlineError
from sightline.fine_tuning import Likeness, measure, nearest_share, plan_for
from sightline.models.surgery import blocks
from sightline.plan import Plan
from sightline.predictor import TorchPredictor
from sightline.tables import Pretrained
from sightline.talk import Silent


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of digits below five, whose network goes on to others."""
    to = tmp_path_factory.mktemp("from") / "run"
    sl.train(digits(range(5)), to=to, quiet=True, train__epochs=3, model__width=4)
    return to


def digits(which: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_digits().images.astype(np.uint8), load_digits().target
    chosen = np.isin(labels, list(which))
    return images[chosen], labels[chosen]


def tuned(run: Path, to: Path, which: Iterable[int] = range(5, 10), **settings: Any) -> sl.Artifact:
    settings = {"train__epochs": 2, "pretrained__model": str(run)} | settings
    return sl.train(digits(which), to=to, quiet=True, **settings)


def tensors(model: sl.Artifact) -> dict[str, torch.Tensor]:
    return model.predictor.tensors()


def test_nearest_share_is_that_of_leaving_one_out() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 5)).astype(np.float32)
    labels = rng.integers(0, 3, 60)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    right = 0
    for left in range(60):
        others = np.arange(60) != left
        nearest = KNeighborsClassifier(1).fit(unit[others], labels[others])
        right += int(nearest.predict(unit[left : left + 1])[0] == labels[left])
    assert nearest_share(rows, labels) == pytest.approx(right / 60)


@pytest.mark.parametrize(
    ("name", "first", "last", "count"),
    [
        ("mobilenet_v2", "features.0.0", "features.18.1", 21),
        ("resnet18", "conv1", "layer4.1", 10),
        ("squeezenet1_0", "features.0", "features.12", 9),
    ],
)
def test_blocks_follow_one_another_without_the_head(
    name: str, first: str, last: str, count: int
) -> None:
    with torch.device("meta"):
        network = models.build(name, 10, 3, (224, 224))
    found = blocks(network)
    assert (found[0], found[-1], len(found)) == (first, last, count)


def a_likeness(last: float, middle: float) -> Likeness:
    return Likeness(last, middle, 300)


@pytest.mark.parametrize(
    ("images", "last", "start", "said"),
    [
        (5_000, 0.9, "all", "a large set of like images"),
        (5_000, 0.2, "all", "a large set of other images"),
        (500, 0.9, "features.5", "a small set of like images"),
        (500, 0.2, "features.1.1", "a small set of other images"),
    ],
)
def test_the_table_of_size_and_likeness(
    images: int, last: float, start: str, said: str, monkeypatch: pytest.MonkeyPatch, run: Path
) -> None:
    monkeypatch.setattr(fine_tuning, "measure", lambda *_: a_likeness(last, 0.5))
    monkeypatch.setattr(fine_tuning, "LARGE", 1000)
    labels = np.arange(images) % 5
    blank = np.zeros((images, 8, 8), np.uint8)
    train = as_dataset(blank, labels)
    planned = Plan({"view": {"top": 16}, "train": {"batch": 32}}, {"epochs": "20 epochs"})
    found = plan_for(planned, Pretrained(model=str(run)), train, Silent())
    stages = found.content["train"]["stages"]
    assert [stage["trains"] for stage in stages] == ["head", start]
    assert said in found.why["likeness"]
    assert "epochs" not in found.why  # those of a training from the beginning


@pytest.mark.parametrize(("last", "alike"), [(0.9, True), (0.62, False), (0.6, False)])
def test_last_layers_that_are_no_better_than_general_ones_are_not_alike(
    last: float, alike: bool
) -> None:
    assert Likeness(last, 0.6, 300).alike is alike


def test_a_network_knows_the_digits_it_was_trained_on(run: Path) -> None:
    model = sl.load(run)
    assert isinstance(model.predictor, TorchPredictor)
    known = measure(model.predictor, model.predictor.model, as_dataset(*digits(range(5))))
    assert known.alike
    assert known.last > 0.9
    assert known.images == 300


def test_the_body_begins_with_the_run_s_weights_and_the_head_anew(
    run: Path, tmp_path: Path
) -> None:
    model = tuned(run, tmp_path / "to", train__epochs=1)  # which ends within the first stage
    old, new = tensors(sl.load(run)), tensors(model)
    same = {name for name in old if torch.equal(old[name], new[name])}
    assert {name for name in old if name not in same} == {"body.fc.weight", "body.fc.bias"}


def test_a_head_of_the_same_classes_is_kept(run: Path, tmp_path: Path) -> None:
    stages = [{"trains": "head", "optimizer": {"name": "sgd", "rate": 1e-12}}]
    settings = {"train__stages": stages, "train__schedule__name": "constant"}
    model = tuned(run, tmp_path / "to", range(5), train__epochs=1, **settings)
    old, new = tensors(sl.load(run)), tensors(model)
    torch.testing.assert_close(new["body.fc.weight"], old["body.fc.weight"])


def test_it_learns_other_digits_quickly(run: Path, tmp_path: Path) -> None:
    model = tuned(run, tmp_path / "to", train__epochs=6, train__optimizer__rate=0.01)
    assert model.test["accuracy"] > 0.85


def test_a_run_is_resumed_where_the_weights_it_began_with_are_gone(
    run: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    tuned(copy, tmp_path / "to", train__epochs=1)
    shutil.rmtree(copy)
    data = digits(range(5, 10))
    again = sl.resume(tmp_path / "to", data=data, quiet=True, train__epochs=2)
    assert again.test["images"] > 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pretrained__model": "no/such/run"}, "no such run"),
        ({"pretrained__model": "resnet99"}, "did you mean"),
        ({"model__name": "lenet"}, "pretrained.model is resnet9.*and model is lenet"),
        ({"train__stages": [{"trains": "layer9"}]}, "unknown layer in train.stages"),
        ({"pretrained__colour": 1}, "colour"),
    ],
)
def test_what_cannot_be_begun_with_is_one_line(
    run: Path, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(SightlineError, match=said) as caught:
        tuned(run, tmp_path / "to", **settings)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "to").exists()


def test_train_from_says_its_plan(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    images, labels = digits(range(5, 10))
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image * 15).save(folder / str(label) / f"{number}.png")
    command = ["train", str(folder), "--from", str(run), "--to", str(tmp_path / "to")]
    result = CliRunner().invoke(app, [*command, "--set", "train.epochs=2"])
    assert result.exit_code == 0, result.output
    for part in ("nearest neighbour of 300 images", "a small set of", "stage 2 of 2: features."):
        assert part in result.stderr
    assert "began with" in (tmp_path / "to" / "report.html").read_text("utf-8")


def test_squeezenet_s_new_head_has_no_relu_that_its_outputs_could_die_behind(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "old"
    small = {"train__epochs": 1, "model__name": "squeezenet1_1", "canvas__size": [32, 32]}
    old = sl.train(digits(range(2)), to=folder, quiet=True, **small)
    assert "rectify" not in old.header["model"]
    new = tuned(folder, tmp_path / "new", range(5, 7), train__epochs=1)
    assert new.header["model"]["rectify"] is False
