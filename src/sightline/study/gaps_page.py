"""The gaps of a run told: as text for a terminal, and as a page of one file."""

from pathlib import Path

from markupsafe import Markup

from sightline import files, page, plots
from sightline.drawing import errors as drawing
from sightline.study.gaps import ADVICE, Gap
from sightline.study.run_gaps import RunGaps
from sightline.version import __version__

WORDS = {
    "no higher": "no higher",
    "within chance": "within chance",
    "small": "too small to work on",
    "minor": "little beside the largest",
}


def to_text(found: RunGaps) -> str:
    """The table of errors, the faults with what to try, the rest, the curves."""
    lines = [f"{found.name}: {found.answers}, seen as in the test ({found.view}), with 95 % ranges"]
    human = "not known, taken for 0" if found.human is None else "as given"
    lines.append(f"  {'human':<10}{100 * (found.human or 0):>7.2f} %  {human}")
    for error in found.errors:
        low, high = error.interval
        lines.append(
            f"  {error.part:<10}{100 * error.error:>7.2f} %  {error.wrong:,} of {error.images:,}"
            f"  ({100 * low:.2f} to {100 * high:.2f})"
        )
    lines.append("")
    if not found.named:
        lines.append("nothing stands out")
    for number, gap in enumerate(found.named, 1):
        advice = ADVICE[gap.kind]
        lines.append(f"{number}. {gap.kind}: {points(gap)} from {gap.start} to {gap.end}")
        lines.append(f"   {advice.means}")
        lines.append(f"   Try ({advice.source}; stage {advice.stage} of four):")
        lines += [f"   - {_for(found, each)}" for each in advice.tries]
    lines += [
        f"{'   ' if not found.named else ''}{gap.kind}: {points(gap)} from {gap.start} to "
        f"{gap.end}, {WORDS[gap.verdict]}"
        for gap in found.gaps
        if gap.verdict != "named"
    ]
    if found.remarks:
        lines += ["", "the curves say"]
    for remark in found.remarks:
        lines.append(f"  {remark.kind}, epoch {remark.epoch}: {remark.sentence} {remark.advice}")
    if found.facts or found.notes:
        lines.append("")
    lines += [f"as trained: {'; '.join(found.facts)}"] if found.facts else []
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join(lines)


def points(gap: Gap) -> str:
    """A gap and its interval, in points of a hundred."""
    low, high = 100 * gap.low, 100 * gap.high
    return f"{100 * gap.size:+.2f} points ({low:+.2f} to {high:+.2f})"


def _for(found: RunGaps, advice: str) -> str:
    """Advice with the run's own name in its commands."""
    return advice.replace("RUN", found.model)


def write(found: RunGaps, to: Path) -> None:
    """Write the page. Raises OutputError where the file is there already."""
    if to.exists():
        raise files.exists_already(to)
    bars = [(error.part, error.error, *error.interval) for error in found.errors]
    marks = [(gap.kind if gap.verdict == "named" else "", gap.size) for gap in found.gaps]
    picture = drawing.steps(bars, found.human, marks)
    text = page.environment().get_template("diagnose.html").render(
        found=found,
        advice=ADVICE,
        tries={gap.kind: [_for(found, t) for t in ADVICE[gap.kind].tries] for gap in found.named},
        words=WORDS,
        points=points,
        picture=Markup(plots.for_page(picture, "errors of the parts", "errors")),
        version=__version__,
    )  # fmt: skip
    with files.output_errors(to):
        files.write_text(to, text)
