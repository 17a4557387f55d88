"""Where figures come from: data, plan, machine, versions, as the first event of a run says them."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from sightline import memory, models
from sightline.data.dataset import fingerprint
from sightline.data.split import Splits, class_counts
from sightline.prepare import Opened
from sightline.recipe import Recipe
from sightline.training.run import Run
from sightline.version import __version__


def start_event(
    opened: Opened, splits: Splits, chosen: Recipe, reasons: Sequence[str], run: Run
) -> dict[str, Any]:
    """What the report says of data, plan, machine and versions."""
    findings = opened.findings
    return {
        "event": "start",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "command": " ".join(["sightline", *sys.argv[1:]]),
        "machine": machine(run.device),
        "data": data_facts(splits)
        | {
            "task": chosen.task,
            "unreadable": opened.unreadable,
            "median_size": list(findings.median_size) if findings else None,
            "top": chosen.view.top,
            "grey": findings.grey if findings else None,
        },
        "plan": list(reasons),
        "model": {"name": chosen.model.name, "parameters": models.count_parameters(run.model)},
    }


def data_facts(splits: Splits) -> dict[str, Any]:
    """What is compared when a run is resumed: names, counts, and a hash of all of it."""
    parts = splits.parts
    return {
        "name": splits.train.name,
        "classes": list(splits.train.classes),
        "images": {name: len(part) for name, part in parts.items()},
        "counts": {name: class_counts(part) for name, part in parts.items()},
        "fingerprint": "-".join(fingerprint(part) for part in parts.values()),
    }


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures were made on."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as table:  # noqa: PTH123
            rows = [line.split(":", 1)[1] for line in table if line.startswith("model name")]
        name = rows[0].strip() if rows else name
    except OSError:
        pass
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "memory_gb": round(memory.free() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else device.type,
    }
