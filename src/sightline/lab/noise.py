"""Noise as a regularizer: on inputs, on weights, on labels, and L2 beside them; on few digits."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.lab.material import Labels, digits
from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import MUTED
from sightline.scratch.arrays import one_hot
from sightline.scratch.layered import LayeredNetwork, batches, forward, named
from sightline.scratch.losses import softmax
from sightline.scratch.optimizers import Adam

KINDS = {  # what is added to training, and the strengths that are tried
    "input noise": (0.1, 0.2, 0.4, 0.8, 1.6),
    "weight noise": (0.03, 0.1, 0.2, 0.3, 0.5),
    "label smoothing": (0.1, 0.3, 0.5, 0.7, 0.9),
    "L2": (0.003, 0.01, 0.03, 0.1, 0.3),
}
WORDS = ("deviation a pixel", "deviation a weight", "share of the label", "lambda")
COPIES = 2000  # of every digit, in the check of noise against L2


@dataclass(frozen=True)
class Training:
    """How networks are trained; one of the strengths is above 0, or none."""

    units: int
    epochs: int
    inputs: float = 0.0
    weights: float = 0.0
    smoothing: float = 0.0
    l2: float = 0.0


def run(
    seed: Annotated[int, Says("of the first run; the others follow", 0)] = 0,
    seeds: Annotated[
        int, Says("runs a strength, each with digits and weights of its own", 1, 100)
    ] = 5,
    train: Annotated[int, Says("digits to learn from", 20, 1500)] = 100,
    wrong: Annotated[float, Says("share of them with a wrong label", 0, 0.9)] = 0.2,
    units: Annotated[int, Says("hidden units", 1, 256)] = 32,
    epochs: Annotated[int, Says("passes over the digits", 1, 500)] = 60,
) -> Found:
    sets = [mistaken(train, wrong, seed + i) for i in range(seeds)]
    plain = scores(sets, Training(units, epochs), seed)
    names = ("inputs", "weights", "smoothing", "l2")
    found = {
        kind: [scores(sets, Training(units, epochs, **{name: s}), seed) for s in strengths]
        for (kind, strengths), name in zip(KINDS.items(), names, strict=True)
    }
    rows: list[tuple[Cell, ...]] = [("none", 0.0, *_said(plain, plain))]
    for kind, strengths in KINDS.items():
        for strength, mine in zip(strengths, found[kind], strict=True):
            rows.append((kind, strength, *_said(mine, plain)))
    heads = ("added", "strength", "mean accuracy", "least", "most", "runs it helped")
    notes = [f"Without any of them {plain.mean():.1%} of the other digits are right, over {seeds} "
             f"sets of {train}, {wrong:.0%} with a wrong label."]  # fmt: skip
    for kind, strengths in KINDS.items():
        means = [float(mine.mean()) for mine in found[kind]]
        best = int(np.argmax(means))
        gain = 100 * (means[best] - plain.mean())
        helped = int((found[kind][best] > plain).sum())
        notes.append(
            f"{kind[0].upper()}{kind[1:]} at its best ({strengths[best]:g}): "
            f"{means[best]:.1%}, {gain:+.1f} points, better in {helped} of {seeds} runs."
        )
    tables = [Table("accuracy", heads, rows), noise_is_l2(*sets[0], seed)]
    return Found({"strengths": _drawn(found, plain)}, tables, notes)


def mistaken(train: int, wrong: float, seed: int) -> tuple[Array, Labels, Array, Labels]:
    """Digits, a share of those to learn from with the label of another class."""
    X, y, X_test, y_test = digits(train, seed)
    rng = np.random.default_rng([seed, 2])
    rows = rng.choice(train, round(wrong * train), replace=False)
    y[rows] = (y[rows] + rng.integers(1, 10, len(rows))) % 10
    return X, y, X_test, y_test


def scores(sets: list[tuple[Array, Labels, Array, Labels]], how: Training, seed: int) -> Array:
    """Accuracy on the other digits, one a set."""
    return np.array(
        [
            trained(X, y, how, seed + i).score(X_test, y_test)
            for i, (X, y, X_test, y_test) in enumerate(sets)
        ]
    )


def trained(X: Array, y: Labels, how: Training, seed: int) -> LayeredNetwork:
    """A network of one hidden layer. Noise is drawn anew for every batch; gradients are taken at
    the noisy weights and move the clean ones."""
    rng, noise = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    network = LayeredNetwork((how.units,))
    network.layers_ = network.build([X.shape[1], how.units, 10], rng)
    targets = one_hot(y, 10) * (1 - how.smoothing) + how.smoothing / 10
    optimizer = Adam(0.01)
    for _ in range(how.epochs):
        for rows in batches(len(X), 25, rng):
            parameters = named(network.layers_, "parameters")
            matrices = [W for name, W in parameters.items() if name.endswith(".W")]
            clean = [W.copy() for W in matrices]
            for W in matrices:
                W[:] = W + how.weights * noise.standard_normal(W.shape)
            seen = X[rows] + how.inputs * noise.standard_normal((len(rows), X.shape[1]))
            slope = (softmax(forward(network.layers_, seen, True)) - targets[rows]) / len(rows)
            for layer in reversed(network.layers_):
                slope = layer.backward(slope)
            gradients = named(network.layers_, "gradients")
            for W, kept in zip(matrices, clean, strict=True):
                W[:] = kept
            for name, W in parameters.items():
                if name.endswith(".W"):
                    gradients[name] = gradients[name] + how.l2 * W
            optimizer.step(parameters, gradients)
    return network


def noise_is_l2(X: Array, y: Labels, X_test: Array, y_test: Labels, seed: int) -> Table:
    """A linear model with squared error, on many noisy copies and with weight decay n s^2: for it
    the two are the same (Bishop, 1995)."""
    rng = np.random.default_rng(seed)
    mean = X.mean(axis=0)
    A, targets = X - mean, one_hot(y, 10) - 0.1
    rows: list[tuple[Cell, ...]] = []
    for deviation in (0.1, 0.2, 0.4):
        products, crossed = np.zeros((64, 64)), np.zeros((64, 10))
        for _ in range(COPIES):
            noisy = A + deviation * rng.standard_normal(A.shape)
            products += noisy.T @ noisy / COPIES
            crossed += noisy.T @ targets / COPIES
        by_noise = np.linalg.solve(products, crossed)
        by_decay = np.linalg.solve(A.T @ A + len(A) * deviation**2 * np.eye(64), A.T @ targets)
        right = [
            float((((X_test - mean) @ W).argmax(axis=1) == y_test).mean())
            for W in (by_noise, by_decay)
        ]
        apart = float(np.linalg.norm(by_noise - by_decay) / np.linalg.norm(by_decay))
        rows.append((deviation, len(A) * deviation**2, *right, f"{apart:.1%}"))
    heads = ("input noise", "L2 (n s²)", "accuracy, noise", "accuracy, L2", "weights differ by")
    return Table("linear-model", heads, rows)


def _said(mine: Array, plain: Array) -> tuple[float, float, float, str]:
    helped = f"{(mine > plain).sum()} of {len(mine)}"
    return float(mine.mean()), float(mine.min()), float(mine.max()), helped


def _drawn(found: dict[str, list[Array]], plain: Array) -> Figure:
    figure, axes = panels(2, 2, height=2.7)
    every = np.concatenate([plain, *(mine for runs in found.values() for mine in runs)])
    for at, (ax, (kind, runs)) in enumerate(zip(axes, found.items(), strict=True)):
        strengths = KINDS[kind]
        places = np.arange(len(strengths) + 1)
        means = [float(mine.mean()) for mine in (plain, *runs)]
        for place, mine in zip(places, (plain, *runs), strict=True):
            ax.plot([place] * len(mine), mine, "o", color=COLORS[at], alpha=0.3, markersize=3)
        ax.plot(places, means, "o-", color=COLORS[at], markersize=5)
        ax.axhline(means[0], color=MUTED, linestyle="--", linewidth=1)
        ax.set_xticks(places, ["0", *(f"{s:g}" for s in strengths)])
        ax.set_ylim(max(0.0, plain.min() - 0.1), min(1.0, every.max() + 0.02))
        ax.grid(axis="y")
        ax.set_title(f"{kind[0].upper()}{kind[1:]}")
        ax.set_xlabel(WORDS[at])
    for ax in axes[::2]:
        ax.set_ylabel("accuracy on new digits")
    return figure


TOPIC = Topic(
    "Noise as a regularizer",
    "The digits are few and some are labeled wrongly, which a network learns by heart; noise on "
    "its inputs or weights keeps it from that, up to where it drowns the digits as well. For a "
    "linear model with squared error, input noise is weight decay itself: in the second table the "
    "weights agree.",
    "Theory book, regularization; Bishop, 1995",
    run,
)
