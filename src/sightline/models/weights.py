"""Weights in files: read without running anything that is in them, and fitted key by key."""

import mmap
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from sightline.errors import ArtifactError

CHECKPOINTS = (".pth", ".th", ".pt")
NESTED = ("state_dict", "model_state_dict", "model_state", "model")
PREFIXES = ("module.", "_orig_mod.", "body.")  # of DataParallel, torch.compile, our own files
INPUT = "normalize."  # our own first layer; what it holds is given apart
UNTRAINED = "num_batches_tracked"  # of batch norm; old and converted files leave it out
RENAMES = (("linear.", "fc."), ("head.", "fc."), ("fc.", "classifier."), ("fc.", "linear."))
SHOWN = 3  # names in one line
MOST = 100_000  # tensors in one file
CALLS = re.compile(r"GLOBAL ([\w.]+) (?:was not|whose)")  # in what torch says of a refusal
UNSAFE = b"bytearray"  # torch's unpickler makes one of any size it is told


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a torch checkpoint (.pth, .th, .pt), by name.

    A state dict is found where it lies in others, and what stands before every name (module., …)
    is taken off. The tensors may be windows into the file: `fitted` copies them.

    Raises ArtifactError where it is no such file, is damaged, or would run something to be read.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file of weights")
    kind = path.suffix.lower()
    if kind == ".safetensors":
        state = _safetensors(path)
    elif kind in CHECKPOINTS:
        state = _tensors(_checkpoint(path), path)
    else:
        known = ", ".join((".safetensors", *CHECKPOINTS))
        raise ArtifactError(f"{path}: weights are known by their name; expected one of {known}")
    if len(state) > MOST:
        raise ArtifactError(f"{path}: {len(state)} tensors; expected at most {MOST}")
    return _bare(state)


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ArtifactError(f"{path}: damaged or no file of weights ({_short(error)})") from None


def _checkpoint(path: Path) -> Any:
    """What torch.save wrote, read by the unpickler that knows tensors and plain containers."""
    whole = _require_modest(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats; what is read is checked here
            return torch.load(path, map_location="cpu", weights_only=True, mmap=whole)
    except MemoryError:
        raise ArtifactError(f"{path}: asks for more memory than there is") from None
    except Exception as error:  # on bytes that are no checkpoint the unpickler fails in any way
        called = CALLS.search(str(error))
        if called:
            raise ArtifactError(
                f"{path}: to be read it would have to run {called[1][:80]}, and nothing in a file "
                "is run; save its state_dict() alone, or as .safetensors"
            ) from None
        raise ArtifactError(f"{path}: damaged or no file of weights ({_short(error)})") from None


def _require_modest(path: Path) -> bool:
    """Whether it is of the newer format, a zip; what could ask for more memory than the file has
    bytes is refused."""
    size = path.stat().st_size
    if size == 0:
        raise ArtifactError(f"{path}: empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(UNSAFE) >= 0:
            raise ArtifactError(f"{path}: would have to make a bytearray to be read; not done")
        if content[:2] != b"PK":
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ArtifactError(f"{path}: damaged or no file of weights ({_short(error)})") from None
    stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
    if not stored or sum(entry.file_size for entry in entries) > size:
        raise ArtifactError(f"{path}: compressed; checkpoints of torch are not")
    return True


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    while isinstance(content, Mapping):
        inner = next((content[key] for key in NESTED if key in content), None)
        if not isinstance(inner, Mapping):
            break
        content = inner
    found: dict[str, Tensor] = {}
    if isinstance(content, Mapping):
        found = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    if not found:
        raise ArtifactError(f"{path}: no weights in it; expected a state dict, tensors by name")
    return found


def _bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what stands before every name; without our own first layer."""
    bare = dict(state)
    changed = True
    while changed:
        changed = False
        for prefix in PREFIXES:
            names = [name for name in bare if not name.startswith(INPUT)]
            if names and all(name.startswith(prefix) for name in names):
                bare = {name.removeprefix(prefix): bare[name] for name in names}
                changed = True
    return bare


def outputs_of(state: Mapping[str, Tensor], head: str) -> int | None:
    """How many outputs the layer called `head`, or as RENAMES has it, gives; None without one."""
    others = [head, *((old + f"{head}.".removeprefix(new)).rstrip(".") for old, new in RENAMES)]
    found = (state.get(f"{name}.weight") for name in others)
    weight = next((value for value in found if value is not None), None)
    return None if weight is None or weight.ndim < 2 else weight.shape[0]


def fitted(
    state: Mapping[str, Tensor],
    network: nn.Module,
    about: str,
    named: str,
    optional: Sequence[str] = (),
) -> dict[str, Tensor]:
    """A state dict for `network` (which may be on the meta device), in its own types, copied.

    Names that it does not have are tried as RENAMES has them. A missing count of batches is 0.

    about, named  the file and the network, as an error calls them
    optional      parts that the file may have and the network not: auxiliary heads

    Raises ArtifactError, a line for each kind of mismatch, before anything is copied.
    """
    wanted = network.state_dict()
    given = _renamed(state, wanted)
    missing = [n for n in wanted if n not in given and not n.endswith(UNTRAINED)]
    left_over = tuple(f"{part}." for part in optional)
    unknown = [n for n in given if n not in wanted and not n.startswith(left_over)]
    both = [n for n in wanted if n in given]
    unlike = [
        f"{n} {_shape(given[n])} (the network's is {_shape(wanted[n])})"
        for n in both
        if given[n].shape != wanted[n].shape
    ]
    odd = [f"{n} {_kind(given[n])}" for n in both if not _same_kind(given[n], wanted[n])]
    lines = [
        f"  {title} {len(names)}: {_listed(names)}"
        for title, names in (
            ("missing", missing),
            ("not in the network", unknown),
            ("of another shape", unlike),
            ("of another kind", odd),
        )
        if names
    ]
    if lines:
        raise ArtifactError("\n".join([f"{about} does not fit {named}:", *lines]))
    return {name: _copied(given.get(name), value) for name, value in wanted.items()}


def _renamed(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    out: dict[str, Tensor] = {}
    for name, value in state.items():
        others = [new + name.removeprefix(old) for old, new in RENAMES if name.startswith(old)]
        fits = [other for other in others if other in wanted and other not in state]
        out[fits[0] if fits and name not in wanted else name] = value
    return out


def _same_kind(given: Tensor, wanted: Tensor) -> bool:
    """Whether plain numbers of one kind: whole or not."""
    plain = given.layout == torch.strided and given.device.type == "cpu" and not given.is_quantized
    return plain and given.is_floating_point() == wanted.is_floating_point()


def _copied(given: Tensor | None, wanted: Tensor) -> Tensor:
    if given is None:
        return torch.zeros(wanted.shape, dtype=wanted.dtype)
    return given.detach().to(wanted.dtype, copy=True).contiguous()


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "one number"


def _kind(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')}, {value.layout}, {value.device.type}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_printable(name) for name in names[:SHOWN])
    return shown + (", …" if len(names) > SHOWN else "")


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode()[:160]


def _short(error: BaseException) -> str:
    """The first line of an error, or what kind it is."""
    lines: Iterable[str] = str(error).splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("Weights only load failed"):
        first = "its pickle cannot be read"
    return _printable(first)[:120] or type(error).__name__
