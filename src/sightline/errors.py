"""Everything sightline raises on purpose.

    SightlineError            a user's mistake: one line, exit code 2
    ├── UnknownName           a model, data set, recipe, option or key that does not exist
    ├── DataError             a picture, folder, table or array that cannot be used
    ├── RecipeError           a recipe that contradicts itself or cannot be read
    ├── OutputError           a place that cannot be written, or already holds something
    ├── ArtifactError         a model file or run folder that is damaged or of another kind
    ├── DeviceError           a device that is not there
    ├── Diverged              a loss that stopped being a number
    ├── ProcessLost           of several processes that train together, one is gone
    └── Stopped               work ended by Ctrl-C, what was done is kept; exit code 130

A bug keeps its traceback: nothing here wraps an error that is not the user's to mend.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SightlineError(Exception):
    """A mistake in what was asked or given; its text is one line that says what would be right."""


class UnknownName(SightlineError):
    """A name that is not in its table; says the nearest one that is."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
        super().__init__(f"unknown {kind} '{name}'; {hint}")


class DataError(SightlineError):
    """A picture, folder, table or array that cannot be used."""


class RecipeError(SightlineError):
    """A recipe that contradicts itself or cannot be read."""


class OutputError(SightlineError):
    """A place that cannot be written, or that already holds something."""


class ArtifactError(SightlineError):
    """A model file or run folder that is damaged, or of another kind."""


class DeviceError(SightlineError):
    """A device that is not there."""


class Diverged(SightlineError):
    """A loss that stopped being a number."""


class ProcessLost(SightlineError):
    """Another process of this run is gone; what was saved stands."""


class Stopped(SightlineError):
    """Work was interrupted; what was done is kept, and the text says how to go on."""
