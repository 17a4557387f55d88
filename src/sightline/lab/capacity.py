"""Capacity: polynomials of degree 1, 2 and 9 on a few points of a parabola, and the errors."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sightline.lab.pictures import Array, logarithmic, panels
from sightline.lab.topic import Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE
from sightline.scratch import polynomial

WIDE = np.linspace(-1, 1, 401)


def truth(x: Array) -> Array:
    """The parabola that nature draws from."""
    return 1.5 * x**2 - 0.5 * x - 0.5


def run(
    seed: Annotated[int, Says("of the points and their noise", 0)] = 3,
    count: Annotated[int, Says("points to learn from", 3, 1000)] = 10,
    noise: Annotated[float, Says("deviation of the noise on y", 0, 2)] = 0.2,
    degrees: Annotated[int, Says("the highest degree", 9, 30)] = 12,
    decay: Annotated[
        float, Says("weight decay of degree 9 in the second picture", 1e-9, 1e3)
    ] = 0.01,
    sets: Annotated[int, Says("training sets, for the median error a degree", 1, 5000)] = 300,
) -> Found:
    rng = np.random.default_rng(seed)
    x, y = drawn(count, noise, rng)
    known = [(1, 0.0, "degree 1: too stiff"), (2, 0.0, "degree 2: as nature's")]
    three = fits(x, y, noise, [*known, (9, 0.0, "degree 9: too free")])
    tamed = [(100.0, "far too much"), (decay, "some"), (0.0, "none")]
    decays = fits(x, y, noise, [(9, d, f"decay {d:g}: {words}") for d, words in tamed])
    errors = medians(rng, count, noise, degrees, sets)
    rows = [(degree, float(a), float(b)) for degree, (a, b) in enumerate(errors)]
    best = int(errors[:, 1].argmin())
    notes = [
        f"Over {sets} sets of {count} points, the median error on new points is least at degree "
        f"{best}: {errors[best, 1]:.3g}; the noise alone, which no answer can better, is "
        f"{noise**2:.3g}. Degree 1 ends at {errors[1, 1]:.3g}, degree 9 at {errors[9, 1]:.3g}.",
        f"On the set drawn here, degree 9 errs by {error(x, y, 9, 0, noise):.3g} on new points "
        f"without decay, and by {error(x, y, 9, decay, noise):.3g} with {decay:g}.",
    ]
    table = Table("errors", ("degree", "training error", "error on new points"), rows)
    pictures = {"fits": three, "curves": _curves(errors, noise, best, count), "decay": decays}
    return Found(pictures, [table], notes)


def drawn(count: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Points x (n,), one somewhere in each n-th part of -1 to 1, and y with noise."""
    x = -1 + 2 * (np.arange(count) + rng.uniform(0, 1, count)) / count
    return x, truth(x) + rng.normal(0, noise, count)


def error(x: Array, y: Array, degree: int, decay: float, noise: float) -> float:
    """Expected squared error on new points between -1 and 1, of a fit to (x, y)."""
    found = polynomial.values(polynomial.fit(x, y, degree, decay), WIDE)
    return float(((found - truth(WIDE)) ** 2).mean()) + noise**2


def medians(rng: np.random.Generator, count: int, noise: float, degrees: int, sets: int) -> Array:
    """Median training error and error on new points, (degrees + 1, 2)."""
    found = np.empty((sets, degrees + 1, 2))
    for at in range(sets):
        x, y = drawn(count, noise, rng)
        for degree in range(degrees + 1):
            fitted = polynomial.fit(x, y, degree)
            found[at, degree, 0] = ((polynomial.values(fitted, x) - y) ** 2).mean()
            off = polynomial.values(fitted, WIDE) - truth(WIDE)
            found[at, degree, 1] = (off**2).mean() + noise**2
    found[found < 1e-20] = 0  # what is left where a fit passes through every point
    return np.median(found, axis=0)


def fits(x: Array, y: Array, noise: float, asked: list[tuple[int, float, str]]) -> Figure:
    """A panel for each (degree, decay, title)."""
    figure, axes = panels(1, len(asked), height=2.9)
    for ax, (degree, decay, title) in zip(axes, asked, strict=True):
        _fit(ax, x, y, polynomial.fit(x, y, degree, decay))
        mean = error(x, y, degree, decay, noise)
        ax.set_title(title, fontsize=9.5)
        ax.set_xlabel(f"x   (error on new points {mean:.3g})")
    axes[0].set_ylabel("y")
    axes[0].legend(loc="upper center", fontsize=8)
    return figure


def _fit(ax: Axes, x: Array, y: Array, coefficients: Array) -> None:
    ax.plot(WIDE, truth(WIDE), "--", color=MUTED, linewidth=1.2, label="truth")
    ax.plot(WIDE, polynomial.values(coefficients, WIDE), color=ORANGE, label="fit")
    ax.plot(x, y, "o", color=BLUE, label="points", markersize=5)
    room = 0.6 * (y.max() - y.min()) + 0.1
    ax.set_ylim(y.min() - room, y.max() + room)


def _curves(errors: Array, noise: float, best: int, count: int) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.6)
    at = np.arange(len(errors))
    ax.plot(at, errors[:, 1], "o-", color=ORANGE, label="on new points", markersize=4)
    ax.plot(at, errors[:, 0], "s-", color=BLUE, label="on the training points", markersize=4)
    low = max(noise**2, 1e-4) / 20
    if noise > 0:
        ax.axhline(noise**2, color=INK, linestyle="--", linewidth=1.2, label="Bayes error")
    ax.axvline(best, color=GREEN, linewidth=6, alpha=0.25, label="best degree")
    logarithmic(ax, "y")
    ax.set_ylim(low, 3 * max(errors[1:, 1].max(), errors[0].max()))
    ax.set_xticks(at)
    ax.grid(axis="y")
    ax.set_title(f"Median squared error of {count} points' fits against capacity")
    ax.set_xlabel("degree of the polynomial")
    ax.set_ylabel("squared error (logarithmic scale)")
    ax.legend(loc="upper center")
    return figure


TOPIC = Topic(
    "Capacity: too stiff, right, too free",
    "The training error only falls with the degree, while the error on new points falls, then "
    "rises again, and never passes below the Bayes error, which is the noise itself. A polynomial "
    "of degree 9 has room for the noise of ten points, and weight decay takes that room back.",
    "Theory book, capacity",
    run,
)
