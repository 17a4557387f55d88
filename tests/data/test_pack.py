"""Packs: what they hold is what the canvas makes, in any process; damaged ones are one line."""

import json
import multiprocessing
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

from sightline.data import pack
from sightline.data.augment import Augment
from sightline.data.boxes import Boxes, Instances
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset, Subset
from sightline.data.fingerprint import fingerprint
from sightline.data.loader import Loader
from sightline.data.opening import open_set
from sightline.data.placing import OnCanvas, batch_of, on_canvas
from sightline.data.split import Splits, cut
from sightline.data.truths import ArrayPictures, Truths
from sightline.data.views import View
from sightline.errors import DataError, OutputError
from sightline.instances import of_mask

NAMES = ("cell", "größe", "plate, red")
CANVASES = [
    Canvas((16, 24)),
    Canvas((16, 24), "contain", fill=9),
    Canvas((24, 16), "cover", channels=1),
]


def everything(n: int, seed: int = 0) -> ArrayDataset:
    """Images of differing size with truths of every kind; targets are three times as large."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(10, 40, (n, 2))
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in sizes]
    stripes = [np.tile(rng.random(w) < 0.5, (h, 1)) for h, w in sizes]
    masks = [of_mask(stripes[i]) for i in range(n) for _ in range(i % 4)]
    truths = Truths(
        label=rng.integers(0, 3, n),
        labels=rng.integers(-1, 2, (n, 3)).astype(np.int8),
        values=rng.normal(size=(n, 3)).astype(np.float32),
        landmarks=np.where(rng.random((n, 5, 1)) < 0.2, np.nan, rng.uniform(0, 40, (n, 5, 2))),
        boxes=Boxes.of(
            [rng.uniform(0, 40, (i % 4, 4)) for i in range(n)],
            [rng.integers(0, 3, i % 4) for i in range(n)],
            Instances.of(masks),
        ),
        masks=ArrayPictures([rng.integers(0, 3, (h, w)).astype(np.uint8) for h, w in sizes]),
        targets=ArrayPictures(
            [rng.integers(0, 256, (3 * h, 3 * w, 3), dtype=np.uint8) for h, w in sizes]
        ),
    )
    return ArrayDataset(images, truths, NAMES, "all", source=lambda i: f"földer/{seed}-{i}.png")


def packed(path: Path, canvas: Canvas = CANVASES[0], n: int = 37) -> tuple[Splits, Splits]:
    """A set and what its pack reads as."""
    splits = Splits(everything(n), test=everything(3, seed=1))
    pack.write(path, splits, canvas)
    return splits, pack.read(path)


def assert_same(ours: Truths, theirs: Truths) -> None:
    assert ours.columns.keys() == theirs.columns.keys()
    for name, column in ours.columns.items():
        other = getattr(theirs, name)
        if name == "boxes":
            for field in ("boxes", "classes", "starts"):
                assert np.array_equal(getattr(column, field), getattr(other, field))
            for field in ("counts", "starts", "sizes"):
                left, right = (getattr(c.instances, field) for c in (column, other))
                assert np.array_equal(left, right)
        elif name in ("masks", "targets"):
            assert all(np.array_equal(column.at(i), other.at(i)) for i in range(len(column)))
        else:
            assert np.array_equal(column, other, equal_nan=column.dtype.kind == "f")
            assert column.dtype == other.dtype or name == "landmarks"


@pytest.mark.parametrize("canvas", CANVASES, ids=lambda c: c.mode)
def test_a_pack_holds_what_the_canvas_makes_of_every_image_and_truth(
    tmp_path: Path, canvas: Canvas
) -> None:
    splits, again = packed(tmp_path / "p.h5", canvas)
    assert list(again.parts) == ["train", "test"]
    for name, part in splits.parts.items():
        stored = again.parts[name]
        assert (stored.name, stored.classes, stored.top) == ("all", NAMES, 255)
        rows = np.arange(len(part))
        pixels, truths = batch_of(OnCanvas(part, canvas), rows)
        assert np.array_equal(stored.images(rows), pixels)
        assert_same(truths, stored.truths)
        assert [stored.source(i) for i in rows] == [part.source(i) for i in rows]
        assert isinstance(stored, pack.PackDataset)
        assert stored.canvas == canvas
        whole = np.asarray(pixels, np.float64).mean((0, 1, 2)) / 255
        assert np.allclose(stored.mean, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("canvas", CANVASES, ids=lambda c: c.mode)
def test_rows_come_in_any_order_and_number(tmp_path: Path, canvas: Canvas) -> None:
    _, again = packed(tmp_path / "p.h5", canvas)
    rows = np.array([5, 36, 5, 0, 20])
    pixels, truths = batch_of(again.train, rows)
    assert np.array_equal(pixels, again.train.images(np.arange(37))[rows])
    some = Subset(Subset(again.train, [5, 36, 0, 20]), [0, 1, 0, 2, 3])
    assert_same(truths, some.truths)
    assert np.array_equal(some.images([1, 2]), pixels[1:3])
    assert some.source(3) == "földer/0-0.png"
    assert np.array_equal(some[4].image, pixels[4])


def test_a_target_lies_where_its_image_lies(tmp_path: Path) -> None:
    """A target that is its image enlarged by repeating pixels stays just that, off the filling."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in [(16, 11), (9, 24)]]
    larger = ArrayPictures([image.repeat(2, 0).repeat(2, 1) for image in images])
    part = ArrayDataset(images, Truths(targets=larger), ())
    pack.write(tmp_path / "p.h5", Splits(part), Canvas((16, 24), "contain", fill=7))
    again = pack.read(tmp_path / "p.h5").train
    assert again.truths.targets is not None
    for i in range(2):
        expected = again[i].image.repeat(2, 0).repeat(2, 1)
        assert np.array_equal(again.truths.targets.at(i), expected)


@pytest.mark.parametrize(
    ("size", "message"),
    [((17, 10), "mask 1: 10x17, its image is 10x10"), ((30, 30), "targets.*one factor|several")],
)
def test_targets_of_no_common_factor_are_named(
    tmp_path: Path, size: tuple[int, int], message: str
) -> None:
    images = np.zeros((2, 10, 10, 3), np.uint8)
    targets = ArrayPictures([np.zeros((10, 10, 3), np.uint8), np.zeros((*size, 3), np.uint8)])
    part = ArrayDataset(images, Truths(targets=targets), ())
    with pytest.raises(DataError, match=message):
        pack.write(tmp_path / "p.h5", Splits(part), Canvas((8, 8)))
    assert list(tmp_path.iterdir()) == []


def digits() -> ArrayDataset:
    bunch = load_digits()
    truths = Truths(label=bunch.target[:300].astype(np.int64))
    pixels = bunch.images[:300].astype(np.uint8)[..., None]
    return ArrayDataset(pixels, truths, [str(i) for i in range(10)], "digits", top=16)


def test_digits_keep_their_value_range(tmp_path: Path) -> None:
    whole = digits()
    pack.write(tmp_path / "p.h5", Splits(whole), Canvas((8, 8), channels=1))
    again = open_set(str(tmp_path / "p.h5")).train
    assert again.top == 16
    assert np.array_equal(again.images(np.arange(300)), whole.images(np.arange(300)))
    assert isinstance(again, pack.PackDataset)
    assert again.mean == [pytest.approx(whole.images(np.arange(300)).mean() / 16)]


def test_training_batches_of_a_pack_are_those_of_its_files(tmp_path: Path) -> None:
    whole, paths = digits(), []
    for i in range(60):
        paths.append(f"{i}.png")
        Image.fromarray(np.asarray(whole[i].image)[..., 0] * 15).resize((11, 13)).save(
            tmp_path / paths[-1]
        )
    truths = Truths(label=whole.truths.take(np.arange(60)).label)
    files = Splits(FileDataset(tmp_path, paths, truths, whole.classes))
    canvas = Canvas((10, 12))
    pack.write(tmp_path / "p.h5", files, canvas)
    view = View((10, 12), augment=Augment(flip=True, shift=0.1, rotate=10))
    ours, theirs = (cut(splits, 0.2, 0.2, 0) for splits in (files, pack.read(tmp_path / "p.h5")))
    for part, other in zip(ours.parts.values(), theirs.parts.values(), strict=True):
        loaders = [
            Loader(on_canvas(dataset, canvas), view, 8, 3, torch.device("cpu"))
            for dataset in (part, other)
        ]
        for one, two in zip(loaders[0].epoch(1), loaders[1].epoch(1), strict=True):
            assert one.labels is not None
            assert two.labels is not None
            assert torch.equal(one.inputs, two.inputs)
            assert torch.equal(one.labels, two.labels)


def test_a_pack_on_its_own_canvas_is_not_copied_and_on_another_is_placed_again(
    tmp_path: Path,
) -> None:
    _, again = packed(tmp_path / "p.h5")
    assert on_canvas(again.train, Canvas((16, 24), "contain")) is again.train
    part = Subset(again.train, [3, 1])
    assert on_canvas(part, CANVASES[0]) is part
    other = on_canvas(part, Canvas((8, 12), channels=1))
    assert isinstance(other, ArrayDataset)
    assert np.array_equal(
        other.images([0])[0], Canvas((8, 12), channels=1).place(part[0].image)[0].pixels
    )


@pytest.mark.parametrize("mode", ["native", "tile"])
def test_canvases_of_many_sizes_are_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(DataError, match=f"mode {mode} has none; use stretch, contain, cover"):
        pack.write(tmp_path / "p.h5", Splits(digits()), Canvas((8, 8), mode))  # type: ignore[arg-type]


def test_parts_that_differ_and_empty_parts_are_refused(tmp_path: Path) -> None:
    other = ArrayDataset(np.zeros((1, 8, 8, 1), np.uint8), Truths(label=np.array([0])), ("0",))
    with pytest.raises(DataError, match="digits: its parts differ in classes"):
        pack.write(tmp_path / "p.h5", Splits(digits(), test=other), Canvas((8, 8)))
    none = Subset(digits(), np.empty(0, np.int64))
    with pytest.raises(DataError, match="digits: its part val holds no images"):
        pack.write(tmp_path / "p.h5", Splits(digits(), none), Canvas((8, 8)))


# Whole or absent, in bounded memory


def test_a_picture_that_cannot_be_read_is_named_and_nothing_left(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    for i in range(3):
        Image.new("RGB", (9, 9)).save(root / f"{i}.png")
    (root / "1.png").write_bytes((root / "0.png").read_bytes()[:60])
    files = FileDataset(root, [f"{i}.png" for i in range(3)], Truths(label=np.zeros(3, int)), "a")
    with pytest.raises(DataError, match=r"set/1\.png"):
        pack.write(tmp_path / "p.h5", Splits(files), Canvas((8, 8)))
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack.write(tmp_path / "p.h5", Splits(everything(20)), Canvas((8, 8)), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    packed(tmp_path / "p.h5")
    before = (tmp_path / "p.h5").read_bytes()
    with pytest.raises(OutputError, match=r"p\.h5 exists; --to never overwrites"):
        packed(tmp_path / "p.h5")
    assert (tmp_path / "p.h5").read_bytes() == before


def test_images_are_counted_as_they_are_written(tmp_path: Path) -> None:
    ticks: list[int] = []
    splits = Splits(everything(37), test=everything(3, seed=1))
    pack.write(tmp_path / "p.h5", splits, Canvas((8, 8)), ticks.append)
    assert sum(ticks) == 40
    assert len(ticks) == 4


class Repeated(Dataset):
    """As many images as wanted, of which none takes room."""

    def __init__(self, n: int) -> None:
        self.name, self.classes, self.top = "repeated", ("a", "b"), 255
        self.truths = Truths(label=np.zeros(n, np.int64))

    def images(self, indices: object) -> np.ndarray:
        return np.zeros((len(np.atleast_1d(indices)), 64, 64, 3), np.uint8)  # type: ignore[arg-type]

    def source(self, index: int) -> str:
        return f"repeated:{index}"


def test_memory_does_not_grow_with_the_set(tmp_path: Path) -> None:
    peaks = []
    for n in (50, 50, 3000):  # the first warms up
        path = tmp_path / f"{len(peaks)}.h5"
        tracemalloc.start()
        pack.write(path, Splits(Repeated(n)), Canvas((64, 64)))
        train = pack.read(path).train
        for start in range(0, n, 50):
            train.images(np.arange(start, start + 50))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 1e6  # of 37 MB of images


# Other processes


def sums(dataset: Dataset, workers: int, start: str | None) -> list[tuple[int, str, int]]:
    loader = DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_size=4,
        num_workers=workers,
        multiprocessing_context=start,
        collate_fn=seen,
    )
    return [row for batch in loader for row in batch]


def seen(samples: list) -> list[tuple[int, str, int]]:
    return [
        (int(s.image.sum(dtype=np.int64)), s.source, int(s.truth.mask.sum(dtype=np.int64)))
        for s in samples
    ]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_read_the_right_rows(tmp_path: Path, start: str) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {start}")
    _, again = packed(tmp_path / "p.h5", n=19)
    some = Subset(again.train, np.arange(19)[::-2])
    alone = sums(some, 0, None)
    assert alone[0][1] == "földer/0-18.png"
    assert sums(some, 2, start) == alone


def test_a_pickled_pack_carries_no_images(tmp_path: Path) -> None:
    _, again = packed(tmp_path / "p.h5", Canvas((200, 200)))
    for dataset in (again.train, Subset(again.train, np.arange(37))):
        content = pickle.dumps(dataset)
        assert len(content) < 40_000  # of 10 MB
        copy = pickle.loads(content)
        assert np.array_equal(copy.images([3]), dataset.images([3]))
        assert_same(dataset.truths, copy.truths)


def test_the_fingerprint_is_the_same_for_the_same_set(tmp_path: Path) -> None:
    packed(tmp_path / "a.h5")
    (tmp_path / "deep").mkdir()
    packed(tmp_path / "deep/b.h5")
    prints = [fingerprint(pack.read(tmp_path / n).train) for n in ("a.h5", "deep/b.h5")]
    assert prints[0] == prints[1]
    other = Splits(everything(37, seed=2))
    pack.write(tmp_path / "c.h5", other, CANVASES[0])
    assert fingerprint(pack.read(tmp_path / "c.h5").train) != prints[0]


# Damaged packs


def changed(name: str, **values: object) -> Callable[[h5py.File], None]:
    """Replace a column of train by another."""

    def make(file: h5py.File) -> None:
        del file[f"train/{name}"]
        if values:
            file["train"].create_dataset(name, **values)

    return make


def cell(name: str, index: object, value: object) -> Callable[[h5py.File], None]:
    return lambda file: file[f"train/{name}"].__setitem__(index, value)


def about(**values: object) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        found = json.loads(file["about"][()].tobytes()) | values
        kept = {key: value for key, value in found.items() if value is not None}
        del file["about"]
        file["about"] = np.frombuffer(json.dumps(kept).encode(), np.uint8)

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (changed("images", data=np.zeros((37, 16, 24, 3), np.float32)), "train/images is float32"),
        (changed("images", data=np.zeros((37, 16, 23, 3), np.uint8)), "train/images is uint8 of"),
        (changed("images", data=np.zeros((0, 16, 24, 3), np.uint8)), "train holds no images"),
        (changed("images", shape=(10**12, 16, 24, 3), dtype="u1"), "train/images is cut short"),
        (changed("images"), "train/images is missing"),
        (changed("sources"), "train/sources is missing"),
        (changed("sources", data=np.zeros(36, "S9")), "train/sources is"),
        (changed("mean"), "train/mean is missing"),
        (cell("label", 0, 3), "train/label has wrong values; expected 0 to 2"),
        (cell("label", 0, -1), "train/label has wrong values"),
        (changed("label", data=np.zeros(36, np.int64)), r"train/label is int64 of \(36,\)"),
        (changed("label", data=np.zeros(37, np.int32)), "train/label is int32"),
        (cell("labels", (0, 0), 2), "train/labels has wrong values; expected 1, 0 and -1"),
        (cell("values", (0, 0), np.nan), "train/values has wrong values; expected finite"),
        (cell("landmarks", (0, 0), np.inf), "train/landmarks has wrong values"),
        (changed("landmarks", data=np.zeros((37, 5), np.float32)), "train/landmarks is"),
        (cell("box_starts", 3, 1000), "train/box_starts has wrong values; expected rising"),
        (cell("box_starts", 3, -(2**62)), "train/box_starts has wrong values"),
        (cell("box_starts", 37, 10), "train/box_starts has wrong values"),
        (cell("instance_starts", 3, 2), "train/instance_starts has wrong values; expected rising"),
        (
            cell("instance_counts", 0, 2**31),
            "train/instance_counts has wrong values; expected sums",
        ),
        (cell("box_classes", 0, 3), "train/box_classes has wrong values; expected 0 to 2"),
        (cell("box_corners", (0, 0), np.nan), "train/box_corners has wrong values"),
        (changed("box_classes"), "train/box_classes is missing"),
        (changed("masks", data=np.zeros((37, 8, 8), np.uint8)), "train/masks is uint8 of"),
        (changed("targets", data=np.zeros((37, 40, 72, 3), np.uint8)), "targets has wrong"),
        (about(classes=None), "classes: Field required"),
        (about(classes=3), "classes: Input should be"),
        (about(canvas=None), "canvas: Field required"),
        (about(canvas={"size": [16]}), "canvas.size.1: Field required"),
        (about(canvas={"size": [16, 99999]}), "canvas size .* each side must be 1 to 4096"),
        (about(canvas={"size": [16, 24], "mode": "tile"}), "canvas of one size"),
        (about(top=0), "top must be 1 to 255"),
        (about(format=2), "format: Input should be 1"),
        (about(kind="features"), "holds features, no pack of images"),
        (about(kind=None), "holds None, no pack of images"),
        (lambda file: file.__delitem__("train"), "has no part train"),
    ],
)
def test_a_damaged_pack_is_one_line(
    tmp_path: Path, make: Callable[[h5py.File], None], message: str
) -> None:
    packed(tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        make(file)
    with pytest.raises(DataError, match=message) as raised:
        pack.read(tmp_path / "p.h5")
    assert str(raised.value).startswith(f"{tmp_path / 'p.h5'}: ")
    assert "\n" not in str(raised.value)


def test_images_without_truths_are_refused(tmp_path: Path) -> None:
    pack.write(tmp_path / "p.h5", Splits(digits()), Canvas((8, 8)))
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        del file["train/label"]
    with pytest.raises(DataError, match="train holds images but nothing to learn"):
        pack.read(tmp_path / "p.h5")


def test_a_class_that_a_mask_cannot_hold_is_named_when_read(tmp_path: Path) -> None:
    packed(tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "r+") as file:
        file["train/masks"][4, 0, 0] = 3
        file["train/masks"][5, 0, 0] = 255  # nothing known of this pixel
    masks = pack.read(tmp_path / "p.h5").train.truths.masks
    assert masks is not None
    assert masks.at(5).max() == 255
    with pytest.raises(DataError, match=r"train/masks:4 has a pixel of class 3; expected 0 to 2"):
        masks.at(4)


def test_a_pack_is_recognised_by_its_content(tmp_path: Path) -> None:
    packed(tmp_path / "p.h5")
    (tmp_path / "t.h5").write_text("no")
    assert pack.recognises(tmp_path / "p.h5")
    assert not pack.recognises(tmp_path / "t.h5")
    assert not pack.recognises(tmp_path)
