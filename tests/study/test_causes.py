"""Causes of mistakes: tables read, columns summed, ceilings by hand."""

from pathlib import Path

import numpy as np
import pytest

from sightline.data.dataset import ArrayDataset
from sightline.data.truths import Truths
from sightline.errors import DataError
from sightline.metrics.classification import wilson
from sightline.study.causes import Tags, advice, read, summed
from sightline.study.mistakes import Mistake, Mistakes

HEAD = "index,source,truth,guess,confidence"


def mistakes(wrong: int = 4, images: int = 20) -> Mistakes:
    dataset = ArrayDataset(
        np.zeros((images, 1, 1, 1), np.uint8), Truths(label=np.zeros(images, np.int64)), ("a", "b")
    )
    every = tuple(Mistake(i, f"s/{i}", "a", "b", 0.9) for i in range(wrong))
    return Mistakes("run", "test", dataset, dataset, every, every)


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([*lines, ""]), "utf-8")
    return path


def test_the_courses_table_of_ceilings() -> None:
    # Course 4.10: 100 of the mistakes of a model of 10 % error; dogs 5, great cats 50, blurred 50
    ticked = {i: frozenset(["great cats"]) for i in range(45)}
    ticked |= {i: frozenset(["great cats", "blurred"]) for i in range(45, 50)}
    ticked |= {i: frozenset(["blurred"]) for i in range(50, 95)}
    ticked |= {i: frozenset(["dogs"]) for i in range(95, 100)}
    found = summed(Tags(("dogs", "great cats", "blurred"), ticked), 1000, 10_000)
    rows = [(c.cause, c.count, round(c.error, 6)) for c in found.ceilings]
    assert rows == [("great cats", 50, 0.05), ("blurred", 50, 0.05), ("dogs", 5, 0.095)]
    assert (found.ceilings[2].low, found.ceilings[2].high) == wilson(5, 100)
    assert found.looked == 100 and found.error == 0.1
    assert "from 10.00 % to 5.00 %" in advice(found)[0]


def test_a_table_is_read_and_mistakes_without_a_tick_are_not_counted(tmp_path: Path) -> None:
    path = table(
        tmp_path / "tags.csv",
        f'{HEAD},blurred,"odd, <b>",wrong label',
        "2,s/2,a,b,0.9,1,,x",
        "0,s/0,a,b,0.9,0,,",
        "3,s/3,a,b,0.9,,yes,",
    )
    tags = read(path, mistakes())
    assert tags.causes == ("blurred", "odd, <b>", "wrong label")
    assert tags.ticked == {2: {"blurred", "wrong label"}, 3: {"odd, <b>"}}
    found = summed(tags, 4, 20)
    assert found.looked == 2
    assert [(c.cause, c.share, c.error) for c in found.ceilings] == [
        ("blurred", 0.5, 0.1), ("odd, <b>", 0.5, 0.1), ("wrong label", 0.5, 0.1),
    ]  # fmt: skip
    assert "validation and test alike" in advice(found)[1]


def test_where_every_mistake_was_looked_at_a_share_is_exact() -> None:
    tags = Tags(("x",), {i: frozenset(["x"] if i else ["y"]) for i in range(4)})
    (only,) = summed(tags, 4, 20).ceilings
    assert (only.low, only.share, only.high) == (0.75, 0.75, 0.75)


def test_nothing_ticked_says_so() -> None:
    found = summed(Tags(("x",), {}), 4, 20)
    assert found.ceilings[0].error == 0.2 and "Nothing was ticked" in advice(found)[0]
    assert advice(summed(Tags(("cannot tell",), {0: frozenset(["cannot tell"])}), 4, 20)) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["index,source,truth", "0,s/0,a"], "tags.csv:1: header"),
        ([HEAD], "tags.csv:1: header"),
        ([f"{HEAD},x,x"], "cause 'x'; each needs a name of its own"),
        ([f"{HEAD},x", "0,s/0,a,b,0.9"], "tags.csv:2: 5 cells; expected 6"),
        ([f"{HEAD},x", "9,s/9,a,b,0.9,1"], "tags.csv:2: s/9 .9. is no mistake of run on test"),
        ([f"{HEAD},x", "0,s/1,a,b,0.9,1"], "tags.csv:2: s/1 .0. is no mistake"),
        ([f"{HEAD},x", "-1,s/1,a,b,0.9,1"], "is no mistake"),
        ([f"{HEAD},x", *["0,s/0,a,b,0.9,1"] * 2], "tags.csv:3: s/0 is on line 2 already"),
    ],
)
def test_another_table_is_refused_by_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(table(tmp_path / "tags.csv", *lines), mistakes())
