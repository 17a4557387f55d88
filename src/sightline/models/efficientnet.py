"""EfficientNet-B0 to B7 (Tan and Le 2019).

Mobile inverted bottlenecks with squeeze-and-excitation and SiLU; B1 to B7 are B0 with its width,
depth and input grown together. Nothing left out; blocks are skipped at random in training
(stochastic depth, up to .2 for the last). Expect on ImageNet's validation set (torchvision's
weights) .777, .786, .806, .820, .834, .834, .840 and .841. Parameters with 1,000 classes:
5,288,548, 7,794,184, 9,109,994, 12,233,232, 19,341,616, 30,389,784, 43,040,704 and 66,347,960.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sightline.errors import RecipeError
from sightline.models.layers import he_, multiple_of_8
from sightline.types import Size

STAGES = (  # expansion, kernel, stride of the first, filters, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
DEEPEST = 10.0  # times B0; B7 has 3.1, and a hostile file could ask for a million blocks


class StochasticDepth(nn.Module):
    """In training an image loses what passes with probability `rate`; the others' is scaled up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * self.dropout(torch.ones_like(x[:, :1, :1, :1]))


class SqueezeExcitation(nn.Module):
    """Each channel times a factor of 0 to 1, which two layers find from the channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.SiLU(inplace=True)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        factors = self.fc2(self.activation(self.fc1(self.avgpool(x))))  # (n, channels, 1, 1)
        return x * self.scale_activation(factors)


class MBConv(nn.Module):
    """Expand => depthwise => squeeze and excite => project, added to x where the shape is the same.

    skip  how often the block is skipped in training
    norm  batch norm's eps and momentum
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        expansion: int,
        kernel: int,
        stride: int,
        skip: float,
        norm: tuple[float, float],
    ) -> None:
        super().__init__()
        inside = multiple_of_8(expansion * inputs)
        self.adds = stride == 1 and inputs == outputs
        expand = [] if expansion == 1 else [conv_bn_silu(inputs, inside, 1, norm)]
        self.block = nn.Sequential(
            *expand,
            conv_bn_silu(inside, inside, kernel, norm, stride, groups=inside),
            SqueezeExcitation(inside, max(1, inputs // 4)),
            conv_bn_silu(inside, outputs, 1, norm)[:2],
        )
        self.stochastic_depth = StochasticDepth(skip)

    def forward(self, x: Tensor) -> Tensor:
        answer = self.block(x)
        return x + self.stochastic_depth(answer) if self.adds else answer


class EfficientNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); see `variant` for the settings.

    norm  batch norm's eps and momentum
    """

    def __init__(
        self,
        outputs: int,
        channels: int,
        width: float,
        depth: float,
        dropout: float,
        skip: float,
        norm: tuple[float, float],
    ) -> None:
        super().__init__()
        if not 0 < depth <= DEEPEST:
            raise RecipeError(f"model.depth = {depth}: more than 0, at most {DEEPEST:g} times B0")
        inside = multiple_of_8(32 * width)
        total = sum(math.ceil(blocks * depth) for *_, blocks in STAGES)
        layers: list[nn.Module] = [conv_bn_silu(channels, inside, 3, norm, stride=2)]
        before = 0
        for expansion, kernel, stride, filters, blocks in STAGES:
            stage: list[nn.Module] = []
            outside = multiple_of_8(filters * width)
            for number in range(math.ceil(blocks * depth)):
                step = stride if number == 0 else 1
                rate = skip * before / total
                stage.append(MBConv(inside, outside, expansion, kernel, step, rate, norm))
                inside = outside
                before += 1
            layers.append(nn.Sequential(*stage))
        self.features = nn.Sequential(*layers, conv_bn_silu(inside, 4 * inside, 1, norm))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * inside, outputs))
        he_(self)
        bound = 1 / math.sqrt(outputs)
        nn.init.uniform_(self.get_parameter("classifier.1.weight"), -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 1280, 1, 1) of B0
        return self.classifier(x.flatten(1))


def conv_bn_silu(
    inputs: int,
    outputs: int,
    kernel: int,
    norm: tuple[float, float],
    stride: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Convolution (same padding, no bias), batch norm, SiLU."""
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, *norm),
        nn.SiLU(inplace=True),
    )


def variant(
    wider: float, deeper: float, drop: float, norm: tuple[float, float] = (1e-5, 0.1)
) -> Callable[..., EfficientNet]:
    """The network at one scale; its settings, by default that scale's:

    width    multiplies B0's filters, rounded to eights
    depth    multiplies the blocks of each stage, rounded up; more than 0 and at most 10
    dropout  before the last layer
    skip     how often the last block is skipped in training; earlier ones less, in proportion
    """

    def build(
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: float = wider,
        depth: float = deeper,
        dropout: float = drop,
        skip: float = 0.2,
    ) -> EfficientNet:
        return EfficientNet(outputs, channels, width, depth, dropout, skip, norm)

    return build


KERAS = (1e-3, 0.01)  # the larger weights were trained elsewhere, with its batch norm
efficientnet_b0 = variant(1.0, 1.0, 0.2)
efficientnet_b1 = variant(1.0, 1.1, 0.2)
efficientnet_b2 = variant(1.1, 1.2, 0.3)
efficientnet_b3 = variant(1.2, 1.4, 0.3)
efficientnet_b4 = variant(1.4, 1.8, 0.4)
efficientnet_b5 = variant(1.6, 2.2, 0.4, KERAS)
efficientnet_b6 = variant(1.8, 2.6, 0.5, KERAS)
efficientnet_b7 = variant(2.0, 3.1, 0.5, KERAS)
