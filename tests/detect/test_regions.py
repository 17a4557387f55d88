"""R-CNN: regions of a set cut out, a classifier on them, and objects found by it."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import sightline as sl
from sightline.boxes import iou
from sightline.cli import app
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset, as_dataset
from sightline.data.opening import open_path
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.detect.regions import CONTEXT, RegionDetector, proposed, regions_of, widened, write
from sightline.detect.search import Search
from sightline.errors import ArtifactError, DataError, OutputError
from sightline.talk import Silent


def scenes(count: int, classes: tuple[str, ...] = ("red", "blue")) -> ArrayDataset:
    """A red and a blue shape on grey; the last image has none."""
    rng = np.random.default_rng(0)
    images = np.full((count, 60, 80, 3), 90, np.uint8)
    boxes = []
    for image in images[:-1]:
        x, y = rng.integers(2, 14, 2)
        image[y : y + 24, x : x + 20] = (220, 40, 40)
        a, b = rng.integers(2, 20, 2)
        image[b : b + 16, 45 + a // 3 : 73 + a // 3] = (40, 60, 230)
        boxes.append([[x, y, x + 20, y + 24], [45 + a // 3, b, 73 + a // 3, b + 16]])
    noise = rng.integers(0, 12, images.shape).astype(np.uint8)
    truths = Truths(boxes=Boxes.of([*boxes, []], [[0, 1]] * (count - 1) + [[]]))
    return ArrayDataset(images + noise, truths, classes, "scenes", 255)


def test_an_image_s_regions_are_half_objects_and_lie_as_they_say() -> None:
    data = scenes(3)
    found = list(regions_of(data, 0, 8, seed=0))
    assert sum(region.label >= 0 for region in found) <= 4
    assert {region.label for region in found} >= {-1}
    for region in found:
        color = region.pixels.reshape(-1, 3).mean(0)
        if region.label == 0:
            assert color[0] > color[2]
        if region.label == 1:
            assert color[2] > color[0]
    assert [r.pixels.shape for r in found] == [r.pixels.shape for r in regions_of(data, 0, 8, 0)]
    assert all(region.label == -1 for region in regions_of(data, 2, 8, seed=0))


def test_proposals_of_a_large_image_are_in_its_pixels() -> None:
    data = scenes(2)
    large = np.kron(data[0].image, np.ones((8, 8, 1), np.uint8))
    boxes = data.truths.at(0).boxes
    assert boxes is not None
    assert bool((iou(8 * boxes, proposed(large)).max(1) > 0.8).all())


def test_regions_are_seen_with_sixteen_pixels_of_227_around_them() -> None:
    (box,) = widened(np.array([[10, 20, 205, 215]], np.float32))
    assert (box[2] - box[0]) == pytest.approx(195 * (1 + 2 * CONTEXT))
    assert 16 / (box[2] - box[0]) == pytest.approx(16 / 227)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions") / "cut"
    write(Splits(scenes(40), None, None), folder, 8, 0, Silent())
    return folder


def test_what_is_cut_is_a_set_of_class_folders_in_parts(cut: Path) -> None:
    found = open_path(cut)
    assert set(found.parts) == {"train", "val", "test"}
    assert set(found.train.classes) == {"red", "blue", "background"}


def test_a_classifier_of_regions_finds_objects(cut: Path, tmp_path: Path) -> None:
    settings = {"train__epochs": 3, "canvas__size": [16, 16], "model__width": 8}
    model = sl.train(f"{cut}/", to=tmp_path / "run", quiet=True, **settings)
    data = scenes(4)
    detector = RegionDetector(model.predictor, Search("regions"))
    assert detector.threshold == 0.5
    for row in range(3):
        found = detector.find(data[row].image).annotation
        truth = data.truths.at(row)
        assert found.boxes is not None
        assert found.classes is not None
        assert truth.boxes is not None
        said = [detector.classes[kind] for kind in found.classes]
        for box, name in zip(truth.boxes, data.classes, strict=True):
            mine = found.boxes[[kind == name for kind in said]]
            assert iou(box[None], mine).max() > 0.5


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (as_dataset(np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1]), "has no boxes"),
        (scenes(4, ("none", "b")), "a class of background itself"),
        (scenes(4, ("a/b", "c")), "cannot be a folder"),
    ],
)
def test_sets_that_have_no_regions_are_refused(
    data: ArrayDataset, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        write(Splits(data, None, None), tmp_path / "cut", 8, 0, Silent())


def test_a_regression_judges_no_regions(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8)).astype(np.uint8)
    model = sl.train((images, images.mean((1, 2))), to=tmp_path / "r", quiet=True, train__epochs=1)
    with pytest.raises(ArtifactError, match="regions want a model"):
        RegionDetector(model.predictor, Search("regions"))


def test_the_command_refuses_a_folder_that_is_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["data", "regions", "captchas", "--to", str(tmp_path)])
    assert isinstance(result.exception, OutputError)
    assert "--to never overwrites" in str(result.exception)
