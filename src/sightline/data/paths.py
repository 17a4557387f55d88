"""Many paths in little memory."""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
class Paths:
    """Paths below one root, as one run of bytes: a million of them in tens of megabytes.

    Rows chosen by `take` share the bytes.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self.root = root
        text, ends = bytearray(), array("q")
        for name in names:
            text += name.encode("utf-8", "surrogateescape")
            ends.append(len(text))
        self._text = bytes(text)
        self._ends = np.array(ends, np.int64)
        self._starts = np.concatenate([np.zeros(1, np.int64), self._ends[:-1]])[: len(self._ends)]

    def __len__(self) -> int:
        return len(self._ends)

    def name(self, index: int) -> str:
        """Relative to the root."""
        text = self._text[self._starts[index] : self._ends[index]]
        return text.decode("utf-8", "surrogateescape")

    def at(self, index: int) -> Path:
        return self.root / self.name(index)

    def take(self, indices: NDArray[np.int64]) -> "Paths":
        chosen = Paths(self.root, ())
        chosen._text = self._text
        chosen._starts, chosen._ends = self._starts[indices], self._ends[indices]
        return chosen
