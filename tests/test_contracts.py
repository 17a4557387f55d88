"""Contracts over the tables: a new model, data set or task is tested the moment it is listed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.fx

from sightline import models, recipe, tasks
from sightline.data.catalog import DATASETS, find, open_named
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Loader
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError, UnknownName
from sightline.models import MODELS
from sightline.models.layers import Auxiliary
from sightline.tasks import TASKS
from sightline.tasks.evaluate import evaluate

PUBLISHED = {  # name, settings, outputs, channels, size: trainable parameters
    ("shallownet", (), 10, 3, 32): 328_586,
    ("lenet", (), 10, 1, 28): 1_256_080,
    ("lenet", (("kernel", 3),), 10, 1, 8): 200 + 9_050 + 100_500 + 5_010,
    ("googlenet", (), 1000, 3, 224): 6_624_904,
    ("googlenet", (("auxiliary", True),), 1000, 3, 224): 13_004_888,
    ("minigooglenet", (), 10, 3, 32): 1_652_826,
    ("deepergooglenet", (), 200, 3, 64): 3_657_992,  # counted by hand
    ("preact_resnet", (), 10, 3, 32): 873_872,  # counted by hand
    ("resnet18", (), 1000, 3, 224): 11_689_512,
    ("resnet34", (), 1000, 3, 224): 21_797_672,
    ("resnet50", (), 1000, 3, 224): 25_557_032,
    ("resnet101", (), 1000, 3, 224): 44_549_160,
    ("resnet20_cifar", (), 10, 3, 32): 269_722,
    ("resnet32_cifar", (), 10, 3, 32): 464_154,
    ("resnet44_cifar", (), 10, 3, 32): 658_586,
    ("resnet56_cifar", (), 10, 3, 32): 853_018,
    ("resnet110_cifar", (), 10, 3, 32): 1_727_962,
    ("xception", (), 1000, 3, 299): 22_855_952,
    ("inception_v3", (), 1000, 3, 299): 23_834_568,
    ("inception_v3", (("auxiliary", True),), 1000, 3, 299): 27_161_264,
}
SMALL: dict[str, dict[str, Any]] = {
    "resnet9": {"width": 4},
    "googlenet": {"width": 8, "auxiliary": True},
    "resnet18": {"width": 4},
    "resnet34": {"width": 4},
    "resnet50": {"width": 4},
    "resnet101": {"width": 2},
    "resnet20_cifar": {"width": 4},
    "resnet32_cifar": {"width": 4},
    "resnet44_cifar": {"width": 4},
    "resnet56_cifar": {"width": 4},
    "resnet110_cifar": {"width": 4},
    "preact_resnet": {"stages": [1, 2, 1], "filters": [4, 4, 8, 16]},
    "xception": {"width": 2},
    "inception_v3": {"width": 2, "auxiliary": True},
}


def least(name: str, side: int = 16) -> int:
    """The side asked for, or the smallest that the network takes."""
    return max(side, *MODELS[name].smallest)


def build(name: str, outputs: int = 5, channels: int = 3, side: int = 16) -> models.Network:
    torch.manual_seed(0)
    side = least(name, side)
    return models.build(name, outputs, channels, (side, side), SMALL.get(name))


@pytest.mark.parametrize("case", PUBLISHED, ids=str)
def test_parameter_counts_are_the_published_ones(case: tuple) -> None:
    name, settings, outputs, channels, side = case
    with torch.device("meta"):
        model = models.build(name, outputs, channels, (side, side), dict(settings))
    assert models.count_parameters(model) == PUBLISHED[case]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 50])
def test_a_model_gives_the_outputs_asked_for(name: str, channels: int, side: int) -> None:
    model = build(name, 5, channels, side).eval()
    side = least(name, side)
    out = model(torch.rand(2, channels, side, side))
    assert out.shape == (2, 5)
    assert torch.isfinite(out).all()


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_finite_gradient(name: str) -> None:
    model, side = build(name).train(), least(name)
    answer = model(torch.rand(4, 3, side, side))
    heads = (answer.outputs, *answer.others) if isinstance(answer, Auxiliary) else (answer,)
    assert {head.shape for head in heads} == {(4, 5)}
    torch.stack(heads).square().sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", MODELS)
def test_evaluation_is_deterministic_and_survives_a_state_round_trip(name: str) -> None:
    side = least(name)
    model, inputs = build(name).eval(), torch.rand(2, 3, side, side)
    expected = model(inputs)
    assert torch.equal(model(inputs), expected)
    other = models.build(name, 5, 3, (side, side), SMALL.get(name)).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(inputs), expected)


@pytest.mark.parametrize("name", MODELS)
def test_the_heads_named_are_the_layers_that_give_the_outputs(name: str) -> None:
    model = build(name, outputs=5)
    for head in MODELS[name].heads:
        layer = model.body.get_submodule(head)
        assert 5 in (getattr(layer, "out_features", 0), getattr(layer, "out_channels", 0)), head


@pytest.mark.parametrize("name", MODELS)
def test_a_model_can_be_traced(name: str) -> None:
    """Summaries and pictures walk the traced graph."""
    body, side = build(name).body.eval(), least(name)
    inputs = torch.rand(2, 3, side, side)
    assert torch.equal(torch.fx.symbolic_trace(body)(inputs), body(inputs))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_built_without_memory_on_the_meta_device(name: str) -> None:
    with torch.device("meta"):
        model = build(name)
    assert {v.device.type for v in model.state_dict().values()} == {"meta"}
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in build(name).state_dict().items()
    }


def test_building_on_the_meta_device_loads_no_compiler() -> None:
    code = (
        "import sys, torch\nfrom sightline import models\nwith torch.device('meta'):\n"
        "    for name, entry in models.MODELS.items():\n"
        "        models.build(name, 5, 3, entry.size)\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", MODELS)
def test_a_model_refuses_settings_it_does_not_have(name: str) -> None:
    with pytest.raises(UnknownName, match="wdith"):
        models.build(name, 5, 3, (least(name), least(name)), {"wdith": 3})


@pytest.mark.parametrize("name", DATASETS)
def test_a_named_set_says_what_it_is_and_holds_what_it_says(name: str) -> None:
    entry = DATASETS[name]
    assert entry.about
    assert entry.licence
    if not entry.embedded and find(name) is None:
        pytest.skip(f"{name} is not on this machine")
    splits = open_named(name)
    assert {part: len(dataset) for part, dataset in splits.parts.items()} == dict(entry.images)
    train = splits.train
    assert len(train.classes) == entry.classes
    assert train.truths.task == entry.task
    sample = train[0]
    assert sample.image.dtype == np.uint8
    assert sample.image.ndim == 3
    assert sample.image.max() <= train.top
    assert sample.source
    assert len(train.classes) == len(set(train.classes))


def test_a_set_that_is_nowhere_says_which_files_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"put cats/, dogs/ and panda/ into .*animals"):
        open_named("animals", str(tmp_path))


def test_a_set_is_found_below_the_root_given(photos: Callable[..., Path]) -> None:
    root = photos()
    root.rename(root.parent / "flowers17")
    assert open_named("flowers17", str(root.parent)).train.classes == ("blue", "green", "red")


def truths_for(task: str, n: int) -> Truths:
    if task == "classification":
        return Truths(label=np.arange(n, dtype=np.int64) % 3)
    if task == "multilabel":
        labels = np.random.default_rng(0).integers(-1, 2, (n, 3)).astype(np.int8)
        return Truths(labels=labels)
    return Truths(values=np.random.default_rng(0).normal(5, 3, (n, 3)).astype(np.float32))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_learns_decodes_and_measures(name: str) -> None:
    """Losses are finite and falling, one annotation an image, the goal is among the figures."""
    images = np.random.default_rng(1).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    dataset = ArrayDataset(images, truths_for(name, 24), ("a", "b", "c"))
    task = tasks.build(name, ("a", "b", "c"), {})
    assert tasks.build(name, ("a", "b", "c"), task.settings()).settings() == task.settings()
    torch.manual_seed(0)
    model = models.build("shallownet", task.outputs, 3, (8, 8))
    loader = Loader(dataset, View((8, 8)), 24, 0, torch.device("cpu"))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    seen = []
    for _ in range(15):
        for part, losses in task.losses(model, next(loader.epoch(0))):
            assert part == "model"
            total = sum(losses.values())
            assert isinstance(total, torch.Tensor)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            seen.append(total.item())
    assert np.isfinite(seen).all()
    assert seen[-1] < seen[0]
    predictor = Direct(task, model)
    figures = evaluate(predictor, task.meter(), dataset)
    assert figures["images"] == 24
    assert task.goal[0] in "+-"
    assert task.goal[1:] in figures


class Direct:
    """The shortest predictor: floats, forward, decode."""

    def __init__(self, task: tasks.Task, model: torch.nn.Module) -> None:
        self.task, self.model, self.classes = task, model, task.classes

    def predict(self, images: np.ndarray) -> list:
        inputs = View((8, 8)).floats(torch.from_numpy(images))
        with torch.inference_mode():
            return self.task.decode(self.task.forward(self.model, inputs))


@pytest.mark.parametrize("name", recipe.names())
def test_a_recipe_is_valid_and_survives_being_written(name: str) -> None:
    content = recipe.named(name)
    chosen = recipe.from_dict(content, name, recipe.Recipe)
    assert chosen.about
    assert chosen.source
    assert recipe.from_text(recipe.to_toml(chosen), name) == chosen
    assert chosen.model.name in MODELS
