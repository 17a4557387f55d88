"""Exponentially weighted averages: a year of noisy temperatures, smoothed by three betas."""

from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from sightline.lab.pictures import COLORS, Array, panels
from sightline.lab.topic import Cell, Found, Says, Table, Topic
from sightline.plots import GRID, INK, MUTED
from sightline.scratch.averages import samples_averaged, weighted_averages

MEAN, SWING, WARMEST = 11.0, 10.0, 20  # of the season, in degrees Celsius; its warmest day
PERSISTENCE = 0.5  # of the weather from one day to the next
FIRST = 40  # days on which the correction is shown
PAST = 80  # days back, whose weights are shown


def run(
    fast: Annotated[float, Says("beta of the first average", 0, 0.999)] = 0.5,
    beta: Annotated[float, Says("beta of the second", 0, 0.999)] = 0.9,
    slow: Annotated[float, Says("beta of the third", 0, 0.999)] = 0.98,
    days: Annotated[int, Says("daily temperatures", 60, 3650)] = 365,
    noise: Annotated[float, Says("deviation of a day from the season, degrees", 0, 20)] = 3.5,
    seed: Annotated[int, Says("of the weather", 0)] = 0,
) -> Found:
    season, x = temperatures(days, noise, seed)
    betas = list(dict.fromkeys([fast, beta, slow]))
    rows: list[tuple[Cell, ...]] = []
    for b in betas:
        V = weighted_averages(x, b)
        settled = slice(min(2 * round(samples_averaged(b)), days // 3), None)
        late = lag(weighted_averages(season, b), season, settled)
        rough = float(np.std(np.diff(V[settled])))
        rows.append((f"{b:g}", samples_averaged(b), share(b), late, rough))
    heads = ("beta", "samples", "their weight (%)", "days late", "day to day (°C)")
    first: list[tuple[Cell, ...]] = []
    for day in (1, 2, 3, 10, FIRST):
        raw, fixed = (weighted_averages(x, betas[-1], c)[day - 1] for c in (False, True))
        first.append(
            (day, float(x[day - 1]), float(raw), float(1 - betas[-1] ** day), float(fixed))
        )
    last = f"{betas[-1]:g}"
    tables = [
        Table("averages", heads, rows),
        Table(
            f"first-days-{last}",
            ("day", "temperature", "V", "1 - beta^t", "V / (1 - beta^t)"),
            first,
        ),
    ]
    notes = [
        f"beta {b} looks back about {n:.3g} days, which hold {held} % of the weight, and comes "
        f"{late} days late"
        for b, n, held, late, _ in rows
    ]
    still = f"{100 * float(first[-1][3]):.0f} %"
    notes.append(
        f"uncorrected, beta {last} says {first[0][2]:.2f} °C for day 1, which had "
        f"{first[0][1]:.2f} °C; on day {FIRST} it is still at {still} of the truth"
    )
    return Found(
        {"temperatures": _year(season, x, betas), "first-days": _begun(x, betas)}, tables, notes
    )


def temperatures(days: int, noise: float, seed: int) -> tuple[Array, Array]:
    """The season of each day, and its weather about it: deviation `noise`, half of it kept from
    the day before. Both (days,), degrees Celsius; the first day is one of July."""
    t = np.arange(days)
    season = MEAN + SWING * np.cos(2 * np.pi * (t - WARMEST) / 365.25)
    rng = np.random.default_rng(seed)
    weather = np.empty(days)
    weather[0] = rng.normal()
    for day in range(1, days):
        weather[day] = PERSISTENCE * weather[day - 1] + np.sqrt(1 - PERSISTENCE**2) * rng.normal()
    return season, season + noise * weather


def share(beta: float) -> str:
    """Per cent of an average's weight that lies on its last 1 / (1 - beta) samples."""
    return f"{100 * (1 - beta ** round(samples_averaged(beta))):.0f}"


def lag(average: Array, season: Array, settled: slice) -> int:
    """By how many days the season must be put off to fit the average best."""
    start = settled.indices(len(season))[0]
    far = min(start, 120)
    misfits = [
        float(((average[start:] - season[start - late : len(season) - late]) ** 2).mean())
        for late in range(far + 1)
    ]
    return int(np.argmin(misfits))


def _year(season: Array, x: Array, betas: list[float]) -> Figure:
    figure, (ax,) = panels(1, 1, height=4.2)
    ax.plot(season, color=INK, linewidth=1.2, linestyle=":", label="the season itself")
    ax.plot(x, ".", color=MUTED, markersize=3.5, alpha=0.7, label="temperature of a day")
    for i, b in enumerate(betas):
        ax.plot(
            weighted_averages(x, b), color=COLORS[(2, 1, 0)[i]], linewidth=1.0 if i == 0 else 2.0,
            label=f"beta {b:g}: about {samples_averaged(b):.3g} days",
        )  # fmt: skip
    ax.set_title("The larger beta, the smoother and the later")
    ax.set_xlabel("day, from the first of July on")
    ax.set_ylabel("degrees Celsius")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _begun(x: Array, betas: list[float]) -> Figure:
    """Left the first days with and without correction; right how much each past day counts."""
    figure, (begin, weights) = panels(1, 2, height=3.2)
    begin.plot(np.arange(FIRST) + 1, x[:FIRST], ".", color=MUTED, label="temperature of a day")
    for corrected, style in ((True, "-"), (False, "--")):
        V = weighted_averages(x[:FIRST], betas[-1], corrected)
        said = "corrected" if corrected else "begun at 0"
        begin.plot(np.arange(FIRST) + 1, V, style, color=COLORS[0], label=said)
    begin.set_title(f"The first days, beta {betas[-1]:g}")
    begin.set_xlabel("day")
    begin.set_ylabel("degrees Celsius")
    begin.set_ylim(min(0, x[:FIRST].min()) - 1, 1.4 * max(1, x[:FIRST].max()))
    begin.legend(loc="upper right")
    past = np.arange(PAST)
    for i, b in enumerate(betas):
        color = COLORS[(2, 1, 0)[i]]
        weights.plot(past, 100 * (1 - b) * b**past, color=color, label=f"beta {b:g}")
        at = samples_averaged(b)
        if at < PAST:
            weights.plot(at, 100 * (1 - b) * b**at, "o", color=color)
    weights.grid(axis="y", color=GRID)
    weights.set_title("Weight of a past day, in %")
    weights.set_xlabel("days ago (dot: 1 / (1 - beta))")
    weights.legend(loc="best")
    return figure


TOPIC = Topic(
    "Exponentially weighted averages",
    "Look how a larger beta smooths the days and comes later than the season, and how far below "
    "the first days an average begun at 0 is. Each day its past counts beta times as much, so "
    "about 1 / (1 - beta) days hold 63 % of the weight, and dividing by 1 - beta^t makes up for "
    "the days that never were.",
    "Course notes, 3.9",
    run,
)
