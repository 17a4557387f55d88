import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch import depthwise as dw
from sightline.scratch.gradient_check import numerical_gradient, relative_difference


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1)])
def test_results_and_gradients_are_those_of_torch_and_of_differences(
    stride: int, padding: int
) -> None:
    rng = np.random.default_rng(0)
    images, filters = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(3, 3, 3))
    where = {"stride": stride, "padding": padding}
    ours = dw.depthwise(images, filters, **where)
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in (images, filters[:, None])]
    theirs = F.conv2d(*tensors, groups=3, **where)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-12)
    weight = rng.normal(size=ours.shape)
    (theirs * torch.from_numpy(weight)).sum().backward()
    slopes = dw.depthwise_gradients(weight, images, filters, **where)

    def loss() -> float:
        return float((dw.depthwise(images, filters, **where) * weight).sum())

    for slope, at, tensor in zip(slopes, (images, filters), tensors, strict=True):
        np.testing.assert_allclose(slope, tensor.grad.numpy().reshape(at.shape), atol=1e-12)
        assert relative_difference(slope, numerical_gradient(loss, at)) < 1e-7


def test_separable_is_a_full_convolution_with_filters_of_rank_one() -> None:
    rng = np.random.default_rng(1)
    images, filters = rng.normal(size=(2, 3, 6, 6)), rng.normal(size=(3, 3, 3))
    weights = rng.normal(size=(4, 3))
    full = weights[:, :, None, None] * filters  # (f, c, kh, kw)
    expected = F.conv2d(torch.from_numpy(images), torch.from_numpy(full), padding=1)
    ours = dw.separable(images, filters, weights, padding=1)
    np.testing.assert_allclose(ours, expected.numpy(), atol=1e-12)


def test_separable_costs_one_over_filters_plus_one_over_the_kernels_area() -> None:
    full, apart = dw.full_cost(14 * 14, 3, 32, 64), dw.separable_cost(14 * 14, 3, 32, 64)
    assert apart / full == pytest.approx(1 / 64 + 1 / 9)


def test_inceptions_bottleneck_saves_nine_tenths() -> None:
    """Course 5.13: 120 million multiplications, with a bottleneck of 16 channels 12.4."""
    direct = dw.full_cost(28 * 28, 5, 192, 32)
    narrow = dw.full_cost(28 * 28, 1, 192, 16) + dw.full_cost(28 * 28, 5, 16, 32)
    assert round(direct / 1e6) == 120 and round(narrow / 1e6, 1) == 12.4


def test_wrong_shapes_are_said() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 2, 4, 4\) and \(3, 3, 3\)"):
        dw.depthwise(np.zeros((1, 2, 4, 4)), np.zeros((3, 3, 3)))
    with pytest.raises(ValueError, match=r"expected at most \(2, 2\), got \(3, 3\)"):
        dw.depthwise(np.zeros((1, 1, 2, 2)), np.zeros((1, 3, 3)))
    with pytest.raises(ValueError, match=r"got \(1, 2, 4, 4\) and \(5, 3\)"):
        dw.pointwise(np.zeros((1, 2, 4, 4)), np.zeros((5, 3)))
