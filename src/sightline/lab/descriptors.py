"""Descriptors made by hand: what they see of a photograph, and how well classifiers do on them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.data.canvas import Canvas
from sightline.data.catalog import open_named
from sightline.data.dataset import Dataset
from sightline.data.split import cut
from sightline.errors import DataError
from sightline.lab.photographs import gray, photograph, ratio
from sightline.lab.pictures import Array, panels
from sightline.lab.pictures import image as draw
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE
from sightline.scratch.color import histogram, most_deviation, statistics
from sightline.scratch.hog import cells, hog
from sightline.scratch.lbp import lbp, patterns, uniform
from sightline.scratch.neighbors import KNeighbors
from sightline.scratch.regression import SoftmaxRegression
from sightline.types import Image

BOOK = (  # table 4.1: means, then deviations, of red, green, blue
    ("cat", (57.61, 41.36, 123.44, 158.33, 149.86, 93.33)),
    ("cat", (120.23, 121.59, 181.43, 145.58, 69.13, 116.91)),
    ("cat", (124.15, 193.35, 65.77, 23.63, 193.74, 162.70)),
    ("dog", (100.28, 163.82, 104.81, 19.62, 117.07, 21.11)),
    ("dog", (177.43, 22.31, 149.49, 197.41, 18.99, 187.78)),
    ("dog", (149.73, 87.17, 187.97, 50.27, 87.15, 36.65)),
)


@dataclass(frozen=True)
class Setting:
    """How a set's images are described: their side, HOG's cells, LBP's grid, bins a channel."""

    side: int
    cell: int
    grid: int
    bins: int


SETTINGS = {"digits": Setting(8, 2, 3, 8), "animals": Setting(64, 8, 4, 4)}


def run(
    data: Annotated[
        Literal["digits", "animals"], Says("what to classify; animals must be there")
    ] = "digits",
    images: Annotated[int, Says("of the set, a quarter of them to test", 80, 3000)] = 1200,
    k: Annotated[int, Says("neighbors that vote", 1, 25)] = 5,
    seed: Annotated[int, Says("of the split", 0)] = 0,
    image: Annotated[Path | None, Says("a picture to describe; else scikit-learn's temple")] = None,
    cell: Annotated[int, Says("side of HOG's cells in that picture, pixels", 4, 32)] = 8,
) -> Found:
    photo = photograph(image, "china", 240)
    if min(photo.shape[:2]) < max(cell, 3):
        raise DataError(
            f"cell {cell}: the picture is {photo.shape[1]}x{photo.shape[0]} when shrunk"
        )
    scores = compared(data, images, k, seed)
    pictures = {"photograph": _photograph(photo, cell), "accuracy": _bars(scores, data)}
    own: tuple[Cell, ...] = ("this picture", *(round(float(v), 2) for v in statistics(photo)))
    head = ("what", *(f"{part} {c}" for part in ("mean", "deviation") for c in "RGB"))
    book: list[tuple[Cell, ...]] = [(name, *values) for name, values in BOOK]
    tables = [
        Table("accuracy-by-feature", ("feature", "numbers", f"{k} nearest", "softmax"), scores),
        Table("table-4-1", head, [*book, own]),
    ]
    return Found(pictures, tables, _notes(scores, data, photo, cell))


Score = tuple[str, int, float, float]


def compared(data: Literal["digits", "animals"], images: int, k: int, seed: int) -> list[Score]:
    """Features of a set, their number, and the test accuracy of k-NN and of softmax regression.

    Raises DataError where the set is not there.
    """
    splits = cut(open_named(data), 0.0, 0.25, seed)
    assert splits.test is not None
    count = min(images, len(splits))
    train = _read(splits.train, count - count // 4, data, seed)
    test = _read(splits.test, count // 4, data, seed)
    described = [_described(pixels, data) for pixels, _ in (train, test)]
    scores: list[Score] = []
    for name in described[0]:
        X, Z = (features[name] for features in described)
        deviation = X.std(axis=0)
        X, Z = ((F - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1) for F in (X, Z))
        near = KNeighbors(k).fit(described[0][name], train[1])
        softmax = SoftmaxRegression("l2", 1e-2, epochs=150, rate=0.05).fit(X, train[1])
        scores.append(
            (name, X.shape[1], near.score(described[1][name], test[1]), softmax.score(Z, test[1]))
        )
    return scores


def _read(part: Dataset, count: int, data: str, seed: int) -> tuple[list[Image], NDArray[np.int64]]:
    """So many images of a part on canvases of the set's side, and their labels."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(part))[:count])
    labels = part.truths.label
    assert labels is not None
    side = SETTINGS[data].side
    held = part.images(rows)
    if data == "digits":
        return list(held), labels[rows]
    canvas = Canvas((side, side))
    return [canvas.place(image)[0].pixels for image in held], labels[rows]


def _described(pixels: list[Image], data: str) -> dict[str, Array]:
    """(n, numbers) of each feature, in the order of how much they know of places."""
    s, top = SETTINGS[data], 16 if data == "digits" else 255
    color = "color " if pixels[0].shape[2] == 3 else "gray "
    grays = [gray(image) if image.shape[2] == 3 else image[..., 0] for image in pixels]
    found = {
        f"{color}statistics": np.array([statistics(image) for image in pixels]),
        f"{color}histogram": np.array([histogram(image, s.bins, top) for image in pixels]),
        "LBP": np.array([lbp(image) for image in grays]),
        f"LBP on a grid {s.grid}x{s.grid}": np.array([lbp(image, grid=s.grid) for image in grays]),
        "HOG": np.array([hog(image, cell=s.cell) for image in grays]),
    }
    found["all of these"] = np.hstack([values / (values.std() or 1.0) for values in found.values()])
    found["pixels"] = np.array([image.ravel() / top for image in pixels])
    return found


def _notes(scores: list[Score], data: str, photo: Image, cell: int) -> list[str]:
    best = max(scores, key=lambda score: max(score[2:]))
    least = min(scores, key=lambda score: max(score[2:]))
    raw = next(score for score in scores if score[0] == "pixels")
    pairs = [pair for _, row in BOOK for pair in zip(row[:3], row[3:], strict=True)]
    over = sum(deviation > most_deviation(mean) for mean, deviation in pairs)
    said = "the raw pixels are" if best is raw else f"{best[0]} ({best[1]} numbers) is"
    return [
        f"on {data} {said} best with {max(best[2:]):.1%}, and {least[0]} ({least[1]} numbers) is "
        f"worst with {max(least[2:]):.1%}"
        + ("" if raw in (best, least) else f"; pixels ({raw[1]} numbers) give {max(raw[2:]):.1%}"),
        f"the numbers in the book's table 4.1 stand for any: {over} of its {len(pairs)} deviations "
        "are larger than bytes of that mean can have, sqrt(mean (255 - mean))",
        f"of the {photo.size:,} numbers of this picture HOG's cells of {cell} pixels keep "
        f"{cells(gray(photo), 9, cell).size:,}, LBP {lbp(gray(photo)).size}, color statistics "
        f"{statistics(photo).size}",
    ]


def _photograph(photo: Image, cell: int) -> Figure:
    """The photograph and what three descriptors keep of it."""
    figure, axes = panels(2, 2, height=0.55 + 3.5 * ratio(photo))
    draw(axes[0], photo, "Photograph")
    for channel, (name, color) in enumerate((("red", ORANGE), ("green", GREEN), ("blue", BLUE))):
        shares = histogram(photo[..., channel : channel + 1], 32)
        axes[1].stairs(100 * shares, np.arange(33) * 8, color=color, label=name, linewidth=1.6)
    axes[1].set_title("Color histogram, 32 bins a channel")
    axes[1].set_xlabel("value of the channel")
    axes[1].set_ylabel("pixels, %")
    axes[1].legend(loc="best")
    _strokes(axes[2], gray(photo), cell)
    codes = uniform(patterns(gray(photo)))
    draw(axes[3], codes, "LBP: neighbors as bright or brighter", 9)
    axes[3].set_xlabel("black 0, light gray 8, white: no uniform pattern")
    return figure


def _strokes(ax: Axes, image: NDArray[np.uint8], cell: int) -> None:
    """HOG's cells as strokes along the edges, darker the stronger."""
    votes = cells(image, 9, cell)
    rows, columns, bins = votes.shape
    weights = np.sqrt(votes / (votes.max() or 1.0))
    angles = np.deg2rad((np.arange(bins) + 0.5) * 180 / bins + 90)  # edges lie across gradients
    ends = np.column_stack([np.cos(angles), np.sin(angles)]) * cell * 0.46  # (bins, x and y)
    i, j, b = (place.ravel() for place in np.indices(votes.shape))
    middles = (np.column_stack([j, i]) + 0.5) * cell - 0.5
    order = weights.ravel().argsort()
    lines = np.stack([middles - ends[b], middles + ends[b]], axis=1)[order]
    kept = weights.ravel()[order]
    ax.add_collection(LineCollection(list(lines), colors=INK, alpha=list(kept), linewidths=1.1))
    ax.set_xlim(-0.5, columns * cell - 0.5)
    ax.set_ylim(rows * cell - 0.5, -0.5)
    ax.set_aspect("equal")
    ax.set_title(f"HOG: directions of edges in {cell}x{cell} cells")
    ax.set_xticks([])
    ax.set_yticks([])


def _bars(scores: list[Score], data: str) -> Figure:
    figure, (ax,) = panels(1, 1, height=0.9 + 0.5 * len(scores))
    for shift, column, name, color in ((-0.2, 2, "k nearest", BLUE), (0.2, 3, "softmax", ORANGE)):
        values = [100 * float(score[column]) for score in scores]
        places = np.arange(len(scores)) + shift
        ax.barh(places, values, 0.36, color=color, label=name)
        for place, value in zip(places, values, strict=True):
            ax.text(value + 0.8, place, f"{value:.0f}", va="center", fontsize=8)
    chance = 100 / (10 if data == "digits" else 3)
    ax.axvline(chance, color=MUTED, linewidth=1, linestyle=":", label="chance")
    ax.set_yticks(range(len(scores)), [f"{score[0]} ({score[1]:,})" for score in scores])
    ax.invert_yaxis()
    ax.set_xlim(0, 108)
    ax.set_xlabel("test accuracy, %")
    ax.set_title(f"Features of {data} (and how many numbers they are)")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.06), ncols=3)
    return figure


TOPIC = Topic(
    "Descriptors made by hand",
    "Color statistics, histograms, local binary patterns and HOG each keep one thing of an image, "
    "color, texture or the shape of edges, and drop the rest. A classifier on them is only as good "
    "as that choice fits the question, which is the semantic gap that learned features close.",
    "Starter book, 2 and 4.1, table 4.1; Dalal and Triggs 2005; Ojala et al. 2002",
    run,
)
