"""Truths and predictions drawn: colors where they belong, words that can be read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline import images
from sightline.drawing import annotations as drawing
from sightline.drawing import lettering
from sightline.drawing.colors import color, ink_on
from sightline.types import Annotation, Image

GREY = np.full((120, 160, 3), 128, np.uint8)


def boxes(*rows: tuple[float, float, float, float], kinds: tuple[int, ...] = ()) -> Annotation:
    return Annotation(
        boxes=np.array(rows, np.float32).reshape(-1, 4),
        classes=np.array(kinds or [0] * len(rows), np.int64),
    )


def colored(picture: Image, index: int) -> np.ndarray:
    """(h, w) bool: pixels of exactly a class's color."""
    return (picture == color(index)).all(2)


class Instance:
    """Whatever has `mask` can be drawn."""

    def __init__(self, inside: np.ndarray) -> None:
        self.inside = inside

    def mask(self) -> np.ndarray:
        return self.inside


# Colors


def test_sixty_four_classes_have_different_colors_and_then_they_come_round() -> None:
    assert len({color(i) for i in range(64)}) == 64
    assert color(64) == color(0)


def test_the_first_colors_are_far_apart_and_none_is_near_grey() -> None:
    first = np.array([color(i) for i in range(10)], float)
    away = np.sqrt(((first[:, None] - first) ** 2).sum(2)) + 1e3 * np.eye(10)
    assert away.min() > 80
    assert (np.ptp([color(i) for i in range(64)], axis=1) > 60).all()


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_words_contrast_with_their_ground(ground: tuple[int, int, int]) -> None:
    """At least 4.5 to 1, which WCAG 2 asks of text."""

    def light(rgb: tuple[int, int, int]) -> float:
        unit = np.array(rgb) / 255
        linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((light(ground), light(ink_on(ground))))
    assert (high + 0.05) / (low + 0.05) >= 4.5


# Boxes


def test_a_box_is_drawn_just_around_its_pixels() -> None:
    drawn = drawing.overlaid(GREY, boxes((40, 30, 100, 90)), ["cell"], tags=False)
    line = colored(drawn, 0)
    rows, columns = np.flatnonzero(line.any(1)), np.flatnonzero(line.any(0))
    assert (columns[0], rows[0], columns[-1], rows[-1]) == (39, 29, 100, 90)
    assert (drawn[31:89, 41:99] == 128).all()  # what is in it stays to be seen
    assert (drawn[:25] == 128).all()


def test_a_box_has_the_color_of_its_class_and_moves_with_the_size() -> None:
    truth = boxes((10, 10, 30, 30), (60, 60, 90, 90), kinds=(3, 1))
    drawn = drawing.overlaid(GREY, truth, list("abcd"), (240, 320), tags=False)
    assert drawn.shape == (240, 320, 3)
    assert colored(drawn, 3)[:70, :70].any() and not colored(drawn, 3)[70:, 70:].any()
    assert colored(drawn, 1)[110:, 110:].any() and not colored(drawn, 1)[:110, :110].any()


def test_a_line_can_be_seen_on_its_own_color_by_its_seam() -> None:
    ground = np.broadcast_to(np.array(color(0), np.uint8), (60, 60, 3)).copy()
    drawn = drawing.overlaid(ground, boxes((20, 20, 40, 40)), ["cell"], tags=False)
    assert (drawn == drawing.SEAM).all(2).sum() > 100


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-50, 250, width=32)] * 4), max_size=12),
    st.sampled_from([(1, 1), (7, 3), (40, 60), (300, 200)]),
)
def test_boxes_of_any_place_are_drawn_without_error(
    rows: list[tuple[float, float, float, float]], size: tuple[int, int]
) -> None:
    image = np.zeros((*size, 1), np.uint8)
    truth = boxes(*[(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in rows])
    assert drawing.overlaid(image, truth, ["x"]).shape == (*size, 3)
    assert drawing.annotated(image, truth, ["x"]).dtype == np.uint8


def test_a_box_around_the_whole_picture_is_drawn_along_its_edge() -> None:
    line = colored(drawing.overlaid(GREY, boxes((0, 0, 160, 120)), ["x"], tags=False), 0)
    assert line[0].all() and line[-1].all() and line[:, 0].all() and line[:, -1].all()
    assert not line[3:-3, 3:-3].any()


def test_a_tag_says_class_and_confidence_on_a_ground_of_the_class() -> None:
    truth = boxes((40, 60, 100, 90))
    plain = drawing.overlaid(GREY, truth, ["cell"], tags=False)
    tagged = drawing.overlaid(GREY, truth, ["cell"])
    changed = (plain != tagged).any(2)
    assert changed.any() and not changed[60:].any()  # above the box
    assert colored(tagged, 0)[changed].mean() > 0.4
    sure = Annotation(
        boxes=truth.boxes, classes=truth.classes, confidence=np.array([0.97], np.float32)
    )
    longer = (plain != drawing.overlaid(GREY, sure, ["cell"])).any(2)
    assert longer.sum() > changed.sum()  # "cell 97 %"


def test_tags_never_cover_one_another() -> None:
    """Two boxes at one place carry two tags, apart; of a hundred some are left out."""
    one = boxes((40, 60, 100, 90))
    two = boxes((40, 60, 100, 90), (40, 60, 100, 90), kinds=(0, 1))
    size = (240, 320)

    def tag_pixels(truth: Annotation) -> int:
        drawn = drawing.overlaid(GREY, truth, ["cell", "cell"], size)
        plain = drawing.overlaid(GREY, truth, ["cell", "cell"], size, tags=False)
        return int((drawn != plain).any(2).sum())

    assert tag_pixels(two) > 1.8 * tag_pixels(one)
    assert tag_pixels(boxes(*[(40, 60, 100, 90)] * 100)) < 9 * tag_pixels(one)


# Masks, instances, landmarks


def test_a_mask_tints_its_classes_and_leaves_the_background() -> None:
    mask = np.zeros((120, 160), np.uint8)
    mask[40:80, 50:100] = 1
    drawn = drawing.overlaid(GREY, Annotation(mask=mask), ["background", "cell"])
    assert (drawn[mask == 0] == 128).all()
    assert (drawn[45:75, 55:95] != 128).any(2).all()
    rows, columns = np.nonzero(colored(drawn, 1))  # the line along its edge, inside it
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 79, 50, 99)


def test_where_nothing_is_known_is_striped() -> None:
    mask = np.full((120, 160), 255, np.uint8)
    drawn = drawing.overlaid(GREY, Annotation(mask=mask), ["a", "b"])
    assert (drawn == drawn[..., :1]).all()  # no color
    assert len(np.unique(drawn)) == 2


def test_a_mask_is_drawn_at_another_size_without_new_classes() -> None:
    mask = (np.indices((12, 16)).sum(0) % 2).astype(np.uint8)
    drawn = drawing.overlaid(GREY[:12, :16], Annotation(mask=mask), ["background", "x"], (24, 32))
    assert ((drawn[::2, ::2] != 128).any(2) == (mask == 1)).all()


def test_instances_of_the_only_class_are_told_apart() -> None:
    left, right = np.zeros((2, 120, 160), bool)
    left[20:60, 20:60], right[20:60, 80:130] = True, True
    truth = Annotation(
        boxes=np.array([[20, 20, 60, 60], [80, 20, 130, 60]], np.float32),
        classes=np.array([1, 1]),
        instances=(Instance(left), Instance(right)),
    )
    drawn = drawing.overlaid(GREY, truth, ["background", "person"], tags=False)
    assert colored(drawn, 0)[:, :70].any() and colored(drawn, 1)[:, 70:].any()
    several = drawing.overlaid(GREY, truth, ["background", "person", "dog"], tags=False)
    assert colored(several, 1)[:, :70].any() and colored(several, 1)[:, 70:].any()


def test_landmarks_are_dots_and_one_that_is_not_visible_is_none() -> None:
    seen = Annotation(landmarks=np.array([[30, 40], [np.nan, np.nan]], np.float32))
    drawn = drawing.overlaid(GREY, seen, [])
    rows, columns = np.nonzero((drawn != 128).any(2))
    assert abs(rows.mean() - 40) < 1 and abs(columns.mean() - 30) < 1
    assert colored(drawn, 0).any() and not colored(drawn, 1).any()


# Words


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Annotation(label=1), "dog"),
        (Annotation(label=1, scores=np.array([0.25, 0.75], np.float32)), "dog 75.0 %"),
        (Annotation(scores=np.array([0.25, 0.75], np.float32)), "dog 75 % + cat 25 %"),
        (Annotation(labels=np.array([1, -1], np.int8)), "cat, dog?"),
        (Annotation(labels=np.array([0, 0], np.int8)), "none"),
        (Annotation(values=np.array([1.5, 20000], np.float32)), "cat 1.5  dog 20000"),
        (Annotation(), ""),
    ],
)
def test_what_is_said_of_a_whole_picture_in_words(said: Annotation, text: str) -> None:
    assert drawing.words(said, ["cat", "dog"]) == text


def test_a_text_is_cut_to_its_width_and_letters_without_shape_become_question_marks() -> None:
    assert lettering.shortened("cat", 500, 14) == "cat"
    short = lettering.shortened("a very long name of a class", 80, 14)
    assert short.endswith("…") and lettering.length(short, 14) <= 80
    assert lettering.shortened("cat", 1, 14) == ""
    assert lettering.printable("a\nb\x00\u202e") == "a?b??"


def test_the_words_of_an_annotation_stand_below_the_picture() -> None:
    plain = drawing.annotated(GREY, Annotation(), ["cat"])
    assert (plain == 128).all()
    named = drawing.annotated(GREY, Annotation(label=0), ["cat"])
    assert (named == drawing.captioned(GREY, "cat")).all()
    given_words = drawing.annotated(GREY, Annotation(label=0), ["cat"], "it is a cat")
    assert (given_words == drawing.captioned(GREY, "it is a cat")).all()


def test_a_legend_below_names_the_classes_that_are_shown_and_no_others() -> None:
    truth = boxes((10, 10, 30, 30), (40, 40, 70, 70), kinds=(2, 1))
    assert drawing.met(truth, list("abc")) == [1, 2]
    drawn = drawing.annotated(GREY, truth, list("abc"))
    band = drawn[240:]
    assert colored(band, 1).any() and colored(band, 2).any() and not colored(band, 0).any()


def test_a_target_stands_beside_its_input() -> None:
    target = np.full((60, 80, 3), 200, np.uint8)
    drawn = drawing.annotated(GREY, Annotation(image=target), [])
    assert drawn.shape[1] > 2 * 320
    assert (drawn[10:230, :320] == 128).all() and (drawn[10:230, -310:] == 200).all()


@pytest.mark.parametrize(
    ("size", "limit", "expected"),
    [
        ((32, 32), (128, 128), (128, 128)),
        ((28, 28), (128, 128), (112, 112)),  # whole factors of small pictures
        ((8, 8), (128, 128), (128, 128)),
        ((480, 640), (400, 400), (300, 400)),
        ((100, 160), (400, 400), (250, 400)),
        ((1, 5000), (128, 128), (1, 128)),
    ],
)
def test_a_picture_fills_its_cell_as_its_pixels_allow(
    size: tuple[int, int], limit: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert drawing.fitted_size(size, limit) == expected


# Captions


@pytest.mark.parametrize("shape", [(32, 48, 3), (8, 8, 1), (300, 400, 3), (1, 1, 1)], ids=str)
def test_a_caption_stands_below_the_whole_image(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    sheet = drawing.captioned(pixels, "cat 97.1 %  (dog 2.2 %, größe 像素)")
    height, width = sheet.shape[:2]
    factor = width // shape[1]
    assert sheet.dtype == np.uint8
    assert width >= 224
    assert width == factor * shape[1]
    above = pixels.repeat(factor, 0).repeat(factor, 1)
    assert np.array_equal(sheet[: len(above)], images.to_channels(above, 3))
    band = sheet[len(above) :]
    assert height > len(above)
    assert band.max() > 200  # there are letters


def test_a_long_caption_is_set_smaller() -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    short, long = drawing.captioned(pixels, "cat"), drawing.captioned(pixels, "a long line " * 5)
    assert long.shape[0] < short.shape[0]
    assert (long[300:, -4:] == long[300, -1]).all()  # it ends before the edge


def test_a_caption_of_several_lines_stands_line_by_line() -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    one, three = drawing.captioned(pixels, "cat"), drawing.captioned(pixels, "cat\ndog\nowl")
    step = (len(three) - len(one)) // 2
    assert step > 14
    assert (three[: len(one) - step // 2] == one[: len(one) - step // 2]).all()
    inked = (three[300:] > 128).any((1, 2))
    assert np.diff(inked.astype(int)).tolist().count(1) == 3  # lines apart


def test_landmarks_astray_are_a_ring_a_dot_and_a_line_between() -> None:
    blank = np.full((60, 80, 3), 128, np.uint8)
    truth = np.array([[15.0, 30.0], [np.nan, np.nan]])
    guess = np.array([[60.0, 30.0], [40.0, 10.0]])
    drawn = drawing.astray(blank, truth, guess)
    assert tuple(drawn[30, 60]) == color(0)  # the dot is filled
    assert tuple(drawn[30, 40]) == color(0)
    changed = (drawn != 128).any(2)
    assert changed[:22].sum() == 0  # of what is hidden nothing is drawn
    assert tuple(drawn[30, 10]) == color(0)  # the ring
    assert not changed[30, 7] and not changed[30, 68]
