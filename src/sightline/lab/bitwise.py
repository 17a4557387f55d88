"""AND, OR and XOR with one perceptron: a line moves until it parts the points, or never stops."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sightline.lab.pictures import animated, panels, points, regions
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GRID, INK
from sightline.scratch.perceptron import BITS, BITWISE, Perceptron, with_ones

FRAMES = 41
LOW, HIGH = (-0.5, -0.5), (1.5, 1.5)


def run(
    seed: Annotated[int, Says("of the first weights", 0)] = 0,
    alpha: Annotated[float, Says("learning rate", 1e-6, 1000)] = 0.1,
    epochs: Annotated[int, Says("passes over the four points, at most", 1, 1000)] = 20,
    seeds: Annotated[int, Says("train from so many other seeds too, from 0 up", 0, 1000)] = 100,
) -> Found:
    stages = {gate: learned(y, seed, alpha, epochs) for gate, y in BITWISE.items()}
    answers: list[tuple[Cell, ...]] = []
    summary: list[tuple[Cell, ...]] = []
    notes = []
    for gate, y in BITWISE.items():
        mistakes = stages[gate][-1].mistakes
        found = answered(stages[gate][-1])
        rows = zip(BITS.tolist(), y.tolist(), found.tolist(), strict=True)
        answers += [(gate.upper(), a, b, truth, answer) for (a, b), truth, answer in rows]
        settled = mistakes[-1] == 0
        summary.append(
            (
                gate.upper(), "yes" if settled else "no", len(mistakes), mistakes[0], mistakes[-1],
                f"{(found == y).sum()} of 4",
            )
        )  # fmt: skip
        if not settled:
            least = min(mistakes)
            notes.append(
                f"{gate.upper()}: {len(mistakes)} epochs, and never fewer than {least} "
                f"mistake{'s' * (least > 1)} in one. "
                + ("No line parts its classes." if gate == "xor" else "More epochs would do.")
            )
        else:
            notes.append(f"{gate.upper()}: epoch {len(mistakes)} passes without a mistake.")
    tables = [
        Table("answers", ("gate", "x1", "x2", "truth", "answer"), answers),
        Table(
            "mistakes",
            ("gate", "settled", "epochs", "mistakes in the first", "in the last", "right"),
            summary,
        ),
    ]
    if seeds:
        tables.append(over_seeds(seeds, alpha, epochs))
    longest = max(len(s) for s in stages.values())
    kept = np.unique(np.linspace(0, longest - 1, FRAMES).round().astype(int))
    moving = animated((_picture(stages, int(at)) for at in kept), seconds=0.16)
    return Found({"learning": moving, "learned": _picture(stages, longest - 1)}, tables, notes)


@dataclass(frozen=True, eq=False)
class Stage:
    """The weights after some points were shown; mistakes of each epoch so far, the last one of
    which may not be over."""

    weights: NDArray[np.float64]
    mistakes: tuple[int, ...]


def learned(y: NDArray[np.int64], seed: int, alpha: float, epochs: int) -> list[Stage]:
    """The perceptron at first and after every point it was shown, as its `fit` goes."""
    perceptron = Perceptron(alpha, epochs=0, seed=seed).fit(BITS, y)
    rows = with_ones(BITS)
    mistakes: list[int] = []
    stages = [Stage(perceptron.weights_.copy(), tuple(mistakes))]
    for _ in range(epochs):
        mistakes.append(0)
        for i in range(4):
            mistakes[-1] += perceptron.fit_epoch(rows[i : i + 1], y[i : i + 1])
            stages.append(Stage(perceptron.weights_.copy(), tuple(mistakes)))
        if mistakes[-1] == 0:
            break
    return stages


def answered(stage: Stage) -> NDArray[np.int64]:
    """The answers to the four points."""
    return of_weights(stage.weights).predict(BITS)


def of_weights(weights: NDArray[np.float64]) -> Perceptron:
    perceptron = Perceptron()
    perceptron.load_state({"weights": weights})
    return perceptron


def over_seeds(seeds: int, alpha: float, epochs: int) -> Table:
    """How many first weights end without a mistake, and after how many epochs."""
    rows: list[tuple[Cell, ...]] = []
    for gate, y in BITWISE.items():
        all_of_them = [Perceptron(alpha, epochs, seed=seed).fit(BITS, y) for seed in range(seeds)]
        needed = [len(p.mistakes_) for p in all_of_them if p.separable_]
        median = f"{np.median(needed):g}" if needed else "never"
        rows.append((gate.upper(), f"{len(needed)} of {seeds}", median, max(needed, default="-")))
    return Table("seeds", ("gate", "settled", "epochs, median", "most"), rows)


def _picture(stages: dict[str, list[Stage]], at: int) -> Figure:
    """A column a gate: the plane, and the mistakes of each epoch."""
    figure, axes = panels(2, 3, height=2.5)
    longest = max(len(s[-1].mistakes) for s in stages.values())
    for column, (gate, y) in enumerate(BITWISE.items()):
        now = stages[gate][min(at, len(stages[gate]) - 1)]
        _plane(axes[column], gate, y, now)
        bars = axes[3 + column]
        if longest <= 60:
            bars.bar(np.arange(1, len(now.mistakes) + 1), now.mistakes, color=BLUE, width=0.7)
        else:
            bars.stairs(now.mistakes, np.arange(len(now.mistakes) + 1) + 0.5, fill=True, color=BLUE)
        bars.set_xlim(0.3, longest + 0.7)
        bars.set_ylim(0, 4.2)
        bars.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        bars.set_yticks(range(5))
        bars.grid(axis="y", color=GRID)
        bars.set_xlabel("epoch")
        if column == 0:
            bars.set_ylabel("mistakes of 4")
    return figure


def _plane(ax: Axes, gate: str, y: NDArray[np.int64], now: Stage) -> None:
    perceptron = of_weights(now.weights)
    regions(ax, perceptron.predict, LOW, HIGH, 2)
    a, b, c = perceptron.line()
    if abs(b) > abs(a):
        x = np.array([LOW[0], HIGH[0]])
        ax.plot(x, -(a * x + c) / b, color=INK, linewidth=1.4)
    elif a:
        x = np.array([LOW[1], HIGH[1]])
        ax.plot(-(b * x + c) / a, x, color=INK, linewidth=1.4)
    points(ax, BITS.astype(float), y)
    for (x1, x2), truth in zip(BITS, y, strict=True):
        ax.annotate(str(truth), (x1, x2), (0, 7), textcoords="offset points", ha="center")
    wrong = int((perceptron.predict(BITS) != y).sum())
    ax.set_title(f"{gate.upper()}: {wrong} wrong" if wrong else f"{gate.upper()}: all right")
    ax.set_xlim(LOW[0], HIGH[0])
    ax.set_ylim(LOW[1], HIGH[1])
    ax.set_xticks([0, 1])
    ax.set_yticks([0, 1])
    ax.set_xlabel("x1")
    ax.set_ylabel("x2", rotation=0)


TOPIC = Topic(
    "AND, OR, XOR and one perceptron",
    "A point is right where its color is that of the ground, and the line moves each time a point "
    "is shown and found wrong, until an epoch of AND or OR passes without a mistake. No line "
    "parts the 1s of XOR from its 0s, so its count of mistakes never falls to 0: the sign that "
    "classes are not linearly separable.",
    "Starter book, 10.1.2",
    run,
)
