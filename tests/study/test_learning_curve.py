"""Learning curves: shares within one another, as many steps, the same validation; and a reading."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sightline import recipe
from sightline.artifact import open_artifact
from sightline.cli import app
from sightline.data.dataset import Dataset
from sightline.errors import RecipeError, SightlineError
from sightline.evaluation import own_splits
from sightline.overrides import setting
from sightline.request import ask
from sightline.study.curve_reading import Mean, means, read
from sightline.study.learning_curve import Point, Wanted, measure_curve
from sightline.talk import Silent

FAST = ("learner.name=softmax-regression", "learner.epochs=5", "data.test=0")
MLP = ("model.name=mlp", "model.first=16", "model.second=16", "augment={}", "train.batch=64",
       "train.threads=1", "train.precision=float32", "train.save_every=60")  # fmt: skip


def drawn(to: Path, shares: tuple[float, ...], repeat: int, *words: str) -> list[Point]:
    settings = [setting(word) for word in words]
    wanted = Wanted(shares, repeat)
    return measure_curve(ask("digits", Silent()), settings, wanted, to, False, Silent())[1]


def sources(part: Dataset | None) -> set[str]:
    assert part is not None
    return {part.source(i) for i in range(len(part))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("curve") / "digits"
    drawn(path, (0.1, 0.5, 1), 1, *FAST)
    return path


def test_each_share_lies_within_the_next_and_holds_every_class(folder: Path) -> None:
    parts = [
        own_splits(open_artifact(folder / f"share-{s}"), Silent()) for s in ("0.1", "0.5", "1")
    ]
    small, half, whole = (sources(part.train) for part in parts)
    assert small < half < whole
    assert len(whole) == 1797 - 269
    for part, share in zip(parts, (0.1, 0.5, 1), strict=True):
        counts = np.bincount(np.asarray(part.train.truths.label), minlength=10)
        full = np.bincount(np.asarray(parts[-1].train.truths.label), minlength=10)
        assert np.abs(counts - share * full).max() <= 0.5
    assert len({frozenset(sources(part.val)) for part in parts}) == 1
    assert not whole & sources(parts[0].val)


def test_the_same_command_leaves_what_is_there_and_adds_shares_and_draws(folder: Path) -> None:
    first = (folder / "share-0.5" / "model.safetensors").stat().st_mtime_ns
    shutil.rmtree(folder / "share-0.1")
    points = drawn(folder, (0.1, 0.5), 2, *FAST)
    assert (folder / "share-0.5" / "model.safetensors").stat().st_mtime_ns == first
    assert [(p.share, p.draw) for p in points] == [(s, d) for s in (0.1, 0.5) for d in (1, 2)]
    one, two = (
        own_splits(open_artifact(folder / name), Silent()) for name in ("share-0.1", "share-0.1-2")
    )
    assert sources(one.train) != sources(two.train)
    rows = means(points)
    assert rows[0].val == pytest.approx((points[0].val.error + points[1].val.error) / 2)
    with pytest.raises(RecipeError, match="a learning curve of another request"):
        drawn(folder, (0.1, 1), 1, "learner.name=knn")


def test_all_shares_take_as_many_steps_and_leave_the_test_part_alone(tmp_path: Path) -> None:
    points = drawn(tmp_path / "curve", (0.25, 1), 1, *MLP, "train.epochs=2")
    steps = [p.epochs * -(-p.images // 64) for p in points]
    assert steps[0] == pytest.approx(steps[1], abs=2)
    assert [p.epochs for p in points] == [8, 2]
    for point in points:
        artifact = open_artifact(point.run)
        assert artifact.test == {}
        chosen = recipe.from_text(str(artifact.header["recipe"]), "")
        assert isinstance(chosen, recipe.Recipe)
        assert chosen.model.name == "mlp"
        splits = own_splits(artifact, Silent())
        assert splits.val is not None
        error = 1 - artifact.evaluate(splits.val)["accuracy"]
        assert point.val.error == pytest.approx(error)


def test_whatever_counts_epochs_grows_as_they_do(tmp_path: Path) -> None:
    words = ("train.epochs=2", 'train.schedule={name="step", every=1}', "train.patience=2",
             'train.stages=[{epochs=1, trains="head"}, {}]')  # fmt: skip
    small, whole = drawn(tmp_path / "curve", (0.5, 1), 1, *MLP, *words)
    tables = []
    for point in (small, whole):
        chosen = recipe.from_dict(recipe.read(point.run / "recipe.toml"), "", recipe.Recipe).train
        every = chosen.schedule.settings["every"]
        tables.append((chosen.epochs, every, chosen.patience, chosen.stages[0].epochs))
    assert tables == [(4, 2, 4, 2), (2, 1, 2, 1)]


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    for shares in ((0.5,), (0.5, 0.2), (0.5, 1.5), (0.0, 1)):
        with pytest.raises(RecipeError, match="two or more, rising"):
            drawn(tmp_path / "a", shares, 1, *FAST)
    with pytest.raises(RecipeError, match="needs a validation part"):
        drawn(tmp_path / "a", (0.5, 1), 1, *FAST, "data.val=0")
    decaying = (*MLP, "train.epochs=2", "train.schedule.name=exponential")
    with pytest.raises(RecipeError, match="decays by epochs"):
        drawn(tmp_path / "a", (0.5, 1), 1, *decaying)
    assert not (tmp_path / "a").exists()


def rows(*table: tuple[int, float, float]) -> list[Mean]:
    """(images, train error, val error) of points measured on 10,000 images each."""
    most = table[-1][0]
    return [Mean(m / most, 1, m, 5, t, v, (10_000, 10_000)) for m, t, v in table]


@pytest.mark.parametrize(
    ("table", "verdict"),
    [
        ([(100, 0.2, 0.32), (400, 0.25, 0.29), (700, 0.28, 0.285), (1000, 0.28, 0.284)], "bias"),
        ([(100, 0, 0.4), (200, 0, 0.28), (400, 0, 0.2), (1000, 0, 0.13)], "more data"),
        ([(100, 0, 0.3), (200, 0, 0.21), (500, 0, 0.2), (1000, 0, 0.2)], "flat"),
        ([(100, 0, 0.1), (200, 0, 0.05), (500, 0.005, 0.012), (1000, 0.005, 0.01)], "little left"),
    ],
)
def test_a_curve_is_read(table: list[tuple[int, float, float]], verdict: str) -> None:
    found = read(rows(*table))
    assert found.verdict == verdict
    assert f"{table[-1][2]:.2%}".replace("%", "\u00a0%") in found.sentence


def test_a_curve_that_falls_by_a_power_law_is_drawn_on_to_twice_the_images() -> None:
    table = [(m, 0.0, round(0.02 + 3 * m**-0.6, 4)) for m in (100, 200, 400, 700, 1000)]
    found = read(rows(*table))
    assert found.verdict == "more data"
    assert found.twice is not None
    images, error, low, high = found.twice
    assert images == 2000
    assert error == pytest.approx(0.02 + 3 * 2000**-0.6, abs=0.002)
    assert low < error < high
    assert "2,000" in found.sentence


def test_the_command_prints_a_table_and_writes_a_page_that_loads_nothing(folder: Path) -> None:
    words = ["learning-curve", "digits", "--shares", "0.1,0.5,1", "--to", str(folder)]
    words += [part for word in FAST for part in ("--set", word)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert re.search(r"0\.5\s+76\d", done.stdout)
    page = (folder / "index.html").read_text("utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    told = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert [row["share"] for row in told["shares"]] == [0.1, 0.5, 1]
    assert told == json.loads((folder / "learning-curve.json").read_text("utf-8"))
    wrong = CliRunner().invoke(app, ["learning-curve", "digits", "--shares", "2,1"])
    assert isinstance(wrong.exception, SightlineError)
