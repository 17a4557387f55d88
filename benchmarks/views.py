"""What does a training view cost an image on the CPU?

The standard preset, whole: draws, one warp, one color product, floats; labels gathered beside it.
Aims: 25 µs an image at 32x32, 1 ms at 224x224, on two cores. The floor is taken to be OpenCV's bare
warp of the same canvases by ready matrices, with as many threads, and the conversion to floats.
"""

import argparse

import cv2
import measure
import numpy as np
import torch

from sightline.data.augment import PRESETS
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Loader
from sightline.data.truths import Truths
from sightline.data.views import View

CASES = ((32, 256), (96, 64), (224, 32))  # side, batch
BATCHES = 4


def run(side: int, batch: int, threads: int, repeats: int) -> dict[str, dict[str, float]]:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    n = batch * BATCHES
    pixels = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    truths = Truths(label=np.zeros(n, np.int64))
    dataset = ArrayDataset(pixels, truths, ["a", "b"])
    epoch = 0

    def whole(preset: str) -> None:
        nonlocal epoch
        epoch += 1
        view = View((side, side), augment=PRESETS[preset])  # type: ignore[index]
        for _ in Loader(dataset, view, batch, 0, torch.device("cpu")).epoch(epoch):
            pass

    drawn = View((side, side), augment=PRESETS["standard"])
    matrices = drawn.draw((side, side), 0, 1, np.arange(n)).matrices

    def bare() -> None:
        for start in range(0, n, batch):
            out = np.empty((batch, side, side, 3), np.uint8)
            for i in range(batch):
                flags = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REFLECT}
                cv2.warpAffine(
                    pixels[start + i], matrices[start + i], (side, side), out[i], **flags
                )
            torch.from_numpy(out).permute(0, 3, 1, 2).to(torch.float32).mul_(1 / 255)

    jobs = {name: lambda name=name: whole(name) for name in ("none", "light", "standard", "strong")}
    found = measure.seconds(jobs | {"bare warp": bare}, repeats)
    return {name: measure.spread(values, 1e6 / n, 1) for name, values in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    measure.save(
        "views",
        "microseconds an image of a training view on the CPU",
        {
            f"{side}x{side}, batches of {batch}": run(side, batch, given.threads, given.repeats)
            for side, batch in CASES
        },
    )
