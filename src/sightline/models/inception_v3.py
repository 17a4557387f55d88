"""Inception v3: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the Inception
Architecture for Computer Vision".

torchvision's form and key names. Its official weights want inputs with mean .5 and deviation .5.
Nothing left out; the auxiliary head is there if asked for, and is of use in training only.
Expect .773 top-1 on ImageNet at 299x299 (torchvision's weights). 23,834,568 parameters with 1,000
outputs, 27,161,264 with the auxiliary head.
"""

import torch
from torch import Tensor, nn

from sightline.models.layers import Auxiliary
from sightline.types import Size

STEM = 32  # channels of the first convolution, which the figures below are for
PUBLISHED = 299


class BasicConv(nn.Module):
    """Convolution without bias, batch norm, ReLU; kernel and padding of (height, width)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


def same(inputs: int, outputs: int, height: int, width: int) -> BasicConv:
    """A convolution that keeps the size."""
    return BasicConv(inputs, outputs, (height, width), 1, (height // 2, width // 2))


def valid(inputs: int, outputs: int, stride: int) -> BasicConv:
    """3x3 without padding."""
    return BasicConv(inputs, outputs, (3, 3), stride)


class InceptionA(nn.Module):
    """1x1 | 1x1, 5x5 | 1x1, 3x3, 3x3 | pool, 1x1 (figure 5)."""

    def __init__(self, inputs: int, a: int, b: int, c: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = same(inputs, a, 1, 1)
        self.branch5x5_1 = same(inputs, b, 1, 1)
        self.branch5x5_2 = same(b, a, 5, 5)
        self.branch3x3dbl_1 = same(inputs, a, 1, 1)
        self.branch3x3dbl_2 = same(a, c, 3, 3)
        self.branch3x3dbl_3 = same(c, c, 3, 3)
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = same(inputs, pool, 1, 1)
        self.outputs = a + a + c + pool

    def forward(self, x: Tensor) -> Tensor:
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(self.pool(x))], 1)


class InceptionB(nn.Module):
    """Halves the side: 3x3 | 1x1, 3x3, 3x3 | pool (figure 10)."""

    def __init__(self, inputs: int, a: int, b: int, c: int) -> None:
        super().__init__()
        self.branch3x3 = valid(inputs, a, 2)
        self.branch3x3dbl_1 = same(inputs, b, 1, 1)
        self.branch3x3dbl_2 = same(b, c, 3, 3)
        self.branch3x3dbl_3 = valid(c, c, 2)
        self.pool = nn.MaxPool2d(3, 2)
        self.outputs = a + c + inputs

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, self.pool(x)], 1)


class InceptionC(nn.Module):
    """1x1 | 1x1, 1x7, 7x1 | 1x1, then 7x1, 1x7 twice | pool, 1x1 (figure 6)."""

    def __init__(self, inputs: int, a: int, b: int) -> None:
        super().__init__()
        self.branch1x1 = same(inputs, a, 1, 1)
        self.branch7x7_1 = same(inputs, b, 1, 1)
        self.branch7x7_2 = same(b, b, 1, 7)
        self.branch7x7_3 = same(b, a, 7, 1)
        self.branch7x7dbl_1 = same(inputs, b, 1, 1)
        self.branch7x7dbl_2 = same(b, b, 7, 1)
        self.branch7x7dbl_3 = same(b, b, 1, 7)
        self.branch7x7dbl_4 = same(b, b, 7, 1)
        self.branch7x7dbl_5 = same(b, a, 1, 7)
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = same(inputs, a, 1, 1)
        self.outputs = 4 * a

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(self.pool(x))], 1)


class InceptionD(nn.Module):
    """Halves the side: 1x1, 3x3 | 1x1, 1x7, 7x1, 3x3 | pool."""

    def __init__(self, inputs: int, a: int, b: int) -> None:
        super().__init__()
        self.branch3x3_1 = same(inputs, a, 1, 1)
        self.branch3x3_2 = valid(a, b, 2)
        self.branch7x7x3_1 = same(inputs, a, 1, 1)
        self.branch7x7x3_2 = same(a, a, 1, 7)
        self.branch7x7x3_3 = same(a, a, 7, 1)
        self.branch7x7x3_4 = valid(a, a, 2)
        self.pool = nn.MaxPool2d(3, 2)
        self.outputs = b + a + inputs

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        three = self.branch3x3_2(self.branch3x3_1(x))
        return torch.cat([three, self.branch7x7x3_4(seven), self.pool(x)], 1)


class InceptionE(nn.Module):
    """1x1 | 1x1, 1x3 beside 3x1 | 1x1, 3x3, 1x3 beside 3x1 | pool, 1x1 (figure 7)."""

    def __init__(self, inputs: int, a: int, b: int, c: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = same(inputs, a, 1, 1)
        self.branch3x3_1 = same(inputs, b, 1, 1)
        self.branch3x3_2a = same(b, b, 1, 3)
        self.branch3x3_2b = same(b, b, 3, 1)
        self.branch3x3dbl_1 = same(inputs, c, 1, 1)
        self.branch3x3dbl_2 = same(c, b, 3, 3)
        self.branch3x3dbl_3a = same(b, b, 1, 3)
        self.branch3x3dbl_3b = same(b, b, 3, 1)
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = same(inputs, pool, 1, 1)
        self.outputs = a + 4 * b + pool

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        wide = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        wide += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(x), *wide, self.branch_pool(self.pool(x))], 1)


class Head(nn.Module):
    """The auxiliary classifier: (n, inputs, h, w) -> (n, outputs)."""

    def __init__(self, inputs: int, outputs: int, size: Size, a: int, b: int) -> None:
        super().__init__()
        # 17x17 becomes 5x5, as published; smaller maps are brought to what the 5x5 below needs.
        published = min(size) >= PUBLISHED
        self.shrink = nn.AvgPool2d(5, 3) if published else nn.AdaptiveAvgPool2d(5)
        self.conv0 = same(inputs, a, 1, 1)
        self.conv1 = BasicConv(a, b, (5, 5))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(b, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(self.shrink(x)))  # (n, 768, 1, 1)
        return self.fc(self.avgpool(x).flatten(1))


class InceptionV3(nn.Module):
    """(n, channels, h, w) -> (n, outputs); height and width of at least 75.

    width      channels of the first convolution; all others in proportion
    auxiliary  a further head, behind Mixed_6e; its loss counts .4
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (PUBLISHED, PUBLISHED),
        width: int = STEM,
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        self.auxiliary = auxiliary

        def w(*channels: int) -> list[int]:
            return [max(1, c * width // STEM) for c in channels]

        a, b, c, d = w(32, 64, 80, 192)
        self.Conv2d_1a_3x3 = valid(channels, a, 2)
        self.Conv2d_2a_3x3 = valid(a, a, 1)
        self.Conv2d_2b_3x3 = same(a, b, 3, 3)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = same(b, c, 1, 1)
        self.Conv2d_4a_3x3 = valid(c, d, 1)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = InceptionA(d, *w(64, 48, 96, 32))
        self.Mixed_5c = InceptionA(self.Mixed_5b.outputs, *w(64, 48, 96, 64))
        self.Mixed_5d = InceptionA(self.Mixed_5c.outputs, *w(64, 48, 96, 64))
        self.Mixed_6a = InceptionB(self.Mixed_5d.outputs, *w(384, 64, 96))
        self.Mixed_6b = InceptionC(self.Mixed_6a.outputs, *w(192, 128))
        self.Mixed_6c = InceptionC(self.Mixed_6b.outputs, *w(192, 160))
        self.Mixed_6d = InceptionC(self.Mixed_6c.outputs, *w(192, 160))
        self.Mixed_6e = InceptionC(self.Mixed_6d.outputs, *w(192, 192))
        if auxiliary:
            self.AuxLogits = Head(self.Mixed_6e.outputs, outputs, size, *w(128, 768))
        self.Mixed_7a = InceptionD(self.Mixed_6e.outputs, *w(192, 320))
        self.Mixed_7b = InceptionE(self.Mixed_7a.outputs, *w(320, 384, 448, 192))
        self.Mixed_7c = InceptionE(self.Mixed_7b.outputs, *w(320, 384, 448, 192))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(self.Mixed_7c.outputs, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.1)
        if auxiliary:
            nn.init.normal_(self.AuxLogits.fc.weight, std=0.001)

    def forward(self, x: Tensor) -> Tensor | Auxiliary:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(self.maxpool1(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(self.maxpool2(x))))  # (n, 288, 35, 35)
        x = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))
        side = self.Mixed_6e(self.Mixed_6d(x))  # (n, 768, 17, 17)
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(side)))  # (n, 2048, 8, 8)
        answer = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and self.auxiliary:
            return Auxiliary(answer, (self.AuxLogits(side),), 0.4)
        return answer
