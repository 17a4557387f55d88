import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from sightline.scratch.losses import cross_entropy
from sightline.scratch.penalties import PENALTIES
from sightline.scratch.regression import LogisticRegression, SoftmaxRegression


def noisy(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes, so that the best weights are finite."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 200)
    return rng.normal(size=(200, 4)) + np.eye(4)[y] * 1.5, y


@pytest.mark.parametrize(("penalty", "strength"), [("none", 0.0), ("l2", 0.02)])
def test_logistic_regression_is_scikit_learns(penalty: str, strength: float) -> None:
    X, y = noisy(2)
    ours = LogisticRegression(penalty, strength, rate=0.5, epochs=800).fit(X, y)
    C = 1 / (2 * strength * len(X)) if strength else np.inf  # it sums losses and halves squares
    theirs = Reference(C=C, tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.weights_, theirs.coef_[0], atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_softmax_regression_is_scikit_learns() -> None:
    X, y = noisy(3)
    ours = SoftmaxRegression("l2", 0.02, rate=0.5, epochs=800).fit(X, y)
    theirs = Reference(C=1 / (2 * 0.02 * len(X)), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.weights_.T, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_softmax_of_two_classes_is_logistic_regression() -> None:
    X, y = noisy(2)
    two = SoftmaxRegression(rate=0.5, epochs=800).fit(X, y)
    one = LogisticRegression(rate=0.5, epochs=800).fit(X, y)
    np.testing.assert_allclose(two.weights_[:, 1] - two.weights_[:, 0], one.weights_, atol=1e-5)


@pytest.mark.parametrize(("penalty", "ratio"), [("l1", 1.0), ("elastic-net", 0.5)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sparse_logistic_regression_is_scikit_learns(
    penalty: str, ratio: float, momentum: float
) -> None:
    X, y = noisy(2)
    ours = LogisticRegression(penalty, 0.05, rate=0.3, momentum=momentum, epochs=600).fit(X, y)
    C = ratio / (0.05 * len(X))  # elastic net: W^2 / 2 + |W|, halves of both in theirs
    theirs = Reference(C=C, l1_ratio=ratio, solver="saga", tol=1e-10, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(ours.weights_, theirs.coef_[0], atol=1e-5)
    assert ours.bias_ == pytest.approx(theirs.intercept_[0], abs=1e-5)
    assert np.array_equal(ours.weights_ == 0, theirs.coef_[0] == 0)
    assert (ours.weights_ == 0).any()


def test_sparse_softmax_regression_costs_as_little_as_scikit_learns() -> None:
    X, y = noisy(3)
    ours = SoftmaxRegression("l1", 0.03, rate=0.3, epochs=600).fit(X, y)
    C = 1 / (0.03 * len(X))
    theirs = Reference(C=C, l1_ratio=1, solver="saga", tol=1e-10, max_iter=5000).fit(X, y)

    def total(W: np.ndarray, b: np.ndarray) -> float:
        return float(cross_entropy(X @ W + b, y).mean() + 0.03 * np.abs(W).sum())

    least = total(theirs.coef_.T, theirs.intercept_)
    assert total(ours.weights_, ours.bias_) == pytest.approx(least, abs=1e-7)
    assert (ours.weights_ == 0).any()


@pytest.mark.parametrize("penalty", ["l1", "elastic-net"])
def test_a_penalty_lowers_its_own_total_and_pulls_useless_weights_to_0(penalty: str) -> None:
    X, y = noisy(2)  # the last two features say nothing
    plain = LogisticRegression(rate=0.02, epochs=2000).fit(X, y)
    held = LogisticRegression(penalty, 0.1, rate=0.02, momentum=0.0, epochs=2000).fit(X, y)

    def total(model: LogisticRegression) -> float:
        margin = np.column_stack([np.zeros(len(X)), X @ model.weights_ + model.bias_])
        return float(cross_entropy(margin, y).mean() + 0.1 * PENALTIES[penalty][0](model.weights_))

    assert total(held) < total(plain)
    assert np.abs(held.weights_[2:]).max() < 0.01
    assert np.abs(held.weights_[:2]).min() > 0.1


def test_mini_batches_come_near_the_full_solution() -> None:
    X, y = noisy(3)
    full = SoftmaxRegression("l2", 0.02, rate=0.5, epochs=500).fit(X, y)
    parts = SoftmaxRegression("l2", 0.02, 0.01, 0.9, 60, batch_size=16).fit(X, y)
    np.testing.assert_allclose(parts.weights_, full.weights_, atol=0.1)


def test_an_unknown_penalty_is_told_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match="unknown penalty 'l3'; there are elastic-net, l1, l2, none"
    ):
        LogisticRegression("l3").fit(*noisy(2))
