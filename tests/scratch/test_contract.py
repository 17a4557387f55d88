"""What every learner promises, over the table LEARNERS: a new one is tested once it is listed."""

import inspect

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sightline.scratch import LEARNERS

QUICK = {"convnet": {"epochs": 1, "filters": (2,), "hidden": 8}}  # where the defaults take long


def learner(name: str):
    return LEARNERS[name](**QUICK.get(name, {}))


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X[:120] / 16, y[:120]


every = pytest.mark.parametrize("name", LEARNERS)


def test_the_table_is_sorted() -> None:
    assert list(LEARNERS) == sorted(LEARNERS)


@every
def test_the_constructor_stores_its_settings_and_nothing_else(name: str) -> None:
    made = LEARNERS[name]()
    settings = inspect.signature(LEARNERS[name]).parameters
    assert vars(made) == {key: setting.default for key, setting in settings.items()}


@every
def test_fit_returns_the_learner_and_learns_names_with_an_underscore(name: str) -> None:
    made = learner(name)
    before = dict(vars(made))
    assert made.fit(*digits()) is made
    assert {key: vars(made)[key] for key in before} == before
    learned = set(vars(made)) - set(before)
    assert any(key.endswith("_") for key in learned)
    assert all(key.endswith("_") or key.startswith("_") for key in learned)


@every
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_predictions_are_labels_and_the_score_their_accuracy(name: str, dtype: str) -> None:
    X, y = digits()
    X = (X * 16).astype(dtype)
    made = learner(name).fit(X, y)
    found = made.predict(X)
    assert found.shape == y.shape and np.issubdtype(found.dtype, np.integer)
    assert made.score(X, y) == np.mean(found == y)


@every
def test_probabilities_are_a_row_for_each_example_and_add_up_to_one(name: str) -> None:
    made = learner(name)
    if not hasattr(made, "predict_proba"):
        pytest.skip("gives no probabilities")
    X, y = digits()
    shares = made.fit(X, y).predict_proba(X)
    assert shares.shape == (len(X), 10) and (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


@every
def test_the_same_seed_gives_the_same_bits_also_when_fitted_again(name: str) -> None:
    first, second = learner(name).fit(*digits()), learner(name).fit(*digits())
    for other in (second, second.fit(*digits())):
        for key, values in first.state().items():
            np.testing.assert_array_equal(values, other.state()[key], strict=True)


@every
def test_a_state_is_arrays_and_predicts_the_same_when_loaded(name: str) -> None:
    X, y = digits()
    made = learner(name).fit(X, y)
    state = {key: values.copy() for key, values in made.state().items()}
    assert all(isinstance(values, np.ndarray) for values in state.values())
    loaded = learner(name)
    loaded.load_state(state)
    np.testing.assert_array_equal(loaded.predict(X), made.predict(X))


@every
def test_fitting_leaves_the_data_alone(name: str) -> None:
    X, y = digits()
    kept = X.copy(), y.copy()
    learner(name).fit(X, y).predict(X)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(y, kept[1])


@every
def test_wrong_shapes_are_said_with_expected_and_actual(name: str) -> None:
    X, y = digits()
    with pytest.raises(ValueError, match=r"expected.*120"):
        learner(name).fit(X, y[:-1])
    with pytest.raises(ValueError, match=r"expected.*\(120, 8, 8\)"):
        learner(name).fit(X.reshape(-1, 8, 8), y)
    with pytest.raises(ValueError, match=r"expected.*64.*got \(120, 63\)"):
        learner(name).fit(X, y).predict(X[:, 1:])
