"""Pages that must not go stale: the commands they show are there, the names they list are all."""

import inspect
import re
import shlex
from pathlib import Path

import pytest

from sightline import lab, recipe
from sightline.data.catalog import DATASETS
from sightline.lab.topic import options, topic
from sightline.learners.build import ALL
from sightline.scratch import LEARNERS

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SHARED = {"to", "json", "help"}


def commands(text: str, verb: str) -> list[list[str]]:
    """The words after `sightline VERB` in blocks of code."""
    blocks = "".join(re.findall(r"```\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = re.findall(rf"^sightline {verb}\b ?(.*)$", blocks, re.MULTILINE)
    return [shlex.split(line.split(" #")[0].split("·")[0]) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_lab_commands_in_the_docs_name_topics_and_options_that_there_are(page: Path) -> None:
    for name, *rest in filter(None, commands(page.read_text("utf-8"), "lab")):
        if name in ("TOPIC", "--help"):
            continue
        known = {option.name.replace("_", "-") for option in options(topic(name))} | SHARED
        asked = {word.removeprefix("--").split("=")[0] for word in rest if word.startswith("--")}
        assert asked <= known, (page.name, name, asked - known)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_train_commands_in_the_docs_name_sets_and_recipes_that_there_are(page: Path) -> None:
    for what, *rest in filter(None, commands(page.read_text("utf-8"), "train")):
        bare = not re.search(r"[/.A-Z]", what)
        assert not bare or what in recipe.names() or what in DATASETS, (page.name, what)
        if "--learner" in rest:
            assert rest[rest.index("--learner") + 1] in ALL


def test_every_topic_of_the_lab_has_its_place_in_a_chapter() -> None:
    text = "".join(page.read_text("utf-8") for page in (DOCS / "chapters").glob("*.md"))
    missing = [name for name in lab.TOPICS if not re.search(rf"sightline lab {name}\b", text)]
    assert missing == []


def test_the_table_of_learners_lists_each_with_its_settings() -> None:
    text = (DOCS / "from-scratch.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([\w-]+)` \| [^|]* \| ([^|]*) \|$", text, re.MULTILINE))
    assert list(listed) == list(LEARNERS)
    for name, settings in listed.items():
        known = set(inspect.signature(LEARNERS[name]).parameters) - {"seed", "shape"}
        assert set(re.findall(r"`(\w+)`", settings)) == known, name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), (page.name, target)
