"""SqueezeNet 1.0 and 1.1 (Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer 2016).

Fire modules: 1x1 convolutions squeeze, then 1x1 and 3x3 expand and are joined; no fully connected
layer. 1.1, by the same authors, pools earlier for 2.4 times less work. Left out: the bypasses, and
the compression. Expect .581 on ImageNet's validation set (top five .804), 1,248,424 parameters; 1.1
.582 and 1,235,496.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sightline.types import Size

SQUEEZES = (1, 1, 2, 2, 3, 3, 4, 4)  # of the eight fire modules, in widths


class Fire(nn.Module):
    """(n, inputs, h, w) -> (n, 8 * squeeze, h, w)."""

    def __init__(self, inputs: int, squeeze: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze, 4 * squeeze, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze, 4 * squeeze, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        ones = self.expand1x1_activation(self.expand1x1(x))
        threes = self.expand3x3_activation(self.expand3x3(x))
        return torch.cat([ones, threes], 1)


class SqueezeNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); see `variant` for the settings.

    stem          the first convolution
    pooled_after  how many fire modules stand before the second and the third pooling
    """

    def __init__(
        self,
        outputs: int,
        stem: nn.Conv2d,
        pooled_after: tuple[int, int],
        width: int,
        dropout: float,
        rectify: bool,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [stem, nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True)]
        inside = stem.out_channels
        for number, squeeze in enumerate(SQUEEZES):
            if number in pooled_after:
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            layers.append(Fire(inside, squeeze * width))
            inside = 8 * squeeze * width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv2d(inside, outputs, 1),
            nn.ReLU(inplace=True) if rectify else nn.Identity(),
            nn.AdaptiveAvgPool2d(1),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(self.get_parameter("classifier.1.weight"), std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (n, 512, h / 16, w / 16)
        return self.classifier(x).flatten(1)


def variant(filters: int, kernel: int, pooled_after: tuple[int, int]) -> Callable[..., SqueezeNet]:
    """The version whose first convolution has `filters` widths; its settings:

    width    filters of the first squeeze
    dropout  before the last convolution
    rectify  ReLU after the last convolution, as published; turn it off for outputs that may be
             negative (regression, several labels)
    """

    def build(
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: int = 16,
        dropout: float = 0.5,
        rectify: bool = True,
    ) -> SqueezeNet:
        stem = nn.Conv2d(channels, filters * width, kernel, stride=2)
        return SqueezeNet(outputs, stem, pooled_after, width, dropout, rectify)

    return build


squeezenet1_0 = variant(6, 7, pooled_after=(3, 7))
squeezenet1_1 = variant(4, 3, pooled_after=(2, 4))
