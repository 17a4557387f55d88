"""`sightline explain` as a user meets it, and the way back to a picture's own pixels."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from by_hand import SIDE, Cam, artifact_of, saved
from sightline import images
from sightline.artifact import open_artifact
from sightline.cli import app
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.errors import SightlineError
from sightline.models.surgery import features
from sightline.study.explaining import overlay
from sightline.study.explaining.layers import maps_of
from sightline.study.explaining.methods import METHODS, How
from sightline.study.explaining.subject import network_of, subject
from sightline.study.explaining.units import field_of, patch_of, strongest


def sightline(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, SightlineError):
        return 2, done.stdout, f"sightline: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("explain")
    saved(place)
    saved(place, "mlp")
    pixels = np.random.default_rng(0).integers(0, 17, (8, 8, 1), dtype=np.uint8)
    images.write(place / "digit.png", pixels)
    return place


def test_a_map_comes_back_to_the_pixels_it_is_about() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (48, 60, 3), dtype=np.uint8)
    of = subject(artifact_of(Cam(), side=16), photo, "dog")  # cover: 60x48 becomes 20x16, 2 cut
    assert of.class_name == "dog" and of.inputs.shape == (1, 3, SIDE, SIDE)
    # a pixel of the input is 3 of the picture; the view begins at (2, 2) of a canvas at 6 of it
    assert of.seen.sum() == 36 * 36 and of.seen[6:42, 12:48].all()
    values = np.zeros((SIDE, SIDE), np.float32)
    values[3, 7] = 1
    back = of.back(values)
    assert np.unravel_index(back.argmax(), back.shape) == (6 + 3 * 3 + 1, 12 + 7 * 3 + 1)
    assert back[~of.seen].max() == 0 and back.max() == pytest.approx(1)


def test_overlays_are_as_large_as_the_picture_and_small_ones_are_enlarged() -> None:
    photo = np.full((150, 200, 3), 90, np.uint8)
    values, seen = np.zeros((150, 200), np.float32), np.ones((150, 200), bool)
    values[:50], values[100:] = 1, -1
    drawn = overlay.heat(photo, values, seen)
    assert drawn.shape == photo.shape
    red, blue = drawn[10, 10].astype(int), drawn[140, 10].astype(int)
    assert red[0] > red[2] + 60 and blue[2] > blue[0] + 60
    assert len(set(drawn[75, 10].tolist())) == 1
    small = overlay.heat(photo[:20, :20], values[:20, :20], seen[:20, :20])
    assert small.shape == (220, 220, 3)
    assert overlay.scaled(values * 7).min() == -1 and not overlay.scaled(values * 0).any()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_the_same_again(name: str) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    of = subject(artifact_of(Cam()), photo)
    one, two = (METHODS[name](of, How(), lambda _: None) for _ in range(2))
    assert np.array_equal(one.values, two.values) and one.said == two.said
    assert one.values.shape == (30, 40) and one.values.any()


def test_the_page_holds_every_method_and_nothing_from_outside(folder: Path) -> None:
    to = folder / "out"
    code, out, _ = sightline(
        "explain", folder / "lenet.safetensors", folder / "digit.png", "--class", "3",
        "--filters", "--maps", "body.0", "--to", to, "--json",
    )  # fmt: skip
    assert code == 0
    said = json.loads(out)
    assert said["class"] == "3" and set(said["methods"]) == set(METHODS)
    assert said["methods"]["grad-cam"]["layer"] == "body.5"
    probability = (
        open_artifact(folder / "lenet.safetensors", "cpu")
        .predict([images.read(folder / "digit.png")])[0]
        .scores[3]
    )  # type: ignore[index]
    assert said["probability"] == pytest.approx(probability, rel=1e-5)
    assert said["methods"]["occlusion"]["probability"] == pytest.approx(probability, rel=1e-5)
    assert sorted(said["files"]) == sorted(path.name for path in to.iterdir())
    html = (to / "index.html").read_text("utf-8")
    assert (
        "http:" not in html
        and "https:" not in html
        and "<script" not in html
        and html.count("It cannot tell") == 4
    )
    assert json.loads((to / "explain.json").read_text("utf-8"))["answers"] == said["answers"]
    code, _, error = sightline(
        "explain", folder / "lenet.safetensors", folder / "digit.png", "--to", to
    )
    assert code == 2 and "exists" in error


def test_a_network_without_maps_has_the_other_methods(folder: Path) -> None:
    to = folder / "mlp"
    code, _, error = sightline(
        "explain", folder / "mlp.safetensors", folder / "digit.png", "--to", to
    )
    assert code == 0 and "without grad-cam" in error
    assert (to / "guided.png").exists() and not (to / "grad-cam.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digit.png", "--class", "zebra"], "unknown class 'zebra'"),
        (["digit.png", "--method", "gradcam"], "unknown method 'gradcam'; did you mean grad-cam?"),
        (["digit.png", "--layer", "body.9"], "unknown layer 'body.9'"),
        (["digit.png", "--layer", "fc"], "fc gives no maps"),
        (["digit.png", "--maps", "fc"], "fc gives no maps"),
        (["--maps", "body.0"], "give an IMAGE, too"),
        ([], "nothing to explain"),
        (["--patches", "body.0:x", "--data", "digits"], "expected LAYER or LAYER:UNIT"),
        (["--patches", "body.0:99", "--data", "digits"], "body.0 has units 0 to 19, not 99"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(
    folder: Path, arguments: list[str], words: str
) -> None:
    given = [folder / a if a.endswith(".png") else a for a in arguments]
    to = folder / "none"
    code, out, error = sightline("explain", folder / "lenet.safetensors", *given, "--to", to)
    assert (code, out) == (2, "") and words in error and "\n" not in error
    assert not to.exists()


def test_learners_have_occlusion_alone(folder: Path) -> None:
    import sightline as sl

    sl.train("digits", to=folder / "knn", quiet=True, learner__name="knn")
    code, out, error = sightline(
        "explain", folder / "knn", folder / "digit.png", "--to", folder / "knn-why", "--json"
    )
    assert code == 0 and "occlusion alone" in error
    assert list(json.loads(out)["methods"]) == ["occlusion"]
    code, _, error = sightline(
        "explain", folder / "knn", folder / "digit.png", "--method", "guided"
    )
    assert code == 2 and "guided needs a network, and knn is none" in error


def test_the_strongest_patches_are_those_of_brute_force(folder: Path) -> None:
    artifact = open_artifact(folder / "lenet.safetensors", "cpu")
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 17, (70, SIDE, SIDE, 1), dtype=np.uint8)
    dataset = ArrayDataset(pixels, Truths(label=np.arange(70) % 10), artifact.classes, top=16)
    layer = "body.3"
    (found,) = strongest(artifact, layer, dataset, unit=7)
    network = network_of(artifact, "test")
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 16
    maps = features(network, layer)(inputs)[:, 7]
    peaks = maps.flatten(1).max(1).values
    assert found.rows == peaks.argsort(descending=True)[:9].tolist()
    assert found.values == pytest.approx(peaks.sort(descending=True).values[:9].tolist())
    row, (y, x) = found.rows[0], found.places[0]
    assert maps[row, y, x] == peaks[row]
    # what lies outside the patch does not matter to the unit
    field = field_of(artifact, layer)
    assert field.size == (14, 14)
    of = subject(artifact, pixels[row], "0")
    seen = patch_of(of, field, (y, x))
    center = [
        start + at * jump for start, at, jump in zip(field.start, (y, x), field.jump, strict=True)
    ]
    top, left = (max(0, round(c - 7)) for c in center)
    bottom, right = (min(SIDE, round(c + 7)) for c in center)
    by_hand = np.rint(pixels[row, top:bottom, left:right] * (255 / 16))
    assert np.array_equal(seen, by_hand)
    assert len(strongest(artifact, layer, dataset)) == 12
    np.testing.assert_allclose(maps_of(network, layer, inputs[:1])[7], maps[0].detach(), rtol=1e-5)
