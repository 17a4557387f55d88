"""What training would see, told before anything is trained."""

import pytest

from sightline.data import catalog, generated, shapes
from sightline.data.augment import PRESETS, Augment
from sightline.errors import RecipeError, UnknownName
from sightline.preview import describe, preview

DIGITS = catalog.open_named("digits")


def test_without_a_word_it_is_what_the_plan_does() -> None:
    seen = preview(DIGITS, "digits", None, [])
    assert (seen.canvas.size, seen.canvas.channels, seen.view.top) == ((8, 8), 1, 16)
    assert seen.view.augment.rotate and not seen.view.augment.flip
    assert seen.about.startswith("the plan: inputs 8x8, shift 0.08")


def test_a_preset_or_a_recipe_by_name_and_settings_over_either() -> None:
    assert preview(DIGITS, "digits", "strong", []).view.augment == PRESETS["strong"]
    recipe = preview(DIGITS, "digits", "lenet-digits", ["augment.flip=true"])
    assert recipe.view.augment.flip
    assert recipe.canvas.size == (8, 8)
    assert preview(DIGITS, "digits", None, ["canvas.size=[20, 24]"]).view.size == (20, 24)


def test_boxes_and_masks_get_room_and_a_border_without_doubles() -> None:
    seen = preview(shapes.shapes(20, 0), "shapes", None, [])
    assert seen.view.size == (96, 96)
    assert seen.view.augment.flip
    assert seen.view.border == "gray"
    assert not preview(generated.captchas(20, 0), "captchas", None, []).view.augment.flip


def test_what_changes_is_said_in_a_line() -> None:
    assert describe(Augment()) == "nothing changes"
    assert describe(Augment(flip=True, rotate=15.0, resized_crop=0.25)) == (
        "flip, resized crop 0.25, rotate 15"
    )


def test_an_unknown_word_and_a_wrong_setting_are_named() -> None:
    with pytest.raises(UnknownName, match="did you mean light"):
        preview(DIGITS, "digits", "lite", [])
    with pytest.raises(RecipeError, match="key=value"):
        preview(DIGITS, "digits", None, ["flip"])
