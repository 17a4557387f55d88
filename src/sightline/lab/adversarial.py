"""Adversarial examples of a linear model: small steps against it, chosen and by chance."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.lab.material import Labels, digits
from sightline.lab.pictures import COLORS, MARKERS, Array, image, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import INK, MUTED, ORANGE, PAPER
from sightline.scratch.arrays import one_hot
from sightline.scratch.losses import softmax
from sightline.scratch.optimizers import SGD
from sightline.scratch.regression import SoftmaxRegression

SHOWN = 6  # digits in the picture
STRENGTHS = np.linspace(0, 0.3, 13)


def run(
    seed: Annotated[int, Says("of the digits and of chance", 0)] = 0,
    train: Annotated[int, Says("digits to learn from", 20, 1500)] = 1000,
    epsilon: Annotated[float, Says("step a pixel in the picture, of 0 to 1", 0.001, 1)] = 0.15,
    against: Annotated[float, Says("step that the hardened model is trained on", 0, 1)] = 0.1,
    epochs: Annotated[int, Says("steps of both trainings, each on all digits", 1, 5000)] = 300,
) -> Found:
    X, y, X_test, y_test = digits(train, seed)
    plain, hardened = trained(X, y, 0.0, epochs), trained(X, y, against, epochs)
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], X_test.shape)
    lines = {
        "by chance": [plain.score(moved(X_test, e * signs), y_test) for e in STRENGTHS],
        "chosen against it": [plain.score(worst(plain, X_test, y_test, e), y_test)
                              for e in STRENGTHS],
        "chosen, hardened model": [hardened.score(worst(hardened, X_test, y_test, e), y_test)
                                   for e in STRENGTHS],
    }  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (float(e), *(line[i] for line in lines.values())) for i, e in enumerate(STRENGTHS)
    ]
    a = plain.score(moved(X_test, epsilon * signs), y_test)
    b = plain.score(worst(plain, X_test, y_test, epsilon), y_test)
    c = hardened.score(worst(hardened, X_test, y_test, epsilon), y_test)
    notes = [
        f"Untouched, {plain.score(X_test, y_test):.1%} of {len(y_test)} new digits are right; "
        f"with every pixel moved by {epsilon:g} at random {a:.1%}, against the model {b:.1%}.",
        f"Trained on digits moved by {against:g} against it as well, it keeps {c:.1%} there, and "
        f"{hardened.score(X_test, y_test):.1%} of the untouched.",
        "A step of e in every pixel moves the score of one class over another by e times the sum "
        f"of the absolute weights between them: {reach(plain):.3g} e on the average, where a "
        f"random step moves it by {reach(plain, 2):.3g} e as a rule.",
    ]
    pictures = {
        "digits": _digits(plain, X_test, y_test, epsilon, signs),
        "accuracy": _curves(lines, epsilon, against),
    }
    return Found(pictures, [Table("accuracies", ("step", *lines), rows)], notes)


def moved(X: Array, step: Array) -> Array:
    """X plus a step, within 0 to 1."""
    return np.clip(X + step, 0, 1)


def worst(model: SoftmaxRegression, X: Array, y: Labels, epsilon: float) -> Array:
    """Every pixel moved by epsilon, up or down, whichever raises the loss (the fast gradient sign
    method; Goodfellow et al., 2015)."""
    slope = (model.predict_proba(X) - one_hot(y, 10)) @ model.weights_.T  # (n, pixels)
    return moved(X, epsilon * np.sign(slope))


def trained(X: Array, y: Labels, against: float, epochs: int) -> SoftmaxRegression:
    """Softmax regression; with `against`, on the digits and on their worst neighbors at once."""
    parameters = {"W": np.zeros((X.shape[1], 10)), "b": np.zeros(10)}
    optimizer, model = SGD(0.2, momentum=0.9), SoftmaxRegression()
    for _ in range(epochs):
        model.weights_, model.bias_ = parameters["W"], parameters["b"]
        rows, truths = X, y
        if against > 0:
            rows, truths = np.vstack([X, worst(model, X, y, against)]), np.concatenate([y, y])
        chances = softmax(rows @ parameters["W"] + parameters["b"])
        slope = (chances - one_hot(truths, 10)) / len(rows)
        optimizer.step(parameters, {"W": rows.T @ slope, "b": slope.sum(axis=0)})
    model.load_state({"weights": parameters["W"], "bias": parameters["b"]})
    return model


def reach(model: SoftmaxRegression, power: int = 1) -> float:
    """Mean over pairs of classes of the norm of their weights' difference: of order 1, how far a
    step of 1 in every pixel can move their scores apart; of order 2, how far a random one does."""
    W = model.weights_
    norms = [np.linalg.norm(W[:, i] - W[:, j], power) for i in range(10) for j in range(i)]
    return float(np.mean(norms))


def _digits(model: SoftmaxRegression, X: Array, y: Labels, epsilon: float, signs: Array) -> Figure:
    """Digits that were right, and what a random and a chosen step make of them."""
    right = np.flatnonzero(model.predict(X) == y)
    shown = [int(right[y[right] == label][0]) for label in range(10) if (y[right] == label).any()]
    shown = shown[:SHOWN]
    rows = {
        "as it was": X[shown],
        "by chance": moved(X[shown], epsilon * signs[shown]),
        "chosen": worst(model, X[shown], y[shown], epsilon),
    }
    figure, axes = panels(3, len(shown), height=1.45)
    for r, (name, pixels) in enumerate(rows.items()):
        chances = model.predict_proba(pixels)
        for i, answer in enumerate(chances.argmax(axis=1)):
            ax = axes[r * len(shown) + i]
            image(ax, pixels[i].reshape(8, 8), "", top=1)
            color = INK if answer == y[shown[i]] else ORANGE
            ax.set_title(f"{answer} ({chances[i, answer]:.0%})", fontsize=9, color=color, pad=5)
            if i == 0:
                ax.set_ylabel(name)
    figure.suptitle(
        f"Every pixel moved by {epsilon:g}: the answer and its probability, wrong ones in color",
        fontsize=10.5, x=0.01, ha="left",
    )  # fmt: skip
    return figure


def _curves(lines: dict[str, list[float]], epsilon: float, against: float) -> Figure:
    figure, axes = panels(1, 1, height=3.4)
    ax: Axes = axes[0]
    for at, (name, line) in enumerate(lines.items()):
        ax.plot(
            STRENGTHS, line, MARKERS[at] + "-", color=COLORS[at], label=name, markersize=5,
            markeredgecolor=PAPER,
        )  # fmt: skip
    ax.axhline(0.1, color=MUTED, linestyle="--", linewidth=1)
    ax.annotate("guessing", (0, 0.1), (0, 3), textcoords="offset points", fontsize=8)
    for value, words in ((epsilon, "pictures"), (against, "hardened on")):
        if 0 < value <= STRENGTHS[-1]:
            ax.axvline(value, color=MUTED, linestyle=":", linewidth=1)
            ax.annotate(words, (value, 1.0), (3, -2), textcoords="offset points", fontsize=8)
    ax.set_ylim(0, 1.04)
    ax.grid(axis="y")
    ax.set_title("Accuracy against the size of the step")
    ax.set_xlabel("step of every pixel (black is 0, white is 1)")
    ax.set_ylabel("accuracy on new digits")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 0.13))
    return figure


TOPIC = Topic(
    "Adversarial examples: a small step, chosen",
    "A step so small that the digits can still be read turns most answers, if each pixel "
    "moves the way that hurts; the same step at random turns hardly any. A linear score adds up "
    "all the small pushes, and training on such examples as well wins back a part of what is lost.",
    "Theory book, adversarial training; Goodfellow et al., 2015",
    run,
)
