"""Several commands one after another, in processes that torchrun started; the last one fails.

python -m torch.distributed.run --nproc-per-node 2 commands_together.py FOLDER PHOTOS
"""

import sys

from sightline.cli import main
from sightline.processes import Processes, joined

QUICK = [
    *("--set", "train.epochs=2", "--set", "model.width=4", "--set", "canvas.size=[16, 16]"),
    *("--set", "train.threads=1", "--set", "train.batch=8"),
]


def commands(processes: Processes) -> None:
    folder, photos = sys.argv[1:]
    for words in (
        ["train", photos, "--to", f"{folder}/run", *QUICK],
        ["evaluate", f"{folder}/run", "--json"],
        ["predict", f"{folder}/run", f"{photos}/red", "--csv", "--save", f"{folder}/drawn"],
    ):
        code = command(*words)
        if code:
            sys.exit(code)
    other = photos if processes.first else f"{photos}-elsewhere"  # as on another machine
    sys.exit(command("evaluate", f"{folder}/run", "--data", other))


def command(*words: str) -> object:
    """Run a command; the exit code."""
    sys.argv = ["sightline", *words]
    try:
        main()
    except SystemExit as done:
        return done.code


if __name__ == "__main__":
    with joined() as here:
        commands(here)
