"""Grad-CAM: a layer's maps, each weighted by how much it raises the class's score.

Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based
localization". Behind one convolution, a mean over places and a linear layer it is CAM.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sightline.errors import RecipeError, UnknownName
from sightline.models import Network
from sightline.models.surgery import layers
from sightline.study.explaining.subject import in_evaluation


def grad_cam(network: Network, inputs: Tensor, label: int, layer: str) -> Tensor:
    """(h, w) of the layer's places, 0 or more: the mean slope of the class's output by each map
    times that map, added up, and what is negative left out.

    inputs  (1, c, h, w); the network is left as it was

    Raises UnknownName, or RecipeError for a layer without places or off the way to the answer.
    """
    if layer not in layers(network):
        raise UnknownName("layer", layer, layers(network))
    module = network.body.get_submodule(layer)
    with in_evaluation(network), torch.enable_grad(), _listening(module) as heard:
        x = inputs.detach().clone().requires_grad_(True)
        output = network(x)[0, label]
        if not heard or heard[-1].ndim != 4:
            raise RecipeError(f"{layer} gives no maps; Grad-CAM needs (channels, height, width)")
        (slope,) = torch.autograd.grad(output, heard[-1], allow_unused=True)
    if slope is None:
        raise RecipeError(f"{layer}: the answer does not depend on it")
    weights = slope.mean((2, 3), keepdim=True)  # (1, k, 1, 1)
    return (weights * heard[-1].detach()).sum(1).relu()[0]


def last_with_places(network: Network, inputs: Tensor) -> str:
    """The last layer whose maps are larger than one place: the default of Grad-CAM.

    Found by one forward pass of inputs (n, c, h, w). Raises RecipeError where there is none.
    """
    found = [(name, shape) for name, shape in shapes(network, inputs) if len(shape) == 3]
    wide = [name for name, shape in found if shape[1] * shape[2] > 1]
    if not wide:
        raise RecipeError("Grad-CAM needs a layer with maps, and the network has none")
    return wide[-1]


def shapes(network: Network, inputs: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Layers in the order they answer, with the shape of the answer without the batch; blocks that
    pass on their last layer's answer are left out."""
    found: list[tuple[str, tuple[int, ...]]] = []
    last: list[object] = [None]
    names = {module: name for name, module in network.body.named_modules() if name}

    def note(module: nn.Module, _: object, answer: object) -> None:
        single = not any(True for _ in module.children())
        if isinstance(answer, Tensor) and (single or answer is not last[0]):
            found.append((names[module], tuple(answer.shape[1:])))
            last[0] = answer

    hooks = [module.register_forward_hook(note) for module in names]
    try:
        with in_evaluation(network), torch.no_grad():
            network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


@contextmanager
def _listening(module: nn.Module) -> Iterator[list[Tensor]]:
    """The answers of a layer, as they are before a next layer works on them in place."""
    heard: list[Tensor] = []

    def listen(_: nn.Module, __: object, answer: object) -> Tensor | None:
        if not isinstance(answer, Tensor):
            return None
        heard.append(answer)
        return answer.clone()

    hook = module.register_forward_hook(listen)
    try:
        yield heard
    finally:
        hook.remove()
