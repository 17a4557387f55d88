"""Batches: the same epoch whenever, wherever and in whatever portions it is read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline import memory
from sightline.data.augment import Augment
from sightline.data.boxes import Boxes, Instances
from sightline.data.canvas import Canvas
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset
from sightline.data.loader import Batch, Loader
from sightline.data.placing import OnCanvas, on_canvas, stacked
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.errors import DataError
from sightline.instances import extent, of_mask

CPU = torch.device("cpu")
NAMES = ("a", "b", "c")
FULL = Augment(flip=True, shift=0.2, rotate=20, zoom=0.3, brightness=0.3, hue=0.1, erase=0.5)


def arrays(n: int = 50, side: int = 8) -> ArrayDataset:
    pixels = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    return ArrayDataset(pixels, Truths(label=np.arange(n) % 3), NAMES, "toys")


def loader(
    dataset: Dataset, batch: int = 8, augment: Augment | None = None, seed: int = 0
) -> Loader:
    return Loader(dataset, View((8, 8), augment=augment or Augment()), batch, seed, CPU)


def in_files(folder: Path, dataset: ArrayDataset) -> FileDataset:
    paths = [f"{i:03d}.png" for i in range(len(dataset))]
    for i, path in enumerate(paths):
        Image.fromarray(dataset[i].image).save(folder / path)
    return FileDataset(folder, paths, dataset.truths, NAMES)


def same(one: Batch, two: Batch) -> bool:
    columns = ("inputs", "labels", "many", "known", "values")
    return np.array_equal(one.indices, two.indices) and all(
        getattr(one, name) is getattr(two, name) is None
        or torch.equal(getattr(one, name), getattr(two, name))
        for name in columns
    )


# Order


def test_an_epoch_holds_every_image_once_in_an_order_of_its_own() -> None:
    ours = loader(arrays(50), batch=8)
    orders = [np.concatenate([b.indices for b in ours.epoch(e)]) for e in range(3)]
    assert len(ours) == 7
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(50))
    assert not np.array_equal(orders[0], orders[1])
    other = np.concatenate([b.indices for b in loader(arrays(50), seed=1).epoch(0)])
    assert not np.array_equal(orders[0], other)


def test_an_epoch_is_the_same_whenever_it_is_read() -> None:
    ours = loader(arrays(), augment=FULL)
    list(ours.epoch(0))
    first = list(ours.epoch(3))
    again = list(loader(arrays(), augment=FULL).epoch(3))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))


def test_an_epoch_goes_on_from_any_batch() -> None:
    ours = loader(arrays(), augment=FULL)
    whole = list(ours.epoch(2))
    for start in range(len(ours) + 1):
        rest = list(ours.epoch(2, start))
        assert all(same(a, b) for a, b in zip(whole[start:], rest, strict=True))


def test_the_batch_size_changes_no_image() -> None:
    def by_index(batch: int) -> dict[int, torch.Tensor]:
        batches = loader(arrays(48), batch, FULL).epoch(1)
        return {int(i): x for b in batches for i, x in zip(b.indices, b.inputs, strict=True)}

    small, large = by_index(4), by_index(48)
    assert small.keys() == large.keys() == set(range(48))
    for i, image in small.items():
        assert torch.equal(image, large[i])


def test_the_rows_of_a_batch_can_be_told_long_after() -> None:
    ours = loader(arrays(), batch=8)
    for number, batch in enumerate(ours.epoch(5)):
        assert np.array_equal(ours.rows(5, number), batch.indices)


@pytest.mark.parametrize(
    ("n", "batch", "batches"),
    [(32, 32, 1), (33, 32, 1), (34, 32, 2), (2, 32, 1), (5, 2, 2), (6, 2, 3), (5, 1, 5)],
)
def test_a_last_batch_of_one_is_left_out(n: int, batch: int, batches: int) -> None:
    ours = loader(arrays(n), batch)
    sizes = [len(b.indices) for b in ours.epoch(0)]
    assert len(ours) == len(sizes) == batches
    assert min(sizes) > 1 or batch == 1


def test_one_image_is_not_enough() -> None:
    with pytest.raises(DataError, match="toys: 1 training images; at least 2 are needed"):
        loader(arrays(1))


# What is in a batch


def test_labels_pixels_and_matrices_belong_to_the_indices() -> None:
    dataset = arrays()
    for batch in loader(dataset).epoch(0):
        assert batch.labels is not None
        assert batch.matrices is not None
        assert batch.labels.dtype == torch.int64
        assert np.array_equal(batch.labels.numpy(), batch.indices % 3)
        pixels = np.rint(batch.inputs.permute(0, 2, 3, 1).numpy() * 255)
        assert np.array_equal(pixels, dataset.images(batch.indices))
        assert batch.matrices.shape == (len(batch.indices), 2, 3)


def test_targets_are_columns_of_their_task() -> None:
    pixels = arrays(6).images(np.arange(6))
    labels = np.array([[1, 0, -1]] * 6, np.int8)
    (many,) = loader(ArrayDataset(pixels, Truths(labels=labels), NAMES)).epoch(0)
    assert many.labels is many.values is None
    assert many.many is not None
    assert many.known is not None
    assert many.many.tolist() == [[1.0, 0.0, 0.0]] * 6
    assert many.known.tolist() == [[True, True, False]] * 6
    values = np.arange(6, dtype=np.float32)[:, None] / 2
    (numbers,) = loader(ArrayDataset(pixels, Truths(values=values), ("age",))).epoch(0)
    assert numbers.values is not None
    assert numbers.values.dtype == torch.float32
    assert np.array_equal(numbers.values.numpy(), values[numbers.indices])


def test_files_decoded_as_it_goes_give_the_same_batches(tmp_path: Path) -> None:
    dataset = arrays(30)
    canvas = Canvas((8, 8))
    lazy = OnCanvas(in_files(tmp_path, dataset), canvas)
    ready = on_canvas(in_files(tmp_path, dataset), canvas)
    assert isinstance(ready, ArrayDataset)
    assert (lazy.name, lazy.classes, lazy.top) == (ready.name, ready.classes, ready.top)
    assert lazy.source(3) == ready.source(3) == str(tmp_path / "003.png")
    for start in (0, 2):
        one = list(loader(lazy, augment=FULL).epoch(1, start))
        two = list(loader(ready, augment=FULL).epoch(1, start))
        assert all(same(a, b) for a, b in zip(one, two, strict=True))


def test_a_file_that_is_damaged_in_between_stops_the_epoch_by_name(tmp_path: Path) -> None:
    files = in_files(tmp_path, arrays(20))
    files.path(7).write_bytes(b"")
    with pytest.raises(DataError, match=r"007\.png: empty file"):
        list(loader(OnCanvas(files, Canvas((8, 8)))).epoch(0))


def test_an_epoch_may_be_left_early(tmp_path: Path) -> None:
    lazy = OnCanvas(in_files(tmp_path, arrays(20)), Canvas((8, 8)))
    batches = loader(lazy, batch=4).epoch(0)
    assert len(next(batches).indices) == 4
    batches.close()  # type: ignore[attr-defined]


# Mixing


def test_mixup_blends_pairs_and_their_labels_by_one_share() -> None:
    pixels = np.zeros((24, 8, 8, 3), np.uint8)
    label = np.arange(24) % 2
    pixels[label == 1] = 255  # an image is as bright as its label
    dataset = ArrayDataset(pixels, Truths(label=label), ("dark", "bright"), "toys")
    shares = set()
    for epoch in range(8):
        (batch,) = loader(dataset, 24, Augment(mixup=1.0)).epoch(epoch)
        assert batch.labels is not None
        assert batch.labels.shape == (24, 2)
        assert torch.allclose(batch.labels.sum(1), torch.ones(24))
        assert torch.allclose(batch.inputs.mean((1, 2, 3)), batch.labels[:, 1], atol=1e-6)
        assert 0 < batch.labels[:, 1].sum() < 24
        shares |= {round(float(v), 4) for v in batch.labels[:, 1]} - {0.0, 1.0}
    assert len(shares) >= 8  # another in each epoch


def test_cutmix_pastes_a_rectangle_and_labels_by_its_area() -> None:
    pixels = np.zeros((24, 8, 8, 3), np.uint8)
    label = np.arange(24) % 2
    pixels[label == 1] = 255
    dataset = ArrayDataset(pixels, Truths(label=label), ("dark", "bright"), "toys")
    pasted = 0
    for epoch in range(8):
        (batch,) = loader(dataset, 24, Augment(cutmix=1.0)).epoch(epoch)
        assert batch.labels is not None
        assert torch.allclose(batch.labels.sum(1), torch.ones(24))
        assert torch.allclose(batch.inputs.mean((1, 2, 3)), batch.labels[:, 1], atol=1e-6)
        assert set(batch.inputs.unique().tolist()) == {0.0, 1.0}
        pasted += int(((batch.labels > 0) & (batch.labels < 1)).any(1).sum())
    assert pasted > 24


def test_a_share_of_batches_is_mixed() -> None:
    ours = loader(arrays(50), 5, Augment(mixup=0.25, cutmix=0.25))
    soft = [b.labels is not None and b.labels.ndim == 2 for e in range(40) for b in ours.epoch(e)]
    assert 0.4 < np.mean(soft) < 0.6


def test_mixing_changes_no_pixels_of_the_set() -> None:
    dataset = arrays(16)
    before = np.array(dataset.images(np.arange(16)))
    for augment in (Augment(mixup=1.0), Augment(cutmix=1.0), Augment(erase=1.0), FULL):
        list(loader(dataset, 16, augment).epoch(0))
    assert np.array_equal(dataset.images(np.arange(16)), before)


@pytest.mark.parametrize("mixing", ["mixup", "cutmix"])
def test_numbers_and_many_labels_are_never_mixed(mixing: str) -> None:
    pixels = arrays(12).images(np.arange(12))
    for truths in (
        Truths(values=np.ones((12, 3), np.float32)),
        Truths(labels=np.ones((12, 3), np.int8)),
    ):
        dataset = ArrayDataset(pixels, truths, NAMES)
        (plain,) = loader(dataset, 12).epoch(0)
        (mixed,) = loader(dataset, 12, Augment(**{mixing: 1.0})).epoch(0)
        assert same(plain, mixed)


# On canvases


def test_a_set_is_laid_on_its_canvases_once(tmp_path: Path) -> None:
    dataset = arrays(10, side=12)
    canvas = Canvas((8, 6), "contain", channels=1)
    ticks: list[int] = []
    ready = on_canvas(in_files(tmp_path, dataset), canvas, ticks.append)
    assert sum(ticks) == 10
    for i in range(10):
        assert np.array_equal(ready[i].image, canvas.place(dataset[i].image)[0].pixels)
        assert ready[i].truth.label == i % 3


def test_images_of_differing_size_become_one_array() -> None:
    images = [np.zeros((4, 9, 1), np.uint8), np.ones((7, 2, 3), np.uint8)]
    assert stacked(images, Canvas((5, 6))).shape == (2, 5, 6, 3)
    assert stacked([], Canvas((5, 6))).shape == (0, 5, 6, 3)


@pytest.mark.parametrize("mode", ["native", "tile"])
def test_rules_without_one_size_have_no_batches(mode: str) -> None:
    with pytest.raises(DataError, match=f"canvas mode {mode} has no batches of one size"):
        stacked([np.zeros((4, 4, 3), np.uint8)], Canvas((4, 4), mode))  # type: ignore[arg-type]


def test_free_memory_is_a_plausible_number() -> None:
    assert 2**26 < memory.free() < 2**46


def test_boxes_come_with_the_masks_of_their_objects() -> None:
    eye, corner = np.eye(8), np.zeros((8, 8))
    corner[:3, 5:] = 1
    instances = Instances.of([of_mask(eye), of_mask(corner)])
    boxes = Boxes.of([[[0, 0, 8, 8]], [], [[5, 0, 8, 3]]], [[1], [], [0]], instances)
    dataset = ArrayDataset(np.zeros((3, 8, 8, 1), np.uint8), Truths(boxes=boxes), ["a", "b"])
    loader = Loader(dataset, View((8, 8), augment=Augment(flip=True)), 3, 0, CPU)
    batch = next(loader.epoch(1))
    assert batch.instances is not None and batch.boxes is not None
    assert batch.box_images is not None and batch.box_classes is not None
    assert batch.instances.shape == (2, 8, 8)
    for mask, box in zip(batch.instances.numpy(), batch.boxes.numpy(), strict=True):
        assert extent(mask != 0) == tuple(box)
    image_of = batch.indices[batch.box_images.numpy()]
    assert sorted(zip(image_of, batch.box_classes.tolist(), strict=True)) == [(0, 1), (2, 0)]


# On the device


def test_images_that_lie_on_the_device_give_the_batches_of_those_that_do_not() -> None:
    data = arrays(20)
    for augment in (Augment(), Augment(flip=True), FULL):
        sent, lying = loader(data, augment=augment), loader(data, augment=augment)
        assert data.pixels is not None
        lying._resident = torch.from_numpy(data.pixels)  # as on a GPU that has room for them
        for one, two in zip(sent.epoch(1), lying.epoch(1), strict=True):
            assert same(one, two)
