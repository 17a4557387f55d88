"""Faster R-CNN: a network proposes regions, a second stage says what each shows, and where it ends.

Ren, He, Girshick and Sun 2015. The stages share one map of stride 16 that has seen strides 8 and 32
(`Neck`). Regions are cut out by RoIAlign (He et al. 2017). Left out: offsets for each class of
their own; one for all serves as well (Dai et al. 2016, "R-FCN").
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.boxes.tensors import centers, clip, corners, iou, suppress
from sightline.models import ssd
from sightline.models.bodies import Body, Neck
from sightline.models.detector import Candidates, Detector, Loss, Objects
from sightline.models.regions import align, sampled
from sightline.types import Size

STRIDE = 16
SCALES = (0.08, 0.16, 0.32, 0.64)  # of the shorter side; the paper's are .21, .43 and .85
RATIOS = (0.5, 1.0, 2.0)
VARIANCES = (0.1, 0.1, 0.2, 0.2)  # of the second stage
UNIT = (1.0, 1.0, 1.0, 1.0)
POSITIVE, NEGATIVE = 0.7, 0.3  # overlaps of anchors; between them they do not count
REGION = 0.5  # overlap from which a region is of an object
ANCHORS, REGIONS = 256, 64  # an image in the loss
OBJECTS = 0.25  # of those regions at most; of anchors, half
BEFORE, TRAINING, TESTING = 1000, 200, 300  # proposals: before suppression, and after it
OVERLAP = 0.7  # from which a better proposal suppresses another
SIDE = 7  # of a region's bins
SMALLEST = 2.0  # pixels of a proposal's side


class FasterRCNN(Detector):
    """Inputs (n, channels, h, w), normalized.

    outputs  classes, without background
    size     of the inputs, which the anchors are laid for
    body     a network of `bodies.BODIES`
    width    channels of the map that both stages see
    hidden   of the second stage's two layers
    """

    def __init__(
        self,
        outputs: int,
        channels: int = 3,
        size: Size = (240, 320),
        body: str = "resnet50",
        width: int = 256,
        hidden: int = 512,
    ) -> None:
        super().__init__()
        self.classes, self.size = outputs, size
        self.body = Body(body, channels)
        self.neck = Neck(self.body.widths, width)
        grid = (-(-size[0] // STRIDE), -(-size[1] // STRIDE))
        self.anchors, each = anchors(size, grid)
        self.look = nn.Conv2d(width, width, 3, padding=1)
        self.object = nn.Conv2d(width, each, 1)
        self.offset = nn.Conv2d(width, each * 4, 1)
        self.hidden = nn.Sequential(
            nn.Linear(width * SIDE**2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.class_layer = nn.Linear(hidden, outputs + 1)
        self.box_layer = nn.Linear(hidden, 4)
        for layer in (self.look, self.object, self.offset, self.class_layer, self.box_layer):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The map (n, width, h / 16, w / 16); and of the k anchors how much each looks like an
        object (n, k), before a sigmoid, and offsets (n, k, 4)."""
        found = self.neck(self.body(x))
        seen = F.relu(self.look(found))
        objects = ssd.rows(self.object(seen), 1)[..., 0].float()
        return found, objects, ssd.rows(self.offset(seen), 4).float()

    def loss(self, inputs: Tensor, truth: Objects) -> dict[str, Loss]:
        found, objects, offsets = self(inputs)
        laid, losses = self.anchors.to(inputs.device), []
        proposed = self._proposed(objects.detach(), offsets.detach(), TRAINING)
        for image, regions in enumerate(proposed):
            boxes, classes = truth.of(image)
            of_anchors = _anchor_losses(objects[image], offsets[image], laid, boxes)
            of_regions = self._region_losses(found[image], regions, boxes, classes)
            losses.append(torch.stack([*of_anchors, *of_regions]))
        total, count = torch.stack(losses).sum(0), inputs.new_tensor(float(len(inputs)))
        names = ("proposed object", "proposed box", "class", "box")
        return {name: Loss(total[row], count) for row, name in enumerate(names)}

    def detect(self, inputs: Tensor) -> Candidates:
        found, objects, offsets = self(inputs)
        places, shares = [], []
        for image, regions in enumerate(self._proposed(objects, offsets, TESTING)):
            scores, moved = self._seen(found[image], regions)
            boxes = ssd.decode(moved, centers(regions), VARIANCES)
            spare = TESTING - len(regions)  # rows that stand for nothing
            places.append(F.pad(clip(boxes, self.size), (0, 0, 0, spare)))
            shares.append(F.pad(scores.softmax(-1)[:, 1:], (0, 0, 0, spare)))
        return Candidates(torch.stack(places), torch.stack(shares))

    @torch.no_grad()
    def _proposed(self, objects: Tensor, offsets: Tensor, count: int) -> list[Tensor]:
        """Up to `count` boxes (k, 4) of each image, the likeliest first."""
        laid, found = self.anchors.to(objects.device), []
        for scores, moved in zip(objects, offsets, strict=True):
            best = scores.topk(min(BEFORE, len(scores))).indices
            boxes = clip(ssd.decode(moved[best], laid[best], UNIT), self.size)
            large = ((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST).all(1)
            boxes, kept = boxes[large], scores[best][large]
            found.append(boxes[suppress(boxes, kept, iou=OVERLAP, limit=count)])
        return found

    def _seen(self, found: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores (k, outputs + 1), the background first, and offsets (k, 4) of regions."""
        hidden = self.hidden(align(found, regions, STRIDE, SIDE).flatten(1))
        return self.class_layer(hidden).float(), self.box_layer(hidden).float()

    def _region_losses(
        self, found: Tensor, regions: Tensor, boxes: Tensor, classes: Tensor
    ) -> tuple[Tensor, Tensor]:
        regions = torch.cat([regions, boxes])  # so that there are some on every object
        owner, labels = _owned(regions, boxes, classes)
        rows = sampled(labels, REGIONS, OBJECTS)
        regions, owner, labels = regions[rows], owner[rows], labels[rows]
        scores, moved = self._seen(found, regions)
        of_object = labels > 0
        wanted = ssd.encode(boxes[owner[of_object]], centers(regions[of_object]), VARIANCES)
        of_place = F.smooth_l1_loss(moved[of_object], wanted, reduction="sum")
        of_class = F.cross_entropy(scores, labels, reduction="sum")
        return of_class / max(1, len(rows)), of_place / max(1, len(rows))


def anchors(size: Size, grid: Size) -> tuple[Tensor, int]:
    """Anchors (k, 4) by row, column, scale and ratio, and how many there are at each place."""
    scales = [*SCALES, 2 * SCALES[-1]]
    by_scale = [
        ssd.anchors(size, [grid], scales[number : number + 2], [RATIOS])
        for number in range(len(SCALES))
    ]
    places = torch.stack([one.view(grid[0] * grid[1], -1, 4) for one in by_scale], 1)
    return places.reshape(-1, 4), places.shape[1] * places.shape[2]


def _anchor_losses(
    objects: Tensor, offsets: Tensor, laid: Tensor, boxes: Tensor
) -> tuple[Tensor, Tensor]:
    """Of one image: whether anchors are objects, over a sample; where those are."""
    who = ssd.matched(iou(boxes, corners(laid)), POSITIVE, NEGATIVE)
    labels = torch.where(who >= 0, 1, torch.where(who == -1, 0, -1))
    rows = sampled(labels, ANCHORS, 0.5)
    wanted = labels[rows].to(objects.dtype)
    of_object = F.binary_cross_entropy_with_logits(objects[rows], wanted, reduction="sum")
    mine = rows[labels[rows] > 0]
    moved = ssd.encode(boxes[who[mine]], laid[mine], UNIT)
    of_place = F.smooth_l1_loss(offsets[mine], moved, reduction="sum", beta=1 / 9)
    return of_object / max(1, len(rows)), of_place / max(1, len(rows))


def _owned(regions: Tensor, boxes: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """The object (k,) that each region overlaps most, and its label: class + 1, or 0 for too
    little."""
    if not len(boxes):
        none = torch.zeros(len(regions), dtype=torch.int64, device=regions.device)
        return none, none
    best, owner = iou(regions, boxes).max(1)
    return owner, torch.where(best >= REGION, classes[owner] + 1, 0)
