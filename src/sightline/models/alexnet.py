"""AlexNet (Krizhevsky, Sutskever and Hinton 2012), in two forms.

AlexNet is torchvision's, which follows Krizhevsky's second paper (2014, "One weird trick"): the
five convolutions on one processor, 64 filters first, no response normalization. Expect .565 on
ImageNet's validation set (top five .791). 61,100,840 parameters with 1,000 classes. The features
are pooled to 6x6, so that any input of 63 pixels and more will do.

BookAlexNet is the Practitioner book's for Dogs vs Cats at 227x227: 96 filters first, batch norm
after every activation, dropout after every pooling. Expect .926 there in 75 epochs, .94 with ten
crops. Initialized as Keras does.
"""

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size


class AlexNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 63.

    width    filters of the first convolution; the others have 3, 6, 4 and 4 times as many
    hidden   units of the two fully connected layers
    dropout  before each of them
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: int = 64,
        hidden: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(width, 3 * width, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(3 * width, 6 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(6 * width, 4 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(4 * width, 4 * width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(4 * width * 6 * 6, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))  # (n, 256, 6, 6)
        return self.classifier(x.flatten(1))


class BookAlexNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 67.

    width       a third of the first convolution's filters; the others have 8, 12, 12 and 8 times it
    hidden      units of the two fully connected layers
    dropout     after each pooling
    dropout_fc  after each fully connected layer but the last
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (227, 227),
        width: int = 32,
        hidden: int = 4096,
        dropout: float = 0.25,
        dropout_fc: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *convolution(channels, 3 * width, 11, stride=4),
            *pooling(dropout),
            *convolution(3 * width, 8 * width, 5, padding=2),
            *pooling(dropout),
            *convolution(8 * width, 12 * width, 3, padding=1),
            *convolution(12 * width, 12 * width, 3, padding=1),
            *convolution(12 * width, 8 * width, 3, padding=1),
            *pooling(dropout),
        )
        height, across = (pooled(pooled(pooled((side - 11) // 4 + 1))) for side in size)
        self.hidden = nn.Sequential(
            *connection(8 * width * height * across, hidden, dropout_fc),
            *connection(hidden, hidden, dropout_fc),
        )
        self.fc = nn.Linear(hidden, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (n, 256, 6, 6) at 227x227
        return self.fc(self.hidden(x.flatten(1)))


def pooled(side: int) -> int:
    """Pixels left of `side` by a pooling of 3, stride 2."""
    return (side - 3) // 2 + 1


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0
) -> tuple[nn.Module, ...]:
    """CONV => RELU => BN."""
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, padding),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
    )


def pooling(dropout: float) -> tuple[nn.Module, ...]:
    """POOL => DO."""
    return nn.MaxPool2d(3, 2), nn.Dropout(dropout)


def connection(inputs: int, outputs: int, dropout: float) -> tuple[nn.Module, ...]:
    """FC => RELU => BN => DO."""
    return (
        nn.Linear(inputs, outputs),
        nn.ReLU(inplace=True),
        nn.BatchNorm1d(outputs, eps=1e-3, momentum=0.01),
        nn.Dropout(dropout),
    )
