"""LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998): C1 => S2 => C3 => S4 => C5 => F6 => outputs.

Tanh and average pooling, as published. Left out: the trained scale and bias of each subsampling,
the table of which maps of S2 reach which of C3 (here all), the scaled tanh and the radial basis
outputs. Expect .99 on MNIST (paper .9905, at 32x32). 61,706 parameters at 32x32x1 with 10 classes;
the paper's own, with its table, has 60,000. Weights are Glorot's, who drew them for tanh; biases
zero.
"""

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size


class LeNet5(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 16."""

    def __init__(self, outputs: int, channels: int = 1, size: Size = (32, 32)) -> None:
        super().__init__()
        height, width = (((side - 4) // 2 - 4) // 2 for side in size)
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
        )
        self.hidden = nn.Sequential(
            nn.Linear(16 * height * width, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh()
        )
        self.fc = nn.Linear(84, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # (n, 16, 5, 5) at 32x32
        return self.fc(self.hidden(x.flatten(1)))
