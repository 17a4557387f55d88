"""Where figures come from: data, plan, machine, versions, as the first event of a run says them."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd as Dropout

from sightline import memory, tables
from sightline.data import members
from sightline.data.fingerprint import fingerprint
from sightline.data.split import Splits, class_counts
from sightline.errors import DataError
from sightline.prepare import Opened
from sightline.processes import Processes
from sightline.recipe import Experiment
from sightline.version import __version__
from sightline.wording import some

DRAWN = {
    "classification": "by class",
    "multilabel": "by rarest label",
    "detection": "by rarest class",
    "landmarks": "by rarest landmark",
    "regression": "by value",
}


def start_event(
    opened: Opened,
    splits: Splits,
    facts: dict[str, Any],
    chosen: Experiment,
    reasons: Sequence[str],
) -> dict[str, Any]:
    """What the report says of data, plan and versions; `facts` are `data_facts`."""
    findings = opened.findings
    return {
        "event": "start",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "command": " ".join(["sightline", *sys.argv[1:]]),
        "data": facts
        | {
            "task": chosen.task,
            "split": split_sentence(opened, chosen.data, splits),
            "unreadable": opened.unreadable,
            "remarks": list(opened.remarks),
            "median_size": list(findings.median_size) if findings else None,
            "top": chosen.view.top,
            "grey": findings.grey if findings else None,
        },
        "plan": list(reasons),
    }


def network_facts(name: str, model: nn.Module) -> dict[str, Any]:
    """What the report says of a network."""
    return {
        "name": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "dropout": max((m.p for m in model.modules() if isinstance(m, Dropout)), default=0),
    }


def split_sentence(opened: Opened, data: tables.Data, splits: Splits) -> str:
    """How the parts came about, and which classes the training part has none of."""
    if data.split_file is not None:
        said = [f"the parts are those of {data.split_file.name}"]
        said += [f"fold {data.fold} is validation"] if data.fold else []
    else:
        said = _cut_said(opened, data, splits)
    if data.group is not None:
        said.append(_groups_said(opened.splits, data.group, splits))
    counts = zip(splits.train.classes, class_counts(splits.train), strict=False)
    lacking = [name for name, count in counts if not count]
    if lacking:
        said.append(f"train has no images of {some(lacking)}")
    return "; ".join(said)


def _cut_said(opened: Opened, data: tables.Data, splits: Splits) -> list[str]:
    own = [name for name in opened.splits.parts if name != "train"]
    shares = {"val": data.val, "test": data.test, "train-dev": data.train_dev}
    said = []
    if data.folds:
        said.append(f"fold {data.fold} of {data.folds} is validation")
        said += ["the set's own val is not used"] if "val" in own else []
        own = [name for name in own if name != "val"]
        del shares["val"]
    if own:
        said.append(f"{' and '.join(own)} {'are' if len(own) > 1 else 'is'} the set's own")
    new = [f"{n} {s:.4g}" for n, s in shares.items() if n in splits.parts and n not in own]
    new += ["the folds"] if data.folds else []
    if new:
        how = DRAWN.get(splits.train.truths.task, "at random")
        how = "as scikit-learn does" if data.split == "book" else how
        listed = " and ".join(filter(None, [", ".join(new[:-1]), new[-1]]))
        said.append(f"{listed} drawn {how}, seed {data.seed}")
    return said or ["all images are for training"]


def _groups_said(whole: Splits, group: str, splits: Splits) -> str:
    by_part = members.groups(whole, splits, group).values()
    every = set().union(*by_part)
    several = sum(map(len, by_part)) - len(every)
    where = f"{several} in several parts that the set brings" if several else "each in one part"
    return f"{len(every)} groups by {group}, {where}"


def data_facts(splits: Splits) -> dict[str, Any]:
    """What is compared when a run is resumed: names, counts, and a hash of all of it."""
    hashes = "-".join(fingerprint(part) for part in splits.parts.values())
    return counted(splits) | {"fingerprint": hashes}


def counted(splits: Splits) -> dict[str, Any]:
    """The same without a look at the images."""
    parts = splits.parts
    return {
        "name": splits.train.name,
        "classes": list(splits.train.classes),
        "images": {name: len(part) for name, part in parts.items()},
        "counts": {name: class_counts(part) for name, part in parts.items()},
    }


def require_same(processes: Processes, fingerprint: str, name: str) -> None:
    """Raise DataError where not all processes have the same data."""
    found = processes.gather((fingerprint, name))
    first, name = found[0]
    others = [str(rank) for rank, (other, _) in enumerate(found) if other != first]
    if others:
        raise DataError(
            f"process {', '.join(others)} of {processes.size} (numbered from 0) has other data "
            f"than process 0; all must find the same {name}"
        )


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
