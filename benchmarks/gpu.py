"""What does a GPU do with the same loop?

MiniVGGNet on CIFAR-10's shape by the real loop in float32, in bfloat16 and compiled, in turn;
beside one large matrix product of the same precision. And whether a run that was stopped and taken
up ends where one that was not ends: convolutions on GPUs add up in no fixed order, so to a
tolerance. Before it, run the tests that need a GPU: pytest -k gpu.
"""

import argparse
import copy

import measure
import torch
from minivggnet import STEPS, TYPES, Training, operations, pictures, product

from sightline.data.dataset import ArrayDataset
from sightline.training.callbacks import Callback
from sightline.training.fit import fit
from sightline.training.run import Run

MODES = {"float32": False, "bfloat16": False, "bfloat16 compiled": True}


class StopAt(Callback):
    def on_step(self, run: Run) -> None:
        run.stop = run.batch == STEPS // 2


def resumed(data: ArrayDataset, device: torch.device) -> float:
    """The largest difference of a weight between a run and one that was stopped in its middle."""
    weights = []
    for callbacks in ([], [StopAt()]):
        training = Training(data, "float32", device)
        fit(training.run, training.loader, None, 1, callbacks)
        training.run = copy.deepcopy(training.run)
        training.run.stop = False
        fit(training.run, training.loader, None, 1)
        weights.append([value.detach().cpu() for value in training.run.model.parameters()])
    return max(float((a - b).abs().max()) for a, b in zip(*weights, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    data, device = pictures(), torch.device(given.device)
    runs = {
        name: Training(data, name.split()[0], device, compiled) for name, compiled in MODES.items()
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(-2, given.rounds):
        for name, training in runs.items():
            rate = training.rate()
            if number >= 0:
                found[name].append(rate)
    products = {name: product(kind, device, 50) for name, kind in TYPES.items()}
    figures = {
        "images a second": {name: measure.spread(rates, 1, 0) for name, rates in found.items()},
        "operations an image": operations(),
        "matrix product, billions a second": {n: round(v / 1e9) for n, v in products.items()},
        "largest difference of a weight after a stop": resumed(data, device),
    }
    measure.save("gpu", "the loop on a GPU", figures)


if __name__ == "__main__":
    main()
