"""Residual networks: torchvision's and the public CIFAR weights' key names, shortcuts, settings."""

import pytest
import torch
from torch.nn import functional as F

from sightline import models
from sightline.errors import RecipeError
from sightline.models.cifar_resnet import Block
from sightline.models.preact_resnet import PreactResNet

KEYS = {
    "resnet18": {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_mean": (64,),
        "layer1.0.conv1.weight": (64, 64, 3, 3),
        "layer1.1.bn2.num_batches_tracked": (),
        "layer2.0.conv1.weight": (128, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer2.0.downsample.1.running_var": (128,),
        "layer3.1.conv2.weight": (256, 256, 3, 3),
        "layer4.0.bn1.bias": (512,),
        "layer4.1.conv2.weight": (512, 512, 3, 3),
        "fc.weight": (1000, 512),
        "fc.bias": (1000,),
    },
    "resnet50": {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.0.conv1.weight": (64, 64, 1, 1),
        "layer1.0.conv3.weight": (256, 64, 1, 1),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer1.2.bn3.weight": (256,),
        "layer2.0.conv2.weight": (128, 128, 3, 3),
        "layer2.3.conv1.weight": (128, 512, 1, 1),
        "layer3.0.downsample.0.weight": (1024, 512, 1, 1),
        "layer3.5.conv2.weight": (256, 256, 3, 3),
        "layer4.0.downsample.1.weight": (2048,),
        "layer4.2.conv3.weight": (2048, 512, 1, 1),
        "fc.weight": (1000, 2048),
    },
    "resnet20_cifar": {
        "conv1.weight": (16, 3, 3, 3),
        "bn1.weight": (16,),
        "layer1.0.conv1.weight": (16, 16, 3, 3),
        "layer1.2.bn2.running_var": (16,),
        "layer2.0.conv1.weight": (32, 16, 3, 3),
        "layer2.0.conv2.weight": (32, 32, 3, 3),
        "layer2.2.bn1.bias": (32,),
        "layer3.0.conv1.weight": (64, 32, 3, 3),
        "layer3.2.bn2.running_mean": (64,),
        "linear.weight": (1000, 64),
        "linear.bias": (1000,),
    },
}
# Entries of a state: 5 for each batch norm and a weight for each convolution, as in the weights.
ENTRIES = {"resnet18": 122, "resnet34": 218, "resnet50": 320, "resnet101": 626}


def state(name: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        body = models.build(name, 1000, 3, models.MODELS[name].size).body
    return {key: tuple(value.shape) for key, value in body.state_dict().items()}


@pytest.mark.parametrize("name", KEYS)
def test_public_weights_fit_key_by_key(name: str) -> None:
    found = state(name)
    assert {key: found.get(key) for key in KEYS[name]} == KEYS[name]


@pytest.mark.parametrize("name", ENTRIES)
def test_there_are_no_more_keys_than_in_the_public_weights(name: str) -> None:
    assert len(state(name)) == ENTRIES[name]


def test_a_shortcut_that_fits_has_no_parameters() -> None:
    assert not any(key.startswith("layer1.0.downsample") for key in state("resnet18"))
    assert not any("downsample" in key or "shortcut" in key for key in state("resnet20_cifar"))


@pytest.mark.parametrize("side", [8, 7])
def test_a_shortcut_without_parameters_is_every_second_pixel_between_zeros(side: int) -> None:
    block = Block(4, 8, stride=2).eval()
    torch.nn.init.zeros_(block.bn2.weight)  # nothing but the shortcut is left
    x = torch.rand(2, 4, side, side)
    out = block(x)
    assert out.shape == (2, 8, (side + 1) // 2, (side + 1) // 2)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert out[:, :2].abs().max() == out[:, 6:].abs().max() == 0


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet20_cifar"])
def test_blocks_that_start_at_zero_are_their_shortcuts(name: str) -> None:
    torch.manual_seed(0)
    body = models.build(name, 5, 3, (32, 32), {"width": 4, "zero_init": True}).body.eval()
    for block in (*body.layer1, *body.layer2, *body.layer3):
        x = torch.randn(2, block.conv1.in_channels, 6, 6)
        if getattr(block, "downsample", None) is not None:
            shortcut = block.downsample(x)
        elif block.conv1.stride == (2, 2):
            continue  # shown above
        else:
            shortcut = x
        assert torch.allclose(block(x), F.relu(shortcut), atol=1e-6)


def test_a_bottlenecks_stride_is_in_its_3x3_convolution() -> None:
    with torch.device("meta"):
        block = models.build("resnet50", 5, 3, (224, 224)).body.layer2[0]
    assert block.conv1.stride == (1, 1)
    assert block.conv2.stride == (2, 2)


def test_the_books_resnet_has_its_stages_filters_and_constants() -> None:
    net = PreactResNet(200, stages=(3, 4, 6), filters=(64, 128, 256, 512), stem="tiny-imagenet")
    assert [block.conv3.out_channels for block in net.blocks] == [128] * 3 + [256] * 4 + [512] * 6
    projected = [i for i, block in enumerate(net.blocks) if block.shortcut is not None]
    assert projected == [0, 3, 7]
    assert [net.blocks[i].conv2.stride for i in projected] == [(1, 1), (2, 2), (2, 2)]
    assert {b.eps for b in net.modules() if isinstance(b, torch.nn.BatchNorm2d)} == {2e-5}
    shape = net.blocks(net.stem(torch.zeros(1, 3, 64, 64))).shape
    assert shape == (1, 512, 8, 8)  # the book pools 8x8


def test_the_books_shortcut_is_projected_from_the_first_activation() -> None:
    torch.manual_seed(0)
    net = PreactResNet(5, stages=(2,), filters=(4, 8), zero_init=True).eval()
    first, second = net.blocks
    x = torch.randn(2, 4, 6, 6)
    projected = F.conv2d(F.relu(first.bn1(x)), first.shortcut.weight)
    assert torch.allclose(first(x), projected, atol=1e-6)
    assert torch.equal(second(projected), projected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": [9, 9]}, "2 stages need 3 filters"),
        ({"stages": [200, 200, 200]}, "600 blocks; at most 333"),
        ({"stages": "9-9-9"}, "list of 1 to 16 whole numbers"),
        ({"stages": []}, "list of 1 to 16 whole numbers"),
        ({"stages": [9, 9, True]}, "list of 1 to 16 whole numbers"),
        ({"filters": [64, 64, 128, 1e9]}, "each 1 to 65536"),
        ({"stages": [1] * 17}, "list of 1 to 16 whole numbers"),
    ],
    ids=str,
)
def test_stages_and_filters_that_cannot_be_are_refused_in_a_line(
    settings: dict, message: str
) -> None:
    with torch.device("meta"), pytest.raises(RecipeError, match=message):
        models.build("preact_resnet", 10, 3, (32, 32), settings)
