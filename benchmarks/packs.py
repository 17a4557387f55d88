"""How near are shuffled gathers from a pack to a memory copy of the same bytes?

A pack of generated 224x224 pictures, warm in the page cache; batches of 256 rows in shuffled order,
into a fresh array each (as a batch is), against copying an array of the same size into a fresh one.
The copy is the floor: every byte is read and written once. Aim: 80 % of its rate.
"""

import argparse
import tempfile
from pathlib import Path

import measure
import numpy as np

from sightline.data import pack
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset
from sightline.data.split import Splits
from sightline.data.truths import Truths

SIDE, BATCH = 224, 256


def run(images: int, repeats: int) -> dict[str, object]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (images, SIDE, SIDE, 3), dtype=np.uint8)
    whole = ArrayDataset(pixels, Truths(label=rng.integers(0, 2, images)), ["a", "b"])
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "pack.h5"
        pack.write(path, Splits(whole), Canvas((SIDE, SIDE)))
        del whole
        packed = pack.read(path).train
        packed.images(np.arange(images))  # warm
        batch = pixels[:BATCH].copy()

        def gather() -> None:
            packed.images(rng.permutation(images)[:BATCH])

        def copy() -> None:
            batch.copy()

        def in_memory() -> None:
            pixels[rng.permutation(images)[:BATCH]]

        jobs = {"copy": copy, "pack": gather, "array in memory": in_memory}
        found = measure.seconds(jobs, repeats)
    figures: dict[str, object] = {n: measure.spread(t, 1e3) for n, t in found.items()}
    ratios = [c / g for c, g in zip(found["copy"], found["pack"], strict=True)]
    return figures | {"rate against a copy": measure.spread(ratios, 1, 3)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=41)
    given = parser.parse_args()
    question = f"milliseconds of a gather of {BATCH} pictures {SIDE}x{SIDE} from {given.images}"
    measure.save("packs", question, run(given.images, given.repeats))
