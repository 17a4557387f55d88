"""The page of an audit: whole, with its pictures, and without an address outside itself."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline import audit_page
from sightline.data.checking.audit import audit
from sightline.data.dataset import ArrayDataset
from sightline.data.readers import folders, pairs
from sightline.data.split import Splits
from sightline.data.truths import Boxes, Truths
from sightline.errors import OutputError

Photos = Callable[..., Path]


def page(splits: Splits, path: Path) -> str:
    audit_page.write(path, audit(splits))
    return path.read_text("utf-8")


def copied(root: Path) -> Path:
    """The photos with a copy of another class, a damaged file, and a hostile name."""
    (root / "red" / "07.png").write_bytes((root / "blue" / "01.png").read_bytes())
    (root / "red" / "08.png").write_text("<html>")
    (root / "green" / "<b>bold<").mkdir()
    Image.fromarray(np.full((9, 9, 3), 200, np.uint8)).save(root / "green" / "<b>bold<" / "x.png")
    return root


def test_copies_stand_side_by_side_and_damaged_files_are_listed(
    photos: Photos, tmp_path: Path
) -> None:
    text = page(folders.read(copied(photos(each=5))), tmp_path / "page.html")
    group = re.search(r'<li class="several">(.*?)</li>', text, re.DOTALL)
    assert group and group[1].count("data:image/png;base64,") == 2
    assert "blue/<wbr>01.png" in group[1] and "red/<wbr>07.png" in group[1]
    assert "08.png: not a picture" in text
    assert text.count('<div class="row">') == 3


def test_the_page_loads_nothing_and_escapes_every_word(photos: Photos, tmp_path: Path) -> None:
    text = page(folders.read(copied(photos(each=5))), tmp_path / "page.html")
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text
    assert "<b>bold" not in text and "&lt;b&gt;bold" in text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert addresses and all(a.startswith(("data:image/", "#")) for a in addresses)


def test_boxes_are_drawn_over_their_image_with_the_wrong_one_marked(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    column = Boxes.of([[[2, 2, 9, 9], [30, 5, 46, 9]]], [[0, 1]])
    boxed = ArrayDataset([image], Truths(boxes=column), ("cat", "dog"), "boxed")
    text = page(Splits(boxed), tmp_path / "page.html")
    found = text[text.index("box-outside") : text.index("A few of")]
    assert 'viewBox="0 0 46 30"' in found
    assert re.findall(r'<rect x="([\d.]+)".*?class="(\w+)"', found) == [
        ("2.0", "even"),
        ("30.0", "odd"),
    ]


def test_photographs_without_classes_have_one_row(photos: Photos, tmp_path: Path) -> None:
    text = page(pairs.read(photos(each=3)), tmp_path / "page.html")
    assert text.count('<div class="row">') == 1
    assert "Nothing found" in text


def test_a_page_never_overwrites(photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        page(folders.read(photos(each=3)), tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == "mine"
