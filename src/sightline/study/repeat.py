"""The same training with other seeds: how much is chance, and all of them as one model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sightline.artifact import NAME
from sightline.assembly import MEMBERS
from sightline.errors import RecipeError
from sightline.overrides import Setting
from sightline.request import Request
from sightline.study.ensembles import Ensembled, Made, make
from sightline.study.several import Asked, Several, carry_out
from sightline.talk import Talk

SEEDS = ("train.seed", "learner.seed")


@dataclass(frozen=True, eq=False)
class Repeated:
    """The members, and the ensemble of them, which lies in their folder."""

    members: Several
    ensemble: Ensembled

    def to_dict(self) -> dict[str, Any]:
        return self.members.to_dict() | {"ensemble": self.ensemble.to_dict()}

    def to_text(self) -> str:
        """The members' validation, and their test beside the ensemble's."""
        tested = bool(self.ensemble.test)
        members = replace(self.members, test=[]) if tested else self.members
        return f"{members.to_text()}\n{self.ensemble.to_text()}".lstrip()


def repeat(
    request: Request,
    settings: Sequence[Setting],
    n: int,
    to: Path | None,
    quarantine: bool,
    talk: Talk,
) -> Repeated:
    """Train n runs on the same parts, with the seed, the seed + 1, and so on; the rest as
    `carry_out`. Their ensemble by mean is written into the folder."""
    if not 2 <= n <= MEMBERS:
        raise RecipeError(f"--repeat {n}: 2 to {MEMBERS}")
    first = seed_of(request, settings)
    shared = [(key, value) for key, value in settings if key not in SEEDS]
    own = [[("train.seed", first + number)] for number in range(n)]
    asked = Asked("member", "repeat.json", request, shared, own)
    folder, members = carry_out(asked, to, quarantine, talk)
    made = make([str(run) for run in members.runs], Made(), talk)
    return Repeated(members, made.save(folder / NAME))


def seed_of(request: Request, settings: Sequence[Setting]) -> int:
    """The seed that is asked for: by a setting, else by the recipe, else 0."""
    for key, value in reversed(settings):
        if key in SEEDS:
            return int(value)
    for table in ("train", "learner"):
        found = request.content.get(table)
        if isinstance(found, dict) and "seed" in found:
            return int(found["seed"])
    return 0
