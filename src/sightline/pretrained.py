"""A network's name where a run could stand: it is built, given weights, and used like any model.

The weights are those on record, from the user's cache or their official address, or a file's.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import platformdirs
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sightline import download, files, models, tasks
from sightline.artifact import KEY, Artifact, header_for, open_artifact
from sightline.data.canvas import Canvas, Mode
from sightline.data.opening import is_path
from sightline.data.views import View
from sightline.errors import ArtifactError, DataError, SightlineError
from sightline.models import LARGEST, MODELS, Network
from sightline.models import weights as weight_files
from sightline.models.layers import Normalize
from sightline.predictor import TorchPredictor, choose_device
from sightline.published import DEVIATION, MEAN, WEIGHTS, Published, class_names
from sightline.talk import Silent, Talk
from sightline.version import __version__

__all__ = ["WEIGHTS", "Given", "open_model", "open_network", "places"]

MARGIN = 256 / 224  # what a picture is resized to, over what is seen of it
SMALL = 96  # pixels: inputs up to here see the whole picture
OUTPUTS = 1000  # of ImageNet


@dataclass(frozen=True)
class Given:
    """What a user gives along with a network's name.

    weights          a file, in place of those on record
    mean, deviation  that the weights want their inputs with: one number a channel or one for all;
                     empty for those on record, else ImageNet's
    resize           what a picture's shorter side is resized to before its middle is seen; 0 not at
                     all; None as on record, else as ImageNet's are
    """

    weights: Path | None = None
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    resize: int | None = None


NOTHING = Given()


def open_model(
    what: str, device: str = "auto", talk: Talk | None = None, given: Given = NOTHING
) -> Artifact:
    """The model that a word as typed names: a network (a bare word), a run folder or a model file.

    Raises SightlineError, its text a line, or three where weights and network do not fit.
    """
    talk = talk or Silent()
    if is_path(what) or what not in MODELS:
        _require_there(what)
        if given != NOTHING:
            raise ArtifactError(f"{what}: weights and mean go with the name of a network")
        return open_artifact(Path(what), device)
    if Path(what).exists():
        talk.say(f"'{what}' is taken as the network of that name; for the run write ./{what}")
    return open_network(what, device, talk, given)


def _require_there(what: str) -> None:
    near = get_close_matches(what.lower(), MODELS, n=1, cutoff=0.6)
    if near and not Path(what).exists():
        raise ArtifactError(f"{what}: no such run or model file; did you mean {near[0]}?")


def open_network(name: str, device: str, talk: Talk, given: Given = NOTHING) -> Artifact:
    """A network of MODELS as a classifier, with the given weights or those on record.

    Outputs and channels are those of the file. Its classes are the published ones; with a
    file that is not on record, ImageNet's for a thousand outputs, else they have no names.

    Raises ArtifactError, DataError or DeviceError.
    """
    on = choose_device(device)
    path, record = _weights(name, given.weights, talk)
    state = _read(path)
    channels, outputs = _shape(name, state)
    classes = _classes(outputs, record)
    size, resize = _sides(name, record, given)
    mean, deviation = _statistics(name, channels, given)
    network = _built(name, state, path, (outputs, channels, size))
    network.normalize = Normalize(mean, deviation)
    network.requires_grad_(False).eval()
    network.to(on).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if record is None:
        of = "outputs without names" if classes is None else "outputs, taken for ImageNet's classes"
        taken = f"resized to {resize}" if resize else "as they are"
        wanted = f"mean {_numbers(mean)}, deviation {_numbers(deviation)}; {outputs} {of}"
        inputs = f"inputs {size}x{size} of pictures {taken}"
        talk.say(f"{path} is not on record for {name}: {inputs}, {wanted}")
    task = tasks.build("classification", classes or [str(i) for i in range(outputs)], {})
    mode: Mode = "cover" if resize else "center"
    canvas = Canvas((resize or size, resize or size), mode, 3 if channels == 3 else 1)
    view = View((size, size))
    licence = record.licence if record else "none on record"
    more = {
        "precision": "float32",
        "version": __version__,
        "weights": {"file": path.name, "licence": licence},
        "unnamed": classes is None,
    }
    header = header_for(task, "classification", canvas, view, model={"name": name}, **more)
    return Artifact(header, TorchPredictor(network, task, canvas, view, on))


def _built(name: str, state: dict[str, Tensor], path: Path, shape: tuple[int, int, int]) -> Network:
    """The network with the weights of a file; `shape` is outputs, channels, side of the inputs."""
    outputs, channels, side = shape
    with torch.device("meta"):
        network = models.build(name, outputs, channels, (side, side))
    fitting = weight_files.fitted(
        state,
        network.body,
        str(path),
        f"{name} of {outputs} outputs",
        optional=[head.split(".")[0] for head in network.heads[1:]],
    )
    network.body.load_state_dict(fitting, assign=True)
    return network


def _weights(name: str, given: Path | None, talk: Talk) -> tuple[Path, Published | None]:
    """The file of weights, and what is on record of it."""
    record = WEIGHTS.get(name)
    path = given or _found(name, record, talk)
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file of weights")
    if record is not None and _is(path, record):
        return path, record
    if given is None:
        raise DataError(f"{path}: not the published file; remove it, and it is downloaded again")
    return path, None


def places() -> list[Path]:
    """Where weights are looked for: in the folder weights of each of SIGHTLINE_DATA's, then in the
    user's cache, where they are downloaded to."""
    given = [part for part in os.environ.get("SIGHTLINE_DATA", "").split(os.pathsep) if part]
    return [Path(part) / "weights" for part in given] + [
        platformdirs.user_cache_path("sightline") / "weights"
    ]


def _found(name: str, record: Published | None, talk: Talk) -> Path:
    """The published file: where it lies, or from its address."""
    if record is None:
        raise DataError(f"{name}: no published weights are on record; give a file: --weights FILE")
    file = record.remote.name
    there = [place / file for place in places() if (place / file).is_file()]
    if there:
        return there[0]
    folder = places()[-1]
    try:
        with files.output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with files.locked(folder, "downloading to it"):
            talk.say(f"{name}: downloading {record.remote.address} ({record.licence})")
            return download.fetch(record.remote, folder, talk)
    except DataError as error:
        raise DataError(
            f"{name}: its weights are in none of {', '.join(map(str, places()))}; put {file} into "
            f"{folder}, or give a file: --weights FILE; downloading failed: {error}"
        ) from None


def _is(path: Path, record: Published) -> bool:
    digest = record.remote.digest
    assert digest is not None, "every file on record has a hash"
    return download.digest_of(path, "sha256").startswith(digest)


def _read(path: Path) -> dict[str, Tensor]:
    state = weight_files.read(path)
    if path.suffix.lower() != ".safetensors":
        return state
    try:
        with safe_open(str(path), framework="pt") as file:
            ours = KEY in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path}: damaged ({error})") from None
    if ours:
        raise ArtifactError(f"{path}: a model of sightline's own; use it in place of the name")
    return state


def _shape(name: str, state: dict[str, Tensor]) -> tuple[int, int]:
    """Channels and outputs of the network that a file is for."""
    entry = MODELS[name]
    outputs = weight_files.outputs_of(state, entry.heads[0]) or OUTPUTS
    if not 1 <= outputs <= LARGEST:
        raise ArtifactError(f"{outputs} outputs; expected 1 to {LARGEST}")
    with torch.device("meta"):
        usual = models.build(name, outputs, entry.channels, entry.size)
    filters = (n for n, value in usual.body.state_dict().items() if value.ndim == 4)
    first = state.get(next(filters, ""))
    channels = first.shape[1] if first is not None and first.ndim == 4 else 0
    return (channels if channels in (1, 3) else entry.channels), outputs


def _classes(outputs: int, record: Published | None) -> list[str] | None:
    names = class_names(record.classes if record else "imagenet")
    return list(names) if len(names) == outputs else None


def _sides(name: str, record: Published | None, given: Given) -> tuple[int, int]:
    """The side of the inputs, and what a picture's shorter side is resized to; 0 not at all."""
    size = record.size if record else MODELS[name].size[0]
    resize = record.resize if record else size if size <= SMALL else round(size * MARGIN)
    resize = resize if given.resize is None else given.resize
    if resize and not size <= resize <= 4096:
        raise DataError(f"resize {resize}: expected {size} to 4096 pixels, or 0 for not at all")
    return size, resize


def _statistics(name: str, channels: int, given: Given) -> tuple[list[float], list[float]]:
    """Mean and deviation a channel: given, on record for the network, or ImageNet's; of grey
    pictures 0 and 1."""
    record = WEIGHTS.get(name)
    usual = (MEAN, DEVIATION) if record is None else (record.mean, record.deviation)
    if channels != len(usual[0]):
        usual = ((0.0,), (1.0,))
    out = []
    for key, values, other in (
        ("mean", given.mean, usual[0]),
        ("deviation", given.deviation, usual[1]),
    ):
        numbers = [*(values or other)]
        numbers = numbers * channels if len(numbers) == 1 else numbers
        least = 0.001 if key == "deviation" else -1000.0
        if len(numbers) != channels or not all(least <= x <= 1000 for x in numbers):
            raise SightlineError(
                f"--{key} {','.join(map(str, numbers))}: expected one number or {channels}, "
                f"{least:g} to 1000, as pixels go from 0 to 1"
            )
        out.append(numbers)
    return out[0], out[1]


def _numbers(values: Sequence[float]) -> str:
    shown = values[:1] if len(set(values)) == 1 else values
    return ",".join(f"{value:g}" for value in shown)
