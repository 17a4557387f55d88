"""The networks by name. One paper, one file; a new one is a file and a line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, Literal, Self, get_args, get_origin

from torch import Tensor, nn

from sightline.errors import RecipeError, UnknownName
from sightline.models import cifar_resnet, efficientnet, resnet, squeezenet, vgg
from sightline.models.alexnet import AlexNet, BookAlexNet
from sightline.models.course import CourseConv1, CourseConv2
from sightline.models.deepergooglenet import DeeperGoogLeNet
from sightline.models.faster_rcnn import FasterRCNN
from sightline.models.googlenet import GoogLeNet
from sightline.models.inception_v3 import InceptionV3
from sightline.models.initialize import INITIALIZERS, initialize
from sightline.models.layers import Normalize
from sightline.models.lenet import LeNet
from sightline.models.lenet5 import LeNet5
from sightline.models.localizer import Localizer
from sightline.models.minigooglenet import MiniGoogLeNet
from sightline.models.minivggnet import MiniVGGNet
from sightline.models.mlp import MLP
from sightline.models.mobilenet_v1 import MobileNetV1
from sightline.models.mobilenet_v2 import MobileNetV2
from sightline.models.outside import timm_build
from sightline.models.pattern import Pattern
from sightline.models.preact_resnet import PreactResNet
from sightline.models.resnet9 import ResNet9
from sightline.models.shallownet import ShallowNet
from sightline.models.ssd7 import SSD7
from sightline.models.ssd300 import SSD300
from sightline.models.unfilled import unfilled
from sightline.models.xception import Xception
from sightline.models.yolo import YOLO
from sightline.types import Size

INITIALIZE = "initialize"  # a setting that every network takes
LARGEST = 65_536  # of any number in a model's settings; hostile files ask for more
LONGEST = 16  # of any list in them
LETTERS = 10_000  # of any text in them


@dataclass(frozen=True)
class Entry:
    """A network.

    build     from (outputs, channels, size) and settings of its own to a module
    source    the paper or book
    heads     names of the layers that give the outputs, the main one first; those of auxiliary
              heads are there only in a network built with them
    size      of the input as published
    channels  likewise
    smallest  input that it takes
    detects   it is a detector: its outputs are classes of boxes
    new_head  settings of its head alone, as a head for other classes should have them
    """

    build: Callable[..., nn.Module]
    source: str
    heads: tuple[str, ...] = ("fc",)
    size: Size = (224, 224)
    channels: int = 3
    smallest: Size = (1, 1)
    detects: bool = False
    new_head: Mapping[str, Any] = field(default_factory=dict)


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
    "pattern": Entry(Pattern, "written as a line; Starter book, chapter 11", size=(32, 32)),
    "resnet9": Entry(ResNet9, "He et al. 2015; Page 2018", size=(64, 64), smallest=(4, 4)),
    "googlenet": Entry(
        GoogLeNet, "Szegedy et al. 2015", ("fc", "aux1.fc2", "aux2.fc2"), smallest=(15, 15)
    ),
    "minigooglenet": Entry(
        MiniGoogLeNet, "Zhang et al. 2017; Practitioner book", size=(32, 32), smallest=(7, 7)
    ),
    "deepergooglenet": Entry(
        DeeperGoogLeNet,
        "Szegedy et al. 2015; Practitioner book",
        size=(64, 64),
        smallest=(16, 16),
    ),
    "resnet18": Entry(resnet.resnet18, "He et al. 2015"),
    "resnet34": Entry(resnet.resnet34, "He et al. 2015"),
    "resnet50": Entry(resnet.resnet50, "He et al. 2015"),
    "resnet101": Entry(resnet.resnet101, "He et al. 2015"),
    "resnet20_cifar": Entry(
        cifar_resnet.resnet20_cifar, "He et al. 2015", ("linear",), size=(32, 32)
    ),
    "resnet32_cifar": Entry(
        cifar_resnet.resnet32_cifar, "He et al. 2015", ("linear",), size=(32, 32)
    ),
    "resnet44_cifar": Entry(
        cifar_resnet.resnet44_cifar, "He et al. 2015", ("linear",), size=(32, 32)
    ),
    "resnet56_cifar": Entry(
        cifar_resnet.resnet56_cifar, "He et al. 2015", ("linear",), size=(32, 32)
    ),
    "resnet110_cifar": Entry(
        cifar_resnet.resnet110_cifar, "He et al. 2015", ("linear",), size=(32, 32)
    ),
    "preact_resnet": Entry(PreactResNet, "He et al. 2016; Practitioner book", size=(32, 32)),
    "xception": Entry(Xception, "Chollet 2017", size=(299, 299), smallest=(7, 7)),
    "inception_v3": Entry(
        InceptionV3,
        "Szegedy et al. 2016",
        ("fc", "AuxLogits.fc"),
        size=(299, 299),
        smallest=(75, 75),
    ),
    "squeezenet1_0": Entry(
        squeezenet.squeezenet1_0,
        "Iandola et al. 2016",
        heads=("classifier.1",),
        smallest=(21, 21),
        new_head={"rectify": False},
    ),
    "squeezenet1_1": Entry(
        squeezenet.squeezenet1_1,
        "Iandola et al. 2016",
        heads=("classifier.1",),
        smallest=(17, 17),
        new_head={"rectify": False},
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

DETECTORS = {  # their heads are the layers that say classes
    "ssd7": Entry(
        SSD7,
        "Liu et al. 2016; object detection book",
        heads=tuple(f"class_layers.{number}" for number in range(4)),
        size=(300, 480),
        smallest=(64, 64),
        detects=True,
    ),
    "ssd300": Entry(
        SSD300,
        "Liu et al. 2016; Lin et al. 2017",
        heads=tuple(f"class_layers.{number}" for number in range(6)),
        size=(300, 300),
        smallest=(64, 64),
        detects=True,
    ),
    "faster_rcnn": Entry(
        FasterRCNN,
        "Ren et al. 2015; He et al. 2017",
        heads=("class_layer",),
        size=(240, 320),
        smallest=(64, 64),
        detects=True,
    ),
    "localizer": Entry(
        Localizer,
        "course notes, 6.1",
        heads=("head",),
        size=(96, 96),
        smallest=(16, 16),
        detects=True,
    ),
    "yolo": Entry(
        YOLO,
        "Redmon and Farhadi 2017; course notes, 6.5 to 6.8",
        heads=("head",),
        size=(240, 320),
        smallest=(16, 16),
        detects=True,
    ),
}


def find(name: str) -> Entry:
    """The entry of a name; timm:NAME is a network of timm's, where that is installed.

    Raises UnknownName, or RecipeError without timm.
    """
    if name.startswith("timm:"):
        build, heads, size = timm_build(name.removeprefix("timm:"))
        return Entry(build, "timm", heads, size)
    known = MODELS | DETECTORS
    if name not in known:
        raise UnknownName("model", name, known)
    return known[name]


class Network(nn.Module):
    """Normalization and the network behind it: what is trained, saved and exported.

    heads  names of the body's layers that give the outputs, the main one first
    still  names of its batch norms that are frozen: in training, too, they normalize by what they
           have learned, and learn no more
    """

    def __init__(
        self, normalize: Normalize, body: nn.Module, heads: tuple[str, ...] = ("fc",)
    ) -> None:
        super().__init__()
        self.normalize = normalize
        self.body = body
        self.heads = heads
        self.still: frozenset[str] = frozenset()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.normalize(x))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for name in self.still:
            self.body.get_submodule(name).eval()
        return self


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

    settings  its own; and `initialize`, which every network takes: weights drawn by that name

    Raises UnknownName or RecipeError for a name, setting or size it does not have.
    """
    entry, settings = find(name), dict(settings or {})
    drawn = settings.pop(INITIALIZE, None)
    if drawn is not None and drawn not in INITIALIZERS:
        raise UnknownName(f"setting {INITIALIZE} of {name}", str(drawn)[:40], INITIALIZERS)
    known = set(signature(entry.build).parameters) - {"outputs", "channels", "size"}
    for key, value in settings.items():
        if key not in known:
            raise UnknownName(f"setting of {name}", key, known | {INITIALIZE})
        _check(entry.build, name, key, value)
    if size[0] < entry.smallest[0] or size[1] < entry.smallest[1]:
        raise RecipeError(f"{name} needs inputs of at least {entry.smallest}, not {tuple(size)}")
    try:
        with unfilled():
            body = entry.build(outputs, channels, tuple(size), **settings)
            if drawn is not None:
                initialize(body, drawn)
    except (TypeError, ValueError, ZeroDivisionError, RuntimeError) as error:
        raise RecipeError(f"model {name}: {str(error).splitlines()[0]}") from None
    normalize = Normalize(mean or [0.0] * channels, deviation or [1.0] * channels)
    return Network(normalize, body, entry.heads)


def _check(of: Callable[..., nn.Module], name: str, key: str, value: Any) -> None:
    """A setting is of the type its network says (int, float, bool, str, Literal or a list of int),
    whole numbers at least 1, and not enormous."""
    kind = signature(of).parameters[key].annotation
    if kind is int and (type(value) is not int or not 1 <= value <= LARGEST):
        raise RecipeError(
            f"model.{key} = {value!r:.40}: {name} takes a whole number, 1 to {LARGEST}"
        )
    if kind == tuple[int, ...] and not _whole_numbers(value):
        raise RecipeError(
            f"model.{key} = {value!r:.40}: {name} takes a list of 1 to {LONGEST} whole numbers, "
            f"each 1 to {LARGEST}"
        )
    if kind is bool and type(value) is not bool:
        raise RecipeError(f"model.{key} = {value!r:.40}: {name} takes true or false")
    if kind is str and (type(value) is not str or len(value) > LETTERS):
        raise RecipeError(
            f"model.{key} = {value!r:.40}: {name} takes text of at most {LETTERS} letters"
        )
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise UnknownName(f"{key} of {name}", str(value), [str(known) for known in get_args(kind)])
    if kind is float and (type(value) not in (int, float) or not 0 <= value <= LARGEST):
        raise RecipeError(f"model.{key} = {value!r:.40}: {name} takes a number, 0 to {LARGEST}")


def _whole_numbers(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and 1 <= len(value) <= LONGEST
        and all(type(number) is int and 1 <= number <= LARGEST for number in value)
    )


def count_parameters(model: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
