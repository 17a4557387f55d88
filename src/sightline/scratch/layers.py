"""Layers of a network, each with its way forward and its way back.

Course notes 1-2 and 3.4, 3.15, 3.16. The course writes examples as columns; here they are rows:
Z = A W + b, W (n_in, n_out), A (m, n_in). `forward(A, training)` keeps what `backward` needs;
`backward(dA)` takes the loss's slope by the output and gives that by the input, filling
`gradients` under the names of `parameters`. Slopes are of the mean loss: the 1/m is in the loss.
"""

from typing import Protocol

import numpy as np

from sightline.scratch.activations import ACTIVATIONS

Arrays = dict[str, np.ndarray]


class Layer(Protocol):
    """Something with parameters, their gradients, and averages that are kept but not learned."""

    parameters: Arrays
    gradients: Arrays
    averages: Arrays

    def forward(self, A: np.ndarray, training: bool) -> np.ndarray:
        """(m, n_in) to (m, n_out)."""

    def backward(self, dA: np.ndarray) -> np.ndarray:
        """(m, n_out) to (m, n_in)."""


class Dense:
    """Z = A W + b;  dW = A^T dZ,  db = sum dZ,  dA = dZ W^T. No b before batch norm: it would be
    taken off again with the mean."""

    def __init__(self, W: np.ndarray, bias: bool = True) -> None:
        self.parameters: Arrays = {"W": W}
        if bias:
            self.parameters["b"] = np.zeros(W.shape[1])
        self.gradients: Arrays = {}
        self.averages: Arrays = {}

    def forward(self, A: np.ndarray, training: bool) -> np.ndarray:  # noqa: ARG002
        """(m, n_in) to (m, n_out)."""
        self.input = A
        Z = A @ self.parameters["W"]
        return Z + self.parameters["b"] if "b" in self.parameters else Z

    def backward(self, dA: np.ndarray) -> np.ndarray:
        """(m, n_out) to (m, n_in)."""
        self.gradients["W"] = self.input.T @ dA
        if "b" in self.parameters:
            self.gradients["b"] = dA.sum(axis=0)
        return dA @ self.parameters["W"].T


class Activate:
    """A = g(Z);  dZ = dA g'(Z)."""

    def __init__(self, name: str) -> None:
        self.activation = ACTIVATIONS[name]
        self.parameters: Arrays = {}
        self.gradients: Arrays = {}
        self.averages: Arrays = {}

    def forward(self, A: np.ndarray, training: bool) -> np.ndarray:  # noqa: ARG002
        """Elementwise; the shape stays."""
        self.input = A
        return self.activation.function(A)

    def backward(self, dA: np.ndarray) -> np.ndarray:
        """Elementwise; the shape stays."""
        return dA * self.activation.derivative(self.input)


class BatchNorm:
    """z = (Z - mean) / sqrt(variance + e) over the batch, then gamma z + beta (Ioffe and Szegedy,
    2015). Training moves the averages by `momentum` towards the batch's; otherwise they are used.

    The variance is the batch's own (over m); the running one is kept over m - 1, as torch does.
    """

    def __init__(self, units: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        self.momentum, self.epsilon = momentum, epsilon
        self.parameters: Arrays = {"gamma": np.ones(units), "beta": np.zeros(units)}
        self.gradients: Arrays = {}
        self.averages: Arrays = {"mean": np.zeros(units), "variance": np.ones(units)}

    def forward(self, A: np.ndarray, training: bool) -> np.ndarray:
        """The shape stays; ValueError for a training batch of one row, which has no spread."""
        mean, variance = self.averages["mean"], self.averages["variance"]
        if training:
            m = len(A)
            if m < 2:
                raise ValueError("a batch of 1 row has no variance; expected 2 rows or more")
            mean, variance = A.mean(axis=0), A.var(axis=0)
            keep = 1 - self.momentum
            self.averages = {
                "mean": keep * self.averages["mean"] + self.momentum * mean,
                "variance": keep * self.averages["variance"]
                + self.momentum * variance * m / (m - 1),
            }
        self.deviation = np.sqrt(variance + self.epsilon)
        self.normalized = (A - mean) / self.deviation
        self.of_batch = training
        return self.parameters["gamma"] * self.normalized + self.parameters["beta"]

    def backward(self, dA: np.ndarray) -> np.ndarray:
        """Mean and variance move with every row, so each row's slope loses what they take."""
        z = self.normalized
        self.gradients = {"gamma": (dA * z).sum(axis=0), "beta": dA.sum(axis=0)}
        dz = dA * self.parameters["gamma"]
        if self.of_batch:
            dz = dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)
        return dz / self.deviation


class Dropout:
    """Inverted dropout: each value is kept with probability `keep` and divided by it; the same mask
    and scale on the way back; nothing happens outside training (Srivastava et al., 2014)."""

    def __init__(self, keep: float, rng: np.random.Generator) -> None:
        if not 0 < keep <= 1:
            raise ValueError(f"keep is {keep}; expected above 0 and up to 1")
        self.keep, self.rng = keep, rng
        self.parameters: Arrays = {}
        self.gradients: Arrays = {}
        self.averages: Arrays = {}

    def forward(self, A: np.ndarray, training: bool) -> np.ndarray:
        """The shape stays; the expected value too."""
        self.mask = np.ones_like(A)
        if training:
            self.mask = (self.rng.random(A.shape) < self.keep) / self.keep
        return A * self.mask

    def backward(self, dA: np.ndarray) -> np.ndarray:
        """The shape stays."""
        return dA * self.mask
