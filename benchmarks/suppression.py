"""How long does the suppression of 10,000 boxes take, and how far is that from the floor?

Boxes of about 60 pixels in 1,000 x 1,000: 10,000 about 5 objects (nearly all go), about 500, and
each on its own place (most overlap a little). The floor of the hard kind is what any method must
do: sort the scores, and compare each box that stays with each that it meets, here the IoU of just
the pairs that overlap at all, given as a list, in one NumPy expression. Beside it the textbook's
NumPy loop (one box against all that are left), on the same boxes. torchvision's C++ is compared
where it is installed. Threads as torch takes them; NumPy has one.
"""

import argparse
import importlib.util
from collections.abc import Callable
from typing import Any

import measure
import numpy as np
import torch

import sightline.boxes as arrays
from sightline.boxes import tensors
from sightline.boxes.overlaps import overlaps, places


def about(objects: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, 4), scores (n,) and one of 20 classes (n,)."""
    rng = np.random.default_rng(0)
    of = rng.integers(0, objects, n) if objects < n else np.arange(n)
    middle = rng.uniform(0, 1000, (objects, 2))[of] + rng.normal(0, 6, (n, 2))
    sides = rng.uniform(30, 90, (objects, 2))[of] * np.exp(rng.normal(0, 0.15, (n, 2)))
    boxes = np.concatenate([middle - sides / 2, middle + sides / 2], 1).astype(np.float32)
    return boxes, rng.random(n).astype(np.float32), rng.integers(0, 20, n)


def textbook(boxes: np.ndarray, scores: np.ndarray, iou: float) -> np.ndarray:
    order = np.argsort(-scores, kind="stable")
    area = arrays.area(boxes)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.maximum(high - low, 0).prod(1)
        order = order[shared / (area[best] + area[order] - shared) <= np.float32(iou)]
    return np.array(kept)


def met(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the pairs that overlap, of those one at least stays."""
    kinds = np.zeros(len(boxes), np.int64)
    stays = np.zeros(len(boxes), np.bool_)
    stays[arrays.suppress(boxes, scores)] = True
    found = [
        np.stack([i, j])[:, stays[i] | stays[j]]
        for i, j, _ in overlaps(boxes, kinds, places(boxes, kinds))
    ]
    i, j = np.concatenate(found, 1)
    return i, j


def floor(boxes: np.ndarray, scores: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> None:
    np.argsort(-scores, kind="stable")
    one, two = boxes[pairs[0]], boxes[pairs[1]]
    sides = np.minimum(one[:, 2:], two[:, 2:]) - np.maximum(one[:, :2], two[:, :2])
    shared = sides[:, 0] * sides[:, 1]
    np.count_nonzero(shared > 0.5 * (arrays.area(one) + arrays.area(two) - shared))


def compare(objects: int, n: int, repeats: int) -> dict[str, Any]:
    boxes, scores, kinds = about(objects, n)
    b, s, k = (torch.from_numpy(x) for x in (boxes, scores, kinds))
    pairs = met(boxes, scores)
    jobs: dict[str, Callable[[], Any]] = {
        "floor": lambda: floor(boxes, scores, pairs),
        "hard, textbook": lambda: textbook(boxes, scores, 0.5),
        "hard": lambda: arrays.suppress(boxes, scores),
        "hard, torch": lambda: tensors.suppress(b, s),
        "hard by class": lambda: arrays.suppress(boxes, scores, classes=kinds),
        "hard by class, torch": lambda: tensors.suppress(b, s, classes=k),
        "matrix": lambda: arrays.matrix_suppress(boxes, scores),
        "matrix, torch": lambda: tensors.matrix_suppress(b, s),
        "soft": lambda: arrays.soft_suppress(boxes, scores),
        "soft, torch": lambda: tensors.soft_suppress(b, s),
    }
    if torch.cuda.is_available():
        on = [x.cuda() for x in (b, s)]
        jobs["hard, GPU"] = lambda: tensors.suppress(*on).cpu()
        jobs["matrix, GPU"] = lambda: [x.cpu() for x in tensors.matrix_suppress(*on)]
    if importlib.util.find_spec("torchvision"):
        from torchvision.ops import nms

        jobs["hard, torchvision"] = lambda: nms(b, s, 0.5)
    same = [jobs[name]().tolist() for name in ("hard, textbook", "hard", "hard, torch")]
    took = measure.seconds(jobs, repeats)
    figures: dict[str, Any] = {
        "stay": len(same[0]),
        "pairs that must be looked at": len(pairs[0]),
        "same as the textbook's": same[0] == same[1] == same[2],
        "milliseconds": {name: measure.spread(of, 1e3, 1) for name, of in took.items()},
    }
    for name in ("floor", "hard, textbook", "hard, torchvision"):
        if name in took:
            ratios = [o / t for o, t in zip(took["hard"], took[name], strict=True)]
            figures[f"hard / {name.removeprefix('hard, ')}"] = measure.spread(ratios, 1, 2)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    found = {
        f"about {objects} objects": compare(objects, given.boxes, given.repeats)
        for objects in (5, 500, given.boxes)
    }
    found["threads of torch"] = torch.get_num_threads()  # type: ignore[assignment]
    measure.save("suppression", f"milliseconds of suppressing {given.boxes} boxes", found)
