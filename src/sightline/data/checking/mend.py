"""A mended copy of a set of files, and a list of what was done to it.

Left out are pictures that cannot be read, exact copies, masks that do not fit. Boxes are clipped to
their images; those without area, there twice or of no known class go. Of copies in several parts
the training one goes, then that of train-dev, then the validation one; a test part keeps all that
can be read, because it is a yardstick that others use too. Copies with different truths stay: which
is right is no matter for a program. Near copies stay: they are a matter of taste. Labels are those
of a list of corrections, where one is given: a file moves to the folder of its class. Files are
linked, else copied, byte for byte.
"""

import csv
import io
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np

from sightline import files
from sightline.data.checking import corrections as corrected
from sightline.data.checking import truths as audit_truths
from sightline.data.checking.audit import Audit
from sightline.data.checking.copies import said
from sightline.data.checking.corrections import Change, Corrections
from sightline.data.checking.findings import Place
from sightline.data.convert import fill
from sightline.data.dataset import Dataset, Subset, origin
from sightline.data.paths import Paths
from sightline.data.readers import coco, table, voc, yolo
from sightline.data.split import PART_NAMES, Splits
from sightline.data.truths import FileImages, FileMasks
from sightline.errors import DataError

LIST = "fixes.csv"
KEEPS = PART_NAMES[::-1]  # which part keeps its copy: test first, train last
READERS = {"voc": voc, "coco": coco, "yolo": yolo, "csv": table}
MASKS = ("mask-unreadable", "mask-size", "mask-values")


@dataclass(frozen=True)
class Fix:
    """One thing that was done, or left to a person.

    what  removed, relabeled, rewritten, clipped or kept
    """

    part: str
    image: str
    what: str
    why: str


def format_of(root: Path, dataset: Dataset) -> str | None:
    """The format of a set's annotations at `root`; None where its truths lie in folders and files.

    Raises DataError for boxes in a format that cannot be written.
    """
    if dataset.truths.boxes is None:
        return "csv" if table.recognises(root) else None
    for name, reader in READERS.items():
        if reader.recognises(root):
            return name
    raise DataError(f"{root}: its boxes are in no format that --fix writes: {', '.join(READERS)}")


def mend(
    audited: Audit,
    format: str | None,
    to: Path,
    tick: Callable[[int], None] = lambda _: None,
    corrections: Corrections | None = None,
) -> list[Fix]:
    """Write the mended copy and `fixes.csv` into the new folder `to`; returns what was done.

    format       of sets with annotations, as `format_of` says; None keeps files where they lie
    tick         is called with 1 for each image written
    corrections  labels that are others

    Raises DataError for sets that are no files, of which nothing would be left, or that the
    corrections are not for; OutputError where `to` is taken. Nothing is left behind on failure.
    """
    parts = audited.splits.parts
    for dataset in parts.values():
        if not len(dataset) or origin(dataset, 0) is None:
            raise DataError(f"{dataset.name}: --fix is for sets of files; these are arrays")
    fixes: list[Fix] = []
    if format is not None:
        why = f"annotations as {format}: one truth an image or box, other fields are not kept"
        fixes.append(Fix("", "", "rewritten", why))
    kept = {}
    changes = corrected.changes(audited.splits, corrections) if corrections else []
    gone = _removed(audited, fixes)
    _correct(audited, changes, gone, fixes)
    for part, dataset in parts.items():
        rows = np.setdiff1d(np.arange(len(dataset)), sorted(gone[part]))
        if len(rows):
            subset = Subset(dataset, rows)
            labels = {c.row: c.label for c in changes if c.part == part and c.label is not None}
            subset = corrected.relabeled(subset, labels) if labels else subset
            kept[part] = _boxes_mended(audited, part, subset, fixes)
    if "train" not in kept:
        raise DataError(f"{audited.name}: nothing would be left of train")
    with files.output_errors(to), files.whole_folder(to) as folder:
        if format is not None:
            fill(folder, Splits.of(kept), format, tick)
        else:
            _placed(audited, kept, changes, folder, tick)
        if (folder / LIST).exists():
            raise DataError(f"{audited.name}: holds a {LIST} of its own")
        (folder / LIST).write_bytes(_table(fixes))
    return fixes


def _table(fixes: Iterable[Fix]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["part", "image", "what", "why"])
    writer.writerows([fix.part, fix.image, fix.what, fix.why] for fix in fixes)
    return out.getvalue().encode("utf-8", "backslashreplace")


def _removed(audited: Audit, fixes: list[Fix]) -> dict[str, set[int]]:
    """Rows of each part that are left out."""
    gone: dict[str, set[int]] = {part: set() for part in audited.splits.parts}

    def remove(place: Place, why: str) -> None:
        if place[1] not in gone[place[0]]:
            gone[place[0]].add(place[1])
            fixes.append(Fix(place[0], audited.name_of(place), "removed", why))

    for part, looks in audited.looks.items():
        for row, _ in looks.unreadable:
            remove((part, row), audited.reason((part, row)))
    for finding in audited.findings:
        unknown_label = finding.kind == "unknown" and audited.task == "classification"
        if finding.kind in MASKS or unknown_label:
            for group in finding.groups:
                remove(group[0], finding.kind.replace("-", " "))
    for group in audited.copies.exact:
        _one_of(
            audited, [place for place in group if place[1] not in gone[place[0]]], remove, fixes
        )
    return gone


def _correct(
    audited: Audit, changes: list[Change], gone: dict[str, set[int]], fixes: list[Fix]
) -> None:
    """Take out what a list leaves out, and tell of what it relabels."""
    for change in changes:
        if change.row in gone[change.part]:
            continue
        dataset, name = (
            audited.splits.parts[change.part],
            audited.name_of((change.part, change.row)),
        )
        label = dataset.truths.label
        assert label is not None
        before = dataset.classes[int(label[change.row])]
        if change.label is None:
            gone[change.part].add(change.row)
            fixes.append(Fix(change.part, name, "removed", f"as the list says; was {before}"))
        else:
            why = f"{before} -> {dataset.classes[change.label]}"
            fixes.append(Fix(change.part, name, "relabeled", why))


def _one_of(
    audited: Audit,
    group: list[Place],
    remove: Callable[[Place, str], None],
    fixes: list[Fix],
) -> None:
    """Take copies out of all but the part that keeps them, and there all but the first."""
    parts = audited.splits.parts
    if len(group) < 2:
        return
    owner = next(part for part in KEEPS if any(place[0] == part for place in group))
    first = next(place for place in group if place[0] == owner)
    agree = len({said(parts, place) for place in group if place[0] == owner}) == 1
    for place in group:
        if place[0] != owner:
            remove(place, f"exact copy of {audited.name_of(first)} in {owner}")
        elif place == first or (owner == "test" and agree):
            continue
        elif not agree:
            why = f"exact copy of {audited.name_of(first)} with another truth: decide by hand"
            fixes.append(Fix(owner, audited.name_of(place), "kept", why))
        else:
            remove(place, f"exact copy of {audited.name_of(first)}")


def _boxes_mended(audited: Audit, part: str, kept: Subset, fixes: list[Fix]) -> Dataset:
    boxes = kept.truths.boxes
    if boxes is None:
        return kept
    inside = audit_truths.clipped(boxes, audited.looks[part].sizes[kept.rows])
    unknown = (boxes.classes < 0) | (boxes.classes >= len(kept.classes))
    void = audit_truths.empty(inside)
    double = audit_truths.twice(boxes) & ~void
    out = unknown | void | double
    moved = (np.abs(inside - boxes.boxes).max(1, initial=0) > 0) & ~out
    image = boxes.images
    for which, what, why in (
        (unknown, "removed", "box of an unknown class"),
        (void & ~unknown, "removed", "box of no area within the image"),
        (double & ~unknown, "removed", "box there twice"),
        (moved, "clipped", "box partly outside the image"),
    ):
        for at in np.flatnonzero(which):
            corners = ", ".join(f"{value:g}" for value in boxes.boxes[at])
            place = (part, int(kept.rows[image[at]]))
            fixes.append(Fix(part, audited.name_of(place), what, f"{why}: {corners}"))
    mended = replace(boxes, boxes=inside).kept(np.flatnonzero(~out))
    kept.truths = replace(kept.truths, boxes=mended)
    return kept


def _placed(
    audited: Audit,
    kept: dict[str, Dataset],
    changes: list[Change],
    folder: Path,
    tick: Callable[[int], None],
) -> None:
    """Each file below `folder` where it lay below what all parts share; in the folder of its class,
    where that is another one now."""
    roots = {part: _root(dataset) for part, dataset in kept.items()}
    common = Path(os.path.commonpath([str(root) for root in roots.values()]))
    new = {(c.part, c.row): c.label for c in changes if c.label is not None}
    component = corrected.class_folder(audited.splits.train) if new else 0
    moving: list[tuple[Paths, int, Path, str]] = []  # last: their names must not be taken
    for part, dataset in kept.items():
        home = folder / roots[part].relative_to(common)
        truths = dataset.truths
        beside = [truths.masks.paths] if isinstance(truths.masks, FileMasks) else []
        beside += [truths.targets.paths] if isinstance(truths.targets, FileImages) else []
        assert isinstance(dataset, Subset)
        for row in range(len(dataset)):
            found = origin(dataset, row)
            assert found is not None
            label = new.get((part, int(dataset.rows[row])))
            if label is None:
                _link(found[0].paths, found[1], home)
            else:
                moving.append((found[0].paths, found[1], home, dataset.classes[label]))
            for paths in beside:
                _link(paths, row, folder / paths.root.absolute().relative_to(common))
            tick(1)
    for paths, row, home, name in moving:
        _require_below(paths, row)
        target = corrected.moved(home, paths.name(row), component, name)
        corrected.linked(paths.at(row).resolve(), target)


def _root(dataset: Dataset) -> Path:
    found = origin(dataset, 0)
    assert found is not None
    return found[0].paths.root.absolute()


def _link(paths: Paths, row: int, home: Path) -> None:
    _require_below(paths, row)
    target = home / paths.name(row)
    if not target.exists():  # a photograph that is its own target
        corrected.linked(paths.at(row).resolve(), target)


def _require_below(paths: Paths, row: int) -> None:
    name = PurePath(paths.name(row))
    if name.is_absolute() or ".." in name.parts:
        raise DataError(f"{paths.at(row)}: lies outside {paths.root}; --fix keeps what is below it")
