import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.scratch import convolution
from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.im2col import col2im, correlate, gradients, im2col

CASES = [
    ((2, 3, 6, 7), (4, 3, 3, 3), 1, (0, 0)),
    ((2, 2, 7, 6), (3, 2, 3, 3), 2, (1, 1)),
    ((1, 1, 5, 8), (2, 1, 5, 2), 3, (2, 0)),
    ((2, 3, 4, 4), (5, 3, 1, 1), 1, (0, 0)),
]


def made(case: tuple, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images, filters, _, _ = case
    return rng.normal(size=images), rng.normal(size=filters), rng.normal(size=filters[0])


@pytest.mark.parametrize("case", CASES)
def test_the_product_is_torchs_convolution(case: tuple) -> None:
    images, filters, bias = made(case)
    ours = correlate(images, filters, bias, stride=case[2], padding=case[3])
    theirs = F.conv2d(*map(torch.from_numpy, (images, filters, bias)), case[2], case[3])
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)


def test_the_product_is_the_loops_summed_over_channels() -> None:
    images, filters, _ = made(CASES[1])
    ours = correlate(images, filters, stride=2, padding=(1, 1))
    for n, f in np.ndindex(2, 3):
        loops = [
            convolution.correlate(images[n, c], filters[f, c], stride=2, padding=1)
            for c in range(2)
        ]
        np.testing.assert_allclose(ours[n, f], np.sum(loops, axis=0), atol=1e-12)


def test_the_worked_laplacian_comes_out_of_a_product_too() -> None:
    image = np.array([[95, 242, 186], [39, 14, 220], [5, 247, 212]], dtype=float)
    laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=float)
    assert correlate(image[None, None], laplacian[None, None]).ravel().tolist() == [692]


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_differences_and_of_torch(case: tuple) -> None:
    images, filters, bias = made(case)
    where = {"stride": case[2], "padding": case[3]}
    weight = np.random.default_rng(1).normal(size=correlate(images, filters, bias, **where).shape)

    def loss() -> float:
        return float((correlate(images, filters, bias, **where) * weight).sum())

    ours = gradients(weight, images, filters, **where)
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in (images, filters, bias)]
    (F.conv2d(*tensors, case[2], case[3]) * torch.from_numpy(weight)).sum().backward()
    for slope, at, tensor in zip(ours, (images, filters, bias), tensors, strict=True):
        assert relative_difference(slope, numerical_gradient(loss, at)) < 1e-7
        np.testing.assert_allclose(slope, tensor.grad.numpy(), atol=1e-11)


def test_images_lowered_a_few_at_a_time_give_the_same() -> None:
    """Columns of five such images pass what is lowered at once."""
    images, filters, bias = made(((5, 3, 64, 64), (2, 3, 3, 3), 1, (1, 1)))
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in (images, filters, bias)]
    theirs = F.conv2d(*tensors, padding=1)
    ours = correlate(images, filters, bias, padding=(1, 1))
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-12)
    theirs.square().sum().backward()
    slopes = gradients(2 * ours, images, filters, padding=(1, 1))
    for slope, tensor in zip(slopes, tensors, strict=True):
        np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=1e-9, atol=1e-8)


def test_col2im_is_the_transpose_of_im2col() -> None:
    """<im2col(x), y> = <x, col2im(y)> for any x and y."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2, 3, 7, 6))
    columns = im2col(x, (3, 2), 2, (1, 1))
    y = rng.normal(size=columns.shape)
    back = col2im(y, x.shape, (3, 2), 2, (1, 1))
    assert np.vdot(columns, y) == pytest.approx(np.vdot(x, back))


def test_columns_hold_nine_copies_of_an_inner_pixel() -> None:
    image = np.zeros((1, 1, 5, 5))
    image[0, 0, 2, 2] = 1
    assert im2col(image, (3, 3)).shape == (1, 9, 9)
    assert im2col(image, (3, 3)).sum() == 9


def test_wrong_shapes_are_said() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 3, 6, 7\) and \(4, 2, 3, 3\)"):
        correlate(np.zeros((2, 3, 6, 7)), np.zeros((4, 2, 3, 3)))
    with pytest.raises(ValueError, match=r"kernel: expected at most the padded image"):
        correlate(np.zeros((1, 1, 3, 3)), np.zeros((1, 1, 5, 5)))
