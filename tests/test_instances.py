"""Run-length masks against pycocotools and against filling by hand."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from sightline import instances
from sightline.errors import DataError

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=20))


@given(MASKS)
def test_a_mask_comes_back_from_its_runs_and_from_their_text(mask: np.ndarray) -> None:
    found = instances.of_mask(mask)
    assert np.array_equal(found.mask(), mask)
    again = instances.of_runs(instances.to_text(found.counts), found.size)
    assert np.array_equal(again.mask(), mask)


@given(MASKS)
def test_runs_and_text_and_area_are_those_of_pycocotools(mask: np.ndarray) -> None:
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = instances.of_mask(mask)
    assert ours.to_dict() == {"size": theirs["size"], "counts": theirs["counts"].decode()}
    assert ours.area == coco.area(theirs)
    x, y, width, height = coco.toBbox(theirs)
    assert not mask.any() or ours.extent() == (x, y, x + width, y + height)


@given(st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 25)), min_size=3, max_size=8))
def test_a_polygon_holds_the_pixels_whose_centers_are_inside(points: list) -> None:
    height, width = 16, 18
    filled = instances.of_polygons([np.array(points)], (height, width)).mask()
    for row in range(height):
        for column in range(width):
            x, y, inside = column + 0.5, row + 0.5, False
            for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
                if (y0 <= y) != (y1 <= y):
                    at = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
                    if abs(at - x) < 1e-9:
                        inside = bool(filled[row, column])  # on the edge either answer is right
                        break
                    inside ^= at <= x
            assert filled[row, column] == inside


def test_a_rectangle_is_filled_as_its_box_says() -> None:
    square = [[2, 1], [6, 1], [6, 4], [2, 4]]
    found = instances.of_polygons([square], (8, 8))
    assert found.extent() == (2, 1, 6, 4)
    assert found.area == 12


def test_several_polygons_are_one_object() -> None:
    left, right = [[0, 0], [2, 0], [2, 2], [0, 2]], [[1, 0], [4, 0], [4, 2], [1, 2]]
    assert instances.of_polygons([left, right], (4, 6)).area == 8


def test_runs_that_do_not_fill_the_image_are_refused() -> None:
    with pytest.raises(DataError, match="here: run lengths sum to 5; the image has 6 pixels"):
        instances.of_runs([2, 3], (2, 3), "here")


@given(st.text(max_size=12))
def test_any_text_is_runs_or_one_line(text: str) -> None:
    with suppress(DataError):
        assert instances.of_runs(text, (4, 5)).mask().shape == (4, 5)


def test_an_empty_mask_has_no_extent() -> None:
    assert instances.of_mask(np.zeros((3, 4), bool)).extent() == (0, 0, 0, 0)
