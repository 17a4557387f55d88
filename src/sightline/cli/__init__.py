"""The command line. A command parses, calls one function, prints; nothing here loads torch."""

import errno
import io
import shutil
import sys

import typer

from sightline.cli import listing, outlining, running, using, watching
from sightline.cli.data import data
from sightline.cli.rate import rate
from sightline.errors import SightlineError, Stopped
from sightline.talk import printable

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
app.command()(using.evaluate)
app.command()(using.predict)
app.command()(using.report)
app.command()(watching.monitor)
app.command()(outlining.summary)
app.command()(outlining.models)
app.command()(listing.recipes)
app.add_typer(data, name="data", no_args_is_help=True)
app.add_typer(rate, name="rate", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from sightline.version import __version__

        print(__version__)
        raise typer.Exit


def main() -> None:
    """Exit code 0: done; 2: a user's mistake, in one line; 130: stopped by Ctrl-C, saved."""
    for stream in (sys.stdout, sys.stderr):  # a file's name may be no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Stopped as stopped:
        print(printable(str(stopped)), file=sys.stderr)
        sys.exit(130)
    except SightlineError as error:
        print(f"sightline: {printable(str(error))}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        place = printable(str(error.filename or "output"))
        print(f"sightline: {place}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as done:
        if done.code == 130:  # Ctrl-C, which typer makes this of
            print("sightline: stopped by Ctrl-C", file=sys.stderr)
        raise
