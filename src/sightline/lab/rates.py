"""Learning rates: schedules as curves, and what a rate does to the training loss."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from sightline.lab.pictures import COLORS, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, MUTED, ORANGE
from sightline.scratch.decay import (
    book_steps,
    cosine,
    exponential,
    inverse_square_root,
    inverse_time,
    inverse_time_stairs,
    polynomial,
)
from sightline.scratch.layered import LayeredNetwork

UPDATES = 782  # an epoch of the book's: 50,000 images in batches of 64
HIDDEN, BATCH = (8,), 16
SLOWING = 0.1  # decay of the fifth training: rate / (1 + 0.1 epoch)
SHAPES = {
    "very high": (ORANGE, "-"),
    "high": ("#8a5fbf", "--"),
    "low": (BLUE, ":"),
    "good": (GREEN, "-."),
    "high, decayed": (MUTED, "--"),
}


def run(
    start: Annotated[float, Says("first rate of the schedules", 1e-6, 10)] = 0.01,
    epochs: Annotated[int, Says("epochs of the schedules", 5, 1000)] = 40,
    low: Annotated[float, Says("rate of the training that crawls", 1e-6, 100)] = 0.003,
    good: Annotated[float, Says("rate of the training that goes well", 1e-6, 100)] = 0.1,
    high: Annotated[float, Says("rate of the training that levels off", 1e-6, 100)] = 0.5,
    very_high: Annotated[float, Says("rate of the training that fails", 1e-6, 100)] = 0.8,
    passes: Annotated[int, Says("epochs of the trainings", 2, 200)] = 30,
    seed: Annotated[int, Says("of weights and order in the trainings", 0)] = 4,
) -> Found:
    kinds = schedules(start, epochs)
    curves = {name: [rate(e) for e in range(epochs)] for name, rate in kinds.items()}
    at = sorted({0, epochs // 4, epochs // 2, 3 * epochs // 4, epochs - 1})
    rates: list[tuple[Cell, ...]] = [
        (name, *(f"{curve[e]:.3g}" for e in at)) for name, curve in curves.items()
    ]
    course = [(e, f"{inverse_time(0.2, e):.2g}") for e in range(1, 5)]
    asked = {"very high": very_high, "high": high, "low": low, "good": good}
    costs = {name: trained(rate, passes, seed) for name, rate in asked.items()}
    costs["high, decayed"] = trained(high, passes, seed, SLOWING)
    asked["high, decayed"] = high
    rows: list[tuple[Cell, ...]] = [
        (
            name, f"{asked[name]:g}", f"{cost[0]:.4g}", f"{min(cost):.4g}",
            1 + int(np.argmin(cost)), f"{cost[-1]:.4g}",
        )
        for name, cost in costs.items()
    ]  # fmt: skip
    tables = [
        Table("rates", ("schedule", *(f"epoch {e}" for e in at)), rates),
        Table("course", ("epoch", "0.2 / (1 + epoch)"), course),
        Table("trainings", ("rate is", "rate", "first", "least", "in epoch", "last"), rows),
    ]
    notes = [
        f"Decay {start / epochs:.3g} (the book's rule: rate / epochs) hardly lowers the rate when "
        f"it counts epochs, to {curves['time, by epochs'][-1]:.3g} at the end; Keras 2 counts "
        f"updates, {UPDATES} an epoch in the book, and comes to "
        f"{curves['time, by updates'][-1]:.3g}.",
        f"Last training losses: {_listed(costs)}. To know nothing of ten digits costs "
        f"{np.log(10):.3g} (ln 10). Least of the very high rate: {min(costs['very high']):.3g}, in "
        f"epoch {1 + int(np.argmin(costs['very high']))} of {passes}.",
    ]
    return Found({"schedules": _schedules(curves), "shapes": _shapes(costs, asked)}, tables, notes)


def schedules(start: float, epochs: int) -> dict[str, Callable[[int], float]]:
    """Rates by epoch, from 0."""
    rule = start / epochs
    every = max(1, epochs // 8)  # 5 of 40, as in the book
    return {
        "constant": lambda _: start,
        "steps of 0.5": lambda e: book_steps(start, e, every, 0.5),
        "steps of 0.25": lambda e: book_steps(start, e, every, 0.25),
        "time, in stairs": lambda e: inverse_time_stairs(start, e, every),
        "time, by epochs": lambda e: inverse_time(start, e, rule),
        "time, by updates": lambda e: inverse_time(start, e * UPDATES, rule),
        "linear": lambda e: polynomial(start, e, epochs),
        "polynomial, power 2": lambda e: polynomial(start, e, epochs, 2),
        "cosine": lambda e: cosine(start, e, epochs),
        "exponential, 0.95": lambda e: exponential(start, e),
        "inverse square root": lambda e: inverse_square_root(start, e + 1),
    }


def trained(rate: float, passes: int, seed: int, decay: float = 0.0) -> list[float]:
    """Training loss of every epoch: a network 64-8-10 on scikit-learn's 1,797 digits, plain SGD."""
    digits = load_digits()
    network = LayeredNetwork(
        HIDDEN, optimizer="sgd", rate=rate, decay=decay, epochs=passes, batch_size=BATCH, seed=seed
    )
    with np.errstate(over="ignore", invalid="ignore"):  # a rate may be too high for numbers
        costs = network.fit(digits.data / 16, digits.target).losses_
    return [cost if np.isfinite(cost) else float("inf") for cost in costs]


def _listed(costs: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {cost[-1]:.3g}" for name, cost in costs.items())


def _schedules(curves: dict[str, list[float]]) -> Figure:
    figure, axes = panels(1, 2, height=3.6)
    names = list(curves)
    titles = "Rates that fall in steps, or by time", "Rates that fall all the way"
    for ax, part, title in zip(axes, (names[:6], ["constant", *names[6:]]), titles, strict=True):
        for i, name in enumerate(part):
            color = MUTED if name == "constant" else COLORS[i - 1]
            style = "steps-post" if "steps" in name or "stairs" in name else "default"
            ax.plot(curves[name], color=color, label=name, drawstyle=style)
        ax.set_title(title)
        ax.set_ylim(0, 1.45 * curves["constant"][0])
        ax.set_xlabel("epoch")
        ax.grid(axis="y")
        ax.legend(loc="upper center", ncols=2, fontsize=8, handlelength=1.4, columnspacing=1.0)
    axes[0].set_ylabel("learning rate")
    return figure


def _shapes(costs: dict[str, list[float]], asked: dict[str, float]) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.6)
    top = 1.5 * max(np.log(10), *(cost[0] for cost in costs.values() if cost[0] < 10))
    for name, cost in costs.items():
        color, dash = SHAPES[name]
        shown = np.minimum(cost, 10 * top)  # what has no bound leaves at the top
        label = f"{name}: {asked[name]:g}"
        if name == "high, decayed":
            label += f" / (1 + {SLOWING:g} epoch)"
        ax.plot(np.arange(1, len(cost) + 1), shown, dash, color=color, label=label)
    ax.set_ylim(0, top)
    ax.grid(axis="y")
    ax.legend(loc="upper center", ncols=2, frameon=True)
    ax.set_title("Training loss by learning rate: a network 64-8-10 on digits")
    ax.set_xlabel("epoch")
    ax.set_ylabel("mean cross-entropy")
    return figure


TOPIC = Topic(
    "Learning rates: schedules, and the shapes of the loss",
    "A low rate goes down almost along a straight line, a good one fast and then gently; a high "
    "one is faster at first and levels off above, and a very high one turns back up. Long steps "
    "leap across the bottom of a valley, so schedules begin with long steps and end with short "
    "ones: the high rate, decayed, comes below itself.",
    "Starter book, 16 and 17; course notes, 3.13",
    run,
)
