"""VGG-11, 13, 16 and 19, plain and with batch norm (Simonyan and Zisserman 2014).

Only 3x3 convolutions, more of them before each pooling as the network deepens, then two fully
connected layers of 4096. The paper's configurations A, B, D and E; left out: A-LRN and C. Batch
norm stands before the activation, as torchvision has it. Expect on ImageNet's validation set
(torchvision's weights) .690, .699, .716 and .724, with batch norm .704, .716, .734 and .742.
Parameters with 1,000 classes: 132,863,336, 133,047,848, 138,357,544 and 143,667,240. The features
are pooled to 7x7, so that any input of 32 pixels and more will do.
"""

from collections.abc import Callable

from torch import Tensor, nn

from sightline.models.layers import he_
from sightline.types import Size

CONVOLUTIONS = {  # of each stage; a pooling follows it
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(nn.Module):
    """(n, channels, h, w) -> (n, outputs); see `variant` for the settings."""

    def __init__(
        self,
        outputs: int,
        channels: int,
        convolutions: tuple[int, ...],
        batch_norm: bool,
        width: int,
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = channels
        for count, factor in zip(convolutions, (1, 2, 4, 8, 8), strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(inside, factor * width, 3, padding=1))
                inside = factor * width
                if batch_norm:
                    layers.append(nn.BatchNorm2d(inside))
                layers.append(nn.ReLU(inplace=True))
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(inside * 7 * 7, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, outputs),
        )
        he_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 512, 7, 7)
        return self.classifier(x.flatten(1))


def variant(depth: int, batch_norm: bool) -> Callable[..., VGG]:
    """The network of `depth` layers with weights; its settings:

    width    filters of the first stage; the others have 2, 4, 8 and 8 times as many
    hidden   units of the two fully connected layers
    dropout  after each of them
    """

    def build(
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: int = 64,
        hidden: int = 4096,
        dropout: float = 0.5,
    ) -> VGG:
        plan = CONVOLUTIONS[depth]
        return VGG(outputs, channels, plan, batch_norm, width, hidden, dropout)

    return build


vgg11, vgg11_bn = variant(11, False), variant(11, True)
vgg13, vgg13_bn = variant(13, False), variant(13, True)
vgg16, vgg16_bn = variant(16, False), variant(16, True)
vgg19, vgg19_bn = variant(19, False), variant(19, True)
