"""Linear scoring and the bias trick.

Starter book, chapter 8 (equation 8.1) and 9.3.

    f(x, W, b) = W x + b      x (D,), W (K, D), b (K,): one score a class
    bias trick                W' = [W, b] (K, D + 1), x' = [x, 1]: one product

The example scores a picture of a dog with weights nobody learned: seed 1 was chosen so that they
happen to be right. (The text says they are uniform; the code draws normals.)
"""

import numpy as np

EXAMPLE_LABELS = ("dog", "cat", "panda")


def scores(X: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, D) rows, (K, D) weights, (K,) biases to (n, K) scores."""
    if X.ndim != 2 or W.ndim != 2 or X.shape[1] != W.shape[1] or b.shape != W.shape[:1]:
        shapes = f"X {X.shape}, W {W.shape}, b {b.shape}"
        raise ValueError(f"shapes are {shapes}; expected (n, D), (K, D), (K,)")
    return X @ W.T + b


def with_bias(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The bias as a last column of weights: (K, D) and (K,) to (K, D + 1)."""
    return np.column_stack([W, b])


def with_ones(X: np.ndarray) -> np.ndarray:
    """A last column of ones: (n, D) to (n, D + 1)."""
    return np.column_stack([X, np.ones(len(X))])


def example_weights(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The book's W (3, 3072) and b (3,), for 32 x 32 x 3 pixels flattened, blue first."""
    rng = np.random.RandomState(seed)  # the book's figures are of this generator
    return rng.randn(3, 3072), rng.randn(3)


def example_scores(image: np.ndarray, seed: int = 1) -> dict[str, float]:
    """Scores of a (32, 32, 3) BGR picture, values 0 to 255, by a seed's random weights."""
    if image.shape != (32, 32, 3):
        raise ValueError(f"the picture has shape {image.shape}; expected (32, 32, 3)")
    W, b = example_weights(seed)
    found = scores(image.reshape(1, -1).astype(np.float64), W, b)[0]
    return dict(zip(EXAMPLE_LABELS, found.tolist(), strict=True))
