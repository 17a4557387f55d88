"""Regions: cut out of maps against a reading by hand, and sampled as asked."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.models.regions import POINTS, align, sampled


def read(map_: np.ndarray, y: float, x: float) -> np.ndarray:
    """Bilinear, places' middles at whole numbers, the edge going on."""
    height, width = map_.shape[1:]
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    down, right = y - top, x - left
    rows = map_[:, top, left : left + 2], map_[:, top + 1, left : left + 2]
    upper, lower = (row[:, 0] * (1 - right) + row[:, 1] * right for row in rows)
    return upper * (1 - down) + lower * down


def by_hand(map_: np.ndarray, box: list[float], stride: int, side: int) -> np.ndarray:
    x0, y0, x1, y1 = (edge / stride - 0.5 * (1) for edge in box)
    out = np.zeros((map_.shape[0], side, side))
    for row in range(side):
        for column in range(side):
            for i in range(POINTS):
                for j in range(POINTS):
                    y = y0 + (y1 - y0) * (row * POINTS + i + 0.5) / (side * POINTS)
                    x = x0 + (x1 - x0) * (column * POINTS + j + 0.5) / (side * POINTS)
                    out[:, row, column] += read(map_, y, x) / POINTS**2
    return out


EDGE = st.floats(-20, 140, width=32)


@settings(max_examples=30)
@given(st.lists(st.tuples(EDGE, EDGE, EDGE, EDGE), min_size=1, max_size=3), st.integers(0, 99))
def test_align_reads_as_by_hand(edges: list[tuple[float, ...]], seed: int) -> None:
    boxes = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in edges]
    map_ = np.random.default_rng(seed).random((2, 6, 8)).astype(np.float32)
    found = align(torch.from_numpy(map_), torch.tensor(boxes), stride=16, side=3)
    wanted = np.stack([by_hand(map_, box, 16, 3) for box in boxes])
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-4)


def test_a_ramp_gives_the_middles_of_bins() -> None:
    ramp = torch.arange(10.0).expand(1, 10, 10) * 16 + 8  # each place's middle in pixels
    found = align(ramp, torch.tensor([[32.0, 16.0, 96.0, 80.0]]), stride=16, side=4)
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([40.0, 56.0, 72.0, 88.0]))


def test_no_boxes_give_no_regions() -> None:
    assert align(torch.zeros(5, 4, 4), torch.zeros(0, 4), 16, 7).shape == (0, 5, 7, 7)


@pytest.mark.parametrize(
    ("objects", "background", "found"), [(50, 50, (16, 48)), (4, 500, (4, 60)), (50, 10, (16, 10))]
)
def test_samples_have_their_share_of_objects(
    objects: int, background: int, found: tuple[int, int]
) -> None:
    labels = torch.cat([torch.full((objects,), 2), torch.zeros(background), torch.full((9,), -1)])
    rows = sampled(labels.long(), 64, 0.25)
    assert len(set(rows.tolist())) == len(rows)
    assert (int((labels[rows] == 2).sum()), int((labels[rows] == 0).sum())) == found
