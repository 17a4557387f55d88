"""Several processes that train as one: who is here, and sums and words between them.

Started by torchrun, which tells each process its rank in the environment. One process alone takes
no part in any of it: every function below then gives back what it was given.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from sightline.errors import ProcessLost, RecipeError

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)  # for a process that is silent: it may be fetching a set
BUCKET = 2**25  # bytes of gradients that travel together
LETTING_GO = 0.3  # seconds
ROLL_CALL = timedelta(seconds=3)  # in which those who are still there say so


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    rank   0 writes; the others only compute
    local  its number on this machine, which is the number of its GPU
    board  where processes leave words for one another, whatever has become of them
    """

    rank: int = 0
    size: int = 1
    local: int = 0
    board: Store | None = field(default=None, repr=False)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all processes into each tensor. They travel in large pieces."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            with _noticing(self):
                distributed.all_reduce(flat)
            parts = flat.split([tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Put the first process's values into each tensor of all."""
        if self.size == 1:
            return
        for tensor in tensors:
            whole = tensor.contiguous()
            with _noticing(self):
                distributed.broadcast(whole, 0)
            if self.rank:
                tensor.copy_(whole)

    def any(self, flag: bool) -> bool:
        """Whether any process says so."""
        if self.size == 1:
            return flag
        told = torch.tensor([float(flag)])
        with _noticing(self):
            distributed.all_reduce(told)
        return bool(told.item() > 0)

    def gather(self, value: T) -> list[T]:
        """What each process has, in the order of their ranks, on every one of them."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        with _noticing(self):
            distributed.all_gather_object(found, value)
        return found

    def collect(self, value: T) -> list[T]:
        """As `gather`, but on the first process; nothing on the others."""
        if self.size == 1:
            return [value]
        found: list[Any] | None = [None] * self.size if self.first else None
        with _noticing(self):
            distributed.gather_object(value, found, 0)
        return found or []

    def told(self, value: T) -> T:
        """What the first process has."""
        if self.size == 1:
            return value
        box: list[Any] = [value]
        with _noticing(self):
            distributed.broadcast_object_list(box, 0)
        return box[0]

    def in_turn(self, work: Callable[[], T]) -> T:
        """What `work` gives each process; the first does it before the others, which find what it
        has fetched."""
        if not self.first:
            self.any(False)
        found = work()
        if self.first:
            self.any(False)
        return found

    def once(self, say: Callable[[], None]) -> None:
        """Let the first process that fails say why, for all. The others wait until it has, because
        torchrun ends all of them when one is gone."""
        if self.board is None:
            say()
            return
        self.leave(failed=True)
        try:
            first = self.board.add("said", 1) == 1
        except RuntimeError:  # whoever holds the board is gone
            first = True
        if not first:
            _said(self, "heard", ROLL_CALL)
            return
        say()
        with suppress(RuntimeError):
            self.board.set("heard", "")

    def leave(self, failed: bool) -> None:
        """Tell the others, who may wait for this process, that it was not killed."""
        with suppress(RuntimeError):
            if self.board is not None:
                self.board.set(f"there-{self.rank}", "")
                if failed:
                    self.board.set(f"failed-{self.rank}", "")

    def command(self, words: str) -> str:
        """How a command of sightline is typed, so that it runs in as many processes."""
        if self.size == 1:
            return f"sightline {words}"
        local = int(os.environ.get("LOCAL_WORLD_SIZE", self.size))
        nodes = "" if local == self.size else f"--nnodes {self.size // local} (on each, as before) "
        return f"torchrun {nodes}--nproc-per-node {local} -m sightline {words}"


ALONE = Processes()


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    size = 0
    for tensor in tensors:
        other = bool(bucket) and bucket[0].dtype != tensor.dtype
        if bucket and (other or size + tensor.nbytes > BUCKET):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.nbytes
    if bucket:
        yield bucket


@contextmanager
def _noticing(here: Processes) -> Iterator[None]:
    """Notice that another process is gone."""
    try:
        yield
    except RuntimeError as error:  # gloo and nccl have no other
        _call_roll(here, error)


def _call_roll(here: Processes, error: RuntimeError) -> NoReturn:
    """Raise ProcessLost for those who are gone. If all are there it was a mistake: raise that."""
    everyone = range(here.size)
    here.leave(failed=False)
    # Those who wait for this process notice too, and answer, once its connections are closed.
    _leave()
    why = "is gone: it was killed, or its machine or network failed"
    if "timed out" in str(error).lower():
        why = f"has not answered for {PATIENCE.total_seconds() / 60:.0f} minutes"
    lost = [rank for rank in everyone if not _said(here, f"there-{rank}", ROLL_CALL)]
    if not lost:
        lost = [rank for rank in everyone if _said(here, f"failed-{rank}", timedelta(0))]
        why = "failed, and says why itself"
    if not lost:
        raise error
    who = ", ".join(str(rank) for rank in lost if rank != here.rank) or "another"
    raise ProcessLost(f"process {who} of {here.size} (numbered from 0) {why}") from error


def _said(here: Processes, word: str, patience: timedelta) -> bool:
    """Whether a word is on the board, or comes to it in time."""
    assert here.board is not None
    try:
        if patience:
            here.board.wait([word], patience)
            return True
        return here.board.check([word])
    except RuntimeError:  # too late; or the board is gone, and nobody can be heard
        return False


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
        # gloo's threads live on where torch has kept the group (as optimizers make it do), and one
        # that lets go of its last tensor while Python is ending aborts the process: 1 in 4 did.
        time.sleep(LETTING_GO)


_joined: list[Processes] = []  # torch's group is one a process, and so are these


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, joined until the block ends; or this one alone.

    Raises RecipeError where the environment is incomplete.
    """
    size = _number("WORLD_SIZE")
    if size <= 1 or "RANK" not in os.environ:
        yield ALONE
        return
    if _joined:  # further out
        yield _joined[-1]
        return
    here = _join(size)
    _joined.append(here)
    try:
        yield here
    except BaseException:
        here.leave(failed=True)
        raise
    finally:
        _joined.remove(here)
        _leave()


def _number(name: str) -> int:
    """A number of the environment, 1 where it is not given."""
    text = os.environ.get(name, "1")
    if not text.isdigit():
        raise RecipeError(f"{name} is {text!r}, no number; start with torchrun")
    return int(text)


def _join(size: int) -> Processes:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if name not in os.environ:
            raise RecipeError(f"WORLD_SIZE is set but {name} is not; start with torchrun")
    rank, local = _number("RANK"), _number("LOCAL_RANK") if "LOCAL_RANK" in os.environ else 0
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        if local < torch.cuda.device_count():
            torch.cuda.set_device(local)
    board, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    group = PrefixStore("group", board)
    distributed.init_process_group(
        backend, store=group, rank=rank, world_size=size, timeout=PATIENCE
    )
    return Processes(rank, size, local, PrefixStore("sightline", board))
