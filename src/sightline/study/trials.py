"""The trials of a search in Optuna's storage: drawn, taken up again, counted, ended.

Many processes may share a storage: a trial is drawn under the search folder's lock, and whoever is
at it holds a lock of its own until it ends. So a trial that runs, but whose lock is free, was
killed, and the next process goes on with it.
"""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

from sightline import chance, files
from sightline.errors import OutputError
from sightline.study.space import Axis, Choice, Scalar, Space
from sightline.study.storage import database, journal, require_optuna, without_password
from sightline.training.callbacks import Callback
from sightline.training.run import Run
from sightline.wording import plural

LOCKS = "locks"
PATIENCE = 120.0  # seconds for another process that draws a trial
WARMUP = 2  # the first epoch after which it may prune: one says little (docs/search-settings.md)
STARTUP = 5  # finished trials before the median is trusted
TREES = 32  # of fANOVA's forest, half of Optuna's default: a page has nine of them
Sampler = Literal["random", "tpe"]
Pruner = Literal["none", "median", "halving"]
State = Literal["finished", "pruned", "diverged", "refused", "running"]


@dataclass(frozen=True)
class Trial:
    """A trial as it stands.

    values   by the key of the recipe
    figure   the best of validation so far; None where there was none
    epochs   done; `best` is the epoch that had the figure
    why      words on a trial that did not finish
    """

    number: int
    state: State
    values: dict[str, Scalar]
    figure: float | None
    epochs: int = 0
    best: int = 0
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Ways:
    """How trials are drawn and ended.

    goal  "+accuracy": the figure of validation, and whether more of it is better
    seed  from which, with a trial's number, its values and its training's seed follow
    """

    space: Space
    goal: str
    sampler: Sampler = "random"
    pruner: Pruner = "none"
    seed: int = 0

    @property
    def sign(self) -> float:
        return 1.0 if self.goal[0] == "+" else -1.0


@dataclass(frozen=True, eq=False)
class Trials:
    """The trials of one search, of which other processes may carry out some.

    folder   of the search, where locks lie
    home     marks trials that were drawn in this folder, where a database has others as well, of
             which nobody here can know whether they were killed; else empty
    """

    folder: Path
    home: str
    ways: Ways
    study: Any = field(repr=False)

    @contextmanager
    def claimed(self, most: int) -> Iterator[tuple[Any, int] | None]:
        """A trial to carry out, as Optuna has it, held until the block ends, and how many epochs of
        it were done before; None where there are `most` that ended or are being carried out."""
        with ExitStack() as held:
            with _locked(self.folder):
                trial = self._killed(held) or self._drawn(held, most)
            yield trial

    def _killed(self, held: ExitStack) -> tuple[Any, int] | None:
        """A trial of this folder that runs, though nobody is at it."""
        optuna = require_optuna()
        for frozen in self.study.get_trials(deepcopy=False):
            own = frozen.user_attrs.get("home", "") == self.home
            if frozen.state != optuna.trial.TrialState.RUNNING or not own:
                continue
            if not _take(self.folder, frozen.number, held):
                continue
            trial = optuna.trial.Trial(self.study, frozen._trial_id)
            self._suggest(trial, frozen.number)
            return trial, len(frozen.intermediate_values)
        return None

    def _drawn(self, held: ExitStack, most: int) -> tuple[Any, int] | None:
        """A new trial, where there is room for one."""
        there = self.study.get_trials(deepcopy=False)
        if len(there) >= most:
            return None
        trial = self.study.ask()
        trial.set_user_attr("home", self.home)
        if not _take(self.folder, trial.number, held):
            raise OutputError(f"{self.folder}: another process is at trial {trial.number}")
        self._suggest(trial, trial.number)
        return trial, 0

    def _suggest(self, trial: Any, number: int) -> None:
        """Draw the trial's values, but for those that it has."""
        self.study.sampler = _sampler(self.ways, number)
        for key, axis in self.ways.space.items():
            _suggest(trial, key, axis)

    def all(self) -> list[Trial]:
        """By number."""
        return [self._told(frozen) for frozen in self.study.get_trials(deepcopy=False)]

    def _told(self, frozen: Any) -> Trial:
        space, attrs = self.ways.space, frozen.user_attrs
        values = {
            key: _value(axis, frozen.params[key])
            for key, axis in space.items()
            if key in frozen.params
        }
        seen = {
            step: value
            for step, value in frozen.intermediate_values.items()
            if not math.isnan(value)
        }
        sign = self.ways.sign
        best = max(seen, key=lambda step: (sign * seen[step], -step)) if seen else 0
        state: State = attrs.get("state", "running")
        return Trial(
            frozen.number,
            state,
            values,
            seen[best] if seen else None,
            max(frozen.intermediate_values, default=0),
            best,
            float(attrs.get("seconds", 0.0)),
            str(attrs.get("why", "")),
        )

    def end(self, trial: Any, state: State, seconds: float, why: str = "") -> None:
        """Say how a trial ended. What diverged counts, for the sampler, as pruned at once."""
        optuna = require_optuna()
        for name, value in (("seconds", seconds), ("why", why), ("state", state)):
            trial.set_user_attr(name, value)
        found = self._told(self.study.get_trials(deepcopy=False)[trial.number])
        kinds = optuna.trial.TrialState
        if state == "finished" and found.figure is not None:
            self.study.tell(trial, found.figure)
        else:
            self.study.tell(trial, state=kinds.FAIL if state == "refused" else kinds.PRUNED)


def value_of(space: Space, trial: Any) -> dict[str, Scalar]:
    """What the recipe gets of a trial, as Optuna has it."""
    return {key: _value(axis, trial.params[key]) for key, axis in space.items()}


def _value(axis: Axis, drawn: Any) -> Scalar:
    return drawn if isinstance(axis, Choice) else axis.value(drawn)


def _suggest(trial: Any, key: str, axis: Axis) -> None:
    if isinstance(axis, Choice):
        trial.suggest_categorical(key, list(axis.values))
    elif axis.whole:
        step = 1 if axis.step is None else round(axis.step)
        trial.suggest_int(key, round(axis.low), round(axis.high), step=step, log=axis.log)
    else:
        trial.suggest_float(key, axis.low, axis.high, step=axis.step, log=axis.log)


def _sampler(ways: Ways, number: int) -> Any:
    """A sampler for one trial: random values are a function of seed and number alone, whoever draws
    them, and after whatever was killed."""
    samplers = require_optuna().samplers
    seed = chance.seed_of(ways.seed, number, "trial") % 2**32
    if ways.sampler == "random":
        return samplers.RandomSampler(seed=seed)
    return samplers.TPESampler(seed=seed, constant_liar=True)


def _pruner(ways: Ways) -> Any:
    pruners = require_optuna().pruners
    if ways.pruner == "median":
        return pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=WARMUP)
    if ways.pruner == "halving":
        return pruners.SuccessiveHalvingPruner(min_resource=1)
    return pruners.NopPruner()


def open_trials(folder: Path, named: tuple[str, str], home: str, ways: Ways, url: str) -> Trials:
    """The trials of a search, in its folder's journal or, where a URL is given, in a database.

    named  the study's name, and what stands for its question

    Raises OutputError where the database cannot be reached, or holds another search by that name.
    """
    name, question = named
    optuna = require_optuna()
    storage = database(url) if url else journal(folder)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize" if ways.sign > 0 else "minimize",
        sampler=_sampler(ways, 0),
        pruner=_pruner(ways),
        load_if_exists=True,
    )
    if url and study.user_attrs.get("question", question) != question:
        raise OutputError(
            f"{without_password(url)} holds another search named {name}; choose another --to"
        )
    study.set_user_attr("question", question)
    return Trials(folder, home, ways, study)


def importances(trials: Trials, numbers: Sequence[int], seed: int) -> dict[str, float]:
    """The share of the variance over these finished trials that each setting explains alone, by
    Optuna's fANOVA, largest first; of equal figures it knows nothing, so none."""
    optuna = require_optuna()
    kept = set(numbers)
    there = [t for t in trials.study.get_trials(deepcopy=False) if t.number in kept]
    if len({t.value for t in there}) < 2:
        return {}
    part = optuna.create_study(direction=trials.study.direction)
    part.add_trials(there)
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=seed % 2**32)
    found = optuna.importance.get_param_importances(part, evaluator=evaluator)
    return {key: float(share) for key, share in found.items()}


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the search's folder, waiting for whoever holds it now."""
    with ExitStack() as held:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                held.enter_context(files.locked(folder, "drawing a trial"))
                break
            except OutputError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield


def _take(folder: Path, number: int, held: ExitStack) -> bool:
    """Hold a trial; False where another process does. On Windows, where nothing is held, a trial
    that runs is always another's."""
    place = folder / LOCKS / f"{number:04d}"
    known = place.exists()
    with files.output_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        return not known
    with suppress(OutputError):
        held.enter_context(files.locked(place, "at this trial"))
        return True
    return False


@final
class Reporting(Callback):
    """Tells Optuna the validation figure of each epoch, and ends a trial that it would prune.

    epochs  of the training, after which there is nothing left to prune

    Told of epochs that a resumed run did before, it does not say them twice.
    """

    def __init__(self, trial: Any, goal: str, epochs: int) -> None:
        self.trial, self.figure, self.epochs, self.pruned = trial, goal[1:], epochs, False
        self._said = set(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)

    def on_start(self, run: Run) -> None:
        if run.history:
            self.on_epoch(run)

    def on_epoch(self, run: Run) -> None:
        for record in run.history:
            epoch, value = record["epoch"], record["val"].get(self.figure, math.nan)
            if epoch not in self._said:
                self._said.add(epoch)
                self.trial.report(value, epoch)
        if run.epoch < self.epochs and self.trial.should_prune():
            self.pruned = run.stop = True


def counts(trials: list[Trial]) -> str:
    """How many ended how, in words."""
    found = {state: sum(t.state == state for t in trials) for state in _WORDS}
    said = [_WORDS[state].format(n=n) for state, n in found.items() if n]
    return f"{plural(len(trials), 'trial')}: {', '.join(said)}"


_WORDS = {
    "finished": "{n} finished",
    "pruned": "{n} pruned",
    "diverged": "{n} diverged",
    "refused": "{n} refused",
    "running": "{n} running",
}
