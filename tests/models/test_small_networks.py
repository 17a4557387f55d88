"""What the settings of the networks made to be small mean: SqueezeNet, MobileNets, EfficientNet."""

import pytest
import torch
from torch import nn

from sightline import models
from sightline.errors import RecipeError
from sightline.models.efficientnet import StochasticDepth
from sightline.models.layers import multiple_of_8


@pytest.mark.parametrize(
    ("channels", "rounded"), [(1, 8), (11.2, 16), (8.5, 8), (24, 24), (44, 48), (35.2, 32), (0, 8)]
)
def test_channels_are_rounded_to_eights_and_lose_at_most_a_tenth(
    channels: float, rounded: int
) -> None:
    assert multiple_of_8(channels) == rounded


@pytest.mark.parametrize(
    ("name", "width", "millions"),  # as the papers' tables have them
    [
        ("mobilenet_v1", 0.75, 2.6),
        ("mobilenet_v1", 0.5, 1.3),
        ("mobilenet_v1", 0.25, 0.5),
        ("mobilenet_v2", 0.75, 2.6),
        ("mobilenet_v2", 0.5, 2.0),
        ("mobilenet_v2", 1.4, 6.1),
    ],
)
def test_the_width_multiplier_gives_the_published_sizes(
    name: str, width: float, millions: float
) -> None:
    with torch.device("meta"):
        model = models.build(name, 1000, 3, (224, 224), {"width": width})
    assert round(models.count_parameters(model) / 1e6, 1) == millions


def test_mobilenet_v2_never_narrows_its_last_layer() -> None:
    with torch.device("meta"):
        body = models.build("mobilenet_v2", 10, 3, (224, 224), {"width": 0.25}).body
    assert body.get_parameter("classifier.1.weight").shape == (10, 1280)


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "efficientnet_b0"])
@pytest.mark.parametrize("size", [(32, 32), (33, 65)])
def test_features_are_a_32nd_of_the_input(name: str, size: tuple[int, int]) -> None:
    body = models.build(name, 2, 3, size, {"width": 0.1}).body.eval()
    x = body.features(torch.rand(1, 3, *size))
    assert tuple(x.shape[2:]) == tuple(-(-side // 32) for side in size)


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_squeezenets_outputs_are_never_negative_unless_asked(name: str) -> None:
    torch.manual_seed(0)
    inputs = torch.rand(8, 3, 32, 32)
    model = models.build(name, 5, 3, (32, 32), {"width": 2}).eval()
    free = models.build(name, 5, 3, (32, 32), {"width": 2, "rectify": False}).eval()
    free.load_state_dict(model.state_dict())
    assert model(inputs).min() >= 0
    assert free(inputs).min() < 0


def test_a_fire_module_squeezes_and_gives_back_eight_times_as_many() -> None:
    body = models.build("squeezenet1_0", 5, 3, (32, 32), {"width": 2}).body
    assert body.get_submodule("features.3")(torch.rand(1, 12, 4, 4)).shape == (1, 16, 4, 4)


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer, x = StochasticDepth(0.25), torch.ones(4000, 2, 2, 2)
    assert torch.equal(layer.eval()(x), x)
    out = layer.train()(x).flatten(1)
    assert torch.equal(out.amin(1), out.amax(1))  # an image is dropped or not
    assert out[:, 0].unique().tolist() == pytest.approx([0, 4 / 3])
    assert out.mean().item() == pytest.approx(1, abs=0.03)


def test_later_blocks_are_skipped_more_often_and_the_first_never() -> None:
    body = models.build("efficientnet_b0", 5, 3, (32, 32), {"width": 0.1, "skip": 0.32}).body
    rates = [layer.dropout.p for layer in body.modules() if isinstance(layer, StochasticDepth)]
    assert rates == pytest.approx([0.02 * number for number in range(16)])  # 16 blocks


def test_depth_multiplies_the_blocks_and_leaves_the_width_alone() -> None:
    blocks, widths = [], []
    for depth in (1, 2):
        settings = {"width": 0.25, "depth": depth}
        body = models.build("efficientnet_b0", 5, 3, (32, 32), settings).body
        blocks.append(sum(isinstance(layer, StochasticDepth) for layer in body.modules()))
        widths.append(body.get_parameter("classifier.1.weight").shape)
    assert blocks == [16, 32]
    assert widths[0] == widths[1]


@pytest.mark.parametrize("depth", [0, 65_000])
def test_a_depth_beyond_reason_is_refused_before_anything_is_built(depth: int) -> None:
    with pytest.raises(RecipeError, match=f"model.depth = {depth}: more than 0, at most 10 times"):
        models.build("efficientnet_b0", 5, 3, (32, 32), {"depth": depth})


@pytest.mark.parametrize(("name", "eps"), [("efficientnet_b4", 1e-5), ("efficientnet_b5", 1e-3)])
def test_the_larger_efficientnets_normalize_as_their_weights_were_trained(
    name: str, eps: float
) -> None:
    with torch.device("meta"):
        body = models.build(name, 5, 3, (224, 224)).body
    assert {m.eps for m in body.modules() if isinstance(m, nn.BatchNorm2d)} == {eps}
