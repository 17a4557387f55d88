"""k nearest neighbors (starter book, chapter 7): no training, every query meets every example.

    L1         sum |a - b|                        city block, formula 7.2
    L2         sqrt(sum (a - b)^2)                Euclidean, formula 7.1
    Minkowski  (sum |a - b|^p)^(1/p)              p = 1 and 2 are the two above
    cosine     1 - a.b / (|a| |b|)                a row of zeros is at distance 1 from all

What it shows: learning by heart costs nothing and predicting costs n distances a query, so the
whole of this file is about computing many distances quickly, exactly, and in little memory.

- **Products.** |a - b|^2 = |a|^2 - 2 a.b + |b|^2, and |a|^2 does not change a query's order. So a
  query [-a, 1] times an example [b, |b|^2 / 2] is a score in the right order (the bias trick of
  chapter 9), and a block of queries against a block of examples is one matrix product. Cosine is
  the same with rows of length one and no offset.
- **Exact.** The product is in float32, whose rounding can change the order of near neighbors. Its
  error is at most (d + 16) 2^-24 (|a| |b| + |b|^2 / 2) in any order of summation (Higham, Accuracy
  and Stability, 3.1; the 16 covers the roundings of the rows). An example is passed over only if
  its score is above the worst of the k found by twice that much; all others are settled by their
  distance in float64 from the values as they were given. Sums of squares of bytes are exact there.
- **Memory.** Beyond the examples, and a copy of them in float32 for L2 and cosine, predicting
  needs at most four times `block_bytes`: scores, a copy to choose the first k from, comparisons,
  and the pairs being settled. Where nearly all examples are equal, the list of candidates adds
  four times as much. Only the results grow with the queries.

**Ties.** Neighbors are ordered nearest first, then lowest label, then lowest index. A tied vote
follows the same rule: to the tied label with the nearest neighbor, then to the lowest. (The book
draws lots; scikit-learn takes the lowest label at once.)
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

METRICS = ("l1", "l2", "minkowski", "cosine")
UNIT = 2.0**-24  # half the gap of float32 at one
DOUBLE_UNIT = 2.0**-53


@dataclass
class Found:
    """The k best of each query so far, every array (queries, k); distances before the root."""

    distances: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    scores: np.ndarray


def pair_distances(a: np.ndarray, b: np.ndarray, metric: str, power: float = 2.0) -> np.ndarray:
    """Distance of each row of a (pairs, d) to the same row of b, float64 (pairs,).

    L2 is left squared and Minkowski as the sum of powers; `rooted` makes them distances.
    """
    if metric == "cosine":
        a, b = a.astype(np.float64), b.astype(np.float64)
        squares = np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b)
        dots = np.einsum("ij,ij->i", a, b)
        return 1.0 - np.divide(dots, np.sqrt(squares), out=np.zeros_like(dots), where=squares > 0)
    gaps = np.subtract(a, b, dtype=np.float64)
    if metric == "l2":
        return np.einsum("ij,ij->i", gaps, gaps)
    np.abs(gaps, out=gaps)
    return (gaps if metric == "l1" else gaps**power).sum(axis=1)


def rooted(sums: np.ndarray, metric: str, power: float) -> np.ndarray:
    """Distances from what `pair_distances` gives."""
    if metric == "l2":
        return np.sqrt(sums)
    return sums ** (1 / power) if metric == "minkowski" else sums


def block_distances(
    a: np.ndarray, b: np.ndarray, power: float, block_bytes: int
) -> np.ndarray:  # (q, t)
    """Sums |a - b|^power of every query (q, d) and example (t, d), in float64, by plain loops."""
    sums = np.empty((len(a), len(b)))
    step = max(1, block_bytes // (16 * b.size))
    for start in range(0, len(a), step):
        gaps = np.abs(a[start : start + step, None, :] - b[None, :, :])  # (step, t, d)
        sums[start : start + step] = (gaps if power == 1 else gaps**power).sum(axis=2)
    return sums


def merge(found: Found, rows: np.ndarray, new: Found) -> Found:
    """The k best of what is known and of new candidates, each (candidates,), of queries `rows`."""
    queries, k = found.distances.shape
    rows = np.concatenate([np.repeat(np.arange(queries), k), rows])
    names = ("distances", "labels", "indices", "scores")
    flat = {n: np.concatenate([getattr(found, n).ravel(), getattr(new, n)]) for n in names}
    order = np.lexsort((flat["indices"], flat["labels"], flat["distances"], rows))
    starts = np.searchsorted(rows[order], np.arange(queries))  # every query has k or more
    best = order[starts[:, None] + np.arange(k)]  # (queries, k)
    return Found(**{name: values[best] for name, values in flat.items()})


def nothing_found(queries: int, k: int) -> Found:
    far = np.full((queries, k), np.inf)
    none = np.full((queries, k), np.iinfo(np.int64).max)
    return Found(far, none, none.copy(), far.copy())


def check_rows(X: np.ndarray, features: int | None = None) -> np.ndarray:
    """X as a matrix (n, features) of bytes or floats.

    Raises ValueError with expected and actual for other shapes, for NaN and for infinity.
    """
    X = np.asarray(X)
    expected = "features" if features is None else features
    if X.ndim != 2 or (features is not None and X.shape[1] != features):
        raise ValueError(f"X: expected shape (n, {expected}), got {X.shape}")
    if X.dtype not in (np.uint8, np.float32, np.float64):
        X = X.astype(np.float64)
    if X.dtype != np.uint8 and not np.isfinite(X).all():
        raise ValueError("X: expected finite numbers, got NaN or infinity")
    return X


def check_labels(y: np.ndarray, n: int) -> np.ndarray:
    """y as int64 labels (n,), 0 and up; raises ValueError with expected and actual."""
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"y: expected shape ({n},), got {y.shape}")
    if not np.issubdtype(y.dtype, np.integer) or (n and y.min() < 0):
        raise ValueError(f"y: expected integer labels from 0, got {y.dtype} {y[:3]}")
    return y.astype(np.int64)


@dataclass
class KNeighbors:
    """k-NN classifier over rows (n, features) of bytes or floats; see the head of this file.

    metric: one of METRICS; power: the p of Minkowski, 1 or more. block_bytes bounds the memory.
    """

    k: int = 1
    metric: str = "l2"
    power: float = 3.0
    block_bytes: int = 64 * 2**20
    X_: np.ndarray = field(init=False, repr=False)  # (n, d), as given
    y_: np.ndarray = field(init=False, repr=False)  # (n,)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Remember the examples; ValueError for an unknown metric or fewer than k examples."""
        X = check_rows(X)
        if self.metric not in METRICS:
            raise ValueError(f"metric: expected one of {', '.join(METRICS)}, got {self.metric!r}")
        if self.metric == "minkowski" and not self.power >= 1:
            raise ValueError(f"power: expected 1 or more, got {self.power}")
        if not 1 <= self.k <= len(X):
            raise ValueError(f"k: expected 1 to {len(X)}, the number of examples, got {self.k}")
        self.X_, self.y_ = X.copy(), check_labels(y, len(X))
        self._prepare()
        return self

    def kneighbors(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances and indices of the k nearest examples, nearest first, each (queries, k)."""
        X = check_rows(X, self.X_.shape[1])
        distances = np.empty((len(X), self.k))
        indices = np.empty((len(X), self.k), dtype=np.int64)
        queries, width = self._block_shape(len(X))
        scores = np.empty((queries, width), dtype=np.float32)
        for start in range(0, len(X), queries):
            found = self._search(X[start : start + queries], width, scores)
            part = slice(start, start + queries)
            distances[part] = rooted(found.distances, self.metric, self.power)
            indices[part] = found.indices
        return distances, indices

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Share of the k votes each label gets, (queries, labels); rows sum to 1."""
        return self._votes(self.kneighbors(X)[1]) / self.k

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Label with most votes, (queries,); a tie goes to the tied label met first."""
        return self.decide(X)[0]

    def decide(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `predict` and `predict_proba` say, from one search."""
        return self.elect(self.kneighbors(X)[1])

    def elect(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Labels (queries,) and shares of the votes that neighbors (queries, any k) give, nearest
        first: the first few columns of `kneighbors` serve every smaller k."""
        votes = self._votes(indices)
        neighbors = self.y_[indices]  # (queries, k), nearest first, then lowest label
        rows = np.arange(len(indices))[:, None]
        leads = votes[rows, neighbors] == votes.max(axis=1, keepdims=True)
        return neighbors[rows[:, 0], leads.argmax(axis=1)], votes / indices.shape[1]

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Accuracy, 0 to 1."""
        return float(np.mean(self.predict(X) == check_labels(y, len(X))))

    def state(self) -> dict[str, np.ndarray]:
        """The examples and their labels: the whole of the model."""
        return {"X": self.X_.copy(), "y": self.y_.copy()}

    def load_state(self, state: dict[str, np.ndarray]) -> Self:
        return self.fit(state["X"], state["y"])

    def _votes(self, indices: np.ndarray) -> np.ndarray:
        votes = np.zeros((len(indices), int(self.y_.max()) + 1))
        np.add.at(votes, (np.arange(len(indices))[:, None], self.y_[indices]), 1)
        return votes

    def _prepare(self) -> None:
        """The float32 copy [b, |b|^2 / 2] of the examples, centered and of length 1 at most."""
        if self.metric not in ("l2", "cosine"):
            return
        n, d = self.X_.shape
        parts = [slice(i, i + 1024) for i in range(0, n, 1024)]
        self.center_ = np.zeros(d)
        self.scale_ = 1.0
        if self.metric == "l2":  # far from the origin all products would be large and alike
            self.center_ = self.X_.mean(axis=0, dtype=np.float64)
            longest = max(np.linalg.norm(self.X_[p] - self.center_, axis=1).max() for p in parts)
            self.scale_ = float(longest) or 1.0
        self.rows_ = np.empty((n, d + 1), dtype=np.float32)
        for part in parts:
            rows = self._placed(self.X_[part])
            self.rows_[part, :d] = rows
            offsets = np.einsum("ij,ij->i", rows, rows) / 2
            self.rows_[part, d] = offsets if self.metric == "l2" else 0.0

    def _placed(self, X: np.ndarray) -> np.ndarray:
        """Rows moved and scaled as the float32 copy is, still in float64."""
        if self.metric == "cosine":
            lengths = np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
            return X / np.where(lengths > 0, lengths, 1.0)
        return (X - self.center_) / self.scale_

    def _block_shape(self, queries: int) -> tuple[int, int]:
        """Queries and examples of a block of scores; the first must hold k examples."""
        n, d = self.X_.shape
        if self.metric in ("l1", "minkowski"):  # float64 gaps of d numbers a pair, in the cache
            width = max(self.k, min(n, 2**20 // (16 * d)))
            return max(1, min(queries, self.block_bytes // (8 * width))), width
        width = max(self.k, min(n, 4096, self.block_bytes // 4))
        return max(1, min(queries, self.block_bytes // (4 * width))), width

    def _search(self, X: np.ndarray, width: int, buffer: np.ndarray) -> Found:
        """The k nearest examples of a block of queries (q, d), met a block of examples a time."""
        d = X.shape[1]
        products = self.metric in ("l2", "cosine")
        power = self.power if self.metric == "minkowski" else 1.0
        relative, slack = 4 * (d + 16) * (1 + power) * DOUBLE_UNIT, np.zeros((len(X), 1))
        if products:
            placed = self._placed(X)
            lengths = np.linalg.norm(placed, axis=1, keepdims=True)
            if not lengths.max(initial=0.0) < 1e30:
                raise ValueError("X: a query is over 1e30 times as far out as any example")
            rows = np.hstack([-placed, np.ones((len(X), 1))]).astype(np.float32)  # (q, d + 1)
            relative, slack = 0.0, 2 * (d + 16) * UNIT * (lengths + 0.5)
        found = nothing_found(len(X), self.k)
        for start in range(0, len(self.X_), width):
            part = slice(start, start + width)
            if products:
                examples = self.rows_[part]
                scores = np.matmul(rows, examples.T, out=buffer[: len(X), : len(examples)])
            else:
                examples = self.X_[part].astype(np.float64)
                scores = block_distances(X.astype(np.float64), examples, power, 2**20)
            worst = found.scores.max(axis=1, keepdims=True)
            if start == 0:
                worst = np.partition(scores, self.k - 1, axis=1)[:, self.k - 1 : self.k]
            limits = (worst * (1 + relative) + slack).astype(scores.dtype)
            kept = scores <= np.nextafter(limits, np.inf, dtype=scores.dtype)
            near = np.divmod(np.flatnonzero(kept), scores.shape[1])  # quicker than nonzero in 2-D
            found = self._settle(found, X, scores, near, start)
        return found

    def _settle(
        self,
        found: Found,
        X: np.ndarray,
        scores: np.ndarray,
        near: tuple[np.ndarray, ...],
        start: int,
    ) -> Found:
        """Merge candidates (query, example - start) by their distance in float64, in chunks."""
        step = max(1, self.block_bytes // (32 * X.shape[1]))
        for at in range(0, len(near[0]), step):
            rows, columns = near[0][at : at + step], near[1][at : at + step]
            indices = columns + start
            sums = pair_distances(X[rows], self.X_[indices], self.metric, self.power)
            new = Found(sums, self.y_[indices], indices, scores[rows, columns].astype(np.float64))
            found = merge(found, rows, new)
        return found
