"""Network surgery: another head, parts frozen and freed, features at any layer.

Parts are called as in the network itself, "features.0" or "layer4" (what is below it is meant too),
or "head" (the layers that give the outputs) and "body" (all others).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError
from torch.nn.modules.batchnorm import _NormBase

from sightline.errors import RecipeError, UnknownName
from sightline.models import Network
from sightline.models.bodies import Body
from sightline.models.initialize import initialize

HEAD, BODY, ALL = "head", "body", "all"


@dataclass(frozen=True)
class Part:
    """trained, parameters  numbers that training changes, and all of them"""

    name: str
    trained: int
    parameters: int


def replace_head(network: Network, outputs: int) -> Network:
    """Give the network so many outputs: new layers for its head and its auxiliary heads, drawn as
    Glorot has it, on the device of the old ones. The same network."""
    for name in network.heads:
        if not _has(network.body, name):
            continue  # an auxiliary head that it was built without
        old = network.body.get_submodule(name)
        new: nn.Module
        if isinstance(old, nn.Linear):
            new = nn.Linear(old.in_features, outputs, old.bias is not None)
        elif isinstance(old, nn.Conv2d) and old.groups == 1:
            kept = (old.kernel_size, old.stride, old.padding, old.dilation)
            new = nn.Conv2d(old.in_channels, outputs, *kept, bias=old.bias is not None)  # type: ignore[arg-type]
        else:
            raise RecipeError(f"{name} is {type(old).__name__}: no head that can be replaced")
        initialize(new, "glorot_uniform")
        parent, _, last = name.rpartition(".")
        setattr(network.body.get_submodule(parent), last, new.to(old.weight.device))
    return network


def _has(module: nn.Module, name: str) -> bool:
    return name in dict(module.named_modules())


def freeze(network: Network, *parts: str) -> None:
    """Keep these parts from training; statistics of batch norm in them stay still, too, also after
    `network.train()`. Raises UnknownName."""
    _set(network, parts, trained=False)


def unfreeze(network: Network, *parts: str) -> None:
    """Let these parts train again. Raises UnknownName."""
    _set(network, parts, trained=True)


def _set(network: Network, parts: Sequence[str], trained: bool) -> None:
    modules = dict(network.body.named_modules())
    chosen = {name for part in parts for name in _below(network, part)}
    still = {n for n in chosen if isinstance(modules.get(n), _NormBase)}
    for name, parameter in network.body.named_parameters():
        if name in chosen:
            parameter.requires_grad_(trained)
    network.still = network.still - still if trained else network.still | still
    network.train(network.training)


def _below(network: Network, part: str) -> set[str]:
    """Names of the layers and parameters of a part."""
    body = network.body
    names = [name for name, _ in (*body.named_modules(), *body.named_parameters()) if name]
    if part in (HEAD, BODY):
        of_head = {name for name in names for head in network.heads if _within(name, head)}
        return of_head if part == HEAD else set(names) - of_head
    found = {name for name in names if _within(name, part)}
    if not found:
        raise UnknownName("part", part, {HEAD, BODY, *(name.split(".")[0] for name in names)})
    return found


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def train_from(network: Network, start: str) -> None:
    """Let "all" train, the "head" alone, or a layer, all after it in the order of `layers`, and the
    head; the rest is frozen. Raises UnknownName."""
    names = layers(network)
    if start not in (ALL, HEAD, *names):
        raise UnknownName("layer in train.stages", start, [ALL, HEAD, *names])
    unfreeze(network, HEAD, BODY)
    if start == ALL:
        return
    later = names[names.index(start) :] if start != HEAD else []
    freeze(network, BODY)
    unfreeze(network, HEAD, *later)


def take_weights(network: Network, donor: Network, head: bool = False) -> None:
    """Give the network's layers a like one's weights and statistics; those of its head, too, or
    leave that as it is. Raises RecipeError where they are not alike."""
    heads = set() if head else _below(network, HEAD)
    state, other = network.body.state_dict(), donor.body.state_dict()
    taken = {name: value for name, value in other.items() if name not in heads}
    _require_alike({name: state[name] for name in state if name not in heads}, taken)
    network.body.load_state_dict(state | taken)


def take_body(body: Body, donor: Network) -> None:
    """Give a detector's body the weights and statistics of a classifier of its name. Raises
    RecipeError where they are not alike."""
    state, other = body.state_dict(), donor.body.state_dict()
    taken = {name: value for name, value in other.items() if name in state}
    _require_alike(state, taken)
    body.load_state_dict(taken)


def _require_alike(state: Mapping[str, Tensor], taken: Mapping[str, Tensor]) -> None:
    for name in sorted(state.keys() | taken.keys()):
        if name not in state or name not in taken or state[name].shape != taken[name].shape:
            raise RecipeError(f"these weights are of another network: {name} is not alike")


def trained_parts(network: Network) -> list[Part]:
    """What trains: a row for each part at the top of the network that has parameters."""
    rows = []
    for name, module in network.body.named_children():
        sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
        if sizes:
            trained = sum(size for size, trains in sizes if trains)
            rows.append(Part(name, trained, sum(size for size, _ in sizes)))
    return rows


def layers(network: Network) -> list[str]:
    """Names of all layers and blocks, in the order they were made."""
    return [name for name, _ in network.body.named_modules() if name]


def blocks(network: Network) -> list[str]:
    """Names of the layers and blocks that follow one another from input to head, those that have
    weights: what lies in plain sequences counts one by one."""
    found: list[str] = []

    def add(name: str, module: nn.Module) -> None:
        if isinstance(module, nn.Sequential):
            for child, inner in module.named_children():
                add(f"{name}.{child}" if name else child, inner)
        elif name not in network.heads and any(True for _ in module.parameters()):
            found.append(name)

    for name, module in network.body.named_children():
        add(name, module)
    return found


def features(network: Network, layer: str | None) -> nn.Module:
    """From inputs (n, c, h, w) in [0, 1] to what a layer or block gives, in evaluation; with None,
    to what its head is given.

    Weights and statistics are the network's own, also when it trains on; the mode is not. It runs
    no further than that layer; of one that is used several times the last answer counts.

    Raises UnknownName, or RecipeError for a layer that gives nothing.
    """
    before, layer = layer is None, network.heads[0] if layer is None else layer
    if layer not in layers(network):
        raise UnknownName("layer", layer, layers(network))
    other = twin(network).eval()
    try:
        cut: nn.Module = _cut(other.body, layer, before)
    except TraceError:  # the forward pass asks for values
        cut = _Listening(other.body, layer, before)
    return nn.Sequential(other.normalize, cut).eval()


def twin(network: Network) -> Network:
    """Other modules around the same tensors: what is hung on them does not touch the network."""
    tensors = (*network.parameters(), *network.buffers())
    return deepcopy(network, {id(tensor): tensor for tensor in tensors})


class _Whole(fx.Tracer):
    """Takes one block as a single step."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        whole = module_qualified_name == self.layer
        return whole or super().is_leaf_module(m, module_qualified_name)


def _cut(body: nn.Module, layer: str, before: bool) -> fx.GraphModule:
    """The traced network up to a layer, or up to what is before it. Nothing earlier is left out,
    even where it seems unused: layers that work in place are used without their answer."""
    graph = _Whole(layer).trace(body)
    places = [node for node in graph.nodes if node.op == "call_module" and node.target == layer]
    if not places:
        raise RecipeError(f"{layer} is not called in evaluation, so there is nothing to take")
    last = places[-1].all_input_nodes[0] if before else places[-1]
    for node in reversed(list(graph.nodes)):
        if node is last:
            break
        graph.erase_node(node)
    graph.output(last)
    graph.lint()
    return fx.GraphModule(body, graph)


class _Listening(nn.Module):
    """The whole network, with a hook on one layer."""

    def __init__(self, body: nn.Module, layer: str, before: bool) -> None:
        super().__init__()
        self.body, self.layer, self.before = body, layer, before

    def forward(self, x: Tensor) -> Tensor:
        heard: list[Tensor] = []

        def listen(_: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
            heard.append((given[0] if self.before else answer).clone())  # others may work in place

        hook = self.body.get_submodule(self.layer).register_forward_hook(listen)
        try:
            self.body(x)
        finally:
            hook.remove()
        return heard[-1]
