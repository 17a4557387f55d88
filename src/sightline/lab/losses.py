"""Hinge, squared hinge and cross-entropy: the book's worked scores, and losses over the margin."""

from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.errors import DataError
from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import BLUE, GREEN, INK, MUTED, ORANGE
from sightline.scratch.linear import EXAMPLE_LABELS
from sightline.scratch.losses import HINGE_EXAMPLE, LOSSES, SOFTMAX_EXAMPLE, margins, softmax

NAMES = {"hinge": "hinge", "squared-hinge": "squared hinge", "cross-entropy": "cross-entropy"}


def run(
    scores: Annotated[str, Says("your own: --scores=1,0.5,-2; else the book's last image")] = "",
    truth: Annotated[int, Says("the true class of your scores, from 0", 0, 9)] = 0,
    reach: Annotated[float, Says("margins drawn, on either side of 0", 1, 20)] = 3.0,
) -> Found:
    one = read_scores(scores, truth) if scores else SOFTMAX_EXAMPLE
    true = truth if scores else 2
    names = EXAMPLE_LABELS if one.shape[1] == 3 else tuple(map(str, range(one.shape[1])))
    three = np.arange(3)
    costs = {name: LOSSES[name][0](HINGE_EXAMPLE, three) for name in NAMES}
    rows: list[tuple[Cell, ...]] = [
        (
            EXAMPLE_LABELS[i], *(f"{s:g}" for s in HINGE_EXAMPLE[i]),
            EXAMPLE_LABELS[int(HINGE_EXAMPLE[i].argmax())],
            *(f"{costs[name][i]:.4g}" for name in NAMES),
        )
        for i in range(3)
    ]  # fmt: skip
    rows.append(("mean", "", "", "", "", *(f"{costs[name].mean():.4g}" for name in NAMES)))
    heads = ("image of a", *EXAMPLE_LABELS, "answer", *NAMES.values())
    tables = [Table("three-images", heads, rows), softmax_table(one, true, names)]
    loss = {name: float(LOSSES[name][0](one, np.array([true]))[0]) for name in NAMES}
    share = float(softmax(one)[0, true])
    notes = [
        f"Mean hinge loss of the three images: {costs['hinge'].mean():.2f}; the cat alone makes "
        f"{costs['hinge'][1] / costs['hinge'].sum():.0%} of it, and "
        f"{costs['squared-hinge'][1] / costs['squared-hinge'].sum():.0%} of the squared one.",
        f"The image below them: {names[true]} has {share:.2%}, so cross-entropy is -ln "
        f"{share:.4f} = {loss['cross-entropy']:.4f}; hinge loss {loss['hinge']:.4g}. "
        + _contrast(one, true),
    ]
    pictures = {"margin": _margin(reach), "examples": _examples(one, true, names)}
    return Found(pictures, tables, notes)


def read_scores(text: str, truth: int) -> Array:
    """ "1,0.5,-2" to (1, 3) scores. Raises DataError for anything but 2 to 10 finite numbers, and
    for a true class that is not among them."""
    try:
        found = np.array([[float(part) for part in text.split(",")]])
    except ValueError:
        raise DataError(f"scores '{text}': expected numbers with commas, as 1,0.5,-2") from None
    if not 2 <= found.size <= 10 or not np.abs(found).max() < 1000:
        raise DataError(f"scores '{text}': expected 2 to 10 numbers between -1000 and 1000")
    if truth >= found.size:
        raise DataError(f"truth is {truth}; expected 0 to {found.size - 1} of {found.size} scores")
    return found


def softmax_table(one: Array, true: int, names: tuple[str, ...]) -> Table:
    """Scores (1, k) step by step to the loss, as figure 8.6."""
    shares = softmax(one)[0]
    loss = float(LOSSES["cross-entropy"][0](one, np.array([true]))[0])
    rows = [
        (
            name, f"{s:g}", f"{np.exp(s):.4f}" if abs(s) < 20 else f"{np.exp(s):.3g}",
            f"{p:.4f}", f"{loss:.4f}" if i == true else "",
        )
        for i, (name, s, p) in enumerate(zip(names, one[0], shares, strict=True))
    ]  # fmt: skip
    return Table("softmax", ("class", "score", "exp(score)", "share", "loss: -ln share"), rows)


def over_margin(margin: Array) -> dict[str, tuple[Array, Array]]:
    """Loss and its slope by the margin (n,), true score less the other one, of two classes."""
    scores, y = np.column_stack([margin, np.zeros_like(margin)]), np.zeros(len(margin), np.int64)
    slopes = {name: LOSSES[name][1](scores, y)[:, 0] * len(margin) for name in NAMES}
    return {name: (LOSSES[name][0](scores, y), slopes[name]) for name in NAMES}


def _contrast(one: Array, true: int) -> str:
    """What hinge says of scores that cross-entropy never lets be."""
    gap = one[0, true] - np.delete(one[0], true).max()
    if gap >= 1:
        return "All others are 1 or more below: hinge asks for no more, cross-entropy always does."
    if gap > 0:
        return (
            f"It wins, but only by {gap:.3g}: inside the margin of 1, it costs hinge all the same."
        )
    return f"It does not win: the best other score is {-gap:.3g} above."


def _margin(reach: float) -> Figure:
    margin = np.linspace(-reach, reach, 601)
    figure, (left, right) = panels(1, 2, height=3.2)
    looks = zip(over_margin(margin).items(), (BLUE, ORANGE, GREEN), ("-", "--", "-."), strict=True)
    for (name, (loss, slope)), color, dash in looks:
        left.plot(margin, loss, dash, color=color, label=NAMES[name])
        right.plot(margin, slope, dash, color=color)
    left.plot(margin, margin < 0, ":", color=MUTED, linewidth=1.2, label="wrong or right: 1 or 0")
    left.set_ylim(-0.1, min(1.05 * (1 + reach) ** 2, 6.3))
    right.set_ylim(-4.3, 0.2)
    left.legend(loc="upper right", frameon=True)
    left.set_title("Loss over the margin")
    right.set_title("Its slope: how hard it pushes")
    for ax in (left, right):
        ax.axvline(1, color=MUTED, linewidth=0.8)
        ax.grid()
        ax.set_xlabel("margin: true score - other score")
    return figure


def _examples(one: Array, true: int, names: tuple[str, ...]) -> Figure:
    figure, axes = panels(2, 2, height=2.9)
    for i in range(3):
        _hinge_bars(axes[i], HINGE_EXAMPLE[i], i)
    shares = softmax(one)[0]
    colors = [GREEN if i == true else COLORS[0] for i in range(len(shares))]
    bars = axes[3].bar(names, shares, color=colors, width=0.6)
    axes[3].bar_label(bars, [f"{share:.4f}" for share in shares], padding=2)
    axes[3].set_ylim(0, 1.15)
    axes[3].set_yticks([0, 0.5, 1])
    axes[3].set_title("Softmax: shares of another image")
    return figure


def _hinge_bars(ax: Axes, scores: Array, true: int) -> None:
    """Scores as bars; what is above the true score less 1 is the loss."""
    limit = scores[true] - 1
    costs: NDArray[np.float64] = margins(scores[None], np.array([true]))[0]
    ax.bar(
        EXAMPLE_LABELS, scores, color=[GREEN if j == true else BLUE for j in range(3)], width=0.6
    )
    ax.axhline(limit, color=INK, linewidth=1, linestyle="--")
    for j in range(3):
        if costs[j] > 0:
            ax.plot([j + 0.36, j + 0.36], [limit, scores[j]], color=ORANGE, linewidth=4)
            ax.annotate(
                f"{costs[j]:.2f}", (j + 0.36, (limit + scores[j]) / 2), (4, 0), va="center",
                textcoords="offset points", color=ORANGE, weight="bold",
            )  # fmt: skip
    if true == 0:
        ax.text(2.45, limit + 0.2, "true score - 1", ha="right")
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set_ylim(-5.2, 6.2)
    ax.set_title(f"Scores of a {EXAMPLE_LABELS[true]}: hinge loss {costs.sum():.2f}")


TOPIC = Topic(
    "Losses of scores: hinge, squared hinge, cross-entropy",
    "Hinge losses are 0 from a margin of 1 on, where the dashed line of the true score less 1 has "
    "every other score below it, while cross-entropy only comes nearer to 0. Squared hinge pushes "
    "hardest at the worst mistakes, for its slope grows with them; the others push at most by 1.",
    "Starter book, 8.2",
    run,
)
