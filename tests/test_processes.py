"""Several processes at the command line; each launch by torchrun costs seconds, so they are few."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline import experiment, inference
from sightline.artifact import open_artifact
from sightline.errors import RecipeError
from sightline.processes import ALONE, Processes, joined
from sightline.talk import Silent
from sightline.training import checkpoint, events

Photos = Callable[..., Path]
TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
]
TIMEOUT = 300


class Listening(Silent):  # type: ignore[misc]
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def launch(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*TORCHRUN, *words],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ours(err: str) -> list[str]:
    """The lines that are not torchrun's."""
    return [line for line in err.splitlines() if line.startswith(("sightline: ", "stopped "))]


def workers(torchrun: "subprocess.Popen[str]") -> list[int]:
    path = Path(f"/proc/{torchrun.pid}/task/{torchrun.pid}/children")
    return sorted(int(pid) for pid in path.read_text().split())


def test_commands_share_their_work_and_only_the_first_process_writes(
    photos: Photos, tmp_path: Path
) -> None:
    script = Path(__file__).parent / "commands_together.py"
    root = photos(each=40)
    shutil.copytree(root, f"{root}-elsewhere")
    (tmp_path / "photos-elsewhere" / "red" / "00.png").unlink()
    process = launch(str(script), str(tmp_path), str(root))
    out, err = process.communicate(timeout=TIMEOUT)
    trained, brace, rest = out.partition("\n{")
    evaluated, _, predicted = (brace[1:] + rest).partition("\n")
    assert trained.count("model    ") == 1
    (scored,) = [e for e in events.read(tmp_path / "run") if e["event"] == "test"]
    found = json.loads(evaluated)["test"]
    assert {name: found[name] for name in scored["figures"]} == pytest.approx(scored["figures"])
    (start,) = [e for e in events.read(tmp_path / "run") if e["event"] == "start"]
    tested = (tmp_path / "run" / "predictions.csv").read_text("utf-8").splitlines()
    assert len(tested) == start["data"]["images"]["test"] + 1
    rows = list(csv.DictReader(io.StringIO(predicted)))
    alone = inference.predict_files(
        open_artifact(tmp_path / "run"), "run", [tmp_path / "photos" / "red"], None, None, Silent()
    )
    assert list(csv.DictReader(io.StringIO(alone.to_csv()))) == rows
    assert len(rows) == 40
    assert len(list((tmp_path / "drawn").iterdir())) == 40
    assert process.returncode != 0  # of the last command
    assert ours(err) == [
        "sightline: process 1 of 2 (numbered from 0) has other data than process 0; all must find "
        "the same photos"
    ]


def test_a_process_that_is_killed_ends_the_run_which_goes_on_with_any_number(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    settings = ("--set", "train.epochs=5000", "--set", "train.save_every=0")
    process = launch("-m", "sightline", "train", "lenet-digits", "--to", str(run), *settings)
    wait_for_checkpoint(run, process)
    os.kill(workers(process)[1], signal.SIGKILL)
    _, err = process.communicate(timeout=TIMEOUT)
    (line,) = ours(err)
    assert line.startswith("sightline: process 1 of 2 (numbered from 0) is gone: it was killed")
    assert line.endswith(f"torchrun --nproc-per-node 2 -m sightline resume {run}")
    saved, _ = checkpoint.latest(run / "checkpoints")
    epochs = int(saved.name[:6]) + 1
    talk = Listening()
    experiment.resume(run, [("train.epochs", epochs)], talk)
    assert any("going on in 1 processes, before it were 2" in line for line in talk.said)
    assert (run / "model.safetensors").exists()


def test_what_the_first_process_alone_finds_wrong_ends_all_in_one_line(tmp_path: Path) -> None:
    settings = ("--set", "train.goal=-loss", "--set", "data.val=0.0")
    process = launch("-m", "sightline", "train", "lenet-digits", "--to", f"{tmp_path}/r", *settings)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert ours(err) == ["sightline: train.goal needs a validation part; data.val = 0.15 makes one"]
    assert not (tmp_path / "r").exists()


def test_ctrl_c_stops_all_processes_at_one_step_and_saves_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ("--set", "train.epochs=5000", "--set", "train.save_every=1")
    process = launch("-m", "sightline", "train", "lenet-digits", "--to", str(run), *settings)
    wait_for_checkpoint(run, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT)
    (line,) = ours(err)
    assert line.startswith("stopped after ")
    assert line.endswith(f"torchrun --nproc-per-node 2 -m sightline resume {run}")
    saved, notes = checkpoint.latest(run / "checkpoints")
    assert notes == []
    assert line.startswith(f"stopped after {int(saved.name[:6])} of 5000 epochs")


def wait_for_checkpoint(run: Path, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + TIMEOUT
    while not checkpoint.candidates(run / "checkpoints"):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)


def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined() as processes:
        assert processes is ALONE
    monkeypatch.setenv("WORLD_SIZE", "2")  # as batch systems set it, without torchrun's RANK
    monkeypatch.delenv("RANK", raising=False)
    with joined() as processes:
        assert processes is ALONE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("WORLD_SIZE", "two", "WORLD_SIZE is 'two'"), ("MASTER_ADDR", None, "MASTER_ADDR is not")],
)
def test_an_incomplete_environment_is_said(
    name: str, value: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for key, usual in whole.items():
        monkeypatch.setenv(key, usual)
    monkeypatch.delenv(name)
    if value:
        monkeypatch.setenv(name, value)
    with pytest.raises(RecipeError, match=message), joined():
        pass


def test_commands_are_typed_as_they_were_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ALONE.command("resume run") == "sightline resume run"
    two = Processes(rank=1, size=2)
    assert two.command("resume run") == "torchrun --nproc-per-node 2 -m sightline resume run"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert "--nnodes 3 (on each, as before) --nproc-per-node 2" in Processes(0, 6).command("x")
