"""Networks by name where a run could stand, with weights of files and those on record."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

import sightline as sl
from sightline import evaluation, inference, models
from sightline.artifact import Artifact, open_artifact
from sightline.cli import app
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.download import Remote
from sightline.errors import ArtifactError, DataError, SightlineError
from sightline.models import MODELS
from sightline.pretrained import WEIGHTS, Given, open_model, places
from sightline.published import class_names
from sightline.talk import Silent

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 40, 50, 3), dtype=np.uint8)


class Listening(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def weights_of(
    name: str, path: Path, outputs: int, channels: int = 3, prefix: str = "", **more: object
) -> Path:
    """A file of fresh weights of a network, as published."""
    torch.manual_seed(0)
    network = models.build(name, outputs, channels, MODELS[name].size)
    network.eval()
    torch.save({"state_dict": {prefix + k: v for k, v in network.body.state_dict().items()}}, path)
    return path


@pytest.fixture
def resnet20(tmp_path: Path) -> Path:
    return weights_of("resnet20_cifar", tmp_path / "w.th", 10, prefix="module.")


def test_a_networks_name_and_a_file_make_a_model(resnet20: Path) -> None:
    model = sl.load("resnet20_cifar", "cpu", weights=resnet20)
    answers = model.predict(PIXELS)
    torch.manual_seed(0)
    network = models.build("resnet20_cifar", 10, 3, (32, 32)).eval()
    inputs = torch.from_numpy(model.predictor._canvases(PIXELS)).permute(0, 3, 1, 2) / 255
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.no_grad():
        expected = network.body((inputs - mean) / deviation).softmax(1)
    got = torch.from_numpy(np.stack([answer.scores for answer in answers]))
    assert torch.allclose(got, expected, atol=1e-5)


def test_a_saved_one_is_opened_like_any_model(resnet20: Path, tmp_path: Path) -> None:
    model = sl.load("resnet20_cifar", "cpu", weights=resnet20)
    model.save(tmp_path / "model.safetensors")
    again = open_artifact(tmp_path / "model.safetensors", "cpu")
    for a, b in zip(model.predict(PIXELS), again.predict(PIXELS), strict=True):
        assert np.array_equal(a.scores, b.scores)
    assert again.unnamed


def test_mean_and_deviation_are_the_first_layers(resnet20: Path) -> None:
    given = Given(resnet20, (0.5,), (0.1, 0.2, 0.3))
    layer = open_model("resnet20_cifar", "cpu", given=given).predictor.model.normalize
    assert layer.mean.flatten().tolist() == pytest.approx([0.5] * 3)
    assert layer.deviation.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    for odd in ((0.5, 0.5), (float("nan"),), (0.5,) * 4):
        with pytest.raises(SightlineError, match="--mean .*: expected one number or 3"):
            open_model("resnet20_cifar", "cpu", given=Given(resnet20, odd))
    with pytest.raises(SightlineError, match=r"--deviation 0\.0,0\.0,0\.0: expected"):
        open_model("resnet20_cifar", "cpu", given=Given(resnet20, (), (0.0,)))


def test_outputs_and_channels_are_those_of_the_file(tmp_path: Path) -> None:
    path = weights_of("lenet", tmp_path / "w.pth", 7, channels=1)
    model = sl.load("lenet", "cpu", weights=path)
    assert model.classes == tuple("0123456")
    assert model.predictor.canvas.channels == 1
    assert model.predictor.model.normalize.mean.flatten().tolist() == [0.0]
    color = sl.load("lenet", "cpu", weights=weights_of("lenet", tmp_path / "c.pth", 7, channels=3))
    assert color.predictor.canvas.channels == 3


def test_a_thousand_outputs_are_taken_for_imagenets_classes(tmp_path: Path) -> None:
    talk = Listening()
    path = weights_of("squeezenet1_0", tmp_path / "w.pth", 1000)
    model = open_model("squeezenet1_0", "cpu", talk, Given(path))
    assert model.classes[:2] == ("tench", "goldfish")
    assert (model.predictor.canvas.size, model.predictor.view.size) == ((256, 256), (224, 224))
    assert "not on record" in talk.said[0]
    assert "ImageNet's classes" in talk.said[0]


def test_pictures_may_be_taken_as_they_are_or_resized_as_one_says(tmp_path: Path) -> None:
    path = weights_of("squeezenet1_0", tmp_path / "w.pth", 1000)
    plain = sl.load("squeezenet1_0", "cpu", weights=path, resize=0).predictor.canvas
    assert (plain.mode, plain.size) == ("center", (224, 224))
    larger = sl.load("squeezenet1_0", "cpu", weights=path, resize=300).predictor.canvas
    assert (larger.mode, larger.size) == ("cover", (300, 300))
    with pytest.raises(DataError, match="resize 100: expected 224 to 4096 pixels, or 0"):
        sl.load("squeezenet1_0", "cpu", weights=path, resize=100)


def test_weights_that_do_not_fit_are_listed_by_kind(resnet20: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        sl.load("resnet18", "cpu", weights=resnet20)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{resnet20} does not fit resnet18 of 10 outputs:"
    assert [line.split(" 3")[0].split(" 6")[0].strip() for line in lines[1:]] == [
        "missing",
        "not in the network",
        "of another shape",
    ]


def test_a_model_of_ours_is_sent_to_its_own_place(resnet20: Path, tmp_path: Path) -> None:
    sl.load("resnet20_cifar", "cpu", weights=resnet20).save(tmp_path / "m.safetensors")
    with pytest.raises(ArtifactError, match="use it in place of the name"):
        sl.load("resnet20_cifar", "cpu", weights=tmp_path / "m.safetensors")


def test_a_file_of_a_million_outputs_is_refused(tmp_path: Path) -> None:
    state = {"linear.weight": torch.zeros(70_000, 1), "linear.bias": torch.zeros(70_000)}
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ArtifactError, match="70000 outputs"):
        sl.load("resnet20_cifar", "cpu", weights=tmp_path / "w.safetensors")


def test_a_network_without_published_weights_asks_for_a_file() -> None:
    with pytest.raises(DataError, match=r"lenet: no published weights .* --weights FILE"):
        sl.load("lenet")


def test_a_name_that_is_almost_a_network_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such run or model file; did you mean mobilenet_v2"):
        sl.load("mobilenet_v3")
    with pytest.raises(ArtifactError, match="no such run or model file"):
        sl.load(tmp_path / "none")


def test_a_run_folder_takes_no_weights(resnet20: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="go with the name of a network"):
        sl.load(tmp_path, weights=resnet20)


def test_a_folder_called_like_a_network_is_not_hidden_in_silence(
    resnet20: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet20_cifar").mkdir()
    talk = Listening()
    open_model("resnet20_cifar", "cpu", talk, Given(resnet20))
    assert "for the run write ./resnet20_cifar" in talk.said[0]
    with pytest.raises(ArtifactError, match="no model.safetensors"):
        open_model("./resnet20_cifar", "cpu")


# Weights on record.


@pytest.fixture
def on_record(
    resnet20: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Publishes the file at an address on this machine; gives the folder it should come to."""
    monkeypatch.setenv("SIGHTLINE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def publish(address: str = "", digest: str = "") -> Path:
        whole = hashlib.sha256(resnet20.read_bytes()).hexdigest()
        remote = Remote(address or resnet20.as_uri(), f"sha256:{digest or whole[:8]}")
        monkeypatch.setitem(
            WEIGHTS, "resnet20_cifar", replace(WEIGHTS["resnet20_cifar"], remote=remote)
        )
        return tmp_path / "cache" / "sightline" / "weights"

    return publish


def test_published_weights_come_to_the_cache_once(
    on_record: Callable[..., Path], resnet20: Path
) -> None:
    folder, talk = on_record(), Listening()
    model = open_model("resnet20_cifar", "cpu", talk)
    assert model.classes == class_names("cifar10")
    assert not model.unnamed
    assert (folder / "w.th").read_bytes() == resnet20.read_bytes()
    assert "BSD-2-Clause" in talk.said[0]
    resnet20.unlink()
    assert open_model("resnet20_cifar", "cpu").predict(PIXELS)


def test_a_file_that_is_the_published_one_is_recognised(
    on_record: Callable[..., Path], resnet20: Path
) -> None:
    on_record()
    talk = Listening()
    model = open_model("resnet20_cifar", "cpu", talk, Given(resnet20))
    assert model.classes == class_names("cifar10")
    assert talk.said == []


def test_offline_says_which_file_to_put_where(on_record: Callable[..., Path]) -> None:
    folder = on_record("http://127.0.0.1:9/resnet20-12fca82f.th")
    with pytest.raises(DataError) as caught:
        open_model("resnet20_cifar", "cpu")
    said = str(caught.value)
    assert f"put resnet20-12fca82f.th into {folder}" in said
    assert "or give a file: --weights FILE" in said
    assert "http://127.0.0.1:9/resnet20-12fca82f.th" in said
    assert "\n" not in said


def test_a_file_of_another_hash_is_not_taken_from_the_cache(
    on_record: Callable[..., Path], resnet20: Path
) -> None:
    folder = on_record(digest="00000000")
    with pytest.raises(DataError, match="came as sha256:"):
        open_model("resnet20_cifar", "cpu")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "w.th").write_bytes(resnet20.read_bytes())
    with pytest.raises(DataError, match="not the published file; remove it"):
        open_model("resnet20_cifar", "cpu")


def test_weights_are_found_below_the_data_folder(
    on_record: Callable[..., Path],
    resnet20: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_record("http://127.0.0.1:9/w.th")
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "weights").mkdir(parents=True)
    resnet20.rename(tmp_path / "data" / "weights" / "w.th")
    assert places()[0] == tmp_path / "data" / "weights"
    assert open_model("resnet20_cifar", "cpu").classes == class_names("cifar10")


@pytest.mark.parametrize("name", WEIGHTS)
def test_what_is_on_record_is_whole(name: str) -> None:
    record = WEIGHTS[name]
    assert name in MODELS
    digest = record.remote.digest
    assert digest is not None
    assert re.fullmatch(r"sha256:[0-9a-f]{8}", digest)
    assert Path(record.remote.name).stem.endswith(f"-{digest[7:]}")
    assert record.remote.address.startswith("https://")
    assert record.licence
    assert record.size <= record.resize
    assert 0.5 < record.top1 < (record.top5 or 1) < 1.001
    assert len(record.mean) == len(record.deviation) == MODELS[name].channels == 3
    least = MODELS[name].smallest
    assert record.size >= max(least)


def test_the_classes_are_told_apart() -> None:
    names = class_names("imagenet")
    assert len(set(names)) == len(names) == 1000
    assert names[134] == "crane (n02012849)"
    assert names[517] == "crane (n03126707)"
    assert (names[0], names[999]) == ("tench", "toilet_tissue")
    assert len(class_names("cifar10")) == 10


@settings(max_examples=200, deadline=None)
@given(height=st.integers(40, 900), width=st.integers(40, 900))
def test_the_middle_seen_is_torchvisions_within_a_pixel(height: int, width: int) -> None:
    """Resize(256) makes the shorter side 256 and the other int(256 * ratio); CenterCrop(224)
    begins at round((side - 224) / 2)."""
    short = min(height, width)
    resized = 256 * height // short, 256 * width // short
    begins = [round((side - 224) / 2) for side in resized]
    matrix = Canvas((256, 256), "cover").matrix((height, width))
    ((top, left, _),) = View((224, 224)).windows((256, 256))
    ours = top - matrix[1, 2], left - matrix[0, 2]
    for begin, got in zip(begins, ours, strict=True):
        assert abs(begin - got) < 1.001
    assert abs(matrix[1, 1] * height - resized[0]) < 1.001
    assert abs(matrix[0, 0] * width - resized[1]) < 1.001


# Used like any model.


def imagenet(tmp_path: Path) -> Artifact:
    path = weights_of("squeezenet1_0", tmp_path / "imagenet.pth", 1000)
    return sl.load("squeezenet1_0", "cpu", weights=path)


def picture(path: Path) -> Path:
    Image.fromarray(PIXELS[0]).save(path)
    return path


def test_of_many_classes_the_top_five_are_said(tmp_path: Path) -> None:
    model = imagenet(tmp_path)
    path, save = picture(tmp_path / "a.png"), tmp_path / "drawn"
    answers = inference.predict_files(model, "squeezenet1_0", [path], "ten-crop", save, Silent())
    text = answers.to_text()
    shown = [float(share) for share in re.findall(r"(\d+\.\d) %", text)]
    assert len(shown) == 5
    assert shown == sorted(shown, reverse=True)
    scores = answers.rows[0][1].scores
    assert scores is not None
    assert all(model.classes[i] in text for i in np.argsort(-scores)[:5])
    assert (save / "a.png").exists()
    assert answers.to_dict()["model"] == "squeezenet1_0"


def test_a_set_of_some_of_the_classes_is_matched_by_name(tmp_path: Path) -> None:
    model = imagenet(tmp_path)
    truth = [answer.label for answer in model.predict(PIXELS)]
    classes = sorted({model.classes[i] for i in truth} | {"zebra", "tench"})
    labels = np.array([classes.index(model.classes[i]) for i in truth])
    dataset = ArrayDataset(PIXELS, Truths(label=labels), classes)
    figures = model.evaluate(dataset)
    assert figures["accuracy"] == figures["top5"] == 1.0
    unknown = ArrayDataset(PIXELS, Truths(label=labels * 0), ("tench", "dragon"))
    with pytest.raises(ArtifactError, match="classes are not the model's"):
        model.evaluate(unknown)


def test_outputs_without_names_take_the_sets_classes_in_order(
    resnet20: Path, tmp_path: Path
) -> None:
    model = sl.load("resnet20_cifar", "cpu", weights=resnet20)
    guesses = [answer.label for answer in model.predict(PIXELS)]
    root = tmp_path / "set"
    for number, guess in enumerate(guesses):
        for label in range(10):
            (root / f"class-{label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS[number]).save(root / f"class-{guess}" / f"{number}.png")
    for label in range(10):  # a class folder may not be empty
        if not any((root / f"class-{label}").iterdir()):
            Image.fromarray(PIXELS[0] // 2).save(root / f"class-{label}" / "x.png")
    talk = Listening()
    _, figures = evaluation.evaluate_run(model, evaluation.Where(f"{root}/"), talk)
    assert figures["accuracy"] * figures["images"] >= 6
    assert any("10 outputs are taken for set's classes in order" in text for text in talk.said)


def test_a_network_has_no_test_part_of_its_own(resnet20: Path) -> None:
    model = sl.load("resnet20_cifar", "cpu", weights=resnet20)
    with pytest.raises(DataError, match="no test part of its own; name a set: --data"):
        evaluation.evaluate_run(model, evaluation.Where(), Silent())


def test_the_command_line_takes_names_files_and_numbers(
    resnet20: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = picture(tmp_path / "a.png")
    given = ["--weights", str(resnet20), "--mean", ".5", "--deviation", ".5,.4,.3"]
    app(["predict", "resnet20_cifar", str(path), *given, "--json"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert said["model"] == "resnet20_cifar"
    assert len(said["predictions"][0]["scores"]) == 10
    with pytest.raises(Exception, match="--mean x: expected a number"):
        app(["predict", "resnet20_cifar", str(path), "--mean", "x"], standalone_mode=False)
