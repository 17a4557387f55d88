"""The main job, end to end, on small real things."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sightline as sl
from sightline import evaluation, experiment, files, recipe
from sightline.artifact import open_artifact
from sightline.data import members
from sightline.data.boxes import Boxes
from sightline.data.dataset import ArrayDataset, Dataset, as_dataset
from sightline.data.readers import folders
from sightline.data.truths import Truths
from sightline.errors import (
    ArtifactError,
    DataError,
    Diverged,
    OutputError,
    RecipeError,
    UnknownName,
)
from sightline.evaluation import Where
from sightline.overrides import override, setting
from sightline.prepare import open_arrays
from sightline.request import ask, kind_of
from sightline.talk import Silent, Terminal
from sightline.training import events

Photos = Callable[..., Path]
QUICK = ["train.epochs=2", "model.width=4", "canvas.size=[16, 16]"]


def train(what: str, to: Path, *settings: str, quarantine: bool = False) -> sl.Artifact:
    talk = Silent()
    pairs = [setting(text) for text in (*QUICK, *settings)]
    return experiment.train(ask(what, talk), pairs, to, quarantine, talk)


def test_a_folder_of_class_folders_becomes_a_tested_model_with_a_report(
    photos: Photos, tmp_path: Path
) -> None:
    root, run = photos(), tmp_path / "run"
    model = train(str(root), run, "train.epochs=25", "train.batch=8")
    assert model.test["accuracy"] >= 0.8
    assert model.classes == ("blue", "green", "red")
    assert {p.name for p in run.iterdir()} >= {
        "recipe.toml",
        "events.jsonl",
        "checkpoints",
        "model.safetensors",
        "predictions.csv",
        "report.html",
    }
    image = sl.FileDataset(root, ["red/00.png"], Truths(label=np.array([2])), ("x",))[0].image
    answer = sl.load(run).predict([image])[0]
    assert answer.scores is not None
    assert answer.scores.sum() == pytest.approx(1, abs=1e-5)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(
    photos: Photos, tmp_path: Path
) -> None:
    root = str(photos())
    a, b, c = (
        train(root, tmp_path / name, f"train.seed={seed}")
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert a.path
    assert b.path
    assert c.path
    assert states(a) == states(b)
    assert states(a) != states(c)


def states(model: sl.Artifact) -> list[bytes]:
    return [v.numpy().tobytes() for v in model.predictor.model.state_dict().values()]


def test_evaluate_gives_the_figure_that_training_gave(photos: Photos, tmp_path: Path) -> None:
    model = train(str(photos()), tmp_path / "run")
    name, figures = evaluation.evaluate_run(open_artifact(tmp_path / "run"), Where(), Silent())
    assert name == "photos"
    assert figures == pytest.approx(model.test)


def test_evaluate_on_other_data_matches_classes_by_name(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    train(str(root), tmp_path / "run")
    other = tmp_path / "other"
    for name in ("red", "blue"):
        (other / name).mkdir(parents=True)
        for path in sorted((root / name).iterdir())[:4]:
            (other / name / path.name).write_bytes(path.read_bytes())
    artifact = open_artifact(tmp_path / "run")
    _, figures = evaluation.evaluate_run(artifact, Where(str(other)), Silent())
    assert figures["images"] == 8
    (other / "red").rename(other / "purple")
    with pytest.raises(DataError, match="purple"):
        evaluation.evaluate_run(artifact, Where(str(other)), Silent())


def test_a_set_of_another_task_is_refused(photos: Photos, tmp_path: Path) -> None:
    model = train(str(photos()), tmp_path / "run")
    values = ArrayDataset(
        np.zeros((2, 8, 8, 3), np.uint8), Truths(values=np.zeros((2, 1), np.float32)), ("age",)
    )
    with pytest.raises(ArtifactError, match="regression.*classification"):
        model.evaluate(values)


def test_arrays_train_from_python_and_say_how_to_resume(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X[:200].reshape(-1, 8, 8)
    model = sl.train((X, y[:200]), to=tmp_path / "run", quiet=True, train__epochs=2, model__width=4)
    assert model.predictor.view.top == 16
    by_sixteenths = model.predict(X[:5] / 16.0)
    for a, b in zip(model.predict(X[:5]), by_sixteenths, strict=True):
        assert a.scores == pytest.approx(b.scores)
    with pytest.raises(RecipeError, match="sl.resume"):
        sl.resume(tmp_path / "run", quiet=True)
    sl.resume(tmp_path / "run", data=(X, y[:200]), quiet=True)
    with pytest.raises(DataError, match="changed since the run began"):
        sl.resume(tmp_path / "run", data=(X[:150], y[:150]), quiet=True)


def test_a_csv_of_numbers_trains_a_regression(photos: Photos, tmp_path: Path) -> None:
    root = photos(each=20)
    lines = ["image,redness"]
    for number, name in enumerate(("blue", "green", "red")):
        lines += [
            f"photos/{name}/{p.name},{100.0 * number}" for p in sorted((root / name).iterdir())
        ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    settings = ["train.epochs=30", "train.batch=8", "train.goal=-rmse"]
    model = train(str(tmp_path / "table.csv"), tmp_path / "run", *settings)
    said = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert re.search(r"chosen on validation rmse [\d.]+\.", said)  # not in percent
    assert model.task == "regression"
    assert model.test["mae"] < 40
    (answer,) = model.predict([np.full((20, 20, 3), (30, 30, 200), np.uint8)])
    assert answer.values is not None
    assert answer.values.shape == (1,)


def test_many_labels_with_unknown_ones_train(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    lines = ["image,warm,cold"]
    for name, cells in (("red", "1,0"), ("blue", "0,1"), ("green", "0,")):
        lines += [f"photos/{name}/{p.name},{cells}" for p in sorted((root / name).iterdir())]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    model = train(str(tmp_path / "table.csv"), tmp_path / "run", "train.epochs=8")
    assert model.task == "multilabel"
    assert set(model.test) >= {"f1", "accuracy", "exact"}


def test_an_official_test_part_is_used_and_val_is_cut_from_train(
    photos: Photos, tmp_path: Path
) -> None:
    root = photos()
    parted = tmp_path / "parted"
    for part, keep in (("train", slice(0, 9)), ("test", slice(9, 12))):
        for folder in root.iterdir():
            (parted / part / folder.name).mkdir(parents=True)
            for path in sorted(folder.iterdir())[keep]:
                (parted / part / folder.name / path.name).write_bytes(path.read_bytes())
    train(str(parted), tmp_path / "run")
    (start,) = [e for e in events.read(tmp_path / "run") if e["event"] == "start"]
    assert start["data"]["images"]["test"] == 9
    assert start["data"]["images"]["train"] + start["data"]["images"]["val"] == 27


def test_unreadable_files_stop_training_unless_quarantined(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    (root / "red" / "broken.png").write_bytes(b"")
    (root / "blue" / "notes.txt").write_text("hello")
    with pytest.raises(DataError) as caught:
        train(str(root), tmp_path / "run")
    assert "broken.png" in str(caught.value)
    assert "notes.txt" in str(caught.value)
    assert not (tmp_path / "run").exists()
    train(str(root), tmp_path / "run", quarantine=True)
    (start,) = [e for e in events.read(tmp_path / "run") if e["event"] == "start"]
    assert len(start["data"]["unreadable"]) == 2
    assert "broken.png" in (tmp_path / "run" / "report.html").read_text("utf-8")
    evaluation.evaluate_run(open_artifact(tmp_path / "run"), Where(), Silent())


def test_an_unbalanced_folder_gets_class_weights(photos: Photos, tmp_path: Path) -> None:
    root = photos(each=12)
    for path in sorted((root / "red").iterdir())[4:]:
        path.unlink()
    model = train(str(root), tmp_path / "run")
    weights = model.header["task"]["settings"]["weights"]
    assert weights[2] > 2 * weights[0]


def test_output_is_never_overwritten(photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(OutputError, match="exists"):
        train(str(photos()), tmp_path / "run")


def test_words_are_told_apart_by_their_slash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert kind_of("digits") == "set"
    assert kind_of("lenet-digits") == "recipe"
    assert kind_of("./digits") == "path"
    with pytest.raises(UnknownName, match="digits"):
        kind_of("digit")
    (tmp_path / "holiday").mkdir()
    with pytest.raises(DataError, match="./holiday"):
        kind_of("holiday")


def test_a_bare_word_that_is_also_a_folder_is_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    said: list[str] = []

    class Listening(Silent):  # type: ignore[misc]
        def say(self, text: str) -> None:
            said.append(text)

    ask("digits", Listening())
    assert said == ["'digits' is taken as the set of that name; for the folder write ./digits"]


def test_every_recipe_runs_on_little_data(tmp_path: Path) -> None:
    network = tmp_path / "network"
    train("digits", network, "train.epochs=1", "model.width=4", "canvas.channels=3")
    for name in recipe.names():
        request = ask(name, Silent())
        chosen = recipe.of_either(request.content, name)
        given = None
        if chosen.data.name != "digits":  # the one set that is always there
            (height, width), channels = chosen.canvas.size, chosen.canvas.channels
            rng = np.random.default_rng(0)
            pixels = rng.integers(0, 256, (60, height, width, channels), dtype=np.uint8)
            given = open_arrays(_like(chosen.task, pixels), Silent())
        table = "learner" if isinstance(chosen, recipe.LearnerRecipe) else "train"
        if getattr(chosen, "features", None) is not None:  # of a network that is at hand
            request.content["features"] |= {"model": str(network), "resize": None, "size": None}
        short = [(f"{table}.epochs", 1)] if "epochs" in request.content[table] else []
        model = experiment.train(request, short, tmp_path / name, False, Silent(), given)
        assert np.isfinite(model.test["map50" if chosen.task == "detection" else "loss"])


def _like(task: str, pixels: np.ndarray) -> Dataset:
    """Sixty pictures with truths of a task."""
    if task == "classification":
        return as_dataset(pixels, list("abc") * 20)
    one = np.array([[10, 10, 60, 50]], np.float32)
    boxes = Boxes(one.repeat(60, 0), np.arange(60) % 3, np.arange(61))
    return ArrayDataset(pixels, Truths(boxes=boxes), tuple("abc"))


def test_a_run_without_validation_keeps_its_last_epoch(tmp_path: Path) -> None:
    train_settings = [("train.epochs", 2)]
    request = ask("lenet-digits", Silent())
    experiment.train(request, train_settings, tmp_path / "run", False, Silent())
    (scored,) = [e for e in events.read(tmp_path / "run") if e["event"] == "test"]
    assert scored["epoch"] == 2
    assert scored["chosen"] is False


def test_the_events_are_one_object_a_line(photos: Photos, tmp_path: Path) -> None:
    train(str(photos()), tmp_path / "run")
    lines = (tmp_path / "run" / "events.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "epoch", "epoch", "test"]


def test_a_rare_class_does_not_turn_the_answers_around(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 60, (120, 8, 8, 3), dtype=np.uint8)
    bright = rng.integers(180, 240, (6, 8, 8, 3), dtype=np.uint8)
    y = ["ok"] * 120 + ["defect"] * 6
    model = sl.train(
        (np.concatenate([dark, bright]), y),
        to=tmp_path / "run",
        quiet=True,
        train__epochs=8,
        model__width=4,
    )
    assert model.header["task"]["settings"]["weights"] is not None
    assert model.test["accuracy"] > 0.9  # with smoothing and weights at odds it was 0.03


def test_evaluation_mirrors_only_where_training_does(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    y = ["left", "right"] * 15
    settings = {"train__epochs": 1, "model__width": 4, "quiet": True}
    plain = sl.train((X, y), to=tmp_path / "a", **settings)
    kept = sl.train((X, y), to=tmp_path / "b", augment__flip=False, **settings)
    assert plain.predictor.view.test == "mirror"
    assert kept.predictor.view.test == "center"


def test_dim_floats_are_predicted_as_they_were_trained(tmp_path: Path) -> None:
    X = np.random.default_rng(0).uniform(0, 0.4, (30, 8, 8))
    settings = {"train__epochs": 1, "model__width": 4, "quiet": True}
    model = sl.train((X, [0, 1] * 15), to=tmp_path / "a", **settings)
    assert model.predictor.view.top == 255


def test_a_model_may_be_chosen_by_name_from_python(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    settings = {"train__epochs": 1, "model__name": "lenet", "quiet": True}
    model = sl.train((X, [0, 1] * 15), to=tmp_path / "a", **settings)
    assert model.header["model"] == {"name": "lenet"}


def test_evaluating_a_set_that_changed_is_refused(photos: Photos, tmp_path: Path) -> None:
    root = photos()
    train(str(root), tmp_path / "run")
    (root / "blue" / "00.png").unlink()
    with pytest.raises(DataError, match="changed since the model was trained"):
        evaluation.evaluate_run(open_artifact(tmp_path / "run"), Where(), Silent())


def test_naming_the_models_own_set_measures_its_test_part(tmp_path: Path) -> None:
    talk = Silent()
    experiment.train(ask("digits", talk), [("train.epochs", 1)], tmp_path / "run", False, talk)
    artifact = open_artifact(tmp_path / "run")
    _, figures = evaluation.evaluate_run(artifact, Where("digits"), talk)
    assert figures == pytest.approx(artifact.test)


def test_what_was_decided_at_the_start_cannot_change_on_resume(
    photos: Photos, tmp_path: Path
) -> None:
    train(str(photos()), tmp_path / "run")
    for key, value in (("train.batch", 4), ("model.width", 8), ("train.optimizer.name", "sgd")):
        with pytest.raises(RecipeError, match="cannot change in a run that has begun"):
            experiment.resume(tmp_path / "run", [(key, value)], Silent())
    whole = ("train.optimizer", {"name": "rmsprop", "rate": 0.1})
    with pytest.raises(RecipeError, match="cannot change in a run that has begun, from .* rmsprop"):
        experiment.resume(tmp_path / "run", [whole], Silent())
    more = [("train.epochs", 3), ("train.optimizer.decay", 0.5)]
    experiment.resume(tmp_path / "run", more, Silent())
    epochs = [e["epoch"] for e in events.read(tmp_path / "run") if e["event"] == "epoch"]
    assert epochs == [1, 2, 3]


def test_a_changed_rate_is_told_with_the_drops_there_were(
    photos: Photos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = ["train.optimizer={name = 'sgd', rate = 0.01}", "train.epochs=3"]
    drops = "train.schedule={name = 'plateau', patience = 1, threshold = 1e9, factor = 0.5}"
    train(str(photos()), tmp_path / "run", *rate, drops)
    more = [("train.epochs", 4), ("train.optimizer.rate", 0.02)]
    experiment.resume(tmp_path / "run", more, Terminal())
    assert "the rate goes from 0.0025 to 0.005" in capsys.readouterr().err


def test_a_run_killed_before_its_first_checkpoint_starts_again(
    photos: Photos, tmp_path: Path
) -> None:
    whole = train(str(photos()), tmp_path / "whole")
    train(str(tmp_path / "photos"), tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    again = experiment.resume(tmp_path / "run", [], Silent())
    assert states(again) == states(whole)


def test_two_processes_cannot_train_in_one_folder(photos: Photos, tmp_path: Path) -> None:
    train(str(photos()), tmp_path / "run")
    with files.locked(tmp_path / "run"), pytest.raises(OutputError, match="another process"):
        experiment.resume(tmp_path / "run", [("train.epochs", 3)], Silent())


def test_the_callers_torch_is_left_as_it_was(photos: Photos, tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    train(str(photos()), tmp_path / "run", "train.threads=2")
    assert torch.rand(1) == expected
    assert torch.get_num_threads() == threads


# Splits


def split(root: Path, to: Path, **cut_by: Any) -> Path:
    """A split file of a folder, by shares of a fifth."""
    whole = folders.read(root)
    members.write(to, whole, members.assigned(whole, 0.2, 0.2, **({"seed": 0} | cut_by)))
    return to


def start_of(run: Path) -> dict[str, Any]:
    return next(event for event in events.read(run) if event["event"] == "start")["data"]


def test_a_split_file_says_what_trains_and_what_tests(photos: Photos, tmp_path: Path) -> None:
    file = split(photos(), tmp_path / "split.csv", seed=5)
    model = train(str(tmp_path / "photos"), tmp_path / "run", f"data.split={file}")
    rows = csv.DictReader((tmp_path / "run" / "predictions.csv").read_text("utf-8").splitlines())
    tested = {"/".join(Path(row["source"]).parts[-2:]) for row in rows}
    named = members.read(file).rows
    assert tested == {member for member, (part, _) in named.items() if part == "test"}
    data = start_of(tmp_path / "run")
    assert data["split"] == "the parts are those of split.csv"
    assert data["split"] in (tmp_path / "run" / "report.html").read_text("utf-8")
    assert model.test["images"] == len(tested) == 6


def test_resume_and_evaluate_rebuild_the_split_of_a_file_from_anywhere(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    split(photos(), Path("split.csv"))
    model = train("./photos", Path("run"), "data.split=split.csv")
    monkeypatch.chdir(tmp_path / "photos")
    run = tmp_path / "run"
    _, figures = evaluation.evaluate_run(open_artifact(run), Where(), Silent())
    assert figures == pytest.approx(model.test)
    experiment.resume(run, [("train.epochs", 3)], Silent())
    assert [e["epoch"] for e in events.read(run) if e["event"] == "epoch"] == [1, 2, 3]


def test_a_split_file_that_changed_is_noticed_on_resume(photos: Photos, tmp_path: Path) -> None:
    file = split(photos(), tmp_path / "split.csv")
    train(str(tmp_path / "photos"), tmp_path / "run", f"data.split={file}")
    text = file.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.endswith(",val"))
    file.write_text(text.replace(line, line.replace(",val", ",train")), "utf-8")
    with pytest.raises(DataError, match=r"changed since the run began: train \d+ -> \d+ images"):
        experiment.resume(tmp_path / "run", [("train.epochs", 3)], Silent())
    with pytest.raises(DataError, match="changed since the model was trained"):
        evaluation.evaluate_run(open_artifact(tmp_path / "run"), Where(), Silent())
    file.unlink()
    with pytest.raises(DataError, match=r"split\.csv: No such file"):
        experiment.resume(tmp_path / "run", [("train.epochs", 3)], Silent())


def test_a_split_file_may_name_pictures_that_are_quarantined(
    photos: Photos, tmp_path: Path
) -> None:
    file = split(photos(), tmp_path / "split.csv")
    (tmp_path / "photos" / "red" / "03.png").write_bytes(b"broken")
    setting = f"data.split={file}"
    train(str(tmp_path / "photos"), tmp_path / "run", setting, quarantine=True)
    assert sum(start_of(tmp_path / "run")["images"].values()) == 35
    experiment.resume(tmp_path / "run", [("train.epochs", 3)], Silent())
    (tmp_path / "photos" / "red" / "04.png").unlink()
    with pytest.raises(DataError, match=r"split\.csv:\d+: red/04\.png is not in photos"):
        train(str(tmp_path / "photos"), tmp_path / "again", setting, quarantine=True)


def test_a_named_set_with_quarantined_pictures_is_resumed_and_evaluated(
    photos: Photos, tmp_path: Path
) -> None:
    root = photos().rename(tmp_path / "flowers17")
    (root / "red" / "03.png").write_bytes(b"broken")
    settings = (f"data.root={tmp_path}", "train.epochs=1")
    model = train("flowers17", tmp_path / "run", *settings, quarantine=True)
    experiment.resume(tmp_path / "run", [("train.epochs", 2)], Silent())
    _, figures = evaluation.evaluate_run(open_artifact(tmp_path / "run"), Where(), Silent())
    assert figures["images"] == model.test["images"]


def test_each_fold_is_validation_once_and_the_test_part_stays(
    photos: Photos, tmp_path: Path
) -> None:
    root = str(photos())
    prints = set()
    for fold in (1, 2, 3):
        run = tmp_path / f"run{fold}"
        train(root, run, "data.folds=3", f"data.fold={fold}", "train.epochs=1")
        data = start_of(run)
        assert data["images"] == {"train": 20, "val": 10, "test": 6}
        assert data["split"] == (
            f"fold {fold} of 3 is validation; test 0.15 and the folds drawn by class, seed 0"
        )
        prints.add(tuple(data["fingerprint"].split("-")))
    assert len({train_print for train_print, _, _ in prints}) == 3
    assert len({test_print for _, _, test_print in prints}) == 1
    _, figures = evaluation.evaluate_run(open_artifact(run), Where(), Silent())
    assert figures["images"] == 6


def test_groups_stay_in_one_part_and_the_run_says_so(photos: Photos, tmp_path: Path) -> None:
    train(str(photos()), tmp_path / "run", "data.group=(\\d)\\.png", "train.epochs=1")
    data = start_of(tmp_path / "run")
    assert data["split"].endswith(r"10 groups by (\d)\.png, each in one part")
    assert sum(data["images"].values()) == 36
    experiment.resume(tmp_path / "run", [("train.epochs", 2)], Silent())


def test_classes_that_only_others_than_train_have_are_named(photos: Photos, tmp_path: Path) -> None:
    train(str(photos()), tmp_path / "run", "data.group=folder", "data.val=0.3", "data.test=0.3")
    assert "; train has no images of " in start_of(tmp_path / "run")["split"]


def test_a_train_dev_part_is_not_learned_from_but_measured(photos: Photos, tmp_path: Path) -> None:
    settings = ("data.train_dev=0.2", "train.epochs=3")
    model = train(str(photos()), tmp_path / "run", *settings)
    assert {name: part["images"] for name, part in model.parts.items()} == {
        "train": 18,
        "train-dev": 6,
        "val": 6,
    }
    assert open_artifact(tmp_path / "run").parts == model.parts
    (scored,) = [e for e in events.read(tmp_path / "run") if e["event"] == "test"]
    assert scored["parts"] == model.parts
    epochs = [e for e in events.read(tmp_path / "run") if e["event"] == "epoch"]
    assert model.parts["val"] == pytest.approx(epochs[scored["epoch"] - 1]["val"])
    assert "Where the gap lies" in (tmp_path / "run" / "report.html").read_text("utf-8")
    experiment.resume(tmp_path / "run", [("train.epochs", 4)], Silent())


def test_a_train_dev_part_changes_nothing_but_what_is_trained_on(
    photos: Photos, tmp_path: Path
) -> None:
    """Training on the rest alone, with that part unused, gives the same weights."""
    whole = folders.read(photos())
    parts = members.assigned(whole, 0.2, 0.2, 0, train_dev=0.2)
    members.write(tmp_path / "four.csv", whole, parts)
    del parts["train-dev"]
    members.write(tmp_path / "three.csv", whole, parts)
    root = str(tmp_path / "photos")
    four = train(root, tmp_path / "a", f"data.split={tmp_path / 'four.csv'}")
    three = train(root, tmp_path / "b", f"data.split={tmp_path / 'three.csv'}")
    assert states(four) == states(three)
    assert four.test == three.test
    assert (len(four.parts), len(three.parts)) == (3, 0)


def test_arrays_from_python_are_split_by_a_file_too(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    rows = [f"train:{i},{('train', 'val', 'test')[i % 3]}" for i in range(12)]
    (tmp_path / "split.csv").write_text("\n".join(["member,part", *rows]), "utf-8")
    settings: dict[str, Any] = {"train__epochs": 1, "model__width": 4, "quiet": True}
    settings["data__split"] = str(tmp_path / "split.csv")
    sl.train((X, [0, 1] * 6), to=tmp_path / "run", **settings)
    assert start_of(tmp_path / "run")["images"] == {"train": 4, "val": 4, "test": 4}


def test_a_recipe_file_finds_its_data_and_split_beside_itself(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split(photos(), tmp_path / "split.csv")
    content = recipe.named("lenet-digits") | {"data": {"path": "photos", "split": "split.csv"}}
    content = override(content, [("train.epochs", 1), ("canvas.channels", 3), ("view.top", 255)])
    (tmp_path / "mine.toml").write_text(recipe.to_toml_text(content), "utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    experiment.train(ask("../mine.toml", Silent()), [], tmp_path / "run", False, Silent())
    assert start_of(tmp_path / "run")["images"]["test"] == 6


# What the recipe says of training


def test_a_run_ends_early_where_nothing_is_gained(photos: Photos, tmp_path: Path) -> None:
    settings = ["train.epochs=30", "train.patience=3", "train.optimizer.rate=1e-9"]
    train(str(photos()), tmp_path / "run", *settings, "train.gain=0.5")
    epochs = [e for e in events.read(tmp_path / "run") if e["event"] == "epoch"]
    assert len(epochs) == 4
    again = experiment.resume(tmp_path / "run", [], Silent())
    assert again.test
    assert len([e for e in events.read(tmp_path / "run") if e["event"] == "epoch"]) == 4


def test_models_that_are_kept_predict(photos: Photos, tmp_path: Path) -> None:
    train(str(photos()), tmp_path / "run", "train.epochs=3", "train.keep={last = 2}")
    names = sorted(path.name for path in (tmp_path / "run" / "models").iterdir())
    assert [name[:9] for name in names] == ["epoch-002", "epoch-003"]
    model = open_artifact(tmp_path / "run" / "models" / names[0])
    assert model.predict(np.zeros((1, 16, 16, 3), np.uint8))[0].label in (0, 1, 2)


def test_averaged_weights_are_the_models(photos: Photos, tmp_path: Path) -> None:
    root = str(photos())
    plain = train(root, tmp_path / "plain", "data.val=0.0")
    averaged = train(root, tmp_path / "run", "train.average=0.99", "data.val=0.0")
    pairs = zip(
        plain.predictor.model.parameters(), averaged.predictor.model.parameters(), strict=True
    )
    assert not any(torch.equal(a, b) for a, b in pairs)


def test_classes_may_be_weighed_by_hand(photos: Photos, tmp_path: Path) -> None:
    root = str(photos())
    model = train(root, tmp_path / "a", "train.class_weights={red = 3.0}")
    assert model.header["task"]["settings"]["weights"] == [1.0, 1.0, 3.0]
    with pytest.raises(UnknownName, match="unknown class in train.class_weights 'rod'"):
        train(root, tmp_path / "b", "train.class_weights={rod = 3.0}")
    with pytest.raises(RecipeError, match="must be above 0"):
        train(root, tmp_path / "b", "train.class_weights={red = 0.0}")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["train.parts={generator = {}}"], "unknown part in train.parts 'generator'"),
        (["train.goal=-los"], "unknown figure in train.goal 'los'; did you mean loss?"),
        (["train.goal=loss"], "train.goal"),
        (["train.patience=2", "data.val=0.0"], "train.patience needs a validation part"),
        (["train.keep={improvements = true}", "data.val=0.0"], "needs a validation part"),
        (["train.goal=-loss", "data.val=0.0"], "train.goal needs a validation part"),
    ],
)
def test_settings_that_cannot_be_are_said_before_training(
    photos: Photos, tmp_path: Path, settings: list[str], words: str
) -> None:
    with pytest.raises(sl.SightlineError, match=words.replace("?", r"\?")):
        train(str(photos()), tmp_path / "run", *settings)


def test_best_may_mean_the_lowest_loss(photos: Photos, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(str(photos()), run, "train.goal=-loss", "train.epochs=4")
    told = events.read(run)
    losses = [e["val"]["loss"] for e in told if e["event"] == "epoch"]
    assert told[-1]["epoch"] == 1 + losses.index(min(losses))
    assert "chosen on validation loss" in (run / "report.html").read_text("utf-8")


def test_a_loss_that_is_no_number_says_how_to_go_on(photos: Photos, tmp_path: Path) -> None:
    run = tmp_path / "run"
    how = "train.schedule={name = 'time', decay = 1.0}"
    with pytest.raises(
        Diverged, match=r"nan or infinite.*begin again.*train.optimizer.rate=1e\+29"
    ):
        train(str(photos()), run, "train.optimizer={name = 'sgd', rate = 1e30}", how)
    assert events.read(run)[-1]["event"] == "diverged"
    assert experiment.resume(run, [("train.optimizer.rate", 1e-3)], Silent()).test
