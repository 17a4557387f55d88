"""Work spread over a few threads: decoding leaves Python's lock, so two cores are kept busy."""

from collections.abc import Callable, Sequence
from threading import Thread
from typing import TypeVar

THREADS = 4  # two cores are kept busy by four, which wait for disks in turn
T = TypeVar("T")
R = TypeVar("R")


def spread(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`work` of every item, in their order. Raises what the first item that fails raises.

    Each thread takes the next item when it is done with one, which costs a tenth of a future.
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

    others = [Thread(target=run) for _ in range(min(THREADS, len(items)) - 1)]
    for thread in others:
        thread.start()
    try:
        run()  # this one works too
        _join(others)
    except BaseException as error:  # Ctrl-C: the others stop at their next item
        failures[-1] = error
        _join(others)
    if failures:
        raise failures[min(failures)]
    return results  # type: ignore[return-value]


def _join(threads: Sequence[Thread]) -> None:
    for thread in threads:
        thread.join()
