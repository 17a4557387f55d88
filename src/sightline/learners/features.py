"""Features: what a network makes of every image of a set, a row each, in memory or in a file.

    /about     JSON: kind "features", the set, how it is split, the network and where it is cut
    /train /train-dev /val /test
        features  (n, d) float32      label  (n,)      sources  (n,) bytes

Rows are made in chunks, each a file of its own beside the target until all are there: what was
killed goes on where it was, and several processes share the chunks. Memory stays at one chunk.
Practitioner book, chapter on feature extraction; course notes, 5.16.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from sightline import files, tables
from sightline.artifact import Artifact
from sightline.data import columns
from sightline.data.columns import Column, Columns
from sightline.data.dataset import Dataset, Subset
from sightline.data.split import PART_NAMES, Splits
from sightline.data.truths import Truths
from sightline.errors import ArtifactError, DataError, OutputError
from sightline.learners.predictor import Extractor
from sightline.models import Network
from sightline.predictor import ModelPredictor, TorchPredictor
from sightline.pretrained import Given, open_model
from sightline.processes import ALONE, Processes
from sightline.tables import Features
from sightline.talk import Talk
from sightline.types import Images

CHUNK = 64  # images decoded at their full size at a time
KIND = "features"
SUFFIXES = (".h5", ".hdf5")
Rows = NDArray[np.float32]
Tick = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Source:
    """A network that features are taken from.

    artifact  it and what is around it
    weights   a hash of its weights
    """

    artifact: Artifact
    predictor: TorchPredictor
    extractor: Extractor
    weights: str

    def header(self, settings: Features) -> dict[str, Any]:
        """What a model file says of the network behind a learner."""
        return {
            "model": self.artifact.header["model"],
            "outputs": self.predictor.task.outputs,
            "features": settings.model_dump(exclude_none=True),
        }


def open_source(settings: Features, device: str, talk: Talk) -> Source:
    """The network of a recipe's features. Raises SightlineError."""
    weights = None if settings.weights is None else Path(settings.weights)
    mean, deviation = tuple(settings.mean), tuple(settings.deviation)
    given = Given(weights, mean, deviation, settings.resize)
    artifact = open_model(settings.model, device, talk, given)
    predictor = artifact.predictor
    if not isinstance(predictor, TorchPredictor):
        raise ArtifactError(f"{settings.model} is no single network; features are taken from one")
    assert isinstance(predictor.model, Network)
    if settings.size is not None:
        _resize(predictor, settings.size)
    extractor = Extractor(predictor.model, settings.layer, settings.pool, settings.mirror)
    return Source(artifact, predictor, extractor, _hash(predictor))


def _resize(predictor: TorchPredictor, side: int) -> None:
    """Let the network see inputs of another size; the canvas grows with it where it must."""
    canvas = predictor.canvas
    large = max(*canvas.size, side)
    predictor.canvas = replace(canvas, size=(large, large))
    predictor.view = replace(predictor.view, size=(side, side))


def _hash(predictor: ModelPredictor) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(predictor.tensors().items()):
        found.update(name.encode())
        found.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    return found.hexdigest()[:16]


def rows_of(source: Source, dataset: Dataset, indices: Sequence[int]) -> Rows:
    """Features (n, d) of some images, seen through the first view."""
    inputs = source.predictor.inputs(dataset.images(indices))[0]
    return source.extractor.rows(inputs)


def all_rows(source: Source, dataset: Dataset, tick: Tick) -> Rows:
    """Features (n, d) of a whole part, in memory."""
    found = []
    for start in range(0, len(dataset), CHUNK):
        indices = range(start, min(start + CHUNK, len(dataset)))
        found.append(rows_of(source, dataset, indices))
        tick(len(indices))
    return np.concatenate(found)


def write(
    to: Path,
    about: dict[str, Any],
    source: Source,
    splits: Splits,
    tick: Tick,
    processes: Processes = ALONE,
) -> tuple[bool, int]:
    """Write the features of every part. Returns whether an earlier attempt was taken up, and how
    many features there are.

    about  what the file says of itself: plain JSON
    """
    if to.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{to}: a file of features is known by its name; end it in .h5")
    with files.output_errors(to):
        if to.exists():
            raise files.exists_already(to)
    folder = to.with_name(f".{to.name}.rows")
    again = processes.told(_begun(folder, about) if processes.first else False)
    chunks = list(_chunks(splits))
    for number, (name, start, end) in enumerate(chunks):
        path = _chunk_path(folder, name, start)
        if number % processes.size == processes.rank and not path.is_file():
            rows = rows_of(source, splits.parts[name], range(start, end))
            with files.output_errors(path), files.atomic(path) as file:
                np.save(file, rows)
        tick(end - start)
    processes.any(False)  # all chunks are there
    width = np.load(_chunk_path(folder, *chunks[0][:2]), mmap_mode="r").shape[1]
    if processes.first:
        _gather(to, folder, about, splits, chunks, width)
        shutil.rmtree(folder)
    processes.any(False)
    return again, int(width)


def _begun(folder: Path, about: dict[str, Any]) -> bool:
    """Make the folder of chunks; whether there was one of the very same features."""
    note = folder / "about.json"
    text = json.dumps(about, sort_keys=True)
    with files.output_errors(folder):
        if note.is_file() and note.read_text("utf-8") == text:
            return True
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        files.write_text(note, text)
    return False


def _chunks(splits: Splits) -> Iterator[tuple[str, int, int]]:
    for name, part in splits.parts.items():
        for start in range(0, len(part), CHUNK):
            yield name, start, min(start + CHUNK, len(part))


def _chunk_path(folder: Path, part: str, start: int) -> Path:
    return folder / f"{part}-{start:08d}.npy"


def _gather(
    to: Path,
    folder: Path,
    about: dict[str, Any],
    splits: Splits,
    chunks: Sequence[tuple[str, int, int]],
    width: int,
) -> None:
    layout: dict[str, dict[str, Column]] = {}
    sources: dict[str, list[bytes]] = {}
    for name, part in splits.parts.items():
        n = len(part)
        sources[name] = [part.source(i).encode("utf-8", "surrogateescape") for i in range(n)]
        layout[name] = {
            "features": Column(n, (width,), "<f4"),
            "label": Column(n, (), "<i8"),
            "sources": Column(n, (), f"S{max(1, *map(len, sources[name]))}"),
        }
    with columns.writing(to, about, layout) as writer:
        for name, part in splits.parts.items():
            assert part.truths.label is not None
            named = np.array(sources[name], np.bytes_)
            writer.append(name, label=part.truths.label, sources=named)
        for name, start, _ in chunks:
            writer.append(name, features=np.load(_chunk_path(folder, name, start)))


@final
class FeatureRows(Dataset):
    """One part of a file of features: rows and labels, and no pictures."""

    top = 255

    def __init__(self, path: Path, part: str, name: str, classes: tuple[str, ...]) -> None:
        found = Columns(path)
        place = found.place(part, "features", "<f4", (None, None))
        self.rows = place.mapped()
        n = len(self.rows)
        label = np.array(found.place(part, "label", "<i8", (n,)).mapped())
        if n == 0 or not 0 <= label.min() <= label.max() < len(classes):
            raise DataError(f"{path}: {part}/label has wrong values; expected 0 to {len(classes)}")
        self.truths, self.classes, self.name = Truths(label=label), classes, name
        self._sources = found.place(part, "sources", "S", (n,)).mapped()

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Images:
        raise DataError(f"{self.source(int(indices[0]))}: a file of features holds no pictures")

    def source(self, index: int) -> str:
        return bytes(self._sources[index]).decode("utf-8", "surrogateescape")


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """What a file of features says of itself, and its parts.

    data      the set and how it is split, as a recipe has it
    weights   hash of the network's weights
    splits    the parts that the set brings
    """

    data: tables.Data
    features: Features
    weights: str
    splits: Splits


def recognises(path: Path) -> bool:
    """Whether a file is HDF5 with features."""
    if not path.is_file() or not columns.recognises(path):
        return False
    return Columns(path).about.get("kind") == KIND


def about(data: tables.Data, settings: Features, facts: dict[str, Any], source: Source) -> Any:
    """What a file says of itself; `facts` are of the parts that the set brings."""
    return {
        "kind": KIND,
        "format": 1,
        "data": data.model_dump(mode="json", exclude_none=True),
        "features": settings.model_dump(mode="json", exclude_none=True),
        "facts": {key: facts[key] for key in ("name", "classes", "fingerprint")},
        "weights": source.weights,
    }


def read(path: Path) -> FeatureFile:
    """A file of features. Raises DataError where it is damaged or none."""
    found = Columns(path)
    try:
        if found.about["kind"] != KIND or found.about["format"] != 1:
            raise DataError(f"{path}: holds no features of format 1")
        data = tables.Data.model_validate(found.about["data"])
        settings = Features.model_validate(found.about["features"])
        facts = TypeAdapter(dict[str, Any]).validate_python(found.about["facts"])
        classes = tuple(TypeAdapter(list[str]).validate_python(facts["classes"]))
        name = TypeAdapter(str).validate_python(facts["name"])
        weights = TypeAdapter(str).validate_python(found.about["weights"])
    except (KeyError, TypeError, ValidationError) as error:
        reason = " ".join(repr(error).split())[:120]
        raise DataError(f"{path}: does not say what it holds ({reason})") from None
    if "train" not in found.parts:
        raise DataError(f"{path}: has no part train")
    parts = {p: FeatureRows(path, p, name, classes) for p in PART_NAMES if p in found.parts}
    return FeatureFile(data, settings, weights, Splits.of(parts))


def matrix(part: Dataset) -> Rows:
    """The features (n, d) of a part of a file, or of some rows of one."""
    if isinstance(part, Subset):
        return matrix(part.whole)[part.rows]
    assert isinstance(part, FeatureRows)
    return part.rows
