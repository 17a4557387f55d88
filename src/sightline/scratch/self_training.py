"""Self-training: a learner labels what it is sure of, and learns again from that as well.

Scudder, 1965; Starter book, chapter 4 (semi-supervised learning). Round by round:

    learn from the labeled rows; of the others, those answered with a probability of at least
    `threshold` take the answer as their label; end when no row is added

What it shows: it can only go on in the direction it has begun. Sure and wrong answers stay.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np


class Learner(Protocol):
    """Any learner that says how sure it is."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> object:
        """Learn from (n, features) rows and (n,) labels."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, features) to (n, classes) probabilities."""


Kind = TypeVar("Kind", bound=Learner)


def self_trained(
    make: Callable[[], Kind],
    X: np.ndarray,
    labels: np.ndarray,
    threshold: float = 0.9,
    rounds: int = 10,
) -> tuple[Kind, np.ndarray]:
    """A learner, and the labels (n,) it learned from in the end, -1 where it was never sure.

    make    gives a new learner, once a round and once more
    labels  (n,) with -1 where unknown; every class is among the known
    """
    known = labels.copy()
    if labels.shape != (len(X),) or labels.max(initial=-1) < 0:
        raise ValueError(f"labels are {labels.shape}; expected ({len(X)},), some of them 0 or more")
    learner = make()
    learner.fit(X[known >= 0], known[known >= 0])
    for _ in range(rounds):
        unknown = np.flatnonzero(known < 0)
        if len(unknown) == 0:
            break
        chances = learner.predict_proba(X[unknown])
        sure = chances.max(axis=1) >= threshold
        if not sure.any():
            break
        known[unknown[sure]] = chances[sure].argmax(axis=1)
        learner = make()
        learner.fit(X[known >= 0], known[known >= 0])
    return learner, known
