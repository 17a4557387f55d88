"""Numbers and lists in words, alike wherever they are said."""

from collections.abc import Sequence

SHARES = (
    "accuracy",
    "f1",
    "exact",
    "precision",
    "recall",
    "top5",
    "pck",
)  # from 0 to 1: said in percent
FIGURES = {"f1": "F1", "mae": "mean absolute error", "error": "error in pixels"}


def plural(count: int, noun: str, many: str = "") -> str:
    """ "1 image", "2,000 images" """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def some(names: Sequence[str], limit: int = 5) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def size_in_words(count: float) -> str:
    """Bytes as "1.2 GB", "83 MB" or "5 kB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.{1 if count < 10 * factor else 0}f} {unit}"
    return f"{max(1, round(count / 1e3))} kB" if count else "0 kB"
