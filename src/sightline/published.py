"""Weights that others trained and published: what is on record, without any of it.

Addresses, hashes, sizes, figures and what was done to the pictures: torchvision, models/*.py (its
DEFAULT of each; the hashes of EfficientNet after its issue 7744), and akamaster's
pytorch_resnet_cifar10, README. None of it was made up or measured here. A file's name ends with the
beginning of its SHA-256.
"""

from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, Literal

from sightline.download import Remote

Names = Literal["imagenet", "cifar10"]
TORCHVISION = "https://download.pytorch.org/models"
AKAMASTER = "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models"
BSD3 = "BSD-3-Clause (torchvision); trained on ImageNet, whose terms are research and teaching"
BSD2 = "BSD-2-Clause (Yerlan Idelbayev)"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures
HALF = (0.5, 0.5, 0.5)  # inputs from -1 to 1, as TensorFlow's networks have them
CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"


@dataclass(frozen=True)
class Published:
    """Weights on record.

    remote         the official address
    mebibytes      of the file, as published; None where it was not
    top1, top5     shares of its test set answered right, as published, one view an image
    resize, size   the shorter side is resized to `resize`, the middle `size` of it is seen
    interpolation  of the published figures; here pictures shrink by area averaging
    classes        whose names the outputs have
    """

    remote: Remote
    mebibytes: float | None
    top1: float
    top5: float | None
    licence: str = BSD3
    resize: int = 256
    size: int = 224
    mean: tuple[float, ...] = MEAN
    deviation: tuple[float, ...] = DEVIATION
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    classes: Names = "imagenet"


def _file(base: str, name: str) -> Remote:
    return Remote(f"{base}/{name}", f"sha256:{Path(name).stem.rsplit('-', 1)[1]}")


def _torchvision(
    name: str, mebibytes: float, top1: float, top5: float, *seen: int, **more: Any
) -> Published:
    resize, size = seen or (256, 224)
    remote = _file(TORCHVISION, f"{name}.pth")
    return Published(remote, mebibytes, top1, top5, resize=resize, size=size, **more)


def _bicubic(
    name: str, mebibytes: float, top1: float, top5: float, resize: int, size: int
) -> Published:
    return _torchvision(name, mebibytes, top1, top5, resize, size, interpolation="bicubic")


def _akamaster(name: str, top1: float) -> Published:
    return Published(
        _file(AKAMASTER, f"{name}.th"), None, top1, None, BSD2, 32, 32, classes="cifar10"
    )


WEIGHTS = {
    "alexnet": _torchvision("alexnet-owt-7be5be79", 233.087, 0.56522, 0.79066),
    "vgg11": _torchvision("vgg11-8a719046", 506.84, 0.69020, 0.88628),
    "vgg11_bn": _torchvision("vgg11_bn-6002323d", 506.881, 0.70370, 0.89810),
    "vgg13": _torchvision("vgg13-19584684", 507.545, 0.69928, 0.89246),
    "vgg13_bn": _torchvision("vgg13_bn-abd245e5", 507.59, 0.71586, 0.90374),
    "vgg16": _torchvision("vgg16-397923af", 527.796, 0.71592, 0.90382),
    "vgg16_bn": _torchvision("vgg16_bn-6c64b313", 527.866, 0.73360, 0.91516),
    "vgg19": _torchvision("vgg19-dcbb9e9d", 548.051, 0.72376, 0.90876),
    "vgg19_bn": _torchvision("vgg19_bn-c79401a0", 548.143, 0.74218, 0.91842),
    # torchvision turns its inputs for these two from ImageNet's mean and deviation back to .5.
    "googlenet": _torchvision(
        "googlenet-1378be20", 49.731, 0.69778, 0.89530, mean=HALF, deviation=HALF
    ),
    "inception_v3": _torchvision(
        "inception_v3_google-0cc3c7bd",
        103.903,
        0.77294,
        0.93450,
        342,
        299,
        mean=HALF,
        deviation=HALF,
    ),
    "resnet18": _torchvision("resnet18-f37072fd", 44.661, 0.69758, 0.89078),
    "resnet34": _torchvision("resnet34-b627a593", 83.275, 0.73314, 0.91420),
    "resnet50": _torchvision("resnet50-11ad3fa6", 97.79, 0.80858, 0.95434, 232, 224),
    "resnet101": _torchvision("resnet101-cd907fc2", 170.53, 0.81886, 0.95780, 232, 224),
    "squeezenet1_0": _torchvision("squeezenet1_0-b66bff10", 4.778, 0.58092, 0.80420),
    "squeezenet1_1": _torchvision("squeezenet1_1-b8a52dc0", 4.729, 0.58178, 0.80624),
    "mobilenet_v2": _torchvision("mobilenet_v2-7ebf99e0", 13.598, 0.72154, 0.90822, 232, 224),
    "efficientnet_b0": _bicubic(
        "efficientnet_b0_rwightman-7f5810bc", 20.451, 0.77692, 0.93532, 256, 224
    ),
    "efficientnet_b1": _torchvision("efficientnet_b1-c27df63c", 30.136, 0.79838, 0.94934, 255, 240),
    "efficientnet_b2": _bicubic(
        "efficientnet_b2_rwightman-c35c1473", 35.174, 0.80608, 0.95310, 288, 288
    ),
    "efficientnet_b3": _bicubic(
        "efficientnet_b3_rwightman-b3899882", 47.184, 0.82008, 0.96054, 320, 300
    ),
    "efficientnet_b4": _bicubic(
        "efficientnet_b4_rwightman-23ab8bcd", 74.489, 0.83384, 0.96594, 384, 380
    ),
    "efficientnet_b5": _bicubic(
        "efficientnet_b5_lukemelas-1a07897c", 116.864, 0.83444, 0.96628, 456, 456
    ),
    "efficientnet_b6": _bicubic(
        "efficientnet_b6_lukemelas-24a108a5", 165.362, 0.84008, 0.96916, 528, 528
    ),
    "efficientnet_b7": _bicubic(
        "efficientnet_b7_lukemelas-c5b4e57e", 254.675, 0.84122, 0.96908, 600, 600
    ),
    "resnet20_cifar": _akamaster("resnet20-12fca82f", 0.9173),
    "resnet32_cifar": _akamaster("resnet32-d509ac18", 0.9263),
    "resnet44_cifar": _akamaster("resnet44-014dd654", 0.9310),
    "resnet56_cifar": _akamaster("resnet56-4bfd9763", 0.9339),
    "resnet110_cifar": _akamaster("resnet110-1d1ed7c2", 0.9368),
}


def class_names(of: Names) -> tuple[str, ...]:
    """The classes in the order of the outputs; ImageNet's two cranes and two maillots with their
    WordNet ids."""
    if of == "cifar10":
        return tuple(CIFAR10.split())
    text = (package_files("sightline") / "models" / "imagenet-classes.txt").read_text("utf-8")
    return tuple(text.splitlines())
