"""Where trials are kept: Optuna, which the `search` extra brings (MIT), its journal, databases."""

from pathlib import Path
from typing import Any

from sightline.errors import OutputError, RecipeError

JOURNAL = "journal.log"


def require_optuna() -> Any:
    """Optuna, told to be quiet. Raises RecipeError where the extra is not installed."""
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"a search needs {error.name}; install it with: pip install 'sightline[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def journal(folder: Path) -> Any:
    """A file of the folder, with a lock that works on network disks."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


def database(url: str) -> Any:
    """Raises OutputError where it cannot be reached, RecipeError where the URL is none."""
    require_optuna()
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    shown = without_password(url)
    try:
        return RDBStorage(url)
    except ModuleNotFoundError as error:
        raise RecipeError(f"--storage {shown} needs {error.name}; install it") from None
    except (ArgumentError, ImportError, ValueError):
        raise RecipeError(f"--storage {shown}: expected a URL, as sqlite:///trials.db") from None
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise OutputError(f"--storage {shown} cannot be opened: {reason}") from None


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    scheme, mark, rest = url.partition("://")
    who, at, where = rest.rpartition("@")
    return f"{scheme}{mark}{who.partition(':')[0]}{at}{where}" if at else url
