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
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from sightline.errors import ArtifactError, DataError, OutputError
from sightline.files import content as content_of
from sightline.files import sync_folder
from sightline.training.run import Run

KEPT = 2
CAP = 2**40  # bytes of a file
NAME = re.compile(r"(\d{6,})-(\d{6,})")
Count = Annotated[int, Field(ge=0, le=2**53)]


class _Numbers(BaseModel):
    """What an optimizer holds beside its tensors; `groups` are there to be read by people."""

    groups: list[dict[str, Any]]
    plain: dict[Count, dict[str, bool | int | float | None]]


class _State(BaseModel):
    """state.json, in which nothing is believed before it is looked at."""

    model_config = ConfigDict(strict=True)

    epoch: Count
    batch: Count
    steps: dict[str, Count]
    history: list[dict[str, Any]]
    sums: dict[str, list[float]]
    best_epoch: Count
    best_figures: dict[str, float] | None
    seconds: float = Field(ge=0, le=1e12)
    fingerprint: str
    processes: int = Field(1, ge=1)
    optimizers: dict[str, _Numbers]


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
    state = {name: getattr(run, name) for name in COUNTERS}
    state |= {"processes": run.processes.size, "optimizers": numbers}
    content = {
        "tensors.safetensors": tensors_to_bytes(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        ),
        "state.json": json.dumps(state).encode(),
    }
    partial = folder / f".{target.name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".*.partial"):  # by a run that was killed while it saved
            shutil.rmtree(left, ignore_errors=True)
        partial.mkdir()
        for name, data in content.items():
            _write(partial / name, data)
        _write(partial / "manifest.json", json.dumps(_manifest(content)).encode())
        sync_folder(partial)
        _remove(target)  # an incomplete one of the same step
        partial.rename(target)
        sync_folder(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        kept = [path.name for path in candidates(folder)]
        stands = f"the checkpoint before it stands: {kept[-1]}" if kept else "there is none before"
        raise OutputError(f"cannot write {target}: {error.strerror or error}; {stands}") from error
    there = candidates(folder)
    at = there.index(target) + 1
    for old in there[: max(0, at - KEPT)] + there[at:]:  # later ones were damaged, and passed over
        _remove(old)
    return target


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


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
    """Checkpoints, oldest first, complete or not."""
    if not folder.is_dir():
        return []
    found = {path: NAME.fullmatch(path.name) for path in folder.iterdir()}
    at = {path: (int(name[1]), int(name[2])) for path, name in found.items() if name}
    return sorted(at, key=at.__getitem__)


def is_complete(path: Path) -> bool:
    return problem(path) is None


def problem(path: Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    try:
        manifest = json.loads(_content(path / "manifest.json"))
        wrong = [
            _difference(manifest[name], _content(path / name), name)
            for name in ("tensors.safetensors", "state.json")
        ]
    except DataError as error:
        return str(error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "manifest.json is damaged"
    return next(filter(None, wrong), None)


def _difference(entry: dict[str, Any], data: bytes, name: str) -> str:
    if len(data) != entry["bytes"]:
        return f"{name} has {len(data)} bytes of {entry['bytes']}"
    return "" if hashlib.sha256(data).hexdigest() == entry["sha256"] else f"{name} was changed"


def _content(path: Path) -> bytes:
    if not path.parent.is_dir():
        raise DataError("it is no folder")
    if not path.exists():
        raise DataError(f"{path.name} is missing")
    return content_of(path, CAP)


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


def load(path: Path, run: Run) -> list[str]:
    """Put a complete checkpoint into `run`, which was built from the same recipe; a sentence on
    what is otherwise than when it was saved. Of several processes the first one reads it for all.

    Raises ArtifactError where it is not one of this run, and DataError where the data are others.
    """
    names = ("tensors.safetensors", "state.json")
    first = run.processes.first
    content = run.processes.told([_content(path / name) for name in names] if first else [])
    try:
        tensors, state = tensors_from_bytes(content[0]), _state(content[1], run)
    except SafetensorError as error:
        raise ArtifactError(f"{path}: not a checkpoint ({error})") from None
    except ValueError as error:
        raise ArtifactError(f"{path}: state.json: {error}") from None
    if run.fingerprint and state.fingerprint != run.fingerprint:
        raise DataError(f"{path}: the data are not those it was trained on; train anew")

    def below(prefix: str) -> dict[str, Tensor]:
        return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

    model, best, average = below("model."), below("best."), below("average.")
    run.enter_stage(state.epoch)
    try:
        _require_like(run.model.state_dict(), model, best, average)
        for part, optimizer in run.optimizers.items():
            numbers = state.optimizers[part].plain
            _load_optimizer(optimizer, numbers, below(f"optimizer.{part}."))
    except ValueError as error:
        raise ArtifactError(f"{path}: made by another network or optimizer ({error})") from None
    run.model.load_state_dict(model)
    run.best = best
    ordered = [name for name in run.model.state_dict() if name in average]  # a file sorts them
    run.average = {name: average[name].to(run.device) for name in ordered}
    for name in COUNTERS:
        setattr(run, name, getattr(state, name))
    if state.processes == run.processes.size:
        return []
    return [
        f"going on in {run.processes.size} processes, before it were {state.processes}: the same "
        "batches, but last digits differ"
    ]


def _state(text: bytes, run: Run) -> _State:
    """Raises ValueError, its text one line."""
    try:
        state = _State.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    if state.optimizers.keys() != run.optimizers.keys():
        raise ValueError(
            f"optimizers of {', '.join(state.optimizers)}, not of this network's parts"
        )
    if not state.steps.keys() <= run.optimizers.keys():
        raise ValueError(f"steps of {', '.join(state.steps)}")
    if any(len(pair) != 2 for pair in state.sums.values()):
        raise ValueError("sums: expected pairs of numbers")
    if len(state.history) != state.epoch or not all(map(_is_record, state.history)):
        raise ValueError("history: expected one record for each finished epoch")
    return state


def _is_record(record: dict[str, Any]) -> bool:
    figures = [record.get(name, {}) for name in ("train", "val", "rate")]
    return isinstance(record.get("epoch"), int) and all(
        isinstance(table, dict) and all(isinstance(v, int | float) for v in table.values())
        for table in figures
    )


def _require_like(own: Mapping[str, Tensor], *states: Mapping[str, Tensor]) -> None:
    """Raise ValueError where a state has tensors that the network has not; the first, its weights,
    must have all of them."""
    lacking = sorted(own.keys() - states[0].keys())
    if lacking:
        raise ValueError(f"{lacking[0]} is missing")
    for state in states:
        for name, value in state.items():
            if name not in own or own[name].shape != value.shape:
                expected = list(own[name].shape) if name in own else "nothing"
                raise ValueError(f"{name} is {list(value.shape)}, expected {expected}")


def _load_optimizer(
    optimizer: torch.optim.Optimizer,
    numbers: Mapping[int, Mapping[str, Any]],
    tensors: Mapping[str, Tensor],
) -> None:
    """Raises ValueError for a state that belongs to no parameter, or has another shape."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Any]] = {i: dict(v) for i, v in numbers.items()}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        place = int(index) if index.isdecimal() else len(parameters)
        if place >= len(parameters):
            raise ValueError(f"optimizer state {name[:40]} of {len(parameters)} parameters")
        parameter = parameters[place]
        alike = value.shape == parameter.shape  # then laid out in memory as its parameter is
        if not alike and value.numel() != 1:
            raise ValueError(
                f"optimizer state {name[:40]} is {list(value.shape)}, expected "
                f"{list(parameter.shape)}"
            )
        laid = torch.empty_like(parameter, device="cpu").copy_(value) if alike else value
        state.setdefault(place, {})[key] = laid
    if any(place >= len(parameters) for place in state):
        raise ValueError(f"optimizer state of {max(state) + 1} of {len(parameters)} parameters")
    # The recipe's settings stand, the moments go on: a changed momentum or decay is meant.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
