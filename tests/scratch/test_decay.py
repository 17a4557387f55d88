import pytest

from sightline.scratch.decay import (
    by_hand,
    exponential,
    inverse_square_root,
    inverse_time,
    inverse_time_stairs,
    staircase,
)


def test_the_courses_rate_falls_from_0_2_to_0_1_0_067_0_05_0_04() -> None:
    assert [round(inverse_time(0.2, epoch), 3) for epoch in range(5)] == [
        0.2,
        0.1,
        0.067,
        0.05,
        0.04,
    ]


def test_stairs_fall_once_an_interval() -> None:
    rates = [inverse_time_stairs(0.2, epoch, interval=3) for epoch in range(7)]
    assert rates == pytest.approx([0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.2 / 3])


def test_exponential_and_square_root_by_hand() -> None:
    assert exponential(0.2, 2) == pytest.approx(0.2 * 0.9025)
    assert inverse_square_root(0.2, 4, k=0.5) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="expected 1 or more"):
        inverse_square_root(0.2, 0)


def test_the_books_step_decay_is_a_quarter_every_five_epochs() -> None:
    rates = [staircase(0.01, epoch, every=5, factor=0.25) for epoch in (0, 4, 5, 10)]
    assert rates == pytest.approx([0.01, 0.01, 0.0025, 0.000625])


def test_rates_by_hand_hold_until_the_next() -> None:
    table = {2: 0.05, 4: 0.01}
    assert [by_hand(0.1, epoch, table) for epoch in range(6)] == [0.1, 0.1, 0.05, 0.05, 0.01, 0.01]
