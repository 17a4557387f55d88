"""The perceptron on AND, OR and XOR."""

import pytest

from sightline.lab.bitwise import answered, learned, run
from sightline.scratch.perceptron import BITS, BITWISE, Perceptron


@pytest.mark.parametrize("gate", BITWISE)
def test_the_stages_are_those_of_the_perceptrons_own_training(gate: str) -> None:
    y = BITWISE[gate]
    whole = Perceptron(seed=3).fit(BITS, y)
    last = learned(y, 3, 0.1, 20)[-1]
    assert last.weights.tolist() == whole.weights_.tolist()
    assert list(last.mistakes) == whole.mistakes_


@pytest.mark.parametrize("seed", range(5))
def test_the_book_settles_and_and_or_and_never_xor(seed: int) -> None:
    for gate in ("and", "or"):
        end = learned(BITWISE[gate], seed, 0.1, 100)[-1]
        assert answered(end).tolist() == BITWISE[gate].tolist() and end.mistakes[-1] == 0
    xor = learned(BITWISE["xor"], seed, 0.1, 100)[-1]
    assert len(xor.mistakes) == 100 and min(xor.mistakes) > 0


def test_the_tables_have_every_point_and_no_seed_settles_xor() -> None:
    found = run(epochs=1, seeds=4)
    answers, learning, seeds = found.tables
    assert len(answers.rows) == 12 and [row[0] for row in learning.rows] == ["AND", "OR", "XOR"]
    assert seeds.rows[2] == ("XOR", "0 of 4", "never", "-")
