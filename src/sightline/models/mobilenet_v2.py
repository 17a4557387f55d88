"""MobileNet v2 (Sandler, Howard, Zhu, Zhmoginov and Chen 2018).

Seventeen inverted residuals: 1x1 convolutions expand, a depthwise 3x3 filters, 1x1 convolutions
project without an activation, and what went in is added where the shape is the same. Nothing left
out. Expect .719 on ImageNet's validation set (top five .903). 3,504,872 parameters with 1,000
classes.
"""

from torch import Tensor, nn

from sightline.models.layers import he_, multiple_of_8
from sightline.types import Size

STAGES = (  # expansion, filters, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = expansion * inputs
        self.adds = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *([] if expansion == 1 else [conv_bn_relu6(inputs, inside, 1)]),
            conv_bn_relu6(inside, inside, 3, stride, groups=inside),
            nn.Conv2d(inside, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """(n, channels, h, w) -> (n, outputs).

    width    multiplies every layer's filters, rounded to eights; the last has never fewer than 1280
    dropout  before the last layer
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: float = 1.0,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        inside = multiple_of_8(32 * width)
        layers: list[nn.Module] = [conv_bn_relu6(channels, inside, 3, stride=2)]
        for expansion, filters, blocks, stride in STAGES:
            for number in range(blocks):
                outside = multiple_of_8(filters * width)
                step = stride if number == 0 else 1
                layers.append(InvertedResidual(inside, outside, step, expansion))
                inside = outside
        last = multiple_of_8(1280 * max(1.0, width))
        self.features = nn.Sequential(*layers, conv_bn_relu6(inside, last, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, outputs))
        he_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 1280, 1, 1)
        return self.classifier(x.flatten(1))


def conv_bn_relu6(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution (same padding, no bias), batch norm, ReLU cut at 6."""
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )
