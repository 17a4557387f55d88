"""Learning-rate decay: how the rate falls over the epochs.

Course notes 3.13; Starter book, chapter 16. Epochs count from 0; every function gives the rate of
one epoch. With start 0.2 and decay 1 the first gives 0.1, 0.067, 0.05, 0.04 at epochs 1 to 4.

    inverse time          start / (1 + decay epoch)
      in stairs           the same with floor(epoch / interval) for epoch
    exponential           base^epoch start               0.95
    inverse square root   k / sqrt(epoch) start          from epoch 1 on
    staircase             factor^floor(epoch / every) start
    the book's steps      factor^floor((1 + epoch) / every) start: it falls an epoch earlier
    polynomial            (1 - epoch / epochs)^power start    power 1 is a straight line
    cosine                (1 + cos(pi epoch / epochs)) / 2 start      Loshchilov and Hutter, 2017
    by hand               a table of epochs and rates
"""

import math


def inverse_time(start: float, epoch: float, decay: float = 1.0) -> float:
    """start / (1 + decay epoch)."""
    return start / (1 + decay * epoch)


def inverse_time_stairs(start: float, epoch: int, interval: int, decay: float = 1.0) -> float:
    """Inverse time that falls once in `interval` epochs."""
    return inverse_time(start, epoch // interval, decay)


def exponential(start: float, epoch: float, base: float = 0.95) -> float:
    """base^epoch start."""
    return start * base**epoch


def inverse_square_root(start: float, epoch: float, k: float = 1.0) -> float:
    """k / sqrt(epoch) start; ValueError before epoch 1, where it would be without bound."""
    if epoch < 1:
        raise ValueError(f"epoch is {epoch}; expected 1 or more")
    return k / math.sqrt(epoch) * start


def staircase(start: float, epoch: int, every: int, factor: float = 0.5) -> float:
    """The rate times `factor` after each `every` epochs."""
    return start * factor ** (epoch // every)


def book_steps(start: float, epoch: int, every: int = 5, factor: float = 0.25) -> float:
    """Equation 16.3: factor^floor((1 + epoch) / every) start, for epochs from 0."""
    return staircase(start, epoch + 1, every, factor)


def polynomial(start: float, epoch: float, epochs: int, power: float = 1.0) -> float:
    """(1 - epoch / epochs)^power start: 0 at `epochs`."""
    return start * (1 - epoch / epochs) ** power


def cosine(start: float, epoch: float, epochs: int) -> float:
    """Half a wave of the cosine, from start to 0 at `epochs`."""
    return start * (1 + math.cos(math.pi * epoch / epochs)) / 2


def by_hand(start: float, epoch: int, table: dict[int, float]) -> float:
    """The rate of the last epoch of the table that has come; start before the first."""
    begun = [at for at in table if at <= epoch]
    return table[max(begun)] if begun else start
