"""Old pickles of plain values and uint8 arrays, read without the power to call anything.

Nothing of NumPy's own unpickling runs: arrays are recorded by `_Array` and built from bytes here.
The opcodes are looked over first, because some reserve memory by a number in the file, and because
tuples as keys are hashed to their depths: in C, without a limit, each as often as it is met.
"""

import io
import pickle
import pickletools
import warnings
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from sightline import files
from sightline.errors import DataError

CAP = 2**29  # bytes of one batch; CIFAR's are 31 and 155 million
OPCODES = frozenset(
    [
        "PROTO",
        "FRAME",
        "MARK",
        "STOP",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "SHORT_BINBYTES",
        "BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "EMPTY_LIST",
        "LIST",
        "APPEND",
        "APPENDS",
        "EMPTY_DICT",
        "DICT",
        "SETITEM",
        "SETITEMS",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "PUT",
        "BINPUT",
        "LONG_BINPUT",
        "MEMOIZE",
        "GET",
        "BINGET",
        "LONG_BINGET",
        "GLOBAL",
        "STACK_GLOBAL",
        "REDUCE",
        "BUILD",
    ]
)
PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
TUPLES = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
MOST_TUPLES = 100  # in a file; an array takes six
DAMAGE = (  # what pickle raises on bytes that are no pickle
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
)


def load(path: Path) -> dict[str, Any]:
    """The dict in a pickle; keys and texts are str. Values: int, str, bytes, list, dict, uint8
    arrays. Raises DataError for anything else, by its name."""
    data = files.content(path, CAP)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in texts
            _look_over(data, path)
            found = _Unpickler(data, path).load()
        if not isinstance(found, dict):
            raise DataError(f"{path}: holds a {type(found).__name__}; expected a dict")
        return {_text(key): _plain(value) for key, value in found.items()}
    except DAMAGE as error:
        raise DataError(f"{path}: damaged pickle ({error})") from None


def _look_over(data: bytes, path: Path) -> None:
    before, tuples = "", 0
    memo: dict[int, bool] = {}  # whether a tuple is, or may be, at that place
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name not in OPCODES:
            raise DataError(f"{path}: refused: {_said(name, argument)}")
        tuples += name in TUPLES
        if tuples > MOST_TUPLES:
            raise DataError(f"{path}: refused: more than {MOST_TUPLES} tuples")
        if name in PUTS:
            at = len(memo) if argument is None else int(argument)
            if not 0 <= at <= len(data):
                raise DataError(f"{path}: refused: {name} {argument}")
            # BUILD leaves what it was given, whatever that is.
            memo[at] = memo.get(at, False) or before in TUPLES or before == "BUILD"
        elif name in GETS and argument is not None and memo.get(int(argument), False):
            raise DataError(f"{path}: refused: a tuple that is met again")
        before = name if name not in PUTS else before


def _said(opcode: str, argument: Any) -> str:
    return f"{opcode} {argument}" if isinstance(argument, str) else opcode


def _text(value: Any) -> str:
    """Raises ValueError for a list or the like: how it is spelt may have no end."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not isinstance(value, str | int):
        raise ValueError(f"a {type(value).__name__} where a text is expected")
    return str(value)


def _plain(value: Any) -> Any:
    """Arrays as arrays; texts of Python 2, which come as bytes, as str."""
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, list):
        return [_text(item) if isinstance(item, bytes) else item for item in value]
    return value


@final
class _Dtype:
    """A recorded np.dtype; only uint8 is one of ours."""

    def __init__(self, code: Any, *_: Any) -> None:
        if _text(code).lstrip("|") != "u1":
            raise ValueError(f"array of {_text(code)}; expected u1")

    def __setstate__(self, state: Any) -> None: ...


@final
class _Array:
    """A recorded uint8 array: made empty, then told its shape and bytes."""

    values: NDArray[np.uint8]

    def __init__(self, *_: Any) -> None:
        self.values = np.empty(0, np.uint8)

    def __setstate__(self, state: Any) -> None:
        *_, shape, dtype, fortran, raw = state
        self.fill(raw, dtype, shape, "F" if fortran else "C")

    def fill(self, raw: Any, dtype: Any, shape: Any, order: Any) -> "_Array":
        if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes | bytearray):
            raise ValueError("an array of something other than u1")
        self.values = np.frombuffer(raw, np.uint8).reshape(shape, order=order)
        return self


@final
class _Encode:
    """Stands for codecs.encode, by which older protocols write bytes. Slots, here and below: BUILD
    finds no attributes to change."""

    __slots__ = ()

    def __call__(self, text: str, encoding: str) -> bytes:
        if _text(encoding) != "latin1":
            raise ValueError(f"bytes in {_text(encoding)}")
        return text.encode("latin1")


@final
class _FromBuffer:
    """Stands for numpy's _frombuffer, by which protocol 5 writes arrays."""

    __slots__ = ()

    def __call__(self, raw: Any, dtype: Any, shape: Any, order: Any) -> _Array:
        return _Array().fill(raw, dtype, shape, _text(order))


@final
class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, path: Path) -> None:
        super().__init__(io.BytesIO(data), encoding="bytes")
        self.path = path

    def find_class(self, module: str, name: str) -> Any:
        known: dict[str, Any] = {
            "numpy.ndarray": _Array,
            "numpy.dtype": _Dtype,
            "_codecs.encode": _Encode(),
        }
        for core in ("numpy.core", "numpy._core"):
            known[f"{core}.multiarray._reconstruct"] = _Array
            known[f"{core}.numeric._frombuffer"] = _FromBuffer()
        full = f"{module}.{name}"
        if full not in known:
            raise DataError(f"{self.path}: refused: {full}; only arrays and plain values are read")
        return known[full]
