"""Sheets of what a network has learned to look for: first filters, and a layer's maps."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.drawing.montage import Lettering, montage
from sightline.errors import RecipeError
from sightline.models import Network
from sightline.models.surgery import features
from sightline.types import Image

SHOWN = 64  # maps on a sheet
CELL = 96  # pixels of a filter or a map on a sheet


def first_filters(network: Network) -> tuple[str, NDArray[np.float32]]:
    """The first convolution's name and filters (n, c, h, w), c being 1 or 3.

    Raises RecipeError where the network does not begin with one that sees the picture's channels.
    """
    for name, module in network.body.named_modules():
        if isinstance(module, nn.Conv2d):
            weights = module.weight.detach().cpu().numpy().astype(np.float32)
            if weights.shape[1] not in (1, 3) or module.groups != 1:
                break
            return name, weights
    raise RecipeError("the network does not begin with a convolution over the picture's channels")


def filters_sheet(network: Network) -> Image:
    """All filters of the first layer, a cell each: grey is 0, what is brightest or darkest is the
    filter's largest weight."""
    name, weights = first_filters(network)
    largest = np.abs(weights).max((1, 2, 3), keepdims=True)
    unit = 0.5 + 0.5 * weights / np.where(largest > 0, largest, 1)
    tiles = [np.rint(255 * f).astype(np.uint8).transpose(1, 2, 0) for f in unit]
    count, _, height, width = weights.shape
    about = f"{height}x{width}, each scaled by itself; grey is 0"
    text = Lettering(title=f"{count} filters of the first layer ({name})", about=about)
    return montage(_colored(tiles), columns=_columns(count), side=CELL // 2, text=text)


def maps_of(network: Network, layer: str, inputs: Tensor) -> NDArray[np.float32]:
    """(channels, h, w) that a layer answers to one input (1, c, h, w).

    Raises UnknownName, or RecipeError for a layer that gives no maps.
    """
    with torch.inference_mode():
        answer = features(network, layer)(inputs)
    if not isinstance(answer, Tensor) or answer.ndim != 4:
        raise RecipeError(f"{layer} gives no maps; expected a layer of (channels, height, width)")
    maps: NDArray[np.float32] = answer[0].float().cpu().numpy()
    return maps


def maps_sheet(network: Network, layer: str, inputs: Tensor) -> Image:
    """The maps of a layer, the strongest first where there are more than fit: white is the
    strongest of all places and maps, black 0 or less."""
    maps = maps_of(network, layer, inputs)
    peaks = maps.max((1, 2))
    order = np.arange(len(maps))
    if len(maps) > SHOWN:
        order = np.argsort(-peaks, kind="stable")[:SHOWN]
    top = max(float(peaks.max()), 1e-12)
    grey = np.rint(255 * np.clip(maps[order] / top, 0, 1)).astype(np.uint8)[..., None]
    size = f"{maps.shape[1]}x{maps.shape[2]}"
    which = f"the {SHOWN} strongest of {len(maps)} maps" if len(maps) > SHOWN else "all maps"
    text = Lettering(
        title=f"{layer}: {which} ({size})",
        about=f"white is {top:.3g}, black 0 or less; below each its number and largest value",
    )
    captions = [f"{i}: {peaks[i]:.2g}" for i in order]
    return montage(_colored(list(grey)), captions, 8, side=CELL, text=text)


def _colored(tiles: list[Image]) -> list[Image]:
    return [tile.repeat(3, 2) if tile.shape[2] == 1 else tile for tile in tiles]


def _columns(count: int) -> int:
    return 16 if count > 64 else 8
