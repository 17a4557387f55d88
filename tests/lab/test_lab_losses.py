"""The worked losses of chapter 8, and losses over the margin."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.errors import DataError
from sightline.lab.losses import over_margin, read_scores, run


def test_the_books_worked_numbers_stand_in_the_tables() -> None:
    three, softmax = run().tables
    assert [row[5] for row in three.rows] == ["0", "5.96", "5.2", "3.72"]
    assert [row[6] for row in three.rows] == ["0", "35.52", "19.3", "18.27"]
    assert [row[4] for row in three.rows[:3]] == ["dog", "dog", "cat"]
    assert [row[2] for row in softmax.rows] == ["0.0321", "3.1899", "49.8990"]
    assert [row[3] for row in softmax.rows] == ["0.0006", "0.0601", "0.9393"]
    assert softmax.rows[2][4] == "0.0626"


def test_losses_over_the_margin_are_those_of_a_label_of_one_or_minus_one() -> None:
    margin = torch.linspace(-3, 3, 61, dtype=torch.float64, requires_grad=True)
    reference = {
        "hinge": F.relu(1 - margin),
        "squared-hinge": F.relu(1 - margin) ** 2,
        "cross-entropy": F.softplus(-margin),
    }
    for name, (loss, slope) in over_margin(margin.detach().numpy()).items():
        theirs = reference[name]
        np.testing.assert_allclose(loss, theirs.detach().numpy(), atol=1e-12)
        (by_hand,) = torch.autograd.grad(theirs.sum(), margin)
        away = np.abs(margin.detach().numpy() - 1) > 1e-9  # hinge has no slope at 1
        np.testing.assert_allclose(slope[away], by_hand.numpy()[away], atol=1e-12)


def test_scores_of_ones_own_are_worked_out_too() -> None:
    found = run(scores="1,0.5,-2", truth=0)
    assert "inside the margin of 1" in found.notes[1] and "hinge loss 0.5" in found.notes[1]


@pytest.mark.parametrize("text", ["1,x", "1", "1,nan", "1,inf", ",".join("1" * 11), ""])
def test_scores_that_are_none_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(DataError, match="expected"):
        read_scores(text, 0)


def test_a_true_class_beyond_the_scores_is_refused() -> None:
    with pytest.raises(DataError, match="truth is 3; expected 0 to 1"):
        run(scores="1,2", truth=3)
