"""ResNet-9: a compact residual network for small pictures, the folder plan's choice.

After He, Zhang, Ren and Sun 2015 (residual blocks) and Page 2018 (nine layers, widths doubling
under max pooling). Ours: a stem, then stages of one widening convolution and one residual block;
the stem is pooled at once from 48 pixels up, which halves the cost of a step and lost nothing
(docs/log.md). Global average pooling, so any input size at hand works.
Expect .90 on Animals at 64x64 from scratch in 60 epochs.
"""

from torch import Tensor, nn

from sightline.models.layers import conv_bn_relu
from sightline.types import Size


class Residual(nn.Module):
    """x + two convolutions of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(conv_bn_relu(width, width), conv_bn_relu(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


class ResNet9(nn.Module):
    """(n, channels, h, w) -> (n, outputs).

    width    channels of the stem; stages have 2, 4 and 8 times as many
    dropout  before the head
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (64, 64),
        width: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        side = min(size)
        layers: list[nn.Module] = [conv_bn_relu(channels, width)]
        if side >= 48:
            layers.append(nn.MaxPool2d(2))
            side //= 2
        inside = width
        for factor in (2, 4, 8):
            layers += [conv_bn_relu(inside, factor * width), Residual(factor * width)]
            inside = factor * width
            if side >= 8 and factor < 8:
                layers.append(nn.MaxPool2d(2))
                side //= 2
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(inside, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).mean((2, 3))  # (n, 8 * width)
        return self.fc(self.dropout(x))
