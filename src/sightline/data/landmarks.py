"""Landmarks by name: which is whose partner on the other side, for in a mirror sides change.

A left eye, mirrored, looks as a right one does.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.data.geometry import Matrices, moved_points
from sightline.errors import DataError

# A side is a word of a name: left_eye, leftEye, "eye left", LEFT-EYE; not the right of "bright".
SIDE = re.compile(
    r"(?<![A-Za-z])(left|right)(?![a-z])|(Left|Right)(?![a-z])|(?<![A-Za-z])(LEFT|RIGHT)(?![A-Za-z])"
)
OTHER = {"left": "right", "right": "left"}


def mirrored_name(name: str) -> str:
    """What a landmark is called in a mirrored image: its name with left for right."""
    return SIDE.sub(lambda met: _like(OTHER[met[0].lower()], met[0]), name)


def _like(word: str, model: str) -> str:
    """The word in small or capital letters, as the model is written."""
    if model.isupper():
        return word.upper()
    return word.capitalize() if model[0].isupper() else word


def lonely(names: Sequence[str]) -> str | None:
    """The first landmark of one side that has no partner of the other; None where all have."""
    return next((name for name in names if mirrored_name(name) not in names), None)


def partners(names: Sequence[str]) -> NDArray[np.int64]:
    """(k,) of each landmark the one that it is in a mirrored image: itself, where its name has no
    side, or no partner."""
    at = {name: number for number, name in enumerate(names)}
    return np.array([at.get(mirrored_name(name), number) for name, number in at.items()], np.int64)


def require_partners(names: Sequence[str], what: str, instead: str) -> None:
    """Raise DataError where a landmark has a side and no partner, so that mirrored it is none.

    what     that mirrors, as "augment.flip"
    instead  what would be right, as "set augment.flip=false"
    """
    alone = lonely(names)
    if alone is not None:
        raise DataError(
            f"{what} mirrors images, and landmark {alone} has no partner {mirrored_name(alone)}; "
            f"name one, or {instead}"
        )


def moved(
    points: NDArray[np.float32], matrices: Matrices, names: Sequence[str]
) -> NDArray[np.float32]:
    """Landmarks (n, k, 2) through their images' maps; partners change places in mirrored ones.

    names  of all k; none where they are not known, and nothing changes its place
    """
    out = moved_points(points, matrices)
    if not names:
        return out
    mirrored = np.linalg.det(matrices[:, :, :2]) < 0
    out[mirrored] = out[mirrored][:, partners(names)]
    return out
