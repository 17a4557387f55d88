"""GoogLeNet: Szegedy, Liu, Jia et al. 2015, "Going Deeper with Convolutions".

torchvision's form and key names: batch norm (eps 1e-3) where the paper has local response
normalization, 3x3 where the third branch has 5x5, dropout .2 where the head has .4. Its official
weights want inputs with mean .5 and deviation .5. Nothing else left out; the two auxiliary heads
are there if asked for, and are of use in training only.
Expect .698 top-1 on ImageNet at 224x224 (torchvision's weights). 6,624,904 parameters with 1,000
outputs, 13,004,888 with the auxiliary heads.
"""

import torch
from torch import Tensor, nn

from sightline.models.layers import Auxiliary
from sightline.types import Size

STEM = 64  # channels of the first convolution, which the table is for
INCEPTIONS = {  # 1x1 | 1x1, 3x3 | 1x1, "5x5" | pool, 1x1 (the paper's table 1)
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class BasicConv(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches beside one another, joined on channels."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pool = widths
        self.branch1 = BasicConv(inputs, one, 1)
        self.branch2 = nn.Sequential(BasicConv(inputs, reduce3, 1), BasicConv(reduce3, three, 3))
        self.branch3 = nn.Sequential(BasicConv(inputs, reduce5, 1), BasicConv(reduce5, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), BasicConv(inputs, pool, 1))
        self.outputs = one + three + five + pool

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Head(nn.Module):
    """An auxiliary classifier: (n, inputs, h, w) -> (n, outputs)."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.conv = BasicConv(inputs, 2 * width, 1)
        self.fc1 = nn.Linear(2 * width * 4 * 4, 16 * width)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(16 * width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.pool(x)).flatten(1)  # (n, 2 * width * 16)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


class GoogLeNet(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 15.

    width      channels of the first convolution; all others in proportion
    auxiliary  two further heads, behind 4a and 4d; each one's loss counts .3
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (224, 224),
        width: int = STEM,
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        self.auxiliary = auxiliary
        self.conv1 = BasicConv(channels, width, 7, stride=2)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = BasicConv(width, width, 1)
        self.conv3 = BasicConv(width, 3 * width, 3)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        widths = {
            name: tuple(max(1, w * width // STEM) for w in row) for name, row in INCEPTIONS.items()
        }
        self.inception3a = Inception(3 * width, widths["3a"])
        self.inception3b = Inception(self.inception3a.outputs, widths["3b"])
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception4a = Inception(self.inception3b.outputs, widths["4a"])
        self.inception4b = Inception(self.inception4a.outputs, widths["4b"])
        self.inception4c = Inception(self.inception4b.outputs, widths["4c"])
        self.inception4d = Inception(self.inception4c.outputs, widths["4d"])
        self.inception4e = Inception(self.inception4d.outputs, widths["4e"])
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.inception5a = Inception(self.inception4e.outputs, widths["5a"])
        self.inception5b = Inception(self.inception5a.outputs, widths["5b"])
        if auxiliary:
            self.aux1 = Head(self.inception4a.outputs, outputs, width)
            self.aux2 = Head(self.inception4d.outputs, outputs, width)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(self.inception5b.outputs, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor | Auxiliary:
        x = self.conv3(self.conv2(self.maxpool1(self.conv1(x))))  # (n, 192, h / 4, w / 4)
        x = self.inception3b(self.inception3a(self.maxpool2(x)))  # (n, 480, h / 8, w / 8)
        first = self.inception4a(self.maxpool3(x))  # (n, 512, h / 16, w / 16)
        second = self.inception4d(self.inception4c(self.inception4b(first)))
        x = self.maxpool4(self.inception4e(second))  # (n, 832, h / 32, w / 32)
        x = self.avgpool(self.inception5b(self.inception5a(x))).flatten(1)  # (n, 1024)
        answer = self.fc(self.dropout(x))
        if self.training and self.auxiliary:
            return Auxiliary(answer, (self.aux1(first), self.aux2(second)), 0.3)
        return answer
