"""Initializers: where weights start.

Starter book, 10.1.6 to 10.1.12; course notes 3.6. Every initializer draws a (fan_in, fan_out)
matrix from a generator. A uniform draw within +-limit has variance limit^2 / 3, so the uniform and
the normal form of a scheme have the same variance.

    constant   all alike: units stay alike for ever, nothing is learned apart
    uniform    U(low, high)                  (high - low)^2 / 12
    normal     N(0, sigma)                   sigma^2
    LeCun      1 / fan_in                    limit sqrt(3 / fan_in)
    Glorot     2 / (fan_in + fan_out)        limit sqrt(6 / (fan_in + fan_out)); also called Xavier
    He         2 / fan_in                    limit sqrt(6 / fan_in); for ReLU and its kin

Programs differ under one name: Caffe's Xavier looks at fan_in alone (LeCun's, above), the course's
Xavier too; Keras cuts LeCun's normal at two sigma; torch's Linear draws U(+-1 / sqrt(fan_in)).
"""

from collections.abc import Callable

import numpy as np


def constant(fan_in: int, fan_out: int, value: float = 0.0) -> np.ndarray:
    """Every weight the same."""
    return np.full((fan_in, fan_out), value, dtype=np.float64)


def uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, low: float = -0.05, high: float = 0.05
) -> np.ndarray:
    """U(low, high)."""
    return rng.uniform(low, high, (fan_in, fan_out))


def normal(fan_in: int, fan_out: int, rng: np.random.Generator, sigma: float = 0.05) -> np.ndarray:
    """N(0, sigma); the book's text says 0.05, its line of code 0.5."""
    return rng.normal(0.0, sigma, (fan_in, fan_out))


def _within(fan_in: int, fan_out: int, variance: float, rng: np.random.Generator) -> np.ndarray:
    limit = np.sqrt(3 * variance)
    return rng.uniform(-limit, limit, (fan_in, fan_out))


def _around(fan_in: int, fan_out: int, variance: float, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0.0, np.sqrt(variance), (fan_in, fan_out))


def lecun_uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Variance 1 / fan_in (LeCun et al., 1998)."""
    return _within(fan_in, fan_out, 1 / fan_in, rng)


def lecun_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Variance 1 / fan_in (LeCun et al., 1998)."""
    return _around(fan_in, fan_out, 1 / fan_in, rng)


def glorot_uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    return _within(fan_in, fan_out, 2 / (fan_in + fan_out), rng)


def glorot_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    return _around(fan_in, fan_out, 2 / (fan_in + fan_out), rng)


def he_uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Variance 2 / fan_in (He et al., 2015)."""
    return _within(fan_in, fan_out, 2 / fan_in, rng)


def he_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Variance 2 / fan_in (He et al., 2015)."""
    return _around(fan_in, fan_out, 2 / fan_in, rng)


def zeros(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """All zeros, to see a network that cannot break its symmetry."""
    return constant(fan_in, fan_out)


Initializer = Callable[[int, int, np.random.Generator], np.ndarray]

INITIALIZERS: dict[str, Initializer] = {
    "glorot-normal": glorot_normal,
    "glorot-uniform": glorot_uniform,
    "he-normal": he_normal,
    "he-uniform": he_uniform,
    "lecun-normal": lecun_normal,
    "lecun-uniform": lecun_uniform,
    "normal": normal,
    "uniform": uniform,
    "zeros": zeros,
}
