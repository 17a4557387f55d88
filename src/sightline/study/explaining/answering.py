"""The network behind an answer, for what looks into it or asks for slopes: the model itself, or
what a linear classifier of features stands on, with that classifier as its last layer."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.artifact import Artifact
from sightline.errors import ArtifactError
from sightline.learners import build
from sightline.learners.predictor import Extractor, FeaturePredictor
from sightline.models import Network
from sightline.models.surgery import twin
from sightline.study.explaining.subject import network_of


@dataclass(frozen=True, eq=False)
class Answering:
    """network  from inputs to a score for each class
    mirror   whether the answer is of the mean of its features of an input and its mirror image
    """

    network: Network
    mirror: bool = False

    def mean(self, slope: Callable[[Network, Tensor], Tensor], inputs: Tensor) -> Tensor:
        """A map (…, h, w) of inputs (1, c, h, w), also of their mirror image where it counts,
        turned back."""
        found = slope(self.network, inputs)
        if self.mirror:
            found = (found + slope(self.network, inputs.flip(-1)).flip(-1)) / 2
        return found


def network_within(artifact: Artifact, what: str) -> Network:
    """The network whose layers are looked into, also where a learner answers by its features.

    Raises ArtifactError for a model without one.
    """
    if isinstance(artifact.predictor, FeaturePredictor):
        return artifact.predictor.extractor.network
    return network_of(artifact, what)


def answering(artifact: Artifact, what: str) -> Answering:
    """What gives the answers, as far as slopes go. Raises ArtifactError for a model without slopes:
    a learner on pixels, or one of features that is not linear."""
    predictor = artifact.predictor
    if not isinstance(predictor, FeaturePredictor):
        return Answering(network_of(artifact, what))
    linear = build.linear(predictor.learner, len(artifact.classes))
    if linear is None:
        name = artifact.header["learner"]["name"]
        raise ArtifactError(
            f"{what} needs slopes, and {name} on features is not linear; it has --method occlusion"
        )
    weights, biases = (torch.from_numpy(each).float() for each in linear)
    # Of two classes scikit-learn keeps one column; and what all have in common moves no answer.
    weights = weights - weights.mean(1, keepdim=True)
    network = _with_classes(predictor.extractor, weights.to(predictor.device), biases)
    return Answering(network, predictor.extractor.mirror)


def _with_classes(extractor: Extractor, weights: Tensor, biases: Tensor) -> Network:
    """The network, answering by the classifier of weights (d, classes) and biases (classes,) of
    what it gives where features are taken. All its layers run, so that each can be listened to."""
    network = twin(extractor.network)
    before, name = not extractor.layer, extractor.layer or network.heads[0]
    biases = biases.to(weights.device)
    heard: list[Tensor] = []

    def take(_: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
        heard[:] = [(given[0] if before else answer).clone()]  # the next may work in place

    def classify(_: nn.Module, __: object, ___: object) -> Tensor:
        return extractor.pooled(heard.pop()) @ weights + biases

    network.body.get_submodule(name).register_forward_hook(take)
    network.body.register_forward_hook(classify)
    return network
