"""Classifiers fitted by scikit-learn and used in NumPy."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC

from sightline.learners.classifiers import CLASSIFIERS, GRID, Logistic, SupportVectors

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)[:400]
Y = Y[:400]


@pytest.mark.parametrize("classes", [2, 10])
def test_logistic_regression_gives_scikit_learns_probabilities(classes: int) -> None:
    kept = classes > Y
    ours = Logistic(C=1.0).fit(X[kept], Y[kept])
    theirs = LogisticRegression(C=1.0, max_iter=300).fit(X[kept], Y[kept])
    assert np.allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    assert ours.score(X, Y) == np.mean(ours.predict(X) == Y)


@pytest.mark.parametrize("classes", [2, 10])
def test_the_machine_gives_scikit_learns_answers(classes: int) -> None:
    kept = classes > Y
    ours = SupportVectors(C=1.0).fit(X[kept], Y[kept])
    theirs = LinearSVC(C=1.0, max_iter=2000, random_state=0).fit(X[kept].astype(float), Y[kept])
    assert np.array_equal(ours.predict(X), theirs.predict(X.astype(float)))
    assert np.allclose(ours.predict_proba(X).sum(1), 1)


def test_c_is_chosen_by_cross_validation() -> None:
    cut = StratifiedKFold(3, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=300, random_state=0)
    search = GridSearchCV(model, {"C": list(GRID)}, cv=cut).fit(X, Y)
    assert search.best_params_["C"] == Logistic().fit(X, Y).scores_.C


def test_classes_that_were_never_seen_get_no_share() -> None:
    kept = (Y == 1) | (Y == 4)
    shares = Logistic(C=1.0).fit(X[kept], Y[kept]).predict_proba(X)
    assert shares.shape == (400, 5)
    assert shares[:, [0, 2, 3]].max() == 0


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_wrong_settings_and_data_are_value_errors(name: str) -> None:
    kind = CLASSIFIERS[name]
    with pytest.raises(ValueError, match="C: expected"):
        kind(C=-1.0).fit(X, Y)
    with pytest.raises(ValueError, match="one class"):
        kind(C=1.0).fit(X, Y * 0)
    with pytest.raises(ValueError, match="too few to choose C"):
        kind().fit(X[:11], np.arange(11) % 10)
