"""How much each of several models should count in their mean."""

import numpy as np
from numpy.typing import NDArray

from sightline.metrics.calibration import TINY

STEPS, NEAR = 20_000, 1e-9  # of the iteration; how far its likelihood may be from the best
LEAST = 1e-4  # a weight below this is none


def mixture_weights(of_truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """(m,) weights, 0 or more and of sum 1, of the greatest likelihood.

    of_truth  (n, m) the probability that each of m models gives to each of n truths

    Expectation maximization with fixed components (Dempster, Laird and Rubin 1977). The mean log
    likelihood is concave, and by that it is within ln(max gain) of its greatest value.
    """
    shares = np.maximum(np.asarray(of_truth, np.float64), TINY)
    weights = np.full(shares.shape[1], 1 / shares.shape[1])
    for _ in range(STEPS):
        gain = (shares / (shares @ weights)[:, None]).mean(0)
        if gain.max() < 1 + NEAR:
            break
        weights *= gain
    weights[weights < LEAST] = 0
    found: NDArray[np.float64] = weights / weights.sum()
    return found
