"""Artifacts: all to use a model in one file, and nothing a hostile file could use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sightline import models, tasks
from sightline.artifact import KEY, Artifact, header_for, open_artifact
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import ArtifactError, DataError, DeviceError, SightlineError
from sightline.predictor import TorchPredictor


def small(classes: tuple[str, ...] = ("a", "b", "c"), test: Any = "center") -> Artifact:
    torch.manual_seed(0)
    task, canvas, view = tasks.build("classification", classes, {}), Canvas((8, 8)), View((8, 8))
    view = View((8, 8), test=test)
    model = models.build("resnet9", len(classes), 3, (8, 8), {"width": 4})
    predictor = TorchPredictor(model, task, canvas, view, torch.device("cpu"))
    settings = {"name": "resnet9", "width": 4}
    return Artifact(header_for(task, "classification", canvas, view, model=settings), predictor)


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    small().save(path)
    return path


def altered(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same file with its header changed."""
    model = small()
    header = json.loads(json.dumps(model.header))
    change(header)
    tensors = {k: v.contiguous() for k, v in model.predictor.model.state_dict().items()}
    save_file(tensors, path, {KEY: json.dumps(header)})
    return path


def test_a_saved_model_answers_the_same(saved: Path) -> None:
    before, after = small().predict(IMAGES), open_artifact(saved).predict(IMAGES)
    for a, b in zip(before, after, strict=True):
        assert a.label == b.label
        assert np.array_equal(a.scores, b.scores)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_model_file_is_one_line(saved: Path, share: float) -> None:
    saved.write_bytes(saved.read_bytes()[: int(saved.stat().st_size * share)])
    with pytest.raises(ArtifactError, match="damaged") as caught:
        open_artifact(saved)
    assert "\n" not in str(caught.value)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(
    saved: Path, position: float, value: int, tmp_path: Path
) -> None:
    data = bytearray(saved.read_bytes())
    data[int(position * len(data))] = value
    other = tmp_path / "changed.safetensors"
    other.write_bytes(data)
    try:
        open_artifact(other)
    except SightlineError as error:
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.update(format=99), "format 99"),
        (lambda h: h.pop("classes"), "incomplete"),
        (lambda h: h["model"].update(name="resnet19"), "did you mean resnet9"),
        (lambda h: h["model"].update(width=60000), "not those of resnet9"),
        (lambda h: h["model"].update(width=10**9), "width"),
        (lambda h: h["model"].update(width=-1), "width"),
        (lambda h: h["model"].update(width="x" * 1000), "whole number|damaged"),
        (lambda h: h["model"].update(size=[1, 1]), "size"),
        (lambda h: h["canvas"].update(size=[10**6, 10**6]), "canvas|damaged"),
        (lambda h: h["canvas"].update(mode="evil"), "damaged"),
        (lambda h: h["view"].update(top="x"), "damaged"),
        (lambda h: h["task"].update(name="os"), "unknown task"),
        (lambda h: h["task"]["settings"].update(evil=1), "evil"),
        (lambda h: h.update(classes=["a"] * 100_000), "not those"),
        (lambda h: h.update(canvas=None), "damaged"),
        (lambda h: h.update(task=[]), "damaged"),
        (lambda h: h.update(model="resnet9"), "damaged"),
    ],
)
def test_a_hostile_header_is_one_line_and_asks_for_no_memory(
    change: Callable[[dict[str, Any]], None], said: str, tmp_path: Path
) -> None:
    path = altered(tmp_path / "m.safetensors", change)
    with pytest.raises(ArtifactError, match=said) as caught:
        open_artifact(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_somebody_elses_safetensors_file_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ArtifactError, match="not one made by sightline"):
        open_artifact(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such run"):
        open_artifact(tmp_path / "none")
    with pytest.raises(ArtifactError, match=r"no model\.safetensors"):
        open_artifact(tmp_path)
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(ArtifactError, match="sightline resume"):
        open_artifact(tmp_path)


def test_a_device_that_is_not_there_is_said(saved: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(DeviceError, match="it has cpu"):
        open_artifact(saved, "cuda")


def test_images_of_any_size_and_channels_are_answered() -> None:
    model = small()
    odd = [np.zeros((5, 9), np.uint8), np.zeros((30, 4, 1), np.uint8), np.zeros((2, 2, 3), bool)]
    assert len(model.predict(odd)) == 3
    assert model.predict([]) == []
    with pytest.raises(DataError, match="image 1"):
        model.predict([odd[0], np.zeros((4, 4, 2), np.uint8)])
    with pytest.raises(DataError, match="expected 0 to 255"):
        model.predict([np.full((4, 4, 3), 300)])
    with pytest.raises(DataError, match="image 0"):
        model.predict([np.zeros((0, 4, 3), np.uint8)])


def test_the_array_path_equals_the_list_path() -> None:
    model = small()
    for a, b in zip(model.predict(IMAGES), model.predict(list(IMAGES)), strict=True):
        assert np.array_equal(a.scores, b.scores)


def test_mirror_views_are_the_mean_of_both_answers() -> None:
    plain = np.stack([a.scores for a in small().predict(IMAGES)])
    turned = np.stack([a.scores for a in small().predict(IMAGES[:, :, ::-1])])
    both = np.stack([a.scores for a in small(test="mirror").predict(IMAGES)])
    assert both == pytest.approx((plain + turned) / 2, abs=1e-6)


def test_evaluating_other_classes_is_refused() -> None:
    dataset = ArrayDataset(IMAGES, Truths(label=np.zeros(6, np.int64)), ("a", "b", "d"))
    with pytest.raises(ArtifactError, match="differing: c, d"):
        small().evaluate(dataset)
