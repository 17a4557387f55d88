"""The course's L-layer network: any depth, He or Xavier, batch norm, dropout, L2, mini-batches.

Course notes 1-2 and 3.4 to 3.17. Hidden layers are dense, [batch norm], activation, [dropout]; the
last is dense into softmax. The cost of a batch of m rows, with L2 on matrices and never on biases:

    J = mean of -ln p_y + l2 / (2 m) * sum W^2,      dJ/dZ_last = (p - one-hot y) / m

What it shows: the same few layers, put together in other ways, and what each addition does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from sightline.scratch.activations import ACTIVATIONS
from sightline.scratch.arrays import accuracy, as_labels, as_matrix
from sightline.scratch.initializers import INITIALIZERS
from sightline.scratch.layers import Activate, Arrays, BatchNorm, Dense, Dropout, Layer
from sightline.scratch.losses import cross_entropy, cross_entropy_gradient, softmax
from sightline.scratch.optimizers import optimizer_of


def forward(layers: list[Layer], A: np.ndarray, training: bool) -> np.ndarray:
    """(m, features) through all layers to (m, classes) scores."""
    for layer in layers:
        A = layer.forward(A, training)
    return A


def named(layers: list[Layer], kind: str) -> Arrays:
    """All arrays of a kind (parameters, gradients, averages) as "3.W": layer 3's W."""
    return {
        f"{i}.{name}": array
        for i, layer in enumerate(layers)
        for name, array in getattr(layer, kind).items()
    }


def cost(scores: np.ndarray, y: np.ndarray, parameters: Arrays, l2: float) -> float:
    """Mean cross-entropy plus l2 / (2 m) times the sum of squared weights."""
    squares = sum(float((W**2).sum()) for name, W in parameters.items() if name.endswith(".W"))
    return float(cross_entropy(scores, y).mean()) + l2 / (2 * len(y)) * squares


def backward(layers: list[Layer], scores: np.ndarray, y: np.ndarray, l2: float) -> Arrays:
    """Gradients of the cost by every parameter, after forward over the same rows."""
    dA = cross_entropy_gradient(scores, y)
    for layer in reversed(layers):
        dA = layer.backward(dA)
    gradients = named(layers, "gradients")
    for name, W in named(layers, "parameters").items():
        if name.endswith(".W"):
            gradients[name] = gradients[name] + l2 / len(y) * W
    return gradients


Start = Callable[[int, int, np.random.Generator], np.ndarray]


def batches(n: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Row numbers shuffled and cut into parts of `size`; a rest of under half of that, or of one
    row, joins the part before it: the mean and variance of a few rows are chance, and spoil the
    averages of batch norm (digits, 30 epochs: 0.962 with a rest of 3 rows, 0.989 without)."""
    order = rng.permutation(n)
    least = 1 if size == 1 else max(2, size / 2)
    return np.split(order, [at for at in range(size, n, size) if n - at >= least])


@dataclass(eq=False)
class LayeredNetwork:
    """A classifier of any number of classes, 0 up.

    `keep` is the share dropout keeps (1: no dropout); `l2` the course's lambda; `decay` lowers the
    rate to rate / (1 + decay epoch). After fit: `layers_` and `losses_`, the mean cost an epoch.
    """

    hidden: tuple[int, ...] = (32, 16)
    activation: str = "relu"
    initializer: str = "he-normal"
    batch_norm: bool = False
    keep: float = 1.0
    l2: float = 0.0
    optimizer: str = "adam"
    rate: float = 0.01
    decay: float = 0.0
    epochs: int = 50
    batch_size: int = 64
    seed: int = 0

    def build(
        self, sizes: list[int], rng: np.random.Generator, start: Start | None = None
    ) -> list[Layer]:
        """Layers for sizes [features, hidden ..., classes]; ValueError for an unknown name.

        start  first weights (a, b); by default the initializer's
        """
        for name, known in ((self.activation, ACTIVATIONS), (self.initializer, INITIALIZERS)):
            if name not in known:
                raise ValueError(f"unknown name '{name}'; there are {', '.join(known)}")
        start = start or INITIALIZERS[self.initializer]
        layers: list[Layer] = []
        for a, b in pairwise(sizes[:-1]):
            layers.append(Dense(start(a, b, rng), bias=not self.batch_norm))
            if self.batch_norm:
                layers.append(BatchNorm(b))
            layers.append(Activate(self.activation))
            if self.keep < 1:
                layers.append(Dropout(self.keep, rng))
        return [*layers, Dense(start(sizes[-2], sizes[-1], rng))]

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Learn from (n, features) rows and (n,) labels."""
        for _ in self.fitting(X, y):
            pass
        return self

    def fitting(self, X: np.ndarray, y: np.ndarray) -> Iterator[int]:
        """Fit, and pause after each epoch, from 0 up: the network predicts as it is by then."""
        X = as_matrix(X)
        y = as_labels(y, len(X))
        rng = np.random.default_rng(self.seed)
        self.layers_ = self.build([X.shape[1], *self.hidden, int(y.max()) + 1], rng)
        self.losses_: list[float] = []
        optimizer = optimizer_of(self.optimizer, self.rate)
        for epoch in range(self.epochs):
            optimizer.rate = self.rate / (1 + self.decay * epoch)
            costs = []
            for rows in batches(len(X), self.batch_size, rng):
                scores = forward(self.layers_, X[rows], training=True)
                parameters = named(self.layers_, "parameters")
                costs.append(cost(scores, y[rows], parameters, self.l2))
                optimizer.step(parameters, backward(self.layers_, scores, y[rows], self.l2))
            self.losses_.append(float(np.mean(costs)))
            yield epoch

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, classes) probabilities; dropout off, batch norm by its averages."""
        X = as_matrix(X, len(self.layers_[0].parameters["W"]))
        return softmax(forward(self.layers_, X, training=False))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n,) labels."""
        return self.predict_proba(X).argmax(axis=1)

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return accuracy(self.predict(X), y)

    def state(self) -> dict[str, np.ndarray]:
        """Parameters and running averages by layer: all that predict needs beside the settings."""
        arrays = named(self.layers_, "parameters") | named(self.layers_, "averages")
        return {name: array.copy() for name, array in arrays.items()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take back what state() gave; the settings must be those it was learned with."""
        matrices = [state[key] for key in sorted(state, key=layer_of) if key.endswith(".W")]
        sizes = [len(matrices[0]), *(W.shape[1] for W in matrices)]
        self.layers_ = self.build(sizes, np.random.default_rng(self.seed), blank)
        for i, layer in enumerate(self.layers_):
            for kept in (layer.parameters, layer.averages):
                for name, values in kept.items():
                    given = state[f"{i}.{name}"]
                    if given.shape != values.shape:
                        raise ValueError(
                            f"{i}.{name}: expected shape {values.shape}, got {given.shape}"
                        )
                    kept[name] = given.copy()


def blank(a: int, b: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Weights to be replaced, which take no memory."""
    return np.broadcast_to(0.0, (a, b))


def layer_of(key: str) -> int:
    """The layer's number in "3.W"."""
    return int(key.partition(".")[0])
