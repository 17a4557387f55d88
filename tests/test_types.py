"""The two nouns: what may be set together, and what of them becomes JSON."""

import dataclasses
import json

import numpy as np
import pytest

from sightline.instances import of_mask
from sightline.types import Annotation, Sample

CLASSES = ("cat", "dog", "panda")


def boxes(n: int) -> np.ndarray:
    return np.arange(4 * n, dtype=np.float32).reshape(n, 4)


def test_an_annotation_of_nothing_says_nothing() -> None:
    assert Annotation().to_dict(CLASSES) == {}
    assert Annotation().score is None


def test_an_annotation_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Annotation(label=1).label = 2  # type: ignore[misc]


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 5), (1, 2, 4)])
def test_boxes_of_another_shape_are_a_bug(shape: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError, match=r"boxes must be \(n, 4\)"):
        Annotation(boxes=np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    "column",
    [
        {"classes": np.zeros(3, np.int64)},
        {"confidence": np.ones(1, np.float32)},
        {"instances": ()},
    ],
    ids=["classes", "confidence", "instances"],
)
def test_what_is_said_of_boxes_has_one_entry_a_box(column: dict) -> None:
    with pytest.raises(AssertionError, match="2 boxes but"):
        Annotation(boxes=boxes(2), **column)


def test_landmarks_of_another_shape_are_a_bug() -> None:
    with pytest.raises(AssertionError, match=r"landmarks must be \(k, 2\)"):
        Annotation(landmarks=np.zeros((3, 3), np.float32))


def test_no_boxes_is_an_answer_too() -> None:
    nothing = Annotation(
        boxes=boxes(0), classes=np.zeros(0, np.int64), confidence=np.zeros(0, np.float32)
    )
    assert nothing.to_dict(CLASSES) == {"boxes": [], "classes": [], "confidence": []}


def test_the_score_is_the_chosen_labels() -> None:
    scores = np.array([0.25, 0.5, 0.25], np.float32)
    assert Annotation(label=1, scores=scores).score == 0.5
    assert Annotation(label=2, scores=scores).score == 0.25
    assert Annotation(label=1).score is None
    assert Annotation(scores=scores).score is None


def test_class_indices_become_names() -> None:
    said = Annotation(
        label=2,
        labels=np.array([1, -1, 0], np.int8),
        scores=np.array([0.25, 0.5, 0.25], np.float32),
        boxes=boxes(2),
        classes=np.array([1, 0]),
    )
    assert said.to_dict(CLASSES) == {
        "label": "panda",
        "labels": ["cat"],
        "scores": {"cat": 0.25, "dog": 0.5, "panda": 0.25},
        "boxes": [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]],
        "classes": ["dog", "cat"],
    }


def test_every_field_survives_the_way_through_json() -> None:
    said = Annotation(
        label=0,
        labels=np.array([1, 0, -1], np.int8),
        values=np.array([1.5], np.float32),
        scores=np.array([0.5, 0.25, 0.25], np.float32),
        boxes=boxes(1),
        classes=np.array([2]),
        confidence=np.array([0.75], np.float32),
        instances=(of_mask(np.eye(2)),),
        mask=np.array([[0, 1]], np.uint8),
        landmarks=np.array([[1, 2]], np.float32),
        image=np.zeros((1, 2, 1), np.uint8),
        embedding=np.array([0.5, -0.5], np.float32),
    )
    told = said.to_dict(CLASSES)
    assert set(told) == {field.name for field in dataclasses.fields(Annotation)}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_landmark_that_is_not_visible_is_still_json() -> None:
    said = Annotation(landmarks=np.array([[1, 2], [np.nan, np.nan]], np.float32))
    told = json.loads(json.dumps(said.to_dict(CLASSES), allow_nan=False))
    assert told["landmarks"] == [[1.0, 2.0], [None, None]]


def test_scores_of_another_length_than_the_classes_are_a_bug() -> None:
    with pytest.raises(ValueError, match="zip"):
        Annotation(scores=np.ones(2, np.float32)).to_dict(CLASSES)


def test_a_sample_holds_its_image_truth_and_source() -> None:
    image = np.zeros((2, 3, 1), np.uint8)
    sample = Sample(image, Annotation(label=1), "photos/cat/3.jpg")
    assert sample.image is image
    assert (sample.truth.label, sample.source) == (1, "photos/cat/3.jpg")
