import numpy as np
import pytest

from sightline.scratch.linear import (
    example_scores,
    example_weights,
    scores,
    with_bias,
    with_ones,
)


def test_scores_by_hand() -> None:
    W, b = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.0]]), np.array([0.5, 0.0, -1.0])
    assert scores(np.array([[2.0, 1.0]]), W, b).tolist() == [[4.5, -1.0, 5.0]]


def test_the_bias_trick_changes_no_score() -> None:
    rng = np.random.default_rng(0)
    X, (W, b) = rng.uniform(0, 255, (4, 3072)), example_weights()
    assert with_bias(W, b).shape == (3, 3073)
    np.testing.assert_allclose(with_ones(X) @ with_bias(W, b).T, scores(X, W, b))


def test_the_books_weights_are_seed_1s_normals() -> None:
    W, b = example_weights()
    assert (W.shape, b.shape) == ((3, 3072), (3,))
    assert W[0, :2].round(8).tolist() == [1.62434536, -0.61175641]


def test_a_black_picture_scores_the_biases() -> None:
    found = example_scores(np.zeros((32, 32, 3), np.uint8))
    assert list(found) == ["dog", "cat", "panda"]
    assert list(found.values()) == example_weights()[1].tolist()


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(32, 32, 3\)"):
        example_scores(np.zeros((32, 32)))
    with pytest.raises(ValueError, match=r"b \(2,\); expected"):
        scores(np.zeros((1, 4)), np.zeros((3, 4)), np.zeros(2))
