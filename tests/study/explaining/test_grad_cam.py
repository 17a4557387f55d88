"""Grad-CAM where its map is known by hand, and the layer it takes by default."""

import pytest
import torch
from torch import Tensor, nn

from by_hand import Cam, Rectified, artifact_of
from sightline import models
from sightline.errors import RecipeError, UnknownName
from sightline.models import Network
from sightline.study.explaining.grad_cam import grad_cam, last_with_places, shapes
from sightline.study.explaining.subject import network_of

INPUTS = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def network(body: nn.Module) -> Network:
    return network_of(artifact_of(body), "test")


@pytest.mark.parametrize("label", [0, 1, 2])
def test_behind_one_convolution_a_mean_and_a_linear_layer_it_is_cam(label: int) -> None:
    net = network(Cam())
    maps = net.body.conv(net.normalize(INPUTS))[0]  # (5, 12, 12)
    by_hand = torch.einsum("k,khw->hw", net.body.fc.weight[label], maps).clamp(min=0) / 144
    torch.testing.assert_close(grad_cam(net, INPUTS, label, "conv"), by_hand.detach())


def test_a_layer_that_the_next_one_changes_in_place_counts_as_it_was() -> None:
    in_place, other = network(Rectified(True)), network(Rectified(False))
    other.load_state_dict(in_place.state_dict())
    found = grad_cam(in_place, INPUTS, 0, "first")
    torch.testing.assert_close(found, grad_cam(other, INPUTS, 0, "first"))


def test_the_default_is_the_last_layer_with_more_than_one_place() -> None:
    assert last_with_places(network(Rectified()), INPUTS) == "six"
    net = models.build("mobilenet_v2", 10, 3, (96, 96))
    assert last_with_places(net, torch.rand(1, 3, 96, 96)) == "features.18.2"
    assert net.training
    squeeze = models.build("squeezenet1_0", 10, 3, (96, 96))
    assert dict(shapes(squeeze, torch.rand(1, 3, 96, 96)))["classifier.1"] == (10, 5, 5)


def test_what_has_no_maps_is_said_in_a_line() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.aside = nn.Linear(432, 3), nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.aside(x)
            return self.fc(x.flatten(1))

    net = network(Flat())
    with pytest.raises(RecipeError, match="fc gives no maps"):
        grad_cam(net, INPUTS, 0, "fc")
    with pytest.raises(RecipeError, match="does not depend on it"):
        grad_cam(net, INPUTS, 0, "aside")
    with pytest.raises(UnknownName, match="unknown layer 'aside2'; did you mean aside"):
        grad_cam(net, INPUTS, 0, "aside2")
    with pytest.raises(RecipeError, match="the network has none"):
        last_with_places(network(nn.Sequential(nn.Flatten(), nn.Linear(432, 3))), INPUTS)
