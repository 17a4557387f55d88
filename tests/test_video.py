"""Videos read and written frame by frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sightline import video
from sightline.errors import DataError, OutputError
from sightline.types import Image


def moving(n: int = 12, size: tuple[int, int] = (48, 64)) -> Iterator[Image]:
    """A red square that moves right over a dark ground, a pixel a frame."""
    for step in range(n):
        frame = np.full((*size, 3), 40, np.uint8)
        frame[10:26, 4 + step : 20 + step] = (220, 30, 30)
        yield frame


def written(path: Path, n: int = 12, size: tuple[int, int] = (48, 64), rate: float = 12.5) -> Path:
    with video.writing(path, size, rate) as write:
        for frame in moving(n, size):
            write(frame)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi", ".webm"])
def test_what_is_written_reads_back_with_its_size_its_rate_and_nearly_its_colors(
    tmp_path: Path, suffix: str
) -> None:
    path = written(tmp_path / f"film{suffix}")
    with video.reading(path) as footage:
        assert footage.size == (48, 64) and footage.known
        assert footage.rate == pytest.approx(12.5)
        frames = list(footage.frames)
    assert len(frames) == 12
    for found, expected in zip(frames, moving(), strict=True):
        assert np.abs(found.astype(int) - expected).mean() < 6
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_odd_sizes_are_kept(tmp_path: Path) -> None:
    with video.reading(written(tmp_path / "odd.mp4", 3, (49, 65))) as footage:
        sizes = {frame.shape for frame in footage.frames}
    assert footage.size[0] in (48, 49) and sizes == {(*footage.size, 3)}


@pytest.mark.parametrize(
    "content",
    [b"", b"no video", b"#EXTM3U\nhttp://localhost/x.ts\n", b"ffconcat version 1.0\nfile x.mp4\n"],
)
def test_what_is_no_video_is_refused_by_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"film\.mp4: no video; expected MP4"), video.reading(path):
        pass


def test_a_damaged_video_and_none_at_all_are_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = written(tmp_path / "whole.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[:200])  # the index of an MP4 is its end
    with pytest.raises(DataError, match="damaged, or no video"), video.reading(cut):
        pass
    with pytest.raises(DataError, match="No such file"), video.reading(tmp_path / "none.mp4"):
        pass
    with pytest.raises(DataError, match="not a plain file"), video.reading(tmp_path):
        pass
    assert capfd.readouterr().err == ""


def test_a_video_that_ends_early_gives_what_there_is(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.avi", 40).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: len(whole) * 3 // 5])
    with video.reading(cut) as footage:
        frames = len(list(footage.frames))
    assert 10 < frames < 30


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with video.writing(tmp_path / "a.mp4", (48, 64), 10) as write:
            write(next(moving()))
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    with (
        pytest.raises(OutputError, match="does not play"),
        video.writing(tmp_path / "b.mp4", (48, 64), 10),
    ):
        pass  # no frame
    assert list(tmp_path.iterdir()) == []


def test_names_that_a_video_cannot_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is written as \.mp4, \.mov"):
        video.require_writable(tmp_path / "film.gif")
    written(tmp_path / "film.mp4", 1)
    with pytest.raises(OutputError, match="--save never overwrites"):
        video.require_writable(tmp_path / "film.mp4")
