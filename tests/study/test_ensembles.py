"""Ensembles of real runs: better than their members' mean, used like any model, tested honestly."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.metrics import accuracy_score, log_loss

import sightline as sl
from sightline import models, tasks
from sightline.artifact import Artifact, header_for, open_artifact
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.errors import ArtifactError, DataError, OutputError, RecipeError, SightlineError
from sightline.evaluation import Where, evaluate_run, own_splits
from sightline.outline import Shape, outline
from sightline.predictor import TorchPredictor
from sightline.request import ask
from sightline.study import compare, mistakes
from sightline.study.calibration import calibrate
from sightline.study.ensembles import Ensembled, Made, ensemble
from sightline.study.folds import cross_validate
from sightline.study.scores import scores_of
from sightline.talk import Silent

SAID: list[str] = []
SHORT = {"learner__name": "softmax-regression", "learner__epochs": 4}


class Noting(Silent):  # type: ignore[misc]
    def say(self, text: str) -> None:
        SAID.append(text)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two learners and a network on digits, on canvases of their own; one of another split."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("members")
    sl.train("digits", to=folder / "pixels", quiet=True, **SHORT)
    sl.train("digits", to=folder / "coarse", quiet=True, canvas__size=[5, 5], **SHORT)
    network: dict[str, Any] = {"model__name": "mlp", "train__epochs": 3}
    network |= {"train__precision": "float32", "train__threads": 1}
    sl.train("digits", to=folder / "network", quiet=True, **network)
    sl.train("digits", to=folder / "elsewhere", quiet=True, data__seed=1, **SHORT)
    return folder


def made(runs: Path, names: Sequence[str], to: Path | None = None, **how: Any) -> Ensembled:
    given = [str(runs / name) for name in names]
    return ensemble(given, to, Made(**how), Noting())


@pytest.fixture(scope="module")
def three(runs: Path) -> Ensembled:
    return made(runs, ["pixels", "coarse", "network"], runs / "three")


def of(run: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    artifact = open_artifact(run)
    found = own_splits(artifact, Silent()).parts[part]
    return scores_of(artifact, found)


def test_the_figures_are_those_of_scikit_learn_on_the_mean(runs: Path, three: Ensembled) -> None:
    each = [of(runs / name, "test") for name in ("pixels", "coarse", "network")]
    truth = each[0][1]
    mean = np.mean([scores for scores, _ in each], 0)
    assert three.test["images"] == len(truth) == 269
    assert three.test["accuracy"] == pytest.approx(accuracy_score(truth, mean.argmax(1)))
    assert three.test["loss"] == pytest.approx(log_loss(truth, mean), abs=1e-5)
    for member, (scores, _) in zip(three.members, each, strict=True):
        assert member.test["loss"] == pytest.approx(log_loss(truth, scores), abs=1e-5)
        assert member.test == pytest.approx(open_artifact(runs / member.name).test, abs=1e-5)
    assert three.mean["loss"][0] == pytest.approx(np.mean([log_loss(truth, s) for s, _ in each]))
    assert three.gain["loss"] == pytest.approx(three.test["loss"] - three.mean["loss"][0])
    assert three.gain["loss"] < 0
    assert "gain" in three.to_text()
    assert json.loads(json.dumps(three.to_dict()))["members"][1]["name"] == "coarse"


def test_it_is_a_model_like_any_other(runs: Path, three: Ensembled, tmp_path: Path) -> None:
    model = sl.load(runs / "three")
    assert model.test == three.test
    assert evaluate_run(model, Where(), Silent())[1] == pytest.approx(three.test)
    told = model.header["ensemble"]["members"]
    assert [m["name"] for m in told] == ["pixels", "coarse", "network"]
    assert [m["sha256"] for m in told] == [m.sha256 for m in three.members]
    with (runs / "three" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    share = np.mean([row["truth"] == row["guess"] for row in rows])
    assert share == pytest.approx(three.test["accuracy"])
    names = [str(runs / "three"), str(runs / "coarse")]
    found = compare.compare(names, Where(), compare.Limits(), Silent())
    assert found.accuracy[0][0] == pytest.approx(three.test["accuracy"])
    wrong = mistakes.collect(model, "three", Silent(), near=2)
    assert wrong.error == pytest.approx(1 - three.test["accuracy"])
    assert len(wrong.chosen[0].near) == 2
    with pytest.raises(ArtifactError, match="is an ensemble"):
        outline(str(runs / "three"), Shape())
    to = tmp_path / "calibrated.safetensors"
    assert calibrate(runs / "three", to, Silent()).figures["val"]["loss"][1] < 1
    assert open_artifact(to).test["accuracy"] == pytest.approx(three.test["accuracy"])


def test_weights_learned_are_scipys_on_validation(runs: Path, tmp_path: Path) -> None:
    names = ["pixels", "coarse", "network"]
    found = made(runs, names, tmp_path / "w.safetensors", learn=True)
    each = [of(runs / name, "val") for name in names]
    truth = each[0][1]
    of_truth = np.stack([s[np.arange(len(truth)), truth] for s, _ in each], 1).astype(float)
    best = minimize(
        lambda w: -np.log(of_truth @ w).mean(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-12},
    )
    weights = [member.weight for member in found.members]
    assert weights == pytest.approx(best.x, abs=2e-3)
    assert found.fitted_on == len(truth) == 269
    told = open_artifact(tmp_path / "w.safetensors").header["ensemble"]
    assert told["weights"] == [w for w in weights if w > 0]
    assert [m["name"] for m in told["members"]] == [m.name for m in found.members if m.weight > 0]
    assert not (tmp_path / "predictions.csv").exists()


def test_images_that_a_member_learned_from_are_no_test(runs: Path, tmp_path: Path) -> None:
    SAID.clear()
    found = made(runs, ["pixels", "elsewhere"], tmp_path / "mixed")
    assert found.test == {}
    assert "was trained or chosen on" in SAID[-1]
    assert "elsewhere" in SAID[-1]
    mixed = open_artifact(tmp_path / "mixed")
    assert mixed.test == {}
    with pytest.raises(DataError, match="no test part of its own"):
        evaluate_run(mixed, Where(), Silent())
    with pytest.raises(ArtifactError, match="not scored"):
        compare.compare([str(tmp_path / "mixed")] * 2, Where(), compare.Limits(), Silent())
    with pytest.raises(DataError, match=r"was trained on \d+ of the 269 val images"):
        made(runs, ["pixels", "elsewhere"], tmp_path / "no", learn=True)
    assert not (tmp_path / "no").exists()


def test_folds_are_tested_together_but_have_no_validation_in_common(tmp_path: Path) -> None:
    settings = [("learner.name", "softmax-regression"), ("learner.epochs", 2)]
    folds = cross_validate(ask("digits", Silent()), settings, 2, tmp_path / "cv", False, Silent())
    names = [str(run) for run in folds.runs]
    found = ensemble(names, tmp_path / "both", Made("vote"), Silent())
    assert found.test["images"] == 269
    with pytest.raises(DataError, match="weights cannot be learned"):
        ensemble(names, tmp_path / "no", Made(learn=True), Silent())


@pytest.mark.parametrize(
    ("names", "how", "error", "said"),
    [
        (["pixels"], {}, RecipeError, "2 to 64 members, not 1"),
        (["pixels", "pixels"], {}, ArtifactError, "the same model"),
        (["pixels", "three"], {}, ArtifactError, "is an ensemble itself"),
        (["pixels", "none"], {}, ArtifactError, "no such run"),
        (["pixels", "coarse"], {"by": "vote", "learn": True}, RecipeError, "learned for --by mean"),
    ],
)
def test_what_does_not_go_together_is_refused(
    runs: Path, three: Ensembled, names: list[str], how: dict[str, Any],
    error: type[SightlineError], said: str, tmp_path: Path,
) -> None:  # fmt: skip
    assert three.test
    with pytest.raises(error, match=said):
        made(runs, names, tmp_path / "new", **how)
    assert not (tmp_path / "new").exists()
    with pytest.raises(OutputError, match="exists"):
        made(runs, ["pixels", "coarse"], tmp_path)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    for name, classes, top in (("ab", ("a", "b"), 255), ("abc", ("a", "b", "c"), 255),
                               ("dim", ("b", "a"), 16)):  # fmt: skip
        task = tasks.build("classification", classes, {})
        canvas, view = Canvas((8, 8)), View((8, 8), top)
        model = models.build("mlp", len(classes), 3, (8, 8), {})
        predictor = TorchPredictor(model, task, canvas, view, torch.device("cpu"))
        header = header_for(task, "classification", canvas, view, model={"name": "mlp"})
        Artifact(header, predictor).save(tmp_path / f"{name}.safetensors")
    files = [str(tmp_path / f"{name}.safetensors") for name in ("ab", "abc", "dim")]
    with pytest.raises(ArtifactError, match=r"know different classes \(first: c\)"):
        ensemble(files[:2], None, Made(), Silent())
    with pytest.raises(ArtifactError, match="pixels up to 16 and 255"):
        ensemble([files[0], files[2]], None, Made(), Silent())


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("image,warm,cold", {"red": "1,0", "blue": "0,1", "green": "0,"}),
        ("image,redness", {"red": "100", "blue": "0", "green": "30"}),
    ],
)
def test_labels_and_values_have_ensembles_too(
    photos: Callable[..., Path], tmp_path: Path, header: str, rows: dict[str, str]
) -> None:
    root, lines = photos(), [header]
    for name, cells in rows.items():
        lines += [f"photos/{name}/{p.name},{cells}" for p in sorted((root / name).iterdir())]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    short: dict[str, Any] = {"model__name": "mlp", "train__epochs": 1, "canvas__size": [8, 8]}
    short |= {"train__precision": "float32"}
    for seed, name in enumerate("ab"):
        sl.train(tmp_path / "table.csv", to=tmp_path / name, seed=seed, quiet=True, **short)
    many = "cold" in header
    found = made(tmp_path, ["a", "b"], tmp_path / "both", learn=many)
    assert found.test["images"] == 6
    weights = np.array([member.weight for member in found.members])
    if many:
        assert found.fitted_on == 6
        assert found.test["loss"] <= weights @ [m.test["loss"] for m in found.members] + 1e-6
        return
    assert found.test["rmse"] ** 2 <= weights @ [m.test["rmse"] ** 2 for m in found.members] + 1e-6
    for how in ({"by": "vote"}, {"learn": True}):
        with pytest.raises(RecipeError, match="plain mean"):
            made(tmp_path, ["a", "b"], tmp_path / "no", **how)
