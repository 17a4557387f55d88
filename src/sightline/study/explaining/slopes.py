"""Gradients of a class's score by the pixels, plain and guided.

Simonyan, Vedaldi and Zisserman 2014 for the plain ones; Springenberg et al. 2015, "Striving for
simplicity", for the guided: on the way back a ReLU lets pass what is positive at both ends.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from sightline.models import Network
from sightline.study.explaining.subject import in_evaluation

PLAIN_RELUS = (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
SIX_RELUS = (F.relu6,)


def gradients(network: Network, inputs: Tensor, label: int) -> Tensor:
    """(1, c, h, w): the slope of the class's output, before softmax, by each value of the input.

    The network is left as it was: mode, gradients, hooks.
    """
    with in_evaluation(network), torch.enable_grad():
        x = inputs.detach().clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(network(x)[0, label], x)
    return slope.detach()


def guided_gradients(network: Network, inputs: Tensor, label: int) -> Tensor:
    """As `gradients`, guided: every ReLU (and ReLU6) passes back positive slopes alone."""
    with _Guided():
        return gradients(network, inputs, label)


class _Guided(TorchFunctionMode):
    """While it is entered, each call of a ReLU is a guided one; no module is touched."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        top = _top_of(func, args, given)
        if top is None:
            return func(*args, **given)
        inplace = bool(given.get("inplace", func in (torch.relu_, Tensor.relu_)))
        return _guided_relu(args[0] if args else given["input"], top, inplace)


def _top_of(func: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]) -> float | None:
    """The largest value of a ReLU's answers; None for what is no ReLU."""
    if func in PLAIN_RELUS:
        return math.inf
    if func in SIX_RELUS:
        return 6.0
    if func is F.hardtanh:
        low, high = [*args[1:3], -1.0, 1.0][:2] if len(args) >= 3 else (-1.0, 1.0)
        low, high = given.get("min_val", low), given.get("max_val", high)
        return float(high) if low == 0 else None
    return None


class _GuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, top: float, inplace: bool) -> Tensor:
        ctx.save_for_backward((x > 0) & (x < top))
        if inplace:  # what reads x later must see what the layer made of it
            ctx.mark_dirty(x)
            return x.clamp_(0, top)
        return x.clamp(0, top)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        (open_,) = ctx.saved_tensors
        return slope.clamp_min(0) * open_, None, None


def _guided_relu(x: Tensor, top: float, inplace: bool) -> Tensor:
    out: Tensor = _GuidedReLU.apply(x, top, inplace)
    return out
