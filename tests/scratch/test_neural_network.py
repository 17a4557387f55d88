import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sightline.scratch.gradient_check import numerical_gradient, relative_difference
from sightline.scratch.neural_network import NeuralNetwork, forward, gradients, initial_weights
from sightline.scratch.perceptron import BITS, BITWISE

# Figure 10.10, columns are the hidden units.
HIDDEN = np.array([[0.351, -0.097, 0.457], [1.076, -0.165, -0.165], [1.116, 0.542, -0.331]])
OUT = np.array([[0.383], [-0.327], [-0.329]])
XOR = BITWISE["xor"]


def test_the_books_forward_pass_gives_0_899_0_593_0_378_and_0_506() -> None:
    _, hidden, out = forward(np.array([[0.0, 1.0, 1.0]]), [HIDDEN, OUT])
    np.testing.assert_allclose(hidden[0], [0.8995, 0.5931, 0.3785], atol=5e-5)
    np.testing.assert_allclose(hidden[0], [0.899, 0.593, 0.378], atol=6e-4)  # the book cuts
    np.testing.assert_allclose(out[0], [0.5065], atol=5e-5)


def test_a_loaded_network_adds_the_bias_itself() -> None:
    network = NeuralNetwork()
    network.load_state({"W0": HIDDEN, "W1": OUT})
    assert repr(network) == "NeuralNetwork: 2-2-1"
    assert network.outputs(np.array([[0, 1]]))[0, 0] == pytest.approx(0.5065, abs=5e-5)
    assert network.predict(np.array([[0, 1]])).tolist() == [1]


def test_without_a_hidden_layer_xor_ends_at_5161_5000_4839_4678() -> None:
    network = NeuralNetwork((), alpha=0.5, epochs=2000, every=2000).fit(BITS, XOR)
    assert np.round(network.outputs(BITS)[:, 0], 4).tolist() == [0.5161, 0.5000, 0.4839, 0.4678]
    assert network.score(BITS, XOR) < 1


def test_the_extra_unit_is_a_unit_and_only_the_input_has_a_bias() -> None:
    weights = initial_weights([64, 32, 16, 10], np.random.default_rng(0))
    assert [W.shape for W in weights] == [(65, 33), (33, 17), (17, 10)]
    assert weights[0].std() == pytest.approx(1 / 8, rel=0.05)
    _, hidden, _ = forward(np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]), [HIDDEN, OUT])
    assert hidden[0, 2] != hidden[1, 2] != 1


def test_gradients_agree_with_differences_and_torch() -> None:
    rng = np.random.default_rng(0)
    weights = initial_weights([4, 5, 3, 2], rng)
    rows, targets = rng.normal(size=(6, 5)), rng.uniform(size=(6, 2))
    found = gradients(forward(rows, weights), targets, weights)
    tensors = [torch.tensor(W, requires_grad=True) for W in weights]
    A = torch.tensor(rows)
    for W in tensors:
        A = torch.sigmoid(A @ W)
    (0.5 * ((A - torch.tensor(targets)) ** 2).sum()).backward()
    for W, tensor, gradient in zip(weights, tensors, found, strict=True):
        slope = numerical_gradient(
            lambda: float(0.5 * ((forward(rows, weights)[-1] - targets) ** 2).sum()), W
        )
        assert relative_difference(slope, gradient) < 1e-7
        np.testing.assert_allclose(gradient, tensor.grad, atol=1e-14)


def test_the_first_loss_of_xor_is_that_of_a_column_of_targets() -> None:
    network = NeuralNetwork(alpha=0.5, epochs=1).fit(BITS, XOR)
    assert 0.4 < network.losses_[1] < 0.8  # flat targets would broadcast to 4 x 4
    with pytest.raises(ValueError, match=r"targets have shape \(4,\); expected \(4, 1\)"):
        network.loss(np.column_stack([BITS, np.ones(4)]), XOR)


def test_xor_is_learned_from_a_good_seed() -> None:
    network = NeuralNetwork(alpha=0.5, epochs=2400, every=1200, seed=1).fit(BITS, XOR)
    assert network.score(BITS, XOR) == 1
    assert network.losses_[2400] < 0.01
    assert list(network.losses_) == [1, 1200, 2400]


def test_a_batch_adds_up_the_rows_gradients() -> None:
    one, all_ = NeuralNetwork(epochs=1, seed=3), NeuralNetwork(epochs=1, seed=3, batch_size=4)
    weights = initial_weights([2, 2, 1], np.random.default_rng(3))
    rows, targets = np.column_stack([BITS, np.ones(4)]), XOR[:, None]
    steps = [
        gradients(forward(rows[i : i + 1], weights), targets[i : i + 1], weights) for i in range(4)
    ]
    all_.fit(BITS, XOR)
    for i, W in enumerate(weights):
        np.testing.assert_allclose(all_.weights_[i], W - 0.1 * sum(s[i] for s in steps))
    assert not np.allclose(one.fit(BITS, XOR).weights_[0], all_.weights_[0], atol=1e-9)


def test_digits_64_32_16_10_start_at_the_books_loss_and_are_read_after_a_tenth_of_its_epochs() -> (
    None
):
    digits = load_digits()
    train, test, y, truth = train_test_split(
        digits.data / 16, digits.target, test_size=0.25, random_state=0
    )
    network = NeuralNetwork((32, 16), epochs=100, batch_size=32).fit(train, y)
    assert repr(network) == "NeuralNetwork: 64-32-16-10"
    assert (len(train), len(test)) == (1347, 450)
    assert network.losses_[1] == pytest.approx(604.6, abs=4)  # the book's; loss is over 1,347 rows
    assert network.losses_[100] < 15  # book 9.1
    assert network.score(test, truth) > 0.95
