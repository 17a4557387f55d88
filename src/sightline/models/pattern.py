"""A network written as a line: INPUT => [CONV32 => RELU => POOL]*2 => FC (Starter book, 11.3.1).

`notation.py` says how it is written. Batch norm and initialization are Keras's, as the book ran
them. Layers are named by kind and number in order (conv1, conv2, fc1; the last is fc), so that
another dropout or pool leaves the names of the weights as they were.
"""

from collections import Counter

from torch import Tensor, nn

from sightline.models.layers import glorot_
from sightline.models.notation import Word, parse
from sightline.types import Size

MINIVGGNET = (  # chapter 15
    "INPUT => [CONV32 => RELU => BN]*2 => POOL => DO.25 => [CONV64 => RELU => BN]*2 => POOL => "
    "DO.25 => FC512 => RELU => BN => DO.5 => FC => SOFTMAX"
)
FILTERS, MOST_FILTERS, UNITS = 32, 512, 512  # where a pattern gives none

OVERWRITTEN = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d)  # learn without their output


class Pattern(nn.Module):
    """(n, channels, h, w) -> (n, outputs).

    layers  the pattern; MiniVGGNet's by default
    """

    def __init__(
        self, outputs: int, channels: int = 3, size: Size = (32, 32), layers: str = MINIVGGNET
    ) -> None:
        super().__init__()
        words = parse(layers)
        build = _Builder(channels, size)
        for word in _body(words, outputs):
            build.add(word)
        build.end(outputs)
        self.layers = nn.Sequential()
        for name, layer in build.layers[:-1]:
            self.layers.add_module(name, layer)
        self.fc = build.layers[-1][1]
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layers(x))


def _body(words: list[Word], outputs: int) -> list[Word]:
    """The words before the layer that gives the outputs."""
    ended = words[-1].name == "SOFTMAX"
    for word in words[:-1]:
        if word.name == "SOFTMAX":
            raise word.error("SOFTMAX is the end, and only there")
    words = words[:-1] if ended else words
    if not words or words[-1].name != "FC":
        if ended:
            return words  # SOFTMAX brings its own
        raise words[-1].error("a network ends with FC or SOFTMAX")
    units = words[-1].numbers.get("n", outputs)
    if units != outputs:
        raise words[-1].error(
            f"the last layer must give {outputs}, not {units:.0f}: write FC without a number"
        )
    return words[:-1]


class _Builder:
    """Layers so far, and the volume that they make."""

    def __init__(self, channels: int, size: Size) -> None:
        self.layers: list[tuple[str, nn.Module]] = []
        self.numbers: Counter[str] = Counter()
        self.channels, self.size = channels, size
        self.flat = False  # whether channels are units
        self.filters = FILTERS

    def put(self, name: str, layer: nn.Module) -> None:
        self.numbers[name] += 1
        self.layers.append((f"{name}{self.numbers[name]}", layer))

    def add(self, word: Word) -> None:
        if self.flat and word.name in ("CONV", "POOL", "AVGPOOL", "GAP"):
            raise word.error(f"{word.name} needs a volume, and FC has flattened it: move FC behind")
        if word.name == "CONV":
            self.convolve(word)
        elif word.name in ("POOL", "AVGPOOL"):
            self.pool(word)
        elif word.name == "GAP":
            self.put("gap", nn.AdaptiveAvgPool2d(1))
            self.size = (1, 1)
        elif word.name == "FC":
            self.connect(int(word.numbers.get("n", UNITS)))
        elif word.name == "BN":
            norm = nn.BatchNorm1d if self.flat else nn.BatchNorm2d
            self.put("bn", norm(self.channels, eps=1e-3, momentum=0.01))
        elif word.name == "DO":
            self.put("do", nn.Dropout(word.numbers.get("f", 0.5 if self.flat else 0.25)))
        else:
            fresh = self.layers and isinstance(self.layers[-1][1], OVERWRITTEN)
            self.put(word.name.lower(), _activation(word.name, inplace=bool(fresh)))

    def convolve(self, word: Word) -> None:
        kernel, stride = int(word.numbers.get("k", 3)), int(word.numbers.get("s", 1))
        padding = int(word.numbers.get("p", (kernel - 1) // 2))
        filters = int(word.numbers.get("n", self.filters))
        self.shrink(word, kernel, stride, padding)
        self.put("conv", nn.Conv2d(self.channels, filters, kernel, stride, padding))
        self.channels = filters

    def pool(self, word: Word) -> None:
        kernel = int(word.numbers.get("k", 2))
        stride, padding = int(word.numbers.get("s", kernel)), int(word.numbers.get("p", 0))
        if padding > kernel // 2:
            raise word.error(f"padding of at most half the window: p{kernel // 2}")
        self.shrink(word, kernel, stride, padding)
        kind = nn.MaxPool2d if word.name == "POOL" else nn.AvgPool2d
        self.put("pool", kind(kernel, stride, padding))

    def shrink(self, word: Word, kernel: int, stride: int, padding: int) -> None:
        """Note the volume that a window leaves; an error where it is wider than there is room."""
        if min(self.size) + 2 * padding < kernel:
            raise word.error(
                f"the volume is {self.size[0]}x{self.size[1]} here, {word.name} wants "
                f"{kernel - 2 * padding} pixels: a larger input, or fewer layers that shrink it"
            )
        height, width = ((side + 2 * padding - kernel) // stride + 1 for side in self.size)
        self.size = (height, width)
        if stride > 1:
            self.filters = min(2 * self.filters, MOST_FILTERS)

    def connect(self, units: int) -> None:
        self.flatten()
        self.put("fc", nn.Linear(self.channels, units))
        self.channels = units

    def flatten(self) -> None:
        if not self.flat:
            self.put("flatten", nn.Flatten())
            self.channels *= self.size[0] * self.size[1]
            self.flat = True

    def end(self, outputs: int) -> None:
        self.flatten()
        self.layers.append(("fc", nn.Linear(self.channels, outputs)))


def _activation(name: str, inplace: bool) -> nn.Module:
    if name == "RELU":
        return nn.ReLU(inplace)
    if name == "LEAKY":
        return nn.LeakyReLU(0.1, inplace)
    if name == "ELU":
        return nn.ELU(inplace=inplace)
    return nn.Tanh() if name == "TANH" else nn.Sigmoid()
