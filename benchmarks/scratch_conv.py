"""How near is convolution by im2col in NumPy to torch's conv2d on one thread?

Layers of LeNet on MNIST, of the digits network, and of MiniVGGNet on CIFAR-10, in float32 with 32
images a batch: the result alone, and the result with its gradients by images, filters and bias.
The floor is torch with one thread. Aim: within 5 times.
"""

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import measure
import numpy as np
import torch
from torch.nn import functional as F

from sightline.scratch.im2col import correlate, gradients

LAYERS = {  # channels, side, filters, kernel
    "digits 1: 1x8x8 to 20, 3x3": (1, 8, 20, 3),
    "digits 2: 20x4x4 to 50, 3x3": (20, 4, 50, 3),
    "lenet 1: 1x28x28 to 20, 5x5": (1, 28, 20, 5),
    "lenet 2: 20x14x14 to 50, 5x5": (20, 14, 50, 5),
    "minivgg 2: 32x32x32 to 32, 3x3": (32, 32, 32, 3),
    "minivgg 4: 64x16x16 to 64, 3x3": (64, 16, 64, 3),
}


def compare(layer: tuple[int, int, int, int], repeats: int) -> dict[str, object]:
    channels, side, filters, kernel = layer
    rng = np.random.default_rng(0)
    pad = (kernel - 1) // 2
    x = rng.normal(size=(32, channels, side, side)).astype(np.float32)
    weights = rng.normal(size=(filters, channels, kernel, kernel)).astype(np.float32)
    bias = rng.normal(size=filters).astype(np.float32)
    slope = rng.normal(size=(32, filters, side, side)).astype(np.float32)
    given = [torch.from_numpy(a).requires_grad_() for a in (x, weights, bias)]

    def ours() -> np.ndarray:
        return correlate(x, weights, bias, padding=(pad, pad))

    def ours_both() -> None:
        ours()
        gradients(slope, x, weights, padding=(pad, pad))

    def theirs() -> torch.Tensor:
        with torch.no_grad():
            return F.conv2d(*given, padding=pad)

    def theirs_both() -> None:
        torch.autograd.grad(F.conv2d(*given, padding=pad), given, torch.from_numpy(slope))

    gap = float(np.abs(ours() - theirs().numpy()).max())
    jobs = {"forward": ours, "torch": theirs, "both": ours_both, "torch both": theirs_both}
    took = measure.seconds(jobs, repeats)
    found = {f"{name} (ms)": measure.spread(values, 1e3, 3) for name, values in took.items()}
    times = {name: spread["median"] for name, spread in found.items()}
    return found | {
        "forward / torch": round(times["forward (ms)"] / times["torch (ms)"], 2),
        "both / torch both": round(times["both (ms)"] / times["torch both (ms)"], 2),
        "largest difference": gap,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    figures = {name: compare(layer, given.repeats) for name, layer in LAYERS.items()}
    question = "times torch's conv2d that im2col takes on one thread"
    measure.save("scratch_conv", question, figures)
