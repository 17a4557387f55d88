"""The book's NeuralNetwork: sigmoid units, squared error, backpropagation one row at a time.

Starter book, 10.1.3. A network 2-2-1 is built as 3-3-1: the input gets a true bias, a column of
ones put last; each hidden layer gets one unit more than named. That extra unit is *not* a constant
1: it is one more sigmoid unit with weights of its own, learned as the rest. The output layer gets
none. This is kept, for the book's figures depend on it; `layered.py` has biases proper.

    forward    A_0 = [x, 1],   A_l+1 = sigmoid(A_l W_l)
    backward   D_L = (A_L - y) A_L (1 - A_L),   D_l = (D_l+1 W_l^T) A_l (1 - A_l)
    update     W_l -= alpha A_l^T D_l+1

The loss is half the sum (not the mean) of squared errors over all rows.

What it shows: 2-2-1 learns XOR from most seeds (alpha 0.5, 20,000 epochs: 11 of the seeds 0 to 11
end below a loss of 0.002) and sticks from some (seed 0: loss 0.125, one output at 0.4987, right by
luck alone); 2-1 never does and ends at .5161 .5000 .4839 .4678. Digits 64-32-16-10, alpha 0.1,
1,000 epochs: 0.97 of 450.
"""

from itertools import pairwise
from typing import Self

import numpy as np

from sightline.scratch.activations import sigmoid
from sightline.scratch.arrays import accuracy, as_labels, as_matrix, one_hot


def initial_weights(layers: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Normal draws over the root of the layer's own size, one unit more on each side that has the
    extra; shapes for 2-2-1: (3, 3) and (3, 1)."""
    weights = [rng.standard_normal((a + 1, b + 1)) / np.sqrt(a) for a, b in pairwise(layers[:-1])]
    a, b = layers[-2:]
    return [*weights, rng.standard_normal((a + 1, b)) / np.sqrt(a)]


def forward(rows: np.ndarray, weights: list[np.ndarray]) -> list[np.ndarray]:
    """Activations of every layer for rows (n, features + 1), the rows themselves first."""
    activations = [rows]
    for W in weights:
        activations.append(sigmoid(activations[-1] @ W))  # (n, units)
    return activations


def gradients(
    activations: list[np.ndarray], targets: np.ndarray, weights: list[np.ndarray]
) -> list[np.ndarray]:
    """Slope of half the summed squared error by every matrix, the weights' own shapes."""
    out = activations[-1]
    delta = (out - targets) * out * (1 - out)  # (n, outputs)
    found = []
    for layer in range(len(weights) - 1, -1, -1):
        A = activations[layer]
        found.append(A.T @ delta)
        delta = (delta @ weights[layer].T) * A * (1 - A)
    return found[::-1]


class NeuralNetwork:
    """A classifier: one output for labels 0 and 1, else one a class.

    `hidden` are the layers between: (2,) is the book's 2-2-1, () its 2-1. `batch_size` 1 is the
    book's online loop; more takes as many rows in one product and adds their gradients up, in the
    same order of rows. `every`: a loss is kept at epoch 1 and each such epoch. After fit:
    `weights_`, a list of matrices; `losses_`, {epoch: loss}.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (2,),
        alpha: float = 0.1,
        epochs: int = 1000,
        batch_size: int = 1,
        every: int = 100,
        seed: int = 0,
    ) -> None:
        self.hidden, self.alpha, self.epochs = hidden, alpha, epochs
        self.batch_size, self.every, self.seed = batch_size, every, seed

    def __repr__(self) -> str:
        """As the book's, NeuralNetwork: 2-2-1, once the sizes are known."""
        sizes = [*getattr(self, "layers_", ["features", *self.hidden, "outputs"])]
        return f"NeuralNetwork: {'-'.join(map(str, sizes))}"

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels."""
        X = as_matrix(X)
        y = as_labels(y, len(X))
        classes = int(y.max()) + 1
        targets = y[:, None].astype(np.float64) if classes <= 2 else one_hot(y, classes)
        self.layers_ = [X.shape[1], *self.hidden, targets.shape[1]]
        self.weights_ = initial_weights(self.layers_, np.random.default_rng(self.seed))
        self.losses_: dict[int, float] = {}
        rows = np.column_stack([X, np.ones(len(X))])  # (n, features + 1)
        for epoch in range(1, self.epochs + 1):
            for start in range(0, len(rows), self.batch_size):
                part = slice(start, start + self.batch_size)
                self.fit_partial(rows[part], targets[part])
            if epoch == 1 or epoch % self.every == 0:
                self.losses_[epoch] = self.loss(rows, targets)
        return self

    def fit_partial(self, rows: np.ndarray, targets: np.ndarray) -> None:
        """One step on rows that have their column of ones."""
        slopes = gradients(forward(rows, self.weights_), targets, self.weights_)
        for layer, slope in enumerate(slopes):
            self.weights_[layer] -= self.alpha * slope

    def loss(self, rows: np.ndarray, targets: np.ndarray) -> float:
        """Half the sum of squared errors; rows have their column of ones, targets are columns."""
        out = forward(rows, self.weights_)[-1]
        if targets.shape != out.shape:
            raise ValueError(f"targets have shape {targets.shape}; expected {out.shape}")
        return float(0.5 * ((out - targets) ** 2).sum())

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, outputs) sigmoids, 0 to 1; of several they need not add up to 1."""
        X = as_matrix(X, len(self.weights_[0]) - 1)
        return forward(np.column_stack([X, np.ones(len(X))]), self.weights_)[-1]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, classes): the outputs divided by their sum, for they are trained
        one by one and need not add up to 1; of a single output, what is left goes to label 0."""
        out = self.outputs(X)
        out = out if out.shape[1] > 1 else np.column_stack([1 - out, out])
        return out / np.maximum(out.sum(axis=1, keepdims=True), np.finfo(float).tiny)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels: above 0.5 with one output, else the largest."""
        out = self.outputs(X)
        return out.argmax(axis=1) if out.shape[1] > 1 else (out[:, 0] > 0.5).astype(np.int64)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def state(self) -> dict[str, np.ndarray]:
        """W0, W1, ...: all that predict needs."""
        return {f"W{i}": W.copy() for i, W in enumerate(self.weights_)}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave."""
        self.weights_ = [state[f"W{i}"].copy() for i in range(len(state))]
        inner = [W.shape[1] - 1 for W in self.weights_[:-1]]
        self.layers_ = [len(self.weights_[0]) - 1, *inner, self.weights_[-1].shape[1]]
