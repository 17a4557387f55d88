"""The networks by name. One paper, one file; a new one is a file and a line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal, get_args, get_origin

from torch import Tensor, nn

from sightline.errors import RecipeError, UnknownName
from sightline.models import efficientnet, squeezenet, vgg
from sightline.models.alexnet import AlexNet, BookAlexNet
from sightline.models.course import CourseConv1, CourseConv2
from sightline.models.layers import Normalize
from sightline.models.lenet import LeNet
from sightline.models.lenet5 import LeNet5
from sightline.models.minivggnet import MiniVGGNet
from sightline.models.mlp import MLP
from sightline.models.mobilenet_v1 import MobileNetV1
from sightline.models.mobilenet_v2 import MobileNetV2
from sightline.models.resnet9 import ResNet9
from sightline.models.shallownet import ShallowNet
from sightline.types import Size

LARGEST = 65_536  # of any number in a model's settings; hostile files ask for more


@dataclass(frozen=True)
class Entry:
    """A network.

    build     from (outputs, channels, size) and settings of its own to a module
    source    the paper or book
    heads     names of the layers that give the outputs, the main one first
    size      of the input as published
    channels  likewise
    smallest  input that it takes
    """

    build: Callable[..., nn.Module]
    source: str
    heads: tuple[str, ...] = ("fc",)
    size: Size = (224, 224)
    channels: int = 3
    smallest: Size = (1, 1)


VGG = "Simonyan and Zisserman 2014"
EFFICIENT = "Tan and Le 2019"
MODELS = {
    "mlp": Entry(MLP, "Starter book, chapter 10", size=(28, 28), channels=1),
    "shallownet": Entry(ShallowNet, "Starter book, chapter 12", size=(32, 32)),
    "lenet": Entry(
        LeNet,
        "LeCun et al. 1998; Starter book, chapter 14",
        size=(28, 28),
        channels=1,
        smallest=(4, 4),
    ),
    "lenet5": Entry(LeNet5, "LeCun et al. 1998", size=(32, 32), channels=1, smallest=(16, 16)),
    "minivggnet": Entry(MiniVGGNet, "Starter book, chapter 15", size=(32, 32), smallest=(4, 4)),
    "course_conv1": Entry(CourseConv1, "Course notes, 5.9", size=(64, 64), smallest=(2, 2)),
    "course_conv2": Entry(CourseConv2, "Course notes, 5.9", size=(64, 64)),
    "alexnet": Entry(
        AlexNet, "Krizhevsky et al. 2012; 2014", heads=("classifier.6",), smallest=(63, 63)
    ),
    "alexnet_book": Entry(
        BookAlexNet,
        "Krizhevsky et al. 2012; Practitioner book, Dogs vs Cats",
        size=(227, 227),
        smallest=(67, 67),
    ),
    "vgg11": Entry(vgg.vgg11, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg11_bn": Entry(vgg.vgg11_bn, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg13": Entry(vgg.vgg13, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg13_bn": Entry(vgg.vgg13_bn, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg16": Entry(vgg.vgg16, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg16_bn": Entry(vgg.vgg16_bn, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg19": Entry(vgg.vgg19, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "vgg19_bn": Entry(vgg.vgg19_bn, VGG, heads=("classifier.6",), smallest=(32, 32)),
    "resnet9": Entry(ResNet9, "He et al. 2015; Page 2018", size=(64, 64), smallest=(4, 4)),
    "squeezenet1_0": Entry(
        squeezenet.squeezenet1_0,
        "Iandola et al. 2016",
        heads=("classifier.1",),
        smallest=(21, 21),
    ),
    "squeezenet1_1": Entry(
        squeezenet.squeezenet1_1,
        "Iandola et al. 2016",
        heads=("classifier.1",),
        smallest=(17, 17),
    ),
    "mobilenet_v1": Entry(MobileNetV1, "Howard et al. 2017"),
    "mobilenet_v2": Entry(MobileNetV2, "Sandler et al. 2018", heads=("classifier.1",)),
    "efficientnet_b0": Entry(
        efficientnet.efficientnet_b0, EFFICIENT, heads=("classifier.1",), size=(224, 224)
    ),
    "efficientnet_b1": Entry(
        efficientnet.efficientnet_b1, EFFICIENT, heads=("classifier.1",), size=(240, 240)
    ),
    "efficientnet_b2": Entry(
        efficientnet.efficientnet_b2, EFFICIENT, heads=("classifier.1",), size=(260, 260)
    ),
    "efficientnet_b3": Entry(
        efficientnet.efficientnet_b3, EFFICIENT, heads=("classifier.1",), size=(300, 300)
    ),
    "efficientnet_b4": Entry(
        efficientnet.efficientnet_b4, EFFICIENT, heads=("classifier.1",), size=(380, 380)
    ),
    "efficientnet_b5": Entry(
        efficientnet.efficientnet_b5, EFFICIENT, heads=("classifier.1",), size=(456, 456)
    ),
    "efficientnet_b6": Entry(
        efficientnet.efficientnet_b6, EFFICIENT, heads=("classifier.1",), size=(528, 528)
    ),
    "efficientnet_b7": Entry(
        efficientnet.efficientnet_b7, EFFICIENT, heads=("classifier.1",), size=(600, 600)
    ),
}


class Network(nn.Module):
    """Normalization and the network behind it: what is trained, saved and exported."""

    def __init__(self, normalize: Normalize, body: nn.Module) -> None:
        super().__init__()
        self.normalize = normalize
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.normalize(x))


def build(
    name: str,
    outputs: int,
    channels: int,
    size: Size,
    settings: Mapping[str, Any] | None = None,
    mean: Sequence[float] = (),
    deviation: Sequence[float] = (),
) -> Network:
    """The network `name` for inputs (n, channels, *size) in [0, 1] and (n, outputs) out.

    Raises UnknownName or RecipeError for a name, setting or size it does not have.
    """
    if name not in MODELS:
        raise UnknownName("model", name, MODELS)
    entry, settings = MODELS[name], dict(settings or {})
    known = set(signature(entry.build).parameters) - {"outputs", "channels", "size"}
    for key, value in settings.items():
        if key not in known:
            raise UnknownName(f"setting of {name}", key, known)
        _check(entry.build, name, key, value)
    if size[0] < entry.smallest[0] or size[1] < entry.smallest[1]:
        raise RecipeError(f"{name} needs inputs of at least {entry.smallest}, not {tuple(size)}")
    try:
        body = entry.build(outputs, channels, tuple(size), **settings)
    except (TypeError, ValueError, ZeroDivisionError, RuntimeError) as error:
        raise RecipeError(f"model {name}: {str(error).splitlines()[0]}") from None
    normalize = Normalize(mean or [0.0] * channels, deviation or [1.0] * channels)
    return Network(normalize, body)


def _check(of: Callable[..., nn.Module], name: str, key: str, value: Any) -> None:
    """A setting is of the type its network says (int, float, bool or Literal), whole numbers at
    least 1, and not enormous."""
    kind = signature(of).parameters[key].annotation
    if kind is int and (type(value) is not int or not 1 <= value <= LARGEST):
        raise RecipeError(
            f"model.{key} = {value!r:.40}: {name} takes a whole number, 1 to {LARGEST}"
        )
    if kind is bool and type(value) is not bool:
        raise RecipeError(f"model.{key} = {value!r:.40}: {name} takes true or false")
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise UnknownName(f"{key} of {name}", str(value), [str(known) for known in get_args(kind)])
    if kind is float and (type(value) not in (int, float) or not 0 <= value <= LARGEST):
        raise RecipeError(f"model.{key} = {value!r:.40}: {name} takes a number, 0 to {LARGEST}")


def count_parameters(model: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
