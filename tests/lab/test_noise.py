"""Training with noise: without any it is the network's own; on a linear model it is L2."""

import numpy as np
import pytest

from sightline.lab.material import digits
from sightline.lab.noise import Training, mistaken, noise_is_l2, trained
from sightline.scratch.layered import LayeredNetwork


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_without_noise_it_is_the_networks_own_training(l2: float) -> None:
    X, y, _, _ = digits(100, 0)
    found = trained(X, y, Training(units=8, epochs=3, l2=l2), seed=5)
    own = LayeredNetwork((8,), l2=25 * l2, rate=0.01, epochs=3, batch_size=25, seed=5).fit(X, y)
    for name, array in own.state().items():
        np.testing.assert_allclose(found.state()[name], array, atol=1e-10)


def test_noise_of_every_kind_changes_what_is_learned() -> None:
    X, y, _, _ = digits(50, 0)
    plain = trained(X, y, Training(4, 2), 0).state()["0.W"]
    for kind in ({"inputs": 0.1}, {"weights": 0.1}, {"smoothing": 0.1}):
        assert not np.allclose(trained(X, y, Training(4, 2, **kind), 0).state()["0.W"], plain)


def test_input_noise_on_a_linear_model_is_weight_decay() -> None:
    for deviation, decay, by_noise, by_decay, apart in noise_is_l2(*digits(100, 0), seed=0).rows:
        assert decay == pytest.approx(100 * deviation**2)
        assert by_noise == pytest.approx(by_decay, abs=0.01)
        assert float(str(apart).rstrip("%")) < 5


def test_the_asked_share_of_labels_is_wrong_and_none_of_the_others() -> None:
    X, y, _, truth = digits(100, 3)
    same, wrong, _, kept = mistaken(100, 0.2, 3)
    assert (y != wrong).sum() == 20
    np.testing.assert_array_equal(X, same)
    np.testing.assert_array_equal(truth, kept)
