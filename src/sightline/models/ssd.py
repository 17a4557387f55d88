"""The single-shot detector: anchors, matching, loss and decoding, and what its networks share.

Liu et al. 2016; the object detection book's chapter on SSD7, whose settings are the defaults. Boxes
are x0, y0, x1, y1 in pixels; an anchor is cx, cy, w, h.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.boxes.tensors import corners, iou
from sightline.models.detector import Candidates, Detector, Loss, Objects
from sightline.types import Size

BACKGROUND, NEUTRAL = 0, -1  # labels of anchors; class c of the set is c + 1
KEPT = 400  # candidates an image


@dataclass(frozen=True)
class Rules:
    """positive   overlap from which an anchor joins the object it lies on
    negative   overlap below which an anchor is background; between the two it does not count
    negatives  of background to objects in the loss, the hardest ones
    alpha      how much location counts beside class
    variances  by which offsets (x, y, w, h) are divided
    """

    positive: float = 0.5
    negative: float = 0.3
    negatives: float = 3.0
    alpha: float = 1.0
    variances: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)


def anchors(
    size: Size,
    maps: Sequence[Size],
    scales: Sequence[float],
    ratios: Sequence[Sequence[float]],
) -> Tensor:
    """Anchors (k, 4) of all maps: by map, row, column, then ratio.

    size    of the input; `maps` are the predictors' (h, w)
    scales  of the shorter side of the input, one more than there are maps
    ratios  of width to height, a list a map; 1 gives a second box, between this scale and the next

    Centers lie evenly, the first half a step inside; no anchor is clipped. On the CPU always, also
    where networks are built without memory.
    """
    found = []
    shorter = min(size)
    for number, (height, width) in enumerate(maps):
        scale, following = scales[number], scales[number + 1]
        shapes = []
        for ratio in ratios[number]:
            shapes.append((scale * ratio**0.5, scale / ratio**0.5))
            if ratio == 1:
                between = (scale * following) ** 0.5
                shapes.append((between, between))
        y = (torch.arange(height, dtype=torch.float64, device="cpu") + 0.5) * size[0] / height
        x = (torch.arange(width, dtype=torch.float64, device="cpu") + 0.5) * size[1] / width
        centers = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)  # (h, w, 2): x, y
        sides = torch.tensor(shapes, dtype=torch.float64, device="cpu") * shorter
        each = len(shapes)
        placed = centers[:, :, None].expand(height, width, each, 2)
        found.append(torch.cat([placed, sides.expand(height, width, each, 2)], -1).reshape(-1, 4))
    return torch.cat(found).float()


def rows(answers: Tensor, each: int) -> Tensor:
    """What a predictor says (n, boxes * each, h, w) as rows (n, h * w * boxes, each), in the order
    of `anchors`."""
    return answers.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, each))


def encode(boxes: Tensor, anchors: Tensor, variances: Sequence[float]) -> Tensor:
    """Offsets (k, 4) by which anchors (k, 4) become boxes (k, 4)."""
    center, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    moved = (center - anchors[:, :2]) / anchors[:, 2:]
    grown = (side / anchors[:, 2:]).log()
    return torch.cat([moved, grown], 1) / boxes.new_tensor(variances)


def decode(offsets: Tensor, anchors: Tensor, variances: Sequence[float]) -> Tensor:
    """Boxes (…, k, 4) from offsets (…, k, 4); what `encode` undoes. No box is more than 1,000 times
    its anchor, so that an untrained network's are finite."""
    offsets = offsets * offsets.new_tensor(variances)
    center = anchors[:, :2] + offsets[..., :2] * anchors[:, 2:]
    side = anchors[:, 2:] * offsets[..., 2:].clamp(max=6.9).exp()
    return torch.cat([center - side / 2, center + side / 2], -1)


def matched(overlaps: Tensor, positive: float, negative: float) -> Tensor:
    """(k,) int64: the object of each anchor; -1 for background, -2 for neither.

    overlaps  (objects, k) of objects with anchors

    First every object gets an anchor of its own, the best pair of all first; then every other
    anchor joins the object it overlaps most, from `positive` on ("multi").
    """
    objects, count = overlaps.shape
    found = overlaps.new_full((count,), -1, dtype=torch.int64)
    if not objects:
        return found
    best, which = overlaps.max(0)
    found = torch.where(best >= negative, -2, found)
    found = torch.where(best >= positive, which, found)
    left = overlaps.clone()
    for _ in range(min(objects, count)):
        row, column = divmod(int(left.argmax()), count)
        found[column] = row
        left[row] = left[:, column] = -1.0
    return found


def targets(truth: Objects, images: int, anchors: Tensor, rules: Rules) -> tuple[Tensor, Tensor]:
    """What each anchor should say: labels (n, k) int64, BACKGROUND, NEUTRAL or class + 1; and
    offsets (n, k, 4), 0 but for objects."""
    labels, offsets = [], []
    laid = corners(anchors)
    for image in range(images):
        boxes, classes = truth.of(image)
        who = matched(iou(boxes, laid), rules.positive, rules.negative)
        of_object = who >= 0
        label, offset = who + 1, torch.zeros_like(anchors)
        label[of_object] = classes[who[of_object]] + 1
        at = anchors[of_object]
        offset[of_object] = encode(boxes[who[of_object]], at, rules.variances)
        labels.append(label)
        offsets.append(offset)
    return torch.stack(labels), torch.stack(offsets)


def losses(
    scores: Tensor, offsets: Tensor, labels: Tensor, wanted: Tensor, rules: Rules
) -> dict[str, Loss]:
    """Log loss over objects and the hardest background of the batch; smooth L1 over objects. Both
    are divided by the number of anchors that stand for objects.

    scores  (n, k, classes + 1) before softmax; offsets (n, k, 4); labels and `wanted` as `targets`
    """
    objects, background = labels > BACKGROUND, labels == BACKGROUND
    each = F.cross_entropy(scores.flatten(0, 1), labels.flatten().clamp_min(0), reduction="none")
    each = each.view_as(labels)
    found = objects.sum()
    least = min(int(rules.negatives * int(found)), int(background.sum()))
    hard = each.detach().masked_fill(~background, -1.0).flatten().topk(least).indices
    of_class = each[objects].sum() + each.flatten()[hard].sum()
    of_place = F.smooth_l1_loss(offsets[objects], wanted[objects], reduction="sum")
    count = found.clamp_min(1).to(torch.float32)
    return {"class": Loss(of_class, count), "box": Loss(rules.alpha * of_place, count)}


def candidates(scores: Tensor, offsets: Tensor, anchors: Tensor, rules: Rules) -> Candidates:
    """The likeliest boxes of each image from raw outputs, as `losses` takes them."""
    shares = scores.float().softmax(-1)[..., 1:]
    boxes = decode(offsets.float(), anchors, rules.variances)
    kept = shares.amax(-1).topk(min(KEPT, shares.shape[1])).indices
    return Candidates(
        boxes.gather(1, kept[..., None].expand(-1, -1, 4)),
        shares.gather(1, kept[..., None].expand(-1, -1, shares.shape[2])),
    )


class SSD(Detector):
    """Class scores and offsets by 3x3 convolutions on several maps.

    outputs  classes, without background
    widths   channels of the maps; `boxes` are the anchors at each place of each
    anchors  (k, 4) of all maps, as `anchors` gives them
    """

    def __init__(
        self,
        outputs: int,
        widths: Sequence[int],
        boxes: Sequence[int],
        anchors: Tensor,
        rules: Rules,
    ) -> None:
        super().__init__()
        self.classes, self.anchors, self.rules = outputs, anchors, rules
        pairs = list(zip(widths, boxes, strict=True))
        self.class_layers = nn.ModuleList(
            nn.Conv2d(width, each * (outputs + 1), 3, padding="same") for width, each in pairs
        )
        self.box_layers = nn.ModuleList(
            nn.Conv2d(width, each * 4, 3, padding="same") for width, each in pairs
        )

    @abstractmethod
    def maps(self, x: Tensor) -> list[Tensor]:
        """What is predicted from, finest first."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores (n, k, outputs + 1) before softmax, the background first, and offsets
        (n, k, 4) of the k anchors."""
        maps = self.maps(x)
        classes = zip(self.class_layers, maps, strict=True)
        places = zip(self.box_layers, maps, strict=True)
        scores = [rows(layer(one), self.classes + 1) for layer, one in classes]
        offsets = [rows(layer(one), 4) for layer, one in places]
        return torch.cat(scores, 1), torch.cat(offsets, 1)

    def loss(self, inputs: Tensor, truth: Objects) -> dict[str, Loss]:
        scores, offsets = self(inputs)
        anchors = self.anchors.to(inputs.device)
        labels, wanted = targets(truth, len(inputs), anchors, self.rules)
        return losses(scores.float(), offsets.float(), labels, wanted, self.rules)

    def detect(self, inputs: Tensor) -> Candidates:
        scores, offsets = self(inputs)
        return candidates(scores, offsets, self.anchors.to(inputs.device), self.rules)
