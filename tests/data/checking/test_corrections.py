"""Lists of corrected labels: read, held against a set, and written into a mended copy."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.checking import corrections
from sightline.data.checking.audit import audit
from sightline.data.checking.mend import format_of, mend
from sightline.data.opening import NO_HINTS, Hints, open_path
from sightline.errors import DataError, SightlineError

Photos = Callable[..., Path]


def listed(path: Path, *rows: str) -> corrections.Corrections:
    path.write_text("\n".join(["member,label,note", *rows, ""]), "utf-8")
    return corrections.read(path)


def mended(root: Path, to: Path, chosen: corrections.Corrections, hints: Hints = NO_HINTS) -> None:
    splits = open_path(root, None, hints)
    mend(audit(splits), format_of(root, splits.train), to, corrections=chosen)


def names(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def test_files_move_to_the_folder_of_their_class_and_the_set_stays(
    photos: Photos, tmp_path: Path
) -> None:
    root = photos(each=3)
    before = names(root)
    chosen = listed(
        tmp_path / "list.csv", "blue/00.png,red,", "blue/01.png,,", "red/02.png,red,the same"
    )
    mended(root, tmp_path / "out", chosen)
    found = names(tmp_path / "out") - {"fixes.csv"}
    assert found == before - {"blue/00.png", "blue/01.png"} | {"red/00-2.png"}
    moved = tmp_path / "out" / "red" / "00-2.png"
    assert moved.read_bytes() == (root / "blue" / "00.png").read_bytes()
    assert names(root) == before
    with (tmp_path / "out" / "fixes.csv").open(encoding="utf-8") as file:
        told = [(row["image"], row["what"], row["why"]) for row in csv.DictReader(file)]
    assert ("blue/00.png", "relabeled", "blue -> red") in told
    assert ("blue/01.png", "removed", "as the list says; was blue") in told
    assert len(told) == 2


def test_parts_stay_parts_and_a_class_may_be_called_as_a_part(
    photos: Photos, tmp_path: Path
) -> None:
    whole = photos(classes=("train", "other"), each=3)
    root = tmp_path / "parts"
    root.mkdir()
    for part in ("train", "test"):
        for file in sorted(whole.rglob("*.png")):
            target = root / part / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.asarray(Image.open(file)) // (2 if part == "test" else 1)
            Image.fromarray(pixels.astype(np.uint8)).save(target)
    chosen = listed(tmp_path / "list.csv", "test/train/00.png,other,")
    mended(root, tmp_path / "out", chosen)
    found = names(tmp_path / "out")
    assert "test/other/00-2.png" in found and "test/train/00.png" not in found
    assert "train/train/00.png" in found


def test_labels_of_a_csv_are_rewritten(photos: Photos, tmp_path: Path) -> None:
    root = photos(each=3)
    rows = [
        f"{p.relative_to(root).as_posix()},{p.parent.name}" for p in sorted(root.rglob("*.png"))
    ]
    (root / "set.csv").write_text("\n".join(["image,label", *rows, ""]), "utf-8")
    chosen = listed(tmp_path / "list.csv", "green/02.png,blue,")
    mended(root / "set.csv", tmp_path / "out", chosen)
    again = open_path(tmp_path / "out")
    labels = [again.train.classes[i] for i in again.train.truths.label]  # type: ignore[union-attr]
    assert sorted(labels) == ["blue"] * 4 + ["green"] * 2 + ["red"] * 3


def test_labels_in_the_names_of_files_are_no_matter_for_fix(photos: Photos, tmp_path: Path) -> None:
    root = tmp_path / "flat"
    root.mkdir()
    for i, file in enumerate(sorted(photos(each=3).rglob("*.png"))):
        (root / f"{file.parent.name}.{i}.png").write_bytes(file.read_bytes())
    chosen = listed(tmp_path / "list.csv", "blue.0.png,red,")
    with pytest.raises(DataError, match="not names of folders"):
        mended(root, tmp_path / "out", chosen, Hints(label_from="blue|green|red"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("blue/99.png,red,", "list.csv:2: blue/99.png is not in photos"),
        ("blue/00.png,rad,", "class in .*list.csv:2 'rad'; did you mean red"),
        ("blue/00.png,red", "list.csv:2: 2 cells; expected 3"),
        ("blue/00.png,red,\nblue/00.png,red,", "list.csv:3: blue/00.png is on line 2 already"),
        ("blue/00.png,red,\nblue/01.png,red,", "no image would be left of blue"),
    ],
)
def test_a_list_of_another_set_is_refused_by_its_line(
    photos: Photos, tmp_path: Path, row: str, message: str
) -> None:
    root = photos(each=2)
    with pytest.raises(SightlineError, match=message):
        mended(root, tmp_path / "out", listed(tmp_path / "list.csv", row))
    assert not (tmp_path / "out").exists()


def test_a_list_needs_its_two_columns(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("member,part\na,train\n", "utf-8")
    with pytest.raises(DataError, match="expected one column label"):
        corrections.read(tmp_path / "list.csv")


def test_names_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    odd = 'a"b,\r\n\udcff.png'
    corrections.write(tmp_path / "list.csv", ("member", "label"), [(odd, "<b>")])
    rows = corrections.read(tmp_path / "list.csv").rows
    assert {member: label for member, (label, _) in rows.items()} == {odd: "<b>"}
