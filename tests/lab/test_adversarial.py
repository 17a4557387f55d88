"""The worst step against finite differences and against steps by chance."""

import numpy as np

from sightline.lab.adversarial import moved, reach, trained, worst
from sightline.lab.material import digits
from sightline.scratch.losses import cross_entropy
from sightline.scratch.regression import SoftmaxRegression


def loss(model: SoftmaxRegression, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return cross_entropy(X @ model.weights_ + model.bias_, y)


def test_training_without_an_enemy_is_softmax_regressions_own() -> None:
    X, y, _, _ = digits(100, 0)
    own = SoftmaxRegression(rate=0.2, momentum=0.9, epochs=20).fit(X, y)
    np.testing.assert_allclose(trained(X, y, 0, 20).weights_, own.weights_, atol=1e-12)


def test_the_step_has_the_sign_of_the_losses_slope() -> None:
    X, y, _, _ = digits(20, 0)
    model = trained(X, y, 0, 20)
    X = np.full_like(X, 0.5)  # away from black and white, where a step ends
    step = worst(model, X, y, 0.01) - X
    for pixel in (9, 28, 60):
        h = np.zeros(64)
        h[pixel] = 1e-5
        slope = loss(model, X + h, y) - loss(model, X - h, y)
        np.testing.assert_allclose(step[:, pixel], 0.01 * np.sign(slope), atol=1e-9)


def test_no_step_by_chance_is_worse_and_none_leaves_black_to_white() -> None:
    X, y, X_test, y_test = digits(500, 0)
    model, rng = trained(X, y, 0, 50), np.random.default_rng(0)
    bad = worst(model, X_test, y_test, 0.1)
    assert bad.min() >= 0 and bad.max() <= 1 and np.abs(bad - X_test).max() <= 0.1 + 1e-12
    for _ in range(5):
        chance = moved(X_test, 0.1 * rng.choice([-1.0, 1.0], X_test.shape))
        assert (loss(model, bad, y_test) >= loss(model, chance, y_test) - 1e-9).mean() > 0.99


def test_the_reach_of_a_step_is_the_norm_of_the_weights_difference() -> None:
    model = SoftmaxRegression()
    weights = np.zeros((2, 10))
    weights[:, 0] = 3, -4
    model.load_state({"weights": weights, "bias": np.zeros(10)})
    assert reach(model) == 9 * 7 / 45 and reach(model, 2) == 9 * 5 / 45
