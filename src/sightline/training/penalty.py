"""Penalties on large weights, as terms of the loss: L1, L2 and both (elastic net).

Each as Keras's l1, l2 and l1_l2: the sum itself, no half, no mean. The `decay` d of plain SGD is
the penalty l2 = d / 2, since the derivative of w² is 2w.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    """l1 * sum |w| + l2 * sum w², both factors 0 or more.

    everywhere  biases and norms, too, not only weights (tensors of two dimensions and more)
    """

    l1: float = 0.0
    l2: float = 0.0
    everywhere: bool = False

    def __bool__(self) -> bool:
        return self.l1 > 0 or self.l2 > 0

    def _meant(self, parameters: Iterable[Tensor]) -> list[Tensor]:
        return [p for p in parameters if p.requires_grad and (self.everywhere or p.ndim > 1)]

    def value(self, parameters: Iterable[Tensor]) -> Tensor:
        """The penalty, a scalar on the parameters' device, that gradients flow through."""
        meant = self._meant(parameters)
        terms = [self.l1 * p.abs().sum() for p in meant if self.l1]
        terms += [self.l2 * p.square().sum() for p in meant if self.l2]
        return torch.stack(terms).sum() if terms else torch.zeros(())

    @torch.no_grad()
    def add_to_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Add the penalty's gradient, l1 * sign(w) + 2 * l2 * w, where backward left one.

        The same as adding `value` to the loss, without a graph and without waiting for the device.
        """
        meant = [p for p in self._meant(parameters) if p.grad is not None]
        if not meant or not self:
            return
        gradients = [p.grad for p in meant if p.grad is not None]
        if self.l2:
            torch._foreach_add_(gradients, meant, alpha=2 * self.l2)
        if self.l1:
            torch._foreach_add_(gradients, torch._foreach_sign(meant), alpha=self.l1)
