"""What the settings of the classic networks mean, from LeNet-5 to AlexNet and VGG."""

import pytest
import torch
from torch import nn

from sightline import models
from sightline.errors import RecipeError, UnknownName


def count(model: nn.Module, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in model.modules())


def dropouts(model: nn.Module) -> list[float]:
    return [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)]


def test_lenet5_has_the_papers_maps_and_no_relu() -> None:
    """C1 28x28x6, S2 14x14x6, C3 10x10x16, S4 5x5x16 at 32x32."""
    body = models.build("lenet5", 10, 1, (32, 32)).body
    x, seen = torch.rand(1, 1, 32, 32), []
    for layer in body.features:
        x = layer(x)
        seen.append(tuple(x.shape[1:]))
    assert [seen[i] for i in (0, 2, 3, 5)] == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
    assert count(body, nn.Tanh) == 4
    assert count(body, nn.AvgPool2d) == 2
    assert count(body, nn.ReLU) == count(body, nn.MaxPool2d) == 0


@pytest.mark.parametrize(
    ("activation", "kind"), [("sigmoid", nn.Sigmoid), ("relu", nn.ReLU), ("tanh", nn.Tanh)]
)
def test_the_mlps_widths_and_activation_are_the_ones_asked_for(activation: str, kind: type) -> None:
    settings = {"first": 7, "second": 3, "activation": activation}
    body = models.build("mlp", 2, 3, (4, 5), settings).body
    assert [tuple(p.shape) for p in body.parameters() if p.ndim == 2] == [(7, 60), (3, 7), (2, 3)]
    assert count(body, kind) == 2


def test_an_unknown_activation_is_named() -> None:
    with pytest.raises(UnknownName, match="rlu"):
        models.build("mlp", 2, 3, (4, 4), {"activation": "rlu"})


def test_minivggnet_normalizes_after_each_of_its_five_activations() -> None:
    body = models.build("minivggnet", 10, 3, (32, 32)).body
    order = [
        type(layer)
        for layer in body.modules()
        if isinstance(layer, nn.ReLU | nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    assert order[0::2] == [nn.ReLU] * 5
    assert order[1::2] == [nn.BatchNorm2d] * 4 + [nn.BatchNorm1d]
    norm = body.get_submodule("hidden.2")
    assert (norm.eps, norm.momentum) == (1e-3, 0.01)  # Keras's


def test_minivggnet_without_batch_norm_has_no_such_layer_and_no_statistics() -> None:
    body = models.build("minivggnet", 10, 3, (32, 32), {"batch_norm": False}).body
    assert count(body, nn.BatchNorm1d) == count(body, nn.BatchNorm2d) == 0
    assert list(body.buffers()) == []


def test_minivggnets_dropout_rates_are_the_books_or_those_asked_for() -> None:
    assert dropouts(models.build("minivggnet", 10, 3, (32, 32))) == [0.25, 0.25, 0.5]
    settings = {"dropout": 0.1, "dropout_fc": 0}
    assert dropouts(models.build("minivggnet", 10, 3, (32, 32), settings)) == [0.1, 0.1, 0.0]


def test_without_dropout_training_repeats_itself() -> None:
    settings = {"dropout": 0, "dropout_fc": 0, "batch_norm": False, "width": 4, "hidden": 8}
    model = models.build("minivggnet", 2, 1, (8, 8), settings).train()
    inputs = torch.rand(2, 1, 8, 8)
    assert torch.equal(model(inputs), model(inputs))


def test_a_dropout_above_one_is_refused_in_one_line() -> None:
    with pytest.raises(RecipeError, match="model minivggnet: dropout probability .* 1.5"):
        models.build("minivggnet", 2, 3, (32, 32), {"dropout": 1.5})


def test_the_books_alexnet_has_the_books_layers() -> None:
    """Volumes at 227x227: 55, 27, 13 and 6; dropout .25 after poolings, .5 between FC."""
    with torch.device("meta"):
        body = models.build("alexnet_book", 2, 3, (227, 227)).body.eval()
        x, sides = torch.empty(1, 3, 227, 227), []
        for layer in body.features:
            x = layer(x)
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                sides.append(x.shape[-1])
    assert sides == [55, 27, 27, 13, 13, 13, 13, 6]
    assert dropouts(body) == [0.25, 0.25, 0.25, 0.5, 0.5]
    assert count(body, nn.BatchNorm2d) == 5
    assert count(body, nn.BatchNorm1d) == 2


def test_alexnets_width_and_hidden_units_scale_all_layers() -> None:
    body = models.build("alexnet", 5, 1, (64, 64), {"width": 2, "hidden": 9}).body
    shapes = {key: tuple(p.shape) for key, p in body.named_parameters()}
    assert shapes["features.0.weight"] == (2, 1, 11, 11)
    assert shapes["features.6.weight"] == (12, 6, 3, 3)
    assert shapes["classifier.1.weight"] == (9, 8 * 36)
    assert shapes["classifier.6.weight"] == (5, 9)


@pytest.mark.parametrize(("depth", "convolutions"), [(11, 8), (13, 10), (16, 13), (19, 16)])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_vgg_has_as_many_layers_with_weights_as_its_name_says(
    depth: int, convolutions: int, batch_norm: bool
) -> None:
    name = f"vgg{depth}" + "_bn" * batch_norm
    body = models.build(name, 3, 3, (32, 32), {"width": 1, "hidden": 4}).body
    assert count(body, nn.Conv2d) == convolutions
    assert count(body, nn.Conv2d) + count(body, nn.Linear) == depth
    assert count(body, nn.BatchNorm2d) == convolutions * batch_norm
    assert count(body, nn.MaxPool2d) == 5
    assert {layer.kernel_size for layer in body.modules() if isinstance(layer, nn.Conv2d)} == {
        (3, 3)
    }


def test_the_courses_second_network_pads_as_the_notes_say() -> None:
    """Same padding throughout: 64x64x8, pooled to 8x8, then 8x8x16, pooled to 2x2."""
    body = models.build("course_conv2", 6, 3, (64, 64)).body
    x, seen = torch.rand(1, 3, 64, 64), []
    for layer in body.features:
        x = layer(x)
        if not isinstance(layer, nn.ZeroPad2d | nn.ReLU):
            seen.append(tuple(x.shape[1:]))
    assert seen == [(8, 64, 64), (8, 8, 8), (16, 8, 8), (16, 2, 2)]
