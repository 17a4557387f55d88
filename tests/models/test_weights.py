"""Files of weights: every form they come in, fitted key by key, and files that mean harm."""

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from sightline import models
from sightline.errors import ArtifactError
from sightline.models.weights import fitted, outputs_of, read


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4)))


def state() -> dict[str, Tensor]:
    return dict(small().state_dict())


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def fit(given: dict[str, Tensor], network: nn.Module | None = None, **more: Any) -> dict:
    return fitted(given, network or small(), "x.pth", "small", **more)


@pytest.mark.parametrize("suffix", [".pth", ".th", ".pt", ".PTH"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_of_either_format_is_read(suffix: str, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    torch.save(state(), path, _use_new_zipfile_serialization=zipped)
    assert equal(read(path), state())


def test_a_safetensors_file_is_read(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "w.safetensors")
    assert equal(read(tmp_path / "w.safetensors"), state())


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state", "model_state_dict"])
def test_a_state_dict_is_found_where_it_is_nested(key: str, tmp_path: Path) -> None:
    torch.save({"epoch": 3, key: state(), "optimizer": {"lr": 0.1}}, tmp_path / "w.pth")
    assert equal(read(tmp_path / "w.pth"), state())
    torch.save({"model": {"state_dict": state()}}, tmp_path / "deep.pth")
    assert equal(read(tmp_path / "deep.pth"), state())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "body.", "module._orig_mod."])
def test_what_stands_before_every_name_is_taken_off(prefix: str, tmp_path: Path) -> None:
    torch.save({prefix + name: value for name, value in state().items()}, tmp_path / "w.pth")
    assert equal(read(tmp_path / "w.pth"), state())


def test_what_stands_before_some_names_stays(tmp_path: Path) -> None:
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, tmp_path / "w.pth")
    assert set(read(tmp_path / "w.pth")) == {"module.a", "b"}


def test_a_model_of_ours_gives_the_network_without_its_first_layer(tmp_path: Path) -> None:
    network = models.build("lenet", 3, 1, (8, 8))
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    assert equal(read(tmp_path / "w.safetensors"), dict(network.body.state_dict()))


def test_half_precision_becomes_the_networks_own_and_is_copied() -> None:
    given = {k: v.half() if v.is_floating_point() else v for k, v in state().items()}
    out = fit(given)
    assert out["conv.weight"].dtype == torch.float32
    assert torch.equal(out["conv.weight"], given["conv.weight"].float())
    same = state()
    assert fit(same)["conv.weight"].data_ptr() != same["conv.weight"].data_ptr()


def test_weights_fit_a_network_that_has_no_memory_yet() -> None:
    with torch.device("meta"):
        network = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4)))
    network.load_state_dict(fit(state(), network), assign=True)
    assert equal(dict(network.state_dict()), state())


def test_a_missing_count_of_batches_is_no_mismatch() -> None:
    given = {k: v for k, v in state().items() if not k.endswith("num_batches_tracked")}
    assert fit(given)["bn.num_batches_tracked"] == 0


def test_heads_by_another_name_are_found() -> None:
    network = nn.Module()
    network.fc = nn.Linear(2, 5)
    given = {"linear.weight": torch.ones(5, 2), "linear.bias": torch.zeros(5)}
    assert torch.equal(fit(given, network)["fc.weight"], torch.ones(5, 2))
    assert outputs_of(given, "fc") == 5
    assert outputs_of(given, "linear") == 5
    assert outputs_of(given, "classifier.1") is None


def test_left_over_auxiliary_heads_are_passed_over() -> None:
    extra = state() | {"aux1.fc.weight": torch.zeros(2, 2)}
    assert equal(fit(extra, optional=["aux1"]), fit(state()))
    with pytest.raises(ArtifactError, match=r"not in the network 1: aux1\.fc\.weight"):
        fit(extra)


def test_mismatches_are_listed_key_by_key_a_line_each() -> None:
    given = state() | {f"extra{i}": torch.zeros(1) for i in range(5)}
    del given["conv.bias"]
    given["conv.weight"] = torch.zeros(4, 3, 5, 5)
    given["bn.bias"] = torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ArtifactError) as caught:
        fit(given)
    assert str(caught.value).splitlines() == [
        "x.pth does not fit small:",
        "  missing 1: conv.bias",
        "  not in the network 5: extra0, extra1, extra2, …",
        "  of another shape 1: conv.weight 4x3x5x5 (the network's is 4x3x3x3)",
        "  of another kind 1: bn.bias int64, torch.strided, cpu",
    ]


def test_names_that_a_file_makes_up_cannot_write_on_the_terminal() -> None:
    with pytest.raises(ArtifactError) as caught:
        fit(state() | {"\x1b[2J\n" + "x" * 1000: torch.zeros(1)})
    assert "\x1b" not in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 300


def refused(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(path))
    return str(caught.value)


class Calls:
    """Runs something when it is unpickled."""

    def __init__(self, call: Callable, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple:
        return self.call, self.arguments


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_calls_is_named_and_not_run(zipped: bool, tmp_path: Path) -> None:
    there, path = tmp_path / "there", tmp_path / "w.pth"
    harm = {"a": torch.zeros(2), "b": Calls(os.mkdir, str(there))}
    torch.save(harm, path, _use_new_zipfile_serialization=zipped)
    assert "mkdir" in refused(path)
    assert not there.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_pickled_network_says_to_save_its_state(zipped: bool, tmp_path: Path) -> None:
    torch.save(small(), tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert "state_dict() alone" in refused(tmp_path / "w.pth")


def test_a_pickle_that_asks_for_memory_is_refused(tmp_path: Path) -> None:
    torch.save({"a": Calls(bytearray, 10**12)}, tmp_path / "w.pth")
    assert "bytearray" in refused(tmp_path / "w.pth")


def test_a_storage_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"a": torch.zeros(7)}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    assert content.count(b"K\x07") >= 1  # the storage's length, as the pickle writes it
    huge = b"\x8a\x06" + (2**40).to_bytes(6, "little")
    path.write_bytes(content.replace(b"K\x07", huge))
    refused(path)


def test_a_compressed_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(100_000)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
    assert "compressed" in refused(tmp_path / "w.pth")


def test_a_view_that_only_looks_large_is_refused_before_it_is_copied() -> None:
    vast = torch.zeros(1).expand(10**6, 10**6)  # 4 TB if it were copied
    with pytest.raises(ArtifactError, match="of another shape 1: conv.bias 1000000x1000000"):
        fit(state() | {"conv.bias": vast})


def test_sparse_and_meta_tensors_are_refused() -> None:
    for odd in (torch.zeros(4).to_sparse(), torch.zeros(4, device="meta")):
        with pytest.raises(ArtifactError, match="of another kind 1: conv.bias"):
            fit(state() | {"conv.bias": odd})


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x02.", b"PK\x03\x04", b"PK", pickle.dumps({"a": 1}), bytes(100)],
    ids=repr,
)
def test_what_is_no_file_of_weights_is_one_line(
    content: bytes, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("header", [10**18, 2**63, 100])
def test_a_safetensors_header_that_claims_too_much_is_one_line(header: int, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(header.to_bytes(8, "little") + b'{"a":{}}')
    refused(path)


def test_a_checkpoint_without_tensors_is_one_line(tmp_path: Path) -> None:
    for content in (torch.zeros(3), [torch.zeros(3)], {"a": 1}, {}, {"state_dict": 3}):
        torch.save(content, tmp_path / "w.pth")
        assert "state dict" in refused(tmp_path / "w.pth")


def test_a_file_that_is_not_there_or_of_another_kind_is_said(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "w.pth")
    (tmp_path / "w.h5").touch()
    assert "expected one of .safetensors, .pth, .th, .pt" in refused(tmp_path / "w.h5")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0, 1, exclude_max=True), form=st.sampled_from(["zip", "old", "safe"]))
def test_a_truncated_file_is_one_line(share: float, form: str, tmp_path: Path) -> None:
    path = tmp_path / ("w.safetensors" if form == "safe" else "w.pth")
    if form == "safe":
        save_file(state(), path)
    else:
        torch.save(state(), path, _use_new_zipfile_serialization=form == "zip")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    share=st.floats(0, 1, exclude_max=True),
    value=st.integers(0, 255),
    zipped=st.booleans(),
)
def test_a_changed_byte_is_refused_or_harmless(
    share: float, value: int, zipped: bool, tmp_path: Path
) -> None:
    path = tmp_path / "w.pth"
    torch.save(state(), path, _use_new_zipfile_serialization=zipped)
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] = value
    path.write_bytes(content)
    try:
        fit(read(path))
    except ArtifactError as error:
        assert len(str(error).splitlines()) <= 5  # noqa: PT017
