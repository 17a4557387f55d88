"""Summaries: the table, and memory against what autograd really keeps."""

import pytest
import torch
from torch import Tensor, nn

from sightline import models
from sightline.models import summary
from sightline.models.graph import graph_of, trace

SETTINGS = {"resnet18": {"width": 8}, "googlenet": {"width": 8}, "mobilenet_v2": {"width": 0.25}}


def kept_by_autograd(body: nn.Module, inputs: Tensor) -> int:
    """Bytes of every tensor but parameters and buffers that is saved for the way back."""
    own = [*body.parameters(), *body.buffers()]
    known = {tensor.untyped_storage().data_ptr() for tensor in own}
    saved: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in known:
            saved[pointer] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        answer = body.train()(inputs)
    assert answer is not None
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("lenet", 28), ("lenet5", 32), ("minivggnet", 32), ("resnet9", 32), ("resnet18", 64),
        ("googlenet", 64), ("mobilenet_v2", 64), ("efficientnet_b0", 64), ("squeezenet1_1", 64),
        ("mlp", 8), ("xception", 71), ("resnet20_cifar", 32), ("pattern", 32),
    ],
)  # fmt: skip
def test_activations_are_what_autograd_keeps(name: str, side: int) -> None:
    channels, batch = models.MODELS[name].channels, 8
    settings = SETTINGS.get(name)
    body = models.build(name, 10, channels, (side, side), settings).body
    real = kept_by_autograd(body, torch.rand(batch, channels, side, side))
    graph = graph_of(name, 10, channels, (side, side), settings)
    assert summary.activations_of(graph) * batch == pytest.approx(real, rel=0.03)


def test_a_summary_is_a_line_a_layer_totals_and_memory() -> None:
    text = summary.to_text(graph_of("lenet", 10, 1, (28, 28)), 32)
    lines = text.splitlines()
    assert lines[0] == "lenet: 28x28x1 in, 10 out"
    assert lines[2].split() == ["layer", "what", "output", "parameters", "mult-adds", "field"]
    conv, fc = lines[7].split(), lines[13].split()
    assert conv == ["body.3", "conv", "5x5,", "50", "14x14x50", "25,050", "4.90", "M", "14"]
    assert fc == ["fc", "linear", "10", "10", "5,010", "5,000", "40"]
    assert "1,256,080 parameters, 6.52 M multiply-adds an image" in text
    assert "sees 16x16 pixels of the input's 28x28" in text
    assert "memory to train on batches of 32: about 26.0 MB, of which" in text
    assert "Adam" in text and "momentum" in text


@pytest.mark.parametrize("name", ["vgg19_bn", "resnet101", "efficientnet_b7", "inception_v3"])
def test_80_columns_are_enough(name: str) -> None:
    size = models.MODELS[name].size
    text = summary.to_text(graph_of(name, 1000, 3, size), 65_536)
    assert max(map(len, text.splitlines())) <= 80


def test_a_wider_terminal_shows_longer_names() -> None:
    graph = graph_of("efficientnet_b0", 1000, 3, (224, 224))
    long = max((layer.name for layer in graph.layers), key=len)
    assert long not in summary.to_text(graph, 1)
    assert long in summary.to_text(graph, 1, 140)


def test_memory_adds_up_and_grows_with_the_batch() -> None:
    graph = graph_of("lenet", 10, 1, (28, 28))
    one, two = summary.memory_of(graph, 1), summary.memory_of(graph, 2)
    assert one.weights == one.gradients == one.optimizer // 2 == 4 * 1_256_080
    assert two.activations == 2 * one.activations
    assert one.total == one.weights + one.gradients + one.optimizer + one.activations


def test_parameters_of_training_alone_are_said() -> None:
    graph = graph_of("googlenet", 10, 3, (64, 64), {"auxiliary": True, "width": 8})
    assert graph.elsewhere > 0
    text = summary.to_text(graph, 1)
    assert f"of them {graph.elsewhere:,} in heads that answer in training alone" in text
    assert summary.to_dict(graph, 1)["parameters_elsewhere"] == graph.elsewhere


def test_layers_are_described_in_a_few_letters() -> None:
    with torch.device("meta"):
        net = nn.Sequential(
            nn.Conv2d(4, 8, (1, 7), (2, 1), groups=2),
            nn.Conv2d(8, 8, 3, 2, dilation=2, groups=8),
            nn.MaxPool2d(3, 2),
            nn.AdaptiveAvgPool2d(2),
            nn.Dropout(0.25),
        )
        graph = trace(net, 4, (32, 32))
    assert [summary.what(layer) for layer in graph.layers[1:]] == [
        "conv 1x7/2x1, 8 g2", "conv 3x3/2, 8 dw d2", "max pool 3x3/2", "pool to 2x2",
        "dropout 0.25",
    ]  # fmt: skip
