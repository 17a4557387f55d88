"""Work spread over a few threads: decoding leaves Python's lock, so two cores are kept busy."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar, final

THREADS = 4  # two cores are kept busy by four, which wait for disks in turn
T = TypeVar("T")
R = TypeVar("R")


def spread(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`work` of every item, in their order. Raises what the first item that fails raises."""
    return Crew().spread(work, items)


@final
class Crew:
    """Threads that are kept between calls, for whoever calls often; another process has its own."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return Crew, ()

    def spread(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """As the function of this name.

        Each thread takes the next item when it is done with one, which costs a tenth of a future;
        the one that asks works too.
        """
        if len(items) < 2:
            return [work(item) for item in items]
        results: list[R | None] = [None] * len(items)
        failures: dict[int, BaseException] = {}
        waiting = iter(range(len(items)))  # handing out the next is one step under Python's lock

        def run() -> None:
            for index in waiting:
                if failures:
                    return
                try:
                    results[index] = work(items[index])
                except BaseException as error:
                    failures[index] = error

        others = [self._ready().submit(run) for _ in range(min(THREADS, len(items)) - 1)]
        try:
            run()
            wait(others)
        except BaseException as error:  # Ctrl-C: the others stop at their next item
            failures[-1] = error
            wait(others)
        if failures:
            raise failures[min(failures)]
        return results  # type: ignore[return-value]

    def _ready(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():  # a fork has no threads
            self._pool, self._process = ThreadPoolExecutor(THREADS - 1), os.getpid()
        return self._pool
