"""Networks as convolutions: every place of the answer is the network on its window."""

import pytest
import torch
from torch import Tensor, nn

from sightline import models
from sightline.errors import RecipeError
from sightline.models import Network
from sightline.models.convert import Convolutional, convolutional
from sightline.models.layers import Normalize

UNPADDED = "INPUT => CONV4,3x3,p0 => BN => RELU => POOL3x3,s2 => CONV8,3x3,p0 => RELU => "
FULL = UNPADDED + "POOL => FC16 => BN => RELU => DO => FC"
MEANS = UNPADDED + "GAP => FC"


def network(name: str, channels: int, size: tuple[int, int], layers: str = "") -> Network:
    torch.manual_seed(0)
    made = models.build(name, 4, channels, size, {"layers": layers} if layers else {}, [0.3], [2.0])
    for module in made.modules():  # statistics that do something
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.uniform_(-0.2, 0.2)
    return made.eval()


def on_windows(made: Network, image: Tensor, found: Convolutional) -> Tensor:
    """(outputs, rows, columns): brute force."""
    (height, width), (down, across) = found.window, found.stride
    answers = [
        [made(image[None, :, y : y + height, x : x + width])[0] for x in starts]
        for y in range(0, image.shape[1] - height + 1, down)
        for starts in [range(0, image.shape[2] - width + 1, across)]
    ]
    return torch.stack([torch.stack(row) for row in answers]).permute(2, 0, 1)


@pytest.mark.parametrize(
    ("name", "size", "layers", "stride"),
    [
        ("lenet5", (32, 32), "", (4, 4)),
        ("lenet5", (28, 36), "", (4, 4)),
        ("mlp", (8, 6), "", (1, 1)),
        ("pattern", (17, 17), FULL, (4, 4)),
        ("pattern", (18, 23), FULL, (4, 4)),
        ("pattern", (16, 20), MEANS, (2, 2)),
        ("pattern", (16, 16), "INPUT => CONV4,3x3,s2,p0 => AVGPOOL7x7 => FC", (2, 2)),
    ],
)
@torch.no_grad()
def test_without_padding_each_answer_is_the_networks_on_that_window(
    name: str, size: tuple[int, int], layers: str, stride: tuple[int, int]
) -> None:
    made = network(name, 1, size, layers)
    found = convolutional(made, 1, size)
    assert found.exact and found.stride == stride
    for more in ((0, 0), (1, 3), (9, 14)):
        images = torch.rand(2, 1, size[0] + more[0], size[1] + more[1])
        answer = found(images)
        for image, given in zip(images, answer, strict=True):
            expected = on_windows(made, image, found)
            assert given.shape == expected.shape
            torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        ("lenet", (28, 28), 4),
        ("shallownet", (12, 12), 1),
        ("minivggnet", (32, 32), 4),
        ("course_conv1", (16, 16), 2),
        ("minigooglenet", (32, 32), 4),
        ("resnet20_cifar", (32, 32), 4),
        ("preact_resnet", (32, 32), 4),
        ("squeezenet1_1", (64, 64), 16),
        ("mobilenet_v2", (64, 64), 32),
    ],
)
@torch.no_grad()
def test_with_padding_an_image_that_is_one_window_gets_the_networks_answer(
    name: str, size: tuple[int, int], stride: int
) -> None:
    made = network(name, 1, size)
    found = convolutional(made, 1, size)
    assert not found.exact and found.stride == (stride, stride)
    image = torch.rand(1, 1, *size)
    expected = made(image)
    scale = float(expected.abs().max())
    torch.testing.assert_close(found(image)[..., 0, 0], expected, atol=1e-4 * scale, rtol=0)
    larger = torch.rand(1, 1, size[0] + stride, size[1] + 2 * stride + stride // 2)
    assert found(larger).shape[2:] == (2, 3)


@torch.no_grad()
def test_padded_networks_agree_where_an_object_has_zeros_around_it_inside_its_window() -> None:
    made = network("lenet", 1, (28, 28))
    made.normalize = Normalize([0.0], [1.0])
    for module in made.modules():  # so that zeros stay zeros
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            module.bias.zero_()
    found = convolutional(made, 1, (28, 28))
    image = torch.zeros(1, 60, 60)
    image[:, 18:42, 14:38] = torch.rand(24, 24)  # 2 pixels inside the window, a kernel's reach
    torch.testing.assert_close(
        found(image[None])[0, :, 4, 3], on_windows(made, image, found)[:, 4, 3]
    )


def test_weights_are_shared_and_the_network_keeps_its_mode() -> None:
    made = network("lenet5", 1, (32, 32)).train()
    found = convolutional(made, 1, (32, 32))
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        before = found(image).clone()
        made.body.fc.weight.mul_(2)
        made.body.hidden[0].weight.mul_(0.5)
        assert not torch.equal(found(image), before)
        torch.testing.assert_close(found(image)[..., 0, 0], made.eval()(image))
    assert all(parameter.requires_grad for parameter in made.parameters())


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("efficientnet_b0", (64, 64), "weighed by what the whole window shows"),
        ("alexnet", (96, 96), r"makes \(6, 6\) of \(2, 2\)"),
    ],
)
def test_what_sees_a_window_as_a_whole_is_refused(
    name: str, size: tuple[int, int], reason: str
) -> None:
    with pytest.raises(RecipeError, match=reason):
        convolutional(network(name, 3, size), 3, size)
