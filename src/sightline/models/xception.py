"""Xception: Chollet 2017, "Xception: Deep Learning with Depthwise Separable Convolutions".

Keras's form: no batch norm between depthwise and pointwise convolution, no fully connected layers
before the head, and no dropout, which the paper has at .5 for ImageNet. Initialization and batch
norm are Keras's; pooling pads both sides where Keras pads one if the side is even.
Expect .790 top-1 on ImageNet at 299x299 (Keras's weights). 22,855,952 parameters with 1,000
outputs.
"""

from itertools import pairwise

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size

STEM = 32  # channels of the first convolution, which the figures below are for


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with Keras's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def conv(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """3x3 convolution without padding, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, bias=False), norm(outputs), nn.ReLU(inplace=True)
    )


def separable(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 on each channel alone, 1x1 over channels, batch norm."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        norm(outputs),
    )


class Block(nn.Module):
    """x + separable convolutions of x, through `widths` channels, a ReLU before each.

    down    halves the side, by pooling, and projects the shortcut
    active  x comes from a ReLU, so none is put first
    """

    def __init__(self, *widths: int, down: bool = True, active: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            if i > 0 or not active:  # the first may not overwrite x, the shortcut's too
                layers.append(nn.ReLU(inplace=i > 0))
            layers.append(separable(inputs, outputs))
        self.shortcut = None
        if down:
            layers.append(nn.MaxPool2d(3, 2, 1))
            self.shortcut = nn.Sequential(
                nn.Conv2d(widths[0], widths[-1], 1, 2, bias=False), norm(widths[-1])
            )
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


class Xception(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 7.

    width  channels of the first convolution; all others in proportion
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (299, 299),
        width: int = STEM,
    ) -> None:
        super().__init__()
        a, b, c, d, e, f, g, h = (
            max(1, w * width // STEM) for w in (32, 64, 128, 256, 728, 1024, 1536, 2048)
        )
        self.entry = nn.Sequential(
            conv(channels, a, 2),
            conv(a, b, 1),
            Block(b, c, c, active=True),
            Block(c, d, d),
            Block(d, e, e),
        )
        self.middle = nn.Sequential(*(Block(e, e, e, e, down=False) for _ in range(8)))
        self.exit = nn.Sequential(
            Block(e, e, f),
            separable(f, g),
            nn.ReLU(inplace=True),
            separable(g, h),
            nn.ReLU(inplace=True),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(h, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.middle(self.entry(x))  # (n, 728, h / 16, w / 16)
        return self.fc(self.avgpool(self.exit(x)).flatten(1))
