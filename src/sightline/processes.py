"""Several processes that train as one: who is here, and sums and words between them.

Started by torchrun, which tells each process its rank in the environment. One process alone takes
no part in any of it: every function below then gives back what it was given.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from sightline.errors import ProcessLost, RecipeError

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)  # for a process that is silent: it may be fetching a set
BUCKET = 2**25  # bytes of gradients that travel together


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    rank   0 writes; the others only compute
    local  its number on this machine, which is the number of its GPU
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all processes into each tensor. They travel in large pieces."""
        if self.size == 1:
            return
        with _lost(self):
            for bucket in _buckets(tensors):
                flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
                distributed.all_reduce(flat)
                parts = flat.split([tensor.numel() for tensor in bucket])
                for tensor, part in zip(bucket, parts, strict=True):
                    tensor.copy_(part.view_as(tensor))

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Put the first process's values into each tensor of all."""
        if self.size == 1:
            return
        with _lost(self):
            for tensor in tensors:
                whole = tensor.contiguous()
                distributed.broadcast(whole, 0)
                if self.rank:
                    tensor.copy_(whole)

    def any(self, flag: bool) -> bool:
        """Whether any process says so."""
        if self.size == 1:
            return flag
        told = torch.tensor([float(flag)])
        with _lost(self):
            distributed.all_reduce(told)
        return bool(told.item() > 0)

    def gather(self, value: T) -> list[T]:
        """What each process has, in the order of their ranks, on every one of them."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        with _lost(self):
            distributed.all_gather_object(found, value)
        return found

    def told(self, value: T) -> T:
        """What the first process has."""
        if self.size == 1:
            return value
        box: list[Any] = [value]
        with _lost(self):
            distributed.broadcast_object_list(box, 0)
        return box[0]


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
def _lost(here: Processes) -> Iterator[None]:
    """What a process that is gone looks like from the others."""
    try:
        yield
    except RuntimeError as error:  # gloo and nccl have no other
        reason = " ".join(str(error).split())[-120:]
        raise ProcessLost(
            f"process {here.rank} of {here.size}: another process of this run is gone ({reason})"
        ) from error


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, joined until the block ends; or this one alone.

    Raises RecipeError where the environment is incomplete.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        yield ALONE
        return
    if "MASTER_ADDR" not in os.environ:
        raise RecipeError("WORLD_SIZE is set but MASTER_ADDR is not; start with torchrun")
    if distributed.is_initialized():  # joined further out
        yield _here()
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield _here()
    finally:
        distributed.destroy_process_group()


def _here() -> Processes:
    rank, size = distributed.get_rank(), distributed.get_world_size()
    return Processes(rank, size, int(os.environ.get("LOCAL_RANK", rank)))
