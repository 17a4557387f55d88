"""Windows over a pyramid, one by one and in one pass."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline import images, models, tasks
from sightline.artifact import Artifact, header_for
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.detect.pyramid import pyramid
from sightline.detect.search import Search
from sightline.detect.windows import (
    WindowDetector,
    classified,
    one_pass,
    scan,
)
from sightline.errors import ArtifactError, DataError, RecipeError
from sightline.learners import build as learners
from sightline.learners.predictor import LearnerPredictor
from sightline.models.convert import convolutional
from sightline.predictor import EnsemblePredictor, TorchPredictor, look_through
from terminal import sightline

NOISE = np.random.default_rng(0).integers(0, 256, (70, 90, 1), dtype=np.uint8)


def network(
    name: str = "lenet5",
    classes: tuple[str, ...] = ("a", "b", "background"),
    canvas: int = 32,
    view: int = 32,
) -> TorchPredictor:
    torch.manual_seed(1)
    body = models.build(name, len(classes), 1, (view, view), {}, [0.5], [0.1]).eval()
    task = tasks.build("classification", classes, {})
    seen = Canvas((canvas, canvas), channels=1)
    return TorchPredictor(body, task, seen, View((view, view)), torch.device("cpu"))


def marks() -> TorchPredictor:
    """Says "mark" the more surely, the brighter the middle of its 16x16 and the darker its edge."""
    task = tasks.build("classification", ("background", "mark"), {})
    body = models.build("pattern", 2, 1, (16, 16), {"layers": "INPUT => FC"}).eval()
    plate = torch.full((16, 16), -1.0)
    plate[4:12, 4:12] = 3.0
    with torch.no_grad():
        body.body.fc.weight.copy_(torch.stack([torch.zeros(256), plate.flatten() / 20]))
        body.body.fc.bias.copy_(torch.tensor([0.0, -6.0]))
    seen = Canvas((16, 16), channels=1)
    return TorchPredictor(body, task, seen, View((16, 16)), torch.device("cpu"))


def squares(*places: tuple[int, int, int]) -> np.ndarray:
    """A dark image with bright squares: left, top, side of each."""
    image = np.zeros((80, 120, 1), np.uint8)
    for left, top, side in places:
        image[top : top + side, left : left + side] = 255
    return image


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(4, 40), st.integers(4, 40),
    st.floats(1.1, 3), st.floats(2, 30),
)  # fmt: skip
def test_every_level_holds_a_window_and_each_is_smaller_by_the_step(
    height: int, width: int, tall: int, wide: int, step: float, smallest: float
) -> None:
    image = np.zeros((height, width, 1), np.uint8)
    levels = list(pyramid(image, (tall, wide), step, smallest))
    assert levels
    for level in levels:
        assert level.pixels.shape[0] >= tall and level.pixels.shape[1] >= wide
        sizes = np.array(level.pixels.shape[:2]) / image.shape[:2]
        assert level.scale == pytest.approx(tuple(sizes))
        whole = np.array([[0, 0, level.pixels.shape[1], level.pixels.shape[0]]])
        assert level.original(whole)[0] == pytest.approx([0, 0, width, height], rel=1e-5)
    for large, small in itertools.pairwise(levels):
        assert large.pixels.shape[0] / small.pixels.shape[0] == pytest.approx(
            step, abs=2 * step / small.pixels.shape[0]
        )


def test_a_pyramid_of_senseless_sizes_is_refused() -> None:
    image = np.zeros((3000, 3000, 1), np.uint8)
    with pytest.raises(DataError, match="ask for larger objects: --smallest"):
        list(pyramid(image, (64, 64), smallest=4))
    with pytest.raises(DataError, match="step 1: expected above 1"):
        list(pyramid(image, (64, 64), step=1))


def test_a_scan_is_the_prediction_of_every_window() -> None:
    predictor = network()
    table = scan(predictor, NOISE, (32, 32), (7, 11))
    assert table.shape == (6, 6, 3)
    cut = [NOISE[7 * i : 7 * i + 32, 11 * j : 11 * j + 32] for i in range(6) for j in range(6)]
    expected = np.stack([answer.scores for answer in predictor.predict(cut)])
    np.testing.assert_allclose(table.reshape(-1, 3), expected, atol=1e-6)


@pytest.mark.parametrize(("canvas", "thin"), [(32, 1), (32, 2), (37, 1)])
def test_one_pass_gives_what_the_windows_give(
    canvas: int, thin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = network(canvas=canvas)
    found = convolutional(predictor.model, 1, (32, 32))
    expected = scan(predictor, NOISE, (canvas, canvas), (4 * thin, 4 * thin))
    given = one_pass(predictor, found, (thin, thin), NOISE)
    assert given.shape == expected.shape
    np.testing.assert_allclose(given, expected, atol=1e-5)
    monkeypatch.setattr("sightline.detect.windows.AT_ONCE", 90 * 40)  # bands of a few rows
    np.testing.assert_allclose(one_pass(predictor, found, (thin, thin), NOISE), expected, atol=1e-5)


def test_bright_squares_are_found_where_and_as_large_as_they_are() -> None:
    detector = WindowDetector(marks(), Search(stride=1, smallest=16))
    found = detector.find(squares((10, 20, 8), (60, 30, 20))).annotation
    assert found.boxes is not None and found.confidence is not None and found.classes is not None
    assert len(found.boxes) == 2 and set(found.classes) == {1}
    for truth in ([6, 16, 22, 32], [50, 20, 90, 60]):  # windows of twice the square
        error = np.abs(found.boxes - np.array(truth)).max(1).min()
        assert error <= (truth[2] - truth[0]) / 8, (truth, found.boxes)
    assert (np.diff(found.confidence) <= 0).all()


def test_nothing_is_found_where_all_is_background() -> None:
    found = WindowDetector(marks()).find(np.zeros((40, 40, 3), np.uint8))
    assert found.annotation.boxes is not None and found.annotation.boxes.shape == (0, 4)
    assert found.windows > 0


def test_the_threshold_is_higher_without_a_class_of_background() -> None:
    assert WindowDetector(network()).threshold == 0.5
    assert WindowDetector(network(classes=("a", "None"))).threshold == 0.5
    assert WindowDetector(network(classes=("a", "b"))).threshold == 0.9
    assert WindowDetector(network(), Search(threshold=0.25)).threshold == 0.25


def test_ensembles_slide_windows_but_have_no_one_pass() -> None:
    member = network()
    both = EnsemblePredictor([member, network()], member.task, [0.5, 0.5])
    table = scan(both, NOISE, (32, 32), (16, 16))
    np.testing.assert_allclose(table, scan(member, NOISE, (32, 32), (16, 16)), atol=1e-6)
    with pytest.raises(ArtifactError, match="--by windows"):
        WindowDetector(both, Search("convolution"))


def test_what_one_pass_cannot_do_is_said() -> None:
    with pytest.raises(ArtifactError, match="a multiple of the network's own, 4"):
        WindowDetector(network(), Search("convolution", stride=6))
    assert WindowDetector(network(), Search("convolution")).remark == ""
    assert "pads its maps" in WindowDetector(network("lenet"), Search("convolution")).remark
    predictor = network()
    look_through(predictor, "mirror")
    with pytest.raises(ArtifactError, match="views by mirror"):
        WindowDetector(predictor, Search("convolution"))
    with pytest.raises(RecipeError, match="whole window"):
        WindowDetector(network("efficientnet_b0"), Search("convolution"))
    with pytest.raises(DataError, match="threshold 2: expected 0 to 1"):
        Search(threshold=2)


def test_regions_are_classified_as_if_cut_out_by_hand() -> None:
    predictor = network()
    boxes = np.array([[3.2, 4.0, 40.5, 30.0], [-5, -5, 20, 20], [80, 60, 200, 200]], np.float32)
    cut = [NOISE[4:30, 3:41], NOISE[:20, :20], NOISE[60:, 80:]]
    expected = np.stack([answer.scores for answer in predictor.predict(cut)])
    np.testing.assert_allclose(classified(predictor, NOISE, boxes), expected, atol=1e-6)
    assert classified(predictor, NOISE, boxes[:0]).shape == (0, 3)


def test_learners_slide_windows() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 60, (40, 16, 16, 1), dtype=np.uint8)
    X[::2, 4:12, 4:12] = 250
    machine = learners.build("knn", {}, (1, 16, 16))
    machine.fit(X.reshape(40, -1) / np.float32(255), np.arange(40) % 2)
    task = tasks.build("classification", ("mark", "background"), {})
    made = LearnerPredictor(machine, task, Canvas((16, 16), channels=1), View((16, 16)))
    image = np.full((40, 60, 1), 30, np.uint8)
    image[17:25, 33:41] = 250
    found = WindowDetector(made, Search(stride=1)).find(image).annotation
    assert found.boxes is not None and len(found.boxes) == 1
    assert np.abs(found.boxes[0] - [29, 13, 45, 29]).max() <= 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    predictor = marks()
    model = {"name": "pattern", "layers": "INPUT => FC"}
    header = header_for(
        predictor.task, "classification", predictor.canvas, predictor.view, model=model
    )
    path = tmp_path_factory.mktemp("windows") / "marks.safetensors"
    Artifact(header, predictor).save(path)
    return path


def test_predict_prints_and_draws_the_same_boxes_by_both_ways(run: Path, tmp_path: Path) -> None:
    images.write(tmp_path / "one.png", squares((10, 20, 8), (60, 30, 20)))
    drawn = tmp_path / "drawn.png"
    asked = (tmp_path / "one.png", "--windows", "--stride", 1)
    code, out, said = sightline("predict", run, *asked, "--save", drawn)
    assert code == 0, said
    assert out.count("mark") == 2 and "windows" in said
    assert images.read(drawn).shape[2] == 3
    assert sightline("predict", run, *asked, "--by", "convolution")[1] == out
    (told,) = json.loads(sightline("predict", run, *asked, "--json")[1])["predictions"]
    assert len(told["boxes"]) == 2 and told["classes"] == ["mark", "mark"]
    table = sightline("predict", run, *asked, "--csv")[1].splitlines()
    assert table[0] == "source,class,confidence,x0,y0,x1,y1" and len(table) == 3
    code, _, said = sightline("predict", run, *asked, "--save", drawn)
    assert code == 2 and said.endswith("choose another name")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--by", "convolution"), "go with --windows"),
        (("--windows", "--by", "convolution", "--views", "mirror"), "views by mirror"),
        (("--windows", "--smallest", "1"), "ask for larger objects: --smallest"),
    ],
)
def test_misuse_of_windows_is_one_line(
    run: Path, photos: Callable[..., Path], options: tuple[str, ...], text: str
) -> None:
    code, _, said = sightline("predict", run, photos(each=1, size=900), *options)
    assert code == 2 and text in said
