"""Penalties on large weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    l1: float = 0.0
    l2: float = 0.0
    everywhere: bool = False

    def add_to_gradients(self, parameters: Sequence[Tensor]) -> None:
        raise NotImplementedError

    def value(self, parameters: Sequence[Tensor]) -> Tensor:
        raise NotImplementedError
