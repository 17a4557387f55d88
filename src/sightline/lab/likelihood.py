"""Maximum likelihood: its minimum is that of KL, of the squared error, and moves with a prior."""

from math import comb
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes

from sightline.lab.material import Labels
from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE

THROWS = 6  # coins thrown at once
SLOPE = 1.5  # nature's, of the line through 0
STEPS = 2001


def run(
    seed: Annotated[int, Says("of the draws", 0)] = 0,
    throws: Annotated[int, Says("times that six coins are thrown", 1, 100_000)] = 40,
    heads: Annotated[float, Says("nature's chance of heads", 0.01, 0.99)] = 0.35,
    count: Annotated[int, Says("points of the line", 1, 1000)] = 10,
    noise: Annotated[float, Says("deviation of the noise on the line", 0.01, 10)] = 0.8,
    prior: Annotated[float, Says("deviation of the prior on the slope", 0.01, 100)] = 0.5,
) -> Found:
    rng = np.random.default_rng(seed)
    numbers = rng.binomial(THROWS, heads, throws)
    chances = np.linspace(0.01, 0.99, STEPS)
    likelihood, cross, divergence = coins(numbers, chances)
    x = rng.uniform(-1, 1, count)
    y = SLOPE * x + rng.normal(0, noise, count)
    by_least_squares = float(x @ y / (x @ x))
    by_decay = float(x @ y / (x @ x + (noise / prior) ** 2))
    slopes = np.linspace(min(0.0, by_least_squares) - 2, max(SLOPE, by_least_squares) + 2, STEPS)
    squares = ((np.outer(slopes, x) - y) ** 2).mean(axis=1)  # (slopes,)
    lines = squares / (2 * noise**2) + np.log(noise) + 0.5 * np.log(2 * np.pi)
    decayed = count * lines + slopes**2 / (2 * prior**2)
    rows = [
        ("coins: negative log likelihood a throw", lowest(chances, likelihood)[0], "search"),
        ("coins: cross-entropy to the data", lowest(chances, cross)[0], "search"),
        ("coins: KL divergence from the data", lowest(chances, divergence)[0], "search"),
        ("coins: mean number of heads over 6", float(numbers.mean() / THROWS), "formula"),
        ("line: mean squared error", lowest(slopes, squares)[0], "search"),
        ("line: negative log likelihood a point", lowest(slopes, lines)[0], "search"),
        ("line: least squares", by_least_squares, "formula"),
        ("line with prior: negative log posterior", lowest(slopes, decayed)[0], "search"),
        ("line with prior: weight decay", by_decay, "formula"),
    ]
    gap = float((cross - divergence).mean())
    notes = [
        f"Negative log likelihood and cross-entropy are one curve (they differ by "
        f"{np.abs(likelihood - cross).max():.0e} at most), and KL lies {gap:.4g} below it "
        "everywhere: the entropy of the data, which no parameter changes.",
        f"A prior of deviation {prior:g} about 0 is weight decay of {(noise / prior) ** 2:.3g} "
        f"(noise² over prior²): it draws the slope from {by_least_squares:.3f} to {by_decay:.3f}; "
        f"nature's is {SLOPE}.",
    ]
    figure, axes = panels(1, 3, height=3.3)
    _coins(axes[0], chances, cross, divergence, heads)
    _line(axes[1], slopes, squares, lines)
    _posterior(axes[2], slopes, count * lines, prior)
    table = Table("minima", ("what", "where it is least", "found by"), rows)
    return Found({"likelihood": figure}, [table], notes)


def coins(numbers: Labels, chances: Array) -> tuple[Array, Array, Array]:
    """For counts of heads (throws,) and each chance (k,): mean negative log likelihood by summing
    over the throws; cross-entropy and KL divergence by summing over the outcomes. All (k,)."""
    outcomes = np.arange(THROWS + 1)
    ways = np.array([comb(THROWS, int(i)) for i in outcomes])
    logs = (
        np.log(ways)
        + np.outer(np.log(chances), outcomes)
        + np.outer(np.log(1 - chances), THROWS - outcomes)
    )  # (k, outcomes)
    data = np.bincount(numbers, minlength=THROWS + 1) / len(numbers)
    there = data > 0
    likelihood = -logs[:, numbers].mean(axis=1)
    cross = -(logs * data).sum(axis=1)
    divergence = (data[there] * (np.log(data[there]) - logs[:, there])).sum(axis=1)
    return likelihood, cross, divergence


def lowest(places: Array, values: Array) -> tuple[float, float]:
    """Where values are least, and how low."""
    at = int(values.argmin())
    return float(places[at]), float(values[at])


def _mark(ax: Axes, places: Array, values: Array, color: str) -> None:
    at, low = lowest(places, values)
    ax.plot(at, low, "o", color=color, markersize=6)
    ax.axvline(at, ymax=0.72, color=MUTED, linestyle=":", linewidth=0.9)


def _coins(ax: Axes, chances: Array, cross: Array, divergence: Array, heads: float) -> None:
    ax.plot(chances, cross, color=BLUE, label="cross-entropy = NLL")
    ax.plot(chances, divergence, color=ORANGE, label="KL divergence")
    _mark(ax, chances, cross, BLUE)
    _mark(ax, chances, divergence, ORANGE)
    ax.plot(heads, 0, "^", color=INK, clip_on=False, label="nature's chance")
    ax.set_ylim(0, 4 * cross.min())
    ax.set_title("Coins: one minimum")
    ax.set_xlabel("chance of heads in the model")
    ax.set_ylabel("nats")
    ax.legend(loc="upper center", fontsize=8)


def _line(ax: Axes, slopes: Array, squares: Array, lines: Array) -> None:
    ax.plot(slopes, squares, color=GREEN, label="mean squared error")
    ax.plot(slopes, lines, color=BLUE, label="Gaussian NLL")
    _mark(ax, slopes, squares, GREEN)
    _mark(ax, slopes, lines, BLUE)
    ax.set_title("Line: one minimum")
    ax.set_xlabel("slope")
    ax.set_ylim(min(0.0, lines.min()), 1.6 * max(squares.max(), lines.max()))
    ax.legend(loc="upper center", fontsize=8)


def _posterior(ax: Axes, slopes: Array, lines: Array, prior: float) -> None:
    curves = {
        "prior": (slopes**2 / (2 * prior**2), MUTED),
        "likelihood": (lines, BLUE),
        "posterior": (lines + slopes**2 / (2 * prior**2), COLORS[3]),
    }
    for name, (negative, color) in curves.items():
        heights = np.exp(negative.min() - negative)
        ax.plot(slopes, heights, color=color, label=name)
        ax.plot(slopes[heights.argmax()], 1, "o", color=color)
    ax.axvline(SLOPE, ymax=0.68, color=INK, linestyle="--", linewidth=1, label="nature's slope")
    ax.set_ylim(0, 1.5)
    ax.set_yticks([])
    ax.set_title("Line with a prior: MAP")
    ax.set_xlabel("slope")
    ax.set_ylabel("density, each over its highest")
    ax.legend(loc="upper center", fontsize=8, ncols=2)


TOPIC = Topic(
    "Maximum likelihood is least KL divergence",
    "The most likely parameter is where the model's KL divergence from the data is least, for the "
    "two differ by the data's own entropy; with Gaussian noise that is where the squared error is "
    "least. A prior draws the answer towards itself, and a Gaussian prior does so as weight decay.",
    "Theory book, maximum likelihood",
    run,
)
