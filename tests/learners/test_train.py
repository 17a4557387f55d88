"""Learners from a request to a run folder, and used like any model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline import experiment
from sightline.errors import DeviceError, RecipeError, UnknownName
from sightline.request import ask
from sightline.talk import Silent
from terminal import sightline


def pictures(n: int = 90) -> tuple[np.ndarray, list[str]]:
    """Dark, middling and bright squares."""
    rng = np.random.default_rng(1)
    level = np.arange(n) % 3
    noise = rng.integers(0, 60, (n, 12, 12, 3))
    return (noise + 80 * level[:, None, None, None]).astype(np.uint8), [
        ("dark", "grey", "white")[i] for i in level
    ]


def trained(to: Path, **settings: Any) -> sl.Artifact:
    return sl.train(pictures(), to=to, quiet=True, **settings)


def test_k_nearest_neighbors_are_trained_saved_and_used_as_any_model(tmp_path: Path) -> None:
    model = trained(tmp_path / "run", learner__name="knn", learner__k=3)
    images, names = pictures(30)
    answers = model.predict(images)
    assert [model.classes[a.label] for a in answers if a.label is not None] == names
    assert model.test["accuracy"] == 1 and model.parts["val"]["accuracy"] == 1
    again = sl.load(tmp_path / "run")
    for a, b in zip(answers, again.predict(images), strict=True):
        assert np.array_equal(a.scores, b.scores)
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"recipe.toml", "events.jsonl", "model.safetensors", "report.html"} <= files


def test_bytes_are_kept_as_bytes_and_answer_alike(tmp_path: Path) -> None:
    small = trained(tmp_path / "bytes", learner__name="knn", learner__values="bytes")
    large = trained(tmp_path / "unit", learner__name="knn")
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("bytes", "unit")]
    assert sizes[0] * 3 < sizes[1]
    images, _ = pictures(30)
    assert [a.label for a in small.predict(images)] == [a.label for a in large.predict(images)]


def test_a_learner_is_the_same_from_the_same_seed(tmp_path: Path) -> None:
    settings = {"learner__name": "layered-network", "learner__epochs": 3}
    runs = [trained(tmp_path / str(i), seed=i // 2, **settings) for i in range(3)]
    images, _ = pictures(9)
    scores = [np.array([a.scores for a in run.predict(images)]) for run in runs]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_losses_that_a_learner_kept_are_in_the_report(tmp_path: Path) -> None:
    trained(tmp_path / "run", learner__name="convnet", learner__epochs=2)
    lines = (tmp_path / "run" / "events.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "epoch", "epoch", "test"]
    assert "Training" in (tmp_path / "run" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learner__name": "forest"}, "unknown learner 'forest'"),
        ({"learner__name": "knn", "learner__kk": 3}, "did you mean k"),
        ({"learner__name": "knn", "train__epochs": 3}, "unknown key"),
        ({"learner__name": "knn", "device": "cuda"}, "run on the CPU"),
        ({"learner__name": "perceptron"}, "two classes 0 and 1"),
        ({"learner__k": 3}, "learner.name"),
    ],
)
def test_a_mistake_leaves_no_run_folder(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises((UnknownName, RecipeError, DeviceError)) as caught:
        trained(tmp_path / "run", **settings)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_commands_for_networks_say_that_it_is_a_learner(tmp_path: Path) -> None:
    run = tmp_path / "run"
    sl.train("digits", to=run, quiet=True, learner__name="knn")
    for command in (("resume", run), ("monitor", run), ("summary", run), ("rate", "find", run)):
        code, _, said = sightline(*command)
        assert code == 2 and "learner" in said and said.strip().count("\n") == 0
    code, out, _ = sightline("report", run)
    assert code == 0 and "report.html" in out


def test_the_command_takes_a_learner_by_name(tmp_path: Path) -> None:
    to = tmp_path / "run"
    code, out, _ = sightline("train", "digits", "--learner", "knn", "--to", to, "--json")
    assert code == 0 and json.loads(out)["test"]["accuracy"] > 0.97
    code, out, _ = sightline("evaluate", to, "--json")
    assert json.loads(out)["test"]["accuracy"] > 0.97


def test_a_learners_recipe_is_split_as_the_book_does(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neighbors import KNeighborsClassifier

    settings = [("learner", {"name": "knn", "k": 1, "values": "bytes"})]
    request = ask("nn-digits", Silent())
    model = experiment.train(request, settings, tmp_path / "run", False, Silent())
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(X, y, test_size=0.25, random_state=42)
    theirs = KNeighborsClassifier(1).fit(parts[0], parts[2]).score(parts[1], parts[3])
    assert model.test["accuracy"] == pytest.approx(theirs)
