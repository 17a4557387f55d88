"""Recipes: checked key by key, overridden from the command line, written back."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from sightline import recipe
from sightline.errors import DataError, RecipeError, UnknownName
from sightline.overrides import override, setting
from sightline.recipe import DataOnly, Recipe


def content(**changes: Any) -> dict[str, Any]:
    """The shortest recipe there is, with tables replaced."""
    return {
        "data": {"name": "digits"},
        "canvas": {"size": [8, 8], "channels": 1},
        "model": {"name": "lenet", "kernel": 3},
        "train": {"epochs": 2, "optimizer": {"name": "sgd", "rate": 0.01}},
    } | changes


def read(**changes: Any) -> Recipe:
    return recipe.from_dict(content(**changes), "mine.toml", Recipe)


def with_setting(*settings: str) -> Recipe:
    pairs = [setting(text) for text in settings]
    return recipe.from_dict(override(content(), pairs), "mine", Recipe)


# Reading


def test_what_is_not_said_has_its_default() -> None:
    chosen = read()
    assert chosen.task == "classification"
    assert chosen.canvas.size == (8, 8)
    assert chosen.canvas.mode == "stretch"
    assert (chosen.data.val, chosen.data.test, chosen.data.split) == (0.15, 0.15, "stratified")
    assert (chosen.train.batch, chosen.train.schedule.name) == (32, "constant")
    assert chosen.model.settings == {"kernel": 3}
    assert chosen.train.optimizer.settings == {}
    assert not chosen.augment.moves


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modle": {}}, "unknown key in mine.toml 'modle'; did you mean model?"),
        (
            {"train": {"parts": {"head": {"optimizr": {}}}}},
            "unknown key of train.parts.head in mine.toml 'optimizr'; did you mean optimizer?",
        ),
        ({"data": {"nmae": "digits"}}, "unknown key of data in mine.toml 'nmae'; did you mean nam"),
        (
            {"canvas": {"sise": [8, 8]}},
            "unknown key of canvas in mine.toml 'sise'; did you mean size?",
        ),
        ({"view": {"topp": 16}}, "unknown key of view in mine.toml 'topp'; did you mean top?"),
        (
            {"augment": {"rotation": 10}},
            "unknown key of augment in mine.toml 'rotation'; did you mean rotate?",
        ),
        (
            {"train": {"epoch": 5}},
            "unknown key of train in mine.toml 'epoch'; did you mean epochs?",
        ),
        (
            {"expect": {"tset": {}}},
            "unknown key of expect in mine.toml 'tset'; did you mean test?",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_unknown_key_is_answered_with_the_nearest_and_the_place(
    changes: dict, said: str
) -> None:
    table, keys = next(iter(changes.items()))
    base = content()
    base[table] = base.get(table, {}) | keys
    with pytest.raises(UnknownName) as caught:
        recipe.from_dict(base, "mine.toml", Recipe)
    assert str(caught.value).startswith(said)


def test_an_unknown_key_is_found_where_the_data_alone_is_read() -> None:
    with pytest.raises(UnknownName, match="unknown key of data in mine 'pth'; did you mean path?"):
        recipe.from_dict({"data": {"pth": "/photos"}}, "mine", DataOnly)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {}}, "mine.toml: data: data needs either a name or a path"),
        ({"data": {"name": "a", "path": "b"}}, "mine.toml: data: data needs either a name or"),
        ({"data": {"name": "digits", "val": 1.0}}, "mine.toml: data.val: input should be less"),
        (
            {"data": {"name": "a", "split": "random"}},
            "mine.toml: data: split is 'random'; expected",
        ),
        ({"data": {"name": "a", "folds": 5}}, "mine.toml: data: folds = 5 needs fold, 1 to 5"),
        ({"data": {"name": "a", "folds": 5, "fold": 6}}, "mine.toml: data: folds = 5 needs fold"),
        ({"data": {"name": "a", "fold": 2}}, "mine.toml: data: fold needs folds, or a split file"),
        (
            {"data": {"name": "a", "split": "s.csv", "folds": 5, "fold": 1}},
            "mine.toml: data: folds goes with split = stratified, not s.csv",
        ),
        (
            {"data": {"name": "a", "split": "book", "group": "folder"}},
            "mine.toml: data: group goes with split = stratified, not book",
        ),
        ({"model": {"kernel": 3}}, "mine.toml: model.name: field required"),
        ({"model": 5}, "mine.toml: model: expected a table, as {name = value}"),
        ({"train": {"epochs": 0, "optimizer": {"name": "sgd", "rate": 1}}}, "mine.toml: train.ep"),
        ({"train": {"epochs": 1, "optimizer": {"name": "sgd"}}}, "mine.toml: train.optimizer.rate"),
        ({"train": {"epochs": 1}}, "mine.toml: train.optimizer: field required"),
        ({"canvas": {"size": [8]}}, "mine.toml: canvas.size"),
        ({"canvas": {"size": "large"}}, "mine.toml: canvas.size: input should be a valid tuple"),
        ({"canvas": {"mode": "shrink"}}, "mine.toml: canvas.mode: input should be 'stretch', "),
        ({"canvas": {"channels": 2}}, "mine.toml: canvas.channels: input should be 1 or 3"),
        ({"view": {"top": 300}}, "mine.toml: view.top: input should be less than or equal to 255"),
        (
            {"normalize": "imagenet"},
            "mine.toml: normalize: input should be 'auto', 'training' or 'none'",
        ),
        ({"expect": {"test": {"accuracy": "high"}}}, "mine.toml: expect.test.accuracy"),
    ],
    ids=str,
)
def test_what_is_wrong_is_one_line_that_names_file_and_key(changes: dict, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(**changes)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"canvas": {"size": [0, 8]}}, "canvas size"),
        ({"canvas": {"size": [8, 8], "overlap": 8}}, "canvas overlap 8: must be 0 to 7"),
        ({"augment": {"rotate": 400}}, "augment.rotate = 400"),
        ({"augment": {"mixup": 0.6, "cutmix": 0.6}}, "may sum to 1 at most"),
    ],
    ids=str,
)
def test_what_the_parts_refuse_is_refused_in_a_recipe_too(changes: dict, said: str) -> None:
    with pytest.raises((DataError, RecipeError)) as caught:
        read(**changes)
    assert said in str(caught.value)


def test_a_recipe_that_does_not_exist_is_answered_with_the_nearest() -> None:
    assert "lenet-digits" in recipe.names()
    assert list(recipe.names()) == sorted(recipe.names())
    with pytest.raises(UnknownName, match="unknown recipe 'lenet-digit'; did you mean lenet-digit"):
        recipe.named("lenet-digit")


def test_a_recipe_file_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "größe.toml"
    path.write_text('about = "größe"\n[train]\nepochs = 2\n', "utf-8")
    assert recipe.read(path) == {"about": "größe", "train": {"epochs": 2}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"epochs = = 5\n", "at line 1"),
        (b"[train]\nepochs = 5\nepochs = 6\n", "at line 3"),
        (b"about = '\xff'\n", "utf-8"),
    ],
    ids=repr,
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with pytest.raises(RecipeError) as caught:
        recipe.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe.read(tmp_path / "none.toml")
    assert str(caught.value) == f"{tmp_path / 'none.toml'}: No such file or directory"


# Writing


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"about": 'größe "quoted" \\ and \n lines', "source": "Starter book, 15"},
        {"augment": {"flip": True, "shift": 0.1, "rotate": 15.0}},
        {"view": {"size": [6, 7], "top": 16, "test": "ten-crop"}},
        {"model": {"name": "x", "widths": [16, 32], "deep": {"a": 1, "b": "c"}, "flag": False}},
        {"expect": {"test": {"accuracy": 0.98}, "book": {"accuracy": 0.98, "note": "81 %"}}},
        {"data": {"path": "/photos/my animals", "val": 0.0, "seed": 7, "quarantine": True}},
        {"data": {"name": "a", "folds": 5, "fold": 2, "group": r"s\d+", "train_dev": 0.1}},
        {"data": {"name": "a", "split": "/splits/folds.csv", "fold": 2}},
    ],
    ids=str,
)
def test_a_recipe_survives_being_written(changes: dict) -> None:
    chosen = read(**changes)
    text = recipe.to_toml(chosen)
    assert recipe.from_text(text, "again") == chosen
    assert recipe.to_toml(recipe.from_text(text, "again")) == text


def test_what_is_written_says_every_default() -> None:
    """So that a run's recipe still means the same when a default has changed."""
    written = tomllib.loads(recipe.to_toml(read()))
    assert written["train"]["batch"] == 32
    assert written["canvas"]["mode"] == "stretch"
    assert written["augment"]["mixup"] == 0.0


def test_content_that_was_not_checked_is_written_as_it_is() -> None:
    assert tomllib.loads(recipe.to_toml_text(content())) == content()


@pytest.mark.parametrize("text", ["epochs = = 5", "", "[train]\nepochs = 'many'"])
def test_a_text_that_is_no_recipe_is_an_error_of_one_line(text: str) -> None:
    with pytest.raises(RecipeError, match=r"^model\.safetensors: ") as caught:
        recipe.from_text(text, "model.safetensors")
    assert "\n" not in str(caught.value)


# Overriding


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("1e-3", 1e-3),
        ("true", True),
        ('"5"', "5"),
        ("'a b'", "a b"),
        ("[8, 8]", [8, 8]),
        ("[8,8]", [8, 8]),
        ('{ name = "sgd", rate = 0.1 }', {"name": "sgd", "rate": 0.1}),
        ("adamw", "adamw"),
        ("ten-crop", "ten-crop"),
        ("/photos/my animals", "/photos/my animals"),
        ("a=b", "a=b"),
        ("", ""),
        ("größe", "größe"),
    ],
)
def test_a_value_is_toml_or_a_plain_word(text: str, value: object) -> None:
    key, got = setting(f"model.x={text}")
    assert key == "model.x"
    assert got == value
    assert type(got) is type(value)


def test_settings_reach_the_recipe() -> None:
    chosen = with_setting(
        "train.epochs=5",
        "train.optimizer.rate=0.5",
        "train.optimizer.momentum = 0.9",
        "canvas.size=[16, 12]",
        "augment.flip=true",
        "view.test=mirror",
        "about=a try",
    )
    assert chosen.train.epochs == 5
    assert chosen.train.optimizer.rate == 0.5
    assert chosen.train.optimizer.settings == {"momentum": 0.9}
    assert chosen.canvas.size == (16, 12)
    assert chosen.augment.flip
    assert (chosen.view.test, chosen.about) == ("mirror", "a try")


def test_the_last_of_several_settings_counts() -> None:
    assert with_setting("train.epochs=5", "train.epochs=6").train.epochs == 6


def test_the_content_that_is_overridden_stays_as_it_was() -> None:
    base = content()
    override(base, [("train.optimizer.rate", 9), ("data.name", "other"), ("new.key", 1)])
    assert base == content()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train.epochs", "--set train.epochs: expected key=value, as in train.epochs=5"),
        ("=5", "--set =5: expected key=value"),
        ("  =5", "expected key=value"),
        ("model.name.first=5", "model.name.first: name is a value, not a table"),
    ],
)
def test_a_setting_that_makes_no_sense_is_said_so(text: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        override(content(), [setting(text)])
    assert str(caught.value).startswith(said) or said in str(caught.value)


@pytest.mark.parametrize("setting", ["train..epochs=5", ".epochs=5", "train.=5"])
def test_a_setting_with_an_empty_name_in_it_is_refused(setting: str) -> None:
    with pytest.raises((RecipeError, UnknownName)):
        with_setting(setting)


def test_a_mistyped_setting_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown key of train in mine 'epoch'; did you mean epo"):
        with_setting("train.epoch=5")


def test_a_setting_of_the_wrong_kind_names_its_key() -> None:
    with pytest.raises(RecipeError, match=r"mine: train\.epochs: input should be a valid integer"):
        with_setting("train.epochs=many")


def test_another_name_takes_the_settings_of_the_old_one_away_but_not_the_rate() -> None:
    base = content(model={"name": "resnet9", "width": 8})
    base["train"]["optimizer"]["momentum"] = 0.9
    changed = override(
        base, [("model.kernel", 3), ("model.name", "lenet"), ("train.optimizer.name", "adam")]
    )
    assert changed["model"] == {"name": "lenet", "kernel": 3}
    assert changed["train"]["optimizer"] == {"name": "adam", "rate": 0.01}
    assert override(base, [("model.name", "resnet9")]) == base
