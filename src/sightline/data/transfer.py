"""Arrays on their way to a device: from pinned memory, so that nobody waits for a GPU."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def put(column: NDArray[Any], device: torch.device) -> Tensor:
    """An array on the device; a GPU is not waited for."""
    return sent(torch.from_numpy(np.ascontiguousarray(column)), device)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on the device; likewise."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
