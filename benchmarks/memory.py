"""Is memory flat over epochs that decode as they go?

A folder of generated JPEGs, read through the training loader without holding the set: decoding
threads, the batch ahead, views of the standard preset. Resident megabytes after each epoch; the
first ones fill caches, so the growth from the second to the last is the figure. Likewise for two
spawned workers that read a pack.
"""

import argparse
import multiprocessing
import tempfile
from pathlib import Path

import measure
import numpy as np
import torch

from sightline import images
from sightline.data import pack
from sightline.data.augment import PRESETS
from sightline.data.canvas import Canvas
from sightline.data.dataset import Dataset
from sightline.data.loader import Loader
from sightline.data.opening import open_path
from sightline.data.placing import OnCanvas
from sightline.data.views import View

SIDE, BATCH = 224, 64


def folder(root: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    for number in range(count):
        small = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        path = root / f"class_{number % 2}" / f"{number}.jpg"
        images.write(path, images.resize(small, (384, 512)))


def epochs(dataset: Dataset, count: int) -> list[float]:
    view = View((SIDE, SIDE), augment=PRESETS["standard"])
    loader = Loader(dataset, view, BATCH, 0, torch.device("cpu"))
    after = []
    for epoch in range(count):
        for _ in loader.epoch(epoch):
            pass
        after.append(round(measure.resident_mb(), 1))
    return after


def worker(dataset: Dataset, count: int, answers: "multiprocessing.Queue[list[float]]") -> None:
    answers.put(epochs(dataset, count))


def spawned(dataset: Dataset, count: int) -> list[list[float]]:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=worker, args=(dataset, count, answers)) for _ in range(2)]
    for process in workers:
        process.start()
    found = [answers.get() for _ in workers]
    for process in workers:
        process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    canvas = Canvas((SIDE, SIDE))
    with tempfile.TemporaryDirectory() as place:
        folder(Path(place) / "set", given.images)
        splits = open_path(Path(place) / "set")
        files = epochs(OnCanvas(splits.train, canvas), given.epochs)
        path = Path(place) / "set.h5"
        pack.write(path, splits, canvas)
        packed = spawned(pack.read(path).train, given.epochs)
    figures = {
        "files, MB after each epoch": files,
        "two spawned workers on a pack": packed,
        "growth from the second epoch": [round(e[-1] - e[1], 1) for e in (files, *packed)],
    }
    measure.save("memory", f"resident MB over epochs of {given.images} pictures", figures)


if __name__ == "__main__":
    main()
