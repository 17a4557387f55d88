"""Inception networks: torchvision's key names, auxiliary heads, volumes of the published sizes."""

import pytest
import torch
import torch.fx
from torch import Tensor, nn

from sightline import models
from sightline.models.layers import Auxiliary

KEYS = {
    "googlenet": {
        "conv1.conv.weight": (64, 3, 7, 7),
        "conv1.bn.running_mean": (64,),
        "conv2.conv.weight": (64, 64, 1, 1),
        "conv3.conv.weight": (192, 64, 3, 3),
        "inception3a.branch1.conv.weight": (64, 192, 1, 1),
        "inception3a.branch2.1.conv.weight": (128, 96, 3, 3),
        "inception3a.branch3.1.conv.weight": (32, 16, 3, 3),
        "inception3a.branch4.1.bn.bias": (32,),
        "inception4d.branch2.0.conv.weight": (144, 512, 1, 1),
        "inception5b.branch3.1.conv.weight": (128, 48, 3, 3),
        "aux1.conv.conv.weight": (128, 512, 1, 1),
        "aux1.fc1.weight": (1024, 2048),
        "aux2.conv.bn.running_var": (128,),
        "aux2.conv.conv.weight": (128, 528, 1, 1),
        "aux2.fc2.weight": (1000, 1024),
        "fc.weight": (1000, 1024),
    },
    "inception_v3": {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_3b_1x1.conv.weight": (80, 64, 1, 1),
        "Conv2d_4a_3x3.bn.running_mean": (192,),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_5d.branch_pool.conv.weight": (64, 288, 1, 1),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
        "Mixed_6c.branch7x7dbl_5.conv.weight": (192, 160, 1, 7),
        "Mixed_6e.branch7x7dbl_2.bn.weight": (192,),
        "AuxLogits.conv0.conv.weight": (128, 768, 1, 1),
        "AuxLogits.conv1.conv.weight": (768, 128, 5, 5),
        "AuxLogits.fc.weight": (1000, 768),
        "Mixed_7a.branch7x7x3_3.conv.weight": (192, 192, 7, 1),
        "Mixed_7b.branch3x3_2a.conv.weight": (384, 384, 1, 3),
        "Mixed_7c.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
        "fc.weight": (1000, 2048),
    },
}
# Entries of a state: 6 for each convolution with its batch norm, 2 for each fully connected layer.
ENTRIES = {"googlenet": 59 * 6 + 5 * 2, "inception_v3": 96 * 6 + 2 * 2}
VOLUMES = {  # layer: its output at the published size
    "googlenet": {
        "maxpool2": (192, 28, 28),
        "inception3b": (480, 28, 28),
        "inception4e": (832, 14, 14),
        "inception5b": (1024, 7, 7),
    },
    "minigooglenet": {
        "features.3": (160, 15, 15),
        "features.8": (240, 7, 7),
        "features.10": (336, 7, 7),
    },
    "deepergooglenet": {
        "stem": (192, 16, 16),
        "inception3b": (480, 16, 16),
        "inception4e": (832, 8, 8),
        "pool4": (832, 4, 4),
    },
    "inception_v3": {
        "maxpool2": (192, 35, 35),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7c": (2048, 8, 8),
    },
    "xception": {
        "entry": (728, 19, 19),
        "middle": (728, 19, 19),
        "exit": (2048, 10, 10),
    },
}
MULTIPLY_ADDS = {  # in thousands of millions, as torchvision publishes them
    "googlenet": 1.498,
    "inception_v3": 5.713,
    "resnet18": 1.814,
    "resnet34": 3.664,
    "resnet50": 4.089,
    "resnet101": 7.801,
}


def body(name: str, **settings: object) -> nn.Module:
    """The network as published, without memory."""
    with torch.device("meta"):
        return models.build(name, 1000, 3, models.MODELS[name].size, settings).body


def watched(name: str) -> tuple[dict[str, tuple[int, ...]], float]:
    """Volumes by layer, and multiply-adds of convolutions and fully connected layers in 1e9."""
    net, volumes, total = body(name).eval(), {}, 0

    def watch(key: str, layer: nn.Module) -> None:
        def hook(layer: nn.Module, _: object, out: Tensor) -> None:
            nonlocal total
            volumes[key] = tuple(out.shape[1:])
            if isinstance(layer, nn.Conv2d | nn.Linear):
                total += out.numel() * layer.weight[0].numel()

        layer.register_forward_hook(hook)

    for key, layer in net.named_modules():
        watch(key, layer)
    net(torch.empty(1, 3, *models.MODELS[name].size, device="meta"))
    return volumes, total / 1e9


@pytest.mark.parametrize("name", KEYS)
def test_official_weights_fit_key_by_key(name: str) -> None:
    found = {key: tuple(v.shape) for key, v in body(name, auxiliary=True).state_dict().items()}
    assert {key: found.get(key) for key in KEYS[name]} == KEYS[name]
    assert len(found) == ENTRIES[name]


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_are_those_of_the_papers_table(name: str) -> None:
    volumes, _ = watched(name)
    assert {key: volumes[key] for key in VOLUMES[name]} == VOLUMES[name]


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_are_the_published_ones(name: str) -> None:
    assert watched(name)[1] == pytest.approx(MULTIPLY_ADDS[name], abs=5e-4)


@pytest.mark.parametrize(
    ("name", "settings", "side", "heads", "weight"),
    [("googlenet", {"width": 8}, 32, 2, 0.3), ("inception_v3", {"width": 2}, 80, 1, 0.4)],
)
def test_further_heads_answer_in_training_only(
    name: str, settings: dict, side: int, heads: int, weight: float
) -> None:
    torch.manual_seed(0)
    settings = settings | {"auxiliary": True}
    net, inputs = models.build(name, 5, 3, (side, side), settings), torch.rand(4, 3, side, side)
    answer = net.train()(inputs)
    assert isinstance(answer, Auxiliary)
    assert [other.shape for other in answer.others] == [(4, 5)] * heads
    assert answer.weight == weight
    plain = models.build(name, 5, 3, (side, side), settings | {"auxiliary": False})
    plain.load_state_dict(net.state_dict(), strict=False)
    assert torch.equal(net.eval()(inputs), plain.eval()(inputs))
    assert isinstance(plain.train()(inputs), Tensor)


@pytest.mark.parametrize(("name", "width"), [("googlenet", 8), ("inception_v3", 2)])
def test_further_heads_can_be_traced(name: str, width: int) -> None:
    settings = {"width": width, "auxiliary": True}
    net = models.build(name, 5, 3, (80, 80), settings).body.train()
    answer = torch.fx.symbolic_trace(net)(torch.rand(2, 3, 80, 80))
    assert isinstance(answer, Auxiliary)


@pytest.mark.parametrize("side", [299, 320])
def test_the_further_head_of_inception_v3_pools_as_published(side: int) -> None:
    with torch.device("meta"):
        net = models.build("inception_v3", 5, 3, (side, side), {"auxiliary": True}).body
        pooled = net.AuxLogits.shrink(torch.empty(1, 768, 17, 17))
    assert isinstance(net.AuxLogits.shrink, nn.AvgPool2d)
    assert pooled.shape[2:] == (5, 5)


def test_a_block_of_xception_leaves_its_input_to_the_shortcut() -> None:
    torch.manual_seed(0)
    block = models.build("xception", 5, 3, (32, 32), {"width": 2}).body.eval().middle[0]
    for norm in (layer for layer in block.modules() if isinstance(layer, nn.BatchNorm2d)):
        nn.init.zeros_(norm.weight)  # the body gives nothing
    x = torch.randn(2, 45, 6, 6)
    assert torch.equal(block(x), x)
    assert x.min() < 0


@pytest.mark.parametrize("name", ["minigooglenet", "deepergooglenet", "xception"])
def test_the_books_networks_have_kerass_batch_norm(name: str) -> None:
    norms = [layer for layer in body(name).modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
