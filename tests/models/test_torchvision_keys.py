"""Networks that torchvision has carry its names, so that its published weights load unchanged.

The oracle is written by hand: how many entries torchvision's state dict has, and a dozen of them.
"""

import pytest
import torch

from sightline import models
from sightline.models import MODELS

KEYS: dict[str, tuple[int, dict[str, tuple[int, ...]]]] = {
    "alexnet": (
        16,
        {
            "features.0.weight": (64, 3, 11, 11),
            "features.0.bias": (64,),
            "features.3.weight": (192, 64, 5, 5),
            "features.6.weight": (384, 192, 3, 3),
            "features.8.weight": (256, 384, 3, 3),
            "features.10.weight": (256, 256, 3, 3),
            "features.10.bias": (256,),
            "classifier.1.weight": (4096, 9216),
            "classifier.1.bias": (4096,),
            "classifier.4.weight": (4096, 4096),
            "classifier.6.weight": (1000, 4096),
            "classifier.6.bias": (1000,),
        },
    ),
    "vgg16": (
        32,
        {
            "features.0.weight": (64, 3, 3, 3),
            "features.2.weight": (64, 64, 3, 3),
            "features.5.weight": (128, 64, 3, 3),
            "features.7.bias": (128,),
            "features.10.weight": (256, 128, 3, 3),
            "features.14.weight": (256, 256, 3, 3),
            "features.17.weight": (512, 256, 3, 3),
            "features.24.weight": (512, 512, 3, 3),
            "features.28.bias": (512,),
            "classifier.0.weight": (4096, 25088),
            "classifier.3.weight": (4096, 4096),
            "classifier.6.weight": (1000, 4096),
        },
    ),
    "vgg11_bn": (
        62,
        {
            "features.0.weight": (64, 3, 3, 3),
            "features.0.bias": (64,),
            "features.1.running_mean": (64,),
            "features.1.num_batches_tracked": (),
            "features.4.weight": (128, 64, 3, 3),
            "features.8.weight": (256, 128, 3, 3),
            "features.11.weight": (256, 256, 3, 3),
            "features.15.weight": (512, 256, 3, 3),
            "features.22.weight": (512, 512, 3, 3),
            "features.25.weight": (512, 512, 3, 3),
            "features.26.running_var": (512,),
            "classifier.6.weight": (1000, 4096),
        },
    ),
    "vgg19": (
        38,
        {
            "features.16.weight": (256, 256, 3, 3),
            "features.19.weight": (512, 256, 3, 3),
            "features.34.weight": (512, 512, 3, 3),
            "classifier.0.weight": (4096, 25088),
        },
    ),
    "squeezenet1_0": (
        52,
        {
            "features.0.weight": (96, 3, 7, 7),
            "features.3.squeeze.weight": (16, 96, 1, 1),
            "features.3.squeeze.bias": (16,),
            "features.3.expand1x1.weight": (64, 16, 1, 1),
            "features.3.expand3x3.weight": (64, 16, 3, 3),
            "features.5.expand3x3.weight": (128, 32, 3, 3),
            "features.7.squeeze.weight": (32, 256, 1, 1),
            "features.9.squeeze.weight": (48, 384, 1, 1),
            "features.10.squeeze.weight": (64, 384, 1, 1),
            "features.12.squeeze.weight": (64, 512, 1, 1),
            "features.12.expand3x3.bias": (256,),
            "classifier.1.weight": (1000, 512, 1, 1),
        },
    ),
    "squeezenet1_1": (
        52,
        {
            "features.0.weight": (64, 3, 3, 3),
            "features.3.squeeze.weight": (16, 64, 1, 1),
            "features.4.squeeze.weight": (16, 128, 1, 1),
            "features.6.squeeze.weight": (32, 128, 1, 1),
            "features.7.squeeze.weight": (32, 256, 1, 1),
            "features.9.squeeze.weight": (48, 256, 1, 1),
            "features.10.squeeze.weight": (48, 384, 1, 1),
            "features.11.squeeze.weight": (64, 384, 1, 1),
            "features.12.squeeze.weight": (64, 512, 1, 1),
            "features.12.expand1x1.weight": (256, 64, 1, 1),
            "classifier.1.bias": (1000,),
        },
    ),
    "mobilenet_v2": (
        314,
        {
            "features.0.0.weight": (32, 3, 3, 3),
            "features.0.1.running_var": (32,),
            "features.1.conv.0.0.weight": (32, 1, 3, 3),
            "features.1.conv.1.weight": (16, 32, 1, 1),
            "features.1.conv.2.weight": (16,),
            "features.2.conv.0.0.weight": (96, 16, 1, 1),
            "features.2.conv.1.0.weight": (96, 1, 3, 3),
            "features.2.conv.2.weight": (24, 96, 1, 1),
            "features.2.conv.3.num_batches_tracked": (),
            "features.17.conv.2.weight": (320, 960, 1, 1),
            "features.18.0.weight": (1280, 320, 1, 1),
            "features.18.1.bias": (1280,),
            "classifier.1.weight": (1000, 1280),
        },
    ),
    "efficientnet_b0": (
        360,
        {
            "features.0.0.weight": (32, 3, 3, 3),
            "features.1.0.block.0.0.weight": (32, 1, 3, 3),
            "features.1.0.block.1.fc1.weight": (8, 32, 1, 1),
            "features.1.0.block.1.fc2.bias": (32,),
            "features.1.0.block.2.0.weight": (16, 32, 1, 1),
            "features.2.0.block.0.0.weight": (96, 16, 1, 1),
            "features.2.0.block.2.fc1.weight": (4, 96, 1, 1),
            "features.2.0.block.3.0.weight": (24, 96, 1, 1),
            "features.3.0.block.1.0.weight": (144, 1, 5, 5),
            "features.6.3.block.3.1.running_var": (192,),
            "features.7.0.block.3.0.weight": (320, 1152, 1, 1),
            "features.8.0.weight": (1280, 320, 1, 1),
            "classifier.1.weight": (1000, 1280),
        },
    ),
    "efficientnet_b4": (
        706,
        {
            "features.0.0.weight": (48, 3, 3, 3),
            "features.1.1.block.0.0.weight": (24, 1, 3, 3),
            "features.2.0.block.0.0.weight": (144, 24, 1, 1),
            "features.7.1.block.3.0.weight": (448, 2688, 1, 1),
            "features.8.0.weight": (1792, 448, 1, 1),
            "classifier.1.weight": (1000, 1792),
        },
    ),
    "efficientnet_b7": (
        1200,
        {
            "features.0.0.weight": (64, 3, 3, 3),
            "features.4.9.block.3.0.weight": (160, 960, 1, 1),
            "features.6.12.block.2.fc1.weight": (96, 2304, 1, 1),
            "features.8.0.weight": (2560, 640, 1, 1),
            "classifier.1.weight": (1000, 2560),
        },
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_the_state_has_torchvisions_names_and_shapes(name: str) -> None:
    entry, (count, keys) = MODELS[name], KEYS[name]
    with torch.device("meta"):
        body = models.build(name, 1000, entry.channels, entry.size).body
    shapes = {key: tuple(value.shape) for key, value in body.state_dict().items()}
    assert {key: shapes.get(key) for key in keys} == keys
    assert len(shapes) == count
