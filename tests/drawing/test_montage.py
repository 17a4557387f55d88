"""Sheets of many pictures: every tile whole and in its cell, words beside it."""

import numpy as np
import pytest

from sightline.drawing.colors import color
from sightline.drawing.montage import PAPER, ROWS, Lettering, montage


def tile(shade: int, height: int = 32, width: int = 32) -> np.ndarray:
    return np.full((height, width, 3), shade, np.uint8)


def area_of(sheet: np.ndarray, shade: int) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((sheet == shade).all(2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_small_tiles_are_enlarged_by_whole_factors_pixel_for_pixel() -> None:
    noise = np.random.default_rng(0).integers(0, 200, (8, 8, 1), dtype=np.uint8)
    sheet = montage([noise], columns=1, side=100)
    large = noise.repeat(12, 0).repeat(12, 1).repeat(3, 2)
    inner = sheet[14:110, 14:110]
    assert (inner == large).all()


def test_tiles_of_different_sizes_stand_in_the_middles_of_equal_cells() -> None:
    sheet = montage([tile(10, 40, 80), tile(20, 80, 40), tile(30, 80, 80)], columns=3)
    boxes = [area_of(sheet, shade) for shade in (10, 20, 30)]
    middles = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in boxes]
    assert middles[1][0] - middles[0][0] == middles[2][0] - middles[1][0] == 86
    assert len({y for _, y in middles}) == 1
    assert [(b[2] - b[0], b[3] - b[1]) for b in boxes] == [(80, 40), (40, 80), (80, 80)]


def test_an_empty_cell_stays_paper_and_keeps_its_place() -> None:
    sheet = montage([tile(10), None, tile(30)], columns=3)
    assert area_of(sheet, 30)[0] - area_of(sheet, 10)[0] == 2 * 38
    assert (sheet[20:40, 55:80] == PAPER).all()


def test_captions_title_tops_headings_and_key_take_room_of_their_own() -> None:
    plain = montage([tile(10)] * 4, columns=2)
    words = Lettering(
        title="a set",
        about="of tiles",
        tops=["left", "right"],
        headings=[("cat", "2 images"), ("dog", "")],
        key=[("cat", color(0))],
    )
    full = montage([tile(10)] * 4, ["one", "two\nlines", "three", "four"], 2, text=words)
    assert full.shape[0] > plain.shape[0] + 100
    assert full.shape[1] > plain.shape[1] + 40
    assert (full == 10).all(2).sum() == (plain == 10).all(2).sum()  # nothing over a tile
    assert (full == color(0)).all(2).any()


def test_a_long_heading_is_cut_and_odd_letters_are_no_error() -> None:
    words = Lettering(title="x" * 500, headings=[("a long name " * 50, "\x00\n")])
    sheet = montage([tile(10)], ["c" * 999], 1, text=words)
    assert sheet.shape[1] < 1000
    assert (sheet[:, -1] == PAPER).all()


def test_many_headed_rows_go_on_in_a_block_to_the_right() -> None:
    rows = 2 * ROWS
    few = montage([tile(10)] * ROWS, columns=1, text=Lettering(headings=[("a", "")] * ROWS))
    many = montage([tile(10)] * rows, columns=1, text=Lettering(headings=[("a", "")] * rows))
    assert many.shape[0] == few.shape[0]
    assert many.shape[1] > 1.8 * few.shape[1]
    assert (many == 10).all(2).sum() == rows * 32 * 32


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_color_share_a_sheet(channels: int) -> None:
    sheet = montage([np.zeros((10, 10, channels), np.uint8), tile(9)], columns=2, side=40)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
