"""Image and mask folders; and what a mask or a picture's size is, in any format."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline import images
from sightline.data.dataset import Dataset
from sightline.data.readers import masks
from sightline.errors import DataError

ORIENTATION = 0x0112


def mask(path: Path, *values: int, size: tuple[int, int] = (6, 4)) -> None:
    """A grey mask of these values in turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.resize(np.array(values, np.uint8), (size[1], size[0]))
    Image.fromarray(pixels).save(path)


def pair(root: Path, stem: str, *values: int) -> Path:
    (root / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4)).save(root / "images" / f"{stem}.jpg")
    mask(root / "masks" / f"{stem}.png", *values)
    return root


def classes_of(dataset: Dataset, index: int = 0) -> list[int]:
    found = dataset[index].truth.mask
    assert found is not None and found.shape == (4, 6)
    return np.unique(found).tolist()


@pytest.mark.parametrize(
    ("values", "classes", "found"),
    [
        ((0, 1), 2, [0, 1]),
        ((0, 255), 2, [0, 1]),
        ((255,), 2, [1]),
        ((1,), 2, [1]),
        ((0, 1, 2, 5), 6, [0, 1, 2, 5]),
        ((0, 1, 255), 2, [0, 1, 255]),
        ((0, 1, 2, 3, 255), 4, [0, 1, 2, 3, 255]),
        ((0, 128, 255), 3, [0, 1, 2]),
        ((0, 100, 200), 3, [0, 1, 2]),
        ((100, 200), 3, [1, 2]),
    ],
    ids=str,
)
def test_the_classes_are_found_by_looking(
    tmp_path: Path, values: tuple[int, ...], classes: int, found: list[int]
) -> None:
    train = masks.read(pair(tmp_path, "a", *values)).train
    assert train.classes == ("background", *(f"class{i}" for i in range(1, classes)))
    assert classes_of(train) == found


def test_a_class_that_only_one_mask_has_is_found(tmp_path: Path) -> None:
    for i in range(20):
        pair(tmp_path, f"{i:02d}", 0, 1)
    pair(tmp_path, "15", 0, 3)
    assert len(masks.read(tmp_path).train.classes) == 4


def test_classes_may_be_given_and_255_or_another_value_be_void(tmp_path: Path) -> None:
    pair(tmp_path, "a", 0, 255)
    assert classes_of(masks.read(tmp_path, ("sky", "ground")).train) == [0, 1]
    given = masks.read(tmp_path, ("a", "b"), void=255).train
    assert given.classes == ("a", "b")
    assert classes_of(given) == [0, 255]
    pair(tmp_path, "a", 0, 1, 7)
    assert classes_of(masks.read(tmp_path, ("a", "b"), void=7).train) == [0, 1, 255]
    assert classes_of(masks.read(tmp_path, void=7).train) == [0, 1, 255]


def test_values_that_are_no_class_are_named_when_they_are_met(tmp_path: Path) -> None:
    train = masks.read(pair(tmp_path, "a", 0, 1, 7), ("a", "b", "c")).train
    with pytest.raises(DataError, match=r"a.png: unknown mask values \[7\]; expected \[0, 1, 2\]"):
        train[0]


@pytest.mark.parametrize("names", [("image", "mask"), ("imgs", "masks")])
@pytest.mark.parametrize("layout", ["{0}/", "train/{0}/", "{0}/train/"])
def test_parts_lie_above_or_below_the_two_folders(
    tmp_path: Path, names: tuple[str, str], layout: str
) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for i in range(count if "train" in layout or part == "train" else 0):
            left, right = (tmp_path / layout.format(n).replace("train", part) for n in names)
            mask(left / "sub" / f"{i}.tif", 0)
            mask(right / "sub" / f"{i}_mask.png", 0, 1)
    assert masks.recognises(tmp_path)
    splits = masks.read(tmp_path)
    sizes = {"train": 3, "test": 2} if "train" in layout else {"train": 3}
    assert {part: len(d) for part, d in splits.parts.items()} == sizes
    first = Path(splits.train.source(2)).relative_to(tmp_path)
    assert first == Path(layout.format(names[0])) / "sub/2.tif"
    assert classes_of(splits.train) == [0, 1]


# Mistakes


def said(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        masks.read(root)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(root))
    return text.removeprefix(str(root))


def test_pictures_without_a_partner_are_named(tmp_path: Path) -> None:
    for name in "abcdefg":
        pair(tmp_path, name, 0, 1)
    mask(tmp_path / "masks" / "z.png", 0, 1)
    assert said(tmp_path) == "/masks: without a partner in images/: z.png"
    for name in "abcdef":
        (tmp_path / "masks" / f"{name}.png").unlink()
    assert said(tmp_path) == (
        "/images: without a partner in masks/: a.jpg, b.jpg, c.jpg, d.jpg, e.jpg and 1 more"
    )


def test_two_pictures_of_one_stem_are_named(tmp_path: Path) -> None:
    pair(tmp_path, "a", 0, 1)
    mask(tmp_path / "masks" / "a.bmp", 0, 1)
    assert said(tmp_path) == "/masks: a.bmp and a.png differ in their suffix only"


def test_sizes_must_agree(tmp_path: Path) -> None:
    pair(tmp_path, "a", 0, 1)
    mask(tmp_path / "masks" / "a.png", 0, 1, size=(4, 6))
    assert said(tmp_path) == "/masks/a.png: 4x6 pixels, its image 6x4"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0,), ": its masks hold [0] only; expected two classes or more"),
        (tuple(range(65)), "/masks/a.png: 65 values; a mask of classes has 64 at most"),
    ],
    ids=["empty", "a photograph"],
)
def test_masks_without_classes_are_refused(
    tmp_path: Path, values: tuple[int, ...], text: str
) -> None:
    pair(tmp_path, "a")
    mask(tmp_path / "masks" / "a.png", *values, size=(60, 40))
    mask(tmp_path / "images" / "a.jpg", 0, size=(60, 40))
    assert said(tmp_path) == text


def test_many_masks_of_few_values_may_have_too_many_together(tmp_path: Path) -> None:
    for i in range(10):
        pair(tmp_path, f"{i}", *range(70 + 10 * i, 80 + 10 * i))
    assert said(tmp_path) == ": 101 values in its masks; expected 64 at most"


def test_a_folder_without_masks_is_not_recognised(tmp_path: Path) -> None:
    assert not masks.recognises(tmp_path)
    assert said(tmp_path) == ": no images/ beside masks/"
    mask(tmp_path / "train" / "images" / "a.png", 0)
    assert said(tmp_path) == "/train/images: expected masks/ beside it"


def test_arguments_that_cannot_be_are_refused(tmp_path: Path) -> None:
    pair(tmp_path, "a", 0, 1)
    with pytest.raises(DataError, match="1 classes of masks; expected 2 to 254"):
        masks.read(tmp_path, ("a",))
    with pytest.raises(DataError, match="void is 256; expected a pixel value"):
        masks.read(tmp_path, void=256)


# Masks as pictures


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


VALUES = np.arange(24, dtype=np.uint8).reshape(4, 6)


def test_a_palette_gives_its_indices(tmp_path: Path) -> None:
    picture = Image.fromarray(VALUES).convert("P")
    picture.putdata(VALUES.ravel().tolist())
    picture.putpalette([7, 8, 9] * 256)
    for options in ({}, {"transparency": 3}):
        path = saved(tmp_path / "a.png", picture, **options)
        assert np.array_equal(images.read_mask(path), VALUES)


def test_bilevel_gives_0_and_1_and_grey_its_values(tmp_path: Path) -> None:
    two = saved(
        tmp_path / "a.png", Image.fromarray((VALUES % 2 * 255).astype(np.uint8)).convert("1")
    )
    assert np.array_equal(images.read_mask(two), VALUES % 2)
    grey = images.read_mask(saved(tmp_path / "b.png", Image.fromarray(VALUES)))
    assert np.array_equal(grey, VALUES)
    assert grey.dtype == np.uint8


def test_color_is_taken_where_it_is_grey(tmp_path: Path) -> None:
    pixels = VALUES[..., None].repeat(3, 2)
    path = saved(tmp_path / "a.webp", Image.fromarray(pixels), lossless=True)
    assert np.array_equal(images.read_mask(path), VALUES)
    pixels[3, 5, 1] += 1
    with pytest.raises(DataError, match="b.png: a mask in color; expected one value a pixel"):
        images.read_mask(saved(tmp_path / "b.png", Image.fromarray(pixels)))


def test_sixteen_bits_are_taken_where_eight_would_do(tmp_path: Path) -> None:
    wide = VALUES.astype(np.uint16) * 10
    path = saved(tmp_path / "a.png", Image.fromarray(wide))
    assert np.array_equal(images.read_mask(path), wide)
    wide[0, 0] = 256
    with pytest.raises(DataError, match="b.tif: mask values to 256; expected 0 to 255"):
        images.read_mask(saved(tmp_path / "b.tif", Image.fromarray(wide)))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "CMYK", "F"])
def test_other_pictures_are_no_masks(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / "a.tif", Image.new(mode, (6, 4)))
    with pytest.raises(DataError, match=f"a.tif: a mask of mode {mode}; expected grey"):
        images.read_mask(path)


def test_a_mask_is_turned_as_its_picture_is(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = saved(tmp_path / "a.png", Image.fromarray(VALUES), exif=exif)
    assert np.array_equal(images.read_mask(path), np.rot90(VALUES, -1))


# Sizes by the header


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("turn", [None, *range(1, 9)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_size_is_that_of_the_picture_as_it_is_read(
    tmp_path: Path, suffix: str, turn: int | None, mode: str
) -> None:
    exif = Image.Exif()
    if turn:
        exif[ORIENTATION] = turn
    path = saved(
        tmp_path / f"a{suffix}", Image.new(mode, (6, 4)), **({"exif": exif} if turn else {})
    )
    assert images.size(path) == images.read(path).shape[:2]
    assert images.size(path) == ((6, 4) if turn in (5, 6, 7, 8) else (4, 6))


@pytest.mark.parametrize("mode", ["1", "P", "L"])
@pytest.mark.parametrize("suffix", [".gif", ".bmp"])
def test_pictures_without_exif_have_the_size_they_say(
    tmp_path: Path, mode: str, suffix: str
) -> None:
    assert images.size(saved(tmp_path / f"a{suffix}", Image.new(mode, (6, 4)))) == (4, 6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_only_the_header_is_needed(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, kind)
    path = tmp_path / "a"
    path.write_bytes(out.getvalue()[:2000])
    assert images.size(path) == (400, 600)
    with pytest.raises(DataError, match="a: damaged picture"):
        images.read_mask(path)


def large_png() -> bytes:
    """The head of a PNG of 10,000 x 10,000."""
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = (10_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("door", [images.size, images.read_mask])
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty file"),
        (b"hello, I am no picture", "not a picture (starts with b'hello, I')"),
        (large_png(), "10000 x 10000 pixels, over the cap of 80 million"),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"GIF89a", ""),
    ],
    ids=["empty", "text", "large", "png", "gif"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_caps_and_errors_are_those_of_reading(
    tmp_path: Path, door: object, data: bytes, text: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert callable(door)
    with pytest.raises(DataError) as caught:
        door(path)
    assert str(caught.value).startswith(f"{path}: {text}")
    with pytest.raises(DataError) as read:
        images.read(path)
    assert str(read.value) == str(caught.value)


@pytest.mark.parametrize("door", [images.size, images.read_mask])
def test_what_is_not_there_or_too_long_is_named(tmp_path: Path, door: object) -> None:
    assert callable(door)
    with pytest.raises(DataError, match="none.png: No such file or directory"):
        door(tmp_path / "none.png")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(images.BYTE_CAP + 1)
    with pytest.raises(DataError, match="huge.png: 256 MB, over the cap of 256 MB"):
        door(tmp_path / "huge.png")
