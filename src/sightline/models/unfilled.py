"""Networks built for their shapes alone: on the meta device, where tensors have no numbers."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

FILLS = frozenset(name for name in dir(nn.init) if name.endswith("_") and name[0] != "_")


class _Unfilled(TorchFunctionMode):
    """Passes over what would fill a tensor of the meta device: drawing normal numbers there loads
    torch's compiler, some 800 modules and a second."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        tensor = args[0] if args else kwargs.get("tensor")
        if isinstance(tensor, Tensor) and tensor.is_meta and func.__name__ in FILLS:
            return tensor
        return func(*args, **kwargs)


def unfilled() -> AbstractContextManager[object]:
    """In it, initialization costs nothing where the meta device is the default one."""
    return _Unfilled() if torch.get_default_device().type == "meta" else nullcontext()
