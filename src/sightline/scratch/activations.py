"""Activation functions and their derivatives.

Starter book, 10.1.1 (figure 10.4; equations 10.1 to 10.3); course notes 1-2. Every function takes
the net input z of any shape and returns the same shape; every derivative is taken at z, not at the
activation. Where a derivative does not exist (ReLU and its kin at 0) the value to the left is
given, as torch does.

    step         1 if z > 0 else 0               derivative 0: nothing to learn from
    sigmoid      1 / (1 + e^-z)                  g (1 - g); point-symmetric about (0, 1/2)
    tanh         (e^z - e^-z) / (e^z + e^-z)     1 - g^2; zero-centered
    relu         max(0, z)                       1 if z > 0 else 0
    leaky relu   z if z > 0 else a z             1 or a; a PReLU learns a, one a unit
    elu          z if z > 0 else a (e^z - 1)     1 or a e^z
    softmax      e^z / sum e^z                   a matrix: diag(p) - p p^T
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def step(z: np.ndarray) -> np.ndarray:
    """1 above 0, else 0; 0 at 0."""
    return np.where(z > 0, 1.0, 0.0)


def step_derivative(z: np.ndarray) -> np.ndarray:
    """0 everywhere; at 0 there is none."""
    return np.zeros_like(z, dtype=np.float64)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-z), from e^-|z| so that it never overflows."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1 + small)


def sigmoid_derivative(z: np.ndarray) -> np.ndarray:
    """g (1 - g), at most 1/4."""
    g = sigmoid(z)
    return g * (1 - g)


def tanh(z: np.ndarray) -> np.ndarray:
    """From -1 to 1."""
    return np.tanh(z)


def tanh_derivative(z: np.ndarray) -> np.ndarray:
    """1 - g^2."""
    return 1 - np.tanh(z) ** 2


def relu(z: np.ndarray) -> np.ndarray:
    """max(0, z)."""
    return np.maximum(0.0, z)


def relu_derivative(z: np.ndarray) -> np.ndarray:
    """1 above 0, else 0."""
    return step(z)


def leaky_relu(z: np.ndarray, alpha: float | np.ndarray = 0.01) -> np.ndarray:
    """z above 0, else alpha z. An array alpha, one a unit, makes it PReLU."""
    return np.where(z > 0, z, alpha * z)


def leaky_relu_derivative(z: np.ndarray, alpha: float | np.ndarray = 0.01) -> np.ndarray:
    """1 above 0, else alpha."""
    return np.where(z > 0, 1.0, alpha)


def prelu_alpha_derivative(z: np.ndarray) -> np.ndarray:
    """Derivative of PReLU by its learned slope: 0 above 0, else z. (He et al., 2015)"""
    return np.minimum(0.0, z)


def elu(z: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """z above 0, else alpha (e^z - 1)."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_derivative(z: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """1 above 0, else alpha e^z."""
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def softmax(z: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_jacobian(z: np.ndarray) -> np.ndarray:
    """(k,) to (k, k): how output i moves with input j, diag(p) - p p^T."""
    p = softmax(z)
    return np.diag(p) - np.outer(p, p)


def identity(z: np.ndarray) -> np.ndarray:
    """z itself."""
    return z


def identity_derivative(z: np.ndarray) -> np.ndarray:
    """1 everywhere."""
    return np.ones_like(z, dtype=np.float64)


@dataclass(frozen=True)
class Activation:
    """A function of the net input and its derivative, both elementwise."""

    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


ACTIVATIONS: dict[str, Activation] = {
    "elu": Activation(elu, elu_derivative),
    "identity": Activation(identity, identity_derivative),
    "leaky-relu": Activation(leaky_relu, leaky_relu_derivative),
    "relu": Activation(relu, relu_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "step": Activation(step, step_derivative),
    "tanh": Activation(tanh, tanh_derivative),
}
