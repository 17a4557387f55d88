"""The few shapes of YAML that a YOLO data.yaml has; every scalar stays text (`no` is a name).

key: text          names: [a, 'b', "c"]      names:          names:
                   names: {0: a, 1: b}         - a             0: a
                                               - b             1: b
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from sightline.data.readers import listing
from sightline.errors import DataError

Value = str | list[str] | dict[str, str]
Line = tuple[int, int, str]  # number, indent, text

CAP = 2**20  # bytes
QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'"""
AT_START = rf"(?:^|(?<=[\s\[{{,:]))(?:{QUOTED})"  # elsewhere a quote is an apostrophe
COMMENT = re.compile(rf"({AT_START})|(?:^|\s)#.*")
KEY = rf"(?:{QUOTED}|[^'\"\s,:](?:[^,:]*[^\s,:])?)"  # no blank is tried twice
PAIR = re.compile(rf"({KEY})\s*:(?:\s+(.*))?")
ITEM = re.compile(rf"\s*((?:{KEY}\s*:\s+)?(?:{QUOTED})?[^,]*)(?:,|$)")


def read(path: Path, keys: Iterable[str]) -> dict[str, Value]:
    """The values of these top keys, as far as they are there; all else is passed over."""
    wanted = frozenset(keys)
    found: dict[str, Value] = {}
    lines = _lines(path)
    while lines:
        number, indent, text = lines.pop()
        place = f"{path}:{number}"
        match = PAIR.fullmatch(text)
        if indent or match is None:
            raise DataError(f"{place}: {text!r:.40}; expected 'key: value'")
        value, key = match[2] or "", _scalar(match[1], place)
        block: list[Line] = []
        flow = value.startswith(("[", "{"))
        depth = _depth(value) if flow else 0
        while lines and (depth > 0 or lines[-1][1] > 0 or lines[-1][2].startswith("- ")):
            block.append(lines.pop())
            depth += _depth(block[-1][2]) if flow else 0
        if flow:
            value = " ".join([value, *(line for _, _, line in block)])
        if key in found:
            raise DataError(f"{place}: {key} is there already")
        if key in wanted:
            found[key] = _value(value, block, place, path)
    return found


def _lines(path: Path) -> list[Line]:
    """Last line first, without comments and blank lines."""
    lines = []
    for number, raw in enumerate(listing.text(path, CAP).split("\n"), start=1):
        line = COMMENT.sub(r"\1", raw).rstrip()
        text = line.lstrip()
        if text and not text.startswith(("---", "...", "%")):
            lines.append((number, len(line) - len(text), text))
    return lines[::-1]


def _depth(text: str) -> int:
    """Brackets that are opened in a text and not closed in it."""
    bare = re.sub(AT_START, "", text)
    return sum((mark in "[{") - (mark in "]}") for mark in bare)


def _value(text: str, block: list[Line], place: str, path: Path) -> Value:
    if text.startswith(("[", "{")):
        return _flow(text, place)
    if text or not block:
        if block:
            raise DataError(f"{path}:{block[0][0]}: a value of several lines")
        return _scalar(text, place)
    indents = {indent for _, indent, _ in block}
    if len(indents) > 1:
        raise DataError(f"{place}: lines of differing indent; expected one a name")
    if block[0][2].startswith("- "):
        for number, _, line in block:
            if not line.startswith("- "):
                raise DataError(f"{path}:{number}: {line!r:.40}; expected '- value'")
        return [_scalar(line[2:], f"{path}:{number}") for number, _, line in block]
    return _pairs([(line, f"{path}:{number}") for number, _, line in block])


def _flow(text: str, place: str) -> Value:
    opening, closing = text[0], {"[": "]", "{": "}"}[text[0]]
    if _depth(text) or not text.endswith(closing):
        raise DataError(f"{place}: {opening} without {closing}")
    inner = text[1:-1].strip().removesuffix(",")
    items = [match[1].strip() for match in ITEM.finditer(inner)] if inner else []
    items = items[:-1] if items and not items[-1] else items  # the empty match at the end
    if opening == "[":
        return [_scalar(item, place) for item in items]
    return _pairs([(item, place) for item in items])


def _pairs(items: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text, place in items:
        match = PAIR.fullmatch(text)
        if match is None:
            raise DataError(f"{place}: {text!r:.40}; expected 'key: value'")
        key = _scalar(match[1], place)
        if key in found:
            raise DataError(f"{place}: {key} is there already")
        found[key] = _scalar(match[2] or "", place)
    return found


def _scalar(text: str, place: str) -> str:
    text = text.strip()
    if text.startswith(('"', "'")):
        if not re.fullmatch(QUOTED, text):
            raise DataError(f"{place}: {text!r:.40}; expected one quoted text")
        if text.startswith("'"):
            return text[1:-1].replace("''", "'")
        try:
            return str(json.loads(text))
        except ValueError:
            raise DataError(f"{place}: {text!r:.40}: an escape that is not read") from None
    if text.startswith(tuple("&*!|>%@`[{")):
        raise DataError(f"{place}: {text!r:.40}: more YAML than is read; expected plain text")
    return text
