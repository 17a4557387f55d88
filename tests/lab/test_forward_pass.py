"""The book's worked forward pass, and a step of backpropagation beside torch's."""

import numpy as np
import torch

from sightline.lab.forward_pass import FIRST, LAST, descended, run, unit_deltas
from sightline.scratch.neural_network import forward


def test_the_units_are_the_books() -> None:
    units = run().tables[0].rows
    assert [row[2] for row in units] == ["0.8995", "0.5931", "0.3785", "0.5065"]  # .899 .593 …


def test_a_step_and_its_deltas_are_torchs() -> None:
    row, truth = np.array([[0.0, 1.0, 1.0]]), np.array([[1.0]])
    first = torch.tensor(FIRST, dtype=torch.float64, requires_grad=True)
    last = torch.tensor(LAST, dtype=torch.float64, requires_grad=True)
    hidden_net = torch.tensor(row) @ first
    hidden_net.retain_grad()
    out = ((hidden_net.sigmoid()) @ last).sigmoid()
    loss = 0.5 * ((out - torch.tensor(truth)) ** 2).sum()
    loss.backward()
    assert first.grad is not None and last.grad is not None and hidden_net.grad is not None
    after = descended(row, truth, 0.5, 1)
    np.testing.assert_allclose(after[0], (first - 0.5 * first.grad).detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(after[1], (last - 0.5 * last.grad).detach().numpy(), atol=1e-12)
    weights = [np.array(FIRST), np.array(LAST)]
    deltas = unit_deltas(forward(row, weights), truth, weights)
    np.testing.assert_allclose(deltas[:3], hidden_net.grad.numpy()[0], atol=1e-12)


def test_many_steps_bring_the_output_to_its_truth_and_a_zero_input_moves_nothing() -> None:
    row, truth = np.array([[0.0, 1.0, 1.0]]), np.array([[1.0]])
    after = descended(row, truth, 0.5, 2000)
    assert forward(row, after)[2][0, 0] > 0.97
    np.testing.assert_array_equal(after[0][0], FIRST[0])
