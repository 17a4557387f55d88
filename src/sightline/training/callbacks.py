"""What happens around training: callbacks are told of the start, each step and epoch, the end."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, final

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
    """Saves after any step once `seconds` have passed since the last time, and at the end."""

    def __init__(self, folder: Path, seconds: float = 10.0) -> None:
        self.folder, self.seconds, self._saved = folder, seconds, time.monotonic()

    def on_step(self, run: Run) -> None:
        self.on_epoch(run)

    def on_epoch(self, run: Run) -> None:
        if not run.stop and time.monotonic() - self._saved >= self.seconds:
            self.on_end(run)

    def on_end(self, run: Run) -> None:
        checkpoint.save(self.folder, run)
        self._saved = time.monotonic()


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
        run.stop = run.interrupted = True
        print("\nstopping after this step; press Ctrl-C again to quit at once", file=sys.stderr)

    before: dict[int, Any] = {}
    with suppress(ValueError):  # raised outside the main thread, where Ctrl-C is somebody else's
        for caught in (signal.SIGINT, signal.SIGTERM):
            before[caught] = signal.signal(caught, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
