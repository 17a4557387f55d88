"""The audit: everything that can be wrong with a set, found in one pass over its pictures.

Each picture is decoded once (looking.py) and leaves 41 bytes; findings come from these, from the
truths, and from a second look at the few pictures that may be copies of one another. Nothing is
changed; mend.py writes a mended copy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sightline import memory
from sightline.data.check import Findings, noun_of, summary
from sightline.data.checking import copies as audit_duplicates
from sightline.data.checking import images as audit_images
from sightline.data.checking import objects as audit_objects
from sightline.data.checking import truths as audit_truths
from sightline.data.checking.copies import Copies
from sightline.data.checking.findings import SEVERITIES, Finding, Place
from sightline.data.checking.looking import Looks, look
from sightline.data.members import Names
from sightline.data.split import Splits
from sightline.wording import plural, size_in_words

LISTED = 1000  # groups of one finding in to_dict


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found.

    splits    the set that was looked at
    parts     what each part holds, in few numbers
    looks     what was seen of each image
    counts    truths a class in each part; empty where there are no classes
    findings  problems first
    copies    of each other, among the images
    free      bytes of memory that were free
    """

    splits: Splits
    parts: dict[str, Findings]
    looks: dict[str, Looks]
    counts: dict[str, list[int]]
    findings: tuple[Finding, ...]
    copies: Copies
    free: int

    @property
    def name(self) -> str:
        return self.splits.train.name

    @property
    def task(self) -> str:
        return self.splits.train.truths.task

    @property
    def decoded(self) -> int:
        """Bytes of all readable images when decoded."""
        return sum(audit_images.decoded_bytes(looks) for looks in self.looks.values())

    @property
    def stored(self) -> int:
        """Bytes of all files; of arrays, those of their pixels."""
        return sum(int(looks.records["bytes"].sum()) for looks in self.looks.values())

    def of(self, severity: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == severity]

    def source(self, place: Place) -> str:
        """Where an image came from, as a person would look it up."""
        return self.splits.parts[place[0]].source(place[1])

    @cached_property
    def _names(self) -> Names:
        return Names(self.splits)

    def name_of(self, place: Place) -> str:
        """What an image is called as a member of the set: its path below the set's root."""
        return self._names.at(self.splits.parts[place[0]], place[1])

    def reason(self, place: Place) -> str:
        """Why an image cannot be read, without its path."""
        why = self.looks[place[0]].reasons[place[1]]
        return why.removeprefix(f"{self.source(place)}: ")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values. Of each finding at most 1,000 groups are listed."""
        parts = {
            part: {
                "images": len(self.looks[part].records),
                "readable": found.images,
                "median_size": list(found.median_size) if found.images else None,
                "smallest": found.sizes.min(0).tolist() if found.images else None,
                "largest": found.sizes.max(0).tolist() if found.images else None,
                "one_channel": found.grey,
                "highest": found.highest,
                "top": found.top,
                "counts": dict(zip(found.classes, self.counts[part], strict=False)),
                "file_bytes": int(self.looks[part].records["bytes"].sum()),
                "decoded_bytes": audit_images.decoded_bytes(self.looks[part]),
            }
            for part, found in self.parts.items()
        }
        found = [
            {
                "severity": finding.severity,
                "kind": finding.kind,
                "part": finding.part,
                "text": finding.text,
                "groups": len(finding.groups),
                "images": [[self._place(p) for p in group] for group in finding.groups[:LISTED]],
            }
            for finding in self.findings
        ]
        return {
            "set": self.name,
            "task": self.task,
            "classes": list(self.splits.train.classes),
            "parts": parts,
            "free_memory": self.free,
            "counts": {severity: len(self.of(severity)) for severity in SEVERITIES},
            "findings": found,
        }

    def _place(self, place: Place) -> dict[str, Any]:
        return {"part": place[0], "row": place[1], "source": self.source(place)}


def audit(splits: Splits, tick: Callable[[int], None] = lambda _: None) -> Audit:
    """Look at every image and truth of a set. `tick` is called with 1 for each image."""
    parts = splits.parts
    looks = {part: look(dataset, tick) for part, dataset in parts.items()}
    found: list[Finding] = []
    counts: dict[str, list[int]] = {}
    for part, dataset in parts.items():
        found += audit_images.on_images(part, dataset, looks[part])
        found += audit_truths.on_labels(part, dataset)
        found += audit_truths.on_boxes(part, dataset, looks[part])
        found += audit_truths.on_landmarks(part, dataset, looks[part])
        on_masks, shown = audit_truths.on_masks(part, dataset, looks[part])
        found += on_masks
        counts[part] = audit_truths.counts(dataset, shown)
    free = memory.free()
    found += audit_images.between_parts(parts, looks, free)
    found += audit_truths.on_classes(parts, counts)
    found += audit_objects.on_rare(parts)
    copies = audit_duplicates.copies(parts, looks)
    found += audit_duplicates.on_copies(parts, copies)
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    return Audit(
        splits=splits,
        parts={part: summary(parts[part], looks[part], counts[part]) for part in parts},
        looks=looks,
        counts=counts,
        findings=tuple(sorted(found, key=lambda finding: order[finding.severity])),
        copies=copies,
        free=free,
    )


def headline(audited: Audit) -> str:
    """The set in one line: how many images, what they take."""
    splits = audited.splits
    return (
        f"{plural(len(splits), 'image')}, "
        f"{plural(len(splits.train.classes), *noun_of(audited.task))}, {audited.task}; "
        f"{size_in_words(audited.stored)} stored, {size_in_words(audited.decoded)} decoded, "
        f"{size_in_words(audited.free)} of memory free"
    )
