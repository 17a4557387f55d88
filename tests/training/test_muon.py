"""Muon: torch's own on matrices, a float64 oracle in NumPy on filters, the rest by other rules."""

import numpy as np
import pytest
import torch
from torch import nn

from sightline import models
from sightline.errors import RecipeError
from sightline.training.muon import orthogonalized
from sightline.training.optim import optimizer

STEPS = 20


def stack(dtype: torch.dtype = torch.float32) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.Conv2d(6, 4, 3), nn.Conv2d(4, 12, 2), nn.Flatten(), nn.Linear(12, 3)
    ).to(dtype)


HIDDEN = {"1.weight", "2.weight"}


def gradients(model: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in model.parameters():
        drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.grad = drawn.to(parameter.dtype)


def newton_schulz(matrix: np.ndarray) -> np.ndarray:
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / np.linalg.norm(x)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


@pytest.mark.parametrize("shape", [(4, 4), (3, 20), (20, 3), (1, 5), (5, 1)])
def test_five_iterations_bring_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=shape))
    turned = orthogonalized(matrix)
    np.testing.assert_allclose(turned.numpy(), newton_schulz(matrix.numpy()), rtol=1e-9, atol=1e-12)
    values = torch.linalg.svdvals(turned)
    assert values.min() > 0.5 and values.max() < 1.3
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.linalg.matrix_norm(turned - u @ v, 2) < 0.5


def test_a_gradient_of_zeros_moves_nothing() -> None:
    assert not orthogonalized(torch.zeros(3, 4)).any()


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw"])
def test_filters_move_as_torchs_muon_moves_their_matrices(nesterov: bool, adjust: str) -> None:
    model, twin = stack(), stack()
    settings = {"momentum": 0.9, "nesterov": nesterov, "adjust": adjust, "decay": 0.1}
    ours = optimizer(model, "muon", rate=0.02, **settings)
    matrices = {
        n: nn.Parameter(p.detach().flatten(1)) for n, p in twin.named_parameters() if n in HIDDEN
    }
    theirs = torch.optim.Muon(
        matrices.values(),
        lr=0.02,
        momentum=0.9,
        nesterov=nesterov,
        weight_decay=0.1,
        adjust_lr_fn=adjust,
    )
    moved = dict(model.named_parameters())
    for step in range(STEPS):
        gradients(model, step)
        for name, matrix in matrices.items():
            gradient = moved[name].grad
            assert gradient is not None
            matrix.grad = gradient.flatten(1)
        ours.step()
        theirs.step()
    for name, matrix in matrices.items():  # torch's products are bfloat16, ours where that is quick
        far = (moved[name].detach().flatten(1) - matrix).norm() / matrix.norm()
        assert far < 0.02, name


@pytest.mark.parametrize("other", ["adamw", "sgd"])
def test_twenty_steps_are_those_of_the_formulas(other: str) -> None:
    model = stack(torch.float64)
    weights = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    ours = optimizer(model, "muon", rate=0.02, decay=0.1, other=other, other_rate=0.004)
    m = {name: np.zeros_like(w) for name, w in weights.items()}
    v = {name: np.zeros_like(w) for name, w in weights.items()}
    for t in range(1, STEPS + 1):
        gradients(model, t)
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            g = parameter.grad.numpy()
            rate = 0.02 if name in HIDDEN else 0.004
            w = weights[name] * (1 - rate * (0.1 if g.ndim > 1 else 0.0))
            if name in HIDDEN:
                m[name] = 0.95 * m[name] + 0.05 * g
                matrix = (0.05 * g + 0.95 * m[name]).reshape(len(g), -1)
                scale = max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
                w = w - rate * scale * newton_schulz(matrix).reshape(g.shape)
            elif other == "sgd":
                m[name] = 0.95 * m[name] + g
                w = w - rate * (g + 0.95 * m[name])
            else:
                m[name] = 0.9 * m[name] + 0.1 * g
                v[name] = 0.999 * v[name] + 0.001 * g**2
                w = w - rate * (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            weights[name] = w
        ours.step()
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(parameter.detach().numpy(), weights[name], rtol=1e-7, atol=1e-9)


def test_the_first_layer_the_head_biases_and_norms_go_by_the_other_rule() -> None:
    torch.manual_seed(0)
    model = models.build("resnet9", 5, 3, (16, 16), {"width": 4})
    ours = optimizer(model, "muon", rate=0.02)
    rule = {id(p): group["rule"] for group in ours.param_groups for p in group["params"]}
    weights = [name for name, p in model.named_parameters() if p.ndim > 1]
    hidden = {name for name, p in model.named_parameters() if rule[id(p)] == "muon"}
    assert hidden == {*weights[1:]} - {f"body.{head}.weight" for head in model.heads}
    scales = {group["rule"]: group["scale"] for group in ours.param_groups}
    assert scales == {"muon": 1.0, "adamw": pytest.approx(3e-4 / 0.02)}


def test_channels_last_filters_move_as_others_do() -> None:
    one, two = stack(torch.float64), stack(torch.float64).to(memory_format=torch.channels_last)
    for model in (one, two):
        ours = optimizer(model, "muon", rate=0.02)
        for step in range(3):
            gradients(model, step)
            ours.step()
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-10)


def test_a_network_without_hidden_weights_is_told_so() -> None:
    with pytest.raises(RecipeError, match=r"\(muon\): no weights between the first layer and the"):
        optimizer(models.build("shallownet", 5, 3, (16, 16), {}), "muon", rate=0.02)
