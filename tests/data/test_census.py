"""A census against NumPy over all pixels at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data import catalog, shapes
from sightline.data.census import take_census
from sightline.data.dataset import ArrayDataset
from sightline.data.readers import folders
from sightline.data.truths import Truths


def test_mean_and_deviation_are_those_of_all_pixels() -> None:
    digits = catalog.open_named("digits").train
    found = take_census(digits)
    pixels = np.asarray(digits.images(range(len(digits)))) / 16
    assert found.mean == pytest.approx([pixels.mean()], abs=1e-12)
    assert found.deviation == pytest.approx([pixels.std()], abs=1e-12)
    assert (found.images, found.value_range, found.top) == (1797, (0, 16), 16)
    assert found.sizes == [((8, 8), 1797)]
    assert sum(found.counts) == 1797
    assert found.grey == 1797


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])), min_size=1,
        max_size=8,
    ),
    st.integers(0, 99),
)  # fmt: skip
def test_grey_counts_in_every_channel_where_others_have_color(
    kinds: list[tuple[int, int, int]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, kind, dtype=np.uint8) for kind in kinds]
    truths = Truths(values=np.zeros((len(kinds), 1), np.float32))
    found = take_census(ArrayDataset(images, truths, ("v",), top=255))
    channels = max(kind[2] for kind in kinds)
    wide = [np.broadcast_to(i, (*i.shape[:2], channels)).reshape(-1, channels) for i in images]
    pixels = np.concatenate(wide) / 255
    assert found.mean == pytest.approx(pixels.mean(0).tolist(), abs=1e-12)
    assert found.deviation == pytest.approx(pixels.std(0).tolist(), abs=1e-9)
    assert found.grey == sum(kind[2] == 1 for kind in kinds)
    assert sum(count for _, count in found.sizes) == len(kinds)


def test_the_unreadable_is_named_and_the_rest_is_counted(photos: Callable[..., Path]) -> None:
    root = photos(each=3)
    bad = root / "green" / "01.png"
    bad.write_bytes(b"no picture")
    ticks: list[int] = []
    found = take_census(folders.read(root).train, ticks.append)
    assert found.images == 8 and sum(ticks) == 9
    assert len(found.unreadable) == 1 and str(bad) in found.unreadable[0]
    assert str(bad) in found.to_text()


def test_boxes_are_counted_by_class() -> None:
    train = shapes.shapes(20, 0).train
    assert train.truths.boxes is not None
    found = take_census(train)
    assert found.to_dict()["classes"] == {
        name: int((train.truths.boxes.classes == i).sum()) for i, name in enumerate(train.classes)
    }


def test_few_sizes_are_listed_and_many_are_spread_over_bars() -> None:
    def text(sides: range) -> str:
        images = [np.zeros((side, 2 * side, 1), np.uint8) for side in sides]
        truths = Truths(values=np.zeros((len(images), 1), np.float32))
        return take_census(ArrayDataset(images, truths, ("v",), top=255)).to_text()

    assert "  8x4   █" in text(range(4, 6))
    many = text(range(4, 34))
    assert many.count("width ") == many.count("height ") == 10
    rows = [line.split() for line in many.splitlines() if "height" in line]
    assert sum(int(row[-1]) for row in rows) == 30
    assert rows[0][1:4] == ["4", "to", "6"] and rows[-1][3] == "33"
