"""Gaps between the errors of a run's parts, by the course's own examples."""

import numpy as np
import pytest

from sightline.study.gaps import ADVICE, find_gaps, named
from sightline.study.part_errors import PartError

N = 10_000
BIAS, VARIANCE = "avoidable bias", "variance"
MISMATCH, OVERFIT = "data mismatch", "overfitting to validation"


def part(name: str, percent: float, n: int = N) -> PartError:
    return PartError(name, round(n * percent / 100), n, n)


def faults(human: float, **percents: float) -> list[str]:
    errors = [part(name.replace("_", "-"), percent) for name, percent in percents.items()]
    return [gap.kind for gap in named(find_gaps(errors, human / 100))]


@pytest.mark.parametrize(
    ("human", "train", "val", "wanted"),
    [
        (0, 15, 16, [BIAS]),  # course 3.2
        (0, 1, 11, [VARIANCE]),
        (0, 15, 30, [BIAS, VARIANCE]),
        (0, 0.5, 1, []),
        (1, 8, 10, [BIAS, VARIANCE]),  # course 4.7
        (7.5, 8, 10, [VARIANCE]),
    ],
)
def test_bias_and_variance_are_named_as_the_course_names_them(
    human: float, train: float, val: float, wanted: list[str]
) -> None:
    assert sorted(faults(human, train=train, val=val)) == sorted(wanted)


@pytest.mark.parametrize(
    ("percents", "wanted"),
    [
        ((1, 9, 10, 10), [VARIANCE]),  # course 4.14
        ((1, 1.5, 10, 10), [MISMATCH]),
        ((10, 11, 12, 12), [BIAS]),
        ((10, 11, 20, 20), [BIAS, MISMATCH]),
        ((1, 1.5, 2, 9), [OVERFIT]),
        ((1, 1.5, 2, 2.2), []),
    ],
)
def test_four_parts_are_told_apart_as_the_course_tells_them(
    percents: tuple[float, ...], wanted: list[str]
) -> None:
    names = ("train", "train_dev", "val", "test")
    assert faults(0, **dict(zip(names, percents, strict=True))) == wanted


def test_the_largest_gap_comes_first() -> None:
    assert faults(0, train=4, val=14, test=34) == [OVERFIT, VARIANCE]
    # 4 points of bias are less than a quarter of the largest gap
    gaps = find_gaps([part("train", 4), part("val", 14), part("test", 34)])
    assert [gap.verdict for gap in gaps] == ["minor", "named", "named"]


def test_a_gap_within_chance_is_no_fault() -> None:
    few = find_gaps([part("train", 10, 50), part("val", 20, 50)], human=0.1)
    many = find_gaps([part("train", 10, 5000), part("val", 20, 5000)], human=0.1)
    assert [gap.verdict for gap in few] == ["no higher", "within chance"]
    assert [gap.verdict for gap in many] == ["no higher", "named"]


def test_what_takes_the_place_of_parts_that_are_missing() -> None:
    kinds = [gap.kind for gap in find_gaps([part("train", 1), part("test", 9)])]
    assert kinds == [BIAS, VARIANCE]
    without_val = [part("train", 1), part("train-dev", 2), part("test", 9)]
    assert [gap.kind for gap in find_gaps(without_val)] == [BIAS, VARIANCE, MISMATCH]
    assert [gap.kind for gap in find_gaps([part("train", 1)])] == [BIAS]


@pytest.mark.parametrize("seed", range(20))
def test_the_gaps_add_up_to_the_error_on_test(seed: int) -> None:
    names = ("train", "train-dev", "val", "test")
    drawn = np.random.default_rng(seed).integers((0, 300), (301, 400), (4, 2)).tolist()
    errors = [PartError(name, k, n, n) for name, (k, n) in zip(names, drawn, strict=True)]
    gaps = find_gaps(errors, human=0.05)
    assert sum(gap.size for gap in gaps) + 0.05 == pytest.approx(errors[-1].error)
    for gap in gaps:
        assert gap.low - 1e-12 <= gap.size <= gap.high + 1e-12
        assert ADVICE[gap.kind].tries
