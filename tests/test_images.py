"""The door to decoders: every kind of picture, every kind of damage."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo

from sightline import images
from sightline.errors import DataError

ORIENTATION, MAKER = 0x0112, 0x010F


def blocks(height: int = 32, width: int = 48, seed: int = 0) -> np.ndarray:
    """(height, width, 3): random colors in blocks of 8, which every format keeps well."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cells.repeat(8, 0).repeat(8, 1)


def encoded(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def oriented(number: int) -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[ORIENTATION] = number
    return exif


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def black_png(width: int, height: int) -> bytes:
    """A grey PNG of zeros, made by hand: one compressed megabyte of rows, said again and again."""
    total = (width + 1) * height  # a filter byte a row
    piece = min(total, 2**20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    flushed = packer.compress(bytes(piece)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(total % piece)) + packer.flush()
    checksum = (total % 65521) << 16 | 1  # Adler-32 of zeros
    body = b"\x78\xda" + flushed * (total // piece) + rest + struct.pack(">I", checksum)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", body), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg_with_thumbnail() -> bytes:
    """A JPEG whose EXIF holds a whole little JPEG, end marker and all, and says "turn"."""
    whole = encoded(Pillow.fromarray(blocks(64, 96)), "JPEG")
    little = encoded(Pillow.fromarray(blocks(16, 16)), "JPEG")
    start = 8 + 18 + 30  # after the header and two directories of 1 and 2 entries
    body = b"Exif\x00\x00II*\x00" + struct.pack("<I", 8)
    body += struct.pack("<HHHIII", 1, ORIENTATION, 3, 1, 6, 26)
    body += struct.pack("<H", 2) + struct.pack("<HHII", 0x0201, 4, 1, start)
    body += struct.pack("<HHII", 0x0202, 4, 1, len(little)) + struct.pack("<I", 0) + little
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + whole[2:]


def outcome(data: bytes) -> np.ndarray | str:
    """The pixels, or what the error says."""
    try:
        return images.decode(data, "x")
    except DataError as error:
        return str(error)


def offsets(data: bytes, count: int = 60) -> list[int]:
    return sorted({int(i) for i in np.linspace(1, len(data) - 3, count)})


# What becomes of unusual pictures


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("JPEG", "PNG", "TIFF") for mode in ("RGB", "L")]
    + [("WEBP", "RGB")],  # it has no grey
)
def test_every_orientation_is_undone_as_pillow_undoes_it(number: int, kind: str, mode: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = Pillow.fromarray(blocks()).convert(mode)
    data = encoded(picture, kind, exif=oriented(number), **options)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))))
    got = images.decode(data, "x")
    assert got.shape == (*expected.shape[:2], 1 if mode == "L" else 3)
    difference = np.abs(got.astype(int).squeeze() - expected)
    assert difference.max() <= (3 if kind == "JPEG" else 0)  # two builds of one decoder
    assert got.flags.c_contiguous


@pytest.mark.parametrize("number", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_passed_over(number: int) -> None:
    picture = Pillow.fromarray(blocks())
    data = encoded(picture, "JPEG", exif=oriented(number))
    assert np.array_equal(images.decode(data, "x"), images.decode(encoded(picture, "JPEG"), "x"))


def text_of_exif(number: int) -> PngInfo:
    """As ImageMagick writes EXIF into a PNG: lines of hexadecimal."""
    exif = oriented(number).tobytes()
    notes = PngInfo()
    notes.add_text("Raw profile type exif", f"\nexif\n{len(exif):8}\n{exif.hex()}\n")
    return notes


def xmp(number: int) -> PngInfo:
    notes = PngInfo()
    said = f"<rdf:Description tiff:Orientation='{number}'/>".replace("'", '"')
    notes.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{said}</x:xmpmeta>")
    return notes


@pytest.mark.parametrize("notes", [text_of_exif, xmp])
def test_a_png_may_say_it_is_turned_in_other_words(notes: Callable[[int], PngInfo]) -> None:
    data = encoded(Pillow.fromarray(blocks()), "PNG", pnginfo=notes(6))
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))))
    assert expected.shape == (48, 32, 3)
    assert np.array_equal(images.decode(data, "x"), expected)


GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
RED = Pillow.new("RGB", (6, 4), (200, 30, 30))
GREEN = Pillow.new("RGB", (6, 4), (30, 200, 30))
WHITE = (255, 255, 255)


def see_through(mode: str) -> Pillow.Image:
    """A red (or grey) picture whose left half is not there and whose right half is."""
    picture = RED.convert(mode)
    alpha = np.zeros((4, 6), np.uint8)
    alpha[:, 3:] = 255
    picture.putalpha(Pillow.fromarray(alpha))
    return picture


def half_there() -> Pillow.Image:
    return Pillow.new("RGBA", (6, 4), (0, 0, 0, 128))


LEFT_RIGHT = {
    # what, bytes, channels, the top left and the top right pixel
    "RGBA over white": (encoded(see_through("RGB"), "PNG"), 3, WHITE, (200, 30, 30)),
    "half black over white": (encoded(half_there(), "PNG"), 3, (127,) * 3, (127,) * 3),
    "LA over white": (encoded(see_through("L"), "PNG"), 1, (255,), (80,)),
    "WebP with alpha": (
        encoded(see_through("RGB"), "WEBP", lossless=True),
        3,
        WHITE,
        (200, 30, 30),
    ),
    "palette": (encoded(RED.quantize(4), "PNG"), 3, (200, 30, 30), (200, 30, 30)),
    "palette, its one color transparent": (
        encoded(RED.quantize(4), "PNG", transparency=0),
        3,
        WHITE,
        WHITE,
    ),
    "palette of shades of transparency": (
        encoded(RED.quantize(4), "PNG", transparency=bytes([0, 255, 255, 255])),
        3,
        WHITE,
        WHITE,
    ),
    "RGB with one transparent color": (
        encoded(RED, "PNG", transparency=(200, 30, 30)),
        3,
        WHITE,
        WHITE,
    ),
    "GIF with a transparent color": (
        encoded(RED.quantize(4), "GIF", transparency=0),
        3,
        WHITE,
        WHITE,
    ),
    "the first frame of a GIF": (
        encoded(RED, "GIF", save_all=True, append_images=[GREEN]),
        3,
        (200, 30, 30),
        (200, 30, 30),
    ),
    "the first frame of a WebP": (
        encoded(RED, "WEBP", save_all=True, append_images=[GREEN], lossless=True),
        3,
        (200, 30, 30),
        (200, 30, 30),
    ),
    "the first frame of an animated PNG": (
        encoded(RED, "PNG", save_all=True, append_images=[GREEN]),
        3,
        (200, 30, 30),
        (200, 30, 30),
    ),
    "the first page of a TIFF": (
        encoded(RED, "TIFF", save_all=True, append_images=[GREEN]),
        3,
        (200, 30, 30),
        (200, 30, 30),
    ),
    "BMP": (encoded(RED, "BMP"), 3, (200, 30, 30), (200, 30, 30)),
    "bilevel": (encoded(Pillow.fromarray(GREY > 25), "PNG"), 1, (0,), (255,)),
    "bilevel TIFF": (encoded(Pillow.fromarray(GREY > 25), "TIFF"), 1, (0,), (255,)),
    "grey BMP": (encoded(Pillow.fromarray(GREY), "BMP"), 1, (0,), (50,)),
}


@pytest.mark.parametrize("what", LEFT_RIGHT)
def test_an_unusual_picture_becomes_plain_pixels(what: str) -> None:
    data, channels, left, right = LEFT_RIGHT[what]
    got = images.decode(data, what)
    assert got.dtype == np.uint8
    assert got.shape == (4, 6, channels)
    assert got[0, 0].tolist() == pytest.approx(list(left), abs=1)
    assert got[0, 5].tolist() == pytest.approx(list(right), abs=1)


def test_a_grey_png_with_a_transparent_shade_is_laid_over_white() -> None:
    got = images.decode(encoded(Pillow.fromarray(GREY), "PNG", transparency=10), "x")
    assert got.shape == (4, 6, 1)
    assert got[0, :3, 0].tolist() == [0, 255, 20]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_decoded_as_pillow_decodes_it(mode: str, progressive: bool) -> None:
    data = encoded(Pillow.fromarray(blocks()).convert(mode), "JPEG", progressive=progressive)
    got = images.decode(data, "x")
    expected = Pillow.open(io.BytesIO(data))
    expected = expected if mode == "L" else expected.convert("RGB")
    assert got.shape == (32, 48, 1 if mode == "L" else 3)
    assert np.abs(got.astype(int).squeeze() - np.asarray(expected)).max() <= 3


def test_a_photograph_of_two_pictures_in_one_file_is_its_first() -> None:
    data = encoded(RED, "MPO", save_all=True, append_images=[GREEN])
    assert images.decode(data, "x")[0, 0].tolist() == pytest.approx([200, 30, 30], abs=3)


def test_sixteen_bits_are_divided_by_257() -> None:
    values = np.array([[0, 128, 129, 257, 385, 386, 32768, 65535]], np.uint16)
    expected = [[0, 0, 1, 1, 1, 2, 128, 255]]
    for kind in ("PNG", "TIFF"):
        got = images.decode(encoded(Pillow.fromarray(values), kind), kind)
        assert got.shape == (1, 8, 1)
        assert got[..., 0].tolist() == expected


def big_endian_tiff(values: np.ndarray) -> bytes:
    height, width = values.shape
    entries = [(256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, 2 * height * width)]
    data = values.astype(">u2").tobytes()
    out = b"MM\x00*" + struct.pack(">I", 8 + len(data)) + data + struct.pack(">H", len(entries))
    for tag, kind, value in entries:
        short = struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
        out += struct.pack(">HHI", tag, kind, 1) + short
    return out + struct.pack(">I", 0)


@pytest.mark.parametrize("highest", [65535, 200])
def test_sixteen_bits_in_either_order_of_bytes_are_the_same(highest: int) -> None:
    values = np.array([[0, 60, 120, highest]], np.uint16)
    big = images.decode(big_endian_tiff(values), "big")
    little = images.decode(encoded(Pillow.fromarray(values), "TIFF"), "little")
    assert np.array_equal(big, little)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 100, 255]], np.float32), [0, 100, 255]),
        (np.array([[0, 25700, 65535]], np.float32), [0, 100, 255]),
        (np.array([[0, 1, 255]], np.int32), [0, 1, 255]),
        (np.array([[0, 25700, 65535]], np.int32), [0, 100, 255]),
    ],
    ids=["0 to 1", "0 to 255", "0 to 65535", "int to 255", "int to 65535"],
)
def test_a_tiff_of_numbers_is_read_in_the_range_it_has(
    values: np.ndarray, expected: list[int]
) -> None:
    got = images.decode(encoded(Pillow.fromarray(values), "TIFF"), "x")
    assert got.shape == (1, 3, 1)
    assert got[0, :, 0].tolist() == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("worst", [-1.0, 65536.0, np.nan, np.inf])
def test_a_tiff_of_numbers_outside_every_range_is_refused(worst: float) -> None:
    values = np.array([[0.0, 0.5, worst]], np.float32)
    with pytest.raises(DataError, match=r"depth\.tif: grey values from .*expected 0 to 65535"):
        images.decode(encoded(Pillow.fromarray(values), "TIFF"), "depth.tif")


# Damage


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95}], ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_cut_anywhere_is_refused(mode: str, options: dict) -> None:
    data = encoded(Pillow.fromarray(blocks()).convert(mode), "JPEG", **options)
    for end in [*offsets(data), len(data) - 2, len(data) - 1]:
        with pytest.raises(DataError, match=r"cut\.jpg: "):
            images.decode(data[:end], "cut.jpg")


@pytest.mark.parametrize("filling", [b"\x00", b"\xff", b" "], ids=repr)
def test_a_jpeg_whose_end_never_arrived_is_refused(filling: bytes) -> None:
    """As a download leaves it that reserved the space first."""
    data = encoded(Pillow.fromarray(blocks(64, 64)), "JPEG")
    for share in (0.5, 0.8, 0.95):
        there = int(len(data) * share)
        with pytest.raises(DataError, match="damaged"):
            images.decode(data[:there] + filling * (len(data) - there), "x.jpg")


def test_the_thumbnails_end_is_not_taken_for_the_pictures() -> None:
    data = jpeg_with_thumbnail()
    assert images.decode(data, "x").shape == (96, 64, 3)
    for end in [*range(1, len(data) - 1, 53), len(data) - 2]:
        with pytest.raises(DataError):
            images.decode(data[:end], "x")


@pytest.mark.parametrize("trailing", [b"\x00" * 100, b"junk" * 50, b"\xff\xda\x00", b"\xff\xd8"])
def test_bytes_after_the_end_of_a_jpeg_do_no_harm(trailing: bytes) -> None:
    data = encoded(Pillow.fromarray(blocks()), "JPEG")
    got = images.decode(data + trailing, "x").astype(int)
    assert np.abs(got - images.decode(data, "x")).max() <= 3


PNGS = {
    "RGB": encoded(Pillow.fromarray(blocks()), "PNG"),
    "L": encoded(Pillow.fromarray(blocks()[..., 0]), "PNG"),
    "P": encoded(Pillow.fromarray(blocks()).quantize(16), "PNG"),
    "RGBA": encoded(Pillow.fromarray(blocks()).convert("RGBA"), "PNG"),
    "I;16": encoded(Pillow.fromarray(blocks()[..., 0].astype(np.uint16) * 257), "PNG"),
}


@pytest.mark.parametrize("mode", PNGS)
def test_a_png_cut_anywhere_is_refused_or_whole(mode: str) -> None:
    """Whole: what is cut off the very end holds no pixels."""
    data = PNGS[mode]
    whole = images.decode(data, "x")
    for end in offsets(data):
        got = outcome(data[:end])
        assert isinstance(got, str) or (end > len(data) - 24 and np.array_equal(got, whole)), end


@pytest.mark.parametrize("mode", PNGS)
def test_a_png_with_a_flipped_bit_never_becomes_another_picture(mode: str) -> None:
    """Its checksums are there to be asked."""
    data = PNGS[mode]
    whole, accepted = images.decode(data, "x"), []
    for place in range(data.find(b"IDAT") + 4, data.rfind(b"IEND") - 8):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        got = outcome(bytes(flipped))
        if not isinstance(got, str) and not np.array_equal(got, whole):
            accepted.append(place)
    assert accepted == []


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow's about TIFF; see below
@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "TIFF"])
def test_any_other_file_cut_anywhere_is_refused(kind: str) -> None:
    data = encoded(Pillow.fromarray(blocks()), kind)
    for end in offsets(data, 40):
        with pytest.raises(DataError):
            images.decode(data[: min(end, len(data) - 8)], "x")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_random_damage_is_answered_with_pixels_or_one_line(kind: str) -> None:
    rng = np.random.default_rng(0)
    seed = encoded(Pillow.fromarray(blocks()), kind)
    for number in range(40):
        data = np.frombuffer(seed, np.uint8).copy()
        places = rng.integers(0, min(len(data), [40, 200, len(data)][number % 3]), 3)
        data[places] = rng.integers(0, 256, 3)
        got = outcome(data.tobytes())
        if isinstance(got, str):
            assert got.startswith("x: ")
            assert "\n" not in got
        else:
            assert got.dtype == np.uint8
            assert got.ndim == 3
            assert got.shape[2] in (1, 3)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty file"),
        (b"\x00" * 100, "not a picture"),
        (b"hello, I am no picture", "not a picture (starts with b'hello, I')"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%PDF-1.7\n", "not a picture"),
        (b"P6 1 1 255 abc", "not a picture"),  # Pillow reads it; it is not among ours
        (b"\xff\xd8\xff", "not a picture"),
        (b"GIF89a", ""),
        (b"\x89PNG\r\n\x1a\n", ""),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_picture_is_refused_by_its_content(data: bytes, said: str) -> None:
    with pytest.raises(DataError) as caught:
        images.decode(data, "photos/a.jpg")
    assert str(caught.value).startswith("photos/a.jpg: ")
    assert said in str(caught.value)


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PNGS["RGB"])
    assert np.array_equal(images.read(tmp_path / "a.jpg"), blocks())


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    assert images.decode(black_png(30, 20), "little").shape == (20, 30, 1)
    (tmp_path / "bomb.png").write_bytes(black_png(30_000, 30_000))
    assert (tmp_path / "bomb.png").stat().st_size < 2_000_000
    with pytest.raises(DataError, match=r"bomb\.png: .*over the cap of 80 million"):
        images.read(tmp_path / "bomb.png")


@pytest.mark.parametrize("side", [8945, 10_000], ids=["just over ours", "over Pillow's warning"])
def test_a_picture_over_the_cap_is_refused(side: int) -> None:
    with pytest.raises(DataError, match="over the cap of 80 million"):
        images.decode(black_png(side, side), "large.png")


def said_about(path: Path) -> tuple[str, str]:
    """What a script prints that reads a picture, and what appears on standard error meanwhile."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sightline import images\n"
        "from sightline.errors import DataError\n"
        "try:\n    print(images.read(Path(sys.argv[1])).shape)\n"
        "except DataError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip(), done.stderr


def test_a_picture_over_the_cap_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(black_png(10_000, 10_000))
    assert said_about(path) == (
        f"{path}: 10000 x 10000 pixels, over the cap of 80 million",
        "",
    )


def test_a_picture_with_damaged_exif_is_read_without_a_warning(tmp_path: Path) -> None:
    """Such photographs are common, and their pixels are whole."""
    exif = oriented(1)
    exif[MAKER] = "Maker" * 20
    data = bytearray(encoded(Pillow.fromarray(blocks()), "JPEG", exif=exif))
    data[data.find(b"Exif") + 6 + 8] = 255  # the number of entries in the directory
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert said_about(path) == ("(32, 48, 3)", "")


# Reading and writing


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        images.read(tmp_path / "none.jpg")
    assert str(caught.value) == f"{tmp_path / 'none.jpg'}: No such file or directory"


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a plain file"):
        images.read(tmp_path)


def test_a_name_that_no_file_can_have_is_a_data_error() -> None:
    """As a damaged CSV may hold it."""
    with pytest.raises(DataError, match="null"):
        images.read(Path("a\x00.png"))


def test_a_file_over_the_cap_of_bytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(images.BYTE_CAP + 1)  # a hole: no bytes on disk
    with pytest.raises(DataError, match=r"huge\.jpg: 256 MB, over the cap of 256 MB"):
        images.read(tmp_path / "huge.jpg")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("suffix", "off"), [(".png", 0), (".PNG", 0), (".jpg", 6), (".webp", 6)])
def test_what_is_written_reads_back(tmp_path: Path, suffix: str, off: int, channels: int) -> None:
    ramp = np.linspace(0, 255, 40).astype(np.uint8)
    pixels = np.stack([np.tile(ramp, (24, 1))] * channels, -1)
    images.write(tmp_path / f"a{suffix}", pixels)
    got = images.read(tmp_path / f"a{suffix}")
    assert np.abs(got.astype(int) - pixels).max() <= off
    assert got.shape == (24, 40, 3 if suffix == ".webp" else channels)  # WebP has no grey
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_color_is_written_in_its_order() -> None:
    got = images.decode(images.encode(np.asarray(RED), ".png"), "x")
    assert got[0, 0].tolist() == [200, 30, 30]


def test_quality_makes_a_jpeg_larger() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert len(images.encode(noise, ".jpg", 95)) > len(images.encode(noise, ".jpg", 50))


# Channels and sizes


def test_grey_is_repeated_and_color_weighed_as_bt_601() -> None:
    pixels = blocks()
    grey = images.to_channels(pixels, 1)
    assert grey.shape == (32, 48, 1)
    assert np.abs(grey[..., 0] - pixels @ np.array([0.299, 0.587, 0.114])).max() <= 0.51
    assert np.array_equal(images.to_channels(grey, 3), grey.repeat(3, 2))
    assert images.to_channels(pixels, 3) is pixels
    assert images.with_channels(grey[..., 0]).shape == (32, 48, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_shrinking_by_whole_factors_averages_areas(channels: int) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (24, 36, channels), dtype=np.uint8)
    got = images.resize(pixels, (8, 9))
    expected = pixels.reshape(8, 3, 9, 4, channels).mean((1, 3))
    assert got.shape == (8, 9, channels)
    assert np.abs(got - expected).max() <= 0.51


def test_growing_keeps_what_is_constant_and_linear() -> None:
    ramp = np.tile(np.arange(0, 160, 20, dtype=np.uint8), (4, 1))[..., None]
    grown = images.resize(ramp, (8, 32))
    assert grown.shape == (8, 32, 1)
    inner = grown[0, 2:-2, 0].astype(float)
    assert np.abs(np.diff(inner) - 5).max() <= 1
    assert (grown == grown[:1]).all()


def test_a_picture_of_the_wanted_size_is_passed_on() -> None:
    pixels = blocks()
    assert images.resize(pixels, (32, 48)) is pixels


def test_shrinking_along_one_side_averages_even_where_the_other_grows() -> None:
    """Else rows of a tall, narrow picture are skipped instead of averaged."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 8, 1), dtype=np.uint8)
    got = images.resize(noise, (16, 16)).astype(float)
    averaged = noise.reshape(16, 32, 8).mean(1).astype(np.float32)
    expected = cv2.resize(averaged, (16, 16), interpolation=cv2.INTER_LINEAR)
    assert np.abs(got[..., 0] - expected).max() <= 1.5
