"""What benchmarks share: alternating repeats, medians, and a result that names its machine."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def seconds(
    jobs: Mapping[str, Callable[[], Any]], repeats: int, *, warm: bool = True
) -> dict[str, list[float]]:
    """Wall-clock seconds of each job, `repeats` times in turn, if `warm` after one round unseen."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values() if warm else ():
        job()
    for _ in range(repeats):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            found[name].append(time.perf_counter() - start)
    return found


def spread(values: list[float], scale: float = 1.0, digits: int = 2) -> dict[str, float]:
    """Median, minimum and maximum, times `scale`."""
    of = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: round(value * scale, digits) for name, value in of.items()}


def save(name: str, question: str, figures: Mapping[str, Any]) -> None:
    """Print the figures and write results/NAME.json."""
    import cv2
    import numpy as np
    import torch

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=RESULTS.parent,
    ).stdout.strip()
    result = {
        "question": question,
        "figures": figures,
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "load": [round(load, 1) for load in os.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "opencv": cv2.__version__,
        },
        "commit": commit,
        "date": time.strftime("%Y-%m-%d"),
    }
    text = json.dumps(result, indent=2)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", "utf-8")


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def resident_mb() -> float:
    """Megabytes of this process that are in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """The most megabytes this process has had in memory."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    row = next(line for line in lines if line.startswith("VmHWM"))
    return int(row.split()[1]) / 1e3
