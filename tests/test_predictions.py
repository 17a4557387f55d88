"""Rows of predictions, the same in a run's predictions.csv and in `predict --csv`."""

import csv
import io

import numpy as np
import pytest

from sightline import predictions
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.metrics.classification import ClassificationMeter, MultilabelMeter
from sightline.metrics.regression import RegressionMeter
from sightline.types import Annotation

CLASSES = ("cat", "dog", 'pan"da, big')


def chosen(label: int, score: float = 0.75) -> Annotation:
    scores = np.full(3, (1 - score) / 2, np.float32)
    scores[label] = score
    return Annotation(label=label, scores=scores)


def test_a_class_has_its_truth_guess_and_confidence() -> None:
    assert predictions.columns("classification", CLASSES) == [
        "truth",
        "guess",
        "confidence",
        "truth_rank",
        "truth_score",
    ]
    row = predictions.cells(chosen(1), Annotation(label=0), CLASSES)
    assert row == ["cat", "dog", "0.750000", "2", "0.125"]


def test_a_picture_without_a_truth_leaves_the_cell_empty() -> None:
    assert predictions.cells(chosen(1), Annotation(), CLASSES) == ["", "dog", "0.750000", "", ""]
    yes = Annotation(labels=np.array([1, 0, 1], np.int8))
    assert predictions.cells(yes, Annotation(), CLASSES)[0] == ""
    value = Annotation(values=np.array([1.5], np.float32))
    assert predictions.cells(value, Annotation(), ("age",)) == ["", "1.5"]


def test_many_labels_are_listed_yes_guessed_and_no() -> None:
    assert predictions.columns("multilabel", CLASSES) == ["truth", "guess", "truth_no"]
    row = predictions.cells(
        Annotation(labels=np.array([0, 1, 1], np.int8)),
        Annotation(labels=np.array([1, 0, -1], np.int8)),
        CLASSES,
    )
    assert row == ["cat", 'dog | pan"da, big', "dog"]


def test_numbers_have_a_column_for_each_truth_and_guess() -> None:
    names = ("age", "height")
    assert predictions.columns("regression", names) == [
        "truth:age",
        "truth:height",
        "guess:age",
        "guess:height",
    ]
    row = predictions.cells(
        Annotation(values=np.array([1 / 3, 1e6], np.float32)),
        Annotation(values=np.array([2, -0.5], np.float32)),
        names,
    )
    assert row == ["2", "-0.5", "0.3333333", "1000000"]


def test_a_row_is_as_wide_as_its_header() -> None:
    for task, guess in (
        ("classification", chosen(0)),
        ("multilabel", Annotation(labels=np.zeros(3, np.int8))),
        ("regression", Annotation(values=np.zeros(3, np.float32))),
    ):
        row = predictions.cells(guess, Annotation(), CLASSES)
        assert len(row) == len(predictions.columns(task, CLASSES)), task


def dataset(truths: Truths) -> ArrayDataset:
    images = np.zeros((len(truths), 2, 2, 1), np.uint8)
    return ArrayDataset(images, truths, CLASSES, "toys")


@pytest.mark.parametrize(
    ("truths", "meter", "guesses"),
    [
        (
            Truths(label=np.array([0, 1, 2, 1])),
            ClassificationMeter,
            [chosen(0), chosen(2), chosen(2), chosen(1, 0.5)],
        ),
        (
            Truths(labels=np.array([[1, 0, -1]] * 4, np.int8)),
            MultilabelMeter,
            [
                Annotation(labels=np.array([1, 1, 0], np.int8), scores=np.array([0.9, 0.5, 0.1]))
                for _ in range(4)
            ],
        ),
        (
            Truths(values=np.arange(12, dtype=np.float32).reshape(4, 3)),
            RegressionMeter,
            [Annotation(values=np.full(3, i, np.float32)) for i in range(4)],
        ),
    ],
    ids=["classification", "multilabel", "regression"],
)
def test_recording_keeps_every_answer_and_changes_no_figure(
    truths: Truths, meter: type, guesses: list[Annotation]
) -> None:
    whole = dataset(truths)
    alone, recording = meter(CLASSES), predictions.Recording(meter(CLASSES), whole)
    for rows in ([2, 0], [3, 1]):  # batches in any order
        batch = [guesses[i] for i in rows], [truths.at(i) for i in rows], rows
        alone.update(*batch)
        recording.update(*batch)
    assert recording.result() == alone.result()
    table = list(csv.reader(io.StringIO(recording.text())))
    assert table[0] == ["index", "source", *predictions.columns(truths.task, CLASSES)]
    assert [row[:2] for row in table[1:]] == [[str(i), f"toys:{i}"] for i in range(4)]
    expected = [predictions.cells(guesses[i], truths.at(i), CLASSES) for i in range(4)]
    assert [row[2:] for row in table[1:]] == expected


def test_names_with_commas_quotes_and_lines_survive_the_csv() -> None:
    rows = [["source", "guess"], ["a,b.png", 'pan"da, big'], ["c\nd.png", "größe"]]
    assert list(csv.reader(io.StringIO(predictions.as_csv(rows)))) == rows
