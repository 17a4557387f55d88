"""Detection from training to a drawn answer, on squares and bars."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sightline as sl
from sightline import inference, models, predictions, tasks
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Batch
from sightline.data.truths import Truths
from sightline.errors import ArtifactError, RecipeError
from sightline.judged_boxes import judged_boxes
from sightline.talk import Silent
from sightline.tasks import Raw
from sightline.types import Annotation

CLASSES = ("square", "bar")
QUICK: dict[str, Any] = {"train__epochs": 2, "train__batch": 8, "train__threads": 1}


def pictures(n: int, seed: int = 0) -> ArrayDataset:
    """Grey 96x128 pictures of one or two bright shapes each; every eighth is empty."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n, 96, 128, 1), dtype=np.uint8)
    boxes, classes, starts = [], [], [0]
    for number, image in enumerate(images):
        for _ in range(0 if number % 8 == 7 else rng.integers(1, 3)):
            kind = int(rng.integers(0, 2))
            height, width = ((24, 24), (12, 48))[kind]
            top, left = rng.integers(0, 96 - height), rng.integers(0, 128 - width)
            image[top : top + height, left : left + width] = 220
            boxes.append([left, top, left + width, top + height])
            classes.append(kind)
        starts.append(len(boxes))
    truths = Boxes(
        np.array(boxes, np.float32), np.array(classes, np.int64), np.array(starts, np.int64)
    )
    return ArrayDataset(images, Truths(boxes=truths), CLASSES)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("detection") / "run"
    sl.train(pictures(64), to=to, quiet=True, **QUICK)
    return to


def test_a_detector_trains_and_is_tested_and_reported(run: Path) -> None:
    model = sl.load(run)
    assert model.task == "detection"
    assert {"map", "map50", "recall", "images"} <= model.test.keys()
    text = (run / "report.html").read_text("utf-8")
    assert "mAP at IoU .5" in text
    assert "Misses and false alarms" in text
    history = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    losses = [event["train"] for event in history if event["event"] == "epoch"]
    assert losses[0]["loss"] == pytest.approx(losses[0]["class"] + losses[0]["box"])
    assert losses[1]["loss"] < losses[0]["loss"]


def test_the_model_file_answers_as_the_trained_one_and_on_pictures_of_any_size(run: Path) -> None:
    model = sl.load(run / "model.safetensors")
    image = pictures(1, seed=5).images([0])[0]
    large = image.repeat(3, 0).repeat(2, 1)
    one, two = model.predict([image, large])
    assert one.boxes is not None and two.boxes is not None
    assert len(one.boxes)
    assert two.boxes.max() > one.boxes.max()
    limits = np.array([large.shape[1], large.shape[0]] * 2)
    assert (two.boxes >= 0).all()
    assert (two.boxes <= limits).all()


def test_a_classifier_for_boxes_is_refused_before_the_run_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"model\.name is lenet, and the task is detection"):
        sl.train(pictures(16), to=tmp_path / "run", quiet=True, model__name="lenet", **QUICK)
    assert not (tmp_path / "run").exists()


def test_files_are_answered_with_the_sure_boxes_alone(run: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "one.png"
    Image.fromarray(pictures(1, seed=5).images([0])[0][..., 0]).save(sheet)
    found = inference.predict_files(
        sl.load(run), "run", [sheet], None, tmp_path / "drawn", Silent()
    )
    ((_, answer),) = found.rows
    assert answer.confidence is not None
    assert (answer.confidence >= 0.5).all()
    assert found.to_csv().splitlines()[0] == "source,class,confidence,x0,y0,x1,y1"
    assert (tmp_path / "drawn" / "one.png").is_file()


def test_evaluation_is_that_of_the_report(run: Path) -> None:
    figures = sl.load(run).evaluate(pictures(40, seed=3))
    assert figures["images"] == 40


def test_decoding_suppresses_within_a_class_alone() -> None:
    task = tasks.build("detection", CLASSES, {"confidence": 0.1})
    boxes = torch.tensor([[[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]]])
    scores = torch.tensor([[[0.9, 0.3], [0.8, 0.6], [0.05, 0.0]]])
    (found,) = task.decode(Raw({"boxes": boxes, "scores": scores}))
    assert found.boxes is not None and found.classes is not None
    said = zip(found.classes.tolist(), found.boxes[:, 0].tolist(), strict=True)
    assert sorted(said) == [(0, 0.0), (1, 1.0)]


def test_a_perfect_answer_scores_one() -> None:
    dataset = pictures(20)
    meter = tasks.build("detection", CLASSES, {}).meter()
    truths = [dataset.truths.at(i) for i in range(20)]
    said = [
        Annotation(boxes=t.boxes, classes=t.classes, confidence=np.ones(len(t.boxes), np.float32))
        for t in truths
        if t.boxes is not None
    ]
    meter.update(said, truths, range(20))
    assert meter.result()["map"] == pytest.approx(1.0)


def test_a_classifier_is_no_detector() -> None:
    task = tasks.build("detection", CLASSES, {})
    network = models.build("lenet", 2, 1, (28, 28))
    with pytest.raises(RecipeError, match="no detector"):
        task.forward(network, torch.zeros(1, 1, 28, 28))


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"confidence": 1.0}, "confidence"), ({"overlap": -1}, "overlap"), ({"limit": 0}, "limit")],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        tasks.build("detection", CLASSES, settings)


def test_boxes_in_a_cell_read_back() -> None:
    found = Annotation(
        boxes=np.array([[0.25, 1, 30.5, 40]], np.float32),
        classes=np.array([1]),
        confidence=np.array([0.5], np.float32),
    )
    back = predictions.unlisted(predictions.listed(found, CLASSES), CLASSES)
    assert back.boxes is not None and back.classes is not None and back.confidence is not None
    np.testing.assert_allclose(back.boxes, found.boxes, atol=0.01)
    assert (back.classes.tolist(), back.confidence.tolist()) == ([1], [0.5])


def test_faults_are_told_by_image() -> None:
    """Two squares and a bar: one square found twice, one missed, the bar found as a square."""
    truth = Annotation(
        boxes=np.array([[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 60, 10]], np.float32),
        classes=np.array([0, 0, 1]),
    )
    guess = Annotation(
        boxes=np.array([[0, 0, 10, 9], [0, 0, 9, 10], [20, 0, 60, 10], [0, 0, 5, 5]], np.float32),
        classes=np.array([0, 0, 0, 1]),
        confidence=np.array([0.9, 0.8, 0.7, 0.4], np.float32),
    )
    row = {"truth": predictions.listed(truth, CLASSES), "guess": predictions.listed(guess, CLASSES)}
    empty = {"truth": "[]", "guess": "[]"}
    found = judged_boxes([row, empty], CLASSES, "here")
    wrong, right = found["faults"]
    assert (wrong.missed.total(), wrong.false.total(), dict(wrong.mixed)) == (
        2,
        2,
        {"bar as square": 1},
    )
    assert right.count == 0
    assert found["false"] == {"repeat": 1, "class": 1}
    with pytest.raises(ArtifactError, match="here: boxes cannot be read"):
        judged_boxes([row | {"guess": "[[1]]"}], CLASSES, "here")


def test_losses_name_their_parts_and_watch_the_sum() -> None:
    network = models.build("ssd7", 2, 1, (96, 128))
    batch = Batch(
        inputs=torch.rand(2, 1, 96, 128),
        indices=np.arange(2),
        boxes=torch.tensor([[10.0, 10, 34, 34]]),
        box_classes=torch.tensor([0]),
        box_images=torch.tensor([1]),
    )
    ((part, losses),) = tasks.build("detection", CLASSES, {}).losses(network, batch)
    assert part == "model"
    assert list(losses) == ["class", "box", "loss"]
    assert not losses["loss"].total.requires_grad  # type: ignore[union-attr]
