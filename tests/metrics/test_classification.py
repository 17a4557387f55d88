"""Classification figures against scikit-learn's, and against tables worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from sightline.metrics.calibration import reliability
from sightline.metrics.classification import (
    ClassificationMeter,
    MultilabelMeter,
    class_table,
    ranks,
    wilson,
)
from sightline.types import Annotation


def answers(n: int, classes: int, seed: int, present: int | None = None) -> tuple:
    """Random truths of the first `present` classes, and scores that are often right."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, present or classes, n)
    logits = rng.normal(0, 1, (n, classes))
    logits[np.arange(n), truth] += 1
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return truth, scores.astype(np.float32)


def measured(truth: np.ndarray, scores: np.ndarray, batch: int = 1000) -> ClassificationMeter:
    meter = ClassificationMeter([f"c{i}" for i in range(scores.shape[1])])
    for start in range(0, len(truth), batch):
        rows = range(start, min(start + batch, len(truth)))
        meter.update(
            [Annotation(label=int(scores[i].argmax()), scores=scores[i]) for i in rows],
            [Annotation(label=int(truth[i])) for i in rows],
            list(rows),
        )
    return meter


CASES = [(200, 10, None), (50, 3, None), (7, 12, None), (60, 8, 5), (1, 2, 1)]


@pytest.mark.parametrize(("n", "classes", "present"), CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_figures_are_scikit_learns(n: int, classes: int, present: int | None, seed: int) -> None:
    truth, scores = answers(n, classes, seed, present)
    guess = scores.argmax(1)
    figures = measured(truth, scores).result()
    p, r, f, _ = precision_recall_fscore_support(truth, guess, average="macro", zero_division=0)
    assert figures["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert figures["precision"] == pytest.approx(p)
    assert figures["recall"] == pytest.approx(r)
    assert figures["f1"] == pytest.approx(f)
    exact = scores.astype(np.float64) / scores.sum(1, dtype=np.float64, keepdims=True)
    labels = list(range(classes))
    assert figures["loss"] == pytest.approx(log_loss(truth, exact, labels=labels), rel=1e-5)
    assert figures["images"] == n
    if classes > 5:
        top5 = top_k_accuracy_score(truth, scores, k=5, labels=labels)
        assert figures["top5"] == pytest.approx(top5)
    else:
        assert "top5" not in figures


@pytest.mark.parametrize(("n", "classes", "present"), CASES)
def test_the_table_by_class_is_scikit_learns(n: int, classes: int, present: int | None) -> None:
    truth, scores = answers(n, classes, 2, present)
    guess, labels = scores.argmax(1), list(range(classes))
    meter = measured(truth, scores)
    assert np.array_equal(meter.confusion, confusion_matrix(truth, guess, labels=labels))
    expected = precision_recall_fscore_support(truth, guess, labels=labels, zero_division=0)
    rows = meter.table()
    assert [row.name for row in rows] == [f"c{i}" for i in labels]
    for got, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert [getattr(row, got) for row in rows] == pytest.approx(column.tolist())


@pytest.mark.parametrize("batch", [1, 3, 16, 100])
def test_figures_do_not_depend_on_the_batches(batch: int) -> None:
    """Counts are added up; averages of batches are never averaged."""
    truth, scores = answers(100, 7, 3)
    whole, parts = measured(truth, scores), measured(truth, scores, batch)
    assert parts.result() == pytest.approx(whole.result(), rel=1e-12)
    assert parts.rows == whole.rows


def test_a_table_worked_out_by_hand() -> None:
    """Truth down, guess across. cat: 4 right of 5, 6 guessed; dog: 2 of 4, 2; panda: 1 of 1, 2."""
    rows = class_table(np.array([[4, 0, 1], [2, 2, 0], [0, 0, 1]]), ("cat", "dog", "panda"))
    assert [(r.name, r.support) for r in rows] == [("cat", 5), ("dog", 4), ("panda", 1)]
    assert [r.precision for r in rows] == pytest.approx([4 / 6, 1, 1 / 2])
    assert [r.recall for r in rows] == pytest.approx([4 / 5, 1 / 2, 1])
    assert [r.f1 for r in rows] == pytest.approx([8 / 11, 4 / 6, 2 / 3])


def test_rows_remember_each_image() -> None:
    meter = ClassificationMeter(("a", "b"))
    scores = np.array([0.25, 0.75], np.float32)
    meter.update([Annotation(label=1, scores=scores)], [Annotation(label=0)], [np.int64(17)])
    meter.update([Annotation(label=1, scores=scores)], [Annotation(label=1)], [3])
    assert meter.rows == [(17, 0, 1, 0.75), (3, 1, 1, 0.75)]
    assert meter.count == 2
    meter.rows.clear()
    assert len(meter.rows) == 2


def test_a_certain_and_wrong_answer_costs_much_but_not_infinitely() -> None:
    truth, scores = np.array([0]), np.array([[0, 1]], np.float32)
    assert measured(truth, scores).result()["loss"] == pytest.approx(-np.log(1e-12))


# Wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        # Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval_is_newcombes_table(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=1e-4)


def test_wilsons_interval_holds_the_share_and_narrows() -> None:
    width = 1.0
    for n in (10, 100, 1000, 10_000):
        low, high = wilson(n * 9 // 10, n)
        assert 0 <= low < 0.9 < high <= 1
        assert high - low < width
        width = high - low


# Many labels


def many(n: int, classes: int, seed: int, unknown: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (n, classes)).astype(np.int8)
    truth[rng.uniform(size=truth.shape) < unknown] = -1
    return truth, rng.uniform(0, 1, (n, classes)).astype(np.float32)


def measured_many(truth: np.ndarray, scores: np.ndarray, batch: int = 1000) -> MultilabelMeter:
    meter = MultilabelMeter([f"c{i}" for i in range(scores.shape[1])])
    for start in range(0, len(truth), batch):
        rows = range(start, min(start + batch, len(truth)))
        meter.update(
            [Annotation(labels=(scores[i] >= 0.5).astype(np.int8), scores=scores[i]) for i in rows],
            [Annotation(labels=truth[i]) for i in rows],
            list(rows),
        )
    return meter


@pytest.mark.parametrize("unknown", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("batch", [1000, 7])
def test_many_labels_are_measured_on_what_is_known(unknown: float, batch: int) -> None:
    truth, scores = many(60, 5, 0, unknown)
    known, guess = truth >= 0, scores >= 0.5
    figures = measured_many(truth, scores, batch).result()
    each = [
        f1_score(truth[k, c], guess[k, c], zero_division=0) if k.any() else 0.0
        for c, k in enumerate(known.T)
    ]
    assert figures["accuracy"] == pytest.approx(accuracy_score(truth[known], guess[known]))
    assert figures["f1"] == pytest.approx(np.mean(each))
    losses = [-np.log(s if t else 1 - s) for t, s in zip(truth[known], scores[known], strict=True)]
    assert figures["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    whole = [all(g == t for g, t in zip(gs, ts, strict=True) if t >= 0)
             for gs, ts in zip(guess.astype(int), truth, strict=True)]  # fmt: skip
    assert figures["exact"] == pytest.approx(np.mean(whole))
    assert figures["images"] == 60


def test_many_labels_known_throughout_have_scikit_learns_macro_f1() -> None:
    truth, scores = many(40, 6, 1, 0.0)
    truth[:, 2] = 0  # a label that never occurs counts as 0, as there
    expected = f1_score(truth, scores >= 0.5, average="macro", zero_division=0)
    assert measured_many(truth, scores).result()["f1"] == pytest.approx(expected)


def test_the_table_of_many_labels_is_by_known_answers() -> None:
    truth = np.array([[1, -1], [1, 0], [0, -1], [-1, 1]], np.int8)
    scores = np.array([[0.9, 0.9], [0.1, 0.5], [0.6, 0.1], [0.9, 0.2]], np.float32)
    rows = measured_many(truth, scores).table()
    assert [(r.precision, r.recall, r.f1, r.support) for r in rows] == [
        (0.5, 0.5, 0.5, 2),
        (0.0, 0.0, 0.0, 1),
    ]


def test_a_set_of_which_nothing_is_known_has_figures_all_the_same() -> None:
    truth, scores = many(5, 3, 0, 1.0)
    assert (truth == -1).all()
    figures = measured_many(truth, scores).result()
    assert figures == {"accuracy": 0, "loss": 0, "f1": 0, "exact": 1, "images": 5}


@pytest.mark.parametrize("k", [1, 2, 3, 7, 11])
def test_rank_k_accuracy_is_scikit_learns_for_any_k(k: int) -> None:
    truth, scores = answers(120, 12, 5)
    expected = top_k_accuracy_score(truth, scores, k=k, labels=list(range(12)))
    assert measured(truth, scores, batch=50).top(k) == pytest.approx(expected)


def test_of_equal_scores_the_first_class_ranks_first() -> None:
    scores = np.array([[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]])
    assert ranks(scores, np.array([0, 1])).tolist() == [2, 3]


def test_the_meter_knows_how_far_its_confidences_can_be_believed() -> None:
    truth, scores = answers(200, 4, 6)
    meter = measured(truth, scores)
    right = scores.argmax(1) == truth
    assert meter.calibration().ece == pytest.approx(reliability(scores.max(1), right).ece)
