"""Boxes in the frames of a video."""

import csv
import io
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sightline import video
from sightline.detect import videos
from sightline.detect.search import Found
from sightline.errors import Stopped
from sightline.talk import Silent, Terminal
from sightline.types import Annotation, Image
from terminal import sightline

SIDE = 16


def film(path: Path, n: int, size: tuple[int, int] = (48, 64)) -> Path:
    """A bright square of 16 pixels, a pixel further right in each frame."""
    with video.writing(path, size, 20) as write:
        for step in range(n):
            frame = np.full((*size, 3), 30, np.uint8)
            left = 2 + step % (size[1] - SIDE - 4)
            frame[10 : 10 + SIDE, left : left + SIDE] = 230
            write(frame)
    return path


class Bright:
    """Finds what is bright; ends as Ctrl-C would at frame `end`."""

    classes = ("lamp", "sun")
    remark = ""

    def __init__(self, end: int | None = None) -> None:
        self.end, self.seen = end, 0

    def find(self, image: Image) -> Found:
        if self.seen == self.end:
            raise KeyboardInterrupt
        self.seen += 1
        rows, columns = np.nonzero(image[..., 0] > 128)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        found = Annotation(
            boxes=np.array([box], np.float32),
            classes=np.array([0]),
            confidence=np.array([0.75], np.float32),
        )
        return Found(found, 0, 0.0)


def test_every_frame_is_searched_and_drawn_at_the_frame_rate(tmp_path: Path) -> None:
    path, table = film(tmp_path / "in.mp4", 15), io.StringIO()
    tell = videos.rows_to(table, Bright.classes)
    to = tmp_path / "out.mp4"
    watched = videos.search_video(Bright(), "bright", path, to, Silent(), tell)
    assert (watched.frames, watched.rate, watched.boxes) == (15, 20, {"lamp": 15})
    assert watched.pace > 0
    header, *rows = csv.reader(io.StringIO(table.getvalue()))
    assert header == ["frame", "seconds", "class", "confidence", "x0", "y0", "x1", "y1"]
    assert [row[:4] for row in rows] == [
        [str(i), f"{i / 20:.3f}", "lamp", "0.7500"] for i in range(15)
    ]
    assert [abs(float(row[4]) - 2 - i) <= 1 for i, row in enumerate(rows)] == [True] * 15
    with video.reading(to) as drawn, video.reading(path) as plain:
        assert (drawn.rate, drawn.size) == (20, plain.size)
        pairs = list(zip(drawn.frames, plain.frames, strict=True))
    assert len(pairs) == 15
    assert all(np.abs(one.astype(int) - two).max() > 60 for one, two in pairs)  # boxes


def test_ctrl_c_leaves_a_video_that_plays_up_to_there(tmp_path: Path) -> None:
    path, to = film(tmp_path / "in.mp4", 20), tmp_path / "out.mp4"
    with pytest.raises(Stopped, match=r"at frame 7 of 20; .*out\.mp4 holds the video up to there"):
        videos.search_video(Bright(end=7), "bright", path, to, Silent())
    with video.reading(to) as footage:
        assert len(list(footage.frames)) == 7
    with pytest.raises(KeyboardInterrupt):
        videos.search_video(Bright(end=0), "bright", path, tmp_path / "b.mp4", Silent())
    assert sorted(child.name for child in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_a_video_that_ends_early_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = film(tmp_path / "in.avi", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    watched = videos.search_video(Bright(), "bright", path, None, Terminal())
    said = capsys.readouterr().err
    assert f"in.avi ends early: {watched.frames} frames of 40 that its header promises" in said
    assert "frames a second (median); the video has 20" in said


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    path = film(tmp_path / "in.avi", 80, (96, 128))
    tracemalloc.start()
    videos.search_video(Bright(), "bright", path, tmp_path / "out.avi", Silent())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 96 * 128 * 3  # of 80 frames


def test_the_command_searches_a_video(tmp_path: Path) -> None:
    path = film(tmp_path / "in.mp4", 4)
    to = tmp_path / "out.webm"
    code, out, said = sightline("predict", "haar:frontalface", "--video", path, "--save", to)
    assert code == 0, said
    assert "4 frames of 64x48: nothing" in out and "frames a second" in said
    with video.reading(to) as footage:
        assert len(list(footage.frames)) == 4
    told = json.loads(sightline("predict", "haar:eye", "--video", path, "--json")[1])
    assert (told["frames"], told["rate"], told["boxes"], told["saved"]) == (4, 20.0, {}, None)
    table = sightline("predict", "haar:eye", "--video", path, "--csv")[1]
    assert table == "frame,seconds,class,confidence,x0,y0,x1,y1\n"
    for options, text in (
        (("--format", "voc", "--to", tmp_path / "x"), "are for pictures"),
        (("--save", to), "never overwrites"),
        (("--save", tmp_path / "x.png"), "a video is written as .mp4"),
        ((tmp_path,), "name pictures, or a --video"),
    ):
        code, _, said = sightline("predict", "haar:eye", "--video", path, *options)
        assert code == 2 and text in " ".join(said.replace("│", " ").split()), said
