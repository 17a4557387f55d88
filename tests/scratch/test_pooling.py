import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.pooling import (
    average_pool,
    average_pool_gradient,
    max_pool,
    max_pool_gradient,
)

SIZES = [(2, 2), (3, 2), (2, 1), (3, 3)]


def test_four_by_four_gives_three_by_three_at_stride_one_and_two_by_two_at_stride_two() -> None:
    image = np.array([[1, 3, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], dtype=float)
    found = max_pool(image[None, None], 2, 2)[0]
    assert found[0, 0].tolist() == [[6, 8], [3, 4]]
    assert max_pool(image[None, None], 2, 1)[0].shape == (1, 1, 3, 3)
    assert average_pool(image[None, None])[0, 0].tolist() == [[3.75, 5.25], [2, 2]]
    assert found.size / image.size == 0.25  # three quarters are dropped


@pytest.mark.parametrize(("side", "stride"), SIZES)
def test_pools_and_their_gradients_are_those_of_torch_and_of_differences(
    side: int, stride: int
) -> None:
    rng = np.random.default_rng(0)
    images = rng.permutation(2 * 2 * 7 * 6).reshape(2, 2, 7, 6) / 10.0  # no two alike
    tensor = torch.from_numpy(images.copy()).requires_grad_()
    found, chosen = max_pool(images, side, stride)
    weight = rng.normal(size=found.shape)
    for ours, theirs, slope, again in (
        (
            found,
            F.max_pool2d(tensor, side, stride),
            max_pool_gradient(weight, chosen, images.shape, side, stride),
            lambda: float((max_pool(images, side, stride)[0] * weight).sum()),
        ),
        (
            average_pool(images, side, stride),
            F.avg_pool2d(tensor, side, stride),
            average_pool_gradient(weight, images.shape, side, stride),
            lambda: float((average_pool(images, side, stride) * weight).sum()),
        ),
    ):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-12)
        (expected,) = torch.autograd.grad((theirs * torch.from_numpy(weight)).sum(), tensor)
        np.testing.assert_allclose(slope, expected.numpy(), atol=1e-12)
        assert relative_difference(slope, numerical_gradient(again, images, 1e-3)) < 1e-7


def test_of_equal_maxima_the_first_takes_the_slope() -> None:
    images = np.ones((1, 1, 2, 2))
    _, chosen = max_pool(images)
    slope = max_pool_gradient(np.ones((1, 1, 1, 1)), chosen, images.shape)
    assert slope.ravel().tolist() == [1, 0, 0, 0]


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="window of 1 to 2 and a stride from 1, got 3 and 1"):
        max_pool(np.zeros((1, 1, 2, 4)), 3, 1)
    with pytest.raises(ValueError, match=r"got \(2, 4\)"):
        average_pool(np.zeros((2, 4)))
