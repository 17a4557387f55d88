"""The Starter book's rules of thumb for architectures (chapter 11.3.2), applied to a network.

They are habits for a first network, not laws: published networks break some on purpose, and the
notes among the findings say so by being notes.
"""

import textwrap

from sightline.models.graph import Graph
from sightline.models.rules import RULES, Chain, Finding

NAMED = 3  # layers that a line of text names


def lint(graph: Graph) -> list[Finding]:
    """Findings, warnings first; one for each rule and reason, with all layers that it is about."""
    found = [finding for rule in RULES for finding in rule(Chain(graph))]
    merged: dict[tuple[str, str], Finding] = {}
    for f in found:
        key = (f.rule, f.do)
        first = merged.get(key)
        layers = (first.layers if first else ()) + f.layers
        says = first.says if first else f.says
        merged[key] = Finding(f.rule, f.level, layers, says, f.do)
    return sorted(merged.values(), key=lambda f: f.level != "warning")


def to_text(findings: list[Finding], columns: int = 80) -> str:
    """Three lines or so a finding."""
    if not findings:
        return "lint: nothing to say by the rules of thumb (Starter book, 11.3)\n"
    count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    lines = [f"lint: {count} by the rules of thumb of the Starter book, 11.3"]
    for f in findings:
        named = ", ".join(f.layers[:NAMED])
        more = f" and {len(f.layers) - NAMED} more" if len(f.layers) > NAMED else ""
        head = f"{f.level}: {f.rule}" + (f" ({named}{more})" if named else "")
        for text, indent in ((head, "  "), (f.says, "    "), (f.do, "    ")):
            lines += textwrap.wrap(
                text, columns, initial_indent=indent, subsequent_indent="    ",
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
    return "\n".join(lines) + "\n"
