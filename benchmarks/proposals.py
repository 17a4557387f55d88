"""How many true boxes does a region proposal cover with an IoU of at least 0.5, in what time?"""

import argparse
import os
import time

import measure
import numpy as np

from sightline import images
from sightline.boxes.geometry import iou
from sightline.data import catalog
from sightline.detect.proposals import proposals

QUESTION = __doc__.strip()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--data", default="pennfudan")
    parser.add_argument("--images", type=int, default=20)
    given = parser.parse_args()
    train = catalog.open_named(given.data, os.environ.get("SIGHTLINE_DATA")).train
    boxes = train.truths.boxes
    assert boxes is not None
    best: list[float] = []
    counts, times = [], []
    for index in np.random.default_rng(0).permutation(len(train))[: given.images].tolist():
        image = images.to_channels(train[index].image, 3)
        start = time.perf_counter()
        found = proposals(image)
        times.append(time.perf_counter() - start)
        counts.append(len(found))
        best += iou(boxes.at(index)["boxes"], found).max(1).tolist()
    figures = {
        "set": given.data,
        "images": len(times),
        "truths": len(best),
        "recall at 0.5": round(float(np.mean(np.array(best) >= 0.5)), 4),
        "recall at 0.7": round(float(np.mean(np.array(best) >= 0.7)), 4),
        "mean best IoU": round(float(np.mean(best)), 4),
        "proposals an image, median": int(np.median(counts)),
        "seconds an image": measure.spread(times),
    }
    measure.save("proposals", QUESTION, figures)
