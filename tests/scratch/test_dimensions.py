import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch.dimensions import correlate

TORCH = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def test_a_signal_of_14_by_5_is_10_and_a_volume_the_same_in_three_axes() -> None:
    assert correlate(np.ones((1, 1, 14)), np.ones((1, 1, 5))).shape == (1, 1, 10)
    found = correlate(np.ones((1, 1, 14, 14, 14)), np.ones((16, 1, 5, 5, 5)))
    assert found.shape == (1, 16, 10, 10, 10)
    assert set(found.ravel()) == {125}


@pytest.mark.parametrize("axes", TORCH)
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1)])
def test_every_number_of_axes_is_torchs(axes: int, stride: int, padding: int) -> None:
    rng = np.random.default_rng(axes)
    data = rng.normal(size=(2, 3, *(6, 7, 8)[:axes]))
    filters, bias = rng.normal(size=(4, 3, *(3, 2, 5)[:axes])), rng.normal(size=4)
    ours = correlate(data, filters, bias, stride=stride, padding=padding)
    theirs = TORCH[axes](
        *map(torch.from_numpy, (data, filters, bias)), stride=stride, padding=padding
    )
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)


def test_one_axis_is_numpys_correlate() -> None:
    rng = np.random.default_rng(0)
    signal, kernel = rng.normal(size=14), rng.normal(size=5)
    ours = correlate(signal[None, None], kernel[None, None]).ravel()
    np.testing.assert_allclose(ours, np.correlate(signal, kernel, "valid"), atol=1e-12)


def test_wrong_shapes_are_said() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 1, 14\) and \(1, 1, 5, 5\)"):
        correlate(np.ones((1, 1, 14)), np.ones((1, 1, 5, 5)))
    with pytest.raises(ValueError, match=r"at most \(4,\), the padded sides, got \(5,\)"):
        correlate(np.ones((1, 1, 4)), np.ones((1, 1, 5)))
