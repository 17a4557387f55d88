"""Videos, frame by frame: read and written with OpenCV, which brings FFmpeg (LGPL) for it.

One frame is in memory at a time. Frames are uint8 (height, width, 3) RGB, turned as the file says.
Sound is not read; a rate that changes within a file is read as its mean.
"""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sightline import files
from sightline.errors import DataError, OutputError
from sightline.images import PIXEL_CAP
from sightline.types import Image, Size

# By content: FFmpeg also opens playlists, which name other files, and addresses.
KINDS = (
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (8, b"AVI "),
    (0, b"\x1aE\xdf\xa3"), (0, b"\x00\x00\x01\xba"), (0, b"\x47"), (0, b"FLV\x01"), (0, b"OggS"),
    (0, b"0&\xb2u\x8ef\xcf\x11"),
)  # fmt: skip
# MPEG-4 and JPEG play in players, VP8 in browsers too. All are in OpenCV's wheel, H.264 is not.
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP80"}
USUAL = 25.0  # frames a second, where a file gives none
FASTEST = 1000.0
BYTE_CAP = 2**62  # none: a video is read as it is needed


@dataclass(frozen=True)
class Footage:
    """An open video.

    size    (height, width) of every frame
    rate    frames a second; `known` says whether the file gives it
    count   frames by the file's header, 0 where it gives none; more or fewer may come
    frames  each in turn, once
    """

    size: Size
    rate: float
    known: bool
    count: int
    frames: Iterator[Image]


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Footage]:
    """Raises DataError, naming the file, for one that is no video or has no frame."""
    _require_video(path)
    with _quiet():
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    try:
        first = _next(capture) if _fits(path, capture) else None
        if first is None:
            raise DataError(f"{path}: damaged, or no video that FFmpeg can decode")
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        known = math.isfinite(rate) and 0 < rate <= FASTEST
        count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        yield Footage(
            (first.shape[0], first.shape[1]),
            rate if known else USUAL,
            known,
            int(count) if 0 < count < 1e9 else 0,
            _frames(path, capture, first),
        )
    finally:
        capture.release()


@contextlib.contextmanager
def writing(path: Path, size: Size, rate: float) -> Iterator[Callable[[Image], None]]:
    """A function that adds a frame (height, width, 3) of this size.

    The file takes its name, which must be free, when the block ends without error, and is not there
    if it ends with one. There must be a frame. Its suffix is one of CODECS. Raises OutputError.
    """
    require_writable(path)
    with files.output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(f".partial{path.suffix}", f".{path.stem}.", path.parent)
        os.close(handle)
    partial = Path(name)
    codec = cv2.VideoWriter_fourcc(*CODECS[path.suffix.lower()])  # type: ignore[attr-defined]
    try:
        with _quiet():
            writer = cv2.VideoWriter(name, cv2.CAP_FFMPEG, codec, rate, (size[1], size[0]))
        try:
            if not writer.isOpened():
                raise OutputError(
                    f"cannot write {path}: OpenCV has no encoder for {size[1]}x{size[0]} pixels at "
                    f"{rate:g} frames a second as {path.suffix}"
                )
            yield lambda frame: writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        finally:
            writer.release()
        if not _plays(partial):  # the writer itself says nothing of a full disk
            raise OutputError(f"cannot write {path}: what was written does not play; disk full?")
        with files.output_errors(path):
            files.take_name(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Raises OutputError where a video cannot have this name."""
    if path.suffix.lower() not in CODECS:
        raise OutputError(f"{path}: a video is written as {', '.join(CODECS)}")
    if path.exists():
        raise files.exists_already(path, "--save")


def _require_video(path: Path) -> None:
    with files.plain(path, BYTE_CAP) as (handle, _):
        head = os.read(handle, 16)
    if not any(head[at : at + len(mark)] == mark for at, mark in KINDS):
        raise DataError(f"{path}: no video; expected MP4, MOV, AVI, MKV, WebM, MPEG, FLV or WMV")


def _plays(path: Path) -> bool:
    with _quiet():
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        good: bool = capture.isOpened() and capture.read()[0]
        capture.release()
    return good


def _fits(path: Path, capture: cv2.VideoCapture) -> bool:
    """Whether there is a video; its size is looked at before a frame is decoded."""
    if not capture.isOpened():
        return False
    height, width = (
        int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
    )
    if height * width > PIXEL_CAP:
        raise DataError(f"{path}: {width}x{height} pixels, over the cap of {PIXEL_CAP}")
    return height > 0 and width > 0


def _frames(path: Path, capture: cv2.VideoCapture, first: Image) -> Iterator[Image]:
    frame: Image | None = first
    number = 0
    while frame is not None:
        if frame.shape != first.shape:
            raise DataError(f"{path}: frame {number} is of another size than the first")
        yield frame
        number += 1
        frame = _next(capture)


def _next(capture: cv2.VideoCapture) -> Image | None:
    """The next frame, None where there is none."""
    with _quiet():
        good, frame = capture.read()
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8) if good else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what FFmpeg and OpenCV write on standard error: an error of ours says it."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read once, when FFmpeg is first used
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)
