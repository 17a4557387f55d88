"""The list of named sets: for people, for programs, and in the documentation."""

import json
from pathlib import Path

import pytest
from PIL import Image

from sightline.data import inventory
from sightline.data.catalog import DATASETS

DOCS = Path(__file__).parent.parent.parent / "docs" / "data-sets.md"
FIELDS = ["name", "about", "images", "classes", "task", "licence"]
FIELDS += ["found", "place", "files", "addresses"]


@pytest.fixture(autouse=True)
def _nothing_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_record_says_where_a_set_lies_or_belongs(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    sets = {entry["name"]: entry for entry in inventory.records(str(tmp_path))}
    assert list(sets) == list(DATASETS)
    assert all(list(entry) == FIELDS for entry in sets.values())
    assert json.loads(json.dumps(sets)) == sets
    assert sets["digits"]["found"] and sets["digits"]["place"] is None
    assert sets["mnist"]["found"] and sets["mnist"]["place"] == str(tmp_path / "mnist")
    assert not sets["cifar10"]["found"] and sets["cifar10"]["place"] == str(tmp_path / "cifar10")
    assert sets["cifar10"]["images"] == {"train": 50_000, "test": 10_000}
    assert sets["cifar10"]["addresses"][0]["digest"] == "md5:c58f30108f718f92721af3b95e74349a"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_list_fits_its_width_and_says_how_each_set_comes(tmp_path: Path, width: int) -> None:
    (tmp_path / "mnist").mkdir()
    text = inventory.to_text(inventory.records(str(tmp_path)), width)
    paths = (str(tmp_path), "fashion-mnist.s3-website")  # are copied whole, never broken
    assert all(
        len(line) <= width for line in text.splitlines() if not any(p in line for p in paths)
    )
    said = " ".join(text.split())
    assert "mnist 60,000 + 10,000 10 classification handwritten digits, 28x28 grey" in said
    assert f"found: {tmp_path / 'mnist'}" in said
    assert "absent: downloads 170 MB from www.cs.toronto.edu when asked for" in said
    assert "absent: downloads from data.caltech.edu when asked for" in said
    assert f"absent: put cats/, dogs/ and panda/ into {tmp_path / 'animals'}" in said
    assert said.count("licence: ") == len(DATASETS)


def test_a_set_of_a_shared_folder_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "superres" / "set5").mkdir(parents=True)
    Image.new("RGB", (3, 2)).save(tmp_path / "superres" / "set5" / "baby.png")
    sets = {entry["name"]: entry for entry in inventory.records(str(tmp_path))}
    assert sets["set5"]["place"] == str(tmp_path / "superres" / "set5")


def test_the_documented_table_is_the_generated_one() -> None:
    assert inventory.to_markdown() in DOCS.read_text("utf-8"), "run python scripts/docs.py"


def test_the_documentation_speaks_of_sets_that_are_there() -> None:
    spoken = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("- **")]
    names = {word for line in spoken for word in line.split("**")[1::2]}
    assert names and names <= set(DATASETS)
