"""`sightline summary` and `sightline models` as a user meets them."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from sightline import models
from sightline.cli import app
from sightline.errors import RecipeError, SightlineError
from sightline.models import DETECTORS, MODELS
from sightline.outline import listed

PATTERN = "INPUT => CONV8 => RELU => POOL => FC16 => RELU => FC"


def sightline(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output, standard error, as `main` gives them."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, SightlineError):
        return 2, done.stdout, f"sightline: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_a_network_is_summed_up_by_name_and_by_pattern() -> None:
    code, out, error = sightline("summary", "lenet")
    assert (code, error) == (0, "")
    assert "1,256,080 parameters" in out and max(map(len, out.splitlines())) <= 80
    code, out, _ = sightline("summary", PATTERN, "--size", "20x12", "--channels", "1")
    assert code == 0
    assert out.startswith("pattern: 20x12x1 in, 10 out")


def test_size_channels_outputs_settings_and_batch_are_followed() -> None:
    arguments = ["--size", "32", "--channels", "1", "--outputs", "7", "--batch", "4"]
    code, out, _ = sightline("summary", "resnet9", *arguments, "--set", "model.width=8", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["layers"][0]["output"] == [1, 32, 32]
    assert answer["layers"][1]["settings"]["filters"] == 8
    assert answer["layers"][-1]["output"] == [7]
    assert answer["memory"]["batch"] == 4
    assert answer["parameters"] == sum(layer["parameters"] for layer in answer["layers"])
    assert "lint" not in answer


def test_rules_of_thumb_are_added_on_request() -> None:
    _, out, _ = sightline("summary", PATTERN, "--lint")
    assert "warning: dropout between FC (layers.fc1)" in out
    _, out, _ = sightline("summary", PATTERN, "--lint", "--json")
    assert {"rule", "level", "layers", "says", "do"} == set(json.loads(out)["lint"][0])


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_picture_is_written_once(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    code, out, _ = sightline("summary", "resnet9", "--picture", path)
    assert code == 0 and out.rstrip().endswith(f"picture {path}")
    head = path.read_bytes()[:8]
    assert head.startswith(b"<?xml" if suffix == ".svg" else b"\x89PNG")
    code, out, error = sightline("summary", "resnet9", "--picture", path)
    assert code == 2 and out == "" and "exists; --picture never overwrites" in error
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_is_summed_up_as_it_was_trained(tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ["model.name='pattern'", f'model.layers="{PATTERN}"', "train.epochs=1"]
    code, *_ = sightline(
        "train", "digits", *(x for s in settings for x in ("--set", s)), "--to", run
    )
    assert code == 0
    for word in (run, run / "model.safetensors"):
        code, out, error = sightline("summary", word)
        assert (code, error) == (0, "")
        assert out.startswith(f"pattern of {word.name}: ")
        assert "conv 3x3, 8" in out and "linear 10" in out
    code, _, error = sightline("summary", run, "--size", "9")
    assert code == 2 and "is trained: its size, channels" in error
    code, out, _ = sightline("evaluate", run, "--json")
    assert code == 0 and 0 < json.loads(out)["test"]["accuracy"] <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resnet19"], "did you mean resnet9?"),
        (["./nowhere"], "unknown model, run or model file './nowhere'"),
        (["INPUT => CONVV => FC"], "did you mean CONV?"),
        (["lenet", "--size", "2"], "needs inputs of at least"),
        (["lenet", "--set", "model.kernal=3"], "did you mean kernel?"),
        (["lenet", "--set", "train.epochs=3"], "knows model.* alone"),
        (["lenet", "--picture", "net.jpg"], ".svg or .png"),
        (["timm:"], "timm:"),
    ],
)
def test_a_mistake_is_said_plainly(arguments: list[str], said: str) -> None:
    code, out, error = sightline("summary", *arguments)
    assert code == 2 and out == ""
    assert said in error


@pytest.mark.parametrize("size", ["x", "3x4x5", "-3", "0", "99999", "1.5"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    code, out, error = sightline("summary", "lenet", f"--size={size}")
    assert code == 2 and out == "" and "--size" in error


def test_the_list_of_networks_has_their_published_parameters_and_weights() -> None:
    rows = listed()
    assert list(rows) == [*MODELS, *DETECTORS]
    assert rows["resnet18"]["parameters"] == 11_689_512
    assert rows["lenet"]["parameters"] == 1_256_080
    assert rows["lenet"]["weights"] is None
    assert rows["mobilenet_v2"]["weights"]["address"].startswith("https://")
    assert all(row["paper"] and row["outputs"] in (10, 1000) for row in rows.values())
    code, out, _ = sightline("models")
    line = next(line for line in out.splitlines() if line.startswith("vgg16 "))
    assert code == 0
    assert line.split()[:4] == ["vgg16", "138,357,544", "224x224x3", "71.6%"]


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")
def test_without_timm_its_networks_say_what_to_install() -> None:
    with pytest.raises(RecipeError, match=r"pip install 'sightline\[zoo\]'") as caught:
        models.build("timm:resnet18", 5, 3, (32, 32))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
def test_networks_of_timm_are_built_and_summed_up() -> None:
    model = models.build("timm:resnet18", 5, 1, (40, 40)).eval()
    assert model(torch.rand(2, 1, 40, 40)).shape == (2, 5)
    assert model.heads == ("fc",)
    code, out, _ = sightline("summary", "timm:resnet18")
    assert code == 0 and "11,689,512 parameters, 1.81 G" in out
