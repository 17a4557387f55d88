"""The notation of the Starter book, chapter 11.3: a network as one line.

    INPUT => [[CONV32 => RELU => BN]*2 => POOL => DO.25]*2 => FC512 => RELU => BN => DO.5 => FC

    pattern = "INPUT", "=>", items
    items   = item, {"=>", item}
    item    = word | "[", items, "]", ["*", number]

A word is a layer with what belongs to it, parted by commas; capitals or not makes no difference:

    CONV32,5x5,s2,p0   32 filters of 5x5, stride 2, no padding. Without: 3x3, stride 1, padding that
                       keeps the size; 32 filters, twice as many after each halving, at most 512
    POOL3x3,s2,p1      maximum in windows of 3x3 at stride 2, padded by 1. Without: 2x2, as far
                       apart as they are wide, no padding. AVGPOOL is the mean
    GAP                the mean of each channel
    FC512              512 units, as without a number; the last FC gives the outputs asked for
    BN                 batch norm
    RELU               and LEAKY, ELU, TANH, SIGMOID: activations
    DO.25              dropout of a quarter (without: .5 after FC, .25 elsewhere)
    SOFTMAX            the end. Where no FC stands before it, it brings the one that gives the
                       outputs; the softmax itself is the task's
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from sightline.errors import RecipeError

WORDS = (
    "INPUT", "CONV", "POOL", "AVGPOOL", "GAP", "FC", "BN", "RELU", "LEAKY", "ELU", "TANH",
    "SIGMOID", "DO", "SOFTMAX",
)  # fmt: skip
OPTIONS = {"CONV": "nksp", "POOL": "ksp", "AVGPOOL": "ksp", "FC": "n", "DO": "f"}
EXAMPLES = {
    "CONV": "CONV32,5x5,s2,p0",
    "POOL": "POOL3x3,s2,p1",
    "AVGPOOL": "AVGPOOL3x3,s2",
    "FC": "FC512",
    "DO": "DO.25",
}
MOST = 1000  # layers of a pattern, once its repeats are written out
DEEPEST = 20  # brackets in brackets
LARGEST = 65_536  # of any number
WINDOW = 72  # columns of the pattern that an error shows
TOKEN = re.compile(r"\s*(=>|\[|\]|\*\s*[^\s\[\]=*]*|[^\s\[\]=*]+|.)")


@dataclass(frozen=True)
class Word:
    """A layer as it was written: its name, its numbers by letter (n filters or units, k kernel,
    s stride, p padding, f share), and where it stands in `pattern`."""

    name: str
    text: str
    pattern: str
    at: int
    numbers: dict[str, float] = field(default_factory=dict)

    def error(self, message: str) -> RecipeError:
        """An error that shows the pattern with this word marked."""
        return error_at(self.pattern, self.at, len(self.text), message)


def error_at(pattern: str, at: int, length: int, message: str) -> RecipeError:
    """The message, and below it the pattern with a caret under each letter at fault."""
    begin = max(0, min(at - WINDOW // 3, len(pattern) - WINDOW))
    shown = pattern[begin : begin + WINDOW]
    head = "…" if begin else ""
    tail = "…" if begin + WINDOW < len(pattern) else ""
    mark = " " * (at - begin + len(head)) + "^" * max(1, min(length, WINDOW - (at - begin)))
    return RecipeError(f"pattern: {message}\n  {head}{shown}{tail}\n  {mark}")


def parse(pattern: str) -> list[Word]:
    """The words after INPUT, repeats written out. Raises RecipeError at the first that is wrong."""
    pattern = " ".join(pattern.split())
    tokens = [(m.group(1).rstrip(), m.start(1)) for m in TOKEN.finditer(pattern)]
    if not tokens:
        raise RecipeError("pattern: empty; as in INPUT => CONV32 => RELU => POOL => FC")
    reader = _Reader(pattern, tokens)
    words = reader.items(0)
    if reader.token() is not None:
        raise reader.error("there is no [ for this ]")
    first, *rest = words
    if first.name != "INPUT":
        raise first.error("a pattern begins with INPUT")
    for word in rest:
        if word.name == "INPUT":
            raise word.error("INPUT is the beginning, and only there")
    if not rest:
        raise first.error("nothing follows; the shortest network is INPUT => FC")
    return rest


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, pattern: str, tokens: list[tuple[str, int]]) -> None:
        self.pattern, self.tokens, self.next = pattern, tokens, 0

    def token(self) -> str | None:
        """What comes next; None behind the last."""
        return self.tokens[self.next][0] if self.next < len(self.tokens) else None

    def error(self, message: str) -> RecipeError:
        """At the token that comes next, or behind the last."""
        if self.next < len(self.tokens):
            text, at = self.tokens[self.next]
            return error_at(self.pattern, at, len(text), message)
        return error_at(self.pattern, len(self.pattern), 1, message)

    def items(self, depth: int) -> list[Word]:
        words = self.item(depth)
        while self.token() not in (None, "]"):
            if self.token() != "=>":
                raise self.error("expected => here")
            self.next += 1
            words += self.item(depth)
            if len(words) > MOST:
                self.next -= 1
                raise self.error(f"more than {MOST} layers up to here")
        return words

    def item(self, depth: int) -> list[Word]:
        if self.token() == "[":
            if depth == DEEPEST:
                raise self.error(f"more than {DEEPEST} brackets in brackets")
            opened = self.next
            self.next += 1
            words = self.items(depth + 1)
            if self.token() is None:
                self.next = opened
                raise self.error("this [ is never closed")
            self.next += 1
            return words * self.times(len(words))
        if (self.token() or "=")[0] in "=]*":
            raise self.error("expected a layer here")
        word = _word(self.pattern, *self.tokens[self.next])
        self.next += 1
        if (token := self.token()) and token[0] == "*":
            raise self.error(f"put brackets around what is repeated: [{word.text}]{token}")
        return [word]

    def times(self, length: int) -> int:
        """The number behind a bracket, 1 without; no more layers than there may be."""
        token = self.token()
        if token is None or token[0] != "*":
            return 1
        digits = token[1:].strip()
        if not re.fullmatch(r"[0-9]{1,9}", digits) or int(digits) == 0:
            raise self.error("* wants a number from 1, as in [CONV32 => RELU]*2")
        if int(digits) * length > MOST:
            raise self.error(f"that makes {int(digits) * length} layers; {MOST} are the most")
        self.next += 1
        return int(digits)


def _word(pattern: str, text: str, at: int) -> Word:
    found = re.match(r"[A-Z]+", text.upper())
    name = found.group() if found else ""
    if name not in WORDS:
        raise error_at(pattern, at, len(text), f"unknown layer '{text}'; {_nearest(name)}")
    if text.endswith("?"):
        raise error_at(pattern, at, len(text), "? says that a layer may be left out: decide")
    numbers: dict[str, float] = {}
    for part in _parts(text[len(name) :]):
        letter, value = _option(part.lower())
        fits = letter in OPTIONS.get(name, "") or (name.endswith("POOL") and letter == "n")
        if not fits:
            like = f"as in {EXAMPLES[name]}" if name in EXAMPLES else f"{name} stands alone"
            raise error_at(pattern, at, len(text), f"{name} does not understand '{part}'; {like}")
        low = 0 if letter in "pf" else 1
        high = 0.99 if letter == "f" else LARGEST
        if not low <= value <= high:
            message = f"'{part}' is out of range: {low} to {high}"
            raise error_at(pattern, at, len(text), message)
        numbers["k" if letter == "n" and name.endswith("POOL") else letter] = value
    return Word(name, text, pattern, at, numbers)


def _parts(rest: str) -> Iterator[str]:
    """What follows the name, comma by comma: the first may touch it."""
    if rest:
        first, *others = rest.split(",")
        yield from ([first] if first else [])
        yield from others


def _option(part: str) -> tuple[str, float]:
    """A letter and its number; "?" where it is no option."""
    if found := re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", part):
        return ("k", float(found[1])) if found[1] == found[2] else ("?", 0.0)
    if found := re.fullmatch(r"([sp])([0-9]{1,6})", part):
        return found[1], float(found[2])
    if re.fullmatch(r"[0-9]{1,6}", part):
        return "n", float(part)
    if re.fullmatch(r"[0-9]?\.[0-9]{1,6}", part):
        return "f", float(part)
    return "?", 0.0


def _nearest(name: str) -> str:
    near = get_close_matches(name, WORDS, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(WORDS)}"
