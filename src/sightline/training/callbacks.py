"""What happens around training: callbacks are told of the start, each step and epoch, the end."""

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, final

from sightline.tasks.task import is_better
from sightline.training import checkpoint, events
from sightline.training.run import Run


class Callback:
    """Does nothing; override what is needed. Set `run.stop` to end after the current step."""

    def on_start(self, run: Run) -> None: ...
    def on_step(self, run: Run) -> None: ...
    def on_epoch(self, run: Run) -> None: ...
    def on_end(self, run: Run) -> None: ...


@final
class Checkpoints(Callback):
    """Saves after any step once `seconds` have passed since the last time, and at the end.

    Where saving is slow it is done less often, so that it takes a twentieth of the time; unless
    `seconds` is 0, which saves after every step.
    """

    def __init__(self, folder: Path, seconds: float = 10.0) -> None:
        self.folder, self.seconds, self._saved = folder, seconds, time.monotonic()

    def on_step(self, run: Run) -> None:
        self.on_epoch(run)

    def on_epoch(self, run: Run) -> None:
        if not run.stop and time.monotonic() - self._saved >= self.seconds:
            self.on_end(run)

    def on_end(self, run: Run) -> None:
        started = time.monotonic()
        checkpoint.save(self.folder, run)
        self._saved = time.monotonic()
        if self.seconds:
            self.seconds = max(self.seconds, 20 * (self._saved - started))


@final
class EarlyStopping(Callback):
    """Ends training after `patience` epochs in which the figure to better gained no more than
    `gain` on the best before them (Starter book, 9; object detection book). Read from the history
    alone, so a resumed run stops at the same epoch.

    since  the epochs up to this one are no waiting: those of stages before the last
    """

    def __init__(self, patience: int, gain: float = 0.0, since: int = 0) -> None:
        self.patience, self.gain, self.since = patience, gain, since

    def on_start(self, run: Run) -> None:
        self.on_epoch(run)

    def on_epoch(self, run: Run) -> None:
        sign, name = (1 if run.goal[0] == "+" else -1), run.goal[1:]
        best, waited = -math.inf, 0
        for record in run.history:
            value = sign * record.get("val", {}).get(name, math.nan)
            gained = value > best + self.gain
            best = max(best, value) if gained else best
            waited = 0 if gained or record["epoch"] <= self.since else waited + 1
        if run.history and waited >= self.patience:
            run.stop = True


@final
class Keep(Callback):
    """Writes whole models beside the checkpoints: `last` of them, after each epoch, and with
    `improvements` one for every epoch that was the best so far (Starter book, 18)."""

    def __init__(
        self, folder: Path, write: Callable[[Path], None], improvements: bool, last: int
    ) -> None:
        self.folder, self.write = folder, write
        self.improvements, self.last = improvements, last

    def on_epoch(self, run: Run) -> None:
        best = run.best_epoch == run.epoch
        if self.last or (self.improvements and best):
            with run.validated():
                self.write(self.folder / self._name(run, run.epoch))
        improved = self._improved(run) if self.improvements else set()
        last = range(max(1, run.epoch - self.last + 1), run.epoch + 1)
        kept = {self._name(run, epoch) for epoch in improved | set(last)}
        for path in self.folder.glob("epoch-*.safetensors"):
            if path.name not in kept:  # also of an epoch that came out otherwise before a resume
                path.unlink(missing_ok=True)

    @staticmethod
    def _name(run: Run, epoch: int) -> str:
        figure = run.history[epoch - 1].get("val", {}).get(run.goal[1:])
        shown = "" if figure is None else f"-{run.goal[1:]}-{figure:.4f}"
        return f"epoch-{epoch:03d}{shown}.safetensors"

    @staticmethod
    def _improved(run: Run) -> set[int]:
        """The epochs that were the best so far."""
        found: set[int] = set()
        best: dict[str, float] | None = None
        for record in run.history:
            if "val" in record and is_better(run.goal, record["val"], best):
                found.add(int(record["epoch"]))
                best = record["val"]
        return found


@final
class Events(Callback):
    """One line of JSON an epoch, appended; what pages, plots and reports read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_epoch(self, run: Run) -> None:
        events.append(self.folder, {"event": "epoch"} | run.history[-1])


@contextmanager
def stopping_on_interrupt(run: Run) -> Iterator[None]:
    """Ctrl-C (or SIGTERM) ends training after the current step; a second one ends at once."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if run.interrupted:
            raise KeyboardInterrupt
        run.interrupted = True  # the loop stops; of several processes, all at the same step
        again = "; press Ctrl-C again to quit at once" if number == signal.SIGINT else ""
        with suppress(RuntimeError):  # raised where it came in the middle of another print
            print(f"\nstopping after this step{again}", file=sys.stderr)

    before: dict[int, Any] = {}
    with suppress(ValueError):  # raised outside the main thread, where Ctrl-C is somebody else's
        for caught in (signal.SIGINT, signal.SIGTERM):
            before[caught] = signal.signal(caught, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
