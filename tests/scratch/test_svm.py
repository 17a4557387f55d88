import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.svm import SVC, LinearSVC

from sightline.scratch.losses import LOSSES
from sightline.scratch.svm import LinearSVM

STRENGTH = 0.02


def noisy(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes, so that the best weights are finite."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 200)
    return rng.normal(size=(200, 4)) + np.eye(4)[y] * 1.5, y


def binary_total(w: np.ndarray, b: float, power: int) -> float:
    """Mean hinge of two classes and STRENGTH |w|^2 / 2."""
    X, y = noisy(2)
    missing = np.maximum(0, 1 - (2 * y - 1) * (X @ w + b))
    return float((missing**power).mean() + STRENGTH * (w @ w) / 2)


def test_hinge_of_two_classes_costs_as_little_as_scikit_learns_machine() -> None:
    X, y = noisy(2)
    theirs = SVC(kernel="linear", C=1 / (STRENGTH * len(X)), tol=1e-8).fit(X, y)
    least = binary_total(theirs.coef_[0], theirs.intercept_[0], 1)
    ours = LinearSVM("hinge", "l2", STRENGTH, rate=0.005, epochs=300).fit(X, y)
    w, b = ours.weights_[:, 1] - ours.weights_[:, 0], ours.bias_[1] - ours.bias_[0]
    assert ours.objective(X, y) == pytest.approx(binary_total(w, b, 1))
    assert least <= ours.objective(X, y) < 1.005 * least
    assert np.mean(ours.predict(X) == theirs.predict(X)) > 0.98


def test_squared_hinge_of_two_classes_is_scikit_learns_linear_svc() -> None:
    X, y = noisy(2)
    C = 1 / (2 * (STRENGTH / 2) * len(X))
    # A large constant feature makes the penalty on its bias vanish.
    theirs = LinearSVC(C=C, dual=False, intercept_scaling=1000, tol=1e-10).fit(X, y)
    ours = LinearSVM("squared-hinge", "l2", STRENGTH, 0.1, 1500, batch_size=None).fit(X, y)
    np.testing.assert_allclose(
        ours.weights_[:, 1] - ours.weights_[:, 0], theirs.coef_[0], atol=1e-4
    )
    assert ours.objective(X, y) == pytest.approx(
        binary_total(theirs.coef_[0], theirs.intercept_[0], 2), rel=1e-6
    )


def test_squared_hinge_of_three_classes_reaches_the_least_cost() -> None:
    X, y = noisy(3)

    def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = flat[:12].reshape(4, 3), flat[12:]
        loss, gradient = LOSSES["squared-hinge"]
        slope = gradient(X @ W + b, y)
        total = float(loss(X @ W + b, y).mean() + STRENGTH * (W**2).sum())
        both = [(X.T @ slope + 2 * STRENGTH * W).ravel(), slope.sum(0)]
        return total, np.concatenate(both)

    least = minimize(cost, np.zeros(15), jac=True, tol=1e-12).fun
    ours = LinearSVM("squared-hinge", "l2", STRENGTH, 0.1, 500, batch_size=None).fit(X, y)
    assert ours.objective(X, y) == pytest.approx(least, rel=1e-6)


def test_l1_sets_weights_of_features_that_say_nothing_to_0() -> None:
    X, y = noisy(2)  # the last two features say nothing
    ours = LinearSVM("squared-hinge", "l1", 0.3, 0.05, 500, batch_size=None).fit(X, y)
    assert (ours.weights_[2:] == 0).all() and (ours.weights_[:2] != 0).all()


def test_an_unknown_loss_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown loss 'log'; there are hinge, squared-hinge"):
        LinearSVM("log").fit(*noisy(2))
