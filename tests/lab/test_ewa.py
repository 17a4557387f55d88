"""Averages of temperatures: their weight, their delay, and the weather that is made."""

import numpy as np
import pytest

from sightline.lab.ewa import lag, share, temperatures
from sightline.scratch.averages import weighted_averages


def test_about_one_over_one_minus_beta_samples_hold_sixty_three_percent_and_more() -> None:
    assert [share(b) for b in (0.5, 0.9, 0.98)] == ["75", "65", "64"]


def test_weather_has_its_deviation_and_none_is_the_season() -> None:
    season, x = temperatures(3650, 3.5, 0)
    assert np.std(x - season) == pytest.approx(3.5, rel=0.1)
    assert np.array_equal(*temperatures(100, 0.0, 0))
    assert season.argmax() in range(15, 26) or season[20] == pytest.approx(season.max())


def test_the_lag_of_a_shifted_season_is_its_shift() -> None:
    season, _ = temperatures(400, 0.0, 0)
    late = np.concatenate([np.full(17, season[0]), season[:-17]])
    assert lag(late, season, slice(100, None)) == 17
    smooth = weighted_averages(season, 0.9)
    assert lag(smooth, season, slice(100, None)) in (8, 9)  # beta / (1 - beta) is 9
