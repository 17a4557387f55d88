"""How near is decoding a folder of JPEGs to a bare OpenCV loop with as many threads?

The folder as it is, then every picture enlarged so that its shorter side has 500 pixels. Ours is
what training reads by: the header looked at (type, caps, orientation, whole to its end), then
OpenCV's decoder, to RGB. The bare loop is cv2.imread to RGB, mapped by as many threads.
Aim: 90 % of its rate. Beside it, what decoding at a part of the size saves for a canvas of 96x96.
"""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import measure

from sightline import images
from sightline.data.dataset import FileDataset
from sightline.data.opening import open_path
from sightline.threads import THREADS

CHUNK = 64  # files asked for at a time, as a batch of training does


def enlarged(dataset: FileDataset, root: Path, side: int) -> None:
    for index in range(len(dataset)):
        image = images.read(dataset.path(index))
        factor = side / min(image.shape[:2])
        size = round(image.shape[0] * factor), round(image.shape[1] * factor)
        name = dataset.paths.name(index)
        images.write(root / Path(name).with_suffix(".jpg"), images.resize(image, size))


def run(dataset: FileDataset, repeats: int) -> dict[str, object]:
    paths = [str(dataset.path(i)) for i in range(len(dataset))]
    chunks = [range(i, min(i + CHUNK, len(paths))) for i in range(0, len(paths), CHUNK)]

    def bare() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for chunk in chunks:
                list(pool.map(lambda i: cv2.imread(paths[i], cv2.IMREAD_COLOR_RGB), chunk))

    def ours() -> None:
        for chunk in chunks:
            dataset.images(list(chunk))

    def small() -> None:
        for chunk in chunks:
            dataset.reduced(list(chunk), lambda _: (96, 96))

    found = measure.seconds({"bare": bare, "ours": ours, "for a canvas of 96": small}, repeats)
    figures: dict[str, object] = {
        name: measure.spread(times, 1e6 / len(paths), 1) for name, times in found.items()
    }
    ratios = [b / o for b, o in zip(found["bare"], found["ours"], strict=True)]
    return figures | {"rate against bare": measure.spread(ratios, 1, 3)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="class folders of JPEGs")
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    train = open_path(given.data).train
    assert isinstance(train, FileDataset)
    figures = {"as they are": run(train, given.repeats)}
    with tempfile.TemporaryDirectory() as place:
        enlarged(train, Path(place), 500)
        large = open_path(Path(place)).train
        assert isinstance(large, FileDataset)
        figures["shorter side 500"] = run(large, given.repeats)
    question = f"microseconds a picture of decoding {given.data.name}, {THREADS} threads"
    measure.save("decoding", question, {"pictures": len(train), **figures})
