"""Fully connected networks, as the Starter book's chapter 10 trains them after its perceptrons.

784-256-128-10 with sigmoids on MNIST: expect .92 in 100 epochs, 235,146 parameters. With
`first=1024, second=512, activation="relu"` it is 3072-1024-512-10 on CIFAR-10: expect .57 (and .998
on what it trained on), 3,676,682 parameters. Nothing left out. Initialized as Keras does.
"""

from typing import Literal

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.types import Size

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}


class MLP(nn.Module):
    """(n, channels, h, w) -> (n, outputs); `first` and `second` are the hidden layers' widths."""

    def __init__(
        self,
        outputs: int,
        channels: int = 1,
        size: Size = (28, 28),
        first: int = 256,
        second: int = 128,
        activation: Literal["sigmoid", "relu", "tanh"] = "sigmoid",
    ) -> None:
        super().__init__()
        activate = ACTIVATIONS[activation]
        self.hidden = nn.Sequential(
            nn.Linear(channels * size[0] * size[1], first),
            activate(),
            nn.Linear(first, second),
            activate(),
        )
        self.fc = nn.Linear(second, outputs)
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.hidden(x.flatten(1)))
