"""XML as annotation files use it: elements, text and lines; no document types, no entities."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NoReturn, final
from xml.parsers import expat

from sightline import files
from sightline.errors import DataError

CAP = 16 * 2**20  # bytes; VOC's largest file is 20 thousand
MOST = 500_000  # elements, 120 MB; one object takes ten


@final
@dataclass(slots=True)
class Element:
    """An element, the line it starts in, the text directly inside it, and its children."""

    tag: str
    line: int
    text: str = ""
    children: "list[Element]" = field(default_factory=list)

    def all(self, tag: str) -> "Iterator[Element]":
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> "Element | None":
        return next(self.all(tag), None)


def parse(path: Path) -> Element:
    """The root element of an XML file. Raises DataError with the line of what is wrong."""
    data = files.content(path, CAP)
    parser = expat.ParserCreate()
    top = Element("", 0)
    open_elements = [top]
    numbers = count(1)

    def start(tag: str, _: dict[str, str]) -> None:
        if next(numbers) > MOST:
            raise DataError(f"{path}:{parser.CurrentLineNumber}: more than {MOST} elements")
        element = Element(tag, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def characters(text: str) -> None:
        open_elements[-1].text += text

    def refuse(*_: object) -> NoReturn:
        raise DataError(f"{path}:{parser.CurrentLineNumber}: <!DOCTYPE and entities are refused")

    parser.buffer_text, parser.buffer_size = True, 2**20  # long texts come in few pieces
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        said = expat.errors.messages.get(error.code, str(error))
        raise DataError(f"{path}:{error.lineno}: {said}") from None
    except (LookupError, ValueError) as error:  # an encoding that expat or Python does not know
        raise DataError(f"{path}: {error}") from None
    return top.children[0]
