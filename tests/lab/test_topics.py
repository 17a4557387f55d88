"""What every topic of the lab promises, tried on each of them."""

import io
import math
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline import lab, plots
from sightline.lab.carry_out import Outcome, as_text, carry_out
from sightline.lab.topic import options, topic

QUICK: dict[str, dict[str, Any]] = {  # options that make a slow topic quick
    "batch-norm": {"epochs": 1, "units": 8, "batch": 256, "depth": 2},
    "initialization": {"activation": "tanh", "layers": 3, "width": 32},
    "landscape": {"side": 7, "epochs": 2, "units": 4},
    "optimizers": {"surface": "valley", "steps": 12, "rate": 0.02},
    "knn": {"n": 60, "k": 15},
    "blobs": {"epochs": 10, "seeds": 1},
    "bitwise": {"epochs": 1, "seeds": 3},
    "rates": {"passes": 2, "epochs": 8},
    "linear": {"seeds": 5},
    "regularization": {"train": 60, "epochs": 10},
    "xor": {"epochs": 40, "seeds": 2},
    "kernels": {"side": 64},
    "convolution": {"stride": 2},
    "pooling": {"side": 96},
    "descriptors": {"images": 200},
    "invariance": {"epochs": 1, "step": 90},
    "capacity": {"sets": 10},
    "bias-variance": {"sets": 50},
    "fits": {"count": 20, "epochs": 4, "units": 8},
    "estimators": {"draws": 50},
    "bagging": {"models": 3, "train": 30, "units": 4, "epochs": 2, "draws": 200},
    "dimensions": {"count": 50, "queries": 3, "train": 30, "repeats": 1},
    "semi-supervised": {"count": 300, "repeats": 1},
    "batches": {"train": 100, "epochs": 1, "goal": 2.1},
    "adversarial": {"train": 100, "epochs": 10},
    "noise": {"seeds": 1, "train": 20, "units": 4, "epochs": 2},
}


@pytest.fixture(scope="module", params=lab.TOPICS)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    name = request.param
    return carry_out(name, QUICK.get(name, {}), tmp_path_factory.mktemp("lab") / name)


def test_every_file_of_the_lab_is_a_topic_or_is_named_here() -> None:
    folder = Path(lab.__file__).parent
    others = {"__init__", "topic", "carry_out", "pictures", "grids", "material", "photographs"}
    there = {path.stem for path in folder.glob("*.py")} - others
    topics = {n for n in there if hasattr(import_module(f"sightline.lab.{n}"), "TOPIC")}
    assert {name.replace("-", "_") for name in lab.TOPICS} == topics


@pytest.mark.parametrize("name", lab.TOPICS)
def test_a_topic_says_in_two_sentences_what_to_see_and_where_it_comes_from(name: str) -> None:
    found = topic(name)
    assert len(re.findall(r"[.!?](?:\s|$)", found.see)) == 2
    assert len(found.see) < 420
    assert re.search(r"book|[Cc]ourse|\d{4}", found.source)
    assert found.title and lab.TOPICS[name]


@pytest.mark.parametrize("name", lab.TOPICS)
def test_every_option_of_a_topic_has_a_default_and_is_explained(name: str) -> None:
    for option in options(topic(name)):
        assert option.says.words, option.name
        low, high = option.says.least, option.says.most
        if isinstance(option.default, int | float):
            assert (-math.inf if low is None else low) <= option.default
            assert option.default <= (math.inf if high is None else high)


def test_a_topic_draws_and_its_tables_fit(outcome: Outcome) -> None:
    found = outcome.found
    assert found.pictures and (found.tables or found.notes)
    assert not found.pictures.keys() & {table.name for table in found.tables}
    for table in found.tables:
        assert all(len(row) == len(table.heads) for row in table.rows) and table.rows
        assert "nan" not in as_text(table)
    names = [path.name for path in sorted(outcome.folder.iterdir())]
    assert names == sorted(outcome.files)


def test_the_pictures_of_a_topic_are_not_blank_and_fit_a_page(outcome: Outcome) -> None:
    for name in outcome.found.pictures:
        path = next(outcome.folder.glob(f"{name}.*"))
        assert path.stat().st_size < 1_500_000
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            assert picture.width <= 1600 and picture.height <= 2400
            assert np.asarray(picture.convert("L")).std() > 2


def test_the_page_of_a_topic_loads_nothing_from_elsewhere(outcome: Outcome) -> None:
    text = (outcome.folder / "index.html").read_text("utf-8")
    assert outcome.topic.title in text
    assert not re.search(r'(?:src|href)="(?!data:)', text)


def test_the_same_options_give_the_same_figures(outcome: Outcome) -> None:
    with plots.styled():
        again = outcome.topic.run(**outcome.options)
    assert again.notes == outcome.found.notes and again.tables == outcome.found.tables
    assert again.pictures.keys() == outcome.found.pictures.keys()
