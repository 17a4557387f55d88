"""Words and bars: always on standard error, and few of them where it is a file."""

import pytest

from sightline import talk
from sightline.talk import Silent, Talk, Terminal


def run_epochs(told: Talk, epochs: int, steps: int = 1) -> None:
    with told.bar("epoch", epochs) as (tick, note):
        for epoch in range(1, epochs + 1):
            for _ in range(steps):
                tick(1 / steps)
            note(f"loss {1 / epoch:.3f}")


def test_silence_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    Silent().say("hello")
    run_epochs(Silent(), 5)
    assert capfd.readouterr() == ("", "")


def test_words_go_to_standard_error_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a sentence " * 40 + "[bold]not markup[/] {braces} 50 %"
    Terminal().say(long)
    Terminal().say("two\nlines")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"{long}\ntwo\nlines\n"


@pytest.mark.parametrize("epochs", [1, 2, 5, 19, 20, 21, 40, 60, 100, 1000])
@pytest.mark.parametrize("steps", [1, 7])
def test_a_bar_in_a_file_is_at_most_its_number_of_lines(
    epochs: int, steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run_epochs(Terminal(lines=20), epochs, steps)
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert min(epochs, 10) <= len(lines) <= 20
    assert "\x1b" not in said.err


def test_a_short_bar_in_a_file_has_a_line_for_every_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_epochs(Terminal(), 3, steps=7)
    assert capsys.readouterr().err.splitlines() == [
        "epoch 1/3  loss 1.000",
        "epoch 2/3  loss 0.500",
        "epoch 3/3  loss 0.333",
    ]


@pytest.mark.parametrize("steps", [1, 7])
def test_the_last_note_is_among_the_lines(steps: int, capsys: pytest.CaptureFixture[str]) -> None:
    for epochs in (20, 40, 60, 100):
        run_epochs(Terminal(), epochs, steps)
        assert f"epoch {epochs}/{epochs}  " in capsys.readouterr().err


def test_a_bar_of_nothing_is_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().bar("images", 0) as (tick, note):
        tick(0)
        note("none")
    assert len(capsys.readouterr().err.splitlines()) <= 1


def test_on_a_terminal_the_bar_is_drawn_and_gone_when_it_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    run_epochs(Terminal(), 3)
    said = capsys.readouterr()
    assert said.out == ""
    assert "epoch 3/3" in said.err
    assert said.err.rstrip().endswith("\x1b[2K")  # the bar's line is cleared


def test_an_error_inside_a_bar_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for forced in ("", "1"):
        monkeypatch.setenv("FORCE_COLOR", forced)
        for told in (Silent(), Terminal()):
            with pytest.raises(ZeroDivisionError), told.bar("epoch", 3):
                raise ZeroDivisionError


def test_a_long_job_is_told_of_now_and_then_and_a_short_one_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for patience, lines in ((5.0, 0), (0.0, 4)):
        monkeypatch.setattr(talk, "PATIENCE", patience)
        with talk.stepping(talk.Terminal(), "packing", 4) as step:
            for _ in range(4):
                step(1)
        said = capfd.readouterr().err.splitlines()
        assert said == [f"packing {n}/4" for n in range(1, lines + 1)]
