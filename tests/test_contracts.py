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
from torch import nn

from sightline import models, recipe, tasks
from sightline.data.boxes import Boxes
from sightline.data.catalog import DATASETS, find, open_named
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Loader
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError, RecipeError, UnknownName
from sightline.learners.build import ALL
from sightline.models import DETECTORS, MODELS, surgery
from sightline.models.layers import Auxiliary
from sightline.tasks import TASKS
from sightline.tasks.evaluate import evaluate
from sightline.training.fit import fit
from sightline.training.run import Run

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
    ("lenet5", (), 10, 1, 32): 61_706,
    ("mlp", (), 10, 1, 28): 235_146,
    ("mlp", (("first", 1024), ("second", 512)), 10, 3, 32): 3_676_682,
    ("minivggnet", (), 10, 3, 32): 2_169_770,
    ("minivggnet", (("batch_norm", False),), 10, 3, 32): 2_168_362,
    ("course_conv1", (), 1, 3, 64): 37_569,
    ("course_conv2", (), 6, 3, 64): 1_310,
    ("alexnet", (), 1000, 3, 224): 61_100_840,
    ("alexnet_book", (), 2, 3, 227): 3_747_200 + 54_542_338 + 19_136,  # conv, FC, batch norm
    ("vgg11", (), 1000, 3, 224): 132_863_336,
    ("vgg11_bn", (), 1000, 3, 224): 132_868_840,
    ("vgg13", (), 1000, 3, 224): 133_047_848,
    ("vgg13_bn", (), 1000, 3, 224): 133_053_736,
    ("vgg16", (), 1000, 3, 224): 138_357_544,
    ("vgg16_bn", (), 1000, 3, 224): 138_365_992,
    ("vgg19", (), 1000, 3, 224): 143_667_240,
    ("vgg19_bn", (), 1000, 3, 224): 143_678_248,
    ("squeezenet1_0", (), 1000, 3, 224): 1_248_424,
    ("squeezenet1_1", (), 1000, 3, 224): 1_235_496,
    ("mobilenet_v1", (), 1000, 3, 224): 4_231_976,
    ("mobilenet_v2", (), 1000, 3, 224): 3_504_872,
    ("efficientnet_b0", (), 1000, 3, 224): 5_288_548,
    ("efficientnet_b1", (), 1000, 3, 240): 7_794_184,
    ("efficientnet_b2", (), 1000, 3, 260): 9_109_994,
    ("efficientnet_b3", (), 1000, 3, 300): 12_233_232,
    ("efficientnet_b4", (), 1000, 3, 380): 19_341_616,
    ("efficientnet_b5", (), 1000, 3, 456): 30_389_784,
    ("efficientnet_b6", (), 1000, 3, 528): 43_040_704,
    ("efficientnet_b7", (), 1000, 3, 600): 66_347_960,
}
SMALL: dict[str, dict[str, Any]] = {
    "resnet9": {"width": 4},
    "pattern": {"layers": "INPUT => [CONV4 => RELU => BN]*2 => FC8 => RELU => FC"},
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
    "alexnet": {"width": 4, "hidden": 32},
    "alexnet_book": {"width": 2, "hidden": 32},
    **{name: {"width": 4, "hidden": 32} for name in MODELS if name.startswith("vgg")},
    "squeezenet1_0": {"width": 4},
    "squeezenet1_1": {"width": 4},
    "mobilenet_v1": {"width": 0.1},
    "mobilenet_v2": {"width": 0.1},
    **{n: {"width": 0.1, "depth": 0.1} for n in MODELS if n.startswith("efficientnet_b")},
}


def least(name: str, side: int = 16) -> int:
    """The side asked for, or the smallest that the network takes."""
    return max(side, *MODELS[name].smallest)


def build(name: str, outputs: int = 5, channels: int = 3, side: int = 0) -> models.Network:
    torch.manual_seed(0)
    side = side or least(name)
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
    side = least(name, side)
    model = build(name, 5, channels, side).eval()
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
def test_the_heads_named_give_the_outputs(name: str) -> None:
    body = build(name, 7).body
    for head in MODELS[name].heads:
        layer = body.get_submodule(head)
        assert isinstance(layer, torch.nn.Linear | torch.nn.Conv2d), head
        assert layer.weight.shape[0] == 7, head


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("training", [True, False])
def test_a_traced_model_answers_as_the_model_does(name: str, training: bool) -> None:
    model, side = build(name).train(training), least(name)
    traced = torch.fx.symbolic_trace(model.body)
    if not training:
        inputs = torch.rand(2, 3, side, side)
        assert torch.equal(traced(inputs), model.body(inputs))


@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_input_is_taken_and_one_pixel_less_refused_by_name(name: str) -> None:
    height, width = MODELS[name].smallest
    assert build(name, 5, 3, height).eval()(torch.rand(1, 3, height, width)).shape == (1, 5)
    if height > 1:
        with pytest.raises(RecipeError, match=f"{name} needs inputs of at least"):
            build(name, 5, 3, height - 1)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_takes_another_head_and_gives_features_before_it(name: str) -> None:
    model, side = build(name), least(name)
    inputs = torch.rand(2, 3, side, side)
    surgery.replace_head(model, 3)
    assert model.eval()(inputs).shape == (2, 3)
    last = surgery.features(model, MODELS[name].heads[0])(inputs)
    assert last.shape[:2] == (2, 3)
    surgery.freeze(model, "body")
    trained = {key for key, p in model.body.named_parameters() if p.requires_grad}
    assert trained
    assert all(key.startswith(MODELS[name].heads) for key in trained)


@pytest.mark.parametrize("name", MODELS)
def test_a_models_weights_can_be_drawn_by_name(name: str) -> None:
    side = least(name)
    settings = {**SMALL.get(name, {}), "initialize": "he_uniform"}
    model = models.build(name, 5, 3, (side, side), settings)
    drawn = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert drawn
    for layer in drawn:
        bound = (6 / layer.weight[0].numel()) ** 0.5
        assert layer.weight.abs().max() <= bound
        assert layer.bias is None or layer.bias.abs().max() == 0


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
    if task == "landmarks":
        points = np.random.default_rng(0).uniform(1, 7, (n, 3, 2)).astype(np.float32)
        points[::5, 1] = np.nan
        return Truths(landmarks=points)
    if task == "detection":
        one = np.array([[10, 20, 40, 50]], np.float32).repeat(n, 0)
        return Truths(boxes=Boxes(one, np.arange(n) % 3, np.arange(n + 1)))
    return Truths(values=np.random.default_rng(0).normal(5, 3, (n, 3)).astype(np.float32))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_learns_decodes_and_measures(name: str) -> None:
    """Losses are finite and falling, one annotation an image, the goal is among the figures."""
    network, side = ("ssd7", 64) if name == "detection" else ("shallownet", 8)
    images = np.random.default_rng(1).integers(0, 256, (24, side, side, 3), dtype=np.uint8)
    dataset = ArrayDataset(images, truths_for(name, 24), ("a", "b", "c"))
    task = tasks.build(name, ("a", "b", "c"), {})
    assert tasks.build(name, ("a", "b", "c"), task.settings()).settings() == task.settings()
    torch.manual_seed(0)
    model = models.build(network, task.outputs, 3, (side, side))
    loader = Loader(dataset, View((side, side)), 24, 0, torch.device("cpu"))
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    run = Run(model, task, {"model": adam}, {"model": lambda _: 1e-2}, torch.device("cpu"))
    fit(run, loader, None, 15)
    seen = [record["train"]["loss"] for record in run.history]
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
        inputs = View(images.shape[1:3]).floats(torch.from_numpy(images))
        with torch.inference_mode():
            return self.task.decode(self.task.forward(self.model, inputs))


@pytest.mark.parametrize("name", recipe.names())
def test_a_recipe_is_valid_and_survives_being_written(name: str) -> None:
    content = recipe.named(name)
    chosen = recipe.of_either(content, name)
    assert chosen.about
    assert chosen.source
    assert recipe.from_text(recipe.to_toml(chosen), name) == chosen
    if isinstance(chosen, recipe.LearnerRecipe):
        assert chosen.learner.name in ALL
    else:
        assert chosen.model.name in MODELS | DETECTORS
