"""Too little, too much, and good fit: three networks on the same points, and their curves."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.lab.material import Labels, moons
from sightline.lab.pictures import Array, panels, points, regions
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, MUTED, ORANGE
from sightline.scratch.layered import LayeredNetwork

LOW, HIGH = (-1.9, -1.5), (2.9, 2.0)
NAMES = ("too little", "good", "too much")
Curve = list[float]


def run(
    seed: Annotated[int, Says("of the points and the first weights", 0)] = 0,
    count: Annotated[int, Says("points to learn from", 10, 2000)] = 60,
    noise: Annotated[float, Says("deviation of the points from their moon", 0, 2)] = 0.3,
    epochs: Annotated[int, Says("passes over the points", 3, 2000)] = 150,
    units: Annotated[int, Says("units of both layers of the large network", 2, 512)] = 64,
    decay: Annotated[float, Says("L2 of the good network", 0, 100)] = 0.3,
) -> Found:
    X, y = moons(count, noise, seed)
    held = moons(1000, noise, seed + 10_000)
    networks = (
        LayeredNetwork((), rate=0.02, epochs=epochs, seed=seed),
        LayeredNetwork((16,), rate=0.02, epochs=epochs, l2=decay, seed=seed),
        LayeredNetwork((units, units), rate=0.02, epochs=epochs, seed=seed),
    )
    curves = [learned(network, (X, y), held) for network in networks]
    rows, notes = [], []
    for name, network, (train, val) in zip(NAMES, networks, curves, strict=True):
        a, b = 1 - network.score(X, y), 1 - network.score(*held)
        sizes = "-".join(map(str, [2, *network.hidden, 2]))
        rows.append((name, sizes, train[-1], val[-1], f"{a:.1%}", f"{b:.1%}"))
        notes.append(f"{name.capitalize()} ({sizes}): {verdict(train, val, a, b)}")
    heads = (
        "fit", "network", "training loss", "validation loss", "training error", "validation error",
    )  # fmt: skip
    figure = _drawn(networks, curves, X, y)
    return Found({"fits": figure}, [Table("losses", heads, rows)], notes)


def learned(
    network: LayeredNetwork, train: tuple[Array, Labels], val: tuple[Array, Labels]
) -> tuple[Curve, Curve]:
    """Training and validation loss after every epoch, without the penalty."""
    losses: tuple[Curve, Curve] = ([], [])
    for _ in network.fitting(*train):
        for (X, y), kept in zip((train, val), losses, strict=True):
            chances = network.predict_proba(X)[np.arange(len(y)), y]
            kept.append(float(-np.log(np.maximum(chances, 1e-300)).mean()))
    return losses


def verdict(train: Curve, val: Curve, train_error: float, val_error: float) -> str:
    """What the two errors and curves say, by section 3.2 of the course (base error about 0)."""
    best = int(np.argmin(val))
    words = f"training error {train_error:.1%}, validation error {val_error:.1%}; "
    if val[-1] > 1.25 * val[best]:
        return words + (
            f"validation loss is least after epoch {best + 1} ({val[best]:.3g}) and rises to "
            f"{val[-1]:.3g} while training loss falls to {train[-1]:.2g}: variance."
        )
    if train_error > 0.1 and val_error - train_error < train_error / 2:
        return words + "both are high and alike: bias."
    return words + f"validation loss ends at {val[-1]:.3g}, near its least ({val[best]:.3g})."


def _drawn(
    networks: tuple[LayeredNetwork, ...], curves: list[tuple[Curve, Curve]], X: Array, y: Labels
) -> Figure:
    figure, axes = panels(2, 3, height=2.6)
    top = 1.1 * max(curves[0][0][0], max(min(val) for _, val in curves) * 2)
    for plane, below, network, (train, val), name in zip(
        axes[:3], axes[3:], networks, curves, NAMES, strict=True
    ):
        regions(plane, network.predict, LOW, HIGH, 2)
        points(plane, X, y)
        plane.set_xlim(LOW[0], HIGH[0])
        plane.set_ylim(LOW[1], HIGH[1])
        plane.set_title(f"{name}: {'-'.join(map(str, [2, *network.hidden, 2]))}")
        plane.set_xticks([])
        plane.set_yticks([])
        _curve(below, train, val, top)
    axes[3].set_ylabel("loss (cross-entropy)")
    axes[3].legend(loc="upper right", fontsize=8, frameon=True)
    return figure


def _curve(ax: Axes, train: Curve, val: Curve, top: float) -> None:
    epochs = np.arange(1, len(train) + 1)
    ax.plot(epochs, train, color=BLUE, label="training")
    ax.plot(epochs, val, color=ORANGE, label="validation")
    best = int(np.argmin(val))
    ax.plot(best + 1, val[best], "o", color=ORANGE)
    ax.axvline(best + 1, color=MUTED, linewidth=0.8, linestyle=":")
    ax.set_ylim(0, top)
    ax.grid(axis="y")
    ax.set_xlabel("epoch")


TOPIC = Topic(
    "Too little, good, and too much fit",
    "A line cannot follow the moons and both its losses stay high; the large network bends around "
    "single points, and its validation loss turns up while the training loss goes to zero. The "
    "gap between the two curves, not the training loss, says which of the two it is.",
    "Starter book, 9.3 and 17; course notes, 3.2",
    run,
)
