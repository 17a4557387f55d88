import numpy as np
import pytest
from sklearn.linear_model import Perceptron as Reference

from sightline.scratch.perceptron import BITS, BITWISE, Perceptron, with_ones


@pytest.mark.parametrize("gate", ["and", "or"])
@pytest.mark.parametrize("seed", range(5))
def test_and_and_or_are_learned(gate: str, seed: int) -> None:
    learner = Perceptron(seed=seed, epochs=100).fit(BITS, BITWISE[gate])
    assert learner.predict(BITS).tolist() == BITWISE[gate].tolist()
    assert learner.separable_


@pytest.mark.parametrize("seed", range(5))
def test_xor_is_never_learned(seed: int) -> None:
    learner = Perceptron(seed=seed, epochs=200).fit(BITS, BITWISE["xor"])
    assert learner.score(BITS, BITWISE["xor"]) < 1
    assert not learner.separable_
    assert len(learner.mistakes_) == 200


def test_mistakes_that_stay_the_same_end_the_training_when_asked() -> None:
    learner = Perceptron(patience=5, epochs=500).fit(BITS, BITWISE["xor"])
    assert len(learner.mistakes_) < 500
    assert len(set(learner.mistakes_[-6:])) == 1


def test_one_epoch_by_hand() -> None:
    learner = Perceptron(alpha=0.5)
    learner.weights_ = np.array([0.0, 0.0, 0.0])
    # 00 right; 01 -> +.5(0,1,1); 10: net .5 right; 11: right
    assert learner.fit_epoch(with_ones(BITS), BITWISE["or"]) == 1
    assert learner.weights_.tolist() == [0.0, 0.5, 0.5]


def test_from_zero_weights_it_walks_as_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X @ [1.0, -2.0, 0.5, 0.3] + 0.2 > 0).astype(int)
    reference = Reference(shuffle=False, tol=None, max_iter=7).fit(X, y)
    learner = Perceptron(alpha=1.0)
    learner.weights_ = np.zeros(5)
    for _ in range(7):
        learner.fit_epoch(with_ones(X), y)
    np.testing.assert_allclose(learner.weights_[:4], reference.coef_[0])
    assert learner.weights_[4] == pytest.approx(reference.intercept_[0])


def test_the_line_runs_where_the_net_input_is_0() -> None:
    learner = Perceptron().fit(BITS, BITWISE["and"])
    a, b, c = learner.line()
    assert ((BITS @ [a, b] + c) > 0).astype(int).tolist() == [0, 0, 0, 1]


def test_labels_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(ValueError, match="y goes up to 2; expected the two classes 0 and 1"):
        Perceptron().fit(BITS, np.array([0, 1, 2, 0]))
