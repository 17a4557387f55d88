"""What the terminal shows of a run: a bar that moves with the steps, and a row an epoch."""

import math
from typing import final

from sightline.models.surgery import ALL, HEAD
from sightline.talk import Talk, Tick
from sightline.training.callbacks import Callback
from sightline.training.run import Run
from sightline.wording import SHARES

BEST = "best"
FIRST_GIVEN_UP = ("own", "rate", "took", "val", "mark")  # where the terminal is narrow


@final
class Progress(Callback):
    """Moves the bar at each step and says each epoch as a row of a table.

    epochs, steps  of the whole run, and of an epoch
    width          characters of a line; columns that have no room are left out
    """

    def __init__(self, talk: Talk, tick: Tick, epochs: int, steps: int, width: int) -> None:
        self.talk, self.tick = talk, tick
        self.epochs, self.steps, self.width = epochs, steps, width
        self._heads: dict[str, str] = {}
        self._before = 0.0
        self._stage = -1

    def on_start(self, run: Run) -> None:
        self._before = run.seconds
        self._say_stage(run)

    def _say_stage(self, run: Run) -> None:
        """What trains from here on, where that changes in the run."""
        if len(run.stages) < 2 or run.stage == self._stage:
            return
        self._stage, what = run.stage, run.stages[run.stage].trains
        known = {ALL: "all layers train", HEAD: "the head trains"}
        said = known.get(what, f"{what} and all after it train")
        trained = sum(p.numel() for p in run.model.parameters() if p.requires_grad)
        self.talk.say(f"stage {run.stage + 1} of {len(run.stages)}: {said}, {trained:,} parameters")

    def on_step(self, run: Run) -> None:  # noqa: ARG002
        self.tick(1 / self.steps)

    def on_epoch(self, run: Run) -> None:
        cells = _cells(run, self.epochs, run.seconds - self._before)
        self._before = run.seconds
        if not self._heads:
            self._heads = _fitting(_heads(run, cells), self.epochs, self.width)
            self.talk.say(_row(self._heads, self._heads, self.epochs))
        self.talk.say(_row(cells, self._heads, self.epochs))
        if run.epoch < self.epochs:
            self._say_stage(run)


def _heads(run: Run, cells: dict[str, str]) -> dict[str, str]:
    """The columns that this run has something for."""
    goal = run.goal[1:]
    heads = {
        "epoch": "epoch",
        "loss": "loss",
        "own": goal,
        "val": "val loss",
        "goal": f"val {goal}",
        "rate": "rate",
        "took": "time",
        "mark": BEST if "val" in run.history[-1] else "",
    }
    return {name: head for name, head in heads.items() if head and cells.get(name) is not None}


def _fitting(heads: dict[str, str], epochs: int, width: int) -> dict[str, str]:
    """As many of the columns as a line has room for."""
    heads = dict(heads)
    for name in FIRST_GIVEN_UP:
        if len(_row(heads, heads, epochs)) <= width:
            break
        heads.pop(name, None)
    return heads


def _row(cells: dict[str, str], heads: dict[str, str], epochs: int) -> str:
    """One line: each cell at the right of its column, the mark at the end."""
    mark = heads is not cells and "mark" in heads
    columns = [name for name in heads if name != "mark"]
    widths = {name: max(len(heads[name]), 6) for name in columns}
    widths["epoch"] = max(5, 2 * len(str(epochs)) + 1)
    said = "  ".join(f"{cells.get(name, ''):>{widths[name]}}" for name in columns)
    if heads is cells:  # the head; room for the mark counts, but it has no name
        return said + " " * (len(BEST) + 2 if "mark" in heads else 0)
    return f"{said}  {cells['mark']}".rstrip() if mark else said


def _cells(run: Run, epochs: int, seconds: float) -> dict[str, str]:
    last, goal = run.history[-1], run.goal[1:]
    train, val = last["train"], last.get("val", {})
    cells = {
        "epoch": f"{last['epoch']}/{epochs}",
        "loss": figure("loss", train.get("loss", math.nan)),
        "rate": " ".join(f"{rate:.2g}" for rate in list(last.get("rate", {}).values())[:1]),
        "took": took(seconds),
        "mark": BEST if val and run.best_epoch == run.epoch else "",
    }
    if goal in train and goal != "loss":
        cells["own"] = figure(goal, train[goal])
    if "loss" in val:
        cells["val"] = figure("loss", val["loss"])
    if goal in val and goal != "loss":
        cells["goal"] = figure(goal, val[goal])
    return cells


def figure(name: str, value: float) -> str:
    """Six characters or so: 0.6142 of a loss, 92.74% of a share, 1.2e+05 of what is large."""
    if name in SHARES:
        return f"{value:.2%}"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1000 else f"{value:.3g}"


def took(seconds: float) -> str:
    """8.1s, 2m05s or 3h20m."""
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"
