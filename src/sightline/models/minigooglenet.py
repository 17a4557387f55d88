"""MiniGoogLeNet: the small inception network for 32x32 pictures of Zhang, Bengio, Hardt, Recht and
Vinyals 2017, "Understanding deep learning requires rethinking generalization", as the Practitioner
book builds it (chapter on GoogLeNet).

Nothing left out; initialization and batch norm are Keras's. Convolution, batch norm, ReLU.
Expect .9081 on CIFAR-10 in 70 epochs (SGD, .005 falling to 0, shifts and mirrors).
1,652,826 parameters with 10 outputs.
"""

import torch
from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU; the borders are padded where the stride is 1."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 if stride == 1 else 0),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
        nn.ReLU(inplace=True),
    )


class Inception(nn.Module):
    """1x1 beside 3x3, joined on channels."""

    def __init__(self, inputs: int, one: int, three: int) -> None:
        super().__init__()
        self.one = conv(inputs, one, 1)
        self.three = conv(inputs, three, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x)], 1)


class Downsample(nn.Module):
    """3x3 convolution beside 3x3 max pooling, both with stride 2, joined on channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = conv(inputs, outputs, 3, stride=2)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), self.pool(x)], 1)


class MiniGoogLeNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 7."""

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (32, 32),
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(channels, 96, 3),
            Inception(96, 32, 32),
            Inception(64, 32, 48),
            Downsample(80, 80),  # 32 -> 15
            Inception(160, 112, 48),
            Inception(160, 96, 64),
            Inception(160, 80, 80),
            Inception(160, 48, 96),
            Downsample(144, 96),  # 15 -> 7
            Inception(240, 176, 160),
            Inception(336, 176, 160),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(336, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x)).flatten(1)  # (n, 336)
        return self.fc(self.dropout(x))
