"""The range test (Smith 2015): which learning rates a network learns at, found in a few steps.

On a copy of the model the rate rises exponentially from step to step. The loss stays flat, falls,
and then blows up; where it falls fastest before it is lowest is a rate to begin with.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline import chance
from sightline.data.loader import Batch, Loader
from sightline.drawing import lines
from sightline.errors import RecipeError
from sightline.overrides import Setting
from sightline.study.look import look, run_of
from sightline.study.plot_rate import write_picture
from sightline.talk import Talk
from sightline.training.run import Rules, Run, Seen
from sightline.training.step import step

STEPS, LOW, HIGH = 150, 1e-7, 10.0
MEMORY = 0.9  # of the running loss that ends the test: about ten steps
WIDTH = 5  # deviation, in steps, of the weights of the smoothed loss: a quarter of a decade
BLOWN_UP = 4.0  # times the best smoothed loss, where the test ends
CLEARLY = 2.0  # standard deviations of a step's loss; chance alone moves the smoothed one by less
Fresh = Callable[[str, nn.Module], Optimizer]  # a part's name and its copy -> a new optimizer


@dataclass(frozen=True, eq=False)
class Sweep:
    """rates, losses, smoothed  (n,) a step; the last loss may be infinite
    steepest  the rate at which the smoothed loss falls fastest, within the decade before it is
              lowest: slower rates train, too, but no better; None where it never falls clearly
    lowest    the rate at its minimum
    stopped   the rate at which it blew up; None where it did not
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    steepest: float | None
    lowest: float | None
    stopped: float | None

    @property
    def tenth(self) -> float | None:
        """A tenth of the rate where the loss is lowest: the second opinion."""
        return None if self.lowest is None else self.lowest / 10


def sweep(
    run: Run,
    train: Loader,
    fresh: Fresh,
    steps: int = STEPS,
    low: float = LOW,
    high: float = HIGH,
) -> Sweep:
    """Try rates from `low` to `high` on a copy of the run's model; the run stays as it is.

    fresh  makes a new optimizer of the kind that will train

    Model, optimizers, generators and loader of the run are the same afterwards, to the bit.
    """
    rates = np.geomspace(low, high, steps)
    trial = _trial(run, fresh, rates)
    losses: list[float] = []
    running, best = 0.0, math.inf
    with torch.random.fork_rng(None if run.device.type == "cuda" else []):
        for number, pieces in enumerate(_batches(train, run.epoch, steps)):
            trial.batch = number
            step(trial, pieces)
            losses.append(_loss(trial.seen))
            trial.seen = []
            running = MEMORY * running + (1 - MEMORY) * losses[-1]
            smooth = running / (1 - MEMORY ** (number + 1))  # an average of what was seen so far
            best = min(best, smooth)
            if not math.isfinite(smooth) or smooth > BLOWN_UP * best:
                break
    return judged(rates[: len(losses)], np.array(losses), len(losses) < steps)


def find(
    word: str,
    settings: Sequence[Setting],
    talk: Talk,
    span: tuple[int, float, float] = (STEPS, LOW, HIGH),
) -> tuple[Sweep, float]:
    """The sweep of what a word means to `sightline train`, or of a run folder at its last
    checkpoint; and the rate that its recipe has.

    span  steps, lowest and highest rate

    Raises SightlineError as training would.
    """
    steps, low, high = span
    if not 0 < low < high < math.inf:
        raise RecipeError(f"rates from {low:g} to {high:g}: expected 0 < low < high")
    found = look(word, settings, talk)
    setup = found.chosen.train
    before = torch.get_num_threads()
    torch.set_num_threads(setup.threads)
    try:
        run, loader = run_of(found, talk)

        stage = setup.in_stages()[run.stage][1]
        assert stage.optimizer is not None, "nothing of a stage is left open"

        def fresh(name: str, part: nn.Module) -> Optimizer:
            return run.stages[run.stage].optimizers({name: part})[name]

        return sweep(run, loader, fresh, steps, low, high), stage.optimizer.rate
    finally:
        torch.set_num_threads(before)


def _trial(run: Run, fresh: Fresh, rates: Sequence[float] | NDArray[np.float64]) -> Run:
    """A run of its own around a copy of the model."""
    trial = Run(
        model=copy.deepcopy(run.model),
        task=run.task,
        optimizers={},
        rates=dict.fromkeys(run.rates, lambda number: float(rates[min(number, len(rates) - 1)])),
        device=run.device,
        precision=run.precision,
        seed=chance.seed_of(run.seed, 0, "find rate"),
        rules=Rules(run.rules.clip, run.rules.penalty),
        goal=run.goal,
    )
    trial.optimizers = {name: fresh(name, part) for name, part in trial.part_models.items()}
    trial.model.train()
    return trial


def _batches(train: Loader, epoch: int, steps: int) -> Iterator[list[Batch]]:
    """So many batches from the beginning of an epoch, and of those that follow."""
    while steps > 0:
        for pieces in train.steps(epoch):
            yield pieces
            steps -= 1
            if steps == 0:
                return
        epoch += 1


def _loss(seen: Sequence[Seen]) -> float:
    """The loss of a step, over all parts; what is only watched does not count."""
    total = 0.0
    for at in seen:
        named = {n: v for n, v in at.values.items() if n.rpartition("/")[2] == "loss"}
        for value, count in (named or at.values).values():
            divisor = float(count) if isinstance(count, Tensor) else count
            total += float(value) / max(divisor, 1e-12)
    return total


def judged(rates: NDArray[np.float64], losses: NDArray[np.float64], ended: bool) -> Sweep:
    """The sweep with what it says; `ended` where the last loss ended it.

    A loss above those of the start says only that the rate is too high, not by how much, so it
    counts as the start's: else what blows up would hide the minimum beside it.
    """
    stopped = float(rates[-1]) if ended else None
    start = losses[: max(3, len(losses) // 5)]
    start = start[np.isfinite(start)]
    if len(start) < 3:
        return Sweep(rates, losses, losses, None, None, stopped)
    top = float(np.median(start))
    noise = float(np.std(np.diff(start))) / math.sqrt(2)
    smoothed = _smooth(np.where(np.isfinite(losses), np.minimum(losses, top + noise), top + noise))
    lowest = int(np.argmin(smoothed))
    if top - smoothed[lowest] <= CLEARLY * noise:
        return Sweep(rates, losses, smoothed, None, None, stopped)
    slope = np.gradient(smoothed, np.log(rates))
    near = (rates >= rates[lowest] / 10) & (rates <= rates[lowest])
    steepest = float(rates[int(np.argmin(np.where(near, slope, np.inf)))])
    return Sweep(rates, losses, smoothed, steepest, float(rates[lowest]), stopped)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted means around each step, which shift nothing in the rate; at the ends the values go
    on as in a mirror."""
    around = np.arange(-3 * WIDTH, 3 * WIDTH + 1)
    weights = np.exp(-0.5 * (around / WIDTH) ** 2)
    padded = np.pad(values, 3 * WIDTH, mode="symmetric")
    return np.convolve(padded, weights / weights.sum(), mode="valid")


def sentence(found: Sweep, present: float | None = None) -> str:
    """What a sweep says, in plain words; `present` is the rate that the recipe has."""
    if found.steepest is None or found.tenth is None:
        words = "no rate made the loss fall clearly"
        if found.stopped is not None:
            words += f", and at {short(found.stopped)} it blew up"
        return words + ": the network has learned already, or cannot learn this"
    assert found.lowest is not None
    words = (
        f"begin with a rate of {short(found.steepest)}, where the loss falls fastest before it is "
        f"lowest at {short(found.lowest)}; a tenth of that, {short(found.tenth)}, is careful"
    )
    if found.stopped is not None:
        words += f"; at {short(found.stopped)} it blew up"
    if present is not None:
        words += f"; the recipe has {short(present)}"
    return words


def short(rate: float) -> str:
    """Two figures, as a setting is typed: 0.0032, 3.2e-05."""
    return f"{float(f'{rate:.1e}'):g}"


def to_dict(found: Sweep, present: float) -> dict[str, Any]:
    """As JSON has it; infinite losses are null."""
    return {
        "rate": found.steepest,
        "tenth": found.tenth,
        "lowest": found.lowest,
        "stopped": found.stopped,
        "recipe": present,
        "says": sentence(found, present),
        "rates": found.rates.tolist(),
        "losses": [loss if math.isfinite(loss) else None for loss in found.losses.tolist()],
        "smoothed": [loss if math.isfinite(loss) else None for loss in found.smoothed.tolist()],
    }


def write(found: Sweep, name: str, path: Path) -> None:
    """Draw the sweep with its suggestions marked. Raises OutputError."""
    marks = []
    if found.steepest is not None and found.tenth is not None:
        marks = [
            (found.steepest, f"{short(found.steepest)}: falls fastest"),
            (found.tenth, f"{short(found.tenth)}: careful, a tenth of the lowest"),
        ]
    suffix = path.suffix.lower()
    series = (found.rates, found.smoothed)
    title = f"Range test of {name}"
    write_picture(lines.range_test(series, found.losses, marks, title, suffix), path)
