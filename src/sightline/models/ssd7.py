"""SSD7: seven convolutions, of which the last four predict boxes and classes.

The object detection book, after the public project that it follows and Liu et al. 2016. Each block
is a convolution, batch norm, ELU and max pooling, no pooling after the seventh; predictors are 3x3
convolutions on the fourth to the seventh.
"""

from torch import Tensor, nn

from sightline.errors import RecipeError
from sightline.models import ssd
from sightline.types import Size

WIDTHS = (32, 48, 64, 64, 48, 48, 32)
FIRST = 3  # the block whose output is the first that predicts
SCALES = (0.08, 0.16, 0.32, 0.64, 0.96)
RATIOS = (0.5, 1.0, 2.0)
BOXES = len(RATIOS) + 1  # a cell: ratio 1 has two


class SSD7(ssd.SSD):
    """Inputs (n, channels, h, w) in [0, 1], which it sees as -1 to 1.

    outputs  classes, without background
    size     of the inputs, which the anchors are laid for
    """

    def __init__(self, outputs: int, channels: int = 3, size: Size = (300, 480)) -> None:
        maps = [(size[0] >> n, size[1] >> n) for n in range(FIRST, len(WIDTHS))]
        if min(maps[-1]) < 1:
            raise RecipeError(f"ssd7 needs inputs of at least 64x64, not {size[0]}x{size[1]}")
        anchors = ssd.anchors(size, maps, SCALES, [RATIOS] * len(maps))
        super().__init__(outputs, WIDTHS[FIRST:], [BOXES] * len(maps), anchors, ssd.Rules())
        inside, blocks = channels, []
        for number, width in enumerate(WIDTHS):
            kernel = 5 if number == 0 else 3
            convolution = nn.Conv2d(inside, width, kernel, padding="same")
            blocks.append(nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ELU()))
            inside = width
        self.blocks = nn.ModuleList(blocks)
        self.pool = nn.MaxPool2d(2)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def maps(self, x: Tensor) -> list[Tensor]:
        """Of the last four blocks."""
        x = x * 2 - 1
        found = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number >= FIRST:
                found.append(x)
            if number < len(self.blocks) - 1:
                x = self.pool(x)
        return found
