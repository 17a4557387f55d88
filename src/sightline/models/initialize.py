"""Initial weights by name, as the books list them (Starter book, 10.1.6 to 10.1.12).

n_in and n_out are the numbers that go into and come out of one unit: for a convolution its channels
(of one group) times the filter's area.

    constant                     0, so that no symmetry is broken: to see that nothing is learned
    uniform, normal              within .05 of 0; of deviation .05
    lecun_uniform, lecun_normal  variance 1 / n_in             LeCun et al. 1998
    glorot_uniform, glorot_normal         2 / (n_in + n_out)   Glorot and Bengio 2010
    he_uniform, he_normal                 2 / n_in             He et al. 2015

Uniform within sqrt(3 variance). Normals are whole, not cut at two deviations as Keras's are.
"""

import math
from collections.abc import Callable
from typing import Literal, get_args

from torch import Tensor, nn

from sightline.errors import UnknownName

Initializer = Literal[
    "constant",
    "uniform",
    "normal",
    "lecun_uniform",
    "lecun_normal",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
]
INITIALIZERS: tuple[str, ...] = get_args(Initializer)
SCALE = 0.05  # of uniform and normal
LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
VARIANCES: dict[str, Callable[[int, int], float]] = {
    "lecun": lambda inputs, _: 1 / inputs,
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),
    "he": lambda inputs, _: 2 / inputs,
}


def initialize(network: nn.Module, name: str, scale: float | None = None) -> nn.Module:
    """Draw the weights of every convolution and fully connected layer anew; biases become 0.

    scale  the constant, the bound of uniform or the deviation of normal; else 0 and SCALE

    Norms stay as they are. From torch's generator. Raises UnknownName.
    """
    if name not in INITIALIZERS:
        raise UnknownName("initializer", name, INITIALIZERS)
    for layer in network.modules():
        if isinstance(layer, LAYERS):
            _draw(layer.weight, name, scale)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def fans(weight: Tensor) -> tuple[int, int]:
    """(n_in, n_out) of a weight (outputs, inputs[, height, width])."""
    area = math.prod(weight.shape[2:])
    return weight.shape[1] * area, weight.shape[0] * area


def _draw(weight: Tensor, name: str, scale: float | None) -> None:
    if name == "constant":
        nn.init.constant_(weight, scale or 0.0)
        return
    family, _, shape = name.rpartition("_")
    if not family:
        deviation = bound = SCALE if scale is None else scale
    else:
        deviation = math.sqrt(VARIANCES[family](*fans(weight)))
        bound = math.sqrt(3) * deviation
    if shape == "normal":
        nn.init.normal_(weight, 0.0, deviation)
    else:
        nn.init.uniform_(weight, -bound, bound)
