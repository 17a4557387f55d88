"""Small real things that tests share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

settings.register_profile("untimed", deadline=None)  # these machines are shared: no test is timed
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Test processes run side by side; each takes one core."""
    torch.set_num_threads(1)


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of class folders: reddish, greenish, ... noise that a network can tell."""

    def make(
        classes: tuple[str, ...] = ("blue", "green", "red"), each: int = 12, size: int = 20
    ) -> Path:
        root = tmp_path / "photos"
        rng = np.random.default_rng(0)
        for number, name in enumerate(classes):
            (root / name).mkdir(parents=True)
            for i in range(each):
                pixels = rng.integers(0, 120, (size + i % 3, size, 3), dtype=np.uint8)
                pixels[..., number % 3] += 100
                Image.fromarray(pixels).save(root / name / f"{i:02d}.png")
        return root

    return make
