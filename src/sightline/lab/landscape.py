"""Loss landscapes: a curve with four valleys, and the loss around a small trained network."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, INK, MUTED, ORANGE, PAPER
from sightline.scratch.layered import LayeredNetwork, cost, forward, layer_of
from sightline.scratch.layers import Arrays, Layer

TRAIN = 1347  # of 1,797 digits
LOW, HIGH = -4.0, 4.0  # of the curve
DESCENT = 400  # steps of each start
SHARES = np.linspace(-0.25, 1.25, 61)  # of the way from one network to the other
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ground:
    """Digits, and networks of one shape trained on them from two seeds."""

    X: Array
    y: Labels
    layers: list[Layer]
    first: Arrays
    second: Arrays


def run(
    starts: Annotated[int, Says("of descent on the curve, evenly spread", 1, 12)] = 6,
    rate: Annotated[float, Says("of descent on the curve", 1e-4, 1)] = 0.05,
    units: Annotated[int, Says("of the network's two hidden layers", 1, 64)] = 16,
    epochs: Annotated[int, Says("that the network is trained", 0, 200)] = 30,
    reach: Annotated[float, Says("of the plane to all sides, in lengths of the weights", 0.05, 5)]
    = 1.0,
    side: Annotated[int, Says("losses along a side of the plane", 5, 101)] = 41,
    seed: Annotated[int, Says("of the network and of the two directions", 0)] = 0,
) -> Found:  # fmt: skip
    ends, tracks = descents(starts, rate)
    valleys = sorted({round(float(end), 2) for end in ends})
    ground = grounded(units, epochs, seed)
    along = np.linspace(-reach, reach, side)
    plane, pair = around(ground, along, seed)
    line = along_line(ground)
    ends_of = [float(line[np.abs(SHARES - t).argmin()]) for t in (0, 1)]
    ridge = float(line[(SHARES >= 0) & (SHARES <= 1)].max())
    rim = _rim(plane)
    here = loss(ground, ground.first)
    rows: list[tuple[Cell, ...]] = [
        (f"{x[0]:.2f}", f"{x[-1]:.3f}", float(curve(x[-1]))) for x in tracks
    ]
    tables = [
        Table("starts", ("start", "end", "loss"), rows),
        Table("around", ("place", "training loss", "accuracy (%)"), _places(ground, pair, reach)),
    ]
    best = min(float(curve(end)) for end in ends)
    lowest = sum(float(curve(end)) < best + 1e-3 for end in ends)
    notes = [
        f"{starts} starts end in {len(valleys)} places; {lowest} of them find the lowest, "
        f"{best:.3f}",
        f"the network's loss is {here:.4f}; on the rim of the plane it is {rim.min():.2f} to "
        f"{rim.max():.3g}",
        f"two seeds end at losses {ends_of[0]:.4f} and {ends_of[1]:.4f}; on the straight line "
        f"through both the loss rises to {ridge:.2f} between them",
    ]
    pictures = {
        "curve": _curve(tracks, rate),
        "plane": _plane(along, plane, epochs),
        "between": _between(line),
    }
    return Found(pictures, tables, notes)


def curve(x: Array | float) -> Array:
    """A loss of one weight with four valleys between -4 and 4."""
    x = np.asarray(x)
    return np.asarray(0.08 * (x - 0.6) ** 2 + 0.5 * np.cos(2.4 * x) + 0.15 * np.sin(x) + 0.6)


def slope(x: Array | float) -> Array:
    """The curve's derivative."""
    x = np.asarray(x)
    return np.asarray(0.16 * (x - 0.6) - 1.2 * np.sin(2.4 * x) + 0.15 * np.cos(x))


def descents(starts: int, rate: float) -> tuple[Array, list[Array]]:
    """Where each start ends, (starts,), and its way (401,)."""
    x = np.linspace(LOW + 0.3, HIGH - 0.3, starts)
    ways = [x]
    for _ in range(DESCENT):
        ways.append(np.clip(ways[-1] - rate * slope(ways[-1]), LOW, HIGH))
    return ways[-1], list(np.array(ways).T)


def grounded(units: int, epochs: int, seed: int) -> Ground:
    """The digits and two networks 64-units-units-10, from `seed` and the seed after it."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order] / 16, y[order].astype(np.int64)
    ends = []
    for s in (seed, seed + 1):
        network = LayeredNetwork((units, units), rate=0.005, epochs=epochs, seed=s)
        network.fit(X[:TRAIN], y[:TRAIN])
        ends.append(network.state())
    return Ground(X, y, network.layers_, *ends)


def loss(ground: Ground, weights: Arrays) -> float:
    """Mean cross-entropy over the training digits with these weights."""
    placed(ground.layers, weights)
    scores = forward(ground.layers, ground.X[:TRAIN], training=False)
    return cost(scores, ground.y[:TRAIN], {}, 0.0)


def right(ground: Ground, weights: Arrays) -> float:
    """Accuracy over the test digits, 0 to 1."""
    placed(ground.layers, weights)
    scores = forward(ground.layers, ground.X[TRAIN:], training=False)
    return float((scores.argmax(axis=1) == ground.y[TRAIN:]).mean())


def placed(layers: list[Layer], weights: Arrays) -> None:
    """Put weights named "3.W" into their layers."""
    for name, array in weights.items():
        layers[layer_of(name)].parameters[name.partition(".")[2]] = array


def direction(weights: Arrays, rng: np.random.Generator) -> Arrays:
    """A random direction as long as the weights, unit by unit: each column of a matrix has the
    length of the unit's own weights; biases stay (Li et al., 2018)."""
    found = {}
    for name, W in weights.items():
        drawn = rng.normal(size=W.shape)
        if W.ndim == 2:
            lengths = np.linalg.norm(drawn, axis=0)
            found[name] = drawn / lengths * np.linalg.norm(W, axis=0)
        else:
            found[name] = np.zeros_like(W)
    return found


def moved(weights: Arrays, a: float, along: Arrays, b: float, across: Arrays) -> Arrays:
    """weights + a along + b across."""
    return {name: W + a * along[name] + b * across[name] for name, W in weights.items()}


def around(ground: Ground, along: Array, seed: int) -> tuple[Array, tuple[Arrays, Arrays]]:
    """Losses (side, side) over the plane of two random directions through the first network."""
    rng = np.random.default_rng(seed)
    pair = direction(ground.first, rng), direction(ground.first, rng)
    losses = [
        [loss(ground, moved(ground.first, float(a), pair[0], float(b), pair[1])) for a in along]
        for b in along
    ]
    return np.array(losses), pair


def along_line(ground: Ground) -> Array:
    """Losses on the straight line through both networks, at `SHARES` of the way."""
    way = {name: ground.second[name] - W for name, W in ground.first.items()}
    return np.array([loss(ground, moved(ground.first, float(t), way, 0.0, way)) for t in SHARES])


def _places(ground: Ground, pair: tuple[Arrays, Arrays], reach: float) -> list[tuple[Cell, ...]]:
    """Loss and accuracy at the trained weights and away from them."""
    rows: list[tuple[Cell, ...]] = []
    for away in (0.0, 0.25, 0.5, 1.0):
        weights = moved(ground.first, away * reach, pair[0], 0.0, pair[1])
        share = f"{100 * right(ground, weights):.1f}"
        rows.append((f"{away * reach:g} along", loss(ground, weights), share))
    return rows


def _rim(plane: Array) -> Array:
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def _curve(tracks: list[Array], rate: float) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.6)
    x = np.linspace(LOW, HIGH, 400)
    ax.plot(x, curve(x), color=MUTED)
    for i, track in enumerate(tracks):
        color = COLORS[i % len(COLORS)]
        ax.plot(track, curve(track), ".-", color=color, markersize=4, linewidth=0.8, alpha=0.7)
        ax.plot(track[0], curve(track[0]), "o", color=color, markerfacecolor=PAPER, markersize=8)
        ax.plot(track[-1], curve(track[-1]), "o", color=color, markersize=8)
    ax.set_title(f"Descent at rate {rate:g} from several starts (rings) to its ends (discs)")
    ax.set_xlabel("the weight")
    ax.set_ylabel("loss")
    ax.grid(axis="y")
    return figure


def _plane(along: Array, plane: Array, epochs: int) -> Figure:
    """Bands of equal ratio around the network, and a bowl beside them for comparison."""
    figure, axes = panels(1, 2, height=3.7)
    reach = along[-1]
    x, y = np.meshgrid(along, along)
    bowl = plane[len(along) // 2, len(along) // 2] + (x**2 + y**2) / reach**2 * _rim(plane).mean()
    titles = (f"The loss around a network, {epochs} epochs", "A bowl, as one pictures it")
    levels = np.geomspace(max(float(plane.min()), 1e-3), float(plane.max()), 12)
    for ax, heights, title in zip(axes, (plane, bowl), titles, strict=True):
        ax.contourf(
            x, y, heights.clip(levels[0], levels[-1]), levels=levels, cmap="Blues_r",
            norm=LogNorm(levels[0], levels[-1] * 3),
        )  # fmt: skip
        lines = ax.contour(x, y, heights, levels=levels[1:-1], colors=INK, linewidths=0.6)
        ax.clabel(lines, levels[1:-1:2], fmt="%.2g", fontsize=7.5)
        ax.plot(0, 0, "x", color=ORANGE, markersize=9, markeredgewidth=2)
        ax.set_aspect("equal")
        ax.set_title(title)
        ax.set_xlabel("along the first direction")
    axes[0].set_ylabel("along the second")
    return figure


def _between(line: Array) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.0)
    ax.plot(SHARES, line, color=BLUE)
    for t, name in ((0.0, "the network"), (1.0, "another seed's")):
        at = line[int(np.abs(SHARES - t).argmin())]
        ax.plot(t, at, "o", color=ORANGE)
        ax.annotate(name, (t, at), (0, 12), textcoords="offset points", ha="center", color=ORANGE)
    ax.grid(axis="y")
    ax.set_ylim(-0.04 * line.max(), None)
    ax.set_title("The loss on the straight line from one trained network to another")
    ax.set_xlabel("share of the way")
    ax.set_ylabel("training loss")
    return figure


TOPIC = Topic(
    "Loss landscapes",
    "See where descent ends on the curve: in the valley of its start, not always in the lowest. "
    "Around a trained network the loss is a valley too, and between two networks from two seeds "
    "lies a ridge; but the valleys of such networks are about equally deep, so a good enough one "
    "is found without finding the lowest.",
    "Starter book, 9.1; Li et al., 2018",
    run,
)
