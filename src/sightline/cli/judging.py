"""Commands that judge trained models: how far to believe them, and which is better."""

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import DataRoot, Json, LabelFrom


def calibrate(
    model: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, or a model file of one.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="Write a new model file, which must not exist yet, and leave the run as it is.",
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold",
            metavar="f1|youden|precision=P|cost=C|X|none",
            help="Of two classes: from which probability on the second is answered, chosen on "
            "validation; cost=5: one that is missed costs five false alarms. By default as before.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a model's probabilities what they say: fit one temperature on its validation part.

    No answer changes by it. The model, its test figures and its report are brought up to date.
    """
    from sightline.study import calibration
    from sightline.talk import Terminal

    found = calibration.calibrate(model, to, Terminal(), threshold)
    if as_json:
        print(json.dumps({"model": str(found.path)} | found.to_dict()))
        return
    print(found.to_text())
    print(f"model      {found.path}")


Models = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN RUN…",
        help="Run folders; with --data, model files and names of networks too.",
    ),
]


def compare(
    models: Models,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="SET|FOLDER",
            help="Measure all of them on it; by default the runs' own tests are compared.",
        ),
    ] = None,
    latency: Annotated[
        str, typer.Option("--latency", metavar="100ms", help="The most that an image may take.")
    ] = "",
    size: Annotated[
        str, typer.Option("--size", metavar="10MB", help="The most that a model file may take.")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="PAGE.html", help="Write a page; must not exist yet."),
    ] = None,
    label_from: LabelFrom = None,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Compare models on the same test images: accuracy, chance, speed, size, and which to take.

    For example: sightline compare runs/a runs/b --latency 100ms --to compare.html
    """
    from sightline import files
    from sightline.evaluation import Where
    from sightline.study import compare as study
    from sightline.study import compare_page
    from sightline.talk import Terminal

    if to is not None and to.exists():
        raise files.exists_already(to)
    limits = study.Limits(
        measure(latency, "--latency", {"ms": 1e-3, "s": 1.0}),
        measure(size, "--size", {"kB": 1e3, "MB": 1e6, "GB": 1e9}),
    )
    found = study.compare(models, Where(data, data_root, label_from), limits, Terminal())
    if to is not None:
        compare_page.write(found, to)
    if as_json:
        print(json.dumps(compare_page.to_dict(found) | ({"page": str(to)} if to else {})))
        return
    print(compare_page.to_text(found))
    if to is not None:
        print(f"page {to}")


def measure(text: str, option: str, units: dict[str, float]) -> float:
    """Of "100ms" or "10MB"; infinite of nothing. Raises BadParameter."""
    if not text:
        return math.inf
    for unit in sorted(units, key=len, reverse=True):
        if text.lower().endswith(unit.lower()):
            try:
                value = float(text[: -len(unit)]) * units[unit]
            except ValueError:
                break
            if 0 < value < math.inf:
                return value
            break
    example = f"{100 if 'ms' in units else 10}{'ms' if 'ms' in units else 'MB'}"
    raise typer.BadParameter(
        f"{option} {text}: expected a number with {' or '.join(units)}: {example}"
    )
