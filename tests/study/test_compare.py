"""Comparisons: the same images or none, the course's choice, and figures that can be recounted."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import recall_score

import sightline as sl
from sightline import files
from sightline.artifact import open_artifact
from sightline.errors import ArtifactError, DataError, OutputError
from sightline.evaluation import Where
from sightline.study import compare_page
from sightline.study.compare import (
    Answers,
    Comparison,
    Cost,
    Limits,
    aligned,
    choose,
    compare,
    judge,
)
from sightline.talk import Silent


def test_the_courses_three_models_within_a_tenth_of_a_second() -> None:
    costs = [Cost(t, 10_000_000, 1) for t in (0.08, 0.095, 1.5)]
    assert choose([0.90, 0.92, 0.95], costs, Limits(latency=0.1)) == 1
    assert choose([0.90, 0.92, 0.95], costs, Limits()) == 2
    assert choose([0.90, 0.92, 0.95], costs, Limits(latency=0.01)) is None


def test_size_is_a_limit_too_and_of_equals_the_quicker_is_taken() -> None:
    costs = [Cost(0.2, 9, 1), Cost(0.1, 9, 1), Cost(0.1, 11, 1)]
    assert choose([0.9, 0.9, 0.99], costs, Limits(size=10)) == 1


def answers(
    name: str, right: float, seed: int, classes: tuple[str, ...] = ("no", "yes")
) -> Answers:
    rng = np.random.default_rng(seed)
    names = np.array(classes)
    truth = names[np.arange(200) % len(classes)]
    wrong = rng.random(200) > right
    guess = np.where(wrong, names[(np.arange(200) + 1) % len(classes)], truth)
    score = rng.uniform(0.5, 1, 200)
    second = np.where(guess == classes[1], score, 1 - score) if len(classes) == 2 else None
    sources = [f"set:{i}" for i in range(200)]
    history = [{"epoch": 1, "val": {"accuracy": right}}]
    return Answers(name, sources, truth, guess, score, second, classes, "set, test", history)


COSTS = [Cost(0.01, 1000, 10), Cost(0.02, 2_000_000, 10), Cost(0.03, 3000, 10)]


def judged() -> Comparison:
    three = [answers("a", 0.7, 0), answers("b", 0.9, 1), answers("c", 0.88, 2)]
    return judge(three, COSTS, Limits(latency=0.015))


def test_each_is_tested_against_the_most_accurate_one() -> None:
    found = judged()
    a, b, _ = found.answers
    assert (found.best, found.chosen) == (1, 0)
    assert found.duels[1] is None
    duel = found.duels[0]
    assert duel is not None
    only_best, only_this = (b.right & ~a.right).sum(), (a.right & ~b.right).sum()
    assert (duel.only_best, duel.only_this) == (only_best, only_this)
    assert duel.p == pytest.approx(
        stats.binomtest(int(only_best), int(only_best + only_this)).pvalue
    )
    assert duel.corrected >= duel.p
    assert duel.low <= duel.difference <= duel.high < 0


def test_differences_by_class_are_scikit_learns_recalls() -> None:
    found = judged()
    for name, count, shares in found.recalls():
        for each, share in zip(found.answers, shares, strict=True):
            expected = recall_score(each.truth, each.guess, labels=[name], average=None)[0]
            assert share == pytest.approx(expected)
        assert count == 100


def test_other_images_truths_or_classes_are_refused_in_a_line() -> None:
    first = answers("a", 0.7, 0)
    fewer = answers("b", 0.7, 0)
    fewer.sources[0] = "elsewhere:7"
    with pytest.raises(DataError, match="b and a were tested on different images.*199 of them"):
        aligned(fewer, first)
    with pytest.raises(DataError, match="know different classes"):
        aligned(answers("b", 0.7, 0, ("no", "maybe")), first)
    turned = answers("b", 0.7, 0)
    turned.truth[5] = "no" if turned.truth[5] == "yes" else "yes"
    with pytest.raises(DataError, match=r"different truths \(first: set:5\)"):
        aligned(turned, first)


def test_answers_in_another_order_are_laid_beside_their_images() -> None:
    first, other = answers("a", 0.7, 0), answers("b", 0.8, 3)
    back = np.arange(200)[::-1]
    assert other.of_second is not None
    shuffled = Answers(
        "b", [other.sources[i] for i in back], other.truth[back], other.guess[back],
        other.score[back], other.of_second[back], other.classes, other.where, other.history,
    )  # fmt: skip
    assert (aligned(shuffled, first).guess == other.guess).all()


def test_the_page_and_the_table_say_what_to_take_and_escape_names(tmp_path: Path) -> None:
    found = judged()
    found.answers[1] = answers("<b>", 0.9, 1)
    compare_page.write(found, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "<b>" not in re.sub(r"<b style", "", text)
    assert "&lt;b&gt;" in text
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)
    assert {"curves", "roc", "precision-recall"} == compare_page.figures(found).keys()
    assert "take a: the most accurate that needs at most 15 ms an image" in compare_page.to_text(
        found
    )
    with pytest.raises(OutputError):
        compare_page.write(found, tmp_path / "page.html")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs")
    for name, learner in (("a", "softmax-regression"), ("b", "knn")):
        sl.train("digits", to=folder / name, quiet=True, learner__name=learner)
    return folder


def test_runs_are_compared_by_what_they_said_when_they_were_tested(runs: Path) -> None:
    names = [str(runs / "a"), str(runs / "b")]
    found = compare(names, Where(), Limits(), Silent())
    figures = [open_artifact(Path(name)).test["accuracy"] for name in names]
    assert [value for value, _, _ in found.accuracy] == pytest.approx(figures)
    assert found.costs[0].size == (runs / "a" / "model.safetensors").stat().st_size
    again = compare(names, Where(data="digits"), Limits(), Silent())
    assert again.accuracy == found.accuracy


def test_a_bare_model_file_needs_a_set(runs: Path, tmp_path: Path) -> None:
    shutil.copy(runs / "a" / "model.safetensors", tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="keeps no answers"):
        compare([str(tmp_path / "a.safetensors"), str(runs / "b")], Where(), Limits(), Silent())
    with pytest.raises(DataError, match="at least two"):
        compare([str(runs / "a")], Where(), Limits(), Silent())
    files.write_text(tmp_path / "none", "")
    with pytest.raises(ArtifactError):
        compare([str(tmp_path / "none"), str(runs / "b")], Where(), Limits(), Silent())
