"""Adversarial examples: inputs moved a little, each value the way that raises the loss.

FGSM: Goodfellow, Shlens and Szegedy 2015. PGD and training on its examples: Madry et al. 2018. One
step from a random start, as in training here: Wong, Rice and Kolter 2020.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.errors import RecipeError

LEVELS = 255.0  # grey levels from 0 to 1, whatever range the set's own pixels have
Loss = Callable[[Tensor], Tensor]  # of each input, or their sum


@dataclass(frozen=True)
class Attack:
    """How far and in how many steps inputs are moved.

    eps    the most that any value moves, in grey levels of 255
    steps  1 is FGSM, more are PGD
    start  begin anywhere within eps, by torch's generator, in place of at the input itself
    stride of one step, as eps; by default all of it for one step (1.25 times, from a random
           start), 2.5 eps / steps for more
    """

    eps: float
    steps: int = 1
    start: bool = False
    stride: float | None = None

    @property
    def step(self) -> float:
        """Of one step, in [0, 1]."""
        if self.stride is not None:
            return self.stride / LEVELS
        share = (1.25 if self.start else 1.0) if self.steps == 1 else 2.5 / self.steps
        return self.eps * share / LEVELS

    def examples(self, loss: Loss, inputs: Tensor) -> Tensor:
        """Inputs (n, ...) of [0, 1] moved to raise the loss: within eps of them, in [0, 1].

        Of `loss` the sign of its slope alone is used.
        """
        far = self.eps / LEVELS
        low, high = (inputs - far).clamp_min(0), (inputs + far).clamp_max(1)
        x = inputs.detach().clone()
        if self.start:
            x = torch.clamp(x + torch.empty_like(x).uniform_(-far, far), low, high)
        for _ in range(self.steps):
            x.requires_grad_(True)
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(loss(x).sum(), x)
            x = torch.clamp(x.detach() + self.step * slope.sign(), low, high)
        return x


@dataclass(frozen=True)
class Against:
    """What a recipe's `train.adversarial` says: eps, above 0 and at most 255, and 1 to 100 steps of
    an `Attack`."""

    eps: float
    steps: int = 1

    def __post_init__(self) -> None:
        if not (0 < self.eps <= 255 and 1 <= self.steps <= 100):
            raise RecipeError(
                f"train.adversarial: eps {self.eps:g}, steps {self.steps}; expected eps above 0 "
                "and at most 255 grey levels, and 1 to 100 steps"
            )


def attack_for(task: str, against: Against | None) -> Attack | None:
    """The attack that a recipe trains against, from a random start.

    Raises RecipeError for another task than classification.
    """
    if against is None:
        return None
    if task != "classification":
        raise RecipeError(f"train.adversarial is for classification, not {task}")
    return Attack(against.eps, against.steps, start=True)
