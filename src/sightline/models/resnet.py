"""ResNet-18, 34, 50 and 101: He, Zhang, Ren and Sun 2015, "Deep Residual Learning for Image
Recognition".

torchvision's form and key names: shortcuts are projected where the shape changes (option B), and
a bottleneck's stride is in its 3x3 convolution, not in the first 1x1 (which gains half a point).
Nothing else left out. Expect top-1 on ImageNet at 224x224 (torchvision's weights) of .698, .733,
.761 and .774. 11,689,512, 21,797,672, 25,557,032 and 44,549,160 parameters with 1,000 outputs.
"""

from collections.abc import Callable

from torch import Tensor, nn

from sightline.types import Size


def project(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The shortcut of a block: nothing where its input fits, otherwise a 1x1 convolution."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class Basic(nn.Module):
    """x + two 3x3 convolutions of x."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = project(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """x + (1x1 to `width` channels, 3x3, 1x1 to four times as many) of x."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = project(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs), any size.

    width      channels of the stem; the stages have 1, 2, 4 and 8 times as many
    zero_init  each block starts as its shortcut alone, its last batch norm at zero, which gains a
               fifth of a point on ImageNet (Goyal et al. 2017)
    """

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck],
        depths: tuple[int, ...],
        outputs: int,
        channels: int,
        width: int,
        zero_init: bool,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        wide = block.expansion * width
        self.layer1 = _stage(block, width, width, depths[0], 1)
        self.layer2 = _stage(block, wide, 2 * width, depths[1], 2)
        self.layer3 = _stage(block, 2 * wide, 4 * width, depths[2], 2)
        self.layer4 = _stage(block, 4 * wide, 8 * width, depths[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * wide, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init and isinstance(layer, Basic | Bottleneck):
                last = layer.bn2 if isinstance(layer, Basic) else layer.bn3
                nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))  # (n, width, h / 4, w / 4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # h / 32, w / 32
        return self.fc(self.avgpool(x).flatten(1))


def _stage(
    block: type[Basic] | type[Bottleneck], inputs: int, width: int, depth: int, stride: int
) -> nn.Sequential:
    """`depth` blocks, the first of which has the stride."""
    inside = block.expansion * width
    rest = (block(inside, width, 1) for _ in range(depth - 1))
    return nn.Sequential(block(inputs, width, stride), *rest)


def _named(block: type[Basic] | type[Bottleneck], *depths: int) -> Callable[..., ResNet]:
    def build(
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: int = 64,
        zero_init: bool = False,
    ) -> ResNet:
        return ResNet(block, depths, outputs, channels, width, zero_init)

    return build


resnet18 = _named(Basic, 2, 2, 2, 2)
resnet34 = _named(Basic, 3, 4, 6, 3)
resnet50 = _named(Bottleneck, 3, 4, 6, 3)
resnet101 = _named(Bottleneck, 3, 4, 23, 3)
