"""Learning rates, as functions of the step alone; against the books' tables and torch's own."""

import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import RecipeError, UnknownName
from sightline.training.plateau import Plateau
from sightline.training.schedules import SCHEDULES, rules, schedule

FIXED = settings(derandomize=True, deadline=None, max_examples=60)
BOOK = math.ceil(50_000 / 64)  # updates an epoch of CIFAR-10 in the Starter book


def by_epoch(
    name: str, count: int, per_epoch: int = 7, rate: float = 0.01, **settings: Any
) -> list[float]:
    """The rate of each epoch's first step."""
    at = schedule(name, rate, count * per_epoch, per_epoch, settings)
    return [at(epoch * per_epoch) for epoch in range(count)]


def torchs(make: Any, steps: int, rate: float) -> list[float]:
    """The rates of one of torch's schedulers, one a step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no optimizer step was taken
        theirs = make(optimizer)
        for _ in range(steps):
            rates.append(theirs.get_last_lr()[0])
            theirs.step()
    return rates


def test_time_decay_counts_updates() -> None:
    """Starter book, 16: 50,000 images in batches of 64 are 782 updates an epoch."""
    assert BOOK == 782
    at = schedule("time", 0.01, 40 * BOOK, BOOK, {"decay": 0.01 / 40})
    assert at(0) == 0.01
    assert at(40 * BOOK - 1) == pytest.approx(0.00113, abs=5e-6)
    assert at(BOOK) == pytest.approx(0.01 / (1 + 0.00025 * 782))


def test_without_a_decay_it_is_the_books_rate_over_epochs() -> None:
    given = schedule("time", 0.01, 40 * BOOK, BOOK, {"decay": 0.01 / 40})
    assert schedule("time", 0.01, 40 * BOOK, BOOK)(12_345) == given(12_345)


def test_time_decay_by_epoch_is_the_courses() -> None:
    rates = by_epoch("time", 5, rate=0.2, decay=1.0, per="epoch")
    assert rates == pytest.approx([0.2, 0.1, 0.067, 0.05, 0.04], abs=5e-4)


def test_compounding_time_decay_is_the_books_equation() -> None:
    rates = by_epoch("time", 40, decay=0.00025, per="compound")
    assert rates[-1] == pytest.approx(0.00823, abs=5e-6)
    expected = [0.01]
    for epoch in range(1, 40):
        expected.append(expected[-1] / (1 + 0.00025 * epoch))
    assert rates == pytest.approx(expected)
    table = by_epoch("time", 3, decay=0.01, per="compound")  # the first rows of table 16.1
    assert [round(rate, 5) for rate in table] == [0.01, 0.0099, 0.00971]


def test_a_staircase_is_the_courses() -> None:
    rates = by_epoch("staircase", 9, rate=0.2, decay=1.0, interval=3)
    assert rates == pytest.approx([0.2] * 3 + [0.1] * 3 + [0.2 / 3] * 3)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        # Starter book, 16: the first drop comes after four epochs, for 1 + epoch is divided
        (0.25, {0: 0.01, 3: 0.01, 4: 0.0025, 8: 0.0025, 9: 6.25e-4, 13: 6.25e-4, 14: 1.56e-4,
                18: 1.56e-4, 29: 2.44e-6, 33: 2.44e-6, 39: 1.5e-7}),
        (0.5, {0: 0.01, 3: 0.01, 4: 0.005, 8: 0.005, 9: 0.0025, 13: 0.0025, 14: 0.00125,
               18: 0.00125, 29: 1.56e-4, 33: 1.56e-4, 39: 3.9e-5}),
    ],
)  # fmt: skip
def test_steps_are_the_books(factor: float, expected: dict[int, float]) -> None:
    rates = by_epoch("step", 40, factor=factor, every=5)
    assert {epoch: rates[epoch] for epoch in expected} == pytest.approx(expected, rel=0.02)
    assert rates[:5] == pytest.approx([0.01] * 4 + [0.01 * factor])


def test_a_step_comes_between_epochs_not_within() -> None:
    at = schedule("step", 0.01, 100, 10, {"factor": 0.5, "every": 5})
    assert [at(step) for step in (0, 39, 40, 89, 90)] == pytest.approx(
        [0.01, 0.01, 0.005, 0.005, 0.0025]
    )


def test_pieces_are_torchs_milestones() -> None:
    expected = torchs(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [4, 7]), 10, 0.01)
    assert by_epoch("piecewise", 10, epochs=[4, 7], factors=[0.1, 0.01]) == pytest.approx(expected)
    assert by_epoch("piecewise", 10, epochs=[4, 7], rates=[1e-3, 1e-4]) == pytest.approx(expected)


def test_pieces_without_settings_drop_at_a_half_and_three_quarters() -> None:
    rates = by_epoch("piecewise", 8)
    assert rates == pytest.approx([0.01] * 4 + [0.001] * 2 + [0.0001] * 2)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_polynomials_are_torchs(power: float) -> None:
    def make(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.PolynomialLR(optimizer, 70, power)

    expected = torchs(make, 70, 5e-3)
    assert by_epoch("polynomial", 70, rate=5e-3, power=power) == pytest.approx(expected)
    fine = schedule("polynomial", 5e-3, 70, 10, {"power": power, "per": "update"})
    assert [fine(step) for step in range(70)] == pytest.approx(expected)
    if power == 1.0:
        assert by_epoch("linear", 70, rate=5e-3) == pytest.approx(expected)


def test_an_end_is_a_share_of_the_rate() -> None:
    assert by_epoch("linear", 4, rate=1.0, end=0.2) == pytest.approx([1, 0.8, 0.6, 0.4])
    at = schedule("cosine", 1.0, 40, 10, {"end": 0.2})
    assert (at(0), at(20), at(40)) == pytest.approx((1, 0.6, 0.2))


def test_exponential_is_torchs() -> None:
    expected = torchs(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.95), 30, 0.01)
    assert by_epoch("exponential", 30) == pytest.approx(expected)
    fine = schedule("exponential", 0.01, 300, 10, {"per": "update"})
    assert fine(5) == pytest.approx(0.01 * 0.95**0.5)


def test_the_inverse_root_is_the_courses() -> None:
    expected = [0.01 * 0.5 / math.sqrt(epoch) for epoch in range(1, 10)]
    assert by_epoch("inverse_root", 9, k=0.5) == pytest.approx(expected)


def test_constant_is_constant() -> None:
    assert set(by_epoch("constant", 9)) == {0.01}


@pytest.mark.parametrize("total", [100, 1000])
@pytest.mark.parametrize("rise", [0.1, 0.25, 0.5])
def test_one_cycle_has_the_shape_of_torchs(total: int, rise: float) -> None:
    """Within a step of each other: torch counts total - 1 intervals, we count total."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total, pct_start=rise, div_factor=25, final_div_factor=1000
    )
    ours = schedule("onecycle", 0.1, total, 10, {"rise": rise, "start": 0.04})
    steepest = 0.1 * math.pi / 2 / (total * rise)  # a cosine's largest change in a step
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no optimizer step was taken
        for step in range(total):
            assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1.5 * steepest)
            if step < total - 1:
                theirs.step()


def test_one_cycle_starts_low_peaks_once_and_ends_near_nothing() -> None:
    at = schedule("onecycle", 0.1, 200, 10, {"rise": 0.25})
    rates = [at(step) for step in range(200)]
    assert rates[0] == pytest.approx(0.004)
    assert max(rates) == rates[50] == pytest.approx(0.1)
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert at(200) == pytest.approx(0.004e-3)


def test_cosine_is_torchs() -> None:
    expected = torchs(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 50), 50, 0.1)
    ours = schedule("cosine", 0.1, 50, 10)
    assert [ours(step) for step in range(50)] == pytest.approx(expected, abs=1e-12)
    assert ours(50) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "onecycle"])
def test_a_warmup_multiplies_the_schedule_by_a_rising_line(name: str) -> None:
    plain = schedule(name, 1.0, 100, 10)
    at = schedule(name, 1.0, 100, 10, {"warmup": 2.5})
    for step in range(100):
        assert at(step) == pytest.approx(plain(step) * min(1.0, (step + 1) / 25)), step


def test_a_warmup_is_torchs_linear_one() -> None:
    def make(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 9)

    ours = schedule("constant", 1.0, 100, 10, {"warmup": 1})
    assert [ours(step) for step in range(20)] == pytest.approx(torchs(make, 20, 1.0))


def test_one_cycle_rises_by_itself() -> None:
    with pytest.raises(RecipeError, match="its rise is its warm-up; set rise"):
        schedule("onecycle", 0.1, 100, 10, {"warmup": 1})


@pytest.mark.parametrize("name", SCHEDULES)
@FIXED
@given(
    st.integers(1, 60), st.integers(1, 12), st.floats(1e-5, 10), st.sampled_from([0, 0.3, 2, 90])
)
def test_a_rate_is_positive_finite_and_never_above_the_one_asked_for(
    name: str, epochs: int, per_epoch: int, rate: float, warmup: float
) -> None:
    settings = {"warmup": warmup} if name != "onecycle" else {"rise": min(1.0, warmup)}
    at = schedule(name, rate, epochs * per_epoch, per_epoch, settings)
    for step in range(epochs * per_epoch):
        assert 0 < at(step) <= rate * (1 + 1e-9), step
        assert math.isfinite(at(step))
    assert 0 <= at(epochs * per_epoch + 3) <= rate * (1 + 1e-9)


def history(*losses: float) -> list[dict[str, Any]]:
    return [{"epoch": i + 1, "val": {"loss": v, "accuracy": -v}} for i, v in enumerate(losses)]


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
@FIXED
@given(
    st.lists(st.sampled_from([1.0, 0.9995, 0.99, 0.9, 0.5, math.nan]), max_size=40),
    st.integers(1, 5),
    st.integers(0, 3),
)
def test_a_plateau_drops_when_torchs_does_with_a_patience_of_one_less(
    monitor: str, losses: list[float], patience: int, cooldown: int
) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="min" if monitor == "loss" else "max",
        factor=0.2,
        patience=patience - 1,
        threshold=1e-3,
        threshold_mode="abs",
        cooldown=cooldown,
        min_lr=1e-5,
        eps=0.0,
    )
    settings = {"monitor": monitor, "patience": patience, "cooldown": cooldown}
    ours = schedule("plateau", 0.1, 400, 10, settings)
    assert isinstance(ours, Plateau)
    for epoch, record in enumerate(history(*losses)):
        theirs.step(record["val"][monitor])
        ours.see(history(*losses)[: epoch + 1])
        assert ours(10 * (epoch + 1)) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)


def test_a_plateau_of_eight_epochs_drops_the_rate_after_the_eighth() -> None:
    ours = schedule("plateau", 0.1, 1000, 10)
    assert isinstance(ours, Plateau)
    ours.see(history(1.0, *[1.0] * 7))
    assert ours(80) == 0.1
    ours.see(history(1.0, *[0.9995] * 8))  # a gain of less than 0.001 is none
    assert ours(90) == pytest.approx(0.02)
    ours.see(history(1.0, *[1.0] * 80))
    assert ours(810) == 1e-5
    ours.see([])
    assert ours(0) == 0.1


def test_a_plateau_is_a_function_of_the_history_alone() -> None:
    one, two = schedule("plateau", 0.1, 1000, 10), schedule("plateau", 0.1, 1000, 10)
    assert isinstance(one, Plateau) and isinstance(two, Plateau)
    full = history(*[1.0 / (1 + i // 11) for i in range(60)])
    for end in range(61):
        one.see(full[:end])
    two.see(full)
    assert one == two


def test_a_plateau_names_the_figures_there_are() -> None:
    ours = schedule("plateau", 0.1, 100, 10, {"monitor": "acuracy"})
    assert isinstance(ours, Plateau)
    with pytest.raises(RecipeError, match="monitor is acuracy; there are accuracy, loss"):
        ours.see(history(1.0))
    with pytest.raises(RecipeError, match="watches validation, and this run has none"):
        ours.see([{"epoch": 1, "train": {"loss": 1.0}}])


def test_names_that_do_not_exist_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown schedule 'cosin'; did you mean cosine?"):
        schedule("cosin", 0.1, 100, 10)
    with pytest.raises(
        UnknownName, match="unknown setting of schedule step 'evry'; did you mean every?"
    ):
        schedule("step", 0.1, 100, 10, {"evry": 5})
    with pytest.raises(UnknownName, match="of schedule constant 'rate'; there are warmup"):
        schedule("constant", 0.1, 100, 10, {"rate": 5})


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("step", {"every": 0}, "every is 0; must be a whole number of 1 or more"),
        ("step", {"every": "five"}, "every is 'five'"),
        ("step", {"every": 2.5}, "every is 2.5"),
        ("step", {"factor": -1.0}, "factor is -1.0; must be above 0 and at most 1"),
        ("step", {"factor": True}, "factor is true"),
        ("time", {"decay": -0.5}, "decay is -0.5"),
        ("time", {"decay": math.nan}, "decay is nan"),
        ("time", {"per": "batch"}, "per is 'batch'; must be update or epoch or compound"),
        ("linear", {"per": "compound"}, "per is 'compound'; must be update or epoch"),
        ("piecewise", {"epochs": [4, 2]}, "epochs is 4, 2; must be a rising list"),
        ("piecewise", {"epochs": 4}, "epochs is 4; must be a rising list"),
        ("piecewise", {"epochs": [4], "factors": [0.1, 0.2]}, "1 epochs, but 2 factors"),
        ("piecewise", {"factors": [0.1, 0.2], "rates": [1, 1]}, "give factors or rates, not both"),
        ("piecewise", {"rates": [0.0, 1.0]}, "rates is 0.0, 1.0"),
        ("cosine", {"warmup": -0.1}, "warmup is -0.1; must be a number of 0 or more"),
        ("cosine", {"warmup": math.inf}, "warmup is inf"),
        ("onecycle", {"rise": "long"}, "rise is 'long'; must be 0 to 1"),
        ("onecycle", {"rise": 1.5}, "rise is 1.5"),
        ("plateau", {"factor": 1.0}, "factor is 1.0; must be above 0 and below 1"),
        ("plateau", {"patience": 0}, "patience is 0"),
        ("plateau", {"monitor": 3}, "monitor is 3; must be a figure's name"),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_rate_is_refused_before_training(
    name: str, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecipeError, match=rf"train\.schedule \({name}\): {said}") as caught:
        schedule(name, 0.1, 100, 10, settings)
    assert "\n" not in str(caught.value)


def test_the_docs_know_every_schedule_and_setting() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    names = {*SCHEDULES, *(key for name in SCHEDULES for key in rules(name))}
    missing = sorted(name for name in names if f"`{name}`" not in text)
    assert [name for name in missing if f"`{name}[i]`" not in text] == []
