"""Blocks that three or more models use unchanged, and the input layer of every model."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Auxiliary(NamedTuple):
    """What a network with further heads answers in training: the outputs (n, k), those of the other
    heads, and how much the loss of each of those counts."""

    outputs: Tensor
    others: tuple[Tensor, ...]
    weight: float


class Normalize(nn.Module):
    """(x - mean) / deviation a channel; the first layer, so that its numbers travel in the weights.

    Inputs are (n, c, h, w) in [0, 1]. Mean subtraction alone is a deviation of 1.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        # Clamped as Python numbers: on the meta device, where models are built before they are
        # trusted, tensor.clamp loads a second of torch's compiler.
        spread = torch.tensor([max(d, 1e-3) for d in deviation], dtype=torch.float32)
        self.register_buffer("deviation", spread.view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution (same padding, no bias), batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def glorot_(model: nn.Module) -> nn.Module:
    """Keras's initialization, as the books ran it: Glorot uniform weights, zero biases."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def he_(model: nn.Module) -> nn.Module:
    """He's initialization of convolutions, counted over what leaves them (normal, for ReLU), as
    torchvision has it; linear layers are normal with deviation .01; biases zero."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return model


def multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and never under nine tenths of `channels`: how scaled
    networks round (Sandler et al. 2018)."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
