"""Cross-validation: k runs, each validated on another fold of what is not the test part."""

from collections.abc import Sequence
from pathlib import Path

from sightline.errors import RecipeError
from sightline.overrides import Setting
from sightline.request import Request
from sightline.study.several import Asked, Several, carry_out
from sightline.talk import Talk


def cross_validate(
    request: Request,
    settings: Sequence[Setting],
    k: int,
    to: Path | None,
    quarantine: bool,
    talk: Talk,
) -> Several:
    """Train k runs, fold i as validation in the i-th; the rest as `carry_out`."""
    if k < 2:
        raise RecipeError(f"--folds {k}: at least 2")
    if any(key in ("data.folds", "data.fold") for key, _ in settings):
        raise RecipeError("--folds sets data.folds and data.fold itself")
    own = [[("data.folds", k), ("data.fold", number)] for number in range(1, k + 1)]
    asked = Asked("fold", "folds.json", request, settings, own)
    return carry_out(asked, to, quarantine, talk)[1]
