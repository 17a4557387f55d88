"""Suspected labels from a set to a mended copy: on flipped labels, through the command line."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sightline.cli import app
from sightline.data import catalog
from sightline.data.check import examine
from sightline.data.dataset import ArrayDataset, Subset
from sightline.data.opening import open_path
from sightline.data.split import Splits
from sightline.data.truths import Truths
from sightline.errors import RecipeError
from sightline.prepare import Opened
from sightline.request import Request, ask
from sightline.study import confident, kept, suspects_page
from sightline.study.suspects import Suspects, find
from sightline.talk import Silent

LEARNER = [("learner.name", "softmax-regression"), ("learner.epochs", 15)]


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_of_flipped_digits_most_are_among_the_first_suspects(tmp_path: Path) -> None:
    train = catalog.open_named("digits", None, Silent()).train
    rng = np.random.default_rng(0)
    odd = rng.choice(len(train), len(train) // 20, replace=False)
    label = np.array(train.truths.label)
    label[odd] = (label[odd] + rng.integers(1, 10, len(odd))) % 10
    noisy = Subset(train, np.arange(len(train)))
    noisy.truths = replace(train.truths, label=label)
    opened = Opened(Splits(noisy), examine(noisy), [], mirror=False)
    request = Request({"data": {"name": "digits"}}, "digits", planned=True)
    found = find(request, LEARNER, 3, Silent(), tmp_path, opened)
    first = found.ranked.order[: len(odd)]
    assert np.isin(first, odd).mean() >= 0.7
    assert found.noise.rate == pytest.approx(0.05, abs=0.02)
    pairs = found.pairs(100)
    assert sum(count for *_, count in pairs) == len(found.rows)


def test_a_picture_in_the_wrong_folder_is_found_and_mended(
    photos: Callable[..., Path], tmp_path: Path
) -> None:
    root = photos(each=14)
    (root / "blue" / "13.png").rename(root / "red" / "13-blue.png")
    asked = [f"{root}/", "--learner", "softmax-regression", "--folds", "4"]
    table, page = tmp_path / "list.csv", tmp_path / "page.html"
    kept = ["--keep", str(tmp_path / "kept"), "--seed", "1"]
    wanted = ["--to", str(table), "--html", str(page), "--json"]
    found = json.loads(run("data", "suspects", *asked, *kept, *wanted))
    assert found["suspects"][0]["member"] == "red/13-blue.png"
    assert len(list(Path(found["kept"]).glob("fold-*.npy"))) == 4
    with table.open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert (first["member"], first["label"], first["given"]) == ("red/13-blue.png", "blue", "red")
    assert "red/<wbr>13-blue.png" in page.read_text("utf-8")
    out = tmp_path / "mended"
    run("data", "check", f"{root}/", "--fix", str(out), "--labels", str(table))
    assert (out / "blue" / "13-blue.png").is_file()
    assert not (out / "red" / "13-blue.png").exists()
    assert open_path(out).train.classes == ("blue", "green", "red")
    again = run("data", "suspects", *asked, *kept)  # from what is kept
    assert "red/13-blue.png" in again


def test_outputs_that_are_there_and_options_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    done = CliRunner().invoke(app, ["data", "suspects", "digits", "--to", f"{tmp_path}/there.csv"])
    assert "exists; --to never overwrites" in str(done.exception)
    done = CliRunner().invoke(app, ["data", "check", "digits", "--labels", f"{tmp_path}/there.csv"])
    assert done.exit_code == 2 and "give both" in done.output.replace("\n", " ")


def test_a_recipe_and_a_set_without_labels_are_no_sets_to_look_through(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="lenet-digits is a recipe"):
        find(ask("lenet-digits", Silent()), [], 3, Silent(), tmp_path)


class Tags(HTMLParser):
    """The elements of a page, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_hostile_names_stay_words_on_the_page(tmp_path: Path) -> None:
    classes = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\udcff&amp;")
    images = np.zeros((6, 4, 4, 3), np.uint8)
    label = np.array([0, 1, 2, 0, 1, 2])
    shares = np.full((6, 3), 0.1, np.float32)
    shares[np.arange(6), [0, 1, 2, 0, 1, 0]] = 0.8
    train = ArrayDataset(images, Truths(label=label), classes, "</title><script>x</script>")
    noise = confident.noise(label, shares)
    ranked = confident.ranked(label, shares, found=noise)
    members = [f"<b onclick=x>/{i}'.png" for i in range(6)]
    found = Suspects(train, members, shares, noise, ranked, "<i>how</i>", 1.0)
    assert found.rows == [5]
    suspects_page.write(tmp_path / "page.html", found)
    tags = Tags((tmp_path / "page.html").read_text("utf-8"))
    assert not {"script", "b onclick"} & set(tags.names) and tags.names.count("img") == 1
    assert "<script>alert(1)</script>" in tags.words and "<i>how</i>" in tags.words


def test_the_users_cache_is_bounded_and_a_folder_of_ones_own_is_not(
    photos: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = photos(each=8)
    request, quick = ask(f"{root}/", Silent()), [*LEARNER, ("canvas.size", [8, 8])]
    monkeypatch.setattr(kept, "usual", lambda: tmp_path / "cache")
    old = tmp_path / "cache" / ("0" * 24)
    own = tmp_path / "own" / ("0" * 24)
    for folder in (old, own):
        folder.mkdir(parents=True)
        with (folder / "fold-1.npy").open("wb") as file:
            file.truncate(kept.LIMIT)  # takes no room
    found = find(request, quick, 2, Silent())
    assert found.kept is not None and found.kept.is_dir() and not old.exists()
    find(request, quick, 2, Silent(), tmp_path / "own")
    assert own.exists()
