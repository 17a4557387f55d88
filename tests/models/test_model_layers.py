"""The input layer of every model, and the shared blocks."""

import math

import pytest
import torch
from torch import nn

from sightline.models.layers import Normalize, conv_bn_relu, glorot_


def test_normalizing_is_a_channels_mean_and_deviation() -> None:
    inputs = torch.rand(2, 3, 4, 5)
    out = Normalize([0.5, 0.25, 0.0], [0.25, 0.5, 1.0])(inputs)
    assert out.shape == inputs.shape
    for channel, (mean, deviation) in enumerate(((0.5, 0.25), (0.25, 0.5), (0.0, 1.0))):
        assert torch.allclose(out[:, channel], (inputs[:, channel] - mean) / deviation)


def test_the_statistics_travel_in_the_state_and_are_not_trained() -> None:
    layer = Normalize([0.5], [0.25])
    assert set(layer.state_dict()) == {"mean", "deviation"}
    assert list(layer.parameters()) == []
    other = Normalize([0.0], [1.0])
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(torch.full((1, 1, 1, 1), 0.75)), torch.ones(1, 1, 1, 1))


def test_mean_subtraction_is_a_deviation_of_one() -> None:
    inputs = torch.rand(1, 1, 3, 3)
    assert torch.allclose(Normalize([0.4], [1.0])(inputs), inputs - 0.4)


def test_a_channel_that_never_changes_is_not_divided_by_nothing() -> None:
    out = Normalize([0.5], [0.0])(torch.full((1, 1, 2, 2), 0.5))
    assert torch.equal(out, torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (1, 1), (5, 1), (3, 2)])
def test_a_block_keeps_or_halves_the_size_and_is_never_negative(kernel: int, stride: int) -> None:
    block = conv_bn_relu(3, 8, kernel, stride)
    out = block(torch.randn(4, 3, 12, 10))
    assert out.shape == (4, 8, 12 // stride, 10 // stride)
    assert out.min() >= 0
    assert [type(layer) for layer in block] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert block[0].bias is None  # batch norm has one


@pytest.mark.parametrize(
    ("layer", "inputs", "outputs"),
    [
        (nn.Linear(200, 300), 200, 300),
        (nn.Conv2d(16, 32, 3), 16 * 9, 32 * 9),
        (nn.Conv2d(3, 64, 5), 3 * 25, 64 * 25),
    ],
    ids=str,
)
def test_glorots_bounds_are_kerass(layer: nn.Module, inputs: int, outputs: int) -> None:
    """Uniform within sqrt(6 / (in + out)), a filter's area counted in both; biases zero."""
    torch.manual_seed(0)
    glorot_(nn.Sequential(layer))
    limit = math.sqrt(6 / (inputs + outputs))
    weight = layer.weight
    assert 0.99 * limit < weight.abs().max() <= limit
    assert weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.03)
    assert layer.bias.abs().max() == 0


def test_glorot_takes_layers_without_biases_and_leaves_others_alone() -> None:
    norm = nn.BatchNorm2d(4)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), norm)
    assert glorot_(model) is model
    assert torch.equal(norm.weight, torch.ones(4))
