"""The pace of training here: whether bfloat16 is quicker than float32 for a run on this machine.

Processors that multiply bfloat16 need not be quicker with it: small networks spend their time
elsewhere. So a few steps of the run itself are timed in both precisions, in turn, on a model of
their own; the figures are kept in the user's cache, by all that they depend on.
"""

import hashlib
import json
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch

from sightline import files
from sightline.data.dataset import Subset
from sightline.data.placing import on_canvas
from sightline.data.split import Splits
from sightline.outset import make_run, make_task
from sightline.prepare import decided
from sightline.provenance import machine
from sightline.recipe import Recipe
from sightline.training.step import step

GAIN = 1.1  # times as fast bfloat16 must be: less is noise, and float32 rounds less
SHORT = 30.0  # seconds of training below which nothing is worth measuring
LIMIT = 2.0  # seconds of timing, once both are warm
REPEATS = 9
Times = dict[str, float]  # seconds a step by precision


@dataclass(frozen=True)
class Pace:
    """A precision and why it was chosen.

    gain  how many times as fast bfloat16 is as float32; None where that was not measured
    why   as a person is told
    """

    chosen: str
    gain: float | None
    why: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def settled(chosen: Recipe, splits: Splits, cache: Path | None = None) -> tuple[Recipe, Pace]:
    """The recipe with all fixed for this machine, as `decided` does, but precision "auto" by
    measurement; and what was found.

    cache  the folder of figures measured before, the user's own where None is given; one that
           cannot be read or written is done without
    """
    fixed = decided(chosen, splits)
    asked, there = chosen.train.precision, fixed.train.precision
    if asked != "auto":
        return fixed, Pace(asked, None, f"{asked}, as the recipe says")
    if there == "float32":
        return fixed, Pace(there, None, "float32: bfloat16 is not in this device's hardware")
    pace = _measured(fixed, splits, cache or platformdirs.user_cache_path("sightline") / "pace")
    train = fixed.train.model_copy(update={"precision": pace.chosen})
    return fixed.model_copy(update={"train": train}), pace


def by_times(times: Times) -> Pace:
    """The quicker precision; float32 where bfloat16 gains less than a tenth."""
    gain = times["float32"] / times["bfloat16"]
    if gain >= GAIN:
        return Pace("bfloat16", gain, f"bfloat16, {gain:.1f} times as fast here as float32")
    return Pace("float32", gain, f"float32: bfloat16 is {gain:.2f} times as fast here")


def _measured(fixed: Recipe, splits: Splits, cache: Path) -> Pace:
    path = cache / f"{_key(fixed, splits)}.json"
    times = _read(path)
    if times is None:
        times = _timed(fixed, splits)
        if times is None:
            return Pace("float32", None, f"float32: training takes less than {SHORT:.0f} seconds")
        with suppress(OSError):  # it is measured again next time
            files.write_json(path, times)
    return by_times(times)


def _key(fixed: Recipe, splits: Splits) -> str:
    """A name for all that the times depend on."""
    device = torch.device(fixed.train.device)
    here = machine(device)
    facts = {
        "machine": [here[name] for name in ("processor", "cores", "torch", "device")],
        "system": platform.machine(),
        "task": [fixed.task, len(splits.train.classes)],
        "model": fixed.model.model_dump(),
        "canvas": [*fixed.canvas.size, fixed.canvas.channels],
        "view": fixed.view.size,
        "train": fixed.train.model_dump(
            include={"batch", "pieces", "threads", "optimizer", "clip", "average"}
        ),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _read(path: Path) -> Times | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or set(content) != {"float32", "bfloat16"}:
        return None
    sound = all(isinstance(t, float) and 0 < t < float("inf") for t in content.values())
    return content if sound else None


def _timed(fixed: Recipe, splits: Splits) -> Times | None:
    """Seconds a step in each precision; None where the training is short.

    The caller's threads and generators are as before afterwards.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng():
        torch.set_num_threads(fixed.train.threads)
        try:
            exact = _stepping(fixed, splits, "float32")
            exact()
            steps = fixed.train.epochs * max(1, round(len(splits.train) / fixed.train.batch))
            if exact() * steps < SHORT:
                return None
            half = _stepping(fixed, splits, "bfloat16")
            half()
            return _alternated({"float32": exact, "bfloat16": half})
        finally:
            torch.set_num_threads(threads)


def _alternated(jobs: dict[str, Callable[[], float]]) -> Times:
    """The median of each job's seconds, measured in turn."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    start = time.perf_counter()
    for _ in range(REPEATS):
        for name, job in jobs.items():
            found[name].append(job())
        if time.perf_counter() - start > LIMIT:
            break
    return {name: statistics.median(values) for name, values in found.items()}


def _stepping(fixed: Recipe, splits: Splits, precision: str) -> Callable[[], float]:
    """One optimizer step of a run of its own, over and over on one batch; the seconds it took."""
    changed = {"precision": precision, "compile": False}
    chosen = fixed.model_copy(update={"train": fixed.train.model_copy(update=changed)})
    count = min(len(splits.train), chosen.train.batch)
    rows = np.linspace(0, len(splits.train) - 1, count).round().astype(np.int64)
    some = on_canvas(Subset(splits.train, rows), chosen.canvas, held=True)
    run, loader = make_run(chosen, Splits(some), make_task(chosen, splits.train), pretrained=False)
    run.model.train()
    pieces = next(loader.steps(0))

    def timed() -> float:
        _wait(run.device)
        start = time.perf_counter()
        step(run, pieces)
        _wait(run.device)
        run.seen.clear()
        return time.perf_counter() - start

    return timed


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
