"""Stages: what of a network trains, from which epoch on, and by which optimizers.

Fine-tuning has several: a new head alone, then the layers next to it, then all (Practitioner book,
network surgery; course notes, 5.16). Every other training is one stage.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer

Fresh = Callable[[Mapping[str, nn.Module]], dict[str, Optimizer]]


@dataclass(frozen=True, eq=False)
class Stage:
    """start       epochs that came before it
    trains      "all", "head" alone, or a layer: that one, all after it, and the head
    optimizers  new ones for a model's parts, once it is settled what trains
    """

    start: int
    trains: str
    optimizers: Fresh
