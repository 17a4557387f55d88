"""What a run says while it works: sentences and progress bars, always on standard error."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, final

PATIENCE = 5.0  # seconds of work that nobody need be told of
Tick = Callable[[float], None]  # that many more are done
Note = Callable[[str], None]  # what stands beside the bar
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline


def printable(text: str) -> str:
    """Control characters as \\x escapes: the name of a file may hold any, and clear a terminal."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def columns() -> int:
    """Characters of a line of standard error; 80 where it is no terminal and COLUMNS is not set."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


class Talk(Protocol):
    """Where words go; the terminal, nowhere, or a page."""

    def say(self, text: str) -> None:
        """One or more lines."""
        ...

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[tuple[Tick, Note]]:
        """A bar that is gone when the block ends."""
        ...


@final
class Silent:
    """Says nothing."""

    def say(self, text: str) -> None: ...

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[tuple[Tick, Note]]:  # noqa: ARG002
        yield lambda _: None, lambda _: None


@final
class Terminal:
    """Plain sentences, and rich's bars where standard error is a terminal.

    Written to a file or pipe, there are no bars; what is noted beside one is a line, at most
    `lines` of them.
    """

    def __init__(self, lines: int = 20) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.lines = lines

    def say(self, text: str) -> None:
        self.console.print(printable(text), markup=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[tuple[Tick, Note]]:
        if self.console.is_terminal:
            with self._live(title, total) as hands:
                yield hands
            return
        done, said = 0.0, 0

        def tick(more: float) -> None:
            nonlocal done
            done += more

        def note(text: str) -> None:
            nonlocal said
            if said < self.lines and done * self.lines >= (said + 1) * total - 1e-6:
                said = int((done * self.lines + 1e-6) // max(1, total))
                self.say(f"{title} {round(done)}/{total}  {text}".rstrip())

        yield tick, note

    @contextmanager
    def _live(self, title: str, total: int) -> Iterator[tuple[Tick, Note]]:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        wide = self.console.width >= 90
        columns = [
            TextColumn("{task.description} {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=24 if wide else 8),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
        ]
        with Progress(*columns, console=self.console, transient=True) as progress:
            job = progress.add_task(title, total=total, note="")
            yield (
                lambda more: progress.advance(job, more),
                lambda text: progress.update(job, note=text),
            )


@contextmanager
def stepping(talk: Talk, title: str, total: int) -> Iterator[Tick]:
    """A bar that is only counted on; where there are no bars, a line now and then."""
    with talk.bar(title, total) as (tick, note):
        said = time.monotonic()

        def step(more: float) -> None:
            nonlocal said
            tick(more)
            if time.monotonic() - said >= PATIENCE:
                note("")
                said = time.monotonic()

        yield step
