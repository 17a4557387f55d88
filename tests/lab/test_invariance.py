"""The topic invariance: upright learners lose turned digits, those that saw turns do not."""

import numpy as np

from sightline.lab.invariance import accuracies, digits, learned
from sightline.scratch.affine import moved, turned


def test_who_saw_all_angles_keeps_them_and_who_did_not_loses_them() -> None:
    (X, y), (Z, truth) = digits(0)
    assert X.shape[1:] == (8, 8) and X.max() == 1 and len(X) + len(Z) == 1797
    guesses = learned(X, y, 180, 4, 3, 0)  # four epochs: two seconds
    moves = {float(angle): moved(Z, turned(angle)) for angle in (0, 90, 180)}
    near, upright, many, _ = accuracies(guesses, moves, truth).values()
    assert near[0] > 0.97 and upright[0] > 0.85
    assert near[90] < 0.35 and upright[90] < 0.35
    assert min(many.values()) > 0.55
    sixes = guesses["network"](moved(Z[truth == 6], turned(180)))
    assert np.mean(sixes == 9) > 0.5  # a six upside down is a nine
