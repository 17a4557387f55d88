"""The estimators' formulas by hand, and what is drawn against them."""

import numpy as np
import pytest

from sightline.lab.estimators import NATURES, estimates, formulas, sample


def test_the_normals_formulas_are_the_textbooks() -> None:
    (_, mean), (bias, over_n), (none, unbiased) = formulas(NATURES["normal"], 5)
    assert (mean, bias, none) == (0.2, -0.2, 0.0)
    assert unbiased == pytest.approx(2 / 4)  # 2 s^4 / (n - 1)
    assert over_n == pytest.approx(2 * 4 / 25)  # 2 (n - 1) s^4 / n^2


@pytest.mark.parametrize("nature", NATURES)
def test_what_is_drawn_is_as_the_formulas_say(nature: str) -> None:
    known, rng = NATURES[nature], np.random.default_rng(0)
    found = estimates(sample(nature, 200_000, 4, rng))
    truths = (known.mean, known.variance, known.variance)
    for values, truth, (bias, variance) in zip(found, truths, formulas(known, 4), strict=True):
        assert values.mean() - truth == pytest.approx(bias, abs=0.01)
        assert values.var() == pytest.approx(variance, rel=0.05)
