"""The regions and the accuracy of k nearest neighbors."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from sightline.errors import DataError
from sightline.lab.knn import TESTED, drawn, run, tied


@pytest.mark.parametrize(("metric", "theirs"), [("l2", "euclidean"), ("l1", "manhattan")])
def test_the_table_has_the_accuracies_of_scikit_learn(metric: str, theirs: str) -> None:
    rows = run(k=31, metric=metric, n=60, seed=4).tables[0].rows  # type: ignore[arg-type]
    X, y = drawn("moons", 60, 0.35, 4)
    tests = drawn("moons", TESTED, 0.35, 5)
    odd = [row for row in rows if row[0] % 2]  # two classes: no vote is tied
    assert {1, 3, 5, 15, 31, 45} <= {row[0] for row in odd}
    for k, training, test, ties in odd:
        reference = KNeighborsClassifier(k, metric=theirs).fit(X, y)
        assert (training, test, ties) == (
            pytest.approx(reference.score(X, y)),
            pytest.approx(reference.score(*tests)),
            0,
        )


def test_ties_are_counted_and_two_neighbors_answer_as_one() -> None:
    votes = np.array([[0, 1, 2, 2], [0, 0, 1, 1], [2, 1, 0, 0], [0, 1, 2, 1], [1, 1, 0, 0]])
    assert tied(votes) == 2
    rows = {row[0]: row for row in run(k=2, data="blobs", n=60).tables[0].rows}
    assert rows[1][1:3] == rows[2][1:3] and rows[2][3] > 0


def test_more_neighbors_than_points_are_refused() -> None:
    with pytest.raises(DataError, match="k is 61, and there are 60 points"):
        run(k=61, n=60)
