"""Initialization: the book's variances, and what becomes of activations."""

import numpy as np
import pytest

from sightline.lab.initialization import SCHEMES, stuck, through, units_apart, variances


def test_the_table_has_the_books_limits_and_deviations_for_64_in_and_32_out() -> None:
    rows = {row[0]: row for row in variances(64, 32, 0).rows}
    assert [rows[f"{s} uniform"][1] for s in ("lecun", "glorot", "he")] == [
        "0.21651", "0.25000", "0.30619",
    ]  # fmt: skip
    assert [rows[f"{s} normal"][2] for s in ("lecun", "glorot", "he")] == [
        "0.12500", "0.14434", "0.17678",
    ]  # fmt: skip
    for _, _, sigma, _, drawn in rows.values():
        assert float(drawn) == pytest.approx(float(sigma), rel=0.05)


def test_he_keeps_relus_mean_square_and_small_weights_lose_it() -> None:
    he = through("relu", SCHEMES["He"], 6, 256, 0)
    assert 0.5 < np.mean(he[-1] ** 2) / np.mean(he[0] ** 2) < 2
    small = through("relu", SCHEMES["normal .01"], 6, 256, 0)
    assert np.mean(small[-1] ** 2) < 1e-8 * np.mean(small[0] ** 2)


def test_constant_weights_make_all_units_one_and_large_ones_stick() -> None:
    assert units_apart(through("tanh", SCHEMES["constant 0.05"], 1, 32, 0)[0]) == 1
    assert units_apart(through("tanh", SCHEMES["He"], 1, 32, 0)[0]) == 32
    assert stuck("tanh", through("tanh", SCHEMES["normal 1"], 3, 256, 0)[-1]) > 0.7
    assert stuck("tanh", np.array([-1.0, 0.0, 0.5, 0.995])) == 0.5
    assert stuck("relu", np.array([0.0, 2.0])) == 0.5
