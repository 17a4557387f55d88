"""Penalties on the weights of softmax regression."""

from pathlib import Path

import numpy as np
import pytest

from sightline.errors import DataError
from sightline.lab.regularization import SETTINGS, STRENGTHS, digits, learned, run, swept, zeros
from sightline.scratch.penalties import l1, l2

PARTS = digits(200, 5)
MODELS = {
    name: learned(name, SETTINGS["digits"], PARTS, 0) for name in ("none", "l1", "l2")
}  # fmt: skip


def test_l1_sets_weights_to_0_and_l2_only_makes_them_smaller() -> None:
    blank = np.mean((PARTS.train[0] == 0).all(axis=0))
    assert zeros(MODELS["none"]) == zeros(MODELS["l2"]) == pytest.approx(blank)
    assert zeros(MODELS["l1"]) > 0.5
    assert l1(MODELS["l1"].weights_) < l1(MODELS["none"].weights_)
    assert l2(MODELS["l2"].weights_) < l2(MODELS["none"].weights_)


def test_too_strong_a_penalty_leaves_nothing_to_learn_with() -> None:
    for rows in swept(SETTINGS["digits"], PARTS, 0).values():
        assert len(rows) == len(STRENGTHS)
        assert rows[-1][0] < rows[0][0] - 0.1 and rows[-1][1] < rows[0][1] - 0.1


def test_the_books_experiment_says_where_its_animals_should_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    with pytest.raises(DataError, match="animals is in none of"):
        run(data="animals")
