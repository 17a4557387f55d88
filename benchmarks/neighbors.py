"""How near is k-NN in NumPy to faiss, over 60,000 x 784 examples and 10,000 queries?

Compared in one run: sightline.scratch.neighbors, scikit-learn's brute force and faiss-cpu's exact
index (IndexFlatL2; `pip install faiss-cpu`, used here alone), on as many threads each. MNIST is
read from $SIGHTLINE_DATA/mnist, else bytes of as many blurred blobs are generated. Every one is
given its own form of the values beforehand (ours bytes, the others float32) and is timed on
looking up alone; fitting is timed apart. The floor is the matrix product of both, 9.4e11
operations. Aim: at most 1.1 times faiss at k = 1 and 5.
"""

import argparse
import gzip
import os
import time
from pathlib import Path

import measure
import numpy as np

from sightline.scratch.neighbors import KNeighbors


def mnist(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (60000, 784) and (10000, 784), bytes."""
    names = ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz")
    files = [gzip.decompress((root / name).read_bytes()) for name in names]
    train, test = (np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784) for data in files)
    return train, test


def generated(n: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """Bytes that lie near 12 directions, as pictures do."""
    rng = np.random.default_rng(0)
    mixed = rng.random((n + queries, 12), dtype=np.float32) @ rng.normal(size=(12, 784))
    noisy = 128 + 20 * mixed + rng.normal(size=mixed.shape, scale=5)
    found = np.clip(noisy, 0, 255).astype(np.uint8)
    return found[:n], found[n:]


def compare(train: np.ndarray, test: np.ndarray, k: int, repeats: int) -> dict[str, object]:
    import faiss
    from sklearn.neighbors import NearestNeighbors

    floats, asked = train.astype(np.float32), test.astype(np.float32)
    start = time.perf_counter()
    ours = KNeighbors(k=k).fit(train, np.zeros(len(train), dtype=np.int64))
    fitted = time.perf_counter() - start
    theirs = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(floats)
    index = faiss.IndexFlatL2(train.shape[1])
    index.add(floats)
    jobs = {
        "sightline": lambda: ours.kneighbors(test),
        "faiss": lambda: index.search(asked, k),
        "scikit-learn": lambda: theirs.kneighbors(asked),
    }
    found = {name: job() for name, job in jobs.items()}
    distances, indices = found["sightline"]
    took = measure.seconds(jobs, repeats, warm=False)
    spreads = {f"{name} (s)": measure.spread(values) for name, values in took.items()}
    medians = {name: spreads[f"{name} (s)"]["median"] for name in jobs}
    return spreads | {
        "fitting (s)": round(fitted, 2),
        "sightline / faiss": round(medians["sightline"] / medians["faiss"], 3),
        "sightline / scikit-learn": round(medians["sightline"] / medians["scikit-learn"], 3),
        "same neighbors as faiss": float(np.mean(indices == found["faiss"][1])),
        "same neighbors as scikit-learn": float(np.mean(indices == found["scikit-learn"][1])),
        "largest squared distance faiss is off by": float(
            np.abs(distances**2 - found["faiss"][0]).max()
        ),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    import faiss
    import sklearn
    from threadpoolctl import threadpool_info

    place = Path(os.environ.get("SIGHTLINE_DATA", "nowhere")) / "mnist"
    source = "mnist" if place.is_dir() else "generated"
    data = mnist(place) if place.is_dir() else generated(given.examples, given.queries)
    train, test = data[0][: given.examples], data[1][: given.queries]
    figures: dict[str, object] = {
        "data": f"{source}, {len(train)} examples, {len(test)} queries",
        "versions": {"faiss": faiss.__version__, "scikit-learn": sklearn.__version__},
        "threads": {i["internal_api"]: i["num_threads"] for i in threadpool_info()},
    }
    for k in (1, 5):
        figures[f"k = {k}"] = compare(train, test, k, given.repeats)
    measure.save("neighbors", "seconds of exact k-NN beside faiss and scikit-learn", figures)
