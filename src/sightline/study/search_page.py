"""stub"""
from pathlib import Path
from sightline import files
from sightline.study.search import Search
NAME = "search.html"
def write(found: Search) -> Path:
    return found.folder / NAME
def importance(found: Search) -> dict[str, float]:
    return {}
