"""MobileNet (Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto and Adam 2017).

Thirteen depthwise separable blocks: a 3x3 filter for each channel, then 1x1 convolutions across
them, batch norm and ReLU after each. Nothing left out; `width` is the paper's multiplier alpha, and
its resolution multiplier is the size of the input. Expect .706 on ImageNet's validation set; .684,
.637 and .506 at widths .75, .5 and .25. 4,231,976 parameters with 1,000 classes. The paper does not
say how it draws its weights: He's here.
"""

from torch import Tensor, nn

from sightline.models.layers import conv_bn_relu, he_, multiple_of_8
from sightline.types import Size

BLOCKS = (  # filters, stride
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *5 * ((512, 1),),
    (1024, 2),
    (1024, 1),
)


class MobileNetV1(nn.Module):
    """(n, channels, h, w) -> (n, outputs).

    width    multiplies every layer's filters, rounded to eights
    dropout  before the last layer
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: float = 1.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        inside = multiple_of_8(32 * width)
        layers = [conv_bn_relu(channels, inside, stride=2)]
        for filters, stride in BLOCKS:
            layers.append(separable(inside, multiple_of_8(filters * width), stride))
            inside = multiple_of_8(filters * width)
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(inside, outputs)
        he_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 1024, 1, 1)
        return self.fc(self.dropout(x.flatten(1)))


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Depthwise 3x3 => BN => RELU => pointwise 1x1 => BN => RELU."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        *conv_bn_relu(inputs, outputs, kernel=1),
    )
