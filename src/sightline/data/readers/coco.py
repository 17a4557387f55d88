"""COCO's instances: a JSON a part, with boxes as x, y, width and height from 0.

Masks (polygons and run lengths) are read where they are asked for, else passed over as the file is
parsed: they are most of it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sightline.data.readers import listing, objects
from sightline.data.split import Splits
from sightline.errors import DataError
from sightline.images import PIXEL_CAP
from sightline.instances import InstanceMask, of_polygons, of_runs
from sightline.types import Size
from sightline.wording import some

CAP = 2**30  # bytes; train2017's instances are 448 million
BYWORDS = frozenset({"instances", "annotations", "coco"})  # in names, beside the part's
MOST_POINTS, MOST_CROSSED = 100_000, 10_000_000  # of one object; each about a second
NEEDED = ("images", "annotations", "categories")


def recognises(root: Path) -> bool:
    """Whether `root` is a .json, or a folder with instances of COCO by their names."""
    return root.suffix.lower() == ".json" if root.is_file() else bool(_files(root))


def read(root: Path, say: Callable[[str], None] = lambda _: None, masks: bool = False) -> Splits:
    """One JSON as train, or those of a folder by part (`annotations/instances_val2017.json`).

    masks  read the mask of every object too

    Images lie beside the JSON, in an images/ folder or one called like the part. Classes are the
    categories by their id. Crowds, boxes around many, are left out; `say` is told how many.
    Raises DataError with the place in the JSON for what is missing or malformed.
    """
    found = {"train": root} if root.is_file() else _files(root)
    if "train" not in found:
        raise DataError(f"{root}: no instances_train.json in it or in its annotations/")
    whole = {part: _parsed(path, masks) for part, path in found.items()}
    classes = list(_categories(found["train"], whole["train"]).values())
    sets = {}
    for part, path in found.items():
        categories = _categories(path, whole[part])
        unknown = sorted(set(categories.values()) - set(classes))
        if unknown:
            raise DataError(f"{path}: categories that train has not: {some(unknown)}")
        images, crowds = _images(path, whole[part], categories, masks)
        if crowds:
            say(f"{path}: {crowds} crowd annotations left out")
        home = _home(path, [image.image for image in images])
        name = root.stem if root.is_file() else root.name
        sets[part] = objects.dataset(home, images, classes, name)
    return Splits.of(sets)


def ids(path: Path) -> tuple[dict[str, list[tuple[str, int | str]]], dict[str, int | str]]:
    """What a JSON calls its images and its categories.

    Of images (path in the JSON, id) by the name of the file; of categories the id by name. Raises
    DataError as `read` does.
    """
    whole = _parsed(path, masks=False)
    images: dict[str, list[tuple[str, int | str]]] = {}
    for i, item in enumerate(whole["images"]):
        place = f"{path}: images[{i}]"
        name = _file_name(item.get("file_name"), place)
        images.setdefault(PurePosixPath(name).name, []).append((name, _key(item, "id", place)))
    return images, {name: key for key, name in _categories(path, whole).items()}


def _files(root: Path) -> dict[str, Path]:
    """JSON files of `root`, its annotations/ and its parts' folders, by part; a lone one trains."""
    if not root.is_dir():
        return {}
    folders = [root, root / "annotations", *listing.parts(root).values()]
    paths = [
        path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.json"))
    ]
    found: dict[str, Path] = {}
    for path in paths:
        words = set(re.findall("train[-_]dev|[a-z]+", path.stem.lower()))
        if "annotations" in words and path.parent not in folders[:2]:
            words.add(path.parent.name.lower())  # valid/_annotations.coco.json
        said = {listing.PARTS.get(word, "") for word in words - BYWORDS}
        parts = said or {"train" if words else ""}
        if len(parts) == 1 and parts != {""}:
            part = parts.pop()
            if part in found:
                raise DataError(f"{root}: both {found[part].name} and {path.name}; name one")
            found[part] = path
    return found


def _parsed(path: Path, masks: bool) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number")

    def lean(item: dict[str, Any]) -> dict[str, Any]:
        if not masks:
            item.pop("segmentation", None)
        return item

    try:
        found = json.loads(listing.text(path, CAP), parse_constant=refuse, object_hook=lean)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(k), list) for k in NEEDED):
        raise DataError(f"{path}: expected an object with the lists {', '.join(NEEDED)}")
    for key in NEEDED:
        odd = next((i for i, item in enumerate(found[key]) if not isinstance(item, dict)), None)
        if odd is not None:
            raise DataError(f"{path}: {key}[{odd}] is no object")
    return found


def _key(item: Mapping[str, Any], name: str, place: str) -> int | str:
    """An id, which COCO has as a whole number and others as text."""
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise DataError(f"{place}.{name} is {value!r:.40}; expected a whole number")
    return value


def _categories(path: Path, whole: Mapping[str, Any]) -> dict[int | str, str]:
    """Names of the categories by id, in the order of the ids."""
    names: dict[int | str, str] = {}
    for i, item in enumerate(whole["categories"]):
        place = f"{path}: categories[{i}]"
        key, name = _key(item, "id", place), item.get("name")
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"{place}.name is {name!r:.40}; expected text")
        if key in names or name.strip() in names.values():
            raise DataError(f"{place}: {name} with id {key} is there already")
        names[key] = name.strip()
    if not names:
        raise DataError(f"{path}: no categories")
    return dict(sorted(names.items(), key=lambda pair: (isinstance(pair[0], str), pair[0])))


def _images(
    path: Path, whole: Mapping[str, Any], categories: Mapping[int | str, str], masks: bool
) -> tuple[list[objects.Listed], int]:
    images: dict[int | str, objects.Listed] = {}
    sizes: dict[int | str, Size] = {}
    for i, item in enumerate(whole["images"]):
        place = f"{path}: images[{i}]"
        key = _key(item, "id", place)
        if key in images:
            raise DataError(f"{place}: id {key} is there already")
        images[key] = objects.Listed(_file_name(item.get("file_name"), place), [], [])
        sizes[key] = _size(item, place) if masks else (0, 0)
    if not images:
        raise DataError(f"{path}: no images")
    _require_known(path, whole["annotations"], categories)
    crowds = 0
    for i, item in enumerate(whole["annotations"]):
        if item.get("iscrowd"):
            crowds += 1
            continue
        place = f"{path}: annotations[{i}]"
        image, category = _key(item, "image_id", place), _key(item, "category_id", place)
        if image not in images:
            raise DataError(f"{place}.image_id {image!r:.40} is not among the images")
        images[image].boxes.append(_box(item.get("bbox"), f"{place}.bbox"))
        images[image].labels.append(categories[category])
        if masks:
            mask = _mask(item.get("segmentation"), sizes[image], f"{place}.segmentation")
            images[image].masks.append(mask)
    return list(images.values()), crowds


def _require_known(
    path: Path, annotations: Sequence[Mapping[str, Any]], categories: Mapping[int | str, str]
) -> None:
    """Raise DataError for boxes of categories that are not listed, with how many there are."""
    keys = [
        (i, _key(item, "category_id", f"{path}: annotations[{i}]"))
        for i, item in enumerate(annotations)
        if not item.get("iscrowd")
    ]
    odd = [(i, key) for i, key in keys if key not in categories]
    if odd:
        i, key = odd[0]
        text = f"annotations[{i}].category_id {key!r:.40} is not among the categories"
        raise DataError(f"{path}: {text}{objects.such(len(odd))}")


def _file_name(value: Any, place: str) -> str:
    name = value if isinstance(value, str) else ""
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or parts[0] == "/" or "\0" in name:
        raise DataError(f"{place}.file_name is {value!r:.60}; expected a path below the images")
    return name


def _box(value: Any, place: str) -> objects.Box:
    if not isinstance(value, list) or len(value) != 4:
        raise DataError(f"{place} is {value!r:.40}; expected x, y, width, height")
    x, y, width, height = (objects.number(v, f"{place}[{i}]") for i, v in enumerate(value))
    return x, y, x + width, y + height


def _size(item: Mapping[str, Any], place: str) -> Size:
    height, width = (item.get(name) for name in ("height", "width"))
    for name, value in (("height", height), ("width", width)):
        if type(value) is not int or not 0 < value <= PIXEL_CAP:
            raise DataError(f"{place}.{name} is {value!r:.40}; masks need the image's size")
    size = int(height or 0), int(width or 0)
    if size[0] * size[1] > PIXEL_CAP:
        raise DataError(f"{place}: {size[1]}x{size[0]} pixels, over the cap of {PIXEL_CAP}")
    return size


def _mask(value: Any, size: Size, place: str) -> InstanceMask:
    """From polygons (lists of x0, y0, x1, y1, …) or from run lengths, numbers or text."""
    if isinstance(value, dict):
        counts = value.get("counts")
        if value.get("size") != list(size):
            raise DataError(f"{place}.size is {value.get('size')!r:.40}; its image {list(size)}")
        if not isinstance(counts, str) and not (
            isinstance(counts, list) and all(type(n) is int for n in counts)
        ):
            raise DataError(f"{place}.counts is {counts!r:.40}; expected run lengths")
        return of_runs(counts, size, place)
    if not isinstance(value, list) or not value:
        raise DataError(f"{place} is {value!r:.40}; expected polygons or run lengths")
    polygons = []
    for i, polygon in enumerate(value):
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise DataError(f"{place}[{i}] is {polygon!r:.40}; expected x, y of 3 points or more")
        numbers = [objects.number(v, f"{place}[{i}]") for v in polygon]
        polygons.append(np.array(numbers).reshape(-1, 2))
    _require_drawable(polygons, size, place)
    return of_polygons(polygons, size)


def _require_drawable(polygons: list[NDArray[np.float64]], size: Size, place: str) -> None:
    """Filling takes time by points and by rows that edges cross."""
    points = sum(map(len, polygons))
    rows = [np.clip(polygon[:, 1], 0, size[0]) for polygon in polygons]
    crossed = sum(float(np.abs(y - np.roll(y, 1)).sum()) for y in rows)
    if points > MOST_POINTS or crossed > MOST_CROSSED:
        raise DataError(
            f"{place}: {points} points that cross {crossed:.0f} rows; at most {MOST_POINTS} and "
            f"{MOST_CROSSED} are filled"
        )


def _home(path: Path, names: list[str]) -> Path:
    """The folder that holds the images of this JSON, by its first image."""
    part = next(iter(re.findall(r"(?:train[-_]dev|train|val|test)\d*", path.stem)), "")
    beside = [path.parent, path.parent / "images", path.parent.parent / "images"]
    beside += [path.parent.parent / part, path.parent.parent]
    for folder in beside:
        if listing.there(folder / names[0]):
            listing.require(folder, ((name, str(path)) for name in names))
            return folder
    tried = ", ".join(dict.fromkeys(str(folder) for folder in beside))
    raise DataError(f"{path}: no image {names[0]} in {tried}")
