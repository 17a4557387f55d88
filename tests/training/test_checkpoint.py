"""Checkpoints: whole or not there."""

import errno
import os
from pathlib import Path

import pytest
import torch

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


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_a_truncated_file_sends_one_back_to_the_checkpoint_before(
    file: str, share: float, tmp_path: Path
) -> None:
    checkpoint.save(tmp_path, run_at(1))
    path = checkpoint.save(tmp_path, run_at(2)) / file
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    found, notes = checkpoint.latest(tmp_path)
    assert found.name == "000001-000000"
    assert "000002-000000 is damaged" in notes[0]
    assert loaded(found).epoch == 1


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
