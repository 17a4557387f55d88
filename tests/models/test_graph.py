"""Graphs of networks against hand-worked numbers, published ones, and autograd."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sightline.errors import RecipeError
from sightline.models.graph import Graph, Layer, graph_of, trace


def on_meta(make: Callable[[], nn.Module], channels: int = 3, side: int = 32) -> Graph:
    with torch.device("meta"):
        return trace(make(), channels, (side, side))


def last(graph: Graph) -> Layer:
    return graph.by_name[graph.outputs[0]]


def published(name: str, side: int = 224) -> Graph:
    return graph_of(name, 1000, 3, (side, side))


@pytest.mark.parametrize(
    ("name", "size"), [("alexnet", 195), ("vgg16", 212), ("mobilenet_v1", 315)]
)
def test_receptive_fields_are_those_of_araujo_norris_and_sim(name: str, size: int) -> None:
    maps = [layer for layer in published(name).layers if len(layer.shape) == 3]
    field = next(m for m in reversed(maps) if m.kind != "adaptive pool").field
    assert field.size == (size, size)


def test_receptive_fields_of_lenet_are_those_worked_by_hand() -> None:
    graph = graph_of("lenet", 10, 1, (28, 28))
    sizes = [layer.field.size[0] for layer in graph.layers]
    # input, conv 5, relu, pool, conv 5, relu, pool, flatten, 500, relu, 10
    assert sizes == [1, 5, 5, 6, 14, 14, 16, 16, 40, 40, 40]
    assert [graph.by_name[f"body.{i}"].field.jump[0] for i in (0, 2, 3, 5)] == [1, 2, 2, 4]
    assert graph.by_name["body.5"].field.start == (2.0, 2.0)  # the first pool's center of 4x4


def test_a_branch_sees_as_much_as_its_widest_part() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wide = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.Conv2d(4, 4, 3, padding=1))
            self.tall = nn.Conv2d(3, 4, (9, 1), padding=(4, 0))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.wide(x), self.tall(x), x], 1)

    layer = last(on_meta(Branches))
    assert (layer.kind, layer.shape) == ("concat", (11, 32, 32))
    assert layer.field.size == (9, 7)


def test_a_gate_does_not_hide_what_convolutions_see() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.gate = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(x, 1)))

    graph = on_meta(Gated)
    assert last(graph).field.size == (3, 3)
    assert graph.by_name["gate"].field.size == (34, 34)  # all 32 places, and a border


def test_modules_and_functions_are_one_kind() -> None:
    class Functions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 3, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(F.conv2d(x, self.weight, None, 2, 1))
            x = F.pad(F.max_pool2d(x, 3, 2, ceil_mode=True), (1, 2, 0, 0))
            x = F.interpolate(x, scale_factor=2.0)
            return F.dropout(x.mean((2, 3)), 0.3)

    def modules() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.ZeroPad2d((1, 2, 0, 0)), nn.Upsample(scale_factor=2.0), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Dropout(0.3),
        )  # fmt: skip

    one, other = on_meta(Functions), on_meta(modules)
    for a, b in zip(one.layers[:6], other.layers[:6], strict=True):
        assert (a.kind, a.settings, a.shape) == (b.kind, b.settings, b.shape)
        assert (a.parameters, a.multiply_adds, a.field) == (b.parameters, b.multiply_adds, b.field)
    assert [layer.kind for layer in one.layers[6:]] == ["mean", "dropout"]
    assert one.layers[2].shape == (8, 16, 16) and one.layers[3].shape == (8, 8, 8)  # ceil
    assert last(one).field.size == last(other).field.size
    assert last(one).settings == {"p": 0.3}


def test_multiply_adds_are_those_counted_by_hand() -> None:
    def make() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),  # 32 * 32 * 8 * 27
            nn.Conv2d(8, 8, 3, 2, 1, groups=8),  # 16 * 16 * 8 * 9
            nn.Conv2d(8, 16, 1, groups=2),  # 16 * 16 * 16 * 4
            nn.ConvTranspose2d(16, 4, 2, 2),  # 16 * 16 * 16 * 4 * 4
            nn.Flatten(),
            nn.Linear(4 * 32 * 32, 10),
        )

    expected = [0, 221_184, 18_432, 16_384, 65_536, 0, 40_960]
    assert [layer.multiply_adds for layer in on_meta(make).layers] == expected


@pytest.mark.parametrize(
    ("name", "giga"), [("resnet50", 4.09), ("mobilenet_v2", 0.30), ("resnet18", 1.81)]
)
def test_multiply_adds_are_the_published_ones(name: str, giga: float) -> None:
    assert round(published(name).multiply_adds / 1e9, 2) == giga


def test_parameters_used_twice_or_in_training_alone_are_told_apart() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 2)
            self.helper = nn.Linear(3, 7)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(self.conv(x)).mean((2, 3))
            return (self.head(x), self.helper(x)) if self.training else self.head(x)  # type: ignore

    graph = on_meta(Twice)
    assert [layer.parameters for layer in graph.layers] == [0, 84, 0, 0, 8]
    assert len({layer.name for layer in graph.layers}) == 5
    assert (graph.elsewhere, graph.parameters) == (28, 84 + 8 + 28)


def test_layers_know_their_block_and_its_class() -> None:
    graph = published("resnet18", 64)
    layer = next(layer for layer in graph.layers if layer.kind == "add")
    assert layer.block == "layer1.0"
    assert graph.by_name["layer1.0.conv1"].block == "layer1.0"
    assert graph.blocks["layer1"] == "Sequential"
    assert graph.blocks["layer1.0"] not in ("", "Sequential")


def test_a_module_that_cannot_be_followed_is_a_mistake_in_one_line() -> None:
    class Deciding(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(RecipeError, match="network at 32x32 cannot be followed: ") as caught:
        on_meta(Deciding)
    assert "\n" not in str(caught.value)
    with pytest.raises(RecipeError, match="cannot be followed"):
        on_meta(lambda: nn.Conv2d(3, 3, 5), side=3)


def test_adaptive_pools_see_windows_that_share_the_map() -> None:
    even = last(on_meta(lambda: nn.AdaptiveAvgPool2d(4), side=12)).field
    assert (even.size, even.jump, even.start) == ((3, 3), (3, 3), (1.5, 1.5))
    uneven = last(on_meta(lambda: nn.AdaptiveMaxPool2d((2, 7)), side=7)).field  # 0 to 4, 3 to 7
    assert (uneven.size, uneven.jump, uneven.start) == ((4, 1), (3.5, 1), (2, 0.5))


STEP = st.tuples(
    st.sampled_from(["conv", "pool", "up", "pad", "slice"]),
    st.integers(1, 4),  # kernel
    st.integers(1, 3),  # stride
    st.integers(0, 2),  # padding
    st.integers(1, 2),  # dilation
)


class Chain(nn.Module):
    """One channel of ones through a few layers that only add."""

    def __init__(self, steps: list[tuple[str, int, int, int, int]]) -> None:
        super().__init__()
        self.steps = steps
        self.weights = nn.ParameterList([torch.ones(1, 1, s[1], s[1]) for s in steps])

    def forward(self, x: Tensor) -> Tensor:
        for (kind, k, s, p, d), weight in zip(self.steps, self.weights, strict=True):
            if kind == "conv":
                x = F.conv2d(x, weight, None, s, p, d)
            elif kind == "pool":
                x = F.avg_pool2d(x, k, s, min(p, k // 2))
            elif kind == "up":
                x = F.interpolate(x, scale_factor=s)
            elif kind == "pad":
                x = F.pad(x, (p, 0, p + 1, 1))
            else:
                x = x[:, :, p:, ::s]
        return x


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=4))
def test_fields_are_where_autograd_finds_them(steps: list[tuple[str, int, int, int, int]]) -> None:
    side = 60
    model = Chain(steps)
    x = torch.zeros(1, 1, side, side, requires_grad=True)
    try:
        answer = model(x)
    except RuntimeError:
        reject()  # nothing is left for a window
    assume(answer.numel())
    layer = last(trace(Chain(steps).to("meta"), 1, (side, side)))
    assert layer.shape == tuple(answer.shape[1:])
    for axis in (0, 1):
        if any(s[0] == "up" for s in steps):
            continue  # after nearest enlargement, fields differ from place to place
        at = [n // 2 for n in answer.shape[2:]]
        gradient = torch.autograd.grad(answer[0, 0, at[0], at[1]], x, retain_graph=True)[0]
        seen = gradient[0, 0].sum(1 - axis).nonzero().flatten()
        if not len(seen):
            continue  # the field lies in the padding
        center = layer.field.start[axis] + at[axis] * layer.field.jump[axis]
        low, high = (center + sign * layer.field.size[axis] / 2 for sign in (-1, 1))
        assert max(0, low) <= seen[0] + 1e-6 and seen[-1] + 1 <= min(side, high) + 1e-6
        cut = "slice" in {s[0] for s in steps}  # padding then lies over real pixels
        if not cut and low >= 0 and high <= side:
            assert (int(seen[0]), int(seen[-1]) + 1) == (low, high)
