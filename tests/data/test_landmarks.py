"""Landmarks in mirrors, on canvases, in packs, and what a look at them finds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.data import pack
from sightline.data.augment import Augment
from sightline.data.canvas import Canvas
from sightline.data.checking.audit import audit
from sightline.data.dataset import ArrayDataset, as_dataset
from sightline.data.landmarks import lonely, mirrored_name, partners
from sightline.data.loader import Loader
from sightline.data.partition import strata
from sightline.data.placing import OnCanvas, batch_of, on_canvas
from sightline.data.relabel import relabeled
from sightline.data.split import Splits, class_counts
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError
from sightline.metrics.landmarks import LandmarkMeter
from sightline.tasks.evaluate import evaluate
from sightline.types import Annotation

EYES = ("left_eye", "right_eye", "nose")
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "mirrored"),
    [
        ("left_eye", "right_eye"),
        ("right", "left"),
        ("eye left", "eye right"),
        ("leftEye", "rightEye"),
        ("eyeLeft", "eyeRight"),
        ("LEFT-EYE", "RIGHT-EYE"),
        ("Right ear", "Left ear"),
        ("nose", "nose"),
        ("bright spot", "bright spot"),
        ("upright", "upright"),
        ("lefty", "lefty"),
    ],
)
def test_a_name_with_a_side_is_another_in_the_mirror(name: str, mirrored: str) -> None:
    assert mirrored_name(name) == mirrored
    assert mirrored_name(mirrored) == name


def test_partners_change_places_and_what_has_none_is_named() -> None:
    assert partners(EYES).tolist() == [1, 0, 2]
    assert lonely(EYES) is None
    assert lonely(("left_eye", "nose")) == "left_eye"


def spots(n: int, size: tuple[int, int] = (12, 16), seed: int = 0) -> ArrayDataset:
    """Dark images with one spot a landmark, each of its own channel, in the middle of a pixel."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, *size, 3), np.uint8)
    points = np.empty((n, 3, 2), np.float32)
    for row in range(n):
        for k in range(3):
            y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
            images[row, y, x, k] = 255
            points[row, k] = x + 0.5, y + 0.5
    points[::4, 2] = np.nan
    return ArrayDataset(images, Truths(landmarks=points), EYES)


@pytest.mark.parametrize("key", ["flip", "flip_vertical"])
def test_a_mirrored_left_eye_is_a_right_one_and_lies_where_it_is_seen(key: str) -> None:
    """Every channel shows where one landmark was: left's spot is red, also as a right eye."""
    data = spots(16)
    loader = Loader(data, View((12, 16), augment=Augment(**{key: True})), 16, 0, CPU)
    mirrored = 0
    for epoch in range(4):
        (batch,) = loader.epoch(epoch)
        assert batch.landmarks is not None and batch.matrices is not None
        for image, points, matrix in zip(
            batch.inputs, batch.landmarks, batch.matrices, strict=True
        ):
            turned = np.linalg.det(matrix[:, :2]) < 0
            mirrored += turned
            for k, (x, y) in enumerate(points.tolist()):
                if np.isnan(x):
                    assert k == 2
                    continue
                channel = [1, 0, 2][k] if turned else k
                assert image[channel, int(y), int(x)] == 1
    assert 16 < mirrored < 48


def test_a_half_turn_by_two_mirrors_is_no_mirror() -> None:
    data = spots(32)
    both = Augment(flip=True, flip_vertical=True)
    (batch,) = Loader(data, View((12, 16), augment=both), 32, 0, CPU).epoch(0)
    assert batch.landmarks is not None and batch.matrices is not None
    turned = (batch.matrices[:, 0, 0] < 0) & (batch.matrices[:, 1, 1] < 0)
    assert turned.any()
    before = data.truths.landmarks[batch.indices[turned]]  # type: ignore[index]
    after = batch.landmarks.numpy()[turned]
    assert np.allclose(after, np.array([16, 12]) - before, equal_nan=True)


def test_a_mirror_is_refused_where_a_side_has_no_partner() -> None:
    data = spots(4)
    data.classes = ("left_eye", "right_ear", "nose")
    with pytest.raises(DataError) as caught:
        Loader(data, View((12, 16), augment=Augment(flip=True)), 4, 0, CPU)
    assert str(caught.value) == (
        "arrays: augment.flip mirrors images, and landmark left_eye has no partner right_eye; "
        "name one, or set augment.flip=false"
    )


class Exact:
    """Answers with the spots it sees, in pixels of the images it is given."""

    classes = EYES

    def predict(self, images: np.ndarray) -> list[Annotation]:
        found = []
        for image in images:
            at = [np.unravel_index(image[..., k].argmax(), image.shape[:2]) for k in range(3)]
            points = np.array([[x + 0.5, y + 0.5] for y, x in at], np.float32)
            found.append(Annotation(landmarks=points))
        return found


@pytest.mark.parametrize("held", [True, False])
def test_errors_are_in_pixels_of_the_original(held: bool) -> None:
    """On canvases twice as large, an answer 2 canvas pixels away is off by one."""
    data = spots(8)
    data.truths.landmarks[:, :, 0] += 1  # type: ignore[index]
    placed = on_canvas(data, Canvas((24, 32)), held=held)
    assert isinstance(placed, OnCanvas) != held
    figures = evaluate(Shrunk(), LandmarkMeter(EYES), placed)
    assert figures["error"] == pytest.approx(1, abs=0.6)
    assert evaluate(Exact(), LandmarkMeter(EYES), data)["error"] == 1


class Shrunk:
    """As `Exact`, on canvases that show every pixel as four."""

    classes = EYES

    def predict(self, images: np.ndarray) -> list[Annotation]:
        small = images.astype(int).reshape(len(images), 12, 2, 16, 2, 3).sum((2, 4))
        doubled = [2 * answer.landmarks for answer in Exact().predict(small)]  # type: ignore[operator]
        return [Annotation(landmarks=points) for points in doubled]


def test_a_pack_knows_where_its_landmarks_were(tmp_path: Path) -> None:
    data = spots(6)
    pack.write(tmp_path / "p.h5", Splits(data), Canvas((20, 20), "contain"))
    stored = pack.read(tmp_path / "p.h5").train
    _, truths = batch_of(OnCanvas(stored, Canvas((30, 10))), np.arange(6))
    assert truths.matrices is not None and truths.landmarks is not None
    linear = np.linalg.inv(truths.matrices[:, :, :2])
    back = (truths.landmarks - truths.matrices[:, None, :, 2]) @ linear.transpose(0, 2, 1)
    assert np.allclose(back, data.truths.landmarks, atol=1e-4, equal_nan=True)


def test_landmarks_of_another_set_are_matched_by_name() -> None:
    data = spots(3)
    same = relabeled(data, ("nose", "chin", "left_eye", "right_eye")).truths.landmarks
    assert same is not None
    assert np.array_equal(same[:, [2, 3, 0]], data.truths.landmarks, equal_nan=True)
    assert np.isnan(same[:, 1]).all()
    with pytest.raises(DataError, match="does not know: nose"):
        relabeled(data, ("left_eye", "right_eye"))


def test_a_rare_landmark_is_a_stratum_and_counts_are_of_who_shows_it() -> None:
    points = np.ones((40, 2, 2), np.float32)
    points[12:, 1] = np.nan
    data = ArrayDataset(np.zeros((40, 4, 4, 1), np.uint8), Truths(landmarks=points), ("a", "b"))
    assert class_counts(data) == [40, 12]
    groups = strata(data)
    assert groups is not None
    assert (groups[:12] == groups[0]).all() and (groups[12:] != groups[0]).all()


def test_the_check_names_what_lies_outside_and_who_shows_nothing() -> None:
    data = spots(5)
    data.truths.landmarks[1, 0] = [-3, 2]  # type: ignore[index]
    data.truths.landmarks[2] = np.nan  # type: ignore[index]
    found = {finding.kind: finding for finding in audit(Splits(data)).findings}
    assert "1 landmark outside, in 1 image, by 3 pixels" in found["landmark-outside"].text
    assert found["landmark-outside"].groups == ((("train", 1),),)
    assert found["bare"].groups == ((("train", 2),),)


def test_arrays_of_points_are_landmarks() -> None:
    points = np.array([[[1, 2], [np.nan, 5]], [[3, 4], [5, 6]]])
    found = as_dataset(np.zeros((2, 8, 8), np.uint8), points)
    assert (found.truths.task, found.classes) == ("landmarks", ("landmark0", "landmark1"))
    assert np.isnan(found.truths.landmarks[0, 1]).all()  # type: ignore[index]
    with pytest.raises(DataError, match="finite, or nan where not visible"):
        as_dataset(np.zeros((1, 8, 8), np.uint8), np.array([[[np.inf, 2.0]]]))
