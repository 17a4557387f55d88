"""The command line. A command parses, calls one function, prints; nothing here loads torch."""

import errno
import io
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, TextIO

import typer

from sightline.cli import (
    combining,
    diagnosing,
    erring,
    explaining,
    extracting,
    finding,
    judging,
    listing,
    outlining,
    predicting,
    running,
    searching,
    using,
    watching,
)
from sightline.cli.data import data
from sightline.cli.lab import lab
from sightline.cli.rate import rate
from sightline.errors import RecipeError, SightlineError, Stopped
from sightline.talk import printable

if TYPE_CHECKING:
    from sightline.processes import Processes

REFUSED = frozenset(  # what the system does not let be done is no bug, wherever it says so
    {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOSPC, errno.EROFS, errno.EDQUOT}
)
WIDE = 60  # columns from which rich's tables of options fit without cutting words
app = typer.Typer(
    name="sightline",
    rich_markup_mode="rich" if shutil.get_terminal_size().columns >= WIDE else None,
    help="From a folder of images to a vision model you understand and can ship.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(running.train)
app.command()(running.resume)
app.command()(extracting.features)
app.command()(searching.search)
app.command()(using.evaluate)
app.command()(predicting.predict)
app.command()(finding.hog)
app.command()(using.report)
app.command()(judging.calibrate)
app.command()(judging.compare)
app.command()(combining.ensemble)
app.command()(explaining.explain)
app.command()(explaining.robustness)
app.command()(erring.errors)
app.command()(diagnosing.diagnose)
app.command()(diagnosing.learning_curve)
app.command()(watching.monitor)
app.command()(outlining.summary)
app.command()(outlining.models)
app.command()(listing.recipes)
app.add_typer(data, name="data", no_args_is_help=True)
app.add_typer(rate, name="rate", no_args_is_help=True)
app.add_typer(lab, name="lab")


TOGETHER = ("train", "resume", "evaluate", "predict", "features")  # what several processes share


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from sightline.version import __version__

        print(__version__)
        raise typer.Exit
    command = context.invoked_subcommand
    if _several() and command is not None and command not in TOGETHER:
        raise RecipeError(f"{command} runs as one process; torchrun is for {', '.join(TOGETHER)}")


def main() -> None:
    """Exit code 0: done; 2: a user's mistake, in one line; 130: stopped by Ctrl-C, saved."""
    for stream in (sys.stdout, sys.stderr):  # a file's name may be no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    say = partial(_say, sys.stderr)  # which processes but the first redirect
    if not _several():
        sys.exit(_run(say))
    from sightline.processes import joined

    try:
        with joined() as processes:
            code = _one_of(processes, say)
    except SightlineError as error:  # could not join
        say(f"sightline: {error}")
        code = 2
    sys.exit(code)


def _several() -> bool:
    """Whether torchrun started this process as one of several."""
    return os.environ.get("WORLD_SIZE", "1") != "1" and "RANK" in os.environ


def _one_of(processes: "Processes", say: Callable[[str], None]) -> int:
    """Run as one of several processes: the first speaks, and the first error of any is said."""

    def say_once(text: str) -> None:
        processes.once(lambda: say(text))

    if processes.first:
        return _run(say_once)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123
        return _run(say_once)


def _say(to: TextIO, text: str) -> None:
    print(printable(text), file=to, flush=True)


def _run(say: Callable[[str], None]) -> int:
    """Carry out the command line; the exit code."""
    try:
        app()
    except Stopped as stopped:
        say(str(stopped))
        return 130
    except SightlineError as error:
        say(f"sightline: {error}")
        return 2
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        say(f"sightline: {error.filename or 'output'}: {error.strerror}")
        return 2
    except SystemExit as done:
        if done.code == 130:  # Ctrl-C, which typer makes this of
            say("sightline: stopped by Ctrl-C")
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0
