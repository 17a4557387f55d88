"""The command line as a user meets it: output, one-line mistakes, exit codes."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline import images
from terminal import sightline

Photos = Callable[..., Path]
QUICK = ["--set", "train.epochs=1", "--set", "model.width=4", "--set", "canvas.size=[16,16]"]


@pytest.fixture
def run(photos: Photos, tmp_path: Path) -> Path:
    code, _, error = sightline("train", photos(), "--to", tmp_path / "run", *QUICK)
    assert code == 0, error
    return tmp_path / "run"


def test_training_prints_one_json_object_and_nothing_else(photos: Photos, tmp_path: Path) -> None:
    code, out, error = sightline("train", photos(), "--to", tmp_path / "r", "--json", *QUICK)
    assert code == 0
    answer = json.loads(out)
    assert answer["run"] == str(tmp_path / "r")
    assert 0 <= answer["test"]["accuracy"] <= 1
    assert "the plan" in error


def test_a_second_run_goes_to_the_next_free_name(
    monkeypatch: pytest.MonkeyPatch, photos: Photos, tmp_path: Path
) -> None:
    root = photos()
    monkeypatch.chdir(tmp_path)
    runs = [json.loads(sightline("train", root, "--json", *QUICK)[1])["run"] for _ in range(2)]
    assert runs == ["runs/photos", "runs/photos-2"]


def test_evaluate_prints_the_figures(run: Path) -> None:
    code, out, _ = sightline("evaluate", run)
    assert code == 0
    assert "accuracy" in out
    answer = json.loads(sightline("evaluate", run, "--json")[1])
    assert set(answer) == {"model", "data", "test"}


def test_predict_answers_files_and_folders_in_three_forms(run: Path, photos: Photos) -> None:
    root = run.parent / "photos"
    one = root / "red" / "00.png"
    code, out, _ = sightline("predict", run, one)
    assert code == 0
    assert out.startswith(str(one))
    assert out.count("%") == 3
    answer = json.loads(sightline("predict", run, one, "--json")[1])
    assert sum(answer["predictions"][0]["scores"].values()) == pytest.approx(1, abs=1e-4)
    rows = list(csv.DictReader(io.StringIO(sightline("predict", run, root / "red", "--csv")[1])))
    assert len(rows) == 12
    assert set(rows[0]) == {"source", "guess", "confidence", "p:blue", "p:green", "p:red"}


def test_predict_passes_over_what_file_managers_hide(run: Path) -> None:
    red = run.parent / "photos" / "red"
    (red / "._00.png").write_bytes(b"left by a Mac")
    code, out, error = sightline("predict", run, red, "--csv")
    assert (code, out.count("\n")) == (0, 13), error


def test_predict_goes_on_past_a_broken_picture_and_ends_with_2(run: Path) -> None:
    red = run.parent / "photos" / "red"
    (red / "zz.png").write_bytes(b"no picture")
    code, out, error = sightline("predict", run, red, "--csv")
    assert code == 2
    assert out.count("\n") == 13
    assert "zz.png: not a picture" in error


def test_predict_writes_drawn_pictures_and_never_overwrites(run: Path, tmp_path: Path) -> None:
    red = run.parent / "photos" / "red"
    code, _, _ = sightline("predict", run, red, "--save", tmp_path / "drawn")
    assert code == 0
    assert len(list((tmp_path / "drawn").glob("*.png"))) == 12
    code, _, error = sightline("predict", run, red, "--save", tmp_path / "drawn")
    assert code == 2
    assert "exists" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "digitz"], "did you mean digits?"),
        (["train", "./nowhere"], "no such file or folder"),
        (["train", "digits", "--set", "train.epoch=3"], "did you mean epochs?"),
        (["train", "digits", "--set", "epochs"], "expected key=value"),
        (["train", "digits", "--set", "model.name='resnet19'"], "did you mean resnet9?"),
        (["train", "digits", "--set", "train.epochs=0"], "train.epochs"),
        (["train", "digits", "--set", "augment.rotat=3"], "did you mean rotate?"),
        (["train", "digits", "--set", "augment.rotate=999"], "0 to 180"),
        (["train", "digits", "--set", "train.optimizer.name='sdg'"], "did you mean sgd?"),
        (["train", "digits", "--set", "train.schedule.name='cosin'"], "did you mean cosine?"),
        (["train", "digits", "--set", "canvas.size=[0,8]"], "canvas"),
        (["train", "digits", "--set", "task='regression'"], "is for classification"),
        (["train", "digits", "--device", "tpu"], "device"),
        (["evaluate", "nowhere"], "no such run"),
        (["predict", "nowhere", "x.jpg"], "no such run"),
        (["resume", "nowhere"], "no run"),
        (["report", "nowhere"], "no such run"),
        (["data", "show", "digitz"], "did you mean digits?"),
        (["data", "show", "./nowhere"], "no such file or folder"),
        (["data", "show", "digits", "--part", "test"], "unknown part"),
        (["data", "show", "digits", "--classes", "11"], "did you mean 1?"),
        (["data", "show", "digits", "--augment", "strang"], "did you mean strong?"),
        (["data", "show", "digits", "--augment", "--set", "augment.flop=1"], "did you mean flip?"),
        (["data", "show", "digits", "--augment", "--set", "canvas.mode='tile'"], "use contain"),
        (["data", "show", "digits", "--to", "digits.txt"], "a picture is written as .png"),
        (["recipes", "lenet"], "did you mean lenet-digits?"),
        (["data", "split", "digitz", "--to", "s.csv"], "did you mean digits?"),
        (["data", "split", "digits", "--to", "s.txt"], "s.txt: a split file ends in .csv"),
        (["data", "split", "digits", "--to", "s.csv", "--group", "s("], "group 's(': missing )"),
        (["train", "digits", "--set", "data.split=none.csv"], "none.csv: No such file"),
        (["train", "digits", "--set", "data.folds=5"], "folds = 5 needs fold, 1 to 5"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_is_right(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, error = sightline(*arguments)
    assert code == 2
    assert out == ""
    assert said in error.splitlines()[-1]
    assert error.count("sightline: ") == 1
    assert list(tmp_path.iterdir()) == []  # nothing half made


def test_lists_are_printed_and_are_json_on_request() -> None:
    for command in (["models"], ["recipes"], ["data", "list"]):
        code, out, _ = sightline(*command)
        assert code == 0
        assert out
        assert json.loads(sightline(*command, "--json")[1])


def test_the_sets_are_listed_with_fields_for_programs(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    code, out, error = sightline("data", "list", "--json", "--data-root", str(tmp_path))
    assert (code, error) == (0, "")
    answer = json.loads(out)
    assert answer["looked_for_in"][0] == str(tmp_path)
    found = {entry["name"] for entry in answer["sets"] if entry["found"]}
    assert {"digits", "mnist"} <= found


def test_a_set_is_split_into_a_file_and_a_table(photos: Photos, tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    code, out, _ = sightline("data", "split", photos(), "--to", file, "--train-dev", "0.1")
    assert code == 0
    assert out.splitlines()[0].split() == ["train", "train-dev", "val", "test"]
    assert out.splitlines()[1].split() == ["images", "21", "3", "6", "6"]
    assert out.splitlines()[2].split() == ["blue", "7", "1", "2", "2"]
    assert file.read_text("utf-8").count("\n") == 37
    code, _, error = sightline("data", "split", tmp_path / "photos", "--to", file)
    assert code == 2
    assert "never overwrites" in error
    root, settings = tmp_path / "photos", ["--set", f"data.split={file}", "--json"]
    code, out, _ = sightline("train", root, "--to", tmp_path / "run", *settings, *QUICK)
    assert code == 0
    assert set(json.loads(out)["parts"]) == {"train", "train-dev", "val"}


def test_folds_and_groups_are_split_from_the_command_line(photos: Photos, tmp_path: Path) -> None:
    options = ["--folds", "3", "--test", "0", "--group", r"\d+", "--seed", "4", "--json"]
    code, out, _ = sightline("data", "split", photos(), "--to", tmp_path / "f.csv", *options)
    assert code == 0
    parts = json.loads(out)["parts"]
    assert {name: part["images"] for name, part in parts.items()} == {"1": 12, "2": 12, "3": 12}
    settings = ["--set", f"data.split={tmp_path / 'f.csv'}"]
    code, _, error = sightline("train", tmp_path / "photos", *settings, *QUICK)
    assert code == 2
    assert "say which is validation: data.fold=1" in error


def test_data_show_draws_a_sheet_and_prints_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sightline("data", "show", "digits") == (0, "digits.png\n", "")
    code, out, _ = sightline("data", "show", "digits", "--json", "--classes", "1,7")
    assert (code, json.loads(out)) == (0, {"picture": "digits-2.png"})
    code, out, _ = sightline("data", "show", "shapes", "--per-class", 2, "--to", "some/where.jpg")
    assert (code, out) == (0, "some/where.jpg\n")
    heights = [images.size(tmp_path / name)[0] for name in ("digits.png", "digits-2.png")]
    assert heights[0] > 4 * heights[1]
    assert len(list(tmp_path.rglob("*.*"))) == 3


def test_data_show_draws_what_training_would_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for how in ([], ["strong"], ["lenet-digits"], ["--set", "augment.rotate=90"]):
        assert sightline("data", "show", "digits", "--augment", *how)[0] == 0
    names = ["digits-augment.png", *(f"digits-augment-{n}.png" for n in (2, 3, 4))]
    drawn = {(tmp_path / name).read_bytes() for name in names}
    assert len(drawn) == 4


def test_data_show_prints_statistics_of_every_part() -> None:
    code, out, _ = sightline("data", "show", "blobs", "--stats")
    assert code == 0
    assert "train: 800 images" in out and "test: 200 images" in out
    assert "16x16" in out and "blob 3" in out
    found = json.loads(sightline("data", "show", "blobs", "--stats", "--json")[1])
    assert set(found) == {"train", "test"}
    assert found["test"]["classes"] == {"blob 1": 67, "blob 2": 66, "blob 3": 67}


def test_ctrl_c_saves_says_how_to_go_on_and_going_on_works(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sightline", "train", "digits", "--to", "run", "--json"]
    command += ["--set", "train.epochs=40", "--set", "model.width=4"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    deadline = time.monotonic() + 240  # of a machine that is busy with other things
    events = tmp_path / "run" / "events.jsonl"
    while time.monotonic() < deadline and not (
        events.exists() and '"epoch"' in events.read_text("utf-8")
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert out == b""
    assert b"go on with: sightline resume run" in error
    done = json.loads(tmp_path.joinpath("run/events.jsonl").read_text("utf-8").splitlines()[-1])
    settings = ["--set", f"train.epochs={done['epoch'] + 1}"]
    code, out_text, error_text = sightline("resume", tmp_path / "run", "--json", *settings)
    assert code == 0, error_text
    assert json.loads(out_text)["test"]["accuracy"] > 0.1


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("events.jsonl", '{"event": "start"}\n{"event": "test", "figures": 3}\n'),
        ("events.jsonl", "\xff\n[1]\n3\n"),
        ("predictions.csv", "index,source\nx,y\n"),
        ("recipe.toml", "about = 3\n"),
    ],
)
def test_a_run_edited_by_hand_is_one_line_when_reported(run: Path, file: str, content: str) -> None:
    (run / file).write_bytes(content.encode("latin-1"))
    code, _, error = sightline("report", run)
    assert code == 2
    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith("sightline: ")


def test_a_checkpoint_that_lacks_its_counters_is_one_line(run: Path) -> None:
    (folder,) = (run / "checkpoints").iterdir()
    state = b"{}"
    (folder / "state.json").write_bytes(state)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["state.json"] = {"bytes": 2, "sha256": hashlib.sha256(state).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    code, _, error = sightline("resume", run, "--set", "train.epochs=2")
    assert code == 2
    assert "lacks" in error
