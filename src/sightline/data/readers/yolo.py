"""YOLO: a data.yaml, and a text a picture: `class cx cy w h`, as parts of the picture's size."""

from pathlib import Path, PurePosixPath

from sightline import images
from sightline.data.readers import listing, objects, yaml
from sightline.data.split import PART_NAMES, Splits
from sightline.errors import DataError
from sightline.types import Size
from sightline.wording import some

KEYS = ("path", *PART_NAMES, "nc", "names")
YAML = (".yaml", ".yml")
NOTES = frozenset({"classes.txt", "notes.txt"})  # what labelling programs leave beside labels


def recognises(root: Path) -> bool:
    """Whether `root` is a .yaml, or holds one that lists names and train."""
    return root.suffix.lower() in YAML if root.is_file() else bool(_yamls(root))


def read(root: Path) -> Splits:
    """The parts that a data.yaml names, or the data.yaml of a folder.

    Labels lie in labels/ where the path says images/, else beside the pictures. A picture without
    a text has no objects, as YOLO has it. A sixth number is a confidence, as predictions have it,
    and passed over; a line of more is a polygon, and its extent the box. Raises DataError with file
    and line.
    """
    path = root if root.is_file() else _yaml(root)
    entries = yaml.read(path, KEYS)
    names = _names(path, entries)
    base = _base(path, entries.get("path", ""))
    name = base.resolve().name if root.is_file() else root.name
    sets = {}
    odd: list[str] = []
    for part in PART_NAMES:
        where = entries.get(part, "")
        found = [where] if isinstance(where, str) else list(where)
        pictures = [p for entry in found if entry for p in _pictures(path, base, part, entry)]
        if pictures:
            listed = [_listed(base, picture, names, odd) for picture in pictures]
            sets[part] = objects.dataset(base, listed, names, name)
    if odd:
        raise DataError(f"{odd[0]}; expected 0 to {len(names) - 1}{objects.such(len(odd))}")
    if "train" not in sets:
        raise DataError(f"{path}: no train; expected the folder of its pictures")
    return Splits.of(sets)


def _yamls(root: Path) -> list[Path]:
    """data.yaml, else every .yaml of a folder with a line that begins `names:`."""
    found = sorted(path for suffix in YAML for path in root.glob(f"*{suffix}") if path.is_file())
    named = [path for path in found if path.stem == "data"] or found
    return [path for path in named if {"names", "train"} <= _heads(path)]


def _heads(path: Path) -> set[str]:
    with path.open("rb") as file:
        text = file.read(yaml.CAP).decode("utf-8", "replace")
    return {line.partition(":")[0] for line in text.split("\n")}


def _yaml(root: Path) -> Path:
    found = _yamls(root)
    if len(found) != 1:
        said = f"several: {', '.join(p.name for p in found)}; name one" if found else "none"
        raise DataError(f"{root}: expected one data.yaml with names and train; {said}")
    return found[0]


def _names(path: Path, entries: dict[str, yaml.Value]) -> list[str]:
    """The classes in the order of their numbers."""
    value = entries.get("names", "")
    if isinstance(value, dict):
        wanted = [str(index) for index in range(len(value))]
        if sorted(value) != sorted(wanted):
            raise DataError(f"{path}: names are numbered {', '.join(value):.60}; expected 0, 1, …")
        value = [value[index] for index in wanted]
    if not isinstance(value, list) or not value or not all(value):
        raise DataError(f"{path}: no names; expected a list of classes")
    if len(set(value)) < len(value):
        raise DataError(f"{path}: a class is named twice")
    if entries.get("nc", str(len(value))) != str(len(value)):
        raise DataError(f"{path}: nc is {entries['nc']} but there are {len(value)} names")
    return value


def _base(path: Path, entry: yaml.Value) -> Path:
    """The folder that the parts are relative to; `path` as it was elsewhere is passed over."""
    base = path.parent / entry if isinstance(entry, str) else path.parent
    return base if listing.there(base) else path.parent


def _pictures(path: Path, base: Path, part: str, entry: str) -> list[str]:
    """Paths below `base` of the pictures an entry names: a folder, or a .txt that lists them."""
    tries = [base / entry, base / entry.removeprefix("../")]  # Roboflow's ../train/images is ours
    place = next((place for place in tries if listing.there(place)), None)
    if place is None:
        raise DataError(f"{path}: {part} is {entry}, which is not there")
    if place.is_dir():
        names = listing.pictures(place)
        if names:
            _refuse_orphans(place, names)
        found = [listing.below(base, place / name) for name in names]
    else:
        lines = listing.lines(place)
        found = [listing.below(base, place.parent / line) for _, line in lines]
        where = [f"{place}:{number}" for number, _ in lines]
        listing.require(base, zip(found, where, strict=True))
    if not found:
        raise DataError(f"{place}: no pictures")
    labels = (_label_path(base / picture) for picture in found)
    if not any(listing.there(label) for label in labels):
        first = _label_path(base / found[0])
        raise DataError(f"{place}: no labels for its {len(found)} pictures; expected {first}")
    return found


def _label_path(picture: Path) -> Path:
    """The last images/ of the path becomes labels/, as Ultralytics does."""
    parts = list(picture.with_suffix(".txt").parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts)


def _refuse_orphans(folder: Path, pictures: list[str]) -> None:
    """Raise DataError for labels whose picture is not there."""
    home = _label_path(folder / "x").parent
    if not home.is_dir():
        return
    known = {listing.stem(name) for name in pictures}
    texts = [name for name in listing.files(home) if PurePosixPath(name).suffix == ".txt"]
    texts = [name for name in texts if PurePosixPath(name).name not in NOTES]
    orphans = [name for name in texts if listing.stem(name) not in known]
    if orphans:
        raise DataError(f"{home}: without a picture in {folder}: {some(orphans)}")


def _listed(base: Path, picture: str, names: list[str], odd: list[str]) -> objects.Listed:
    """One picture's objects; `odd` is told of classes that have no name."""
    path = _label_path(base / picture)
    lines = listing.lines(path) if listing.there(path) else []
    size = images.size(base / picture) if lines else (0, 0)
    boxes, labels = [], []
    for number, line in lines:
        cells, place = line.split(), f"{path}:{number}"
        kind, box = _object(cells, size, place)
        if kind != int(kind) or not 0 <= kind < len(names):
            odd.append(f"{place}: class {cells[0]}")
            continue
        boxes.append(box)
        labels.append(names[int(kind)])
    return objects.Listed(picture, boxes, labels)


def _object(cells: list[str], size: Size, place: str) -> tuple[float, objects.Box]:
    """The number of its class, as it stands there, and its box."""
    if len(cells) not in (5, 6) and (len(cells) < 7 or len(cells) % 2 == 0):
        raise DataError(f"{place}: {len(cells)} numbers; expected class, center x and y, w, h")
    kind, *numbers = (
        objects.number(cell, f"{place}: number {i}") for i, cell in enumerate(cells, start=1)
    )
    if len(numbers) == 5 and not 0 <= numbers[4] <= 1:
        raise DataError(f"{place}: confidence {cells[5]}; expected 0 to 1")
    height, width = size
    if len(numbers) <= 5:
        cx, cy, w, h = numbers[:4]
        box = (
            (cx - w / 2) * width,
            (cy - h / 2) * height,
            (cx + w / 2) * width,
            (cy + h / 2) * height,
        )
    else:
        xs, ys = numbers[0::2], numbers[1::2]
        box = min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height
    return kind, box
