"""The two small networks that the deep learning course builds first (its notes, 5.9).

CourseConv1: zero-pad 3 => CONV 32 7x7 => BN => RELU => POOL => FC; 37,569 trainable parameters at
64x64x3 with one output. CourseConv2: CONV 8 4x4 => RELU => POOL 8 => CONV 16 2x2 => RELU => POOL 4
=> FC, all with same padding; 1,310 parameters at 64x64x3 with 6 outputs. Left out: the sigmoid and
the softmax, which belong to the loss. The notes give no accuracy. Initialized as Keras does.
"""

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size


class CourseConv1(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 2."""

    def __init__(self, outputs: int, channels: int = 3, size: Size = (64, 64)) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.ZeroPad2d(3),
            nn.Conv2d(channels, 32, 7),
            nn.BatchNorm2d(32, eps=1e-3, momentum=0.01),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.fc = nn.Linear(32 * (size[0] // 2) * (size[1] // 2), outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (n, 32, h / 2, w / 2)
        return self.fc(x.flatten(1))


class CourseConv2(nn.Module):
    """(n, channels, h, w) -> (n, outputs)."""

    def __init__(self, outputs: int, channels: int = 3, size: Size = (64, 64)) -> None:
        super().__init__()
        # Same padding of an even kernel has its odd row and column at the end.
        self.features = nn.Sequential(
            nn.ZeroPad2d((1, 2, 1, 2)),
            nn.Conv2d(channels, 8, 4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(8, ceil_mode=True),
            nn.ZeroPad2d((0, 1, 0, 1)),
            nn.Conv2d(8, 16, 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(4, ceil_mode=True),
        )
        height, width = (-(-side // 32) for side in size)  # rounded up
        self.fc = nn.Linear(16 * height * width, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (n, 16, 2, 2) at 64x64
        return self.fc(x.flatten(1))
