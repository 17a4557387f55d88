"""Bodies of detectors: classification networks up to their last map, told at three strides.

A body keeps its network's names, so that weights for the one fit the other. `Neck` joins the maps
to one (Lin et al. 2017, "Feature Pyramid Networks"; Redmon and Farhadi 2017, the passthrough).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.errors import UnknownName
from sightline.models import resnet, vgg
from sightline.models.layers import conv_bn_relu
from sightline.models.mobilenet_v2 import MobileNetV2

STRIDES = (8, 16, 32)
SEQUENCE = "features"  # a part whose layers are steps of their own


@dataclass(frozen=True)
class Known:
    """build   the network, from (outputs, channels)
    taps    the layers that give the maps, by stride; `widths` are their channels
    """

    build: Callable[..., nn.Module]
    taps: tuple[str, str, str]
    widths: tuple[int, int, int]


RESIDUAL = ("layer2", "layer3", "layer4")
BODIES = {
    "mobilenet_v2": Known(MobileNetV2, ("features.6", "features.13", "features.17"), (32, 96, 320)),
    "resnet18": Known(resnet.resnet18, RESIDUAL, (128, 256, 512)),
    "resnet34": Known(resnet.resnet34, RESIDUAL, (128, 256, 512)),
    "resnet50": Known(resnet.resnet50, RESIDUAL, (512, 1024, 2048)),
    "vgg16": Known(vgg.vgg16, ("features.22", "features.29", "features.30"), (512, 512, 512)),
    "vgg16_bn": Known(vgg.vgg16_bn, ("features.32", "features.42", "features.43"), (512, 512, 512)),
}


class Body(nn.Module):
    """(n, channels, h, w) -> maps (n, widths[i], h / strides[i], w / strides[i]), sides rounded.

    Raises UnknownName for a network that is no body.
    """

    def __init__(self, name: str, channels: int = 3) -> None:
        super().__init__()
        if name not in BODIES:
            raise UnknownName("body", name, BODIES)
        known = BODIES[name]
        self.name, self.taps, self.widths = name, known.taps, known.widths
        for part, module in known.build(1, channels).named_children():
            if isinstance(module, nn.Sequential) and part == SEQUENCE:
                last = int(self.taps[-1].removeprefix(f"{SEQUENCE}."))
                self.add_module(part, module[: last + 1])
                break
            self.add_module(part, module)
            if part == self.taps[-1]:
                break

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for name, step in self._steps():
            x = step(x)
            if name in self.taps:
                maps.append(x)
        return maps

    def _steps(self) -> list[tuple[str, nn.Module]]:
        children = list(self.named_children())
        if [name for name, _ in children] != [SEQUENCE]:
            return children
        return [(f"{SEQUENCE}.{name}", step) for name, step in children[0][1].named_children()]


class Neck(nn.Module):
    """Maps of strides 8, 16 and 32 to one (n, width, h / 16, w / 16) that has seen all three."""

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.down = nn.Conv2d(fine, width, 3, 2, 1, bias=False)
        self.same = nn.Conv2d(middle, width, 1, bias=False)
        self.up = nn.Conv2d(coarse, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.mix = nn.Sequential(conv_bn_relu(width, width), conv_bn_relu(width, width))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        fine, middle, coarse = maps
        raised = F.interpolate(self.up(coarse), size=middle.shape[-2:], mode="nearest")
        joined = self.down(fine) + self.same(middle) + raised
        return self.mix(torch.relu(self.norm(joined)))


def body_of(network: nn.Module) -> Body | None:
    """The body of a detector that has one of `BODIES`."""
    return next((part for part in network.modules() if isinstance(part, Body)), None)
