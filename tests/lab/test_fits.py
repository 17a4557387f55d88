"""Curves of fits: measured where they say, and read rightly."""

import numpy as np
import pytest

from sightline.lab.fits import learned, verdict
from sightline.lab.material import moons
from sightline.scratch.layered import LayeredNetwork
from sightline.scratch.losses import cross_entropy


def test_the_last_losses_are_those_of_the_network_after_training() -> None:
    train, val = moons(30, 0.3, 0), moons(40, 0.3, 1)
    network = LayeredNetwork((4,), epochs=3, l2=0.1)
    losses = learned(network, train, val)
    assert [len(curve) for curve in losses] == [3, 3]
    for curve, (X, y) in zip(losses, (train, val), strict=True):
        scores = np.log(network.predict_proba(X))
        assert curve[-1] == pytest.approx(cross_entropy(scores, y).mean())


def test_curves_are_read_as_bias_variance_or_neither() -> None:
    assert verdict([0.5, 0.4], [0.5, 0.41], 0.15, 0.16).endswith("both are high and alike: bias.")
    assert verdict([0.5, 0.01], [0.3, 0.9], 0.01, 0.11).endswith(": variance.")
    assert "near its least" in verdict([0.2, 0.02], [0.2, 0.03], 0.005, 0.01)
