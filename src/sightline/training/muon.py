"""Muon (Jordan 2024): momentum whose steps are orthogonal matrices, for hidden weights.

Each hidden filter bank is seen as a matrix (outputs, all the rest). Its momentum UΣVᵀ is replaced
by about UVᵀ, found by five Newton-Schulz iterations of a quintic. All other parameters go by AdamW
or SGD within the same optimizer. On matrices it does what torch.optim.Muon does.

https://kellerjordan.github.io/posts/muon
"""

import math
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

QUINTIC = (3.4445, -4.7750, 2.0315)  # steepest at zero; singular values end within 0.7 to 1.2
TINY = 1e-7  # the least norm that is divided by


def orthogonalized(matrix: Tensor, steps: int = 5) -> Tensor:
    """About UVᵀ of a matrix UΣVᵀ, of any two sizes, in its own number format."""
    a, b, c = QUINTIC
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=TINY)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _product_type(parameter: Tensor) -> torch.dtype:
    """bfloat16 where it is multiplied in hardware; it is enough for these iterations."""
    if parameter.dtype != torch.float32:
        return parameter.dtype
    device = parameter.device.type
    quick = device == "cuda" or (device == "cpu" and torch.cpu._is_avx512_bf16_supported())
    return torch.bfloat16 if quick else torch.float32


@final
class Muon(Optimizer):
    """Groups name their rule: "muon" (weights of 2 dimensions and more), "adamw" or "sgd".

    momentum, nesterov  of muon's groups and sgd's
    steps               Newton-Schulz iterations
    adjust              what a matrix's step is multiplied by: sqrt(max(1, rows / columns)), or with
                        "match_rms_adamw" 0.2 sqrt(max(rows, columns)), which makes steps as large
                        as AdamW's (Liu et al. 2025)
    betas, eps          of adamw's groups

    Decay is decoupled in all of them.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        lr: float,
        momentum: float = 0.95,
        nesterov: bool = True,
        steps: int = 5,
        adjust: str = "original",
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(list(groups), {"lr": lr, "weight_decay": 0.0})
        self.momentum, self.nesterov, self.steps = momentum, nesterov, steps
        self.adjust, self.betas, self.eps = adjust, betas, eps

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if not moved:
                continue
            if group["rule"] == "muon":
                for parameter in moved:
                    self._turn(parameter, group["lr"], group["weight_decay"])
            elif group["rule"] == "sgd":
                self._sgd(moved, group["lr"], group["weight_decay"])
            else:
                self._adamw(moved, group["lr"], group["weight_decay"])

    def _kept(self, key: str, parameters: Sequence[Tensor], scalar: bool = False) -> list[Tensor]:
        """A tensor of state for each parameter, of zeros at first."""
        for parameter in parameters:
            if key not in self.state[parameter]:
                new = (
                    torch.zeros((), dtype=torch.float32) if scalar else torch.zeros_like(parameter)
                )
                self.state[parameter][key] = new
        return [self.state[parameter][key] for parameter in parameters]

    def _turn(self, parameter: Tensor, rate: float, decay: float) -> None:
        gradient = parameter.grad
        assert gradient is not None
        (average,) = self._kept("momentum_buffer", [parameter])
        average.lerp_(gradient, 1 - self.momentum)
        update = gradient.lerp(average, self.momentum) if self.nesterov else average
        matrix = update.reshape(len(update), -1).to(_product_type(parameter))
        rows, columns = matrix.shape
        size = math.sqrt(max(1.0, rows / columns))
        if self.adjust == "match_rms_adamw":
            size = 0.2 * math.sqrt(max(rows, columns))
        direction = orthogonalized(matrix, self.steps).reshape(parameter.shape)
        parameter.mul_(1 - rate * decay)
        parameter.add_(direction, alpha=-rate * size)

    def _sgd(self, parameters: list[Tensor], rate: float, decay: float) -> None:
        torch._foreach_mul_(parameters, 1 - rate * decay)
        momenta: list[Tensor | None] = [self.state[p].get("momentum_buffer") for p in parameters]
        sgd(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            momenta,
            foreach=True,
            weight_decay=0.0,
            momentum=self.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self.nesterov,
            maximize=False,
        )
        for parameter, momentum in zip(parameters, momenta, strict=True):
            if momentum is not None:
                self.state[parameter]["momentum_buffer"] = momentum

    def _adamw(self, parameters: list[Tensor], rate: float, decay: float) -> None:
        beta1, beta2 = self.betas
        adamw(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            self._kept("exp_avg", parameters),
            self._kept("exp_avg_sq", parameters),
            [],
            self._kept("step", parameters, scalar=True),
            foreach=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=rate,
            weight_decay=decay,
            eps=self.eps,
            maximize=False,
        )
