"""A classifier turned into convolutions: one pass answers for every window of a larger image.

Sermanet et al. 2013; course, 6.4. A linear layer over flattened maps (c, h, w) is a convolution
with kernels of h x w; a linear layer behind it is one of 1x1; the mean over a whole map is a mean
over windows of its size. So what the network says of the window at row i, column j of its stride
stands at (i, j) of the answer: a window of 14x14 gives 1x1, an image of 16x16 gives 2x2.
"""

from copy import copy
from typing import Any, final

import torch
from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError
from torch.nn import functional as F

from sightline.errors import RecipeError
from sightline.models import Network
from sightline.models.graph import LEAVES
from sightline.models.surgery import twin
from sightline.types import Size

Shape = tuple[int, ...]
POINTWISE = (  # of each place alone, on maps and on rows
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.Hardswish,
    nn.Hardsigmoid, nn.Identity, nn.Dropout, nn.Dropout2d, nn.BatchNorm2d,
)  # fmt: skip
FUNCTIONS = frozenset({F.relu, F.relu6, F.silu, F.gelu, F.dropout, torch.relu, torch.tanh})


@final
class Convolutional(nn.Module):
    """Inputs (n, c, h, w) in [0, 1], of at least the window, to (n, outputs, rows, columns): what
    the network says of each window, before the task's softmax.

    window  (height, width) that the network sees
    stride  pixels between windows, down and across: the product of the network's own
    exact   whether each answer is the network's on the window cut out. Where it pads its maps it is
            not: cut out, a window has zeros around it; in an image it has its neighbors, and the
            two agree only for an image that is one window.
    """

    def __init__(self, network: Network, body: nn.Module, window: Size, follow: "_Follow") -> None:
        super().__init__()
        self.normalize, self.body, self.window = network.normalize, body, window
        self.stride, self.exact = follow.stride, follow.exact

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (
            (side - seen) // step + 1
            for side, seen, step in zip(x.shape[2:], self.window, self.stride, strict=True)
        )
        found: Tensor = self.body(self.normalize(x))
        return found[:, :, :rows, :columns]  # padding can leave room for one more


def convolutional(network: Network, channels: int, window: Size) -> Convolutional:
    """The network, made for inputs (n, channels, *window), as convolutions over larger ones.

    Weights are the network's own, also when it trains on; it answers as in evaluation.

    Raises RecipeError, with the layer and the reason, for what sees a window as a whole
    (squeeze-and-excitation, attention) or cannot be followed.
    """
    other = twin(network).eval()
    try:
        code = fx.GraphModule(other.body, _Layers().trace(other.body))
    except (TraceError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise RecipeError(f"the network cannot be turned into convolutions: {reason}") from None
    weight = next(network.parameters())
    with torch.no_grad():
        shapes = _Shapes(code)
        shapes.run(other.normalize(torch.zeros(1, channels, *window, device=weight.device)))
        follow = _Follow(code, shapes.found)
        follow.rewrite()
    code.graph.lint()
    code.recompile()
    return Convolutional(other, code, window, follow).eval()


class _Layers(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, qualified_name: str) -> bool:
        return isinstance(m, LEAVES) or super().is_leaf_module(m, qualified_name)


class _Shapes(fx.Interpreter):
    """Runs a window through, and keeps the shape of what each step gives, without the batch."""

    def __init__(self, code: fx.GraphModule) -> None:
        super().__init__(code)
        self.found: dict[fx.Node, Shape] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n] = tuple(result.shape[1:])
        return result


class _Follow:
    """Goes through the steps of a traced network and changes those that see a whole map.

    maps     the shape (c, h, w), in one window, of what each step gives
    strides  pixels of the input between its places
    """

    def __init__(self, code: fx.GraphModule, shapes: dict[fx.Node, Shape]) -> None:
        self.code, self.shapes = code, shapes
        self.maps: dict[fx.Node, Shape] = {}
        self.strides: dict[fx.Node, tuple[int, int]] = {}
        self.stride, self.exact = (1, 1), True

    def rewrite(self) -> None:
        for node in list(self.code.graph.nodes):
            if node.op == "placeholder":
                self.maps[node], self.strides[node] = self.shapes[node], (1, 1)
            elif node.op == "output":
                self._end(node)
            elif node.op == "call_module":
                self._module(node, self.code.get_submodule(str(node.target)))
            elif node.op in ("call_function", "call_method"):
                self._function(node)
            else:
                raise _refused(node, "it uses weights outside a layer")

    def _end(self, node: fx.Node) -> None:
        last = node.args[0]
        if not isinstance(last, fx.Node) or self.maps[last][1:] != (1, 1):
            raise RecipeError(
                "the network cannot be turned into convolutions: it does not end in one answer"
            )
        self.stride = self.strides[last]

    def _module(self, node: fx.Node, module: nn.Module) -> None:
        source = node.all_input_nodes[0]
        shape = self.maps[source]
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            self._local(node, module)
        elif isinstance(module, nn.Linear):
            if len(self.shapes[source]) != 1:
                raise _refused(node, "a linear layer of something other than flattened maps")
            self._replace(node, _kernels(module, shape), (module.out_features, 1, 1))
        elif isinstance(module, nn.AdaptiveAvgPool2d):
            self._average(node, shape)
        elif isinstance(module, nn.Flatten):
            self._flatten(node)
        elif isinstance(module, nn.BatchNorm1d) and shape[1:] == (1, 1):
            self._replace(node, _of_maps(module), shape)
        elif isinstance(module, nn.ZeroPad2d):
            self.exact = False
            self._keep(node, self.shapes[node])
        elif isinstance(module, POINTWISE):
            self._keep(node, shape)
        else:
            raise _refused(node, f"{type(module).__name__} is no layer of single places")

    def _local(self, node: fx.Node, module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> None:
        """Convolutions and pools stay; one that fills the window's map moves by 1."""
        source, shape = node.all_input_nodes[0], self.shapes[node]
        if len(shape) != 3:
            raise _refused(node, "it gives no maps")
        steps = _pair(module.stride)
        padded = module.padding not in (0, (0, 0), "valid")
        self.exact &= not padded and not getattr(module, "ceil_mode", False)
        if steps != (1, 1) and _fills(module, self.shapes[source]):
            still = copy(module)
            still.stride = steps = (1, 1)
            self._replace(node, still, shape)
            return
        before = self.strides[source]
        self.maps[node] = shape
        self.strides[node] = before[0] * steps[0], before[1] * steps[1]

    def _average(self, node: fx.Node, shape: Shape) -> None:
        """Of a map's whole extent, or of none where it has the size asked for already."""
        to = self.shapes[node][-2:] if len(self.shapes[node]) == 3 else (1, 1)
        if to == (1, 1):
            self._replace(node, nn.AvgPool2d(shape[1:], 1), (shape[0], 1, 1))  # type: ignore[arg-type]
        elif to == shape[1:]:
            self._replace(node, nn.Identity(), shape)
        else:
            raise _refused(node, f"it makes {to} of {shape[1:]}, by windows of differing size")

    def _flatten(self, node: fx.Node) -> None:
        source = node.all_input_nodes[0]
        if len(self.shapes[node]) != 1:
            raise _refused(node, "it flattens only a part")
        self._replace(node, nn.Identity(), self.maps[source])

    def _function(self, node: fx.Node) -> None:
        name = node.target if isinstance(node.target, str) else node.target.__name__
        name = name.strip("_").removeprefix("i")  # += is iadd
        inputs = [self.maps[other] for other in node.all_input_nodes if other in self.maps]
        if len(inputs) != len(node.all_input_nodes) or not inputs:
            raise _refused(node, f"{name} of something other than maps")
        if name == "flatten":
            self._flatten(node)
        elif name == "mean" and len(self.shapes[node]) in (1, 3) and len(inputs[0]) == 3:
            self._mean(node, inputs[0])
        elif name in ("add", "mul", "cat"):
            self._joined(node, name, inputs)
        elif name == "pad" and self.shapes[node][1:] == inputs[0][1:]:
            self._keep(node, self.shapes[node])  # of channels
        elif name == "getitem" and len(self.shapes[node]) == 3:
            self._keep(node, self.shapes[node], _steps(node))
        elif node.target in FUNCTIONS or name in ("relu", "contiguous"):
            self._keep(node, inputs[0])
        else:
            raise _refused(node, f"{name} is no step of single places")

    def _mean(self, node: fx.Node, shape: Shape) -> None:
        dims: Any = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
        if not isinstance(dims, tuple | list) or sorted(d % 4 for d in dims) != [2, 3]:
            raise _refused(node, "a mean over other axes than those of the map")
        self._average(node, shape)

    def _joined(self, node: fx.Node, name: str, inputs: list[Shape]) -> None:
        if len({shape[1:] for shape in inputs}) > 1:
            raise _refused(node, "each place is weighed by what the whole window shows")
        if len({self.strides[other] for other in node.all_input_nodes}) > 1:
            raise _refused(node, "maps of different strides are joined")
        if name == "cat" and self.shapes[node][0] != sum(shape[0] for shape in inputs):
            raise _refused(node, "maps are joined along another axis than the channels")
        channels = sum(s[0] for s in inputs) if name == "cat" else inputs[0][0]
        self._keep(node, (channels, *inputs[0][1:]))

    def _keep(self, node: fx.Node, shape: Shape, steps: tuple[int, int] = (1, 1)) -> None:
        before = self.strides[node.all_input_nodes[0]]
        self.maps[node] = shape
        self.strides[node] = before[0] * steps[0], before[1] * steps[1]

    def _replace(self, node: fx.Node, module: nn.Module, shape: Shape) -> None:
        """Another layer in a step's place; it moves by 1."""
        source, name = node.all_input_nodes[0], f"windowed_{node.name}"
        self.code.add_submodule(name, module)
        with self.code.graph.inserting_before(node):
            new = self.code.graph.call_module(name, (source,))
        node.replace_all_uses_with(new)
        self.code.graph.erase_node(node)
        self.maps[new], self.strides[new] = shape, self.strides[source]
        self.shapes[new] = self.shapes.pop(node)


def _refused(node: fx.Node, reason: str) -> RecipeError:
    return RecipeError(
        f"the network cannot be turned into convolutions at {node.target}: {reason}; "
        "slide windows instead: --by windows"
    )


def _kernels(linear: nn.Linear, shape: Shape) -> nn.Conv2d:
    """A linear layer over flattened maps (c, h, w) as a convolution, of the same tensors."""
    channels, size = shape[0], (shape[1], shape[2])
    with torch.device("meta"):
        layer = nn.Conv2d(channels, linear.out_features, size, bias=linear.bias is not None)
    layer.weight = nn.Parameter(linear.weight.detach().view(-1, *shape), requires_grad=False)
    layer.bias = linear.bias
    return layer


def _of_maps(norm: nn.BatchNorm1d) -> nn.BatchNorm2d:
    """Batch norm of rows as that of maps, of the same tensors."""
    with torch.device("meta"):
        layer = nn.BatchNorm2d(norm.num_features, norm.eps, affine=norm.affine)
    layer.weight, layer.bias = norm.weight, norm.bias
    layer.running_mean, layer.running_var = norm.running_mean, norm.running_var
    return layer.eval()


def _fills(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d, shape: Shape) -> bool:
    """Whether a kernel covers a whole map (c, h, w): one place, whatever its stride."""
    if isinstance(module.padding, str):
        return False
    pads, kernel = _pair(module.padding), _pair(module.kernel_size)
    apart = _pair(getattr(module, "dilation", 1))
    return all(
        side + 2 * pad == step * (taps - 1) + 1
        for side, pad, taps, step in zip(shape[1:], pads, kernel, apart, strict=True)
    )


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _steps(node: fx.Node) -> tuple[int, int]:
    """Of x[:, :, ::2, ::2]. Raises RecipeError for any other choice of places."""
    chosen = node.args[1]
    parts = chosen if isinstance(chosen, tuple) else (chosen,)
    slices = [part for part in parts if isinstance(part, slice)]
    whole = len(slices) == len(parts) <= 4 and all(s.start is s.stop is None for s in slices)
    steps = [s.step or 1 for s in slices] + [1] * (4 - len(slices))
    if not whole or steps[:2] != [1, 1]:
        raise _refused(node, "it takes a part of the map")
    return steps[2], steps[3]
