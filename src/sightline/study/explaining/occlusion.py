"""Occlusion maps: how the answer changes as a patch covers one place after another.

Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks". Their patch is grey;
here it has the mean color of the input, which is no new thing on black characters either.
"""

from collections.abc import Callable

import torch
from torch import Tensor

PIXELS = 400_000  # of a forward pass: eight inputs of 224x224, which a processor's cache holds


def places(side: int, patch: int, stride: int) -> list[int]:
    """Where patches begin along a side: every `stride`, the last one flush with the end."""
    last = max(0, side - patch)
    return [*range(0, last, stride), last]


def occlusion(
    score: Callable[[Tensor], Tensor],
    inputs: Tensor,
    patch: int,
    stride: int,
    tick: Callable[[int], None] = lambda _: None,
) -> tuple[Tensor, float]:
    """The map (h, w) of what covering each pixel costs, and the score of the input as it is.

    score   (n,) of inputs (n, c, h, w), on the CPU
    inputs  (1, c, h, w)
    patch   side of the square, in pixels of the input, `stride` from one to the next
    tick    called with the patches done since the last call

    A pixel's value is the mean, over all patches that cover it, of the score as it is less the
    score with the patch: positive where the place speaks for the class.
    """
    height, width = inputs.shape[2:]
    corners = [(y, x) for y in places(height, patch, stride) for x in places(width, patch, stride)]
    mean = inputs.mean((2, 3), keepdim=True)[0]  # (c, 1, 1)
    whole = float(score(inputs)[0])
    total, times = torch.zeros(height, width), torch.zeros(height, width)
    batch = max(1, PIXELS // (height * width))
    for start in range(0, len(corners), batch):
        some = corners[start : start + batch]
        covered = inputs.repeat(len(some), 1, 1, 1)
        for image, (y, x) in zip(covered, some, strict=True):
            image[:, y : y + patch, x : x + patch] = mean
        for drop, (y, x) in zip((whole - score(covered)).tolist(), some, strict=True):
            total[y : y + patch, x : x + patch] += drop
            times[y : y + patch, x : x + patch] += 1
        tick(len(some))
    return total / times.clamp_min(1), whole
