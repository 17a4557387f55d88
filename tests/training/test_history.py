"""Histories as arrays: what is missing or no number stays out of the way."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.training.history import Facts, calm, read, steadiness


def test_the_floor_of_smoothed_labels_is_torchs() -> None:
    for classes, smoothing in ((10, 0.1), (200, 0.3), (2, 0.05)):
        smoothed = torch.full((1, classes), smoothing / classes)
        smoothed[0, 0] += 1 - smoothing
        best = F.cross_entropy(smoothed.log(), torch.tensor([0]), label_smoothing=smoothing)
        assert Facts(classes=classes, smoothing=smoothing).floor == pytest.approx(best.item(), 1e-4)
    assert Facts(classes=10).floor == Facts(smoothing=0.1).floor == 0


def test_level_runs_from_the_floor_to_the_loss_of_guessing() -> None:
    facts = Facts(classes=10, smoothing=0.1)
    losses = (math.log(10), facts.floor, facts.floor / 2)
    curves = read(
        [{"epoch": i + 1, "train": {"loss": loss}} for i, loss in enumerate(losses)], facts
    )
    np.testing.assert_allclose(curves.level, [1, 0, 0], atol=1e-12)
    assert not curves.validated and np.isnan(curves.rate).all()


def test_epochs_without_a_finite_training_loss_are_left_out() -> None:
    history = [
        {"epoch": 1, "train": {"loss": 1.0}, "val": {"loss": None}, "rate": {"model": 0.1}},
        {"epoch": 2, "train": {"loss": math.nan}},
        {"epoch": 3, "train": {}},
        {"epoch": 4, "train": {"loss": "0.5"}},
        {"epoch": 5, "train": {"loss": 0.25}, "val": {"loss": 0.5, "mae": 3.0}},
    ]
    curves = read(history, Facts(goal="-mae"))
    assert curves.epoch.tolist() == [1, 5] and curves.level.tolist() == [1, 0.25]
    assert curves.goal[1] == -3 and curves.rate[0] == 0.1
    assert len(read([], Facts())) == 0


def test_single_leaps_are_calmed_and_ways_measured() -> None:
    assert calm(np.array([1.0, 9, 1, 1, 5])).tolist() == [1, 1, 1, 1, 5]
    assert calm(np.array([1.0, 9])).tolist() == [1, 9]
    assert steadiness(np.array([3.0, 2, np.nan, 1])) == 1
    assert steadiness(np.array([1.0, 2, 1, 2, 1])) == 0
    assert steadiness(np.array([1.0])) == 0
