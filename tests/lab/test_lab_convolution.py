"""The topics convolution and transpose-convolution: the books' numbers, as the tables say them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.errors import DataError
from sightline.lab.convolution import run
from sightline.lab.topic import Found
from sightline.lab.transpose_convolution import run as transposed


def numbers(found: Found, name: str) -> list[list[float]]:
    table = next(table for table in found.tables if table.name == name)
    return [list(row[1:]) for row in table.rows]


def test_the_three_results_of_table_11_1() -> None:
    found = run(stride=3)
    assert numbers(found, "laplacian-stride-1") == [
        [692, -315, -6], [-680, -194, 305], [153, -59, -86],
    ]  # fmt: skip
    assert numbers(found, "laplacian-stride-2") == [[692, -6], [153, -86]]
    assert numbers(found, "laplacian-padded") == [
        [-99, -673, -130, -230, 176],
        [-42, 692, -315, -6, -482],
        [312, -680, -194, 305, 124],
        [54, 153, -59, -86, -24],
        [-543, 167, -35, -72, -297],
    ]


def test_the_terms_of_the_box_blur_add_up_to_132() -> None:
    found = run("blur", stride=3)
    terms = [row[2] for row in numbers(found, "first-place")]
    book = [10.3, 15.4, 11.2, 2.8, 28.0, 21.7, 15.0, 25.5, 2.0]  # cut off, not rounded
    np.testing.assert_allclose(terms[:9], book, atol=0.1)
    assert round(terms[9]) == 132


def test_alexnet_has_54_25_places_or_55_and_the_layers_cost_what_the_books_say() -> None:
    found = run("edge", stride=3, side=11, field=4)
    sizes = {row[0]: row[5:] for row in next(t for t in found.tables if t.name == "sizes").rows}
    assert sizes["AlexNet, as its paper says"] == ("54.25", "no")
    assert sizes["AlexNet, as it must be"] == ("55", "yes")
    assert sizes["yours"] == ("3.33333", "no")
    counts = [row[1] for row in next(t for t in found.tables if t.name == "costs").rows]
    assert counts == ["27", "846", "280", "3,072", "187,500", "120,422,400", "12,443,648"]
    assert numbers(found, "edge-stride-1") == [[0, 30, 30, 0]] * 4


def test_a_kernel_larger_than_the_padded_image_is_refused() -> None:
    with pytest.raises(DataError, match="at most 5, the padded side"):
        run(side=5, field=6)


@pytest.mark.parametrize(("stride", "padding"), [(2, 1), (1, 0), (3, 0)])
def test_transpose_convolution_is_torchs_and_is_a_transposed_matrix(
    stride: int, padding: int
) -> None:
    found = transposed(stride=stride, padding=padding)
    image = torch.tensor([[1.0, 2], [3, 4]])[None, None]
    kernel = torch.tensor([[1.0, 1, 1], [1, 2, 1], [1, 1, 1]])[None, None]
    expected = F.conv_transpose2d(image, kernel, stride=stride, padding=padding)[0, 0]
    assert numbers(found, "output") == expected.tolist()
    assert "its transpose gives this result, to the last bit" in found.notes[1]


def test_padding_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="nothing is left of 3 cells a side"):
        transposed(side=1, kernel=3, padding=2)
