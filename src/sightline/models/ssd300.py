"""SSD300: six maps of a deep body, from stride 8 to the whole picture.

Liu, Anguelov, Erhan, Szegedy, Reed, Fu and Berg 2016. With VGG-16 as published: conv4_3 normalized
and scaled, fc6 and fc7 as convolutions, the first dilated, then four more pairs of layers; scales
and ratios are those of the paper's code for Pascal VOC, 8,732 anchors at 300x300, and 35,641,826
parameters with 90 classes. With another body its maps of strides 8, 16 and 32 are joined from the
coarsest down (Lin et al. 2017), and three more follow. Other sizes than 300x300 are taken, too.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.errors import RecipeError
from sightline.models import ssd
from sightline.models.bodies import Body
from sightline.models.layers import conv_bn_relu
from sightline.types import Size

SCALES = (0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05)
FEW, MANY = (1.0, 2.0, 0.5), (1.0, 2.0, 0.5, 3.0, 1 / 3)
RATIOS = (FEW, MANY, MANY, MANY, FEW, FEW)
RULES = ssd.Rules(negative=0.5, variances=(0.1, 0.1, 0.2, 0.2))
CONV4_3 = 20.0  # its length at every place, at the start
VGG16 = "vgg16"
EXTRAS = ((256, 512, 2), (128, 256, 2), (128, 256, 1), (128, 256, 1))  # VGG's: inside, out, stride


class SSD300(ssd.SSD):
    """Inputs (n, channels, h, w), normalized.

    outputs  classes, without background
    size     of the inputs, which the anchors are laid for
    body     a network of `bodies.BODIES`
    width    channels of the maps of another body than VGG-16
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (300, 300),
        body: str = VGG16,
        width: int = 128,
    ) -> None:
        known = Body(body, channels)
        neck = VGGNeck(known) if body == VGG16 else Pyramid(known.widths, width)
        sides = [neck.sides(size[0]), neck.sides(size[1])]
        if min(map(min, sides)) < 1:
            raise RecipeError(f"ssd300 on {body} has no room for six maps at {size[0]}x{size[1]}")
        maps = list(zip(*sides, strict=True))
        laid = ssd.anchors(size, maps, SCALES, RATIOS)
        super().__init__(outputs, neck.widths, [len(each) + 1 for each in RATIOS], laid, RULES)
        for layer in (*self.class_layers, *self.box_layers):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.body, self.neck = known, neck

    def maps(self, x: Tensor) -> list[Tensor]:
        found: list[Tensor] = self.neck(self.body(x))
        return found


class VGGNeck(nn.Module):
    """Six maps of VGG-16's, as published; it changes two poolings of the body."""

    widths = (512, 1024, *(outside for _, outside, _ in EXTRAS))

    def __init__(self, body: Body) -> None:
        super().__init__()
        third, fifth = body.get_submodule("features.16"), body.get_submodule("features.30")
        assert isinstance(third, nn.MaxPool2d) and isinstance(fifth, nn.MaxPool2d)
        third.ceil_mode = True
        fifth.kernel_size, fifth.stride, fifth.padding = 3, 1, 1
        self.scale = nn.Parameter(torch.full((512,), CONV4_3))
        self.fc6 = nn.Conv2d(512, 1024, 3, padding=6, dilation=6)
        self.fc7 = nn.Conv2d(1024, 1024, 1)
        extras, into = [], 1024
        for inside, outside, stride in EXTRAS:
            last = nn.Conv2d(inside, outside, 3, stride, padding=stride - 1)
            extras.append(
                nn.Sequential(nn.Conv2d(into, inside, 1), nn.ReLU(inplace=True), last, nn.ReLU())
            )
            into = outside
        self.extras = nn.ModuleList(extras)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_uniform_(layer.weight)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def sides(self, side: int) -> list[int]:
        """Of the maps, for inputs of this side."""
        fine = _half(side // 4)
        found = [fine, fine // 2]
        found += [_half(found[1]), _half(_half(found[1]))]
        return [*found, found[-1] - 2, found[-1] - 4]

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        fine, _, last = maps
        x = F.relu(self.fc7(F.relu(self.fc6(last))))
        found = [F.normalize(fine) * self.scale.view(1, -1, 1, 1), x]
        for layer in self.extras:
            x = layer(x)
            found.append(x)
        return found


class Pyramid(nn.Module):
    """Three maps joined from the coarsest down, and three more, each of half the side."""

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.widths = (width,) * 6
        self.laterals = nn.ModuleList(nn.Conv2d(inside, width, 1) for inside in widths)
        self.smooth = nn.ModuleList(conv_bn_relu(width, width) for _ in widths)
        self.extras = nn.ModuleList(conv_bn_relu(width, width, stride=2) for _ in range(3))

    def sides(self, side: int) -> list[int]:
        """Of the maps, for inputs of this side."""
        found = [_half(_half(_half(side)))]
        for _ in range(5):
            found.append(_half(found[-1]))
        return found

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        joined: list[Tensor] = []
        for lateral, one in reversed(list(zip(self.laterals, maps, strict=True))):
            here = lateral(one)
            if joined:
                here = here + F.interpolate(joined[0], size=here.shape[-2:], mode="nearest")
            joined.insert(0, here)
        found = [layer(one) for layer, one in zip(self.smooth, joined, strict=True)]
        for layer in self.extras:
            found.append(layer(found[-1]))
        return found


def _half(side: int) -> int:
    return (side + 1) // 2
