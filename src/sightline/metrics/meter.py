"""The one interface of every meter."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from sightline.types import Annotation


class Meter(ABC):
    """Adds up counts over a set; never averages the averages of batches."""

    @abstractmethod
    def update(
        self,
        predictions: Sequence[Annotation],
        truths: Sequence[Annotation],
        indices: Sequence[int],
    ) -> None:
        """Take in some images; `indices` are theirs in the data set."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Take in what another meter of the same kind has taken in, on other images."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """The figures over all images taken in so far."""
