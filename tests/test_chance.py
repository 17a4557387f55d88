"""Chance as a function of (seed, epoch, index, draw)."""

import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from sightline import chance

FIXED = settings(derandomize=True, deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**63 - 1)
MASK = 2**64 - 1


def mixed(z: int) -> int:
    """SplitMix64's finalizer in Python's own integers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def expected_bits(seed: int, epoch: int, index: int, draw: str) -> int:
    state = index
    for key in (seed, epoch, zlib.crc32(draw.encode())):
        state = mixed((state + 0x9E3779B97F4A7C15 * (key + 1)) & MASK)
    return state


def test_the_mixing_function_gives_splitmix64s_first_number() -> None:
    """0xE220A8397B1DCDAF is what Vigna's splitmix64.c gives first from state 0."""
    assert mixed(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF


@FIXED
@given(SEEDS, st.integers(0, 10**6), st.integers(0, 10**9), st.sampled_from(["flip", "order", ""]))
def test_bits_are_the_ones_worked_out_in_pythons_integers(
    seed: int, epoch: int, index: int, draw: str
) -> None:
    assert int(chance.bits(seed, epoch, index, draw)) == expected_bits(seed, epoch, index, draw)
    assert int(chance.bits(seed, epoch, [index], draw)[0]) == expected_bits(
        seed, epoch, index, draw
    )


@FIXED
@given(SEEDS, st.integers(0, 1000), st.integers(1, 60), st.integers(1, 25))
def test_a_draw_does_not_depend_on_the_batch_it_is_made_in(
    seed: int, epoch: int, n: int, batch: int
) -> None:
    whole = chance.uniform(seed, epoch, np.arange(n), "shift-x", -1, 1)
    parts = [
        chance.uniform(seed, epoch, np.arange(i, min(i + batch, n)), "shift-x", -1, 1)
        for i in range(0, n, batch)
    ]
    assert np.array_equal(np.concatenate(parts), whole)
    order = np.random.default_rng(0).permutation(n)
    assert np.array_equal(chance.uniform(seed, epoch, order, "shift-x", -1, 1), whole[order])


@pytest.mark.parametrize(
    "other", [(8, 3, "flip"), (7, 4, "flip"), (7, 3, "erase"), (3, 7, "flip")], ids=str
)
def test_another_seed_epoch_or_draw_gives_unrelated_numbers(other: tuple[int, int, str]) -> None:
    index = np.arange(20_000)
    one = chance.uniform(7, 3, index, "flip")
    two = chance.uniform(other[0], other[1], index, other[2])
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03  # 4 standard errors of 20,000 pairs
    assert not np.isin(one, two).any()


@pytest.mark.parametrize("draw", ["flip", "rotate", "order"])
@pytest.mark.parametrize("along", ["index", "epoch", "seed"])
def test_draws_are_uniform_by_a_chi_square_test(draw: str, along: str) -> None:
    n = np.arange(6400)
    if along == "index":
        numbers = chance.uniform(1, 2, n, draw)
    elif along == "epoch":
        numbers = np.array([chance.uniform(1, int(i), 5, draw) for i in n])
    else:
        numbers = np.array([chance.uniform(int(i), 2, 5, draw) for i in n])
    counts = np.histogram(numbers, bins=64, range=(0, 1))[0]
    assert chisquare(counts).pvalue > 1e-3
    pairs = np.histogram2d(numbers[:-1], numbers[1:], bins=8, range=[[0, 1], [0, 1]])[0]
    assert chisquare(pairs.ravel()).pvalue > 1e-3


@FIXED
@given(SEEDS, st.floats(-100, 100), st.floats(0.001, 100))
def test_numbers_lie_between_their_limits(seed: int, low: float, reach: float) -> None:
    numbers = chance.uniform(seed, 0, np.arange(100), "zoom", low, low + reach)
    assert numbers.dtype == np.float64
    assert numbers.min() >= low
    assert numbers.max() < low + reach


@FIXED
@given(SEEDS, st.integers(0, 1000), st.integers(0, 300))
def test_a_permutation_is_one(seed: int, epoch: int, n: int) -> None:
    order = chance.permutation(seed, epoch, n, "order")
    assert np.array_equal(np.sort(order), np.arange(n))
    assert np.array_equal(order, chance.permutation(seed, epoch, n, "order"))


def test_every_place_of_a_permutation_is_as_likely_for_each_row() -> None:
    orders = np.stack([chance.permutation(0, epoch, 6, "order") for epoch in range(3000)])
    counts = np.stack([np.bincount(orders[:, place], minlength=6) for place in range(6)])
    assert chisquare(counts.ravel()).pvalue > 1e-3


def test_all_orders_of_four_occur_alike() -> None:
    orders = [tuple(chance.permutation(s, 0, 4, "order").tolist()) for s in range(4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert chisquare(counts).pvalue > 1e-3


@FIXED
@given(SEEDS, st.integers(0, 10**6))
def test_a_seed_for_other_generators_is_one_they_take(seed: int, epoch: int) -> None:
    number = chance.seed_of(seed, epoch, "model")
    assert type(number) is int
    assert 0 <= number < 2**63
    torch.Generator().manual_seed(number)
    assert number == chance.seed_of(seed, epoch, "model")
    assert number != chance.seed_of(seed, epoch + 1, "model")
    assert number != chance.seed_of(seed, epoch, "partners")
