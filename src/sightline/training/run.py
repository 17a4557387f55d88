"""The run: the one object that training changes, and all that a checkpoint holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.tasks import Task

Rate = Callable[[int], float]  # a part's own step -> its learning rate


@dataclass
class Run:
    """A model while it learns.

    optimizers  one a part; `rates` gives each part's learning rate by its own step
    steps       optimizer steps taken, a part
    epoch       epochs finished; `batch` is how many batches of the next one are done
    history     one dict an epoch: {"epoch", "train": {...}, "val": {...}, "rate", "seconds"}
    sums        of each named loss over the current epoch, kept on the device
    best        weights and figures of the best epoch so far, on the host
    stop        set by a callback to end after the current step; `interrupted` when by Ctrl-C
    """

    model: nn.Module
    task: Task
    optimizers: dict[str, Optimizer]
    rates: dict[str, Rate]
    device: torch.device
    precision: str = "float32"
    seed: int = 0
    epoch: int = 0
    batch: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, Tensor] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_figures: dict[str, float] | None = None
    seconds: float = 0.0
    stop: bool = False
    interrupted: bool = False

    @property
    def part_models(self) -> dict[str, nn.Module]:
        """The parts by name: a ModuleDict's entries, or the whole as "model"."""
        if isinstance(self.model, nn.ModuleDict):
            return dict(self.model.items())
        return {"model": self.model}

    def autocast(self) -> torch.autocast:
        """Mixed precision as decided at the start; float32 turns it off."""
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )
