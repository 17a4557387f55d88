"""A look at every image before anything is planned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline import images
from sightline.data import catalog, pack
from sightline.data.canvas import Canvas
from sightline.data.census import take_census
from sightline.data.check import LISTED, examine, without_unreadable
from sightline.data.dataset import ArrayDataset, FileDataset, Joined, Subset
from sightline.data.readers import folders
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import DataError


def damaged(root: Path) -> list[Path]:
    """Four files of the photos that nobody can read, each in its own way."""
    paths = [root / "blue" / "03.png", root / "green" / "00.png"]
    paths += [root / "red" / "05.png", root / "red" / "notes.txt"]
    paths[0].write_bytes(b"")
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    paths[2].write_text("<html>not found</html>")
    paths[3].write_text("remember the milk")
    return paths


def test_a_good_set_is_found_as_it_is(photos: Callable[..., Path]) -> None:
    train = folders.read(photos(each=6, size=20)).train
    ticks: list[int] = []
    found = examine(train, ticks.append)
    assert ticks == [1] * 18
    assert found.unreadable == []
    assert (found.images, found.grey, found.counts) == (18, 0, [6, 6, 6])
    assert found.sizes.tolist() == [[20 + i % 3, 20] for i in range(6)] * 3
    assert found.median_size == (21, 20)
    assert (found.top, found.imbalance) == (255, 1.0)
    assert found.sentence() == (
        f"photos: 18 readable images, 3 classes, 6 each, 20x20 to 20x22 pixels, "
        f"values 0 to {found.highest}"
    )
    assert without_unreadable(train, found, quarantine=False) is train


def test_everything_unreadable_is_listed_at_once(photos: Callable[..., Path]) -> None:
    root = photos(each=6)
    bad = damaged(root)
    train = folders.read(root).train
    found = examine(train)
    assert found.images == 18 - 3
    assert [row for row, _ in found.unreadable] == [3, 6, 17, 18]
    with pytest.raises(DataError) as caught:
        without_unreadable(train, found, quarantine=False)
    first, *lines, last = str(caught.value).splitlines()
    assert first == "photos: 4 of 19 files cannot be read:"
    assert [line.split(": ")[0].strip() for line in lines] == [str(path) for path in bad]
    assert [line.split(": ", 1)[1][:14] for line in lines] == [
        "empty file",
        "damaged pictur",
        "not a picture ",
        "not a picture ",
    ]
    assert last == "mend or remove them, or go on without them: --quarantine"


def test_a_quarantine_goes_on_without_them(photos: Callable[..., Path]) -> None:
    root = photos(each=6)
    bad = damaged(root)
    train = folders.read(root).train
    kept = without_unreadable(train, examine(train), quarantine=True)
    assert len(kept) == 15
    sources = [kept.source(i) for i in range(len(kept))]
    assert not set(sources) & {str(path) for path in bad}
    for i in range(len(kept)):
        name = kept.classes[kept.truths.at(i).label or 0]
        assert Path(sources[i]).parent.name == name
    assert examine(kept).unreadable == []


def test_a_file_that_a_csv_names_in_vain_is_listed_too(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    label = np.array([0, 1])
    train = FileDataset(tmp_path, ["a.png", "none.png"], Truths(label=label), ("x", "y"), "t")
    with pytest.raises(DataError, match=r"none\.png: No such file or directory"):
        without_unreadable(train, examine(train), quarantine=False)


def test_a_set_of_which_nothing_can_be_read_is_refused_even_under_quarantine(
    photos: Callable[..., Path],
) -> None:
    root = photos(each=3)
    for path in root.rglob("*.png"):
        path.write_bytes(b"")
    train = folders.read(root).train
    with pytest.raises(DataError, match="photos: 9 of 9 files cannot be read"):
        without_unreadable(train, examine(train), quarantine=True)


def test_a_long_list_is_cut_and_says_so(tmp_path: Path) -> None:
    n = LISTED + 7
    paths = [f"{i:03d}.jpg" for i in range(n)]
    truths = Truths(label=np.arange(n) % 2)
    train = FileDataset(tmp_path, paths, truths, ("x", "y"), "gone")
    with pytest.raises(DataError) as caught:
        without_unreadable(train, examine(train), quarantine=False)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + LISTED + 2
    assert lines[-2] == "  … and 7 more"


def test_greys_values_and_balance_are_counted() -> None:
    images = [np.full((4, 6, 1), 16, np.uint8)] * 3 + [np.full((8, 5, 3), 9, np.uint8)] * 2
    label = np.array([0, 0, 0, 0, 1])
    found = examine(ArrayDataset(images, Truths(label=label), ("a", "b"), "toys"))
    assert (found.grey, found.highest, found.top) == (3, 16, 16)
    assert (found.counts, found.imbalance) == ([4, 1], 4.0)
    assert found.sentence() == (
        "toys: 5 readable images, 2 classes, 1 to 4 each, 5x4 to 6x8 pixels, values 0 to 16"
    )


def test_numbers_have_no_balance() -> None:
    images = np.zeros((3, 4, 4, 1), np.uint8)
    values = Truths(values=np.zeros((3, 2), np.float32))
    found = examine(ArrayDataset(images, values, ("age", "height"), "toys"))
    assert (found.counts, found.imbalance) == ([], 1.0)
    assert found.sentence().startswith("toys: 3 readable images, 2 ")
    assert "each" not in found.sentence()


def test_black_images_are_no_reason_to_divide_by_zero() -> None:
    images = np.zeros((2, 4, 4, 1), np.uint8)
    found = examine(ArrayDataset(images, Truths(label=np.array([0, 1])), ("a", "b"), "black"))
    assert (found.highest, found.top) == (0, 255)


def test_the_value_range_of_files_is_looked_up_through_any_choice_of_them(tmp_path: Path) -> None:
    """Digits of 0 to 16 saved as pictures: white is 16, in whatever form they are looked at."""
    digits = catalog.open_named("digits").train
    for row in range(40):
        folder = tmp_path / "digits" / digits.classes[digits.truths.label[row]]
        folder.mkdir(parents=True, exist_ok=True)
        images.write(folder / f"{row}.png", digits[row].image)
    whole = folders.read(tmp_path / "digits").train
    pack.write(tmp_path / "digits.h5", Splits(whole), Canvas((8, 8), channels=1))
    packed = pack.read(tmp_path / "digits.h5").train
    for dataset in (whole, Subset(whole, [3, 1, 4]), Joined([whole, whole]), packed):
        assert examine(dataset).top == take_census(dataset).top == 16
    bright = np.full((2, 4, 4, 1), 100, np.uint8)
    given = ArrayDataset(bright, Truths(label=np.array([0, 1])), ("a", "b"), top=255)
    assert examine(given).top == 255  # of arrays what was given holds
