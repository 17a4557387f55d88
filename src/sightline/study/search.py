"""Search: trials of a recipe with other settings, each a run folder, judged on validation alone.

DIR/  base.toml (what every trial begins from)  search.toml (the question)  journal.log (Optuna's)
      trials/0000 …  best.toml  search.html

The test part is never scored by a trial: the best is chosen from many, so its test figure would be
chosen, too. `best.toml` is trained and tested once, by the user.
"""

import hashlib
import json
import shlex
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch

from sightline import files, recipe
from sightline.asked import RUNS, Asked, open_request, tell
from sightline.data.dataset import Subset
from sightline.data.split import Splits
from sightline.errors import (
    ArtifactError,
    RecipeError,
    UnknownName,
)
from sightline.monitor import GOALS
from sightline.outset import make_run, make_task
from sightline.overrides import Setting, override
from sightline.prepare import decided, place
from sightline.recipe import Recipe
from sightline.request import ask
from sightline.study import space as spaces_of_toml
from sightline.study.space import Scalar, Space, short
from sightline.study.spaces import around, of_recipe
from sightline.study.storage import require_optuna, without_password
from sightline.study.trials import Pruner, Sampler, Trial, Trials, Ways, open_trials
from sightline.talk import Silent, Talk

NAME = "search.toml"
BASE = "base.toml"
FEW = 8  # images that a recipe of the space is tried on before anything is trained


@dataclass(frozen=True)
class Wanted:
    """What a user asks of a search; None where it is left open.

    space   a file; `around` is the folder of a finished search whose space is narrowed instead
    trials  in all, over all processes and times
    url     of a database, in place of the folder's own journal
    """

    space: Path | None = None
    around: Path | None = None
    trials: int | None = None
    sampler: Sampler | None = None
    pruner: Pruner | None = None
    seed: int | None = None
    url: str = ""


@dataclass(frozen=True, eq=False)
class Search:
    """A search in its folder.

    base    the content of the recipe that every trial begins from
    said    what its user asked to train
    trials  in all
    """

    folder: Path
    base: dict[str, Any]
    said: str
    trials: int
    ways: Ways
    found: Trials

    @property
    def ranked(self) -> list[Trial]:
        """The finished trials, the best first."""
        done = [t for t in self.found.all() if t.state == "finished" and t.figure is not None]
        return sorted(done, key=lambda t: (-self.ways.sign * (t.figure or 0.0), t.number))

    def run_of(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.folder / "trials" / f"{number:04d}"


def begin(
    what: str, wanted: Wanted, changes: Sequence[Setting], to: Path | None, talk: Talk
) -> Search:
    """A new search in the folder `to`, or the one that is there, gone on with or joined.

    what     as `sightline train` takes it, or the folder of a search
    changes  of the recipe or plan, before the space is applied

    Raises SightlineError for what is wrong with recipe or space, before anything is trained; and
    where the folder holds a search of something else.
    """
    require_optuna()
    if (Path(what) / NAME).is_file():
        if changes or wanted.space or wanted.around or to:
            raise RecipeError(f"{what} is a search that has begun; only --trials can change")
        return opened(Path(what), wanted)
    request = ask(what, talk)
    asked = open_request(request, changes, talk)
    chosen = recipe.from_dict(asked.content, asked.origin, Recipe)
    if asked.splits.val is None:
        raise RecipeError("a search needs a validation part; data.val = 0.15 makes one")
    _require_scalar_goal(chosen)
    space, origin = _space(asked, wanted)
    _require_sound(asked, space, origin)
    ways = Ways(
        space,
        chosen.train.goal or GOALS.get(chosen.task, "-loss"),
        wanted.sampler or "random",
        wanted.pruner or "none",
        chosen.train.seed if wanted.seed is None else wanted.seed,
    )
    if to is not None and to.exists():
        there = opened(to, wanted)
        _require_same(there, asked.content, ways)
        return there
    tell(asked, talk)
    return _new(to, Search(Path(), asked.content, what, wanted.trials or 20, ways, _NONE), wanted)


_NONE: Any = None  # until the folder is there


def _require_scalar_goal(chosen: Recipe) -> None:
    if chosen.task not in GOALS and not chosen.train.goal:
        raise RecipeError(f"{chosen.task}: say what best means: --set train.goal=-loss")


def _space(asked: Asked, wanted: Wanted) -> tuple[Space, str]:
    """The space and what an error says it comes from."""
    if wanted.space is not None and wanted.around is not None:
        raise RecipeError("--space and --around exclude one another")
    if wanted.space is not None:
        return spaces_of_toml.read(wanted.space), str(wanted.space)
    if wanted.around is not None:
        before = opened(wanted.around, Wanted(url=wanted.url))
        if not before.ranked:
            raise RecipeError(f"{wanted.around}: no trial has finished, so there is no best yet")
        return around(before.ways.space, [t.values for t in before.ranked]), "the narrowed space"
    return of_recipe(asked.content, len(asked.splits.train)), "the default space"


def _require_sound(asked: Asked, space: Space, origin: str) -> None:
    """Build the recipe of the middle, and of each key's ends: what is wrong with one is said before
    hours are spent on the others."""
    middle = spaces_of_toml.middle(space)
    points: list[tuple[str, dict[str, Scalar]]] = [("", middle)]
    for key, axis in space.items():
        points += [(f" with {key} = {short(end)}", middle | {key: end}) for end in axis.ends]
    few = Splits.of(
        {
            name: Subset(part, range(min(FEW, len(part))))
            for name, part in asked.splits.parts.items()
        }
    )
    for words, values in points:
        content = override(asked.content, spaces_of_toml.settings(values, asked.content))
        chosen = decided(recipe.from_dict(content, origin, Recipe), few)
        placed = place(Splits(few.train), chosen.canvas, Silent(), "memory")
        with torch.random.fork_rng(devices=[]):
            try:
                make_run(chosen, placed, make_task(chosen, asked.splits.train))
            except (RecipeError, UnknownName) as error:
                raise RecipeError(f"{origin}{words}: {error}") from None


def _new(to: Path | None, search: Search, wanted: Wanted) -> Search:
    """The folder made, whole or not at all; where another process was quicker, its search."""
    name = to.name if to else f"{Path(search.said).stem}-search"
    folder, home = to or files.next_free(RUNS, name, ""), uuid.uuid4().hex if wanted.url else ""
    question = {
        "about": search.said,
        "trials": search.trials,
        "goal": search.ways.goal,
        "sampler": search.ways.sampler,
        "pruner": search.ways.pruner,
        "seed": search.ways.seed,
        "study": folder.name,
        "home": home,
        "storage": without_password(wanted.url),
        "space": spaces_of_toml.to_dict(search.ways.space),
    }
    if wanted.url:  # which may not be there
        _open(folder, folder.name, home, search.ways, wanted.url, search.base)
    with files.output_errors(folder), files.whole_folder(folder) as made:
        files.write_text(made / BASE, recipe.to_toml_text(search.base))
        files.write_text(made / NAME, recipe.to_toml_text(question))
    return opened(folder, wanted)


def opened(folder: Path, wanted: Wanted) -> Search:
    """The search that a folder holds. Raises ArtifactError, OutputError."""
    require_optuna()
    if not (folder / NAME).is_file():
        if folder.exists():
            raise files.exists_already(folder)
        raise ArtifactError(f"{folder}: no search (no {NAME} in it)")
    question = recipe.read(folder / NAME)
    try:
        ways = Ways(
            spaces_of_toml.parse(question["space"], str(folder / NAME)),
            str(question["goal"]),
            question["sampler"],
            question["pruner"],
            int(question["seed"]),
        )
        shown, study, home = question["storage"], question["study"], question["home"]
        trials, said = int(question["trials"]), str(question["about"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{folder / NAME} is damaged: {error}") from None
    if ways.sampler not in get_args(Sampler) or ways.pruner not in get_args(Pruner):
        raise ArtifactError(f"{folder / NAME} is damaged: no such sampler or pruner")
    url = wanted.url or shown
    if without_password(url) != shown:
        raise RecipeError(f"{folder} keeps its trials in {shown or 'its own journal'}, not {url}")
    base = recipe.read(folder / BASE)
    found = _open(folder, study, home, ways, url, base)
    return Search(folder, base, said, wanted.trials or trials, ways, found)


def _open(
    folder: Path, study: str, home: str, ways: Ways, url: str, base: dict[str, Any]
) -> Trials:
    """The trials, which in a database must be of this question. Where data lie may differ from
    machine to machine."""
    data = {key: value for key, value in base["data"].items() if key not in ("path", "root")}
    asked: dict[str, Any] = {
        "base": base | {"data": data},
        "space": spaces_of_toml.to_dict(ways.space),
    }
    asked |= {"goal": ways.goal, "sampler": ways.sampler, "seed": ways.seed}
    question = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return open_trials(folder, (study, question), home, ways, url)


def _require_same(there: Search, base: Mapping[str, Any], ways: Ways) -> None:
    """Raises RecipeError where a folder's search asks something else."""
    pairs = {
        "recipe": (there.base, tomllib.loads(recipe.to_toml_text(dict(base)))),
        "space": (there.ways.space, ways.space),
        "goal": (there.ways.goal, ways.goal),
        "--sampler": (there.ways.sampler, ways.sampler),
        "--prune": (there.ways.pruner, ways.pruner),
        "--seed": (there.ways.seed, ways.seed),
    }
    for name, (was, asked) in pairs.items():
        if was != asked:
            raise RecipeError(
                f"{there.folder} holds a search with another {name}; go on with it by: "
                f"{again(there.folder)}, or choose another --to"
            )


def again(folder: Path) -> str:
    """The command that goes on with a search."""
    return f"sightline search {shlex.quote(str(folder))}"
