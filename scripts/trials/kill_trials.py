"""Kill runs with `kill -9` at random moments, resume them, and compare with runs left alone.

    python scripts/trials/kill_trials.py FOLDER [SEED]

Question: does a run that was killed any number of times, also while it saves, end with the weights,
averaged weights, optimizer state, figures and history (without seconds) of one left alone, to the
bit? Three settings: images in memory; decoded from files by threads; two processes, of which one is
killed. Each run has augmentation, dropout, averaged weights, a schedule and early stopping. A
checkpoint is saved after every step, and every other kill waits for a save. Prints a table.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from sightline import cli, experiment, report  # noqa: F401 - loaded once for all copies

RECIPE = """
task = "classification"
data = {{ {data} }}
canvas = {{ size = [16, 16], channels = 1 }}
augment = {{ shift = 0.1, rotate = 10, mixup = 0.3 }}
model = {{ name = "resnet9", width = 4, dropout = 0.3 }}
[train]
epochs = 6
batch = 64
average = 0.9
patience = 4
clip = 1.0
threads = 1
images = "{images}"
save_every = {save_every}
optimizer = {{ name = "adamw", rate = 0.002 }}
schedule = {{ name = "onecycle" }}
"""
ALONE = [sys.executable, "-m", "sightline"]
TWO = [
    *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
    *("-m", "sightline"),
]


@dataclass(frozen=True)
class Setting:
    name: str
    command: list[str]
    images: str
    kills: list[int]  # of each run


SETTINGS = [
    Setting("in memory", ALONE, "memory", [4, 4, 3, 3]),
    Setting("from files", ALONE, "files", [3]),
    Setting("two processes", TWO, "memory", [3]),
]


def pictures(folder: Path) -> None:
    images, labels = load_digits(return_X_y=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(label) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image.reshape(8, 8) * 15).astype(np.uint8)).save(path)


def end_of(run: Path) -> tuple[bytes, dict[str, Any]]:
    """All tensors of the last checkpoint, and its state without what time it took."""
    last = max(path for path in (run / "checkpoints").iterdir() if path.name[0].isdigit())
    state = json.loads((last / "state.json").read_text())
    for record in [state, *state["history"]]:
        record.pop("seconds", None)
    return (last / "tensors.safetensors").read_bytes(), state


def starts(run: Path) -> list[dict[str, Any]]:
    path = run / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if '"start"' in line or '"resume"' in line]


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def killed(command: list[str], run: Path, dice: random.Random) -> str | None:
    """Start, kill at a random moment, and say when that was; None where it ended before."""
    begun = len(starts(run))
    process = begin(command)
    while len(starts(run)) == begun and process.poll() is None:
        time.sleep(0.02)
    time.sleep(dice.uniform(0.05, 3.0))
    if dice.random() < 0.5:  # within the next save
        while not list(run.glob("checkpoints/.*.partial")) and process.poll() is None:
            pass
    if process.poll() is not None:
        assert process.poll() == 0, command
        return None
    workers = sorted(children(process.pid)) if command[: len(TWO)] == TWO else [process.pid]
    rank = dice.randrange(len(workers))
    os.kill(workers[rank], signal.SIGKILL)
    at = time.monotonic()
    out = process.ended()
    there = [path.name for path in run.glob("checkpoints/*")]
    saving = " in a save" if any("partial" in name for name in there) else ""
    last = max((name for name in there if name[0].isdigit()), default="none")
    if len(workers) == 1:
        return f"after {last}{saving}"
    said = next((line for line in out.splitlines() if line.startswith("sightline: ")), "nothing")
    return f"rank {rank}, after {last}{saving}; ended in {time.monotonic() - at:.1f} s: {said}"


class Forked:
    """A command run by a copy of this process, which has loaded everything already."""

    def __init__(self, words: list[str]) -> None:
        self.pid, self.status = os.fork(), -1
        if self.pid:
            return
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        sys.argv = ["sightline", *words]
        try:
            cli.main()
        except SystemExit as done:
            os._exit(done.code if isinstance(done.code, int) else 1)
        finally:
            os._exit(1)

    def poll(self) -> int | None:
        if self.status == -1:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else -1
        return None if self.status == -1 else self.status

    def ended(self) -> str:
        while self.poll() is None:
            time.sleep(0.02)
        return ""


class Started(subprocess.Popen[str]):
    def ended(self) -> str:
        return self.communicate(timeout=300)[0]


def begin(command: list[str]) -> Forked | Started:
    if command[: len(ALONE)] == ALONE:
        return Forked(command[len(ALONE) :])
    return Started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def whole(command: list[str]) -> None:
    process = begin(command)
    process.ended()
    assert process.poll() == 0, command


def main(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    folder.mkdir(parents=True)
    pictures(folder / "digits")
    print("setting | run | killed | went on from | equal at the end")
    for setting in SETTINGS:
        data = 'name = "digits"' if setting.images == "memory" else f'path = "{folder}/digits"'
        recipe = folder / f"{setting.name.replace(' ', '-')}.toml"
        text = {"data": data, "images": setting.images}
        recipe.write_text(RECIPE.format(save_every=1000, **text))
        alone = folder / f"{recipe.stem}-whole"
        whole([*setting.command, "train", str(recipe), "--to", str(alone)])
        recipe.write_text(RECIPE.format(save_every=0, **text))
        for number, kills in enumerate(setting.kills, 1):
            run = folder / f"{recipe.stem}-{number}"
            moments: list[str] = []
            command = [*setting.command, "train", str(recipe), "--to", str(run)]
            while len(moments) < kills:
                moment = killed(command, run, dice)
                if moment is None:
                    break
                moments.append(moment)
                command = [*setting.command, "resume", str(run)]
            if moment is not None:
                whole(command)
            equal = end_of(run) == end_of(alone)
            went = [f"{e['epoch']:06d}-{e['batch']:06d}" for e in starts(run)[1:]]
            for i, moment in enumerate(moments):
                last = ("yes" if equal else "NO") if i == len(moments) - 1 else ""
                print(f"{setting.name} | {number} | {moment} | {went[i]} | {last}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
