"""XOR and the 2-2-1 network: the plane bends until all four points are right, or it sticks."""

from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.lab.pictures import Array, animated, logarithmic, panels, points, surface
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, MUTED
from sightline.scratch.neural_network import NeuralNetwork

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {"xor": [0, 1, 1, 0], "and": [0, 0, 0, 1], "or": [0, 1, 1, 1]}
ALPHA = 0.5  # the book's
FRAMES = 40
STUCK = 0.05  # a loss above it: some output is far from its truth
LOW, HIGH = (-0.4, -0.4), (1.4, 1.4)


def run(
    seed: Annotated[int, Says("of the first weights; 0 sticks, 1 learns", 0)] = 1,
    epochs: Annotated[int, Says("passes over the four points", 1, 200_000)] = 20_000,
    hidden: Annotated[int, Says("hidden units; 0 is the 2-1 network", 0, 64)] = 2,
    gate: Annotated[Literal["xor", "and", "or"], Says("what is learned")] = "xor",
    seeds: Annotated[int, Says("train from so many other seeds too, from 0 up", 0, 100)] = 0,
) -> Found:
    y = np.array(GATES[gate])
    network, stages = learned(y, seed, epochs, hidden)
    outputs = network.outputs(CORNERS)[:, 0]
    last = stages[-1][2]
    tables = [
        Table(
            "outputs",
            ("x1", "x2", "truth", "output", "answer"),
            [
                (int(a), int(b), int(t), float(o), int(o > 0.5))
                for (a, b), t, o in zip(CORNERS, y, outputs, strict=True)
            ],
        )
    ]
    name = "-".join(map(str, network.layers_))
    solved = last < STUCK
    notes = [
        f"{name} from seed {seed}: loss {last:.5f} after {epochs} epochs, "
        + ("solved" if solved else "stuck: more epochs hardly help, another seed may")
    ]
    if seeds:
        ends = [(s, learned(y, s, epochs, hidden)[1][-1][2]) for s in range(seeds)]
        rows = [(s, loss, "yes" if loss < STUCK else "no") for s, loss in ends]
        tables.append(Table("seeds", ("seed", "loss", "solved"), rows))
        won = sum(loss < STUCK for _, loss in ends)
        notes.append(f"{won} of {seeds} seeds solve {gate.upper()} (a loss below {STUCK})")
    moving = animated(_frame(y, stages, at, name) for at in range(len(stages)))
    still = _frame(y, stages, len(stages) - 1, f"{name}, seed {seed}")
    return Found({"learning": moving, "learned": still}, tables, notes)


Stage = tuple[int, list[NDArray[np.float64]], float]  # epoch, weights, loss


def learned(
    y: NDArray[np.int64], seed: int, epochs: int, hidden: int
) -> tuple[NeuralNetwork, list[Stage]]:
    """The book's network after training on the four points, and how it came there."""
    sizes = (hidden,) if hidden else ()
    network = NeuralNetwork(sizes, ALPHA, epochs=0, seed=seed).fit(CORNERS, y)
    rows, targets = np.column_stack([CORNERS, np.ones(4)]), y[:, None].astype(np.float64)
    kept = {0, *np.geomspace(1, epochs, FRAMES).round().astype(int).tolist()}
    stages: list[Stage] = []
    for epoch in range(epochs + 1):
        if epoch in kept:
            weights = [W.copy() for W in network.weights_]
            stages.append((epoch, weights, network.loss(rows, targets)))
        if epoch < epochs:
            for i in range(4):
                network.fit_partial(rows[i : i + 1], targets[i : i + 1])
    return network, stages


def _frame(y: NDArray[np.int64], stages: list[Stage], at: int, title: str) -> Figure:
    """The plane at one stage, and the loss up to it."""
    epoch, weights, _ = stages[at]
    shown = NeuralNetwork()
    shown.load_state({f"W{i}": W for i, W in enumerate(weights)})

    def value(X: Array) -> Array:
        return shown.outputs(X)[:, 0]

    figure, (plane, curve) = panels(1, 2, height=3.4)
    surface(plane, value, LOW, HIGH)
    points(plane, CORNERS, y)
    for (x1, x2), truth in zip(CORNERS, y, strict=True):
        plane.annotate(f"truth {truth}", (x1, x2), (0, 9), textcoords="offset points", ha="center")
    plane.set_title(f"{title}: after {epoch:,} epochs")
    plane.set_xlabel("x1")
    plane.set_ylabel("x2")
    epochs, losses = np.array([s[0] for s in stages]) + 1, np.array([s[2] for s in stages])
    curve.plot(epochs, losses, color=MUTED, alpha=0.35)
    curve.plot(epochs[: at + 1], losses[: at + 1], color=BLUE)
    curve.plot(epochs[at], losses[at], "o", color=BLUE)
    logarithmic(curve)
    curve.set_ylim(0, losses.max() * 1.08)
    curve.grid(axis="y")
    curve.set_title("Loss: half the sum of squared errors")
    curve.set_xlabel("epoch + 1 (logarithmic scale)")
    return figure


TOPIC = Topic(
    "XOR and a network 2-2-1",
    "One line cannot part the points of XOR; two hidden units bend the plane until the points of 1 "
    "lie on one side. From some first weights gradient descent ends in a valley of loss 0.125 or "
    "more and stays there, so the seed belongs to the result.",
    "Starter book, 10.1.3",
    run,
)
