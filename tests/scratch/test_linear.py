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


def test_two_values_of_a_picture_are_weighed_by_the_first_weights_of_each_row() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[0, 0] = (2, 1, 0)  # blue, green
    image[31, 31, 2] = 100  # the last red
    drawn = np.random.RandomState(1).randn(3 * 3072 + 3)
    assert example_scores(image)["dog"] == pytest.approx(
        2 * 1.62434536 - 0.61175641 + 100 * drawn[3071] + drawn[-3]
    )
    by_rows = [
        2 * drawn[i * 3072] + drawn[i * 3072 + 1] + 100 * drawn[i * 3072 + 3071] + drawn[9216 + i]
        for i in range(3)
    ]
    assert list(example_scores(image).values()) == pytest.approx(by_rows)


def test_another_seed_answers_otherwise() -> None:
    image = np.full((32, 32, 3), 128, np.uint8)
    assert example_scores(image, 1) == example_scores(image)
    assert example_scores(image, 2) != example_scores(image)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(32, 32, 3\)"):
        example_scores(np.zeros((32, 32)))
    with pytest.raises(ValueError, match=r"b \(2,\); expected"):
        scores(np.zeros((1, 4)), np.zeros((3, 4)), np.zeros(2))
