"""LeNet as the books build it after LeCun, Bottou, Bengio and Haffner 1998.

ReLU for tanh and max for average pooling: CONV 20 5x5 => POOL => CONV 50 5x5 => POOL => FC 500 =>
FC. With `kernel=3` it is the theory book's network for the 8x8 digits. Expect .984 on MNIST in
20 epochs. 1,256,080 parameters at 28x28x1 with 10 classes. Initialized as Keras does.
"""

from torch import Tensor, nn

from sightline.errors import RecipeError
from sightline.models.layers import glorot_
from sightline.types import Size


class LeNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 4."""

    def __init__(
        self, outputs: int, channels: int = 1, size: Size = (28, 28), kernel: int = 5
    ) -> None:
        super().__init__()
        if min(size) < 4:
            raise RecipeError(f"lenet pools twice and needs at least 4x4 pixels, not {size}")
        if kernel not in (3, 5):
            raise RecipeError(f"lenet kernel {kernel}: 5 (chapter 14) or 3 (the digits)")
        self.body = nn.Sequential(
            nn.Conv2d(channels, 20, kernel, padding=kernel // 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 50, kernel, padding=kernel // 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.hidden = nn.Linear(50 * (size[0] // 4) * (size[1] // 4), 500)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(500, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)  # (n, 50, h / 4, w / 4)
        return self.fc(self.relu(self.hidden(x.flatten(1))))
