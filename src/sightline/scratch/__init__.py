"""The books' learners from scratch: NumPy only, one lesson a file, each readable alone."""

from sightline.scratch.neighbors import KNeighbors

LEARNERS: dict[str, type] = {
    "knn": KNeighbors,
}
