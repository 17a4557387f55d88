"""Mistakes of real runs: which they are, what is nearest to them, and the page of them."""

import base64
import csv
import hashlib
import json
import re
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from typer.testing import CliRunner

import browser
from sightline import experiment
from sightline.artifact import Artifact, open_artifact
from sightline.cli import app
from sightline.data.dataset import ArrayDataset, Subset
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.evaluation import own_splits
from sightline.overrides import setting
from sightline.request import ask
from sightline.study import errors_page, mistakes
from sightline.study.causes import Tags, read
from sightline.study.mistakes import Mistake, Mistakes, collect
from sightline.study.nearest import nearest
from sightline.talk import Silent

HOSTILE = ("</script><script>alert(1)</script>", "<!--<script>", "a\u2028'\"&\udcff")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    words = ("train.epochs=1", "train.batch=64", "model.width=4", "train.threads=1")
    return trained(tmp_path_factory.mktemp("network") / "run", *words)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return trained(tmp_path_factory.mktemp("learner") / "run", "learner.name=knn")


def trained(to: Path, *words: str) -> Artifact:
    settings = [setting(word) for word in words]
    return experiment.train(ask("digits", Silent()), settings, to, False, Silent())


def test_the_mistakes_are_those_of_the_runs_table(network: Artifact) -> None:
    found = collect(network, "run", Silent(), near=0)
    assert network.run is not None
    with (network.run / "predictions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["truth"] != row["guess"]]
    assert [(str(m.index), m.source, m.guess) for m in found.every] == [
        (row["index"], row["source"], row["guess"]) for row in rows
    ]
    assert found.error == pytest.approx(1 - network.test["accuracy"])
    confident = [mistake.confidence for mistake in found.chosen]
    assert confident == sorted(confident, reverse=True)


def test_of_many_mistakes_as_many_as_asked_are_drawn_with_a_seed(network: Artifact) -> None:
    one, two, other = (
        collect(network, "run", Silent(), limit=5, seed=s, near=0) for s in (0, 0, 1)
    )
    assert one.chosen == two.chosen != other.chosen and len(one.chosen) == 5
    assert one.every == other.every and one.key == other.key


def test_a_bare_model_and_the_validation_part_are_answered_anew(
    network: Artifact, tmp_path: Path
) -> None:
    path = tmp_path / "bare.safetensors"
    assert network.path is not None
    path.write_bytes(network.path.read_bytes())
    bare = open_artifact(path, "cpu")
    assert [m.index for m in collect(bare, "bare", Silent(), near=0).every] == [
        m.index for m in collect(network, "run", Silent(), near=0).every
    ]
    val = own_splits(network, Silent()).val
    assert val is not None
    found = collect(network, "run", Silent(), "val", near=0)
    accuracy = network.evaluate(val)["accuracy"]
    assert found.error == pytest.approx(1 - accuracy) and found.images == len(val)
    with pytest.raises(DataError, match="has no train-dev part; it has train, val, test"):
        collect(network, "run", Silent(), "train-dev")


def test_the_nearest_by_a_network_are_those_of_brute_force(network: Artifact) -> None:
    splits = own_splits(network, Silent())
    assert splits.test is not None
    asked, among = Subset(splits.test, range(7)), Subset(splits.train, range(300))
    found = nearest(network.predictor, asked, among, 4, Silent())
    model = deepcopy(network.predictor.model).eval()  # type: ignore[attr-defined]
    seen = []
    for part in (asked, among):
        canvases = torch.from_numpy(np.asarray(part.images(np.arange(len(part)))))
        inputs = network.predictor.view.test_inputs(canvases)[0]
        with torch.inference_mode():
            hidden = model.body.features(model.normalize(inputs)).mean((2, 3))
        seen.append(F.normalize(hidden, dim=1).double())
    far = ((seen[0][:, None] - seen[1][None]) ** 2).sum(2)
    near = far.sort(1).values[:, :4]
    assert torch.allclose(far.gather(1, torch.from_numpy(found)), near, atol=1e-5)


def test_the_nearest_by_a_learner_are_those_of_its_pixels(learner: Artifact) -> None:
    splits = own_splits(learner, Silent())
    asked, among = Subset(splits.train, [5, 150, 9]), Subset(splits.train, range(200))
    found = nearest(learner.predictor, asked, among, 3, Silent())
    assert found[:, 0].tolist() == [5, 150, 9]
    rows = np.asarray(among.images(np.arange(200))).reshape(200, -1).astype(np.int64)
    far = ((rows[[5, 150, 9]][:, None] - rows[None]) ** 2).sum(2)
    assert np.array_equal(np.take_along_axis(far, found, 1), np.sort(far, 1)[:, :3])
    few = nearest(learner.predictor, asked, Subset(splits.train, [0, 1]), 3, Silent())
    assert few.shape == (3, 2)


def hostile() -> Mistakes:
    """Two mistakes whose classes and sources are code."""
    images = np.zeros((3, 4, 4, 3), np.uint8)
    truths = Truths(label=np.array([0, 1, 2]))
    name = "<b onclick=x>/</script>"
    dataset = ArrayDataset(images, truths, HOSTILE, "<i>set</i>", 255, lambda i: f"{name}{i}")
    every = tuple(
        Mistake(i, dataset.source(i), HOSTILE[i], HOSTILE[i + 1], 0.9, (0, 2)) for i in range(2)
    )
    return Mistakes("<u>run</u>", "test", dataset, dataset, every, every)


def test_the_page_names_its_script_by_hash_and_holds_no_other(tmp_path: Path) -> None:
    found = hostile()
    errors_page.write(
        tmp_path / "page.html", found, Tags((HOSTILE[0],), {1: frozenset(HOSTILE[:1])})
    )
    text = (tmp_path / "page.html").read_text("utf-8")
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL)
    assert [kind for kind, _ in scripts] == [' type="application/json" id="data"', ""]
    digest = base64.b64encode(hashlib.sha256(scripts[1][1].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None and f"script-src &#39;sha256-{digest}" in policy[1].replace(
        "'", "&#39;"
    )
    data = json.loads(scripts[0][1])
    assert [row[2] for row in data["rows"]] == list(HOSTILE[:2])
    assert data["ticked"] == {"1": [HOSTILE[0]]}
    assert not re.search(r"<b onclick|<i>set|<u>run|https?://(?!www.w3.org)", text)


def test_the_command_writes_the_page_and_sums_a_table(network: Artifact, tmp_path: Path) -> None:
    run = str(network.run)
    done = CliRunner().invoke(app, ["errors", run, "--json", "--limit", "6"])
    told = json.loads(done.stdout)
    assert told["shown"] == 6 and Path(told["page"]).name == "errors.html" and not told["causes"]
    assert Path(told["page"]).read_text("utf-8").count("data-index=") == 6
    wrong = collect(network, run, Silent(), near=0).every
    lines = [f"{m.index},{m.source},{m.truth},{m.guess},0.5,1," for m in wrong[:2]]
    table = tmp_path / "tags.csv"
    table.write_text("\n".join(["index,source,truth,guess,confidence,thin,b", *lines]), "utf-8")
    words = ["errors", run, "--tags", str(table), "--near", "0", "--to", f"{tmp_path}/p.html"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "Begin with “thin”" in done.stdout.replace("\n", " ")
    done = CliRunner().invoke(app, words)
    assert "p.html exists; --to never overwrites" in str(done.exception)


def test_other_tasks_and_sets_that_are_gone_are_refused(network: Artifact) -> None:
    header = network.header | {"task": {"name": "regression"}}
    with pytest.raises(Exception, match="is for regression; errors are those of classification"):
        mistakes.collect(Artifact(header, network.predictor), "run", Silent())
    header = {key: value for key, value in network.header.items() if key != "recipe"}
    with pytest.raises(DataError, match="was not trained here"):
        mistakes.collect(Artifact(header, network.predictor), "run", Silent())


@pytest.mark.skipif(not browser.FOUND, reason="needs Chromium")
def test_ticks_outlive_a_reload_and_the_browser_and_are_saved(tmp_path: Path) -> None:
    """Slow, since it starts a browser twice: nothing else runs the script."""
    found, page, profile = hostile(), tmp_path / "page.html", tmp_path / "profile"
    errors_page.write(page, found)
    box = "document.querySelectorAll('[data-index]')[{}].querySelectorAll('input')[{}].click()"
    checked = "document.querySelectorAll(':checked').length"
    with browser.browser(profile) as seen:
        seen.open(page)
        seen.do(box.format(0, 1))
        field = "document.getElementById('word')"
        seen.do(f"{field}.value = {json.dumps(HOSTILE[0][:60])}")
        seen.do("document.querySelector('#add button').click()")
        seen.do(box.format(1, 5))
        seen.do(box.format(1, 0))
        seen.reload()
        assert seen.do(checked) == 3
        assert seen.do("document.getElementById('looked').textContent") == "2 of 2"
        saved = seen.saved(tmp_path, "document.getElementById('save').click()", "tags.csv")
        assert seen.complaints == []
    assert saved.startswith(b"index,source,truth,guess,confidence,blurred")
    tags = read(tmp_path / "tags.csv", found)
    assert tags.ticked == {0: {"wrong label"}, 1: {"blurred", HOSTILE[0][:60]}}
    with browser.browser(profile) as seen:
        seen.open(page)
        assert seen.do(checked) == 3
        assert seen.do("document.getElementById('sums').rows.length") == 6
        assert seen.do("document.querySelectorAll('script').length") == 2
