"""The verbs as functions, for notebooks and scripts; the command line calls the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline import experiment
from sightline.artifact import Artifact
from sightline.data.dataset import Dataset, as_dataset
from sightline.prepare import GIVEN, Opened, open_arrays
from sightline.pretrained import Given, open_model
from sightline.request import Request, ask
from sightline.talk import Silent, Talk, Terminal


def train(
    what: str | Path | tuple[Any, Any] | Dataset,
    *,
    to: str | Path | None = None,
    seed: int | None = None,
    device: str | None = None,
    quarantine: bool = False,
    quiet: bool = False,
    **settings: Any,
) -> Artifact:
    """Train a model and return it, opened: `sl.train("./photos").predict(images)`.

    what        a named set or recipe ("digits", "lenet-digits"); a folder of class folders, a .csv
                or .toml file (a path has a slash); arrays (X, y) as in `as_dataset`; any Dataset
    to          the run folder; by default the next free runs/NAME
    seed        of weights, order and augmentation; the split has its own (data__seed)
    settings    any key of the recipe with __ for the dot: train__epochs=5, model__name="lenet"

    Raises SightlineError, its text one line, for anything that is not as it should be.
    """
    overrides = [(key.replace("__", "."), value) for key, value in settings.items()]
    overrides += [("train.seed", seed)] if seed is not None else []
    overrides += [("train.device", device)] if device is not None else []
    talk: Talk = Silent() if quiet else Terminal()
    target = Path(to) if to is not None else None
    if isinstance(what, str | Path):
        word = str(what) if isinstance(what, str) else f"{what.absolute()}"
        return experiment.train(ask(word, talk), overrides, target, quarantine, talk)
    given = _given(what, talk)
    request = Request({"data": {"name": GIVEN}}, given.splits.train.name, planned=True)
    return experiment.train(request, overrides, target, quarantine, talk, given)


def resume(
    run: str | Path,
    *,
    data: tuple[Any, Any] | Dataset | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Artifact:
    """Go on with an interrupted run; `data` again where it was trained on arrays or a Dataset.

    `settings` may change epochs, the rate and the schedule from here on: train__epochs=60.
    """
    talk: Talk = Silent() if quiet else Terminal()
    given = None if data is None else _given(data, talk)
    overrides = [(key.replace("__", "."), value) for key, value in settings.items()]
    return experiment.resume(Path(run), overrides, talk, given)


def load(
    model: str | Path,
    device: str = "auto",
    *,
    weights: str | Path | None = None,
    mean: Sequence[float] = (),
    deviation: Sequence[float] = (),
    resize: int | None = None,
) -> Artifact:
    """Open a run folder, a model file, or a network by its name: `sl.load("mobilenet_v2")`.

    weights          of a network: a .safetensors, .pth or .th file; by default the published ones
    mean, deviation  that those weights want inputs in [0, 1] with, one number or one a channel
    resize           what a picture's shorter side is resized to; 0 takes pictures as they are
    """
    given = Given(Path(weights) if weights else None, tuple(mean), tuple(deviation), resize)
    what = model if isinstance(model, str) else f"{model.absolute()}"
    return open_model(what, device, given=given)


def _given(data: tuple[Any, Any] | Dataset, talk: Talk) -> Opened:
    dataset = data if isinstance(data, Dataset) else as_dataset(*data)
    return open_arrays(dataset, talk)
