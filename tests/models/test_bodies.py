"""Bodies of detectors: the maps of a classifier, under its names."""

import pytest
import torch

from sightline import models
from sightline.errors import RecipeError, UnknownName
from sightline.models import surgery
from sightline.models.bodies import BODIES, Body, Neck, body_of
from sightline.models.unfilled import unfilled


@pytest.mark.parametrize("name", BODIES)
def test_maps_have_the_widths_and_strides_they_say(name: str) -> None:
    with torch.device("meta"), unfilled():
        body = Body(name).eval()
        maps = body(torch.zeros(1, 3, 64, 96))
    wanted = [
        (1, width, 64 // s, 96 // s) for width, s in zip(body.widths, (8, 16, 32), strict=True)
    ]
    assert [tuple(one.shape) for one in maps] == wanted


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18"])
def test_maps_are_those_of_the_classifier(name: str) -> None:
    torch.manual_seed(0)
    network = models.build(name, 10, 3, (64, 64)).eval()
    body = Body(name).eval()
    surgery.take_body(body, network)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        for found, tap in zip(body(x), body.taps, strict=True):
            torch.testing.assert_close(found, surgery.features(network, tap)(x))


def test_weights_of_another_network_are_refused() -> None:
    network = models.build("resnet18", 10, 3, (64, 64))
    with pytest.raises(RecipeError, match="of another network"):
        surgery.take_body(Body("resnet50"), network)


def test_an_unknown_body_is_named() -> None:
    with pytest.raises(UnknownName, match="unknown body 'mobilenet_v3'.*did you mean"):
        Body("mobilenet_v3")


def test_body_of_finds_the_one_a_detector_has() -> None:
    with torch.device("meta"):
        own = models.build("yolo", 3, 3, (64, 64))
        lent = models.build("yolo", 3, 3, (64, 64), {"body": "mobilenet_v2"})
    assert body_of(own) is None
    found = body_of(lent)
    assert found is not None
    assert found.name == "mobilenet_v2"


def test_a_neck_s_map_sees_all_three() -> None:
    torch.manual_seed(0)
    neck = Neck((4, 6, 8), 16).eval()
    maps = [torch.rand(1, 4, 9, 13), torch.rand(1, 6, 5, 7), torch.rand(1, 8, 3, 4)]
    with torch.no_grad():
        before = neck(maps)
        assert before.shape == (1, 16, 5, 7)
        for changed in range(3):
            others = [one + (row == changed) for row, one in enumerate(maps)]
            assert not torch.equal(neck(others), before)
