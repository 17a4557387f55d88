"""Weights of a mean of models: those that SciPy finds, on the simplex, none for the useless."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from sightline.metrics.mixture import mixture_weights


def loss(of_truth: np.ndarray, weights: np.ndarray) -> float:
    return float(-np.log(of_truth @ weights).mean())


def by_scipy(of_truth: np.ndarray) -> np.ndarray:
    members = of_truth.shape[1]
    found = minimize(
        lambda w: loss(of_truth, w),
        np.full(members, 1 / members),
        jac=lambda w: -(of_truth / (of_truth @ w)[:, None]).mean(0),
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    return np.asarray(found.x)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), members=st.integers(2, 6), images=st.integers(5, 80))
def test_the_weights_are_as_good_as_scipys_and_on_the_simplex(
    seed: int, members: int, images: int
) -> None:
    of_truth = np.random.default_rng(seed).beta(2, 1, (images, members)).clip(0.01, 1)
    weights = mixture_weights(of_truth)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    assert loss(of_truth, weights) <= loss(of_truth, by_scipy(of_truth)) + 1e-5


def test_the_weights_themselves_are_scipys() -> None:
    rng = np.random.default_rng(1)
    right = rng.random((2000, 3)) < [0.9, 0.8, 0.6]
    of_truth = np.where(right, 0.9, 0.1)
    assert mixture_weights(of_truth) == pytest.approx(by_scipy(of_truth), abs=2e-3)


def test_a_model_that_is_always_worse_counts_nothing() -> None:
    of_truth = np.array([[0.9, 0.8], [0.7, 0.2], [0.6, 0.5]])
    assert mixture_weights(of_truth).tolist() == [1.0, 0.0]
    assert mixture_weights(np.zeros((4, 2))).tolist() == [0.5, 0.5]
