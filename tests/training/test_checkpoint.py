"""Checkpoints: whole or not there."""

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from sightline import models, tasks
from sightline.errors import ArtifactError, OutputError
from sightline.training import checkpoint
from sightline.training.optim import optimizer
from sightline.training.run import Run


def run_at(epoch: int) -> Run:
    torch.manual_seed(epoch)
    model = models.build("shallownet", 2, 1, (4, 4))
    return Run(
        model=model,
        task=tasks.build("classification", ["a", "b"], {}),
        optimizers={"model": optimizer(model, "adam", rate=0.1)},
        rates={"model": lambda _: 0.1},
        device=torch.device("cpu"),
        epoch=epoch,
        history=[{"epoch": n + 1, "val": {"loss": float("nan")}} for n in range(epoch)],
    )


def loaded(path: Path) -> Run:
    run = run_at(99)
    checkpoint.load(path, run)
    return run


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = run_at(3)
    run = loaded(checkpoint.save(tmp_path, saved))
    assert run.epoch == 3
    assert str(run.history) == str(saved.history)
    for a, b in zip(run.model.parameters(), saved.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for epoch in (1, 2, 3, 12):
        checkpoint.save(tmp_path, run_at(epoch))
    assert [p.name for p in checkpoint.candidates(tmp_path)] == ["000003-000000", "000012-000000"]


FILES = ("tensors.safetensors", "state.json", "manifest.json")


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "garbage":
        path.write_bytes(bytes(range(256)) * (len(data) // 256 + 1))
    elif how == "nested":
        path.write_text("[" * 200_000)
    elif how == "a pipe":
        path.unlink()
        os.mkfifo(path)
    else:
        path.write_bytes(data[: {"empty": 0, "a byte": 1, "half": len(data) // 2}.get(how, -1)])


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "how", ["empty", "a byte", "half", "all but one", "gone", "garbage", "nested", "a pipe"]
)
def test_a_damaged_file_sends_one_back_to_the_checkpoint_before(
    file: str, how: str, tmp_path: Path
) -> None:
    checkpoint.save(tmp_path, run_at(1))
    damage(checkpoint.save(tmp_path, run_at(2)) / file, how)
    found, notes = checkpoint.latest(tmp_path)
    assert found.name == "000001-000000"
    assert "000002-000000 is damaged" in notes[0]
    assert "\n" not in notes[0]
    assert loaded(found).epoch == 1


@pytest.mark.parametrize("kind", ["an empty folder", "a file", "a link", "a dangling link"])
def test_what_is_no_checkpoint_is_passed_over(kind: str, tmp_path: Path) -> None:
    checkpoint.save(tmp_path, run_at(1))
    path, elsewhere = tmp_path / "000002-000000", tmp_path / "elsewhere"
    if kind == "an empty folder":
        path.mkdir()
    elif kind == "a file":
        path.write_text("")
    else:
        if kind == "a link":
            elsewhere.mkdir()
        path.symlink_to(elsewhere)
    found, (note,) = checkpoint.latest(tmp_path)
    assert found.name == "000001-000000"
    assert note.startswith("checkpoint 000002-000000 is damaged")
    checkpoint.save(tmp_path, run_at(2))
    assert checkpoint.latest(tmp_path) == (path, [])
    assert elsewhere.is_dir() == (kind == "a link")


def test_what_was_passed_over_makes_room_for_what_is_saved(tmp_path: Path) -> None:
    """Damaged checkpoints of later steps must not count among the two that are kept."""
    for epoch in (1, 2):
        checkpoint.save(tmp_path, run_at(epoch))
    for later in ("000007-000000", "000009-000000"):
        (tmp_path / later).mkdir()
    for epoch in (3, 4):
        checkpoint.save(tmp_path, run_at(epoch))
    assert [p.name for p in checkpoint.candidates(tmp_path)] == ["000003-000000", "000004-000000"]


def test_what_a_killed_save_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / ".000001-000000.12345.partial"
    left.mkdir()
    (left / "state.json").write_text("{")
    checkpoint.save(tmp_path, run_at(2))
    assert [p.name for p in tmp_path.iterdir()] == ["000002-000000"]


def test_checkpoints_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("000000-1000000", "000000-999999", "1000000-000000", "notes", "12-x"):
        (tmp_path / name).mkdir()
    names = [path.name for path in checkpoint.candidates(tmp_path)]
    assert names == ["000000-999999", "000000-1000000", "1000000-000000"]


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, run_at(1))
    path = checkpoint.save(tmp_path, run_at(2)) / "tensors.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    found, (note,) = checkpoint.latest(tmp_path)
    assert found.name == "000001-000000"
    assert "was changed" in note


def test_nothing_whole_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no complete checkpoint"):
        checkpoint.latest(tmp_path)
    (checkpoint.save(tmp_path, run_at(1)) / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match=r"manifest\.json is missing"):
        checkpoint.latest(tmp_path)


def test_a_full_disk_leaves_the_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, run_at(1))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left.*000001-000000"):
        checkpoint.save(tmp_path, run_at(2))
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["000001-000000"]
    assert loaded(checkpoint.latest(tmp_path)[0]).epoch == 1


# Checkpoints whose manifest agrees, but which are not what they say


def forge(path: Path, **changes: Any) -> None:
    """Write other state or tensors into a checkpoint, with a manifest to match."""
    state = json.loads((path / "state.json").read_bytes())
    tensors = load((path / "tensors.safetensors").read_bytes())
    for key, value in changes.pop("tensors", {}).items():
        tensors[key] = value
        if value is None:
            del tensors[key]
    content = {"tensors.safetensors": save(tensors), "state.json": json.dumps(state | changes)}
    manifest = {}
    for name, data in content.items():
        raw = data.encode() if isinstance(data, str) else data
        (path / name).write_bytes(raw)
        manifest[name] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    (path / "manifest.json").write_text(json.dumps(manifest))


NAN = float("nan")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": "x"}, "epoch: Input should be a valid integer"),
        ({"epoch": 10**30}, "epoch: "),
        ({"batch": -1}, "batch: "),
        ({"batch": NAN}, "batch: "),
        ({"seconds": NAN}, "seconds: "),
        ({"seconds": "1"}, "seconds: "),
        ({"steps": {"../../x": 1}}, r"steps of \.\./\.\./x"),
        ({"steps": {"model": 10**400}}, "steps.model: "),
        ({"history": 5}, "history: "),
        ({"history": []}, "history: expected one record"),
        ({"history": [{"epoch": 1, "train": 3}]}, "history: expected one record"),
        ({"sums": {"loss": [1]}}, "sums: expected pairs"),
        ({"sums": {"loss": 1}}, "sums"),
        ({"best_figures": {"accuracy": "high"}}, "best_figures"),
        ({"optimizers": {}}, "optimizers of "),
        ({"optimizers": {"model": {"groups": [], "plain": {"x": {}}}}}, "optimizers.model.plain"),
        ({"optimizers": {"model": {"groups": [], "plain": {"99": {"a": 1}}}}}, "99|100"),
        ({"tensors": {"optimizer.model.77.exp_avg": torch.zeros(1)}}, "optimizer state 77.exp_avg"),
        ({"tensors": {"optimizer.model.x.exp_avg": torch.zeros(1)}}, "optimizer state x.exp_avg"),
        ({"tensors": {"optimizer.model.0.exp_avg": torch.zeros(5)}}, "optimizer state 0.exp_avg"),
        ({"tensors": {"model.other": torch.zeros(3)}}, r"other is \[3\], expected nothing"),
        ({"tensors": {"best.other": torch.zeros(3)}}, r"other is \[3\], expected nothing"),
        ({"tensors": {"average.other": torch.zeros(3)}}, r"other is \[3\], expected nothing"),
    ],
)
def test_a_forged_checkpoint_is_refused_in_one_line(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = checkpoint.save(tmp_path, run_at(1))
    forge(path, **changes)
    assert checkpoint.problem(path) is None
    run = run_at(0)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    with pytest.raises(ArtifactError, match=message) as caught:
        checkpoint.load(path, run)
    assert "\n" not in str(caught.value)
    assert run.epoch == 0
    assert all(torch.equal(before[k], v) for k, v in run.model.state_dict().items())


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, run_at(1))
    name = next(iter(run_at(1).model.state_dict()))
    forge(path, tensors={f"model.{name}": None})
    with pytest.raises(ArtifactError, match=f"made by another network.*{name} is missing"):
        loaded(path)
    forge(path, tensors={f"model.{name}": torch.zeros(2, 2, 2)})
    with pytest.raises(ArtifactError, match=r"is \[2, 2, 2\], expected"):
        loaded(path)
    (path / "tensors.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(ArtifactError, match="not a checkpoint"):
        loaded(path)
    (path / "state.json").write_text("[" * 100_000)
    with pytest.raises(ArtifactError):
        loaded(path)
