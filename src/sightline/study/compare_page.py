"""The page of a comparison: one file, nothing outside it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from sightline import files, page, plots
from sightline.drawing import judging
from sightline.metrics.curves import cuts
from sightline.study.compare import Comparison
from sightline.version import __version__
from sightline.wording import size_in_words


def write(found: Comparison, to: Path) -> None:
    """Write the page. Raises OutputError where the file is there already."""
    if to.exists():
        raise files.exists_already(to)
    drawn = {name: Markup(plots.for_page(svg, name, name)) for name, svg in figures(found).items()}
    template = page.environment().get_template("compare.html")
    text = template.render(
        found=found,
        figure=drawn,
        rows=to_dict(found)["models"],
        n=len(found.answers[0].sources),
        place=found.answers[0].where,
        limits=limits_in_words(found),
        recalls=found.recalls(),
        milliseconds=milliseconds,
        bytes=size_in_words,
        version=__version__,
    )
    with files.output_errors(to):
        files.write_text(to, text)


def figures(found: Comparison) -> dict[str, str]:
    """Curves of training overlaid; of two classes, those of the thresholds too."""
    drawn = {}
    lines = {}
    for answers in found.answers:
        pairs = [(e["epoch"], (e.get("val") or {}).get("accuracy")) for e in answers.history]
        kept = [(float(x), float(y)) for x, y in pairs if y is not None and math.isfinite(y)]
        if kept:
            x, y = np.array(kept).T
            lines[answers.name] = (x, y)
    if lines:
        drawn["curves"] = judging.overlaid(lines, "epoch", "validation accuracy")
    truth = found.answers[0].truth == found.classes[-1]
    if len(found.classes) == 2 and truth.any() and not truth.all():
        scored = {a.name: a.of_second for a in found.answers}
        made = {name: cuts(truth, score) for name, score in scored.items() if score is not None}
        drawn["roc"] = judging.roc({name: each.roc for name, each in made.items()})
        drawn["precision-recall"] = judging.precision_recall(
            {name: (each.recall, each.precision) for name, each in made.items()}
        )
    return drawn


def to_dict(found: Comparison) -> dict[str, Any]:
    """Plain JSON."""
    models = []
    for i, answers in enumerate(found.answers):
        value, low, high = found.accuracy[i]
        cost, duel = found.costs[i], found.duels[i]
        row: dict[str, Any] = {
            "model": answers.name,
            "accuracy": value,
            "interval": [low, high],
            "ece": found.ece[i],
            "latency": cost.latency,
            "bytes": cost.size,
            "parameters": cost.parameters,
            "chosen": i == found.chosen,
            "within": cost.latency <= found.limits.latency and cost.size <= found.limits.size,
        }
        if duel is not None:
            row["against_best"] = {
                "difference": duel.difference,
                "interval": [duel.low, duel.high],
                "only_best": duel.only_best,
                "only_this": duel.only_this,
                "p": duel.p,
                "holm": duel.corrected,
            }
        models.append(row)
    names = [a.name for a in found.answers]
    return {
        "on": found.answers[0].where,
        "images": len(found.answers[0].sources),
        "best": names[found.best],
        "chosen": None if found.chosen is None else names[found.chosen],
        "models": models,
        "recall": {
            name: dict(zip(names, shares, strict=True)) for name, _, shares in found.recalls()
        },
    }


def to_text(found: Comparison) -> str:
    """The table of a terminal, and what to make of it."""
    table = [["", "accuracy", "95 % interval", "ECE", "latency", "size", "than the best", "p"]]
    for i, answers in enumerate(found.answers):
        value, low, high = found.accuracy[i]
        duel = found.duels[i]
        versus = ["best", ""]
        if duel is not None:
            versus = [f"{100 * duel.difference:+.2f} %", f"{duel.corrected:.2g}"]
        table.append([
            answers.name, f"{100 * value:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}",
            f"{found.ece[i]:.3f}", milliseconds(found.costs[i].latency),
            size_in_words(found.costs[i].size), *versus,
        ])  # fmt: skip
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    n = len(found.answers[0].sources)
    lines.append(
        f"{found.answers[0].where}, {n:,} images; p: McNemar's exact test, Holm's correction"
    )
    lines.append(limits_in_words(found))
    return "\n".join(lines)


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2g} ms" if seconds < 0.0995 else f"{1000 * seconds:,.0f} ms"


def limits_in_words(found: Comparison) -> str:
    """What to take, and why."""
    limits, asked = found.limits, []
    if math.isfinite(limits.latency):
        asked.append(f"at most {milliseconds(limits.latency)} an image")
    if math.isfinite(limits.size):
        asked.append(f"at most {size_in_words(limits.size)}")
    within = " and ".join(asked)
    if found.chosen is None:
        return f"take none: no model needs {within}"
    name = found.answers[found.chosen].name
    return f"take {name}: the most accurate" + (f" that needs {within}" if within else "")
