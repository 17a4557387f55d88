"""Two processes, started by torchrun, against one at the same batches."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import together
import torch

from sightline import tasks
from sightline.data.loader import Loader
from sightline.data.views import View
from sightline.errors import DataError
from sightline.processes import ALONE

Found = dict[str, Any]


@pytest.fixture(scope="module")
def one() -> Iterator[Found]:
    torch.set_num_threads(1)
    return together.everything(ALONE)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """All of it in one launch, since each takes seconds."""
    out = tmp_path_factory.mktemp("two") / "found.json"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    launched = subprocess.run(
        [*torchrun, together.__file__, str(out)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert launched.returncode == 0, launched.stderr
    return json.loads(out.read_text())


def figures(found: Found, name: str) -> list[list[float]]:
    """Each loss at every step, and each figure of every epoch."""
    return [list(step.values()) for step in found[name]["curve"] + found[name]["history"]]


@pytest.mark.parametrize(
    "name",
    ["lenet", "36 by 7", "39 by 7", "37 by 9", "37 by 9 in pieces", "adversaries", "detector"],
)
def test_two_processes_learn_as_one_with_the_same_batches(
    name: str, one: Found, two: Found
) -> None:
    assert len(figures(two, name)) == len(figures(one, name))
    np.testing.assert_allclose(figures(two, name), figures(one, name), atol=1e-4)
    np.testing.assert_allclose(two[name]["weights"], one[name]["weights"], rtol=1e-3, atol=1e-3)
    assert two[name]["alike"]


def test_fifty_steps_of_lenet_are_long_enough_to_differ(one: Found, two: Found) -> None:
    assert len(two["lenet"]["curve"]) == 50
    first, last = (two["lenet"]["curve"][step]["loss"] for step in (0, -1))
    assert last < first - 0.2
    np.testing.assert_allclose(two["lenet"]["average"], one["lenet"]["average"], 1e-2, 1e-3)


def test_some_share_of_the_detector_had_no_box() -> None:
    """Else dividing each process's loss by its own count would have passed too."""
    loader = Loader(together.pictures(64, size=8), View((8, 8)), 16, 3, together.CPU)
    counts = [
        [int(together.matched(rows).sum()) for rows in np.array_split(loader.rows(e, b), 2)]
        for e in range(4)
        for b in range(len(loader))
    ]
    assert any(0 in pair and sum(pair) for pair in counts)
    assert any(0 not in pair and pair[0] > 2 * pair[1] for pair in counts)


def test_a_last_batch_that_gives_each_one_image_is_left_out(one: Found, two: Found) -> None:
    assert (one["38 by 7"]["batches"], two["38 by 7"]["batches"]) == (6, 5)
    np.testing.assert_allclose(figures(two, "38 by 7")[:5], figures(one, "38 by 7")[:5], atol=1e-5)


@pytest.mark.parametrize("task", tasks.TASKS)
def test_an_evaluation_is_shared_and_merged(task: str, one: Found, two: Found) -> None:
    assert two[task]["csv"] == one[task]["csv"]
    assert two[task]["figures"] == pytest.approx(one[task]["figures"], rel=1e-12)
    assert two[task]["alike"]


def test_statistics_of_batch_norm_are_the_first_processes_at_validation(
    one: Found, two: Found
) -> None:
    first, second = two["normed"]["seen"]
    assert first == second
    assert first != one["normed"]["seen"][0]  # as the docs say


def test_all_stop_at_the_step_at_which_one_is_told_to(two: Found) -> None:
    assert two["agreement"]["batches"] == [3, 3]


def test_batches_too_small_to_share_are_refused() -> None:
    data = together.pictures(8, size=8)
    with pytest.raises(DataError, match="batches of 3 images are too small for 2 processes"):
        Loader(data, View((8, 8)), 3, 0, together.CPU, share=(0, 2))
    with pytest.raises(DataError, match="at least 10 are needed, two for each of 5 processes"):
        Loader(data, View((8, 8)), 10, 0, together.CPU, share=(0, 5))
