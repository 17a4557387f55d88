import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neighbors import NearestNeighbors as Oracle

from sightline.scratch.neighbors import KNeighbors


def cloud(n: int, d: int, seed: int, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = (
        rng.integers(0, 256, (n, d)).astype(np.uint8)
        if dtype == "uint8"
        else rng.normal(size=(n, d))
    )
    return X.astype(dtype), rng.integers(0, 4, n)


def by_brute_force(
    X: np.ndarray, y: np.ndarray, query: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances and indices: nearest first, then lowest label, then lowest index."""
    sums = ((X.astype(np.float64) - query.astype(np.float64)) ** 2).sum(axis=1)
    order = sorted(range(len(X)), key=lambda i: (sums[i], y[i], i))[:k]
    return sums[order], np.array(order)


ORACLES = {
    "l1": {"metric": "manhattan"},
    "l2": {"metric": "euclidean"},
    "minkowski": {"metric": "minkowski", "p": 3},
    "cosine": {"metric": "cosine"},
}


@pytest.mark.parametrize("metric", ORACLES)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_neighbors_are_those_of_scikit_learn(metric: str, dtype: str) -> None:
    X, y = cloud(700, 11, 0, dtype)
    queries, _ = cloud(60, 11, 1, dtype)
    ours = KNeighbors(k=5, metric=metric, block_bytes=4096).fit(X, y)
    distances, indices = ours.kneighbors(queries)
    oracle = Oracle(n_neighbors=6, algorithm="brute", **ORACLES[metric]).fit(X.astype(np.float64))
    expected, named = oracle.kneighbors(queries.astype(np.float64))
    np.testing.assert_allclose(distances, expected[:, :5], rtol=1e-9, atol=1e-12)
    distinct = np.all(np.diff(expected, axis=1) > 1e-9, axis=1)
    np.testing.assert_array_equal(indices[distinct], named[distinct, :5])


def test_minkowski_of_powers_one_and_two_are_the_city_block_and_euclid() -> None:
    X, y = cloud(80, 6, 2)
    for power, metric in ((1.0, "l1"), (2.0, "l2")):
        one = KNeighbors(k=4, metric="minkowski", power=power).fit(X, y).kneighbors(X[:9] + 0.1)
        two = KNeighbors(k=4, metric=metric).fit(X, y).kneighbors(X[:9] + 0.1)
        np.testing.assert_allclose(one[0], two[0], rtol=1e-12)
        np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("k", [1, 5])
def test_predictions_on_digits_are_those_of_scikit_learn_but_for_tied_votes(k: int) -> None:
    X, y = load_digits(return_X_y=True)
    ours = KNeighbors(k=k).fit(X[:1300], y[:1300])
    oracle = KNeighborsClassifier(k, algorithm="brute").fit(X[:1300], y[:1300])
    shares = ours.predict_proba(X[1300:])
    top = np.sort(shares, axis=1)
    clear = top[:, -1] > top[:, -2]
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(ours.predict(X[1300:])[clear], oracle.predict(X[1300:])[clear])
    assert ours.score(X[1300:], y[1300:]) > 0.95


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e7])
def test_the_order_is_exact_where_float32_would_lose_it(offset: float) -> None:
    """Neighbors a millionth apart: a product in float32 cannot tell them from one another."""
    rng = np.random.default_rng(3)
    near = offset + rng.normal(size=(400, 20)) * 1e-4
    X = np.vstack([near, offset + rng.normal(size=(100, 20))])
    y = rng.integers(0, 3, len(X))
    queries = offset + rng.normal(size=(10, 20)) * 1e-4
    sums, indices = KNeighbors(k=7, block_bytes=8192).fit(X, y).kneighbors(queries)
    for query, found, distance in zip(queries, indices, sums, strict=True):
        expected, named = by_brute_force(X, y, query, 7)
        np.testing.assert_array_equal(found, named)
        np.testing.assert_allclose(distance, np.sqrt(expected), rtol=1e-12)


def test_a_query_far_outside_is_still_ordered_exactly() -> None:
    X, y = cloud(300, 5, 4)
    query = X[:1] * 1e9
    _, found = KNeighbors(k=3).fit(X, y).kneighbors(query)
    assert found[0].tolist() == by_brute_force(X, y, query[0], 3)[1].tolist()


def test_equal_distances_go_to_the_lowest_label_then_the_lowest_index() -> None:
    X = np.array([[2.0, 0], [0, 2], [-2, 0], [0, -2], [5, 5]])
    y = np.array([3, 1, 2, 1, 0])
    for metric in ("l1", "l2", "minkowski"):
        _, found = KNeighbors(k=4, metric=metric).fit(X, y).kneighbors(np.zeros((1, 2)))
        assert found.tolist() == [[1, 3, 2, 0]]


def test_ties_hold_over_blocks_and_among_many_equal_examples() -> None:
    X = np.zeros((5000, 3), dtype=np.uint8)
    y = np.full(5000, 7)
    y[[40, 4300, 4999]] = [5, 2, 5]
    _, found = KNeighbors(k=3, block_bytes=1024).fit(X, y).kneighbors(X[:2])
    assert found.tolist() == [[4300, 40, 4999]] * 2


def test_a_tied_vote_goes_to_the_nearest_then_to_the_lowest_label() -> None:
    X, y = np.array([[1.0], [2.0], [4.0], [5.0]]), np.array([1, 0, 0, 1])
    assert KNeighbors(k=2).fit(X, y).predict([[0.0]]).tolist() == [1]
    assert KNeighbors(k=4).fit(X, y).predict([[3.0]]).tolist() == [0]
    assert KNeighbors(k=2).fit(X, y).predict_proba([[0.0]]).tolist() == [[0.5, 0.5]]


def test_the_books_pictures_k_1_is_a_dog_and_k_3_a_cat() -> None:
    """Chapter 7: the nearest is a dog; of three neighbors, two are cats and one a panda."""
    cat, dog, panda = 0, 1, 2
    assert KNeighbors(k=1).fit([[0.0], [9.0]], np.array([dog, cat])).predict([[1.0]])[0] == dog
    X, y = np.array([[1.0], [2.0], [3.0]]), np.array([panda, cat, cat])
    assert KNeighbors(k=3).fit(X, y).predict([[0.0]])[0] == cat


def test_a_row_of_zeros_is_at_cosine_distance_one() -> None:
    X, y = np.array([[0.0, 0], [1, 1], [-1, -1]]), np.array([0, 1, 2])
    distances, found = KNeighbors(k=3, metric="cosine").fit(X, y).kneighbors([[3.0, 3], [0, 0]])
    assert found.tolist() == [[1, 0, 2], [0, 1, 2]]
    np.testing.assert_allclose(distances, [[0, 1, 2], [1, 1, 1]], atol=1e-15)


def test_memory_stays_within_its_bound() -> None:
    import tracemalloc

    X, y = cloud(20_000, 16, 5, "uint8")
    ours = KNeighbors(k=5, block_bytes=2**20).fit(X, y)
    tracemalloc.start()
    ours.kneighbors(X[:2000])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20 + 2000 * 5 * 16


@pytest.mark.parametrize(
    ("settings", "X", "y", "message"),
    [
        ({"metric": "l3"}, np.zeros((3, 2)), [0, 1, 1], "metric: expected one of"),
        ({"k": 4}, np.zeros((3, 2)), [0, 1, 1], "k: expected 1 to 3"),
        ({"metric": "minkowski", "power": 0.5}, np.zeros((3, 2)), [0, 1, 1], "power"),
        ({}, np.zeros((3, 2, 2)), [0, 1, 1], r"expected shape \(n, features\), got \(3, 2, 2\)"),
        ({}, np.zeros((3, 2)), [0, 1], r"y: expected shape \(3,\), got \(2,\)"),
        ({}, np.zeros((3, 2)), [0.0, 1.0, 2.0], "y: expected integer labels"),
        ({}, np.array([[np.nan]]), [0], "NaN"),
    ],
)
def test_what_cannot_be_fitted_is_said(
    settings: dict, X: np.ndarray, y: list, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        KNeighbors(**settings).fit(X, np.array(y))


def test_queries_of_another_width_are_refused() -> None:
    ours = KNeighbors().fit(np.zeros((3, 2)), np.arange(3))
    with pytest.raises(ValueError, match=r"expected shape \(n, 2\), got \(1, 3\)"):
        ours.predict(np.zeros((1, 3)))


def test_one_search_serves_every_smaller_k() -> None:
    rng = np.random.default_rng(7)
    X, y = rng.integers(0, 6, (80, 2)).astype(np.float64), rng.integers(0, 3, 80)  # many ties
    queries = rng.integers(0, 6, (50, 2)).astype(np.float64)
    widest = KNeighbors(9).fit(X, y)
    indices = widest.kneighbors(queries)[1]
    for k in range(1, 10):
        expected = KNeighbors(k).fit(X, y).predict(queries)
        assert np.array_equal(widest.elect(indices[:, :k])[0], expected)
