"""What every learner promises, tried on each of them."""

import inspect
from typing import Any

import numpy as np
import pytest

from sightline.scratch import LEARNERS

QUICK: dict[str, dict[str, Any]] = {  # settings that make a slow learner quick
    "convnet": {"filters": (4,), "hidden": 16, "epochs": 20},
    "neural-network": {"hidden": (4,), "epochs": 20},
}
PICTURES = {"convnet"}  # rows are square pictures: here 4x4, two halves of one value each
BINARY = {"descent", "logistic-regression", "perceptron"}  # labels 0 and 1 alone


def clouds(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Forty points a class about far corners of a square, in a mixed order."""
    rng = np.random.default_rng(5)
    y = rng.permutation(np.repeat(np.arange(classes), 40))
    corners = np.array([[-2.0, -2.0], [2.0, 2.0], [-2.0, 2.0]])
    return corners[y] + rng.normal(0, 0.4, (len(y), 2)), y


def points(name: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = clouds(2 if name in BINARY else 3)
    return (np.repeat(X, 8, axis=1) if name in PICTURES else X), y


def learner_of(name: str) -> Any:
    return LEARNERS[name](**QUICK.get(name, {}))


def test_learners_are_listed_in_order() -> None:
    assert list(LEARNERS) == sorted(LEARNERS)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_constructor_stores_its_settings_and_nothing_else(name: str) -> None:
    learner = learner_of(name)
    assert vars(learner).keys() == inspect.signature(LEARNERS[name]).parameters.keys()


@pytest.mark.parametrize("name", LEARNERS)
def test_fit_returns_the_learner_learns_and_names_it_with_an_underscore(name: str) -> None:
    X, y = points(name)
    learner = learner_of(name)
    before = dict(vars(learner))
    assert learner.fit(X, y) is learner
    learned = vars(learner).keys() - before.keys()
    assert learned and all(word.endswith("_") for word in learned)
    assert {word: getattr(learner, word) for word in before} == before
    assert learner.score(X, y) > 0.95
    assert learner.score(X, y) == np.mean(learner.predict(X) == y)


@pytest.mark.parametrize("name", LEARNERS)
def test_predictions_are_whole_numbers_one_a_row_and_probabilities_add_up(name: str) -> None:
    X, y = points(name)
    learner = learner_of(name).fit(X, y)
    labels = learner.predict(X[:7])
    assert labels.shape == (7,) and labels.dtype.kind == "i"
    if hasattr(learner, "predict_proba"):
        chances = learner.predict_proba(X[:7])
        assert chances.shape == (7, y.max() + 1)
        np.testing.assert_allclose(chances.sum(axis=1), 1)
        assert (chances.argmax(axis=1) == labels).all()


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_seed_gives_the_same_bits_and_the_data_are_left_alone(name: str) -> None:
    X, y = points(name)
    kept = X.copy(), y.copy()
    first, second = (learner_of(name).fit(X, y).state() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert np.array_equal(X, kept[0]) and np.array_equal(y, kept[1])


@pytest.mark.parametrize("name", LEARNERS)
def test_a_loaded_state_predicts_the_same(name: str) -> None:
    X, y = points(name)
    learner, other = learner_of(name).fit(X, y), learner_of(name)
    state = learner.state()
    assert all(isinstance(array, np.ndarray) for array in state.values())
    other.load_state(state)
    assert np.array_equal(other.predict(X), learner.predict(X))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_state_is_a_copy(name: str) -> None:
    X, y = points(name)
    learner = learner_of(name).fit(X, y)
    before = learner.predict(X)
    for array in learner.state().values():
        array.fill(0)
    assert np.array_equal(learner.predict(X), before)


@pytest.mark.parametrize("name", LEARNERS)
def test_bytes_are_converted_once_and_do_not_wrap(name: str) -> None:
    X, y = points(name)
    small = ((X - X.min()) * 3).astype(np.uint8)
    learner = learner_of(name).fit(small, y)
    assert np.array_equal(learner.predict(small), learner.predict(small.astype(np.float64)))


@pytest.mark.parametrize("name", LEARNERS)
def test_wrong_shapes_are_refused_with_both_shapes(name: str) -> None:
    X, y = points(name)
    n, features = X.shape
    wrong = np.zeros((1, features + 1))
    tries = [
        (lambda: learner_of(name).fit(X[:, 0], y), f"({n},)", "(n, features)"),
        (lambda: learner_of(name).fit(X, y[:, None]), f"({n}, 1)", f"({n},)"),
        (lambda: learner_of(name).fit(X, y).predict(wrong), f"{wrong.shape}", f"(n, {features})"),
    ]
    for attempt, actual, wanted in tries:
        with pytest.raises(ValueError, match="expected") as caught:
            attempt()
        assert actual in str(caught.value) and wanted in str(caught.value)
