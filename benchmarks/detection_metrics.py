"""How long does mean average precision take, against pycocotools and faster-coco-eval?

5,000 images with 10 true and 10 predicted boxes each, generated: three of four predictions lie
beside a truth, a tenth of those with another class, scores of three digits. Ours is the meter,
which also works out VOC's figures; theirs evaluates, accumulates and summarizes. Timed from
predictions at hand (ours annotations, theirs a list for loadRes), and, apart, from what was loaded;
theirs has its truths indexed beforehand. faster-coco-eval (C++) is used here alone: `pip install
faster-coco-eval`; without it, it is left out. Aim: no slower than faster-coco-eval.
"""

import argparse
import contextlib
import io
from collections.abc import Callable
from typing import Any

import measure
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sightline.metrics.detection import DetectionMeter
from sightline.types import Annotation

STATS = ("map", "map50", "map75", "map_small", "map_medium", "map_large", "ar1", "ar10", "ar100")
STATS += ("ar_small", "ar_medium", "ar_large")


def generated(images: int, boxes: int, kinds: int) -> tuple[list[Annotation], list[Annotation]]:
    """Predictions and truths."""
    rng = np.random.default_rng(0)
    predictions, truths = [], []
    for _ in range(images):
        low, sides = rng.uniform(0, 400, (boxes, 2)), rng.uniform(8, 200, (boxes, 2))
        true = np.concatenate([low, low + sides], 1)
        classes = rng.integers(0, kinds, boxes)
        shift = np.where(rng.random((boxes, 1)) < 0.75, 0.06, 1.0) * np.tile(sides, 2)
        said = true + rng.normal(size=(boxes, 4)) * shift
        said = np.concatenate([said[:, :2], np.maximum(said[:, 2:], said[:, :2] + 1)], 1)
        other = np.where(rng.random(boxes) < 0.1, rng.integers(0, kinds, boxes), classes)
        scores = np.round(rng.random(boxes), 3).astype(np.float32)
        box = true.astype(np.float32)
        truths.append(Annotation(boxes=box, classes=classes))
        predictions.append(
            Annotation(boxes=said.astype(np.float32), classes=other, confidence=scores)
        )
    return predictions, truths


def listed(annotations: list[Annotation]) -> list[dict[str, Any]]:
    """As COCO's JSON has them."""
    found: list[dict[str, Any]] = []
    for image, of in enumerate(annotations):
        assert of.boxes is not None and of.classes is not None
        scores = np.ones(len(of.boxes)) if of.confidence is None else of.confidence
        rows = zip(of.boxes.tolist(), of.classes.tolist(), scores.tolist(), strict=True)
        for (x0, y0, x1, y1), kind, score in rows:
            box = [x0, y0, x1 - x0, y1 - y0]
            found.append({"id": len(found) + 1, "image_id": image, "category_id": kind})
            found[-1] |= {"bbox": box, "area": box[2] * box[3], "iscrowd": 0, "score": score}
    return found


def quietly(job: Callable[[], Any]) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return job()


def theirs(
    coco: Any, judge: Any, truths: list[dict[str, Any]], said: list[dict[str, Any]], kinds: int
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Their figures from predictions at hand, and from predictions that are loaded."""
    images = 1 + max(entry["image_id"] for entry in truths)
    dataset = {
        "images": [{"id": i, "width": 600, "height": 600} for i in range(images)],
        "categories": [{"id": i, "name": str(i)} for i in range(kinds)],
        "annotations": truths,
    }
    truth = coco()
    truth.dataset = dataset
    quietly(truth.createIndex)

    def judged(predictions: Any) -> Any:
        of = judge(truth, predictions, "bbox")
        of.evaluate()
        of.accumulate()
        of.summarize()
        return of.stats

    loaded = quietly(lambda: truth.loadRes(said))
    return (
        lambda: quietly(lambda: judged(truth.loadRes(said))),
        lambda: quietly(lambda: judged(loaded)),
    )


def metered(
    predictions: list[Annotation], truths: list[Annotation], kinds: int, batch: int = 256
) -> DetectionMeter:
    meter = DetectionMeter([str(kind) for kind in range(kinds)])
    for start in range(0, len(truths), batch):
        rows = slice(start, start + batch)
        meter.update(predictions[rows], truths[rows], range(len(truths))[rows])
    return meter


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--boxes", type=int, default=10)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    predictions, truths = generated(given.images, given.boxes, given.classes)
    known = {"pycocotools": (COCO, COCOeval)}
    with contextlib.suppress(ImportError):
        from faster_coco_eval import COCO as FASTER_COCO
        from faster_coco_eval import COCOeval_faster

        known["faster-coco-eval"] = (FASTER_COCO, COCOeval_faster)
    jobs: dict[str, Callable[[], Any]] = {
        "sightline": lambda: metered(predictions, truths, given.classes).result()
    }
    full = metered(predictions, truths, given.classes)

    def fresh() -> dict[str, float]:
        full.merge(DetectionMeter(full.classes))  # which forgets what was worked out
        return full.result()

    loaded: dict[str, Callable[[], Any]] = {"sightline": fresh}
    for name, (coco, judge) in known.items():
        jobs[name], loaded[name] = theirs(
            coco, judge, listed(truths), listed(predictions), given.classes
        )
    wanted = np.array([jobs["sightline"]()[name] for name in STATS])
    figures: dict[str, Any] = {
        "data": f"{given.images} images x {given.boxes} boxes, {given.classes} classes",
        "largest difference": {
            name: float(np.abs(np.array(jobs[name]()[:12]) - wanted).max()) for name in known
        },
    }
    for title, of in (("from predictions", jobs), ("loaded", loaded)):
        took = measure.seconds(of, given.repeats, warm=False)
        part: dict[str, Any] = {n: measure.spread(v, 1, 3) for n, v in took.items()}
        for name in known:
            ratios = [o / t for o, t in zip(took["sightline"], took[name], strict=True)]
            part[f"sightline / {name}"] = measure.spread(ratios, 1, 3)
        figures[f"{title} (s)"] = part
    measure.save("detection_metrics", "seconds of mean average precision of a set", figures)
