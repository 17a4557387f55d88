"""HOG and a linear machine, with hard negatives."""

from pathlib import Path

import numpy as np
import pytest

from sightline import images
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.detect import hog
from sightline.errors import ArtifactError, DataError
from sightline.scratch.hog import hog as descriptor
from terminal import sightline


def crosses(count: int, seed: int) -> ArrayDataset:
    """Noise with one bright cross each, of 88 to 110 pixels, and one bright bar that is none."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (count, 150, 220, 1), dtype=np.uint8)
    boxes = []
    for image in pixels:
        side, arm = int(rng.integers(88, 111)), 14
        left, top = int(rng.integers(0, 110 - arm)), int(rng.integers(0, 150 - side))
        middle = side // 2 - arm // 2
        image[top + middle : top + middle + arm, left : left + side] = 220
        image[top : top + side, left + middle : left + middle + arm] = 220
        image[20:120, 208:218] = 220
        boxes.append([(left, top, left + side, top + side)])
    return ArrayDataset(pixels, Truths(boxes=Boxes.of(boxes, [[0]] * count)), ("cross",), "crosses")


@pytest.fixture(scope="module")
def trained() -> hog.HogDetector:
    return hog.train(crosses(4, 0), "cross", rounds=1)


def test_objects_of_unseen_images_are_found_in_place(trained: hog.HogDetector) -> None:
    other = crosses(3, 1)
    for index in range(len(other)):
        truth = other.truths.boxes.at(index)["boxes"][0]  # type: ignore[union-attr]
        found = trained.find(other[index].image).annotation
        assert found.boxes is not None and len(found.boxes) >= 1
        assert np.abs(found.boxes[0] - truth).max() <= 16, (found.boxes, truth)


def test_a_score_is_the_product_with_the_windows_descriptor(trained: hog.HogDetector) -> None:
    image = np.random.default_rng(2).integers(0, 256, (160, 200, 1), dtype=np.uint8)
    grid = hog.blocks(image)
    assert grid.reshape(-1) == pytest.approx(descriptor(image), abs=1e-6)
    rows, columns = trained.weights.shape[:2]
    expected = float((grid[1 : 1 + rows, 2 : 2 + columns] * trained.weights).sum()) + trained.bias
    assert trained.scores(grid)[1, 2] == pytest.approx(expected, abs=1e-4)


def test_a_file_gives_the_same_boxes(trained: hog.HogDetector, tmp_path: Path) -> None:
    file, picture = tmp_path / "cross.safetensors", tmp_path / "one.png"
    trained.save(file)
    image = crosses(1, 3)[0].image
    images.write(picture, image)
    expected = trained.find(image).annotation.boxes
    found = hog.load(file).find(image).annotation.boxes
    assert expected is not None and found is not None
    np.testing.assert_array_equal(found, expected)
    code, out, _ = sightline("predict", f"hog:{file}", picture)
    assert code == 0 and "cross " in out
    code, _, said = sightline("predict", f"hog:{file}", picture, "--stride", 4)
    assert code == 2 and "takes no --stride" in said


def test_what_is_no_detector_or_has_no_boxes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ArtifactError, match="damaged or no HOG detector"):
        hog.load(tmp_path / "bad.safetensors")
    with pytest.raises(ArtifactError, match="no such file; make one: sightline hog"):
        hog.load(tmp_path / "none.safetensors")
    with pytest.raises(DataError, match="no boxes of dog; it has cross"):
        hog.train(crosses(1, 0), "dog")
    code, _, said = sightline("hog", "digits", "--to", tmp_path / "x.safetensors", "--class", "3")
    assert code == 2 and "no boxes of 3" in said
