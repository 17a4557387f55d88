"""Confusion with the background, misses and false alarms, against hand-made images and a loop."""

import numpy as np
from hypothesis import given, settings
from test_detection_meter import Case, annotation, cases, measured

from sightline.metrics.detection_faults import faults


def test_each_kind_of_fault_on_a_worked_image() -> None:
    truth = annotation(
        [[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 60, 20], [80, 0, 90, 10]], [0, 0, 1, 1]
    )
    said = annotation(
        [
            [0, 0, 10, 10],  # right
            [0, 0, 10, 9],  # says it again
            [20, 0, 30, 10],  # another class
            [50, 0, 70, 20],  # a third of the third
            [200, 0, 210, 10],  # nothing there
            [80, 0, 90, 10],  # right, but not sure enough
        ],
        [0, 0, 1, 1, 0, 1],
        [0.9, 0.8, 0.7, 0.6, 0.95, 0.2],
    )
    found = faults(measured([(said, truth)]).tables, confidence=0.5)
    assert found.confusion.tolist() == [[1, 1, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0], [2, 1, 0, 0]]
    assert [(f.kind, f.label, f.met_label) for f in found.alarms] == [
        ("background", 0, None),
        ("repeat", 0, 0),
        ("class", 1, 0),
        ("place", 1, 1),
    ]
    assert [round(f.confidence, 2) for f in found.alarms] == [0.95, 0.8, 0.7, 0.6]
    assert [(f.kind, f.box[0], round(f.overlap, 3)) for f in found.misses] == [
        ("place", 40, 0.333),
        ("class", 20, 1.0),
        ("background", 80, 0.0),
    ]
    assert found.misses[0].met == (50, 0, 70, 20)
    sure = faults(measured([(said, truth)]).tables, confidence=0.1)
    assert sure.confusion[1, 1] == 1 and len(sure.misses) == 2


def plain_confusion(case: Case, kinds: int, confidence: float, iou: float) -> np.ndarray:
    out = np.zeros((kinds + 1, kinds + 1), np.int64)
    for said, true in case:
        order = sorted(
            (i for i in range(len(said.boxes)) if said.confidence[i] >= confidence),
            key=lambda i: (said.classes[i], -said.confidence[i], i),
        )
        rows = sorted(range(len(true.boxes)), key=lambda j: (true.classes[j], j))
        table = []
        for a, i in enumerate(order):
            for b, j in enumerate(rows):
                one, two = said.boxes[i].astype(float), true.boxes[j].astype(float)
                low, high = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
                shared = np.prod(high - low) if (high > low).all() else 0.0
                union = np.prod(one[2:] - one[:2]) + np.prod(two[2:] - two[:2]) - shared
                if shared > 0 and shared / union >= iou:
                    other = said.classes[i] != true.classes[j]
                    table.append((other, -shared / union, a, b))
        left, missed = set(range(len(order))), set(range(len(rows)))
        for *_, a, b in sorted(table):
            if a in left and b in missed:
                left.remove(a)
                missed.remove(b)
                out[true.classes[rows[b]], said.classes[order[a]]] += 1
        for a in left:
            out[kinds, said.classes[order[a]]] += 1
        for b in missed:
            out[true.classes[rows[b]], kinds] += 1
    return out


@settings(max_examples=40, deadline=None)
@given(cases())
def test_confusion_is_the_greedy_loops_and_loses_no_box(case: Case) -> None:
    found = faults(measured(case).tables, 0.4, 0.5, most=1000)
    assert found.confusion.tolist() == plain_confusion(case, 3, 0.4, 0.5).tolist()
    right = int(np.trace(found.confusion[:3, :3]))
    assert len(found.misses) == sum(len(t.boxes) for _, t in case) - right
    assert len(found.alarms) == sum(int((p.confidence >= 0.4).sum()) for p, _ in case) - right
    assert all(f.kind != "background" or f.met is None for f in found.alarms + found.misses)


def test_without_boxes_there_are_no_faults() -> None:
    found = faults(measured([(annotation([], [], []), annotation([], []))]).tables)
    assert found.confusion.sum() == 0 and found.misses == found.alarms == []
