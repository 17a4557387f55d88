"""Detection figures against pycocotools and against plain loops."""

import contextlib
import copy
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sightline.errors import DataError
from sightline.metrics.detection import IOUS, DetectionMeter
from sightline.types import Annotation

NAMES = ("a", "b", "c")
STATS = ("map", "map50", "map75", "map_small", "map_medium", "map_large", "ar1", "ar10", "ar100")
STATS += ("ar_small", "ar_medium", "ar_large")
Case = list[tuple[Annotation, Annotation]]  # prediction and truth of each image


def annotation(boxes: Any, classes: Any, confidence: Any = None) -> Annotation:
    return Annotation(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.int64),
        confidence=None if confidence is None else np.array(confidence, np.float32),
    )


def measured(case: Case, names: tuple[str, ...] = NAMES, batch: int = 3) -> DetectionMeter:
    meter = DetectionMeter(names)
    for start in range(0, len(case), batch):
        part = case[start : start + batch]
        indices = list(range(start, start + len(part)))
        meter.update([p for p, _ in part], [t for _, t in part], indices)
    return meter


def entries(case: Case, of: int) -> list[dict[str, Any]]:
    found = []
    for image, both in enumerate(case):
        for row, box in enumerate(both[of].boxes.astype(float)):
            wide, tall = box[2:] - box[:2]
            entry = {
                "id": len(found) + 1,
                "image_id": image,
                "category_id": int(both[of].classes[row]),
                "bbox": [box[0], box[1], wide, tall],
                "area": wide * tall,
                "iscrowd": 0,
            }
            if of == 0:
                entry["score"] = float(both[0].confidence[row])
            found.append(entry)
    return found


def reference(case: Case, names: tuple[str, ...] = NAMES) -> COCOeval:
    """pycocotools', summarized."""
    with contextlib.redirect_stdout(io.StringIO()):
        truths, predictions = COCO(), COCO()
        for coco, of in ((truths, 1), (predictions, 0)):
            coco.dataset = {
                "images": [{"id": i} for i in range(len(case))],
                "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
                "annotations": entries(case, of),
            }
            coco.createIndex()
        judged = COCOeval(truths, predictions, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged


def agrees(case: Case, names: tuple[str, ...] = NAMES) -> None:
    meter, judged = measured(case, names), reference(case, names)
    figures = meter.result()
    for name, wanted in zip(STATS, judged.stats, strict=True):
        if wanted == -1:
            assert math.isnan(figures.get(name, math.nan)), name
        else:
            assert figures[name] == pytest.approx(wanted, abs=1e-9), name
    found = meter.tables.precisions
    wanted = judged.eval["precision"][..., 2].mean(1).transpose(0, 2, 1)
    assert np.nan_to_num(found, nan=-1) == pytest.approx(wanted, abs=1e-9)
    recalls = judged.eval["recall"].transpose(0, 2, 1, 3)
    assert np.nan_to_num(meter.tables.recalls, nan=-1) == pytest.approx(recalls, abs=1e-9)


def corners(place: tuple[int, ...], side: float) -> list[float]:
    x, y, w, h = place
    return [x * side, y * side, (x + w) * side, (y + h) * side]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Few places, so that boxes meet and IoUs are equal; few scores, so that they tie."""
    side = draw(st.sampled_from([1.0, 8.0, 30.0]))  # sizes from below 32² to above 96²
    box = st.tuples(*[st.integers(0, 3)] * 2, *[st.integers(1, 4)] * 2)
    truth = st.tuples(box, st.integers(0, 1))
    guess = st.tuples(box, st.integers(0, 2), st.integers(0, 4))
    found = []
    for _ in range(draw(st.integers(1, 5))):
        truths = draw(st.lists(truth, max_size=6))
        guesses = draw(st.lists(guess, max_size=14))
        said = annotation(
            [corners(place, side) for place, _, _ in guesses],
            [kind for _, kind, _ in guesses],
            [score / 4 for _, _, score in guesses],
        )
        true = annotation([corners(place, side) for place, _ in truths], [k for _, k in truths])
        found.append((said, true))
    return found


def near(images: int, boxes: int, kinds: int, seed: int = 0) -> Case:
    """Predictions beside the truths, with some that are missed, repeated or of another class."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(images):
        n = int(rng.integers(0, boxes + 1))
        low = rng.uniform(0, 300, (n, 2))
        true = np.concatenate([low, low + rng.uniform(5, 200, (n, 2))], 1)
        classes = rng.integers(0, kinds, n)
        of = rng.permutation(np.repeat(np.arange(n), 2))[: int(1.5 * n)]
        said = true[of] + rng.normal(0, 5, (len(of), 4))
        other = np.where(rng.random(len(of)) < 0.1, rng.integers(0, kinds, len(of)), classes[of])
        scores = np.round(rng.random(len(of)), 2)
        found.append((annotation(said, other, scores), annotation(true, classes)))
    return found


@settings(max_examples=200, deadline=None)
@given(cases())
def test_figures_are_those_of_pycocotools(case: Case) -> None:
    agrees(case)


@pytest.mark.parametrize("kinds", [1, 3])
def test_figures_are_those_of_pycocotools_on_crowded_images(kinds: int) -> None:
    agrees(near(30, 25, kinds), NAMES[:kinds])


def test_only_the_hundred_best_of_a_class_and_image_count() -> None:
    rng = np.random.default_rng(0)
    place = rng.uniform(0, 500, (150, 2))
    boxes = np.concatenate([place, place + 40], 1)
    case = [(annotation(boxes, [0] * 150, rng.random(150)), annotation(boxes, [0] * 150))]
    agrees(case)
    figures = measured(case).result()
    assert figures["recall"] == pytest.approx(100 / 150)
    assert figures["voc"] > 0.99  # which knows no such limit


@pytest.mark.skipif("SIGHTLINE_DATA" not in os.environ, reason="needs SIGHTLINE_DATA")
def test_figures_are_those_of_pycocotools_on_bccd() -> None:
    from sightline.data.opening import open_path

    place = Path(os.environ["SIGHTLINE_DATA"]) / "bccd"
    if not place.is_dir():
        pytest.skip("no bccd")
    opened = open_path(place).train
    rng = np.random.default_rng(0)
    case = []
    for i in range(min(60, len(opened))):
        truth = opened.truths.at(i)
        assert truth.boxes is not None and truth.classes is not None
        of = np.repeat(np.arange(len(truth.boxes)), 2)
        said = truth.boxes[of] + rng.normal(0, 12, (len(of), 4))
        scores = np.round(rng.random(len(of)), 2)
        case.append((annotation(said, truth.classes[of], scores), truth))
    agrees(case, tuple(opened.classes))


def plain_voc(case: Case, kind: int) -> tuple[float, float] | None:
    """By 11 points and under all, as the development kit's code has it; no extra pixel."""
    rows = [
        (float(p.confidence[i]), image, i)
        for image, (p, _) in enumerate(case)
        for i in range(len(p.boxes))
        if p.classes[i] == kind
    ]
    total = sum(int((t.classes == kind).sum()) for _, t in case)
    if not total:
        return None
    used: set[tuple[int, int]] = set()
    hits: list[int] = []
    for _, image, i in sorted(rows, key=lambda row: -row[0]):
        prediction, truth = case[image]
        best, at = 0.0, -1
        for j in np.flatnonzero(truth.classes == kind):
            one, two = prediction.boxes[i].astype(float), truth.boxes[j].astype(float)
            wide = min(one[2], two[2]) - max(one[0], two[0])
            tall = min(one[3], two[3]) - max(one[1], two[1])
            if wide > 0 and tall > 0:
                sizes = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, two)]
                overlap = wide * tall / (sum(sizes) - wide * tall)
                if overlap > best:
                    best, at = overlap, int(j)
        hits.append(int(best >= 0.5 and (image, at) not in used))
        if best >= 0.5:
            used.add((image, at))
    precision = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]
    found = [sum(hits[: i + 1]) for i in range(len(hits))]
    eleven = [
        max((p for p, f in zip(precision, found, strict=True) if 10 * f >= i * total), default=0)
        for i in range(11)
    ]
    area = sum(max(precision[i:]) / total for i in range(len(hits)) if hits[i])
    return sum(eleven) / 11, area


@settings(max_examples=60, deadline=None)
@given(cases())
def test_vocs_figures_are_those_of_its_own_loop(case: Case) -> None:
    found = measured(case).tables.voc
    for kind in range(len(NAMES)):
        wanted = plain_voc(case, kind)
        if wanted is None:
            assert np.isnan(found[kind]).all()
        else:
            assert found[kind] == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_merged_meters_in_any_order_say_exactly_what_one_says(case: Case, chance: Any) -> None:
    whole = measured(case).result()
    parts = []
    for i, (prediction, truth) in enumerate(case):
        parts.append(DetectionMeter(NAMES))
        parts[-1].update([prediction], [truth], [i])
    chance.shuffle(parts)
    first, *others = parts
    for other in others:
        first.merge(copy.deepcopy(other))
    assert json.dumps(first.result()) == json.dumps(whole)


def test_a_worked_case() -> None:
    truth = annotation([[0, 0, 10, 10], [20, 0, 30, 10]], [0, 0])
    said = annotation(
        [[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 6]], [0, 0, 0], [0.9, 0.8, 0.7]
    )
    tables = measured([(said, truth)], ("cell",)).tables
    (row,) = tables.by_class()
    # the third has an IoU of .6: right at .5, .55 and .6
    assert (row.name, row.truths, row.predictions) == ("cell", 2, 3)
    assert row.map50 == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert row.map75 == pytest.approx(51 / 101)
    assert row.map == pytest.approx((3 * row.map50 + 7 * row.map75) / len(IOUS))
    assert (row.recall, row.voc) == (1, pytest.approx((1 + 2 / 3) / 2))
    assert row.voc11 == pytest.approx((6 + 5 * 2 / 3) / 11)
    assert row.curve.confidence == pytest.approx([0.9, 0.8, 0.7])
    assert row.curve.precision == pytest.approx([1, 1 / 2, 2 / 3])
    assert row.curve.recall == pytest.approx([0.5, 0.5, 1])
    assert row.curve.f1 == pytest.approx([2 / 3, 1 / 2, 4 / 5])


def test_the_truth_itself_has_every_figure_at_one() -> None:
    case = [(annotation(t.boxes, t.classes, [0.5] * len(t.boxes)), t) for _, t in near(8, 6, 3)]
    figures = measured(case).result()
    assert all(figures[f"{name}"] == pytest.approx(1) for name in ("map", "voc", "voc11", "recall"))


def test_without_truths_there_is_nothing_to_average() -> None:
    empty = annotation([], [])
    figures = measured([(annotation([[0, 0, 1, 1]], [1], [0.5]), empty)]).result()
    assert math.isnan(figures["map"]) and math.isnan(figures["voc"]) and figures["images"] == 1
    assert "map_small" not in figures
    assert math.isnan(DetectionMeter(NAMES).result()["map50"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_boxes_and_confidences_that_are_no_numbers_are_refused(bad: float) -> None:
    truth, fine = annotation([[0, 0, 1, 1]], [0]), annotation([], [], [])
    for box, score in (([0, 0, bad, 1], 0.5), ([0, 0, 1, 1], bad)):
        with pytest.raises(DataError, match="image 7: box"):
            wrong = annotation([box], [0], [score])
            DetectionMeter(NAMES).update([fine, wrong], [truth, truth], [4, 7])
