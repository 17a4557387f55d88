"""ResNet-20, 32, 44, 56 and 110 for CIFAR-10: He, Zhang, Ren and Sun 2015, section 4.2.

Three stages of n = (depth - 2) / 6 blocks on 16, 32 and 64 channels. Shortcuts have no parameters
(option A): where the shape changes, every second pixel, and zeros for the new channels. Key names
are those of the public weights trained by akamaster. Nothing left out.
Expect .9125, .9249, .9283, .9303 and .9357 on CIFAR-10 (the paper; 164 epochs of SGD, .1, decay
1e-4, shifts of 4 pixels and mirrors). 269,722, 464,154, 658,586, 853,018 and 1,727,962 parameters
with 10 outputs.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from sightline.types import Size


class Block(nn.Module):
    """x + two 3x3 convolutions of x."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.stride = stride
        self.before = (outputs - inputs) // 2  # new channels of zeros, half of them in front
        self.after = outputs - inputs - self.before

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        if self.stride > 1:
            every = x[:, :, :: self.stride, :: self.stride]
            shortcut = F.pad(every, (0, 0, 0, 0, self.before, self.after))
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class CifarResNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs), any size.

    depth      layers with weights: 6 n + 2
    width      channels of the first stage; the others have 2 and 4 times as many
    zero_init  each block starts as its shortcut alone, its last batch norm at zero
    """

    def __init__(
        self, depth: int, outputs: int, channels: int, width: int, zero_init: bool
    ) -> None:
        super().__init__()
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(*(Block(width, width, 1) for _ in range(n)))
        self.layer2 = _stage(width, n)
        self.layer3 = _stage(2 * width, n)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(4 * width, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
            elif zero_init and isinstance(layer, Block):
                nn.init.zeros_(layer.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # (n, width, h, w)
        x = self.layer3(self.layer2(self.layer1(x)))  # (n, 4 * width, h / 4, w / 4)
        return self.linear(self.avgpool(x).flatten(1))


def _stage(inputs: int, n: int) -> nn.Sequential:
    """n blocks, the first of which halves the side and doubles the channels."""
    rest = (Block(2 * inputs, 2 * inputs, 1) for _ in range(n - 1))
    return nn.Sequential(Block(inputs, 2 * inputs, 2), *rest)


def _named(depth: int) -> Callable[..., CifarResNet]:
    def build(
        outputs: int,
        channels: int = 3,
        size: Size = (32, 32),
        width: int = 16,
        zero_init: bool = False,
    ) -> CifarResNet:
        return CifarResNet(depth, outputs, channels, width, zero_init)

    return build


resnet20_cifar = _named(20)
resnet32_cifar = _named(32)
resnet44_cifar = _named(44)
resnet56_cifar = _named(56)
resnet110_cifar = _named(110)
