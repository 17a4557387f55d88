"""DeeperGoogLeNet: the Practitioner book's GoogLeNet for Tiny ImageNet's 64x64 pictures, after
Szegedy et al. 2015.

A smaller stem (5x5, stride 1), inceptions 3a to 4e, no auxiliary heads; batch norm after every
convolution. Initialization and batch norm are Keras's, and so is its uneven padding of the pools
where the side is even, as at 64. The book's L2 of .0002 is the optimizer's decay of .0004.
Expect .5577 on Tiny ImageNet (Adam, .001). 3,657,992 parameters with 200 outputs.
"""

import torch
from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size


def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Convolution (same padding), batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
        nn.ReLU(inplace=True),
    )


def halve() -> nn.MaxPool2d:
    """3x3 windows, stride 2: side 64 -> 32."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


class Inception(nn.Module):
    """Four branches, joined on channels: 1x1 | 1x1, 3x3 | 1x1, 5x5 | pool, 1x1."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pool = widths
        self.one = conv(inputs, one, 1)
        self.three = nn.Sequential(conv(inputs, reduce3, 1), conv(reduce3, three, 3))
        self.five = nn.Sequential(conv(inputs, reduce5, 1), conv(reduce5, five, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


class DeeperGoogLeNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 16."""

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (64, 64),
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv(channels, 64, 5), halve(), conv(64, 64, 1), conv(64, 192, 3), halve()
        )
        self.inception3a = Inception(192, (64, 96, 128, 16, 32, 32))
        self.inception3b = Inception(256, (128, 128, 192, 32, 96, 64))
        self.pool3 = halve()
        self.inception4a = Inception(480, (192, 96, 208, 16, 48, 64))
        self.inception4b = Inception(512, (160, 112, 224, 24, 64, 64))
        self.inception4c = Inception(512, (128, 128, 256, 24, 64, 64))
        self.inception4d = Inception(512, (112, 144, 288, 32, 64, 64))
        self.inception4e = Inception(528, (256, 160, 320, 32, 128, 128))
        self.pool4 = halve()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(832, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (n, 192, h / 4, w / 4)
        x = self.pool3(self.inception3b(self.inception3a(x)))  # (n, 480, h / 8, w / 8)
        x = self.inception4c(self.inception4b(self.inception4a(x)))
        x = self.pool4(self.inception4e(self.inception4d(x)))  # (n, 832, h / 16, w / 16)
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))
