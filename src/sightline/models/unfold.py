"""Batch norms that were folded into their convolutions, as is done for phones, opened again.

Such a norm has mean 0 and variance 1: in evaluation it does next to nothing, and in training, where
it would divide by what a batch shows, it undoes the network. Given inputs, each is set to the
statistics they show and its weight and bias to what keeps the network's answers as they are.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.models import Network


def is_folded(network: Network) -> bool:
    """Whether it has batch norms, and all of them mean 0, variance 1 and weights of their own."""
    norms = _norms(network)
    still = [(norm.running_mean, norm.running_var) for norm in norms]
    return (
        bool(norms)
        and all(norm.affine for norm in norms)
        and all(
            mean is not None and var is not None and not mean.any() and bool((var == 1).all())
            for mean, var in still
        )
    )


def unfold(network: Network, inputs: Iterable[Tensor]) -> None:
    """Open the norms again by what they see of batches (n, c, h, w) in [0, 1], on its device. In
    evaluation the network then answers as before, but for rounding."""
    norms = _norms(network)
    sums = {norm: _Sums() for norm in norms}
    hooks = [norm.register_forward_pre_hook(sums[norm].add) for norm in norms]
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            for batch in inputs:
                network(batch)
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    with torch.no_grad():
        for norm, seen in sums.items():
            _open(norm, seen)


class _Sums:
    """Of what one norm is given, a channel: count, total and squares."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, torch.zeros(()), torch.zeros(())

    def add(self, _: nn.Module, given: Sequence[Tensor]) -> None:
        found = given[0].double()
        self.count += found.numel() // found.shape[1]
        self.total = self.total.to(found) + found.sum((0, 2, 3))
        self.squares = self.squares.to(found) + found.square().sum((0, 2, 3))


def _open(norm: _BatchNorm, seen: _Sums) -> None:
    if not seen.count or norm.running_mean is None or norm.running_var is None:
        return
    assert norm.affine, "folded norms have what was folded into them"
    mean = seen.total / seen.count
    var = (seen.squares / seen.count - mean.square()).clamp_min(0)
    was = (norm.running_var.double() + norm.eps).rsqrt() * norm.weight
    norm.bias.add_(was * (mean - norm.running_mean))
    norm.weight.copy_(was * (var + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)


def _norms(network: Network) -> list[_BatchNorm]:
    return [module for module in network.body.modules() if isinstance(module, _BatchNorm)]
