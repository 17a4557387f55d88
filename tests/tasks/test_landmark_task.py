"""Landmarks from training to a drawn answer, on bright spots; losses and views by hand."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

import sightline as sl
from sightline import inference, predictions, tasks
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Batch
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import ArtifactError, DataError, RecipeError
from sightline.judged_landmarks import judged_landmarks
from sightline.models.layers import Auxiliary
from sightline.plan import plan
from sightline.predictor import TorchPredictor, look_through
from sightline.talk import Silent
from sightline.tasks import Raw
from sightline.tasks.landmarks import BEND, Landmarks
from sightline.types import Annotation

NAMES = ("left_eye", "right_eye", "nose")
CPU = torch.device("cpu")
NAN = float("nan")
QUICK: dict[str, Any] = {
    "train__epochs": 2,
    "train__batch": 16,
    "train__threads": 1,
    "train__precision": "float32",
    "canvas__size": [24, 24],
    "model__width": 4,
}


class Fixed(nn.Module):
    """Answers the same whatever it sees."""

    def __init__(self, outputs: Tensor | Auxiliary) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, _: Tensor) -> Tensor | Auxiliary:
        return self.outputs


def batch(points: Tensor, height: int = 20, width: int = 40) -> Batch:
    inputs = torch.zeros(len(points), 1, height, width)
    return Batch(inputs=inputs, indices=np.arange(len(points)), landmarks=points)


@pytest.mark.parametrize("by", ["smooth", "squared"])
def test_the_loss_is_of_the_visible_ones_inside_as_shares_of_the_sides(by: str) -> None:
    points = torch.tensor([[[10.0, 5.0], [NAN, NAN], [39.0, 18.0]], [[41.0, 5.0], [0, 0], [1, 2]]])
    out = (torch.arange(12.0).reshape(2, 6) / 12 - 0.5).requires_grad_()
    task = Landmarks(NAMES, by)  # type: ignore[arg-type]
    ((part, losses),) = task.losses(Fixed(out), batch(points))
    ratio = losses["loss"]
    assert part == "model" and isinstance(ratio, tasks.Ratio)
    assert ratio.count == 4
    total = 0.0
    for image, landmark in ((0, 0), (0, 2), (1, 1), (1, 2)):
        for axis, side in ((0, 40), (1, 20)):
            wanted = float(points[image, landmark, axis]) / side - 0.5
            away = abs(wanted - float(out.detach()[image, 2 * landmark + axis]))
            straight = away - BEND / 2 if away > BEND else away**2 / (2 * BEND)
            total += straight if by == "smooth" else away**2
    assert float(ratio.total.detach()) == pytest.approx(total, rel=1e-5)
    ratio.total.backward()  # type: ignore[no-untyped-call]
    assert out.grad is not None and torch.isfinite(out.grad).all()
    assert (out.grad.reshape(2, 3, 2)[[0, 1], [1, 0]] == 0).all()


def test_auxiliary_heads_have_their_share_of_the_loss() -> None:
    points = torch.tensor([[[10.0, 5.0], [20, 10], [39.0, 18.0]]])
    main, other = torch.zeros(1, 6), torch.full((1, 6), 0.1)
    heads = Auxiliary(main, [other, other], 0.3)
    ((_, losses),) = Landmarks(NAMES, "squared").losses(Fixed(heads), batch(points))
    wanted = (points / torch.tensor([40.0, 20.0]) - 0.5).flatten(1)
    found = losses["auxiliary"]
    assert isinstance(found, tasks.Ratio)
    expected = 0.3 * 2 * F.mse_loss(other, wanted, reduction="sum")
    assert torch.allclose(found.total, expected)


def test_nothing_visible_teaches_nothing() -> None:
    out = torch.zeros(2, 6, requires_grad=True)
    ((_, losses),) = Landmarks(NAMES).losses(Fixed(out), batch(torch.full((2, 3, 2), NAN)))
    assert isinstance(losses["loss"], tasks.Ratio)
    assert float(losses["loss"].total.detach()) == float(losses["loss"].count) == 0


def test_a_task_of_another_loss_is_refused_and_one_is_built_again() -> None:
    with pytest.raises(RecipeError, match="loss_by is 'cubed'; expected smooth or squared"):
        tasks.build("landmarks", NAMES, {"loss_by": "cubed"})
    task = tasks.build("landmarks", NAMES, {"loss_by": "squared"})
    assert (task.outputs, task.settings()) == (6, {"loss_by": "squared"})


class Spots(nn.Module):
    """Finds the spots of `pictures`, as an ideal network would: red, green and blue are the left
    eye, the right eye and the nose as it sees them, so that in a mirror the sides are exchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        at = x.flatten(2).argmax(2)  # (n, 3)
        places = torch.stack([at % width + 0.5, at // width + 0.5], 2)
        swapped = places[:, 0, 0] > places[:, 1, 0]  # the left eye is the one that is seen left
        places[swapped] = places[swapped][:, [1, 0, 2]]
        return (places / torch.tensor([width, height]) - 0.5).flatten(1)


def pictures(n: int, seed: int = 0, side: int = 24) -> ArrayDataset:
    """One bright pixel a landmark and channel in the middle, the left eye left of the right one."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, side, side, 3), np.uint8)
    points = np.empty((n, 3, 2), np.float32)
    low, high = side // 4, side - side // 4
    for row in range(n):
        left, right = np.sort(rng.choice(np.arange(low, high), 2, replace=False))
        for k, x in enumerate((left, right, rng.integers(low, high))):
            y = rng.integers(low, high)
            images[row, y, x, k] = 255
            points[row, k] = x + 0.5, y + 0.5
    points[::5, 2] = np.nan
    return ArrayDataset(images, Truths(landmarks=points), NAMES)


@pytest.mark.parametrize("views", ["center", "mirror", "ten-crop"])
@pytest.mark.parametrize("side", [24, 20])
def test_views_agree_on_where_landmarks_are(views: str, side: int) -> None:
    """Crops are put where they were cut, mirrors are mirrored back, sides with them."""
    data = pictures(10)
    view = View((side, side), test=views)  # type: ignore[arg-type]
    predictor = TorchPredictor(Spots(), Landmarks(NAMES), Canvas((24, 24)), view, CPU)
    for answer, truth in zip(
        predictor.predict(data.images(np.arange(10))),
        data.truths.landmarks,
        strict=True,  # type: ignore[arg-type]
    ):
        assert answer.landmarks is not None
        seen = ~np.isnan(truth)
        assert np.allclose(answer.landmarks[seen], truth[seen], atol=1e-4)


def test_views_that_mirror_are_refused_of_a_side_without_partner() -> None:
    lonely = Landmarks(("left_eye", "nose"))
    predictor = TorchPredictor(Spots(), lonely, Canvas((24, 24)), View((24, 24)), CPU)
    with pytest.raises(DataError, match="--views mirror mirrors images, and landmark left_eye has"):
        look_through(predictor, "mirror")
    look_through(predictor, "center")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("landmarks") / "run"
    sl.train(pictures(80), to=to, quiet=True, **QUICK)
    return to


def test_landmarks_are_trained_tested_and_reported(run: Path) -> None:
    model = sl.load(run)
    assert model.task == "landmarks"
    assert {"error", "nme", "pck", "images"} == model.test.keys()
    text = (run / "report.html").read_text("utf-8")
    for words in ("mean distance from the truth", "By landmark", "Worst images", "left_eye"):
        assert words in text
    assert 'test = "mirror"' in (run / "recipe.toml").read_text()
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = judged_landmarks(rows, NAMES, "here")
    assert found["headlines"][0][0] == f"{model.test['error']:.4g} px"
    assert found["hidden"] == sum(row["truth:nose_x"] == "" for row in rows) > 0


def test_a_damaged_table_is_named() -> None:
    row = {f"{kind}:{name}_{axis}": "1" for kind in ("truth", "guess") for name in NAMES
           for axis in "xy"}  # fmt: skip
    judged_landmarks([row], NAMES, "p.csv")
    with pytest.raises(ArtifactError, match=r"p\.csv: landmarks cannot be read"):
        judged_landmarks([row | {"guess:nose_x": "far"}], NAMES, "p.csv")


def test_files_are_answered_in_their_own_pixels_drawn_and_told(run: Path, tmp_path: Path) -> None:
    image = pictures(1, seed=5).images([0])[0]
    Image.fromarray(image).save(tmp_path / "small.png")
    Image.fromarray(image.repeat(3, 0).repeat(2, 1)).save(tmp_path / "wide.png")
    model = sl.load(run)
    paths = [tmp_path / "small.png", tmp_path / "wide.png"]
    found = inference.predict_files(model, "run", paths, None, tmp_path / "drawn", Silent())
    (_, small), (_, wide) = found.rows
    assert small.landmarks is not None and wide.landmarks is not None
    assert np.allclose(wide.landmarks, small.landmarks * [2, 3], atol=1)
    table = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert list(table[0]) == ["source", *(f"{name}_{axis}" for name in NAMES for axis in "xy")]
    assert float(table[0]["nose_y"]) == pytest.approx(float(small.landmarks[2, 1]), abs=1e-3)
    told = json.loads(json.dumps(found.to_dict()))["predictions"][0]["landmarks"]
    assert list(told) == list(NAMES)
    assert told["nose"] == pytest.approx(small.landmarks[2].tolist())
    assert found.to_text().count("right_eye") == 2
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["small.png", "wide.png"]


def test_rows_of_landmarks_are_written_and_read(run: Path) -> None:
    truth = Annotation(landmarks=np.array([[1, 2], [NAN, NAN], [3.25, 4]], np.float32))
    guess = Annotation(landmarks=np.array([[1, 2], [5, 6], [3, 4]], np.float32))
    header = predictions.columns("landmarks", NAMES)
    row = predictions.cells(guess, truth, NAMES)
    assert len(header) == len(row) == 12
    rows = [dict(zip(header, row, strict=True))]
    for kind, said in (("truth", truth), ("guess", guess)):
        again = predictions.points_of(rows, kind, NAMES)
        assert np.array_equal(again[0], said.landmarks, equal_nan=True)  # type: ignore[arg-type]


def test_a_set_without_a_visible_landmark_is_refused(tmp_path: Path) -> None:
    data = pictures(20)
    data.truths.landmarks[:] = np.nan  # type: ignore[index]
    with pytest.raises(DataError, match="no landmark is visible in any of its"):
        sl.train(data, to=tmp_path / "run", quiet=True, **QUICK)
    assert not (tmp_path / "run").exists()


def test_a_plan_mirrors_only_where_all_sides_have_partners() -> None:
    from sightline.data.check import Findings

    def planned(*names: str) -> dict[str, Any]:
        sizes = np.array([[50, 60]])
        findings = Findings("faces", names, sizes, 0, 255, 255, [], [])
        return plan(findings, "landmarks", 300, True, "about").content

    assert planned(*NAMES)["augment"]["flip"] is True
    assert planned("left_eye", "nose")["augment"]["flip"] is False
    assert planned(*NAMES)["view"] == {"top": 255, "test": "auto", "border": "gray"}


def test_a_mirror_asked_for_without_partners_is_one_line_before_a_run_folder(
    tmp_path: Path,
) -> None:
    data = pictures(20)
    data.classes = ("left_eye", "ear", "nose")
    for key, said in (
        ("augment__flip", "augment.flip mirrors"),
        ("view__test", "view.test mirror"),
    ):
        value = "mirror" if key == "view__test" else True
        with pytest.raises(DataError, match=said) as caught:
            sl.train(data, to=tmp_path / "run", quiet=True, **QUICK | {key: value})
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_raw_answers_of_members_are_averaged() -> None:
    one, two = (Raw({"landmarks": torch.full((1, 3, 2), v)}) for v in (1.0, 3.0))
    (answer,) = Landmarks(NAMES).decode(Raw.merge([one, two]))
    assert answer.landmarks is not None and (answer.landmarks == 2).all()
