"""How much of what the processor can do does training MiniVGGNet get?

Images a second of MiniVGGNet on CIFAR-10 (batches of 64, SGD with momentum) by the real loop and
loader, times the operations an image needs, as a share of what this machine reaches with one large
matrix product (2048x2048x2048) in the same precision, measured in turn with the training. Aim: half
of it in bfloat16.

Operations: two a multiply-add, of the way forward once and of the way back twice (by the inputs and
by the weights), but for the first layer, whose inputs need no gradient. Norms, activations, pools,
dropout and the optimizer count as none: what they take is what is missing.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import measure
import numpy as np
import torch

from sightline import models, tasks
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Loader
from sightline.data.opening import open_path
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.models.graph import graph_of
from sightline.training.fit import fit
from sightline.training.optim import optimizer
from sightline.training.run import Run

BATCH, STEPS, SIDE = 64, 20, 2048
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def operations() -> int:
    """Floating-point operations of one training image."""
    graph = graph_of("minivggnet", 10, 3, (32, 32))
    first = next(layer for layer in graph.layers if layer.multiply_adds)
    return 2 * (3 * graph.multiply_adds - first.multiply_adds)


def pictures() -> ArrayDataset:
    """As many images of CIFAR-10 as a turn takes; generated ones where it is not there."""
    count = BATCH * STEPS
    root = Path(os.environ.get("SIGHTLINE_DATA", "")) / "cifar10"
    classes = [str(number) for number in range(10)]
    if root.is_dir():
        train = open_path(root).train
        rows = np.arange(count)
        return ArrayDataset(np.array(train.images(rows)), train.truths.take(rows), classes)
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return ArrayDataset(pixels, Truths(label=np.arange(count) % 10), classes)


class Training:
    """The real loop, a short epoch a turn; `rate` is images a second of one."""

    def __init__(
        self, data: ArrayDataset, precision: str, device: torch.device, compiled: bool = False
    ) -> None:
        torch.manual_seed(0)
        network = models.build("minivggnet", 10, 3, (32, 32))
        model = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if compiled:
            model.compile()
        self.run = Run(
            model=model,
            task=tasks.build("classification", data.classes, {}),
            optimizers={"model": optimizer(model, "sgd", rate=0.01, momentum=0.9, nesterov=True)},
            rates={"model": lambda _: 0.01},
            device=device,
            precision=precision,
        )
        self.loader = Loader(data, View((32, 32)), BATCH, 0, device)

    def rate(self) -> float:
        start = time.perf_counter()
        fit(self.run, self.loader, None, self.run.epoch + 1)
        return BATCH * len(self.loader) / (time.perf_counter() - start)


def product(kind: torch.dtype, device: torch.device, repeats: int = 5) -> float:
    """Operations a second of matrix products in a row."""
    a, b = (torch.randn(SIDE, SIDE, device=device).to(kind) for _ in range(2))
    a @ b
    _wait(device)
    start = time.perf_counter()
    for _ in range(repeats):
        a @ b
    _wait(device)
    return repeats * 2 * SIDE**3 / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def compared(data: ArrayDataset, precision: str, rounds: int) -> dict[str, object]:
    device = torch.device("cpu")
    training = Training(data, precision, device)
    training.rate()
    trained, multiplied, shares = [], [], []
    for _ in range(rounds):
        before = product(TYPES[precision], device)
        trained.append(training.rate())
        multiplied += [before, product(TYPES[precision], device)]
        shares.append(trained[-1] * operations() / statistics.mean(multiplied[-2:]))
    best = max(trained) * operations() / max(multiplied)
    return {
        "images a second": measure.spread(trained, 1, 0),
        "billion operations a second": measure.spread(trained, operations() / 1e9, 1),
        "matrix product, billions": measure.spread(multiplied, 1e-9, 1),
        "share of the product, %": measure.spread(shares, 100, 1),
        "best of best, %": round(100 * best, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    data = pictures()
    figures: dict[str, object] = {"operations an image": operations()}
    for threads in given.threads:
        torch.set_num_threads(threads)
        for precision in TYPES:
            name = f"{precision}, {threads} thread{'s' if threads > 1 else ''}"
            figures[name] = compared(data, precision, given.rounds)
    measure.save("minivggnet", "the share of a matrix product's rate that training gets", figures)


if __name__ == "__main__":
    main()
