"""Shares of a cube by hand and by counting points."""

import numpy as np
import pytest

from sightline.lab.dimensions import nearness, needed, shell


def test_shares_of_the_shell_are_as_worked_by_hand() -> None:
    assert shell(1, 0.05) == pytest.approx(0.1)
    assert shell(2, 0.05) == pytest.approx(0.19)
    assert shell(3, 0.1) == pytest.approx(0.488)


def test_shares_of_the_shell_are_those_of_counted_points() -> None:
    points = np.random.default_rng(0).random((100_000, 10))
    near = (np.minimum(points, 1 - points).min(axis=1) < 0.05).mean()
    assert shell(10, 0.05) == pytest.approx(near, abs=0.01)


def test_distances_grow_alike_with_dimensions() -> None:
    rng = np.random.default_rng(0)
    assert nearness(2, 200, 20, rng) < 0.1
    assert 0.7 < nearness(500, 200, 20, rng) < 1


def test_points_needed_stay_short() -> None:
    assert [needed(10, 3), needed(10, 100), needed(2, 10)] == ["1,000", "10^100", "1,024"]
