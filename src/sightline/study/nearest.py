"""The training images nearest to others, as a model sees them: by what the network's head takes,
at angles; by pixels for learners, at distances."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.data.dataset import Dataset
from sightline.data.placing import on_canvas
from sightline.learners.predictor import Extractor, FeaturePredictor, LearnerPredictor
from sightline.models import Network
from sightline.predictor import EnsemblePredictor, ModelPredictor, TorchPredictor
from sightline.talk import Talk, stepping

CHUNK = 128  # images at a time

Seen = Callable[[Tensor], Tensor]  # inputs (n, c, h, w) on the device -> (n, d) on the CPU


def nearest(
    predictor: ModelPredictor, asked: Dataset, among: Dataset, k: int, talk: Talk
) -> NDArray[np.int64]:
    """(len(asked), k) rows of `among`, the nearest first; fewer columns where it has fewer.

    Each image through the first of the views of evaluation, of an ensemble by its first member.
    Memory is that of `asked` and a chunk.
    """
    if isinstance(predictor, EnsemblePredictor):
        predictor = predictor.members[0]
    seen = _seen(predictor)
    with torch.inference_mode():
        wanted = torch.cat([seen(inputs) for _, inputs in _inputs(predictor, asked)])
        best = torch.zeros((len(asked), 0))
        rows = torch.zeros((len(asked), 0), dtype=torch.int64)
        with stepping(talk, "nearest images", len(among)) as tick:
            for start, inputs in _inputs(predictor, among):
                here = torch.arange(start, start + len(inputs))
                # distances by differences: products would round those of equal images
                far = torch.cdist(wanted, seen(inputs), compute_mode="donot_use_mm_for_euclid_dist")
                best = torch.cat([best, far], 1)
                rows = torch.cat([rows, here.expand(len(asked), -1)], 1)
                order = best.sort(stable=True, dim=1).indices[:, :k]
                best, rows = best.gather(1, order), rows.gather(1, order)
                tick(len(inputs))
    return rows.numpy()


def _inputs(predictor: ModelPredictor, dataset: Dataset) -> Iterator[tuple[int, Tensor]]:
    """(first row, inputs (n, c, h, w) on the device) of a set, chunk by chunk."""
    placed = on_canvas(dataset, predictor.canvas, held=False)
    for start in range(0, len(dataset), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(dataset)))
        canvases = torch.from_numpy(np.ascontiguousarray(placed.images(rows)))
        yield start, predictor.view.test_inputs(canvases.to(predictor.device))[0]


def _seen(predictor: ModelPredictor) -> Seen:
    if isinstance(predictor, LearnerPredictor):
        learner = predictor
        return lambda inputs: torch.from_numpy(learner.rows(inputs).astype(np.float32))
    if isinstance(predictor, FeaturePredictor):
        extractor = predictor.extractor
    else:
        assert isinstance(predictor, TorchPredictor) and isinstance(predictor.model, Network)
        extractor = Extractor(predictor.model, "", "mean")
    return lambda inputs: F.normalize(torch.from_numpy(extractor.rows(inputs)), dim=1)
