"""What the header of a plain JPEG says, in microseconds; Pillow takes a tenth of a millisecond.

Only what is common is understood. For all else the answer is None, and Pillow looks.
"""

from typing import NamedTuple

from sightline.types import Size

START = b"\xff\xd8\xff"
BASELINE_EXTENDED_PROGRESSIVE = (0xC0, 0xC1, 0xC2)
OTHER_FRAMES = (0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))  # lossless, …
EXIF, ADOBE, SCAN = 0xE1, 0xEE, 0xDA
ORIENTATION = 0x0112  # EXIF tag
TAIL = 64  # bytes in which the end marker of a whole file lies


class Header(NamedTuple):
    """size as the pixels lie, channels 1 or 3, orientation 1 to 8 (EXIF 2.3)."""

    size: Size
    channels: int
    orientation: int


def header(data: bytes) -> Header | None:
    """The header of a whole grey or YCbCr JPEG of 8 bits; None where it is anything else."""
    if not data.startswith(START) or b"\xff\xd9" not in data[-TAIL:]:
        return None
    try:
        return _walked(data)
    except IndexError:
        return None


def _walked(data: bytes) -> Header | None:
    """Segment by segment to the first scan."""
    at, orientation = 2, 1
    frame: tuple[Size, int] | None = None
    while True:
        if data[at] != 0xFF:
            return None
        kind, end = data[at + 1], at + 2 + (data[at + 2] << 8 | data[at + 3])
        if kind == SCAN:
            break
        found: int | None = 1
        if kind in BASELINE_EXTENDED_PROGRESSIVE:
            found, frame = (None if frame else 1), _frame(data[at + 4 : end])
        elif kind == EXIF:
            found = _orientation(data[at + 4 : end])
            orientation = max(orientation, found or 1)
        elif kind == ADOBE:  # else red, green and blue as they are, or inks
            found = 1 if data[at + 4 : at + 9] != b"Adobe" or data[at + 15] == 1 else None
        elif kind in OTHER_FRAMES or kind < 0xC0:
            found = None
        if found is None:
            return None
        at = end
    return Header(*frame, orientation) if frame else None


def _frame(segment: bytes) -> tuple[Size, int] | None:
    """Size and channels of 8-bit grey or YCbCr."""
    size = segment[1] << 8 | segment[2], segment[3] << 8 | segment[4]
    channels, names = segment[5], segment[6::3]
    plain = (channels == 1 and len(names) == 1) or (channels == 3 and names == b"\1\2\3")
    return (size, channels) if plain and segment[0] == 8 and min(size) > 0 else None


def _orientation(segment: bytes) -> int | None:
    """1 to 8 by an EXIF segment, 1 where it says nothing; None where Pillow must look."""
    if not segment.startswith(b"Exif\0\0"):
        return None if b"rientation" in segment else 1  # XMP may say it too
    tiff = segment[6:]
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(tiff[:4])
    if order is None:
        return None

    def number(at: int, length: int) -> int:
        if at + length > len(tiff):
            raise IndexError
        return int.from_bytes(tiff[at : at + length], order)  # type: ignore[arg-type]

    entries = number(4, 4)
    for entry in range(entries + 2, entries + 2 + 12 * number(entries, 2), 12):
        if number(entry, 2) == ORIENTATION:
            value = number(entry + 8, 2)
            plain = number(entry + 2, 2) == 3 and number(entry + 4, 4) == 1
            return value if plain and 1 <= value <= 8 else None
    return 1
