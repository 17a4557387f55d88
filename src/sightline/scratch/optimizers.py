"""Optimizers: how a gradient becomes a step.

Starter book, chapter 9 (9.5 and 9.12); practitioner's chapter on optimizers; course notes 3.10 to
3.12. Every optimizer has `step(parameters, gradients)`, which changes the arrays of `parameters`
in place; both are dicts with the same names and shapes. What it remembers (velocities, averages of
squares) it holds by name, begun at zero. W weights, g gradient, a the rate, e a small number:

    SGD        W -= a g
    momentum   V = m V - a g;  W += V                           0.9 as a rule
    Nesterov   V = m V - a g;  W += m V - a g                   looks ahead along V
    Adagrad    c += g^2;  W -= a g / (sqrt(c) + e)              c only grows: steps vanish
    Adadelta   c = r c + (1-r) g^2;  d = g sqrt(u + e) / sqrt(c + e)
               u = r u + (1-r) d^2;  W -= a d                   u: how far it went lately
    RMSprop    c = r c + (1-r) g^2;  W -= a g / (sqrt(c) + e)
    Adam       m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2
               W -= a (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + e)
    Nadam      Adam, with m looking one step ahead as Nesterov's V does

V holds the rate, as in the book and Keras; torch keeps it outside, the same while the rate stays.
`rate` may be set between steps; an array, that fits the weights, gives each its own.
"""

from typing import Protocol

import numpy as np

Arrays = dict[str, np.ndarray]
Rate = float | np.ndarray


class Optimizer(Protocol):
    """Something with a rate that steps."""

    rate: Rate

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """Change the parameters in place."""


def remembered(memory: Arrays, name: str, like: np.ndarray) -> np.ndarray:
    """The array kept under this name, zeros the first time."""
    return memory.setdefault(name, np.zeros_like(like))


def decayed(memory: Arrays, name: str, value: np.ndarray, beta: float) -> np.ndarray:
    """Exponentially weighted average under this name, moved in place towards value."""
    average = remembered(memory, name, value)
    average *= beta
    average += (1 - beta) * value
    return average


class SGD:
    """Plain, with momentum, or with Nesterov's momentum (9.5, 9.12; Nesterov, 1983)."""

    def __init__(self, rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.rate, self.momentum, self.nesterov = rate, momentum, nesterov
        self.velocity: Arrays = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """V = m V - a g; W += V, or m V - a g with Nesterov."""
        for name, g in gradients.items():
            W = parameters[name]
            pull = -self.rate * g
            V = remembered(self.velocity, name, W)
            V *= self.momentum
            V += pull
            W += self.momentum * V + pull if self.nesterov else V


class Adagrad:
    """Each weight's own rate, smaller the more it moved (Duchi et al., 2011)."""

    def __init__(self, rate: Rate = 0.01, epsilon: float = 1e-10) -> None:
        self.rate, self.epsilon = rate, epsilon
        self.squares: Arrays = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """The sum of squares only grows."""
        for name, g in gradients.items():
            W = parameters[name]
            c = remembered(self.squares, name, W)
            c += g**2
            W -= self.rate * g / (np.sqrt(c) + self.epsilon)


class Adadelta:
    """Adagrad over a limited number of past gradients (Zeiler, 2012)."""

    def __init__(self, rate: Rate = 1.0, rho: float = 0.9, epsilon: float = 1e-6) -> None:
        self.rate, self.rho, self.epsilon = rate, rho, epsilon
        self.squares: Arrays = {}
        self.moved: Arrays = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """Steps have the unit of the weights: the rate may stay 1."""
        for name, g in gradients.items():
            W = parameters[name]
            c = decayed(self.squares, name, g**2, self.rho)
            u = remembered(self.moved, name, W)
            d = g * np.sqrt(u + self.epsilon) / np.sqrt(c + self.epsilon)
            decayed(self.moved, name, d**2, self.rho)
            W -= self.rate * d


class RMSprop:
    """Gradients over the root of their mean square (Hinton's lecture 6; course notes 3.11)."""

    def __init__(self, rate: Rate = 0.001, rho: float = 0.99, epsilon: float = 1e-8) -> None:
        self.rate, self.rho, self.epsilon = rate, rho, epsilon
        self.squares: Arrays = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """As Adagrad, with an average in place of the sum."""
        for name, g in gradients.items():
            W = parameters[name]
            c = decayed(self.squares, name, g**2, self.rho)
            W -= self.rate * g / (np.sqrt(c) + self.epsilon)


class Adam:
    """Momentum and RMSprop with bias correction (Kingma and Ba, 2015; course notes 3.12)."""

    def __init__(
        self,
        rate: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.steps = 0
        self.means: Arrays = {}
        self.squares: Arrays = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """The first step is about `rate` long in every weight."""
        self.steps += 1
        t = self.steps
        for name, g in gradients.items():
            W = parameters[name]
            m = decayed(self.means, name, g, self.beta1)
            v = decayed(self.squares, name, g**2, self.beta2)
            root = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
            W -= self.rate * (m / (1 - self.beta1**t)) / root


class Nadam:
    """Adam with Nesterov's momentum (Dozat, 2016), its beta1 warming up over the first steps."""

    def __init__(
        self,
        rate: Rate = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        warmup: float = 0.004,
    ) -> None:
        self.rate, self.beta1, self.beta2 = rate, beta1, beta2
        self.epsilon, self.warmup = epsilon, warmup
        self.steps = 0
        self.product = 1.0  # of all momenta so far
        self.means: Arrays = {}
        self.squares: Arrays = {}

    def momentum(self, t: int) -> float:
        """beta1 (1 - 0.96^(warmup t) / 2): half of beta1 at first, beta1 in the end."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.warmup))

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """The gradient counts at this step's momentum, the mean at the next one's."""
        self.steps += 1
        now, following = self.momentum(self.steps), self.momentum(self.steps + 1)
        self.product *= now
        for name, g in gradients.items():
            W = parameters[name]
            m = decayed(self.means, name, g, self.beta1)
            v = decayed(self.squares, name, g**2, self.beta2)
            root = np.sqrt(v / (1 - self.beta2**self.steps)) + self.epsilon
            ahead = following / (1 - self.product * following) * m
            W -= self.rate * ((1 - now) / (1 - self.product) * g + ahead) / root


def optimizer_of(name: str, rate: Rate) -> Optimizer:
    """An optimizer by its name, at this rate, its other settings as published."""
    table: dict[str, type[SGD | Adagrad | Adadelta | RMSprop | Adam | Nadam]] = {
        "adadelta": Adadelta,
        "adagrad": Adagrad,
        "adam": Adam,
        "nadam": Nadam,
        "rmsprop": RMSprop,
        "sgd": SGD,
    }
    if name in ("momentum", "nesterov"):
        return SGD(rate, momentum=0.9, nesterov=name == "nesterov")
    if name not in table:
        known = ", ".join(sorted([*table, "momentum", "nesterov"]))
        raise ValueError(f"unknown optimizer '{name}'; there are {known}")
    return table[name](rate)
