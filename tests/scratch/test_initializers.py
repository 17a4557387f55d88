import numpy as np
import pytest

from sightline.scratch.initializers import INITIALIZERS, constant, uniform

VARIANCES = {  # at fan_in 64, fan_out 32
    "glorot-normal": 2 / 96,
    "glorot-uniform": 2 / 96,
    "he-normal": 2 / 64,
    "he-uniform": 2 / 64,
    "lecun-normal": 1 / 64,
    "lecun-uniform": 1 / 64,
    "normal": 0.05**2,
    "uniform": 0.1**2 / 12,
    "zeros": 0.0,
}
LIMITS = {"lecun-uniform": 0.21651, "glorot-uniform": 0.25, "he-uniform": 0.30619, "uniform": 0.05}
SIGMAS = {"lecun-normal": 0.125, "glorot-normal": 0.14434, "he-normal": 0.17678}


def draws(name: str, times: int = 100) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([INITIALIZERS[name](64, 32, rng) for _ in range(times)])


def test_every_initializer_has_its_variance_written_here() -> None:
    assert VARIANCES.keys() == INITIALIZERS.keys()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_variances_are_the_books_and_means_are_0(name: str) -> None:
    values = draws(name)
    assert values.shape == (100, 64, 32)
    assert values.var() == pytest.approx(VARIANCES[name], rel=0.02)
    assert abs(values.mean()) <= 4 * np.sqrt(VARIANCES[name] / values.size)


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_uniform_draws_reach_their_limit_and_stay_within(name: str, limit: float) -> None:
    largest = np.abs(draws(name)).max()
    assert 0.999 * limit < largest <= limit + 5e-6


@pytest.mark.parametrize(("name", "sigma"), SIGMAS.items())
def test_normal_draws_have_the_books_sigma(name: str, sigma: float) -> None:
    assert draws(name).std() == pytest.approx(sigma, rel=0.01)


def test_constant_is_constant() -> None:
    assert (constant(64, 32, 1.0) == 1).all()
    assert constant(64, 32).var() == 0


def test_a_uniform_of_64_by_32_is_2048_values() -> None:
    assert uniform(64, 32, np.random.default_rng(0)).size == 2048
