"""Landscapes: the curve's slope, directions as long as the weights, and losses at known places."""

import numpy as np
import pytest

from sightline.lab.landscape import (
    SHARES,
    Ground,
    along_line,
    around,
    curve,
    descents,
    direction,
    grounded,
    loss,
    right,
    slope,
)
from sightline.scratch.layered import LayeredNetwork


@pytest.fixture(scope="module")
def ground() -> Ground:
    return grounded(6, 3, 0)


def test_the_slope_is_the_curves_and_every_start_ends_where_it_is_flat() -> None:
    x = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(slope(x), (curve(x + 1e-6) - curve(x - 1e-6)) / 2e-6, atol=1e-8)
    ends, tracks = descents(6, 0.05)
    assert np.abs(slope(ends)).max() < 1e-6
    assert len({round(float(end), 3) for end in ends}) == 4
    assert all((np.diff(curve(track)) < 1e-12).all() for track in tracks)


def test_the_ground_is_the_networks_own_loss_and_score(ground: Ground) -> None:
    network = LayeredNetwork((6, 6), rate=0.005, epochs=3, seed=0)
    network.fit(ground.X[:1347], ground.y[:1347])
    assert right(ground, ground.first) == network.score(ground.X[1347:], ground.y[1347:])
    p = network.predict_proba(ground.X[:1347])[np.arange(1347), ground.y[:1347]]
    assert loss(ground, ground.first) == pytest.approx(float(-np.log(p).mean()))


def test_a_direction_has_each_units_length_and_leaves_biases(ground: Ground) -> None:
    drawn = direction(ground.first, np.random.default_rng(0))
    for name, W in ground.first.items():
        if W.ndim == 2:
            norms = np.linalg.norm(drawn[name], axis=0), np.linalg.norm(W, axis=0)
            np.testing.assert_allclose(*norms)
        else:
            assert not drawn[name].any()


def test_the_planes_middle_and_the_lines_ends_are_the_networks(ground: Ground) -> None:
    plane, _ = around(ground, np.array([-0.5, 0.0, 0.5]), 1)
    assert plane[1, 1] == loss(ground, ground.first) and plane.argmin() == 4
    line = along_line(ground)
    at = [int(np.abs(SHARES - t).argmin()) for t in (0, 1)]
    assert line[at[0]] == pytest.approx(loss(ground, ground.first))
    assert line[at[1]] == pytest.approx(loss(ground, ground.second))
