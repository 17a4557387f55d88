"""Figures: whole, legible in their words, and without a trace outside themselves."""

import re
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from sightline import plots
from sightline.drawing import curves
from sightline.drawing.curves import Marks

HOSTILE = [
    "<script>alert(1)</script>",
    "a & b",
    "$x_1$",
    'say "hi"',
    "two\nlines",
    "\x1b[31m",
    "犬",
    " ",
]


def history(epochs: int, val: bool = True) -> list[dict[str, Any]]:
    found = []
    for epoch in range(1, epochs + 1):
        entry: dict[str, Any] = {"epoch": epoch, "train": {"loss": 1 + 1 / epoch}}
        if val:
            entry["val"] = {"loss": 1.2 + 1 / epoch, "accuracy": 1 - 0.5 / epoch, "mae": 3 / epoch}
        found.append(entry)
    return found


def words(svg: str) -> list[str]:
    """The texts of a figure; raises where it is no XML."""
    root = ElementTree.fromstring(svg)
    return ["".join(node.itertext()) for node in root.iter() if node.tag.endswith("}text")]


def test_confusion_writes_every_count_for_few_classes() -> None:
    table = np.array([[11, 2, 0], [0, 13, 12345], [5, 0, 17]])
    said = words(plots.confusion(table, ["cats", "dogs", "panda"]))
    assert {"11", "2", "13", "12k", "5", "17", "cats", "dogs", "panda", "truth", "guess"} == set(
        said
    )


def test_confusion_of_many_classes_has_no_numbers_and_few_names() -> None:
    said = words(plots.confusion(np.eye(200, dtype=np.int64) * 7, [f"c{i}" for i in range(200)]))
    assert "7" not in said and "c0" in said
    assert len(said) <= 2 * plots.TICKS + 2


def test_confusion_stands_a_class_without_images() -> None:
    assert "4" in words(plots.confusion(np.array([[4, 0], [0, 0]]), ["a", "b"]))


def test_counts_give_the_total_of_each_class() -> None:
    said = words(plots.counts(["cats", "dogs"], {"train": [700, 1300], "val": [150, 2]}))
    assert {"850", "1,302", "cats", "dogs", "training", "validation"} <= set(said)


def test_counts_of_many_classes_stay_of_bounded_height() -> None:
    svg = plots.counts([f"c{i}" for i in range(500)], {"train": list(range(500))})
    assert float(ElementTree.fromstring(svg).attrib["viewBox"].split()[3]) < 600
    assert len(words(svg)) < 40


def test_scatter_passes_over_what_is_no_number() -> None:
    said = words(plots.scatter(np.array([1.0, np.nan, 3.0]), np.array([1.5, 2.0, np.inf]), "age"))
    assert {"age", "truth", "guess"} <= set(said)
    assert words(plots.scatter(np.array([]), np.array([]), "age"))


def test_a_large_scatter_is_stored_as_pixels() -> None:
    x = np.linspace(0, 1, 20_000)
    assert len(plots.scatter(x, x, "age")) < 300_000


@pytest.mark.parametrize("name", HOSTILE)
def test_any_class_name_leaves_a_whole_figure(name: str) -> None:
    matrix = plots.confusion(np.eye(2, dtype=np.int64), [name, "b"])
    bars = plots.counts([name], {"train": [3]})
    assert plots.shortened(name, 16) in words(matrix)
    assert plots.shortened(name) in words(bars)
    for svg in (matrix, bars):
        assert "<script" not in svg
        assert "<script" not in plots.for_page(svg, name, "p")


def test_shortened_names_keep_both_ends_on_one_line() -> None:
    assert plots.shortened("dog") == "dog"
    assert plots.shortened("american staffordshire terrier", 12) == "america…rier"
    assert plots.shortened("a\nb\x00") == "a b"
    assert plots.shortened(" ") == "(blank)"


def test_equal_figures_are_equal_files() -> None:
    assert curves.svg(history(5), Marks(3)) == curves.svg(history(5), Marks(3))


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)
    curves.svg(history(5), Marks(3))
    assert dict(mpl.rcParams) == before


def test_a_figure_for_a_page_takes_its_colors_from_the_page() -> None:
    page = plots.for_page(curves.svg(history(5), Marks(3)), "curves", "c")
    assert not any(color in page for color in plots.VARIABLES)
    assert all(name in page for name in ("var(--ink)", "var(--blue)", "var(--orange)"))


def test_figures_of_one_page_share_no_id_and_name_no_address() -> None:
    svg = curves.svg(history(5), Marks(3))
    first, second = (plots.for_page(svg, "curves", prefix) for prefix in ("a", "b"))
    ids = [set(re.findall(r'\bid="([^"]*)"', page)) for page in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    used = set(re.findall(r'href="#([^"]*)"', first)) | set(re.findall(r"url\(#([^)]*)\)", first))
    assert used and used <= ids[0]
    assert "http" not in first
    assert 'aria-label="curves"' in first
