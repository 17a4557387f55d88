"""SSD7: seven convolutions, of which the last four predict boxes and classes.

The object detection book, after the public project that it follows and Liu et al. 2016. Each block
is a convolution, batch norm, ELU and max pooling, no pooling after the seventh; predictors are 3x3
convolutions on the fourth to the seventh.
"""

import torch
from torch import Tensor, nn

from sightline.errors import RecipeError
from sightline.models import ssd
from sightline.models.detector import Candidates, Detector, Loss, Objects
from sightline.types import Size

WIDTHS = (32, 48, 64, 64, 48, 48, 32)
FIRST = 3  # the block whose output is the first that predicts
SCALES = (0.08, 0.16, 0.32, 0.64, 0.96)
RATIOS = (0.5, 1.0, 2.0)
BOXES = len(RATIOS) + 1  # a cell: ratio 1 has two


class SSD7(Detector):
    """Inputs (n, channels, h, w) in [0, 1], which it sees as -1 to 1.

    outputs  classes, without background
    size     of the inputs, which the anchors are laid for
    """

    def __init__(self, outputs: int, channels: int = 3, size: Size = (300, 480)) -> None:
        super().__init__()
        self.classes, self.rules = outputs, ssd.Rules()
        inside, blocks = channels, []
        for number, width in enumerate(WIDTHS):
            kernel = 5 if number == 0 else 3
            convolution = nn.Conv2d(inside, width, kernel, padding="same")
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            blocks.append(nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ELU()))
            inside = width
        self.blocks = nn.ModuleList(blocks)
        self.pool = nn.MaxPool2d(2)
        of_maps = WIDTHS[FIRST:]
        self.class_layers = nn.ModuleList(
            nn.Conv2d(width, BOXES * (outputs + 1), 3, padding="same") for width in of_maps
        )
        self.box_layers = nn.ModuleList(
            nn.Conv2d(width, BOXES * 4, 3, padding="same") for width in of_maps
        )
        for layer in (*self.class_layers, *self.box_layers):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        maps = [(size[0] >> n, size[1] >> n) for n in range(FIRST, len(WIDTHS))]
        if min(maps[-1]) < 1:
            raise RecipeError(f"ssd7 needs inputs of at least 64x64, not {size[0]}x{size[1]}")
        self.anchors = ssd.anchors(size, maps, SCALES, [RATIOS] * len(maps))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores (n, k, outputs + 1) before softmax, the background first, and offsets
        (n, k, 4) of the k anchors."""
        x = x * 2 - 1
        scores, offsets = [], []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number >= FIRST:
                of_class = self.class_layers[number - FIRST](x)
                of_box = self.box_layers[number - FIRST](x)
                scores.append(ssd.rows(of_class, self.classes + 1))
                offsets.append(ssd.rows(of_box, 4))
            if number < len(self.blocks) - 1:
                x = self.pool(x)
        return torch.cat(scores, 1), torch.cat(offsets, 1)

    def loss(self, inputs: Tensor, truth: Objects) -> dict[str, Loss]:
        scores, offsets = self(inputs)
        anchors = self.anchors.to(inputs.device)
        labels, wanted = ssd.targets(truth, len(inputs), anchors, self.rules)
        return ssd.losses(scores.float(), offsets.float(), labels, wanted, self.rules)

    def detect(self, inputs: Tensor) -> Candidates:
        scores, offsets = self(inputs)
        return ssd.candidates(scores, offsets, self.anchors.to(inputs.device), self.rules)
