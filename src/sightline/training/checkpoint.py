"""Checkpoints: a run on disk, whole or not there.

    checkpoints/000012-000003/      12 epochs finished and 3 batches of the next
        tensors.safetensors         weights, averaged and best weights, optimizer state
        state.json                  counters, loss sums, history, the optimizers' numbers
        manifest.json               bytes and SHA-256 of the two above; written last

The folder is made under another name and renamed when complete and flushed, so a kill or a full
disk leaves the earlier ones as they were. The last two are kept.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from sightline.errors import ArtifactError, DataError, OutputError
from sightline.files import sync_folder
from sightline.training.run import Run

KEPT = 2
COUNTERS = (
    "epoch", "batch", "steps", "history", "sums", "best_epoch", "best_figures", "seconds",
    "fingerprint",
)  # fmt: skip


def save(folder: Path, run: Run) -> Path:
    """Write a checkpoint of `run` below `folder` and remove all but the last two; its path.

    Raises Diverged where a loss since the last one was no number, and OutputError.
    """
    run.read_losses()  # of weights that a loss has spoilt there shall be none
    target = folder / f"{run.epoch:06d}-{run.batch:06d}"
    if is_complete(target):
        return target
    tensors, numbers = _optimizer_state(run)
    tensors |= {f"model.{k}": v for k, v in run.model.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in run.best.items()}
    tensors |= {f"average.{k}": v for k, v in run.average.items()}
    state = {name: getattr(run, name) for name in COUNTERS} | {"optimizers": numbers}
    content = {
        "tensors.safetensors": tensors_to_bytes(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        ),
        "state.json": json.dumps(state).encode(),
    }
    partial = folder / f".{target.name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for name, data in content.items():
            _write(partial / name, data)
        _write(partial / "manifest.json", json.dumps(_manifest(content)).encode())
        sync_folder(partial)
        shutil.rmtree(target, ignore_errors=True)  # an incomplete one of the same step
        partial.rename(target)
        sync_folder(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        kept = [path.name for path in candidates(folder)]
        stands = f"the checkpoint before it stands: {kept[-1]}" if kept else "there is none before"
        raise OutputError(f"cannot write {target}: {error.strerror or error}; {stands}") from error
    for old in candidates(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _manifest(content: dict[str, bytes]) -> dict[str, Any]:
    return {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
    }


def _optimizer_state(run: Run) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The optimizers' tensors by flat name, and their other numbers as JSON."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for part, optimizer in run.optimizers.items():
        state = optimizer.state_dict()
        plain: dict[str, dict[str, Any]] = {}
        for index, values in state["state"].items():
            for key, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{part}.{index}.{key}"] = value
                else:
                    plain.setdefault(str(index), {})[key] = value
        numbers[part] = {"groups": state["param_groups"], "plain": plain}
    return tensors, numbers


def candidates(folder: Path) -> list[Path]:
    """Checkpoint folders, oldest first, complete or not."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0].isdigit())


def is_complete(path: Path) -> bool:
    return problem(path) is None


def problem(path: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        manifest = json.loads((path / "manifest.json").read_bytes())
        for name in ("tensors.safetensors", "state.json"):
            data = (path / name).read_bytes()
            if len(data) != manifest[name]["bytes"]:
                return f"{name} has {len(data)} bytes of {manifest[name]['bytes']}"
            if hashlib.sha256(data).hexdigest() != manifest[name]["sha256"]:
                return f"{name} was changed"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, KeyError, TypeError):
        return "manifest.json is damaged"
    return None


def latest(folder: Path) -> tuple[Path, list[str]]:
    """The last complete checkpoint, and a sentence on each later one that had to be passed over.

    Raises ArtifactError where there is none.
    """
    notes: list[str] = []
    for path in reversed(candidates(folder)):
        wrong = problem(path)
        if wrong is None:
            return path, notes
        notes.append(f"checkpoint {path.name} is damaged ({wrong}); going back to the one before")
    raise ArtifactError("; ".join([f"{folder}: no complete checkpoint", *notes]))


def load(path: Path, run: Run) -> None:
    """Put a complete checkpoint into `run`, which was built from the same recipe. Of several
    processes the first one reads it for all."""
    names = ("tensors.safetensors", "state.json")
    first = run.processes.first
    content = run.processes.told([(path / name).read_bytes() for name in names] if first else [])
    try:
        tensors, state = tensors_from_bytes(content[0]), json.loads(content[1])
        missing = {*COUNTERS, "optimizers"} - set(state)
    except (SafetensorError, ValueError, TypeError) as error:
        raise ArtifactError(f"{path}: not a checkpoint ({error})") from None
    if missing:
        raise ArtifactError(f"{path}: state.json lacks {', '.join(sorted(missing))}")
    if run.fingerprint and state["fingerprint"] != run.fingerprint:
        raise DataError(f"{path}: the data are not those it was trained on; train anew")

    def below(prefix: str) -> dict[str, Tensor]:
        return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

    try:
        run.model.load_state_dict(below("model."))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise ArtifactError(f"{path}: made by another network ({reason})") from None
    for part, optimizer in run.optimizers.items():
        _load_optimizer(optimizer, state["optimizers"][part], below(f"optimizer.{part}."))
    run.best = below("best.")
    run.average = {name: value.to(run.device) for name, value in below("average.").items()}
    for name in COUNTERS:
        setattr(run, name, state[name])


def _load_optimizer(
    optimizer: torch.optim.Optimizer, numbers: dict[str, Any], tensors: dict[str, Tensor]
) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Any]] = {int(i): dict(v) for i, v in numbers["plain"].items()}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        parameter = parameters[int(index)]
        alike = value.shape == parameter.shape  # then laid out in memory as its parameter is
        laid = torch.empty_like(parameter, device="cpu").copy_(value) if alike else value
        state.setdefault(int(index), {})[key] = laid
    # The recipe's settings stand, the moments go on: a changed momentum or decay is meant.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
