"""The Practitioner book's ResNet: pre-activation bottlenecks, after He, Zhang, Ren and Sun 2016,
"Identity Mappings in Deep Residual Networks".

As in the book the input itself is batch-normalized, and the first block of each stage projects its
shortcut, from the first activation. Initialization is Keras's; batch norm has the book's own
constants (eps 2e-5, momentum .9, which is .1 in PyTorch's sense). The book's L2 `reg` is no part of
the network here but the optimizer's decay, at 2 * reg: Keras adds reg * w^2 to the loss.
Expect .9358 on CIFAR-10 (reg 5e-4) as it stands, and .5803 on Tiny ImageNet with stages 3, 4, 6,
filters 64, 128, 256, 512 and its own stem. 873,872 and 2,252,046 parameters.
"""

from typing import Literal

from torch import Tensor, nn

from sightline.errors import RecipeError
from sightline.models.layers import glorot_
from sightline.types import Size

MOST = 333  # blocks; the paper's deepest network, of 1,001 layers


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with the book's constants."""
    return nn.BatchNorm2d(channels, eps=2e-5, momentum=0.1)


class Bottleneck(nn.Module):
    """x + (1x1 to a quarter, 3x3, 1x1 to `outputs`) of x, each after batch norm and ReLU.

    first  of its stage: its shortcut is a 1x1 convolution of the first activation
    """

    def __init__(self, inputs: int, outputs: int, stride: int, first: bool) -> None:
        super().__init__()
        inside = max(1, outputs // 4)
        self.bn1 = norm(inputs)
        self.conv1 = nn.Conv2d(inputs, inside, 1, bias=False)
        self.bn2 = norm(inside)
        self.conv2 = nn.Conv2d(inside, inside, 3, stride, 1, bias=False)
        self.bn3 = norm(inside)
        self.conv3 = nn.Conv2d(inside, outputs, 1, bias=False)
        self.relu = nn.ReLU()
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if first else None

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(active)
        x = self.relu(self.bn2(self.conv1(active)))
        x = self.relu(self.bn3(self.conv2(x)))
        return self.conv3(x) + shortcut


class PreactResNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs), any size.

    stages     blocks in each stage
    filters    channels of the stem and of each stage: one number more than stages
    stem       cifar: 3x3; tiny-imagenet: 5x5 and pooling
    zero_init  each block starts as its shortcut alone, its last convolution at zero
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (32, 32),
        stages: tuple[int, ...] = (9, 9, 9),
        filters: tuple[int, ...] = (64, 64, 128, 256),
        stem: Literal["cifar", "tiny-imagenet"] = "cifar",
        zero_init: bool = False,
    ) -> None:
        super().__init__()
        if len(filters) != len(stages) + 1:
            raise RecipeError(
                f"preact_resnet: {len(stages)} stages need {len(stages) + 1} filters, the stem's "
                f"first, not {len(filters)}"
            )
        if sum(stages) > MOST:
            raise RecipeError(f"preact_resnet: {sum(stages)} blocks; at most {MOST}")
        layers: list[nn.Module] = [norm(channels)]
        if stem == "cifar":
            layers.append(nn.Conv2d(channels, filters[0], 3, padding=1, bias=False))
        else:
            layers += [
                nn.Conv2d(channels, filters[0], 5, padding=2, bias=False),
                norm(filters[0]),
                nn.ReLU(),
                nn.MaxPool2d(3, 2, 1),
            ]
        self.stem = nn.Sequential(*layers)
        inside, blocks = filters[0], []
        for i, (depth, width) in enumerate(zip(stages, filters[1:], strict=True)):
            for j in range(depth):
                blocks.append(Bottleneck(inside, width, 2 if i > 0 and j == 0 else 1, j == 0))
                inside = width
        self.blocks = nn.Sequential(*blocks)
        self.bn = norm(inside)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inside, outputs)
        glorot_(self)
        for block in blocks if zero_init else ():
            nn.init.zeros_(block.conv3.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.blocks(self.stem(x))))
        return self.fc(self.avgpool(x).flatten(1))
