"""Initial weights against the definitions, and the book's table of 64 inputs and 32 outputs."""

import math

import pytest
import torch
from torch import nn

from sightline import models
from sightline.errors import UnknownName
from sightline.models.initialize import INITIALIZERS, fans, initialize

VARIANCE = {  # of a layer with 64 inputs and 32 outputs (Starter book, 10.1.6 to 10.1.12)
    "uniform": 0.1**2 / 12,
    "normal": 0.05**2,
    "lecun_uniform": 1 / 64,
    "lecun_normal": 1 / 64,
    "glorot_uniform": 2 / 96,
    "glorot_normal": 2 / 96,
    "he_uniform": 2 / 64,
    "he_normal": 2 / 64,
}
BOUND = {"uniform": 0.05, "lecun_uniform": 0.21651, "glorot_uniform": 0.25, "he_uniform": 0.30619}
DEVIATION = {
    "normal": 0.05,
    "lecun_normal": 0.125,
    "glorot_normal": 0.14434,
    "he_normal": 0.17678,
}


def many(name: str, draws: int = 100) -> torch.Tensor:
    """Weights of 64 inputs and 32 outputs, drawn often."""
    torch.manual_seed(0)
    layer = nn.Linear(64, 32)
    return torch.stack([initialize(layer, name).weight.detach().clone() for _ in range(draws)])


@pytest.mark.parametrize("name", VARIANCE)
def test_the_variance_is_that_of_the_definition(name: str) -> None:
    weights = many(name)
    assert weights.var().item() == pytest.approx(VARIANCE[name], rel=0.01)
    assert abs(weights.mean().item()) < 0.002


@pytest.mark.parametrize("name", BOUND)
def test_a_uniform_one_fills_its_bounds_evenly(name: str) -> None:
    weights = many(name)
    assert weights.abs().max().item() == pytest.approx(BOUND[name], rel=1e-3)
    assert (weights.abs() < BOUND[name] / 2).float().mean().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", DEVIATION)
def test_a_normal_one_has_whole_tails(name: str) -> None:
    weights = many(name)
    beyond = (weights.abs() > 2 * DEVIATION[name]).float().mean().item()
    assert beyond == pytest.approx(math.erfc(2 / math.sqrt(2)), rel=0.05)


def test_a_constant_one_is_one_number_everywhere() -> None:
    layer = nn.Linear(4, 3)
    assert initialize(layer, "constant").weight.abs().max() == 0
    assert (initialize(layer, "constant", 0.5).weight == 0.5).all()


def test_the_plain_ones_take_another_scale() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(200, 200)
    assert initialize(layer, "uniform", 0.5).weight.abs().max().item() == pytest.approx(0.5, 0.01)
    assert initialize(layer, "normal", 0.5).weight.std().item() == pytest.approx(0.5, 0.02)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Linear(64, 32), (64, 32)),
        (nn.Conv2d(3, 8, 5), (75, 200)),
        (nn.Conv2d(16, 16, 3, groups=16), (9, 144)),
    ],
    ids=str,
)
def test_the_numbers_in_and_out_count_a_filters_area(
    layer: nn.Module, expected: tuple[int, int]
) -> None:
    assert fans(layer.weight) == expected


def test_it_is_keras_glorot_that_the_books_networks_have() -> None:
    torch.manual_seed(0)
    usual = models.build("lenet", 10, 1, (28, 28))
    torch.manual_seed(0)
    asked = models.build("lenet", 10, 1, (28, 28), {"initialize": "glorot_uniform"})
    for key, value in asked.state_dict().items():
        if key.endswith("weight"):
            assert value.abs().max().item() == pytest.approx(
                usual.state_dict()[key].abs().max().item(), rel=0.02
            )


def test_biases_become_zero_and_norms_stay() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    nn.init.uniform_(norm.weight)
    before = norm.weight.clone()
    network = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Conv2d(4, 4, 1, bias=False))
    assert initialize(network, "he_normal") is network
    assert network[0].bias.abs().max() == 0
    assert torch.equal(norm.weight, before)


def test_the_same_seed_draws_the_same() -> None:
    def built() -> dict:
        torch.manual_seed(3)
        return models.build("lenet", 3, 1, (8, 8), {"initialize": "he_normal"}).state_dict()

    first, second = built(), built()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_name_that_is_not_there_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean he_normal"):
        initialize(nn.Linear(2, 2), "he_normall")
    with pytest.raises(UnknownName, match="initialize of lenet 'glorot'; did you mean glorot_"):
        models.build("lenet", 3, 1, (8, 8), {"initialize": "glorot"})
    for odd in (3, True, ["he_normal"]):
        with pytest.raises(UnknownName, match="initialize"):
            models.build("lenet", 3, 1, (8, 8), {"initialize": odd})


def test_it_costs_no_memory_on_the_meta_device() -> None:
    with torch.device("meta"):
        model = models.build("resnet9", 5, 3, (16, 16), {"initialize": INITIALIZERS[-1]})
    assert {p.device.type for p in model.parameters()} == {"meta"}
