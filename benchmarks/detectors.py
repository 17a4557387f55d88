"""How many images a second does each detector answer, and how far is that from the floor?

From canvases in memory to boxes: normalization, the network, decoding and suppression, in batches,
at 240x320 (VGG's SSD at its 300x300), weights drawn at random and scores as they fall, so that
suppression has more to do than after training. The floor is the body's multiply-adds over the rate
of a large matrix product on the same threads. Threads as torch takes them.
"""

import argparse
from typing import Any

import measure
import numpy as np
import torch

from sightline import models, tasks
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.models.graph import graph_of
from sightline.predictor import TorchPredictor

CLASSES = ("RBC", "WBC", "Platelets")
DETECTORS: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {
    "ssd7": ((240, 320), {}),
    "yolo": ((240, 320), {}),
    "yolo, mobilenet_v2": ((240, 320), {"body": "mobilenet_v2", "width": 16}),
    "ssd300, mobilenet_v2": ((240, 320), {"body": "mobilenet_v2"}),
    "ssd300, vgg16": ((300, 300), {}),
    "faster_rcnn, mobilenet_v2": ((240, 320), {"body": "mobilenet_v2"}),
    "faster_rcnn, resnet50": ((240, 320), {"body": "resnet50"}),
    "localizer": ((240, 320), {}),
}


def predictor(name: str, size: tuple[int, int], settings: dict[str, Any]) -> TorchPredictor:
    torch.manual_seed(0)
    network = models.build(name.partition(",")[0], len(CLASSES), 3, size, settings)
    task = tasks.build("detection", CLASSES, {})
    return TorchPredictor(network.eval(), task, Canvas(size), View(size), torch.device("cpu"))


def rate_of_products() -> float:
    """Multiply-adds a second of a large matrix product."""
    one = torch.rand(2048, 2048)
    took = measure.seconds({"product": lambda: one @ one}, 5)["product"]
    return float(2048**3 / np.median(took))


def compare(images: int, repeats: int) -> dict[str, Any]:
    rng, rate = np.random.default_rng(0), rate_of_products()
    jobs, work = {}, {}
    for name, (size, settings) in DETECTORS.items():
        found = predictor(name, size, settings)
        pictures = rng.integers(0, 256, (images, *size, 3), np.uint8)
        jobs[name] = lambda found=found, pictures=pictures: found.predict(pictures)
        graph = graph_of(name.partition(",")[0], len(CLASSES), 3, size, settings)
        work[name] = graph.multiply_adds
    took = measure.seconds(jobs, repeats)
    figures: dict[str, Any] = {"multiply-adds a second of a product": f"{rate:.3g}"}
    for name, of in took.items():
        a_second = [images / seconds for seconds in of]
        figures[name] = {
            "multiply-adds": work[name],
            "images a second": measure.spread(a_second, 1, 1),
            "times the floor": measure.spread(
                [rate * seconds / (images * work[name]) for seconds in of], 1, 1
            ),
        }
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    found = compare(given.images, given.repeats)
    found["threads of torch"] = torch.get_num_threads()
    measure.save("detectors", f"images a second, of {given.images} at a time", found)
