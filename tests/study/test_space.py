"""The space of a search: its forms, its scales, and what is wrong with one in a line."""

import math
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SightlineError
from sightline.overrides import override
from sightline.study.space import Choice, Span, middle, parse, settings, short, to_dict
from sightline.study.spaces import around, at_edges, of_recipe

EVERY = """
train.optimizer.rate = { low = 1e-4, high = 1.0, log = true }
train.optimizer.momentum = { one_minus = [1e-3, 1e-1] }
train.batch = { choices = [32, 64, 128] }
"augment.rotate" = { low = 0.0, high = 20.0, step = 5.0 }
model.width = { low = 8, high = 32, step = 8 }
train.smoothing = { low = 0, high = 0.2 }
"""


def space(text: str) -> dict[str, Span | Choice]:
    return parse(tomllib.loads(text), "space.toml")


def test_every_form_is_read_nested_or_quoted_and_written_back() -> None:
    found = space(EVERY)
    assert found["train.optimizer.rate"] == Span(1e-4, 1.0, log=True)
    assert found["train.batch"] == Choice((32, 64, 128))
    assert found["model.width"] == Span(8, 32, step=8, whole=True)
    assert not found["train.smoothing"].whole  # type: ignore[union-attr]
    assert parse(to_dict(found), "again") == found


def test_a_beta_is_drawn_as_one_minus_a_power_of_ten() -> None:
    beta = space("m = { one_minus = [1e-3, 1e-1] }")["m"]
    assert isinstance(beta, Span)
    assert beta.ends == pytest.approx((0.9, 0.999))
    for r in (-3.0, -2.5, -2.0, -1.0):
        assert beta.value(10**r) == pytest.approx(1 - 10**r)
        assert beta.position(1 - 10**r) == pytest.approx((-1 - r) / 2)
    assert middle({"m": beta})["m"] == pytest.approx(0.99)


def test_the_middle_of_a_log_scale_is_the_geometric_mean() -> None:
    found = middle(space(EVERY))
    assert found["train.optimizer.rate"] == pytest.approx(0.01)
    assert found["train.batch"] == 64 and found["augment.rotate"] == 10
    assert found["model.width"] in (16, 24)


@given(
    low=st.floats(1e-6, 1.0), factor=st.floats(1.5, 1e6), share=st.floats(0, 1),
    log=st.booleans(),
)  # fmt: skip
def test_places_and_values_of_a_scale_belong_together(
    low: float, factor: float, share: float, log: bool
) -> None:
    span = Span(low, low * factor, log=log)
    assert span.low <= span.at(share) <= span.high
    assert span.position(span.value(span.at(share))) == pytest.approx(share, abs=1e-6)


def test_a_high_end_off_the_grid_is_moved_onto_it() -> None:
    assert space("a = { low = 0, high = 10, step = 4 }")["a"] == Span(0, 8, step=4, whole=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty space"),
        ("train.batch = 32", "--set train.batch=32"),
        ("train.batch = { hi = 3, low = 2 }", "unknown key of train.batch in space.toml 'hi'"),
        ("train.batch = { lo = 3 }", "did you mean low?"),
        ("train.batch = { low = 3 }", "high is missing"),
        ("train.batch = { low = 64, high = 32 }", "low 64 must be below high 32"),
        ("r = { low = 0, high = 1, log = true }", "above 0 on a log scale"),
        ("r = { low = 1, high = 8, log = true, step = 2 }", "step does not go with log"),
        ("r = { low = 1, high = 8, step = 9 }", "step must be above 0"),
        ("r = { low = 'a', high = 8 }", "low must be a number"),
        ("r = { low = 1, high = inf }", "high must be a number"),
        ("r = { choices = [] }", "choices must be a list"),
        ("r = { choices = [1, 1] }", "a choice is there twice"),
        ("r = { choices = [[1]] }", "numbers, words"),
        ("r = { choices = [1], log = true }", "log does not go with choices"),
        ("r = { one_minus = [0.1] }", "two numbers"),
        ("r = { one_minus = [0.1, 0.01] }", "0 < low < high <= 1"),
        ("data.val = { low = 0.1, high = 0.3 }", "data is the same in all trials"),
        ("train.seed = { low = 1, high = 3 }", "train.seed is the same in all trials"),
    ],
)
def test_what_is_wrong_with_a_space_is_one_line_that_names_the_key(text: str, said: str) -> None:
    with pytest.raises(SightlineError) as caught:
        space(text)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "space.toml" in str(caught.value)


def test_an_element_of_a_list_is_set_within_the_recipes_own() -> None:
    content = {"train": {"optimizer": {"name": "adam", "rate": 0.1, "betas": [0.9, 0.999]}}}
    found = settings({"train.optimizer.betas.0": 0.8, "train.batch": 16}, content)
    assert override(content, found)["train"]["optimizer"]["betas"] == [0.8, 0.999]
    with pytest.raises(SightlineError, match="no such list"):
        settings({"train.optimizer.betas.0": 0.8}, {"train": {}})


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0031723, "0.00317"), (0.99735, "0.99735"), (0.9, "0.9"), (64, "64"), (True, "true"),
     (2e-5, "2e-5"), (1.0, "1"), ("sgd", "sgd"), (None, "–")],
)  # fmt: skip
def test_values_are_said_in_a_few_characters(value: float, said: str) -> None:
    assert short(value) == said


def test_the_default_space_begins_with_what_matters_most() -> None:
    content = {
        "train": {"batch": 32, "optimizer": {"name": "sgd", "rate": 0.01, "decay": 1e-3}},
        "model": {"name": "resnet9", "width": 16},
    }
    found = of_recipe(content, 4000)
    assert [key.rpartition(".")[2] for key in found] == [
        "rate", "momentum", "batch", "width", "decay",
    ]  # fmt: skip
    rate = found["train.optimizer.rate"]
    assert isinstance(rate, Span) and rate.log and rate.low < 0.01 < rate.high
    assert rate.position(0.01) == pytest.approx(0.5)
    assert found["train.batch"].ends == (8, 16, 32, 64, 128)
    assert max(of_recipe(content, 100)["train.batch"].ends) <= 25  # type: ignore[type-var]
    assert "train.optimizer.momentum" not in of_recipe(
        {"train": {"optimizer": {"name": "adamw", "rate": 0.1}}}, 4000
    )


def test_narrowing_leaves_a_third_of_each_scale_around_the_best() -> None:
    before = space(EVERY)
    trial = middle(before)
    after = around(before, [trial])
    rate = after["train.optimizer.rate"]
    assert isinstance(rate, Span)
    assert math.log10(rate.high / rate.low) == pytest.approx(4 / 3)
    assert rate.position(0.01) == pytest.approx(0.5)
    beta = after["train.optimizer.momentum"]
    assert isinstance(beta, Span) and beta.position(0.99) == pytest.approx(0.5)
    assert math.log10(beta.high / beta.low) == pytest.approx(2 / 3)


def test_a_narrowed_range_at_an_end_stays_inside_and_is_as_wide() -> None:
    before = {"r": Span(1.0, 1000.0, log=True)}
    after = around(before, [{"r": 1.2}])["r"]
    assert isinstance(after, Span)
    assert (after.low, after.high) == (pytest.approx(1.0), pytest.approx(10.0))
    assert at_edges(before, {"r": 1.2}) == ["r"] and at_edges(before, {"r": 30.0}) == []


def test_choices_are_narrowed_to_those_of_the_best_quarter() -> None:
    before = {"b": Choice((16, 32, 64, 128))}
    ranked = [{"b": b} for b in (64, 32, 16, 16, 16, 128, 128, 128)]
    assert around(before, ranked)["b"] == Choice((32, 64))


def test_whole_numbers_stay_whole_where_they_are_narrowed() -> None:
    rng = np.random.default_rng(0)
    span = Span(4, 64, log=True, whole=True)
    for best in rng.integers(4, 65, 20).tolist():
        after = around({"n": span}, [{"n": best}])["n"]
        assert isinstance(after, Span) and after.whole
        assert after.low == round(after.low) and 4 <= after.low < after.high <= 64
        assert after.low <= best <= after.high
