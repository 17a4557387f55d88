"""How an audit is told on a terminal, down to 60 columns."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sightline.data import catalog
from sightline.data.checking.audit import Audit, headline
from sightline.data.checking.corrections import read as read_corrections
from sightline.data.checking.findings import SEVERITIES, UNSEEN, Finding
from sightline.data.checking.images import decoded_bytes
from sightline.data.checking.mend import LIST, format_of
from sightline.data.checking.mend import mend as write_mended
from sightline.data.opening import is_path
from sightline.talk import Talk, printable
from sightline.wording import plural, size_in_words

EXAMPLES = 3  # groups of images named below a finding
TOGETHER = 4  # images of one group
STYLES = {"problem": "bold red", "warning": "yellow", "note": "dim"}


def tell(audited: Audit) -> None:
    """The parts, the findings with a few examples, and their number, on standard output."""
    console = Console(highlight=False)
    console.print(Text(printable(audited.name), "bold"))
    console.print(headline(audited))
    console.print(_parts(audited))
    if not audited.findings:
        console.print("nothing found")
        return
    console.print(_findings(audited))
    tally = [plural(len(audited.of(severity)), severity) for severity in SEVERITIES]
    console.print(", ".join(tally))


def _parts(audited: Audit) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("part")
    table.add_column("images", justify="right")
    table.add_column("width x height")
    table.add_column("values")
    table.add_column("decoded", justify="right")
    for part, found in audited.parts.items():
        size = "none readable"
        if found.images:
            low, high = found.sizes.min(0), found.sizes.max(0)
            size = f"{low[1]}x{low[0]}"
            size += f" to {high[1]}x{high[0]}" if (low != high).any() else ""
        looks = audited.looks[part]
        decoded = size_in_words(decoded_bytes(looks))
        cells = [part, f"{len(looks.records):,}", size, f"0-{found.highest}", decoded]
        table.add_row(*cells)
    return table


def _findings(audited: Audit) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in audited.findings:
        table.add_row(Text(finding.severity, STYLES[finding.severity]), _told(audited, finding))
    return table


def _told(audited: Audit, finding: Finding) -> Text:
    text = Text(f"{finding.part}: {finding.text}" if len(audited.parts) > 1 else finding.text)
    for group in finding.groups[:EXAMPLES]:
        names = [audited.name_of(place) for place in group[:TOGETHER]]
        more = f" and {len(group) - TOGETHER} more" if len(group) > TOGETHER else ""
        line = " = ".join(names) + more
        if finding.kind in UNSEEN:
            line += f": {audited.reason(group[0])}"
        text.append(f"\n{printable(line)}", "dim")
    if len(finding.groups) > EXAMPLES:
        text.append(f"\nand {len(finding.groups) - EXAMPLES:,} more", "dim")
    return text


def mend(
    audited: Audit,
    what: str,
    root: str | None,
    to: Path,
    talk: Talk,
    labels: Path | None = None,
) -> None:
    """Write the mended copy and say what was done.

    what, root  the set as the user named it, and where named sets are looked for
    labels      a list of corrected labels
    """
    corrections = read_corrections(labels) if labels is not None else None
    place = Path(what) if is_path(what) else catalog.find(what, root)
    format = None if place is None else format_of(place, audited.splits.train)
    with talk.bar("mending", len(audited.splits)) as (tick, _):
        done = [fix.what for fix in write_mended(audited, format, to, tick, corrections)]
    kinds = [kind for kind in ("removed", "relabeled", "clipped", "kept") if kind in done]
    said = [f"{done.count(kind):,} {kind}" for kind in kinds]
    talk.say(f"mended   {to}: {', '.join(said) or 'nothing to mend'} (see {LIST})")
