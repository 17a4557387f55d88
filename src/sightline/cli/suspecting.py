"""The command that looks for wrong labels."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.checking import stopping
from sightline.cli.options import DataRoot, Device, Json, LabelFrom, Quarantine, Set, SetName

if TYPE_CHECKING:
    from sightline.study.suspects import Suspects

SHOWN = 20  # suspects on the terminal


ListTo = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="FILE.csv",
        help="Write the suspects as a list of corrections, for `data check --fix --labels`.",
    ),
]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page with their pictures."),
]
Folds = Annotated[int, typer.Option("--folds", min=2, max=100, help="Models that share the set.")]
LearnerName = Annotated[
    str | None,
    typer.Option(
        "--learner",
        metavar="NAME",
        help="Instead of a network, a learner on pixels: softmax-regression, knn, …; with "
        "--set features.model=mobilenet_v2 on features.",
    ),
]
FoldSeed = Annotated[int | None, typer.Option("--seed", min=0, help="Of the folds and of weights.")]
KeepIn = Annotated[
    Path | None,
    typer.Option(
        "--keep",
        metavar="DIR",
        help="Where folds that are done are kept, so that a stopped search goes on; by default "
        "suspects/ in the user's cache, which holds 1 GiB: the longest unused go first.",
    ),
]


def suspect_labels(
    what: SetName,
    to: ListTo = None,
    html: Html = None,
    folds: Folds = 5,
    learner: LearnerName = None,
    settings: Set = None,
    seed: FoldSeed = None,
    device: Device = None,
    data_root: DataRoot = None,
    label_from: LabelFrom = None,
    quarantine: Quarantine = False,
    keep: KeepIn = None,
    as_json: Json = False,
) -> None:
    """Rank images whose label is likely wrong, by models that did not train on them.

    Cross-validation gives every image probabilities, confident learning finds the labels that
    disagree. Looks at the training part; never changes the set.
    """
    from sightline import files
    from sightline.overrides import setting
    from sightline.request import ask
    from sightline.study import suspects, suspects_page
    from sightline.talk import Terminal

    talk = Terminal()
    for path, option in ((to, "--to"), (html, "--html")):
        if path is not None and path.exists():
            raise files.exists_already(path, option)
    overrides = [setting(text) for text in settings or []]
    seeds = ("data.seed", "learner.seed" if learner else "train.seed")
    overrides += [(key, seed) for key in seeds if seed is not None]
    overrides += [("train.device", device)] if device is not None else []
    overrides += [("data.label_from", label_from)] if label_from is not None else []
    overrides += [("data.quarantine", True)] if quarantine else []
    overrides += [("data.root", str(Path(data_root).absolute()))] if data_root is not None else []
    overrides += [("learner.name", learner)] if learner is not None else []
    with stopping():
        found = suspects.find(ask(what, talk), overrides, folds, talk, keep)
        if to is not None:
            suspects.write_list(to, found)
        if html is not None:
            suspects_page.write(html, found)
    if as_json:
        print(json.dumps(found.to_dict()))
    else:
        _tell(found)
    if html is not None:
        talk.say(f"page     {html}")
    if to is not None:
        talk.say(f"list     {to}: look through it; then data check {what} --fix OUT --labels {to}")


def _tell(found: "Suspects") -> None:
    """The estimate, the pairs and the first suspects, on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sightline.page import duration
    from sightline.talk import printable
    from sightline.wording import plural

    console = Console(highlight=False)
    n, rows = len(found.train), found.rows
    console.print(Text(printable(found.train.name), "bold"))
    console.print(
        f"{plural(n, 'label')}; {found.how}; {100 * found.accuracy:.2f} % agree with the models; "
        f"{duration(found.seconds)}"
    )
    console.print(
        f"about {100 * found.noise.rate:.2f} % are estimated wrong; {plural(len(rows), 'suspect')}"
    )
    pairs = [f"{given} for {other} ({count})" for given, other, count in found.pairs(5)]
    if pairs:
        console.print(Text(printable(f"most often {', '.join(pairs)}")))
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("image", "given", "suggested"):
        table.add_column(name, overflow="fold")
    table.add_column("confidence", justify="right")
    for row in rows[:SHOWN]:
        words = (found.members[row], found.given(row), found.suggested(row))
        share = f"{100 * found.confidence(row)[0]:.1f} %"
        table.add_row(*(Text(printable(word)) for word in words), share)
    if rows:
        console.print(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN:,} more")
