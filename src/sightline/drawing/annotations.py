"""What is said about a picture, drawn on it: boxes, masks, landmarks, and words below it.

Truths and predictions are drawn alike. A class has one color everywhere, `color(index)`; every line
has a dark seam and every word a ground of its own, so that both can be read on any picture.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL
from PIL import ImageDraw

from sightline import images
from sightline.drawing.colors import RGB, color, ink_on
from sightline.drawing.lettering import font, length, printable, shortened
from sightline.types import Annotation, Image, Size

INK, PAPER = (250, 250, 250), (24, 24, 27)  # of bands
SEAM = (16, 16, 18)
TINT = 0.33  # of a mask's color over the picture
SMALL = 96  # pixels of the longer side: up to here a picture's pixels are worth seeing
LEAST = 224  # pixels: narrower pictures are enlarged before anything is written below them
FREE = "background"  # a class of masks that is left as it is
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom


def fitted_size(size: Size, limit: Size) -> Size:
    """How large a picture of `size` is inside `limit`: as large as it can be, but small ones a
    whole factor larger, so that their pixels stay squares."""
    factor = min(limit[0] / size[0], limit[1] / size[1])
    if factor >= 1 and max(size) <= SMALL:
        factor = int(factor)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def resized(image: Image, size: Size) -> Image:
    """Enlarged by whole factors with its pixels as squares, else smoothly."""
    height, width = image.shape[:2]
    if size[0] % height == 0 and size[1] % width == 0:
        return image.repeat(size[0] // height, 0).repeat(size[1] // width, 1)
    return images.resize(image, size)


def overlaid(
    image: Image,
    annotation: Annotation,
    classes: Sequence[str],
    size: Size | None = None,
    tags: bool = True,
) -> Image:
    """The picture in color with masks, instances, boxes and landmarks on it.

    size  to draw at, the picture's own where not given: lines are as thin on a small one
    tags  whether boxes carry their class and confidence
    """
    height, width = image.shape[:2]
    size = size or (height, width)
    pixels = resized(images.to_channels(image, 3), size)
    if annotation.mask is not None:
        pixels = _tinted(pixels, annotation.mask, classes)
    colors = _object_colors(annotation, classes)
    for instance, tone in zip(annotation.instances or (), colors, strict=False):
        pixels = _filled(pixels, _nearest(instance.mask(), size), tone)
    sheet = PIL.fromarray(np.ascontiguousarray(pixels))
    scale = np.array([size[1] / width, size[0] / height])
    if annotation.boxes is not None:
        corners = annotation.boxes.reshape(-1, 2, 2) * scale
        _draw_boxes(sheet, corners.reshape(-1, 4), colors)
        if tags and annotation.classes is not None:
            _draw_tags(sheet, corners.reshape(-1, 4), colors, _names(annotation, classes))
    if annotation.landmarks is not None:
        _draw_points(sheet, annotation.landmarks * scale)
    return np.asarray(sheet).copy()


def _object_colors(annotation: Annotation, classes: Sequence[str]) -> list[RGB]:
    """By class; instances of a set's only class are told apart instead."""
    if annotation.boxes is None:
        return []
    kinds = annotation.classes
    alone = kinds is None or len([name for name in classes if name != FREE]) < 2
    if alone and annotation.instances is not None:
        return [color(i) for i in range(len(annotation.boxes))]
    return [color(int(k)) for k in (np.zeros(len(annotation.boxes)) if kinds is None else kinds)]


def _names(annotation: Annotation, classes: Sequence[str]) -> list[str]:
    assert annotation.classes is not None
    names = [classes[i] for i in annotation.classes]
    if annotation.confidence is None:
        return names
    shares = annotation.confidence
    return [f"{name} {100 * share:.0f} %" for name, share in zip(names, shares, strict=True)]


def _nearest(mask: NDArray, size: Size) -> NDArray:
    """(h, w) at another size, each pixel the one that its middle falls into."""
    rows = ((np.arange(size[0]) + 0.5) * mask.shape[0] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * mask.shape[1] / size[1]).astype(int)
    return mask[rows[:, None], columns]


def _edges(mask: NDArray) -> NDArray[np.bool_]:
    """Pixels that have a neighbor of another value, above, below or beside."""
    edges = np.zeros(mask.shape, bool)
    down, across = mask[:-1] != mask[1:], mask[:, :-1] != mask[:, 1:]
    edges[:-1] |= down
    edges[1:] |= down
    edges[:, :-1] |= across
    edges[:, 1:] |= across
    return edges


def _tinted(pixels: Image, mask: NDArray[np.uint8], classes: Sequence[str]) -> Image:
    """Every class in its color, but the background; what is unknown (255) under grey stripes."""
    near = _nearest(mask, (pixels.shape[0], pixels.shape[1]))
    known = near < len(classes)
    free = np.array([name == FREE for name in classes] + [True] * (256 - len(classes)))
    tones = np.array([color(i) for i in range(256)], np.float32)[near]
    share = np.where(free[near], 0, TINT)[..., None]
    share[_edges(near) & known & ~free[near]] = 1
    out = pixels * (1 - share) + tones * share
    striped = (np.add.outer(np.arange(near.shape[0]), np.arange(near.shape[1])) // 4) % 2
    grey = np.where(striped, 110, 150)[..., None]
    out = np.where(known[..., None], out, 0.35 * pixels + 0.65 * grey)
    return np.rint(out).astype(np.uint8)


def _filled(pixels: Image, inside: NDArray[np.bool_], tone: RGB) -> Image:
    share = np.where(inside, TINT, 0)[..., None]
    share[_edges(inside) & inside] = 1
    return np.rint(pixels * (1 - share) + np.array(tone) * share).astype(np.uint8)


def _thickness(sheet: PIL.Image) -> int:
    return max(1, round(min(sheet.size) / 150))


def _draw_boxes(sheet: PIL.Image, corners: NDArray, colors: Sequence[RGB]) -> None:
    """Lines just around the pixels of a box, or along the picture's edge, between two seams."""
    pen, line = ImageDraw.Draw(sheet), _thickness(sheet)
    largest_first = np.argsort(-(corners[:, 2:] - corners[:, :2]).prod(1), kind="stable")
    for i in largest_first.tolist():
        left, top, right, bottom = np.rint(corners[i]).astype(int).tolist()
        if right < 0 or bottom < 0 or left > sheet.width or top > sheet.height:
            continue
        left, top = max(0, left - line), max(0, top - line)
        right = max(left, min(sheet.width, right + line) - 1)
        bottom = max(top, min(sheet.height, bottom + line) - 1)
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=SEAM, width=line + 2)
        pen.rectangle((left, top, right, bottom), outline=colors[i], width=line)


def _draw_tags(
    sheet: PIL.Image, corners: NDArray, colors: Sequence[RGB], names: Sequence[str]
) -> None:
    """A name above each box, or where else it hides no other; if nowhere, its color says it."""
    pen, line = ImageDraw.Draw(sheet), _thickness(sheet)
    size = max(10, min(sheet.size) // 30)
    taken: list[Rectangle] = []
    for i in np.argsort(-(corners[:, 2:] - corners[:, :2]).prod(1), kind="stable").tolist():
        text = shortened(names[i], sheet.width - 4, size)
        extent = round(length(text, size)) + 6, round(size * 1.45)
        box = np.rint(corners[i]).astype(int).tolist()
        free = (p for p in _places(box, extent, sheet.size, line) if not _overlaps(p, taken))
        place = next(free, None)
        if place is None:
            continue
        taken.append(place)
        pen.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), fill=colors[i])
        at = (place[0] + 3, (place[1] + place[3]) / 2)
        pen.text(at, text, font=font(size), fill=ink_on(colors[i]), anchor="lm")


def _places(
    box: Sequence[int], extent: tuple[int, int], limit: tuple[int, int], line: int
) -> list[Rectangle]:
    """Where a tag may stand, best first: above, inside at the top, below, inside at the bottom."""
    (left, top, right, bottom), (width, height) = box, extent
    places = []
    for y in (top - line - height, top, bottom + line, bottom - height):
        for wanted in (left - line, right + line - width):
            x = max(0, min(wanted, limit[0] - width))
            if 0 <= y <= limit[1] - height:
                places.append((x, y, x + width, y + height))
    return places


def _overlaps(place: Rectangle, others: Sequence[Rectangle]) -> bool:
    return any(
        place[0] < o[2] and o[0] < place[2] and place[1] < o[3] and o[1] < place[3] for o in others
    )


def _draw_points(sheet: PIL.Image, points: NDArray) -> None:
    pen, radius = ImageDraw.Draw(sheet), max(2, min(sheet.size) // 70)
    for number in np.flatnonzero(np.isfinite(points).all(1)).tolist():  # nan is not visible
        x, y = points[number].tolist()
        for grow, tone in ((radius + 2, SEAM), (radius + 1, INK), (radius, color(number))):
            pen.ellipse((x - grow, y - grow, x + grow, y + grow), fill=tone)


def astray(image: Image, truth: NDArray, guess: NDArray) -> Image:
    """The picture in color with landmarks (k, 2) as rings where they are, and as dots where they
    are said to be, a line between; nan is not drawn."""
    sheet = PIL.fromarray(images.to_channels(image, 3))
    pen, radius = ImageDraw.Draw(sheet), max(4, min(sheet.size) // 40)
    seen = np.flatnonzero(np.isfinite(truth).all(1) & np.isfinite(guess).all(1)).tolist()
    for number in seen:
        line = [*truth[number].tolist(), *guess[number].tolist()]
        pen.line(line, fill=SEAM, width=4)
        pen.line(line, fill=color(number), width=2)
    for number in seen:
        for (x, y), spread, fill in (
            (truth[number], radius + 1, None),
            (guess[number], radius - 1, color(number)),
        ):
            for grow, tone in ((spread + 1, SEAM), (spread, color(number))):
                place = (x - grow, y - grow, x + grow, y + grow)
                pen.ellipse(place, fill=fill, outline=tone, width=3 if tone == SEAM else 2)
    return np.asarray(sheet).copy()


def beside(left: Image, right: Image, gap: int = 4) -> Image:
    """Two pictures in color side by side, the second as high as the first."""
    height = left.shape[0]
    width = max(1, round(right.shape[1] * height / right.shape[0]))
    pair = [images.to_channels(left, 3), resized(images.to_channels(right, 3), (height, width))]
    return np.concatenate([pair[0], np.full((height, gap, 3), PAPER, np.uint8), pair[1]], 1)


def words(annotation: Annotation, classes: Sequence[str]) -> str:
    """What is said of the whole picture: "cat", "cat 97.1 %", "sunny, indoor?", "age 31"; or ""."""
    if annotation.label is not None:
        score = annotation.score
        return classes[annotation.label] + ("" if score is None else f" {100 * score:.1f} %")
    if annotation.labels is not None:
        sure = [classes[i] for i in np.flatnonzero(annotation.labels == 1).tolist()]
        unknown = [f"{classes[i]}?" for i in np.flatnonzero(annotation.labels == -1).tolist()]
        return ", ".join(sure + unknown) or "none"
    if annotation.scores is not None:
        order = np.argsort(-annotation.scores, kind="stable")[:3].tolist()
        some = [i for i in order if annotation.scores[i] >= 0.005]
        return " + ".join(f"{classes[i]} {100 * annotation.scores[i]:.0f} %" for i in some)
    if annotation.values is not None:
        pairs = zip(classes, annotation.values, strict=True)
        return "  ".join(f"{name} {value:.5g}" for name, value in pairs)
    return ""


def met(annotation: Annotation, classes: Sequence[str]) -> list[int]:
    """The classes that boxes, masks and landmarks show in color, in order: what a legend must
    explain."""
    found: set[int] = set()
    others = (annotation.boxes, annotation.label, annotation.labels)
    if annotation.landmarks is not None and all(other is None for other in others):
        found |= set(np.flatnonzero(np.isfinite(annotation.landmarks).all(1)).tolist())
    if annotation.classes is not None and annotation.boxes is not None:
        found |= set(annotation.classes.tolist())
    if annotation.mask is not None:
        found |= set(np.unique(annotation.mask).tolist())
    return sorted(i for i in found if i < len(classes) and classes[i] != FREE)


def annotated(
    image: Image, annotation: Annotation, classes: Sequence[str], caption: str | None = None
) -> Image:
    """The picture with all that is said about it: places on it, a target image beside it, words
    and a legend below it.

    caption  what the words below are, of one line or more, where not `words`

    Pictures under 224 pixels are enlarged by a whole factor, up to 4,096 high.
    """
    factor = _enlargement(image)
    size = (image.shape[0] * factor, image.shape[1] * factor)
    sheet = overlaid(image, annotation, classes, size)
    if annotation.image is not None:
        sheet = beside(sheet, annotation.image)
    text = words(annotation, classes) if caption is None else caption
    sheet = captioned(sheet, text) if text else sheet
    shown = met(annotation, classes)
    if not shown:
        return sheet
    key = legend([(classes[i], color(i)) for i in shown], sheet.shape[1], INK, PAPER)
    return np.concatenate([sheet, key])


def _enlargement(image: Image) -> int:
    height, width = image.shape[:2]
    factor = -(-LEAST // width)
    return factor if height * factor <= 4096 else 1


def captioned(image: Image, text: str) -> Image:
    """The image in color, at least 224 pixels wide, with text, of one line or more, on a band below
    it."""
    lines = [printable(line) for line in text.split("\n")]
    pixels, factor = images.to_channels(image, 3), _enlargement(image)
    pixels = pixels.repeat(factor, 0).repeat(factor, 1)
    height, width = pixels.shape[:2]
    size = max(14, width // 22)
    while size > 9 and max(length(line, size) for line in lines) > width - size:
        size -= 1
    band, step = int(size * 1.9), int(size * 1.4)
    sheet = PIL.new("RGB", (width, height + band + step * (len(lines) - 1)), PAPER)
    sheet.paste(PIL.fromarray(pixels), (0, 0))
    pen = ImageDraw.Draw(sheet)
    for down, line in enumerate(lines):
        place = size // 2, height + band // 2 + step * down
        pen.text(place, shortened(line, width - size, size), font=font(size), fill=INK, anchor="lm")
    return np.asarray(sheet).copy()


def legend(key: Sequence[tuple[str, RGB]], width: int, ink: RGB, paper: RGB) -> Image:
    """A band `width` pixels wide: a patch of color and its name each, in lines as needed."""
    size = max(12, min(15, width // 40))
    step = round(size * 1.7)
    places, x, y = [], size // 2, 0
    for name, tone in key:
        text = shortened(name, width - 3 * size, size)
        needed = round(size * 2.4 + length(text, size))
        if x + needed > width and x > size // 2:
            x, y = size // 2, y + step
        places.append((x, y, text, tone))
        x += needed
    sheet = PIL.new("RGB", (width, y + step + size // 2), paper)
    pen = ImageDraw.Draw(sheet)
    for left, top, text, tone in places:
        middle = top + (step + size // 2) // 2
        patch = (left, middle - size // 2, left + size - 1, middle + size // 2)
        pen.rectangle(patch, fill=tone, outline=SEAM)
        pen.text((left + 1.4 * size, middle), text, font=font(size), fill=ink, anchor="lm")
    return np.asarray(sheet).copy()
