"""Schedules of the learning rate, and trainings at four rates."""

from itertools import pairwise

import pytest

from sightline.lab.rates import run, schedules, trained
from sightline.training import schedules as ours
from sightline.training.schedules import Span


def test_the_courses_rates_are_0_1_0_067_0_05_0_04() -> None:
    course = run(passes=2).tables[1]
    assert [row[1] for row in course.rows] == ["0.1", "0.067", "0.05", "0.04"]


def test_the_books_steps_fall_from_epoch_4_on_every_5() -> None:
    curve = schedules(0.01, 40)["steps of 0.25"]
    assert [curve(e) for e in (3, 4, 8, 9)] == pytest.approx([0.01, 0.0025, 0.0025, 0.000625])


def test_the_schedules_are_those_that_train_networks() -> None:
    span = Span(0.01, 40 * 782, 782)
    theirs = {
        "time, by updates": ours.time(span),
        "time, by epochs": ours.time(span, per="epoch"),
        "polynomial, power 2": ours.polynomial(span, power=2),
        "cosine": ours.cosine(span),
    }
    curves = schedules(0.01, 40)
    for name, rate in theirs.items():
        for epoch in (0, 1, 20, 39):
            assert curves[name](epoch) == pytest.approx(rate(epoch * 782), rel=1e-3), name


def test_a_rate_too_high_for_numbers_still_has_a_table_and_a_picture() -> None:
    found = run(very_high=100.0, high=100.0, passes=2)
    assert float(str(found.tables[2].rows[0][-1])) > 10 and "nan" not in str(found.tables[2].rows)


def test_the_four_shapes_of_figure_17_2() -> None:
    low, good, high, very_high = (trained(rate, 20, 4) for rate in (0.003, 0.1, 0.5, 0.8))
    assert good[-1] < high[-1] < low[-1] and high[1] < good[1]  # fast, then above
    falls = [a - b for a, b in pairwise(low[5:])]
    assert max(falls) < 2 * min(falls)  # almost a straight line
    assert very_high[-1] > 1.2 * min(very_high) and min(very_high) < very_high[0]  # and back up
    assert trained(0.5, 20, 4, 0.1)[-1] < high[-1]
