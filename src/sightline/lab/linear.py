"""Linear scoring by weights nobody learned: a seed can be chosen that answers right."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image

from sightline import images
from sightline.lab.pictures import Array, panels
from sightline.lab.pictures import image as show
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, MUTED
from sightline.scratch.linear import (
    EXAMPLE_LABELS,
    example_scores,
    example_weights,
    with_bias,
    with_ones,
)

SIZE = 32
Pixels = NDArray[np.uint8]


def run(
    image: Annotated[Path | None, Says("the photograph to score; else one of a flower")] = None,
    seed: Annotated[int, Says("of the random weights; the book's is 1", 0, 2**32 - 1)] = 1,
    truth: Annotated[Literal["dog", "cat", "panda"], Says("what the image is to be")] = "dog",
    seeds: Annotated[int, Says("try so many seeds, from 0 up", 1, 10_000)] = 1000,
) -> Found:
    photo = images.read(image) if image else load_sample_image("flower.jpg")
    photo = images.to_channels(photo, 3)
    small = bilinear(photo, SIZE)
    x = small[..., ::-1].reshape(1, -1).astype(np.float64)  # (1, 3072), blue first
    found = example_scores(small[..., ::-1], seed)
    averaged = example_scores(images.resize(photo, (SIZE, SIZE))[..., ::-1], seed)
    trick = (with_ones(x) @ with_bias(*example_weights(seed)).T)[0]  # (3,)
    answer = max(found, key=lambda label: found[label])
    rows: list[tuple[Cell, ...]] = [
        (label, f"{found[label]:.2f}", f"{trick[i]:.2f}", f"{averaged[label]:.2f}")
        for i, label in enumerate(EXAMPLE_LABELS)
    ]
    drawn = over_seeds(small, seeds)
    chosen = drawn.argmax(axis=1)
    tried: list[tuple[Cell, ...]] = [
        (label, int(np.sum(chosen == i)), ", ".join(map(str, np.flatnonzero(chosen == i)[:8])))
        for i, label in enumerate(EXAMPLE_LABELS)
    ]
    heads = ("label", "W x + b", "[W, b] [x, 1]", "shrunk by averaging")
    tables = [
        Table("scores", heads, rows),
        Table("seeds", ("answer", f"of {seeds} seeds", "the first of them"), tried),
    ]
    right = np.flatnonzero(chosen == EXAMPLE_LABELS.index(truth))
    first = f"The first seed that says {truth} is {right[0]}" if len(right) else "None"
    notes = [
        f"Seed {seed} answers {answer}. {first}; {len(right) / seeds:.0%} of {seeds} do, though "
        "none has learned anything.",
        f"Each score is a sum of 3,072 products, as often up as down: its standard deviation over "
        f"seeds is the length of [x, 1], {np.linalg.norm(with_ones(x)):,.0f}. With the bias as a "
        f"last column the scores differ by {np.abs(trick - list(found.values())).max():.1g}.",
        f"Seed {seed}'s weights add up to {_sums(seed)}: the largest gains most from light, "
        "so that a seed gives most photographs the same answer.",
    ]
    return Found({"scored": _drawn(photo, small, found, seed, drawn)}, tables, notes)


def bilinear(photo: Pixels, side: int) -> Pixels:
    """(h, w, 3) to (side, side, 3), whatever its ratio, each pixel from the four about its center:
    what the book's cv2.resize does, skipping most of a large photograph."""
    result = photo.astype(np.float64)
    for axis in (0, 1):
        length = result.shape[axis]
        at = np.clip((np.arange(side) + 0.5) * length / side - 0.5, 0, length - 1)
        low = np.floor(at).astype(int)
        part = (at - low).reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        high = np.minimum(low + 1, length - 1)
        result = result.take(low, axis) * (1 - part) + result.take(high, axis) * part
    return result.round().astype(np.uint8)


def over_seeds(small: Pixels, seeds: int) -> Array:
    """The three scores by each seed's weights, (seeds, 3)."""
    x = small[..., ::-1].reshape(-1).astype(np.float64)
    weights = (example_weights(seed) for seed in range(seeds))
    return np.array([W @ x + b for W, b in weights])


def _drawn(
    photo: Pixels, small: Pixels, found: dict[str, float], seed: int, drawn: Array
) -> Figure:
    """The photograph, what is scored, the scores, and one class's weights; how seeds answer."""
    figure, axes = panels(2, 3, height=2.5)
    show(axes[0], photo, "The image")
    show(axes[1], small, "What is scored: 32 x 32")
    best = max(found, key=lambda label: found[label])
    _bars(axes[2], found, best, f"Seed {seed} says {best}", "{:,.0f}")
    W, _ = example_weights(seed)
    label = EXAMPLE_LABELS.index(best)
    show(axes[3], weights_shown(W[label]), f"Weights of {best}: noise")
    axes[4].hist(drawn[:, label], bins=24, color=BLUE)
    axes[4].axvline(found[best], color=GREEN)
    axes[4].set_yticks([])
    axes[4].xaxis.set_major_locator(MaxNLocator(3))
    axes[4].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes[4].set_title(f"Scores of {best}, all seeds")
    chosen = drawn.argmax(axis=1)
    counts = {name: float(np.mean(chosen == i)) for i, name in enumerate(EXAMPLE_LABELS)}
    _bars(axes[5], counts, "", f"Answers of {len(drawn):,} seeds", "{:.1%}")
    return figure


def _bars(ax: Axes, values: dict[str, float], best: str, title: str, form: str) -> None:
    colors = [GREEN if name == best else BLUE for name in values]
    bars = ax.bar(list(values), list(values.values()), color=colors, width=0.6)
    ax.bar_label(bars, [form.format(value) for value in values.values()], padding=2, fontsize=8)
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.margins(y=0.18)
    ax.set_yticks([])
    ax.set_title(title)


def _sums(seed: int) -> str:
    sums = example_weights(seed)[0].sum(axis=1)
    return ", ".join(f"{total:.0f} for {n}" for n, total in zip(EXAMPLE_LABELS, sums, strict=True))


def weights_shown(row: Array) -> Pixels:
    """(3072,) weights, blue first, to a picture (32, 32, 3): -3 black, 3 white."""
    pixels = np.clip(row.reshape(SIZE, SIZE, 3)[..., ::-1] / 6 + 0.5, 0, 1)
    return (255 * pixels).round().astype(np.uint8)


TOPIC = Topic(
    "A linear score by random weights",
    "The scores are thousands apart and one is the highest, but the weights are noise, and about a "
    "third of all seeds give each answer. A score is a sum of 3,072 random products, so whoever "
    "may choose the seed may choose the answer; the bias as one more column of weights changes no "
    "score.",
    "Starter book, 8.1",
    run,
)
