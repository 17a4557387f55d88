"""ShallowNet: INPUT => CONV 32 3x3 same => RELU => FC (Starter book, chapter 12).

Nothing left out. Expect .69 on Animals (the book's 71 % is average precision) and .589 on
CIFAR-10 in 40 epochs. 328,586 parameters at 32x32x3 with 10 classes. Initialized as Keras does.
"""

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size


class ShallowNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs)."""

    def __init__(self, outputs: int, channels: int = 3, size: Size = (32, 32)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 32, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(32 * size[0] * size[1], outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv(x))  # (n, 32, h, w)
        return self.fc(x.flatten(1))
