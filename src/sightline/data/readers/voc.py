"""Pascal VOC: an XML file an image, lists of the official parts.

VOC counts pixels from 1 and its corners lie inside the box; ours are continuous from 0:
x0 = xmin - 1, y0 = ymin - 1, x1 = xmax, y1 = ymax.
"""

import re
from pathlib import Path

from sightline.data.readers import listing, markup, objects
from sightline.data.split import PART_NAMES, Splits
from sightline.errors import DataError
from sightline.wording import some

CORNERS = ("xmin", "ymin", "xmax", "ymax")
CLASSES = "classes.txt"  # ours: the classes in their order, which VOC has no place for


def recognises(root: Path) -> bool:
    """Whether `root`, or a folder in it, holds Annotations/ and JPEGImages/."""
    return bool(_homes(root))


def read(root: Path) -> Splits:
    """The official parts by ImageSets/Main where they are, else every annotation as train.

    Parts of objects and the difficult flag are not kept; images without objects are. Raises
    DataError with file and line for what is missing or malformed.
    """
    home = _home(root)
    pictures = listing.pictures(home / "JPEGImages")
    images: dict[str, list[str]] = {}
    for name in pictures:
        images.setdefault(listing.stem(name), []).append(name)
    lists = _lists(home)
    if not lists:
        found = [name for name in listing.files(home / "Annotations") if name.endswith(".xml")]
        lists = {"train": {listing.stem(name): str(home / "Annotations") for name in found}}
        bare = [images[key][0] for key in images if key not in lists["train"]]
        if bare:
            raise DataError(f"{home / 'JPEGImages'}: without annotation: {some(bare)}")
    parts = {
        part: [_listed(home, key, place, images) for key, place in keys.items()]
        for part, keys in lists.items()
    }
    if not parts["train"]:
        raise DataError(f"{home}: no annotations to train on")
    classes = _classes(home, parts)
    return Splits.of(
        {
            part: objects.dataset(home / "JPEGImages", listed, classes, root.name)
            for part, listed in parts.items()
        }
    )


def _homes(root: Path) -> list[Path]:
    if _is_home(root):
        return [root]
    return [root / name for name in listing.folders(root) if _is_home(root / name)]


def _is_home(folder: Path) -> bool:
    return (folder / "Annotations").is_dir() and (folder / "JPEGImages").is_dir()


def _home(root: Path) -> Path:
    homes = _homes(root)
    if not homes:
        raise DataError(f"{root}: no Annotations/ beside JPEGImages/")
    if len(homes) > 1:
        names = ", ".join(path.name for path in homes)
        raise DataError(f"{root}: several sets: {names}; name one")
    return homes[0]


def _lists(home: Path) -> dict[str, dict[str, str]]:
    """Image keys of each part, and where each is listed; {} without lists."""
    folder = home / "ImageSets" / "Main"
    found: dict[str, dict[str, str]] = {}
    for part in (*PART_NAMES, "trainval"):
        path = folder / f"{part}.txt"
        if path.is_file():
            found[part] = {line: f"{path}:{number}" for number, line in listing.lines(path)}
    whole = found.pop("trainval", {})
    if whole and not found.get("train"):
        found = {"train": whole} | ({"test": found["test"]} if "test" in found else {})
    if found and not found.get("train"):
        raise DataError(f"{folder}: no train.txt or trainval.txt")
    return {part: keys for part, keys in found.items() if keys}


def _listed(home: Path, key: str, place: str, images: dict[str, list[str]]) -> objects.Listed:
    path = home / "Annotations" / f"{key}.xml"
    if not listing.there(path):
        bare = re.sub(r"\s+-?[01]$", "", key)  # "000005 1", as in the lists of one class
        path = home / "Annotations" / f"{bare}.xml"
        if bare == key or not listing.there(path):
            raise DataError(f"{place}: no annotation {home / 'Annotations' / key}.xml")
        key = bare
    annotation = markup.parse(path)
    if annotation.tag != "annotation":
        raise DataError(f"{path}:{annotation.line}: <{annotation.tag}>; expected <annotation>")
    found = list(annotation.all("object"))
    return objects.Listed(
        _image(home, path, key, annotation, images),
        [_box(path, element) for element in found],
        [_label(path, element) for element in found],
    )


def _image(
    home: Path, path: Path, key: str, annotation: markup.Element, images: dict[str, list[str]]
) -> str:
    """The picture of an annotation: that of its stem; its <filename> decides between several."""
    named = annotation.first("filename")
    filename = named.text.strip() if named else ""
    same = images.get(key, [])
    if len(same) == 1:
        return same[0]
    if filename and filename in (same or images.get(listing.stem(filename), [])):
        return filename
    if same:
        raise DataError(f"{path}: several images: {', '.join(same)}; <filename> names none")
    raise DataError(f"{path}: no image {home / 'JPEGImages' / (filename or key)}")


def _label(path: Path, element: markup.Element) -> str:
    name = element.first("name")
    label = name.text.strip() if name else ""
    if not label:
        raise DataError(f"{path}:{element.line}: an <object> without <name>")
    return label


def _box(path: Path, element: markup.Element) -> objects.Box:
    box = element.first("bndbox")
    if box is None:
        raise DataError(f"{path}:{element.line}: an <object> without <bndbox>")
    corners = []
    for tag in CORNERS:
        corner = box.first(tag)
        if corner is None:
            raise DataError(f"{path}:{box.line}: a <bndbox> without <{tag}>")
        corners.append(objects.number(corner.text.strip(), f"{path}:{corner.line}: {tag}"))
    x0, y0, x1, y1 = corners
    return x0 - 1, y0 - 1, x1, y1


def _classes(home: Path, parts: dict[str, list[objects.Listed]]) -> list[str]:
    used = sorted({label for part in parts.values() for image in part for label in image.labels})
    path = home / CLASSES
    if not path.is_file():
        return used
    classes = [line for _, line in listing.lines(path)]
    unknown = sorted(set(used) - set(classes))
    if unknown or len(set(classes)) < len(classes):
        said = f"lacks {', '.join(unknown)}" if unknown else "names a class twice"
        raise DataError(f"{path}: {said}; the annotations' classes are {', '.join(used)}")
    return classes
