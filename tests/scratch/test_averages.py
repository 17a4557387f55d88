import numpy as np
import pytest

from sightline.scratch.averages import samples_averaged, weighted_averages


def test_averages_by_hand() -> None:
    x = np.array([10.0, 20.0, 30.0])
    np.testing.assert_allclose(weighted_averages(x, 0.5, corrected=False), [5, 12.5, 21.25])
    np.testing.assert_allclose(weighted_averages(x, 0.5), [10, 12.5 / 0.75, 21.25 / 0.875])


def test_a_constant_stays_itself_only_when_corrected() -> None:
    x = np.full((40, 2), 7.0)
    np.testing.assert_allclose(weighted_averages(x, 0.98), 7)
    assert (weighted_averages(x, 0.98, corrected=False) < 7).all()


def test_the_corrected_average_is_numpys_weighted_mean() -> None:
    x = np.random.default_rng(0).normal(size=30)
    expected = np.average(x, weights=0.9 ** np.arange(29, -1, -1))
    assert weighted_averages(x, 0.9)[-1] == pytest.approx(expected)


def test_beta_09_averages_about_ten_samples_and_1_is_refused() -> None:
    assert samples_averaged(0.9) == pytest.approx(10)
    assert abs(0.9**10 - 1 / np.e) < 0.02
    with pytest.raises(ValueError, match="beta is 1"):
        weighted_averages(np.ones(3), 1.0)
