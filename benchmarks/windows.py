"""Do windows cut out and one convolution pass find the same digits, and in what time?

LeNet-5, which pads nothing, learns digits of MNIST's training part and a class of background from
windows of scenes: digits of 22 to 60 pixels laid on a dim, noisy ground. Then it searches scenes
made of MNIST's test part, by windows and by convolution at the same stride. Found means a box of
the digit's class with IoU of at least 0.5, each truth once.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import measure
import numpy as np

import sightline as sl
from sightline import images
from sightline.data import catalog
from sightline.detect.search import Search
from sightline.detect.windows import WindowDetector

QUESTION = __doc__.splitlines()[0]
WINDOW = 32
# A mirrored digit is no digit; and places, sizes and shares of classes are those of the search.
PLAIN: dict[str, Any] = {"train__class_weights": "none", "train__precision": "float32"} | {
    f"augment__{name}": 0 for name in ("shift", "rotate", "zoom", "stretch")
}
PLAIN["augment__flip"] = False
SIDES = 22, 60  # of a digit's square, in pixels


def scene(
    digits: Any, labels: np.ndarray, size: tuple[int, int], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grey picture (h, w, 1), the squares of its digits (n, 4), and what they are."""
    height, width = size
    canvas = rng.normal(rng.uniform(0, 40), rng.uniform(0, 12), size).clip(0, 255)
    boxes: list[tuple[int, int, int, int]] = []
    names = []
    for _ in range(12 * count):
        if len(boxes) == count:
            break
        side = int(np.exp(rng.uniform(*np.log(SIDES))))
        left, top = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
        if any(
            left < x1 and x0 < left + side and top < y1 and y0 < top + side
            for x0, y0, x1, y1 in boxes
        ):
            continue
        row = int(rng.integers(len(labels)))
        ink = images.resize(digits[row].image, (side, side))[..., 0]
        area = canvas[top : top + side, left : left + side]
        np.maximum(area, ink, out=area)
        boxes.append((int(left), int(top), int(left) + side, int(top) + side))
        names.append(int(labels[row]))
    return canvas.astype(np.uint8)[..., None], np.array(boxes, np.float32), np.array(names)


def overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return shared / ((box[2:] - box[:2]).prod() + areas - shared)


def lessons(digits: Any, scenes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Windows (n, 32, 32) of scenes and what is in their middle: a digit, nearly at the window's
    size, or background."""
    labels = digits.truths.label
    seen, names = [], []
    for _ in range(scenes):
        pixels, boxes, classes = scene(digits, labels, (128, 128), 5, rng)
        wanted = []
        for box, kind in zip(boxes, classes, strict=True):
            side = (box[2] - box[0]) * rng.uniform(0.88, 1.14)
            middle = (box[:2] + box[2:]) / 2 + rng.uniform(-0.07, 0.07, 2) * side
            wanted.append((*(middle - side / 2), side, str(kind)))
        for _ in range(24):
            side = np.exp(rng.uniform(*np.log((18, 72))))
            corner = rng.uniform(0, 128 - side, 2)
            near = overlaps(np.array([*corner, *(corner + side)]), boxes).max(initial=0)
            if near < 0.45 and (near > 0.1 or rng.random() < 0.3):
                wanted.append((*corner, side, "background"))
        for left, top, side, name in wanted:
            x0, y0 = (int(np.clip(round(float(v)), 0, 127)) for v in (left, top))
            cut = pixels[y0 : round(float(top + side)), x0 : round(float(left + side))]
            if min(cut.shape[:2]) < 8:
                continue
            seen.append(images.resize(np.ascontiguousarray(cut), (WINDOW, WINDOW))[..., 0])
            names.append(name)
    return np.stack(seen), np.array(names)


def matched(truth: np.ndarray, kinds: np.ndarray, found: Any, names: tuple[str, ...]) -> int:
    """How many truths have a box of their class."""
    free = list(range(len(found.boxes)))
    hits = 0
    for box, kind in zip(truth, kinds, strict=True):
        near = overlaps(box, found.boxes)
        fits = [i for i in free if near[i] >= 0.5 and names[found.classes[i]] == str(kind)]
        if fits:
            free.remove(max(fits, key=lambda i: near[i]))
            hits += 1
    return hits


def same(one: Any, other: Any) -> bool:
    return (
        np.array_equal(one.boxes, other.boxes)
        and np.array_equal(one.classes, other.classes)
        and np.allclose(one.confidence, other.confidence, atol=2e-4)
    )


def searched(model: sl.Artifact, scenes: list[Any], stride: int) -> dict[str, Any]:
    out: dict[str, Any] = {"windows an image": 0, "truths": sum(len(b) for _, b, _ in scenes)}
    answers: dict[str, list[Any]] = {}
    for by in ("windows", "convolution"):
        detector = WindowDetector(
            model.predictor, Search(by=by, stride=stride, smallest=SIDES[0], largest=SIDES[1] * 1.2)
        )
        detector.find(scenes[0][0])  # warm
        results = [detector.find(pixels) for pixels, _, _ in scenes]
        answers[by] = [result.annotation for result in results]
        seconds = sorted(result.seconds for result in results)
        out[f"{by}, ms an image"] = round(1000 * seconds[len(seconds) // 2], 1)
        out[f"{by}, ms, quickest and slowest"] = [
            round(1000 * value, 1) for value in (seconds[0], seconds[-1])
        ]
        out["windows an image"] = results[0].windows
        pairs = list(zip(scenes, answers[by], strict=True))
        out[f"{by}, found"] = sum(matched(b, k, a, model.classes) for (_, b, k), a in pairs)
        out[f"{by}, boxes"] = sum(len(a.boxes) for a in answers[by])
    out["scenes with the same boxes"] = sum(map(same, answers["windows"], answers["convolution"]))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--scenes", type=int, default=40, help="searched")
    parser.add_argument("--lessons", type=int, default=3000, help="scenes to learn from")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--stride", type=int, default=4)
    parser.add_argument("--run", type=Path, help="the run to make, or to take where it is there")
    parser.add_argument("--pictures", type=Path, help="a folder for six scenes and their truth")
    given = parser.parse_args()
    mnist = catalog.open_named("mnist", os.environ.get("SIGHTLINE_DATA"))
    rng = np.random.default_rng(0)
    run = given.run or Path(tempfile.mkdtemp()) / "digits-in-scenes"
    if run.exists():
        model = sl.load(run)
    else:
        X, y = lessons(mnist.train, given.lessons, rng)
        model = sl.train(
            (X, y),
            to=run,
            seed=0,
            model__name="lenet5",
            view__test="center",
            train__epochs=given.epochs,
            train__batch=128,
            **PLAIN,
        )
    test = mnist.test
    rng = np.random.default_rng(1)
    scenes = [
        scene(test, test.truths.label, (200, 280), int(rng.integers(3, 9)), rng)
        for _ in range(given.scenes)
    ]
    if given.pictures:
        given.pictures.mkdir(parents=True)
        for i, (pixels, boxes, kinds) in enumerate(scenes[:6]):
            images.write(given.pictures / f"scene-{i}.png", pixels)
            told = {"boxes": boxes.tolist(), "classes": kinds.tolist()}
            (given.pictures / f"scene-{i}.json").write_text(json.dumps(told), "utf-8")
    found = {"test accuracy of the classifier": model.test.get("accuracy")}
    found |= searched(model, scenes, given.stride)
    measure.save("windows", QUESTION, found)


if __name__ == "__main__":
    main()
