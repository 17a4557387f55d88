"""The run: the one object that training changes, and all that a checkpoint holds."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.errors import Diverged, RecipeError
from sightline.models import Network
from sightline.models.surgery import ALL, train_from
from sightline.processes import ALONE, Processes
from sightline.tasks import Task
from sightline.training.attack import Attack
from sightline.training.penalty import Penalty
from sightline.training.plateau import Rate
from sightline.training.stages import Stage
from sightline.wording import some


@dataclass(frozen=True)
class Rules:
    """What a step does besides following the gradient.

    clip     largest norm of a part's gradients, which are scaled down to it; 0 leaves them alone
    penalty  what large weights cost
    average  decay of the averaged weights that are validated and kept, as 0.999; 0 averages none
    attack   moves the inputs against the network before it learns from them
    """

    clip: float = 0.0
    penalty: Penalty = field(default_factory=Penalty)
    average: float = 0.0
    attack: Attack | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """The losses of one part in one step, still on the device: (total, count) by name."""

    batch: int
    values: dict[str, tuple[Tensor, Tensor | int]]


@dataclass
class Run:
    """A model while it learns.

    optimizers  one a part; `rates` gives each part's learning rate by its own step
    stages      in order, the first from epoch 0 on; `stage` is the one that runs
    goal        the figure of validation that says which epoch is best; the task's where empty
    fingerprint  of the data; a checkpoint of other data is refused
    steps       optimizer steps taken, a part
    epoch       epochs finished; `batch` is how many batches of the next one are done
    history     one dict an epoch: {"epoch", "train": {...}, "val": {...}, "rate", "seconds"}
    sources     names of the images of (epoch, batch), for errors
    seen        losses not yet read from the device
    sums        of each loss over the current epoch: total and count
    average     the averaged weights
    best        weights and figures of the best epoch so far, on the host
    stop        set by a callback to end after the current step; `interrupted` when by Ctrl-C
    """

    model: nn.Module
    task: Task
    optimizers: dict[str, Optimizer]
    rates: dict[str, Rate]
    device: torch.device
    stages: Sequence[Stage] = ()
    stage: int = -1
    precision: str = "float32"
    seed: int = 0
    rules: Rules = field(default_factory=Rules)
    goal: str = ""
    fingerprint: str = ""
    processes: Processes = ALONE
    epoch: int = 0
    batch: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    sources: Callable[[int, int], list[str]] = lambda *_: []
    seen: list[Seen] = field(default_factory=list)
    sums: dict[str, list[float]] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_figures: dict[str, float] | None = None
    seconds: float = 0.0
    stop: bool = False
    interrupted: bool = False

    def __post_init__(self) -> None:
        self.goal = self.goal or self.task.goal

    @property
    def part_models(self) -> dict[str, nn.Module]:
        """The parts by name: a ModuleDict's entries, or the whole as "model"."""
        if isinstance(self.model, nn.ModuleDict):
            return dict(self.model.items())
        return {"model": self.model}

    def enter_stage(self, epoch: int) -> None:
        """Where this epoch is of another stage than runs: let train what trains in it, by new
        optimizers. Raises UnknownName or RecipeError for what the model has not."""
        number = bisect_right([stage.start for stage in self.stages], epoch) - 1
        if number == self.stage:
            return
        stage = self.stages[number]
        if isinstance(self.model, Network):
            train_from(self.model, stage.trains)
        elif stage.trains != ALL:
            raise RecipeError(f"train.stages: {stage.trains} of a model of several parts")
        self.optimizers, self.stage = stage.optimizers(self.part_models), number

    def autocast(self) -> torch.autocast:
        """Mixed precision as decided at the start; float32 turns it off."""
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )

    def read_losses(self) -> None:
        """Bring the losses seen since the last look from the device into the sums.

        Waits for the device. Raises Diverged at the first step whose losses are no numbers.
        """
        seen, self.seen = self.seen, []
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        waiting = [
            value.detach().to(kind)
            for at in seen
            for pair in at.values.values()
            for value in pair
            if isinstance(value, Tensor)
        ]
        numbers = iter(torch.stack(waiting).tolist() if waiting else [])
        for at in seen:
            # One by one and in order: sums must not depend on when they are read.
            for name, pair in at.values.items():
                total, count = (next(numbers) if isinstance(v, Tensor) else v for v in pair)
                sums = self.sums.setdefault(name, [0.0, 0.0])
                sums[0] += total
                sums[1] += count
                if not math.isfinite(total):
                    raise self._diverged(at)

    def _diverged(self, at: Seen) -> Diverged:
        shown = ", ".join(
            f"{name} {float(total) / max(float(count), 1e-12):.4g}"
            for name, (total, count) in at.values.items()
        )
        names = self.sources(self.epoch, at.batch)
        where = f"epoch {self.epoch + 1}, batch {at.batch + 1}"
        return Diverged(
            f"the loss became nan or infinite in {where} ({shown}), whose images are {some(names)}"
        )

    @contextmanager
    def validated(self) -> Iterator[None]:
        """The model with the weights that are validated and kept: the averaged ones, if any."""
        if not self.average:
            yield
            return
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(own | self.average)
        try:
            yield
        finally:
            self.model.load_state_dict(own)
