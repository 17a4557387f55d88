import pytest

from sightline.scratch.decay import (
    book_steps,
    by_hand,
    cosine,
    exponential,
    inverse_square_root,
    inverse_time,
    inverse_time_stairs,
    polynomial,
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


@pytest.mark.parametrize(("factor", "last"), [(0.25, 1.5e-7), (0.5, 3.9e-5)])
def test_the_books_steps_fall_at_epoch_index_4_and_every_5(factor: float, last: float) -> None:
    rates = [book_steps(0.01, epoch, 5, factor) for epoch in range(40)]
    assert rates[:4] == [0.01] * 4
    assert rates[4:9] == [0.01 * factor] * 5
    assert rates[39] == pytest.approx(last, rel=0.02)


def test_polynomial_and_cosine_end_at_0_and_are_known_half_way() -> None:
    assert [polynomial(0.1, epoch, 10) for epoch in (0, 5, 10)] == pytest.approx([0.1, 0.05, 0])
    assert polynomial(0.1, 5, 10, power=2) == pytest.approx(0.025)
    assert [cosine(0.1, epoch, 10) for epoch in (0, 5, 10)] == pytest.approx([0.1, 0.05, 0])


def test_rates_by_hand_hold_until_the_next() -> None:
    table = {2: 0.05, 4: 0.01}
    assert [by_hand(0.1, epoch, table) for epoch in range(6)] == [0.1, 0.1, 0.05, 0.05, 0.01, 0.01]
