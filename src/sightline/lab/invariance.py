"""What turning, scaling and shifting do to classifiers that learned upright digits."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sightline.data.catalog import open_named
from sightline.data.split import cut
from sightline.lab.pictures import COLORS, MARKERS, Array, logarithmic, panels
from sightline.lab.pictures import image as draw
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import MUTED
from sightline.scratch.affine import moved, turned
from sightline.scratch.neighbors import KNeighbors
from sightline.scratch.network import ConvNet

Labels = NDArray[np.int64]
Guess = Callable[[Array], Labels]  # images (n, 8, 8) to labels (n,)
Curves = dict[str, dict[float, float]]  # accuracy by how far images were moved
COPIES = 3  # of each digit, turned at random, that the second network learns from
VIEWS = (0.8, 1.0, 1.25)  # scales that are averaged at test time
SCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0)
SHIFTS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def run(
    turn: Annotated[
        int, Says("degrees either way that the second network learns from", 0, 180)
    ] = 180,
    epochs: Annotated[int, Says("of both networks", 1, 60)] = 12,
    k: Annotated[int, Says("neighbors that vote", 1, 25)] = 3,
    step: Annotated[int, Says("degrees between two points of the curve", 5, 90)] = 15,
    seed: Annotated[int, Says("of the split, the weights and the angles", 0)] = 0,
) -> Found:
    (X, y), (Z, truth) = digits(seed)
    guesses = learned(X, y, turn, epochs, k, seed)
    both = sorted({sign * a for a in range(0, 181, step) for sign in (-1, 1)})
    angles = {float(a): moved(Z, turned(a)) for a in both}
    scales = {scale: moved(Z, turned(0, scale)) for scale in SCALES}
    shifts = {shift: moved(Z, np.eye(2), (0, shift)) for shift in SHIFTS}
    single = dict(list(guesses.items())[:3])
    found = {
        "angle": accuracies(single, angles, truth),
        "scale": accuracies(guesses, scales, truth),
        "shift": accuracies(single, shifts, truth),
    }
    pictures = {
        "angles": _angles(found["angle"], turn),
        "scales": _scales(found["scale"], found["shift"]),
        "digits": _digits(guesses, Z, truth),
    }
    tables = [_table(f"by-{name}", name, curves) for name, curves in found.items()]
    return Found(pictures, tables, _notes(found, guesses, Z, truth, turn))


def accuracies(guesses: dict[str, Guess], moves: dict[float, Array], truth: Labels) -> Curves:
    """The share that is right of images by how far they were moved, for each classifier."""
    return {
        name: {at: float(np.mean(guess(images) == truth)) for at, images in moves.items()}
        for name, guess in guesses.items()
    }


def digits(seed: int) -> tuple[tuple[Array, Labels], tuple[Array, Labels]]:
    """Images (n, 8, 8) of 0 to 1 and their labels: three quarters to learn, a quarter to test."""
    splits = cut(open_named("digits"), 0.0, 0.25, seed)
    parts = []
    for part in (splits.train, splits.test):
        assert part is not None and part.truths.label is not None
        images = np.asarray(part.images(np.arange(len(part))))[..., 0] / 16
        parts.append((images, part.truths.label))
    return parts[0], parts[1]


def learned(X: Array, y: Labels, turn: int, epochs: int, k: int, seed: int) -> dict[str, Guess]:
    """The classifiers, by the name of their curve."""
    rng = np.random.default_rng(seed)
    near = KNeighbors(k).fit(_rows(X), y)
    upright = ConvNet(filters=(16, 32), epochs=epochs, rate=0.02, seed=seed).fit(_rows(X), y)
    angles = rng.uniform(-turn, turn, COPIES * len(X))
    many = moved(np.tile(X, (COPIES, 1, 1)), np.stack([turned(angle) for angle in angles]))
    some = max(1, epochs // 2)  # of so many more images
    net = ConvNet(filters=(16, 32), epochs=some, rate=0.02, seed=seed)
    net.fit(_rows(many), np.tile(y, COPIES))

    def averaged(images: Array) -> Labels:
        views = [upright.predict_proba(_rows(moved(images, turned(0, s)))) for s in VIEWS]
        return np.mean(views, axis=0).argmax(axis=1)

    return {
        f"{k} nearest": lambda images: near.predict(_rows(images)),
        "network": lambda images: upright.predict(_rows(images)),
        f"network, turned to {turn}": lambda images: net.predict(_rows(images)),
        f"network, {len(VIEWS)} scales averaged": averaged,
    }


def _rows(images: Array) -> Array:
    return images.reshape(len(images), -1)


def _table(name: str, head: str, curves: Curves) -> Table:
    units = {"angle": "degrees", "scale": "times", "shift": "pixels"}
    places = list(next(iter(curves.values())))
    rows: list[tuple[Cell, ...]] = [
        (f"{at:g}", *(f"{curve[at]:.3f}" for curve in curves.values())) for at in places
    ]
    return Table(name, (f"{head}, {units[head]}", *curves), rows)


def _notes(
    found: dict[str, Curves], guesses: dict[str, Guess], Z: Array, truth: Labels, turn: int
) -> list[str]:
    names = list(guesses)
    upright, many = found["angle"][names[1]], found["angle"][names[2]]
    nearest = min((a for a in upright if a > 0), default=0.0)
    sixes = guesses[names[1]](moved(Z[truth == 6], turned(180)))
    nines = float(np.mean(sixes == 9))
    one, large = found["shift"][names[1]][1.0], found["scale"]
    return [
        f"upright the network is right on {upright[0.0]:.1%} of {len(Z)} test digits; turned by "
        f"{nearest:g} degrees on {upright[nearest]:.1%}, on average over all angles on "
        f"{np.mean(list(upright.values())):.1%}",
        f"the same network that learned from digits turned by up to {turn} degrees: "
        f"{many[0.0]:.1%} upright, {np.mean(list(many.values())):.1%} over all angles",
        f"upside down, {nines:.0%} of the sixes are nines to the network that learned upright ones",
        f"at 1.5 times the size one look gives {large[names[1]][1.5]:.1%}, three scales averaged "
        f"{large[names[3]][1.5]:.1%}; at their own size {large[names[1]][1.0]:.1%} and "
        f"{large[names[3]][1.0]:.1%}",
        f"one pixel to the side (an eighth of the image) leaves {one:.1%}: convolution moves in "
        "step with its input, but the layers behind it learned where things are",
    ]


def _curves(ax: Axes, curves: Curves) -> None:
    for i, (name, curve) in enumerate(curves.items()):
        at, accuracy = np.array(list(curve)), 100 * np.array(list(curve.values()))
        ax.plot(at, accuracy, color=COLORS[i], marker=MARKERS[i], markersize=4.5, label=name)
    ax.axhline(10, color=MUTED, linewidth=1, linestyle=":")
    ax.set_ylim(0, 102)
    ax.set_ylabel("test accuracy, %")
    ax.grid(axis="y")


def _angles(curves: Curves, turn: int) -> Figure:
    figure, (ax,) = panels(1, 1, height=3.8)
    _curves(ax, curves)
    ax.set_title(f"Digits turned; the third learned from turns of up to {turn} degrees")
    ax.set_xlabel("turn against the clock, degrees (dotted: chance)")
    ax.set_xticks(range(-180, 181, 45))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3)
    return figure


def _scales(scales: Curves, shifts: Curves) -> Figure:
    figure, (left, right) = panels(1, 2, height=3.8)
    _curves(left, scales)
    logarithmic(left)
    left.set_xticks([0.5, 0.7, 1.0, 1.4, 2.0])
    left.set_title("Digits made smaller or larger")
    left.set_xlabel("scale (logarithmic)")
    _curves(right, shifts)
    right.set_title("Digits shifted to the right")
    right.set_xlabel("shift, pixels of 8")
    right.set_ylabel("")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _digits(guesses: dict[str, Guess], Z: Array, truth: Labels) -> Figure:
    """A 2, a 6 and a 9 turned, with what both networks call them."""
    names = list(guesses)[1:3]
    angles = (-90, -45, -15, 0, 15, 45, 90, 180)
    figure, axes = panels(3, len(angles), height=1.35)
    for row, label in enumerate((2, 6, 9)):
        digit = Z[truth == label][:1]
        for column, angle in enumerate(angles):
            image = moved(digit, turned(angle))
            said = [int(guesses[name](image)[0]) for name in names]
            ax = axes[row * len(angles) + column]
            draw(ax, image[0], "" if row else f"{angle}°".replace("-", "−"), 1)
            ax.set_xlabel(f"{said[0]}, {said[1]}")
    figure.supxlabel(
        "below each: what the network that learned upright digits says, and the one that learned "
        "turned ones", fontsize=8.5,
    )  # fmt: skip
    return figure


TOPIC = Topic(
    "Turned, scaled and shifted digits",
    "A classifier that learned upright digits loses them within some thirty degrees or a pixel of "
    "shift; one that saw all angles has a lower line, and a level one. Filters are not invariant "
    "to turn or scale, so a network knows those that its training covered and has less left for "
    "each.",
    "Starter book, 11.4",
    run,
)
