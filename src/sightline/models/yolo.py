"""YOLO: a grid in which the cell with an object's middle, and the anchor most like it, owns it.

Course notes, 6.5 to 6.8; Redmon and Farhadi 2017 (anchors by k-means, objectness), with a loss of
boxes by complete IoU (Zheng et al. 2020), on a small residual body of ours or a pretrained one.
One cell is 16 pixels.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.boxes.tensors import complete_iou, iou
from sightline.errors import RecipeError
from sightline.models.bodies import Body, Neck
from sightline.models.detector import Anchored, Candidates, Loss, Objects
from sightline.models.layers import conv_bn_relu
from sightline.models.resnet9 import Residual
from sightline.types import Size

STRIDE = 16
KEPT = 400  # candidates an image
LEFT_ALONE = 0.5  # overlap with an object from which a box that owns none is no background
LARGEST = 6.0  # of a size's exponent: no box is more than 400 times its anchor
PRIOR = 0.01  # objectness at the start, since most cells are empty (Lin et al. 2017)
ROUNDS = 100  # of k-means at most


class YOLO(Anchored):
    """Inputs (n, channels, h, w), whose sides are multiples of 16.

    outputs  classes
    width    channels of its own body's stem, whose last stage has 8 times as many; of another body,
             an eighth of those of the map that predicts
    anchors  boxes that a cell may own
    body     a network of `BODIES`, which pretrained weights fit; empty: a small one of its own
    """

    sides: Tensor

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (240, 320),
        width: int = 32,
        anchors: int = 5,
        body: str = "",
    ) -> None:
        super().__init__()
        if size[0] % STRIDE or size[1] % STRIDE:
            raise RecipeError(f"yolo needs sides that are multiples of {STRIDE}, not {size}")
        if anchors > 32:
            raise RecipeError(f"yolo takes 1 to 32 anchors, not {anchors}")
        self.classes, self.anchors = outputs, anchors
        if body:
            known = Body(body, channels)
            self.body: nn.Module = known
            self.neck: nn.Module = Neck(known.widths, 8 * width)
        else:
            self.body, self.neck = _own_body(channels, width), nn.Identity()
        self.head = nn.Conv2d(8 * width, anchors * (5 + outputs), 1)
        nn.init.normal_(self.head.weight, std=0.01)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        of_object = self.head.bias.detach().view(anchors, 5 + outputs)[:, 4]
        nn.init.constant_(of_object, math.log(PRIOR / (1 - PRIOR)))
        self.register_buffer("sides", torch.full((anchors, 2), float(STRIDE)))

    def lay(self, sides: Tensor) -> None:
        """Take anchors from the sides (m, 2), width and height, of true boxes in input pixels."""
        self.sides.copy_(cluster(sides.double().cpu(), self.anchors))

    def forward(self, x: Tensor) -> Tensor:
        """(n, rows, columns, anchors, 5 + classes): x, y, w, h, objectness and classes, all raw."""
        raw = self.head(self.neck(self.body(x))).float().permute(0, 2, 3, 1)
        return raw.unflatten(3, (self.anchors, 5 + self.classes))

    def loss(self, inputs: Tensor, truth: Objects) -> dict[str, Loss]:
        raw = self(inputs)
        boxes = placed(raw, self.sides)
        where = owners(truth, self.sides, (raw.shape[1], raw.shape[2]))
        count = truth.classes.new_tensor(max(1, len(truth.classes))).float()
        owning = raw[where]
        of_box = 1 - complete_iou(boxes[where], truth.boxes)
        of_class = F.cross_entropy(owning[:, 5:], truth.classes, reduction="sum")
        wanted = torch.zeros_like(raw[..., 4])
        wanted[where] = 1.0
        counted = (wanted > 0) | ~self._near(boxes.detach(), truth)
        of_object = F.binary_cross_entropy_with_logits(raw[..., 4], wanted, reduction="none")
        return {
            "class": Loss(of_class, count),
            "box": Loss(5.0 * of_box.sum(), count),
            "object": Loss(of_object[counted].sum(), count),
        }

    def _near(self, boxes: Tensor, truth: Objects) -> Tensor:
        """(n, rows, columns, anchors) which boxes lie on an object."""
        found = torch.zeros(boxes.shape[:-1], dtype=torch.bool, device=boxes.device)
        for image, laid in enumerate(boxes):
            mine, _ = truth.of(image)
            if len(mine):
                best = iou(laid.flatten(0, 2), mine).amax(1)
                found[image] = best.view(laid.shape[:-1]) > LEFT_ALONE
        return found

    def detect(self, inputs: Tensor) -> Candidates:
        raw = self(inputs)
        boxes = placed(raw, self.sides).flatten(1, 3)
        scores = raw[..., 5:].softmax(-1) * raw[..., 4:5].sigmoid()
        scores = scores.flatten(1, 3)
        kept = scores.amax(-1).topk(min(KEPT, scores.shape[1])).indices[..., None]
        return Candidates(
            boxes.gather(1, kept.expand(-1, -1, 4)),
            scores.gather(1, kept.expand(-1, -1, scores.shape[2])),
        )


def _own_body(channels: int, width: int) -> nn.Sequential:
    """(n, channels, h, w) -> (n, 8 * width, h / 16, w / 16)."""
    layers: list[nn.Module] = [conv_bn_relu(channels, width, stride=2)]
    inside = width
    for factor, blocks in ((2, 1), (4, 2), (8, 2)):
        layers.append(conv_bn_relu(inside, factor * width, stride=2))
        inside = factor * width
        layers += [Residual(inside) for _ in range(blocks)]
    return nn.Sequential(*layers, conv_bn_relu(inside, inside))


def placed(raw: Tensor, sides: Tensor) -> Tensor:
    """Boxes (n, rows, columns, anchors, 4) of raw answers, in pixels: the middle inside the cell,
    by a sigmoid; sides those of the anchor times an exponential."""
    _, rows, columns, _, _ = raw.shape
    y = torch.arange(rows, device=raw.device)[:, None, None]
    x = torch.arange(columns, device=raw.device)[None, :, None]
    middle_x = (raw[..., 0].sigmoid() + x) * STRIDE
    middle_y = (raw[..., 1].sigmoid() + y) * STRIDE
    half = sides * raw[..., 2:4].clamp(max=LARGEST).exp() / 2
    low = torch.stack([middle_x, middle_y], -1) - half
    return torch.cat([low, low + 2 * half], -1)


def owners(truth: Objects, sides: Tensor, grid: Size) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Image, row, column and anchor that own each object: the cell of its middle, and there the
    anchor of the most like shape. Where two would own one, the later object has the next best
    anchor that is free; without a free one both keep it."""
    middle = (truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2
    column = (middle[:, 0] / STRIDE).long().clamp(0, grid[1] - 1)
    row = (middle[:, 1] / STRIDE).long().clamp(0, grid[0] - 1)
    alike = shape_iou(truth.boxes[:, 2:] - truth.boxes[:, :2], sides)
    order = alike.argsort(dim=1, descending=True, stable=True).tolist()
    cells = list(zip(truth.images.tolist(), row.tolist(), column.tolist(), strict=True))
    taken: set[tuple[int, int, int, int]] = set()
    chosen = []
    for cell, ranked in zip(cells, order, strict=True):
        anchor = next((a for a in ranked if (*cell, a) not in taken), ranked[0])
        taken.add((*cell, anchor))
        chosen.append(anchor)
    anchors = torch.tensor(chosen, dtype=torch.int64, device=row.device)
    return truth.images, row, column, anchors


def shape_iou(first: Tensor, second: Tensor) -> Tensor:
    """(n, m) overlap of boxes with these sides (n, 2) and (m, 2) laid on one corner."""
    shared = torch.minimum(first[:, None], second[None]).prod(2)
    return shared / (first.prod(1)[:, None] + second.prod(1)[None] - shared).clamp_min(1e-9)


def cluster(sides: Tensor, k: int) -> Tensor:
    """(k, 2) anchors for boxes with these sides (m, 2), smallest first: k-means whose distance is
    1 - IoU of shapes, from the quantiles of the areas on (Redmon and Farhadi 2017)."""
    sides = sides[(sides > 0).all(1)]
    if len(sides) < k:
        raise RecipeError(f"yolo: {k} anchors for {len(sides)} boxes; set model.anchors lower")
    by_area = sides[sides.prod(1).argsort(stable=True, dim=0)]
    at = ((torch.arange(k) + 0.5) / k * len(sides)).long()
    means = by_area[at].clone()
    before = None
    for _ in range(ROUNDS):
        nearest = shape_iou(sides, means).argmax(1)
        if before is not None and torch.equal(nearest, before):
            break
        before = nearest
        for number in range(k):
            if (nearest == number).any():
                means[number] = sides[nearest == number].mean(0)
    return means[means.prod(1).argsort(stable=True, dim=0)]
