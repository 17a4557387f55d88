"""Occlusion maps against brute force."""

import numpy as np
import pytest
import torch

from sightline.study.explaining.occlusion import occlusion, places


def brute_force(weights: torch.Tensor, x: torch.Tensor, patch: int, stride: int) -> np.ndarray:
    """Pixel by pixel: the mean, over patches that cover it, of what covering costs."""
    height, width = x.shape[1:]
    mean = [float(channel.mean()) for channel in x]
    whole = float((weights * x).sum())
    rows, columns = places(height, patch, stride), places(width, patch, stride)
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            drops = []
            for top in rows:
                for left in columns:
                    if top <= i < top + patch and left <= j < left + patch:
                        covered = x.clone()
                        for c in range(len(x)):
                            covered[c, top : top + patch, left : left + patch] = mean[c]
                        drops.append(whole - float((weights * covered).sum()))
            out[i, j] = np.mean(drops)
    return out


@pytest.mark.parametrize(("patch", "stride"), [(3, 2), (2, 1), (4, 4), (9, 3)])
def test_a_map_is_what_brute_force_finds(patch: int, stride: int) -> None:
    torch.manual_seed(0)
    x, weights = torch.rand(2, 7, 9), torch.randn(2, 7, 9)
    ticked: list[int] = []
    found, whole = occlusion(
        lambda inputs: (inputs * weights).sum((1, 2, 3)), x[None], patch, stride, ticked.append
    )
    assert whole == pytest.approx(float((weights * x).sum()))
    np.testing.assert_allclose(found, brute_force(weights, x, patch, stride), atol=1e-4)
    assert sum(ticked) == len(places(7, patch, stride)) * len(places(9, patch, stride))


def test_places_reach_the_end_and_no_further() -> None:
    assert places(7, 3, 2) == [0, 2, 4]
    assert places(8, 3, 2) == [0, 2, 4, 5]
    assert places(3, 3, 1) == [0] and places(2, 5, 1) == [0]


def test_what_the_class_depends_on_is_positive_and_what_speaks_against_it_negative() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 1, 1] = x[0, 0, 6, 6] = 1
    found, _ = occlusion(lambda i: i[:, 0, 1, 1] - i[:, 0, 6, 6], x, 2, 1)
    assert found[1, 1] > 0.5 and found[6, 6] < -0.5 and abs(float(found[1, 6])) < 1e-6
