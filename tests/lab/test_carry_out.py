"""Topics carried out: what is asked wrongly, what is written where."""

import json
from pathlib import Path

import pytest

from sightline.errors import OutputError, UnknownName
from sightline.lab.carry_out import as_csv, as_text, carry_out
from sightline.lab.topic import Table
from terminal import sightline


def test_a_topic_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean xor"):
        carry_out("xo", {}, None)


def test_a_topic_never_writes_over_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists"):
        carry_out("xor", {"epochs": 1}, tmp_path)


def test_a_second_run_of_a_topic_goes_to_the_next_free_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [str(carry_out("xor", {"epochs": 1}, None).folder) for _ in range(2)]
    assert folders == ["lab/xor", "lab/xor-2"]


def test_columns_of_numbers_are_flush_right_and_words_flush_left() -> None:
    table = Table("t", ("scheme", "n", "share"), [("he", 5, 0.123456), ("xavier", 50, 1.0)])
    assert as_text(table) == "scheme   n   share\nhe       5  0.1235\nxavier  50       1\n"
    assert as_csv(table) == "scheme,n,share\nhe,5,0.123456\nxavier,50,1.0\n"


def test_the_command_lists_runs_and_refuses_in_one_line(tmp_path: Path) -> None:
    _, listing, _ = sightline("lab", "--json")
    listed = json.loads(listing)
    assert "xor" in listed
    to = str(tmp_path / "x")
    _, found, _ = sightline("lab", "xor", "--epochs", "3", "--json", "--to", to)
    answer = json.loads(found)
    assert answer["options"]["epochs"] == 3 and len(answer["tables"]["outputs"]) == 4
    assert all((Path(answer["folder"]) / file).is_file() for file in answer["files"])
    code, _, wrong = sightline("lab", "xorr")
    assert code == 2 and wrong.strip().count("\n") == 0 and "did you mean xor" in wrong
