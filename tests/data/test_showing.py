"""A set on a sheet: its classes in rows, its truths drawn, and what training makes of both."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sightline.data import catalog, generated, shapes, showing
from sightline.data.augment import Augment
from sightline.data.boxes import Instances
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset, Dataset, as_dataset
from sightline.data.showing import Choice
from sightline.data.truths import ArrayPictures, Boxes, Truths
from sightline.data.views import View
from sightline.drawing.annotations import TINT
from sightline.drawing.colors import color
from sightline.errors import DataError, OutputError, UnknownName
from sightline.instances import of_mask
from sightline.types import Image

DIGITS = catalog.open_named("digits").train


def flat(*shades: int) -> Dataset:
    """Images of one shade each, all of one class but the last."""
    pixels = np.stack([np.full((16, 16, 3), shade, np.uint8) for shade in shades])
    label = np.zeros(len(shades), np.int64)
    label[-1] = 1
    return ArrayDataset(pixels, Truths(label=label), ("many", "one"), "flat", 255)


def held(sheet: Image, shades: range) -> list[int]:
    """Shades that fill a whole tile of 128 pixels."""
    return [shade for shade in shades if (sheet == shade).all(2).sum() == 128 * 128]


def test_every_class_has_a_row_of_its_own_images() -> None:
    sheet = showing.show_truths(flat(*range(60, 80)), "flat", Choice(each=3))
    few = held(sheet, range(60, 80))
    assert len(few) == 4 and 79 in few  # three of many, the only one of the other


def test_which_images_are_shown_is_the_seeds_choice() -> None:
    first, again, other = (
        held(showing.show_truths(flat(*range(60, 90)), "", Choice((), 3, seed)), range(60, 90))
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_only_the_classes_asked_for_are_shown() -> None:
    sheet = showing.show_truths(flat(*range(60, 80)), "flat", Choice(("one",)))
    assert held(sheet, range(60, 80)) == [79]
    with pytest.raises(UnknownName, match="did you mean many"):
        showing.show_truths(flat(60, 70), "flat", Choice(("mani",)))


def test_pixels_are_shown_by_the_value_range_of_their_set() -> None:
    truths = Truths(label=np.arange(2))
    pixels = np.stack([np.full((8, 8, 1), shade, np.uint8) for shade in (4, 16)])
    sheet = showing.show_truths(ArrayDataset(pixels, truths, ("a", "b"), top=16), "16", Choice())
    assert held(sheet, range(256)) == [64, 255]


@pytest.mark.parametrize(
    "dataset", [shapes.shapes(12, 0).train, generated.captchas(12, 0).train], ids=["shapes", "c"]
)
def test_boxes_and_masks_are_drawn_in_their_colors_with_a_legend(dataset: Dataset) -> None:
    sheet = showing.show_truths(dataset, "set", Choice(each=4))
    assert dataset.truths.boxes is not None
    used = set(dataset.truths.boxes.classes.tolist())
    drawn = [i for i in range(len(dataset.classes)) if (sheet == color(i)).all(2).any()]
    named = {i for i, name in enumerate(dataset.classes) if name != "background"}
    assert used <= named == set(drawn)  # the legend has them all


def test_images_with_a_class_of_boxes_are_found() -> None:
    shades = range(60, 70)
    pixels = np.stack([np.full((16, 16, 3), shade, np.uint8) for shade in shades])
    boxes = Boxes.of([[[2, 2, 9, 9]]] * 10, [[shade % 2] for shade in shades])
    dataset = ArrayDataset(pixels, Truths(boxes=boxes), ("even", "odd"), "boxes", 255)
    sheet = showing.show_truths(dataset, "boxes", Choice(("odd",), 10))
    found = [shade for shade in shades if (sheet == shade).all(2).sum() > 10_000]
    assert found == [61, 63, 65, 67, 69]


def test_a_target_that_differs_stands_beside_its_image() -> None:
    pixels = np.full((3, 20, 20, 3), 90, np.uint8)
    same = Truths(targets=ArrayPictures(pixels))
    other = Truths(targets=ArrayPictures(pixels + 50))
    alone, pair = (
        showing.show_truths(ArrayDataset(pixels, t, (), "p", 255), "p", Choice(), side=100)
        for t in (same, other)
    )
    assert (pair == 140).all(2).sum() == 3 * 100 * 100
    assert not (alone == 140).all(2).any()


def test_many_labels_and_values_are_said_below_the_pictures() -> None:
    X = np.full((4, 12, 12), 100, np.uint8)
    for y in (np.array([[1, 0], [1, 1], [0, 0], [-1, 1]]), np.array([1.5, 2.5, 3.5, 4.5])):
        sheet = showing.show_truths(as_dataset(X, y), "arrays", Choice())
        below = sheet[-20:]
        assert (below.max(2) < 60).any()  # ink


def test_without_any_change_training_sees_the_canvas() -> None:
    view = View((8, 8), 16)
    sheet = showing.show_views(DIGITS, "digits", Canvas((8, 8), channels=1), view, Choice(), "")
    (tile,) = {  # canvas and every epoch alike
        sheet[57 : 57 + 128, x : x + 128].tobytes()
        for x in range(sheet.shape[1] - 14 - 128, 100, -128 - 6)
    }
    assert len(set(tile)) > 3


def test_mirrored_images_are_shown_mirrored_with_their_boxes() -> None:
    """Two draws exist of a flip; each drawn box must fit the object in either."""
    train = shapes.shapes(6, 0, (64, 64)).train
    view = View((64, 64), 255, Augment(flip=True))
    sheet = showing.show_views(train, "shapes", Canvas((64, 64)), view, Choice(each=3), "", 64)
    rows = [57 + i * 70 for i in range(4)]
    columns = [14 + i * 70 for i in range(4)]
    kinds = []
    for y in rows:
        canvas, *draws = (sheet[y : y + 64, x : x + 64] for x in columns)
        for draw in draws:  # lines lie mirrored too, so whole tiles are equal
            near = [np.abs(draw.astype(int) - canvas[:, ::s]).max(2) > 8 for s in (1, -1)]
            kinds.append(min(n.mean() for n in near) < 0.05)
    assert all(kinds)


def test_masks_of_objects_are_shown_on_the_canvas_and_on_what_training_sees_of_it() -> None:
    """One class: colors tell its objects apart, so there is no legend."""
    pixels = np.zeros((40, 40), bool)
    pixels[10:20, 5:35] = True
    boxes = Boxes.of([[5, 10, 35, 20]] * 2, [[0]] * 2, Instances.of([of_mask(pixels)] * 2))
    gray = np.full((2, 40, 40, 3), 128, np.uint8)
    dataset = ArrayDataset(gray, Truths(boxes=boxes), ("person",))
    choice = Choice(each=1)
    sheets = [
        showing.show_views(kept, "p", Canvas((40, 40)), View((40, 40)), choice, "", 200)
        for kept in (dataset, ArrayDataset(gray, Truths(boxes=boxes_only(boxes)), ("person",)))
    ]
    tint = np.rint(128 * (1 - TINT) + np.array(color(0)) * TINT)
    tinted, plain = (int((sheet == tint).all(2).sum()) for sheet in sheets)
    assert plain == 0
    one = 30 * 10 * 25  # each pixel is 5 by 5
    assert tinted > 2 * 2 * 0.7 * one  # two images, each on its canvas and as seen
    assert sheets[0].shape[0] < sheets[1].shape[0]


def boxes_only(boxes: Boxes) -> Boxes:
    return Boxes(boxes.boxes, boxes.classes, boxes.starts)


def test_mixed_images_say_both_classes() -> None:
    view = View((8, 8), 16, Augment(cutmix=1.0))
    plain = View((8, 8), 16)
    canvas = Canvas((8, 8), channels=1)
    mixed = showing.show_views(DIGITS, "digits", canvas, view, Choice(each=2), "")
    alone = showing.show_views(DIGITS, "digits", canvas, plain, Choice(each=2), "")
    assert mixed.shape[0] > alone.shape[0]  # captions of two lines


def test_a_set_of_one_image_is_shown_too() -> None:
    one = ArrayDataset(
        np.full((1, 9, 9, 3), 77, np.uint8), Truths(label=np.zeros(1, np.int64)), ("a",), "one", 255
    )
    sheet = showing.show_views(one, "one", Canvas((9, 9)), View((9, 9)), Choice(each=2), "")
    assert (sheet == 77).all(2).sum() == 3 * 126 * 126


def test_a_sheet_never_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sheet = np.zeros((4, 4, 3), np.uint8)
    names = [str(showing.write(sheet, None, "a/set")) for _ in range(3)]
    assert names == ["a-set.png", "a-set-2.png", "a-set-3.png"]
    with pytest.raises(OutputError, match="exists"):
        showing.write(sheet, Path("a-set.png"), "x")
    with pytest.raises(OutputError, match=r"written as .png, .jpg"):
        showing.write(sheet, Path("a.txt"), "x")


def test_a_part_that_is_not_there_is_named() -> None:
    splits = generated.blobs(5, 5)
    assert showing.part_of(splits, "test") is splits.test
    with pytest.raises(UnknownName, match="unknown part"):
        showing.part_of(splits, "val")


def test_a_set_without_classes_to_choose_by_says_so() -> None:
    pixels = np.zeros((2, 8, 8, 3), np.uint8)
    masks = Truths(masks=ArrayPictures(np.zeros((2, 8, 8), np.uint8)))
    with pytest.raises(DataError, match="chooses by labels, boxes or landmarks"):
        showing.show_truths(ArrayDataset(pixels, masks, ("a", "b"), "m", 255), "m", Choice(("a",)))


def test_two_sheets_written_at_once_without_a_name_take_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sheet = np.zeros((8, 8, 3), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: showing.write(sheet, None, "sheet"), range(16)))
    assert len(set(found)) == 16
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in found)
