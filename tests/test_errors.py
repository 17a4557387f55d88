"""The error tree, and the one line that says what would be right."""

import inspect

import pytest

from sightline import errors
from sightline.errors import SightlineError, UnknownName


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = {
        line.split()[1]
        for line in (errors.__doc__ or "").splitlines()
        if line.strip().startswith(("├──", "└──"))
    }
    there = {
        name
        for name, value in inspect.getmembers(errors, inspect.isclass)
        if value.__module__ == errors.__name__ and value is not SightlineError
    }
    assert drawn == there
    assert all(issubclass(getattr(errors, name), SightlineError) for name in there)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("resnet19", "resnet18"), ("vgg-16", "vgg16"), ("LENET", "lenet"), ("lnet", "lenet")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    error = UnknownName("model", name, ["vgg16", "resnet18", "lenet"])
    assert str(error) == f"unknown model '{name}'; did you mean {nearest}?"


def test_a_name_near_to_nothing_is_answered_with_all_there_are() -> None:
    error = UnknownName("model", "zzz", ["vgg16", "lenet"])
    assert str(error) == "unknown model 'zzz'; there are lenet, vgg16"


def test_a_name_where_there_are_none_says_so() -> None:
    assert str(UnknownName("setting of lenet", "x", [])) == (
        "unknown setting of lenet 'x'; there are none"
    )


def test_the_names_may_come_as_any_iterable() -> None:
    assert "did you mean b1?" in str(UnknownName("set", "b2", iter({"a": 1, "b1": 2})))
