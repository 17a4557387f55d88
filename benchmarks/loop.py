"""What does the training loop cost beyond the work itself?

LeNet on MNIST (batches of 128, SGD with momentum) by `fit` with its loader, task and callbacks,
against a hand-written loop of the same work: gather uint8, floats, forward, cross-entropy,
backward, the same optimizer, loss and accuracy summed on the device and read every 50 steps. Aim:
at most 2 % more. Both run in short turns within one process; the same hand-written loop a second
time says how large the noise is. A network of one small layer, whose step is nearly all loop, gives
the loop's own microseconds, which do not drown in noise.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import measure
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sightline import models, tasks
from sightline.data.dataset import ArrayDataset
from sightline.data.loader import Loader
from sightline.data.opening import open_path
from sightline.data.truths import Truths
from sightline.data.views import View
from sightline.training.callbacks import Callback, EarlyStopping
from sightline.training.fit import fit
from sightline.training.optim import optimizer
from sightline.training.run import Run

CPU = torch.device("cpu")
BATCH, STEPS = 128, 50
Turn = Callable[[], None]


def digits() -> ArrayDataset:
    """As many images of MNIST as a turn takes; generated ones where it is not there."""
    count = BATCH * STEPS
    root = Path(os.environ.get("SIGHTLINE_DATA", "")) / "mnist"
    classes = [str(digit) for digit in range(10)]
    if root.is_dir():
        train = open_path(root).train
        rows = np.arange(count)
        return ArrayDataset(np.array(train.images(rows)), train.truths.take(rows), classes)
    pixels = np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return ArrayDataset(pixels, Truths(label=np.arange(count) % 10), classes)


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    body = models.build("lenet", 10, 1, (28, 28)) if name == "lenet" else None
    model = body or nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def ours(data: ArrayDataset, name: str, precision: str) -> Turn:
    """An epoch of `STEPS` batches by the real loop."""
    model = network(name)
    run = Run(
        model=model,
        task=tasks.build("classification", data.classes, {}),
        optimizers={"model": optimizer(model, "sgd", rate=0.01, momentum=0.9)},
        rates={"model": lambda _: 0.01},
        device=CPU,
        precision=precision,
    )
    loader = Loader(data, View((28, 28)), BATCH, 0, CPU)
    callbacks: list[Callback] = [Callback(), EarlyStopping(10_000)]

    def turn() -> None:
        run.history.clear()
        fit(run, loader, None, run.epoch + 1, callbacks)

    return turn


def by_hand(data: ArrayDataset, name: str, precision: str) -> Turn:
    """The same work in a loop as one writes it for one experiment."""
    model = network(name)
    stepping = optimizer(model, "sgd", rate=0.01, momentum=0.9)
    assert data.pixels is not None and data.truths.label is not None
    pixels, labels = torch.from_numpy(data.pixels), torch.from_numpy(data.truths.label)

    def turn() -> None:
        loss_sum, right_sum = torch.zeros(()), torch.zeros(())
        model.train()
        for rows in torch.randperm(len(pixels)).split(BATCH):
            inputs = pixels[rows].permute(0, 3, 1, 2).to(torch.float32) * (1 / 255)
            wanted = labels[rows]
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                outputs = model(inputs)
            loss = F.cross_entropy(outputs.float(), wanted)
            stepping.zero_grad()
            loss.backward()
            stepping.step()
            loss_sum += loss.detach() * len(rows)
            right_sum += (outputs.detach().argmax(1) == wanted).float().sum()
        float(loss_sum), float(right_sum)

    return turn


def alternated(
    turns: dict[str, Turn], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Milliseconds a step of each, `rounds` times, in a new order each round."""
    found: dict[str, list[float]] = {name: [] for name in turns}
    order = list(turns)
    for number in range(-2, rounds):
        random.Random(number).shuffle(order)
        for name in order:
            start = clock()
            turns[name]()
            if number >= 0:
                found[name].append((clock() - start) / STEPS * 1e3)
    return found


def more(found: dict[str, list[float]], name: str) -> dict[str, float]:
    """Percent above the hand-written loop: of medians, and the quartiles of the rounds' ratios."""
    ratios = [a / b for a, b in zip(found[name], found["by hand"], strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    whole = statistics.median(found[name]) / statistics.median(found["by hand"])
    figures = {"of medians": whole, "median of rounds": statistics.median(ratios)}
    figures |= {"lower quartile": low, "upper quartile": high}
    return {key: round(100 * (value - 1), 2) for key, value in figures.items()}


def turns(data: ArrayDataset, name: str, precision: str) -> dict[str, Turn]:
    return {
        "by hand": by_hand(data, name, precision),
        "ours": ours(data, name, precision),
        "by hand, again": by_hand(data, name, precision),
    }


def compared(data: ArrayDataset, precision: str, rounds: int) -> dict[str, object]:
    found = alternated(turns(data, "lenet", precision), rounds)
    return {
        "milliseconds a step": {name: measure.spread(values) for name, values in found.items()},
        "ours more, %": more(found, "ours"),
        "noise: by hand again more, %": more(found, "by hand, again"),
    }


def own(data: ArrayDataset, precision: str, rounds: int) -> dict[str, float]:
    """Microseconds of processor time a step that ours takes beyond the hand-written loop."""
    found = alternated(turns(data, "layer", precision), rounds, time.thread_time)
    middle = {name: 1e3 * statistics.median(values) for name, values in found.items()}
    least = {name: 1e3 * min(values) for name, values in found.items()}
    return {
        "median": round(middle["ours"] - middle["by hand"], 1),
        "least": round(least["ours"] - least["by hand"], 1),
        "noise": round(middle["by hand, again"] - middle["by hand"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    data = digits()
    torch.set_num_threads(1)
    precisions = ("float32", "bfloat16")
    figures: dict[str, object] = {
        f"the loop's own microseconds a step, {precision}": own(data, precision, 4 * given.rounds)
        for precision in precisions
    }
    for threads in given.threads:
        torch.set_num_threads(threads)
        for precision in precisions:
            found = compared(data, precision, given.rounds)
            figures[f"LeNet, {precision}, {threads} thread{'s' if threads > 1 else ''}"] = found
    measure.save("loop", "what the training loop costs beyond a hand-written one", figures)


if __name__ == "__main__":
    main()
