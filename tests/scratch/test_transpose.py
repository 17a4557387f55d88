import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch.im2col import correlate, gradients
from sightline.scratch.transpose import coverage, output_size, transpose_convolution


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 0), (2, 1), (3, 2)])
def test_it_is_torchs(stride: int, padding: int) -> None:
    rng = np.random.default_rng(0)
    images, filters = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 2, 4, 3))
    ours = transpose_convolution(images, filters, stride=stride, padding=padding)
    theirs = F.conv_transpose2d(
        torch.from_numpy(images), torch.from_numpy(filters), stride=stride, padding=padding
    )
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)
    assert ours.shape[2] == output_size(4, 4, stride, padding)


def test_it_is_what_convolution_does_to_slopes() -> None:
    rng = np.random.default_rng(1)
    images, filters = rng.normal(size=(2, 3, 7, 7)), rng.normal(size=(4, 3, 3, 3))
    slope = rng.normal(size=correlate(images, filters, stride=2).shape)
    by_images, _, _ = gradients(slope, images, filters, stride=2)
    np.testing.assert_allclose(
        transpose_convolution(slope, filters, stride=2), by_images, atol=1e-12
    )


def test_filters_are_placed_and_their_overlap_added() -> None:
    image, ones = np.array([[2.0, 3.0]])[None, None], np.ones((1, 1, 1, 3))
    assert transpose_convolution(image, ones, stride=2).ravel().tolist() == [2, 2, 5, 3, 3]
    assert transpose_convolution(image, ones, stride=3).ravel().tolist() == [2, 2, 2, 3, 3, 3]


def test_a_kernel_divisible_by_the_stride_covers_evenly() -> None:
    assert coverage(4, 3, 2).tolist() == [1, 1, 2, 1, 2, 1, 2, 1, 1]
    assert set(coverage(4, 4, 2)[2:-2]) == {2}


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 2, 3, 3\) and \(3, 2, 3, 3\)"):
        transpose_convolution(np.zeros((1, 2, 3, 3)), np.zeros((3, 2, 3, 3)))
    with pytest.raises(ValueError, match="which leave -1"):
        output_size(1, 3, 1, 2)
