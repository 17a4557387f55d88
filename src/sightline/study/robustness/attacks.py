"""Answers to pictures changed against the model: the accuracy that is left, and examples."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline import chance
from sightline.data import warp
from sightline.data.placing import stacked
from sightline.data.views import View
from sightline.models import Network
from sightline.predictor import ModelPredictor
from sightline.study.explaining.subject import in_evaluation
from sightline.training.attack import Attack
from sightline.types import Images

PIXELS = 4_000_000  # numbers of canvases that are attacked at a time


@dataclass(frozen=True, eq=False)
class Attacked:
    """Of one batch: what the canvases (n, c, h, w) became, in [0, 1], and the scores (n, classes)
    that they are given."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    scores: NDArray[np.float32]


def attack_canvases(
    predictor: ModelPredictor,
    network: Network,
    images: Images,
    labels: NDArray[np.int64],
    attack: Attack,
    seed: int,
) -> Attacked:
    """Move every value of the canvases against the model's whole answer: the mean of all its
    views. A view as large as the canvas is the canvas itself.

    labels  (n,) the truth, whose probability is to fall
    seed    of random starts
    """
    view, device = predictor.view, predictor.device
    pixels = torch.from_numpy(stacked(images, predictor.canvas)).to(device)
    before = pixels.permute(0, 3, 1, 2).float() / view.top
    truths = torch.from_numpy(labels).to(device)
    with in_evaluation(network), torch.random.fork_rng():
        torch.manual_seed(seed)
        after = attack.examples(lambda x: -log_scores(network, view, x)[rows(x), truths], before)
        with torch.no_grad():
            scores = log_scores(network, view, after).exp()
    return Attacked(*(t.contiguous().cpu().numpy() for t in (before, after, scores)))


def rows(x: Tensor) -> Tensor:
    return torch.arange(len(x), device=x.device)


def log_scores(network: Network, view: View, canvases: Tensor) -> Tensor:
    """(n, classes) logarithms of the mean probabilities over the views of canvases (n, c, h, w) in
    [0, 1]; with a slope."""
    each = []
    laid = canvases.permute(0, 2, 3, 1)
    for top, left, mirrored in view.windows((canvases.shape[2], canvases.shape[3])):
        cut = warp.window(laid, top, left, view.size)
        cut = cut.flip(2) if mirrored else cut
        each.append(network(cut.permute(0, 3, 1, 2)).float().log_softmax(1))
    if len(each) == 1:
        return each[0]
    return torch.stack(each).logsumexp(0) - float(np.log(len(each)))


def batch_of(predictor: ModelPredictor) -> int:
    """Images that are attacked at a time."""
    height, width = predictor.canvas.size
    return max(1, min(256, PIXELS // (height * width * predictor.canvas.channels)))


def seed_of(seed: int, start: int) -> int:
    return chance.seed_of(seed, start, "attack")
