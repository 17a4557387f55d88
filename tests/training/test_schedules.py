"""Learning rates, as functions of the step alone."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import RecipeError, UnknownName
from sightline.training.schedules import SCHEDULES, schedule

FIXED = settings(derandomize=True, deadline=None, max_examples=150)
SETTINGS = {"time": {"decay": 0.01}}


def by_epoch(name: str, epochs: int, per_epoch: int = 7, **settings: float) -> list[float]:
    """The rate of each epoch's first step; the last step's must be the same for `step`."""
    at = schedule(name, 0.01, epochs * per_epoch, per_epoch, settings)
    return [at(epoch * per_epoch) for epoch in range(epochs)]


def test_time_decay_counts_updates() -> None:
    """Starter book, 16: 50,000 images in batches of 64 are 782 updates an epoch."""
    per_epoch = math.ceil(50_000 / 64)
    assert per_epoch == 782
    at = schedule("time", 0.01, 40 * per_epoch, per_epoch, {"decay": 0.01 / 40})
    assert at(0) == 0.01
    assert at(40 * per_epoch) == pytest.approx(0.00113, abs=5e-6)
    assert at(per_epoch) == pytest.approx(0.01 / (1 + 0.00025 * 782))


@pytest.mark.parametrize(
    ("factor", "rates"),
    [
        # Starter book, 16: the first drop comes after four epochs, for 1 + epoch is divided
        (0.25, [0.01] * 4 + [0.0025] * 5 + [6.25e-4] * 5 + [1.5625e-4] * 5 + [3.90625e-5]),
        (0.5, [0.01] * 4 + [0.005] * 5 + [0.0025] * 5 + [0.00125] * 5 + [0.000625]),
    ],
)
def test_steps_are_the_books(factor: float, rates: list[float]) -> None:
    assert by_epoch("step", 20, factor=factor, every=5) == pytest.approx(rates)


def test_a_step_comes_between_epochs_not_within() -> None:
    at = schedule("step", 0.01, 100, 10, {"factor": 0.5, "every": 5})
    assert [at(step) for step in (0, 39, 40, 89, 90)] == pytest.approx(
        [0.01, 0.01, 0.005, 0.005, 0.0025]
    )


def test_constant_is_constant() -> None:
    assert set(by_epoch("constant", 9)) == {0.01}


@pytest.mark.parametrize("total", [100, 1000])
@pytest.mark.parametrize("warmup", [0.1, 0.25, 0.5])
def test_one_cycle_has_the_shape_of_torchs(total: int, warmup: float) -> None:
    """Within a step of each other: torch counts total - 1 intervals, we count total."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total, pct_start=warmup, div_factor=25, final_div_factor=1000
    )
    ours = schedule("onecycle", 0.1, total, 10, {"warmup": warmup, "start": 0.04})
    steepest = 0.1 * math.pi / 2 / (total * warmup)  # a cosine's largest change in a step
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no optimizer step was taken
        for step in range(total):
            assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1.5 * steepest)
            if step < total - 1:
                theirs.step()


def test_one_cycle_starts_low_peaks_once_and_ends_near_nothing() -> None:
    at = schedule("onecycle", 0.1, 200, 10, {"warmup": 0.25})
    rates = [at(step) for step in range(200)]
    assert rates[0] == pytest.approx(0.004)
    assert max(rates) == rates[50] == pytest.approx(0.1)
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert at(200) == pytest.approx(0.004e-3)


def test_cosine_is_torchs_without_warmup() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    ours = schedule("cosine", 0.1, 50, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(50):
            assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
            theirs.step()
    assert ours(50) == pytest.approx(0, abs=1e-12)


def test_a_warmup_is_linear_and_begins_above_nothing() -> None:
    at = schedule("cosine", 1.0, 100, 10, {"warmup": 0.1})
    assert [at(step) for step in range(11)] == pytest.approx([0.1 * i for i in range(1, 11)] + [1])


@pytest.mark.parametrize("name", SCHEDULES)
@FIXED
@given(st.integers(1, 400), st.integers(1, 40), st.floats(1e-5, 10))
def test_a_rate_is_never_negative_nor_above_the_one_asked_for(
    name: str, total: int, per_epoch: int, rate: float
) -> None:
    for warmup in (0.0, 0.05, 0.3, 1.0):
        settings = {"warmup": warmup} if name in ("cosine", "onecycle") else SETTINGS.get(name)
        at = schedule(name, rate, total, per_epoch, settings)
        for step in range(total + 2):
            assert 0 <= at(step) <= rate * (1 + 1e-9), step


def test_a_schedule_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown schedule 'cosin'; did you mean cosine?"):
        schedule("cosin", 0.1, 100, 10)


def test_a_setting_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownName, match="unknown setting of schedule step 'evry'; did you mean every?"
    ):
        schedule("step", 0.1, 100, 10, {"evry": 5})
    with pytest.raises(UnknownName, match="setting of schedule constant 'rate'; there are none"):
        schedule("constant", 0.1, 100, 10, {"rate": 5})


def test_a_setting_that_is_missing_is_a_recipes_mistake() -> None:
    with pytest.raises(RecipeError, match=r"train\.schedule \(time\): .*decay"):
        schedule("time", 0.1, 100, 10)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("step", {"every": 0}),
        ("step", {"every": "five"}),
        ("step", {"factor": -1.0}),
        ("time", {"decay": -0.5}),
        ("time", {"decay": "fast"}),
        ("cosine", {"warmup": -0.1}),
        ("cosine", {"warmup": 2}),
        ("onecycle", {"warmup": "long"}),
        ("onecycle", {"warmup": 1.5}),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_rate_is_refused_before_training(name: str, settings: dict) -> None:
    with pytest.raises(RecipeError, match="schedule"):
        schedule(name, 0.1, 100, 10, settings)
