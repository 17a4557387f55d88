"""The command line as a function, for the tests of commands."""

from typer.testing import CliRunner

from sightline.cli import app
from sightline.errors import SightlineError


def sightline(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output, standard error, as `main` gives them."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, SightlineError):
        return 2, done.stdout, f"sightline: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr
