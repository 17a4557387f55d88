"""SSD300 against the paper's counts."""

import pytest
import torch

from sightline import models
from sightline.errors import RecipeError
from sightline.models.bodies import Body
from sightline.models.ssd300 import CONV4_3, SSD300, VGGNeck
from sightline.models.unfilled import unfilled


def test_it_has_the_paper_s_maps_anchors_and_parameters() -> None:
    with torch.device("meta"):
        network = models.build("ssd300", 90, 3, (300, 300))
        assert isinstance(network.body, SSD300)
        maps = network.body.eval().maps(torch.zeros(1, 3, 300, 300))
    assert [tuple(one.shape[2:]) for one in maps] == [(n, n) for n in (38, 19, 10, 5, 3, 1)]
    assert network.body.anchors.shape == (8732, 4)
    assert models.count_parameters(network) == 35_641_826  # torchvision's, of as many classes


@pytest.mark.parametrize("size", [(300, 300), (240, 320), (64, 64), (330, 470)])
def test_another_body_takes_other_sizes(size: tuple[int, int]) -> None:
    with torch.device("meta"):
        network = models.build("ssd300", 3, 3, size, {"body": "mobilenet_v2", "width": 32})
        scores, offsets = network.eval()(torch.zeros(1, 3, *size))
    assert isinstance(network.body, SSD300)
    count = len(network.body.anchors)
    assert (scores.shape, offsets.shape) == ((1, count, 4), (1, count, 4))


def test_vgg_needs_room_for_six_maps() -> None:
    with torch.device("meta"), pytest.raises(RecipeError, match="no room for six maps at 240x320"):
        models.build("ssd300", 3, 3, (240, 320))


def test_conv4_3_has_one_length_everywhere() -> None:
    torch.manual_seed(0)
    with torch.device("meta"), unfilled():
        body = Body("vgg16")
    maps = [torch.rand(1, 512, side, side) for side in (38, 19, 19)]
    with torch.no_grad():
        fine = VGGNeck(body)(maps)[0]
    lengths = fine.norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, CONV4_3), rtol=1e-3, atol=0.1)
