"""Copies are found by print and thumbnail, and what only looks like one is not."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sightline.data.checking import duplicates


def scenes(n: int, seed: int = 0, side: int = 32) -> NDArray[np.uint8]:
    """(n, side, side, 3) smooth pictures in color, no two alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 7, 7, 3), dtype=np.uint8)
    return np.stack([cv2.resize(c, (side, side), interpolation=cv2.INTER_CUBIC) for c in coarse])


def grey(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures])


def hamming(left: int, right: int) -> int:
    return bin(int(left) ^ int(right)).count("1")


@given(arrays(np.uint64, st.integers(0, 30)), arrays(np.uint64, st.integers(1, 30)))
def test_distance_counts_the_bits_that_differ(
    left: NDArray[np.uint64], right: NDArray[np.uint64]
) -> None:
    n = min(len(left), len(right))
    found = duplicates.distance(left[:n], right[:n])
    assert found.tolist() == [hamming(a, b) for a, b in zip(left[:n], right[:n], strict=True)]


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 63), max_size=9)), max_size=24),
    st.integers(0, 6),
)
def test_near_finds_every_pair_that_comparing_all_finds(
    seeds: list[int], changes: list[tuple[int, set[int]]], limit: int
) -> None:
    values = list(seeds)
    for which, bits in changes:  # some a few bits from one of the seeds
        values.append(seeds[which % len(seeds)] ^ sum(1 << bit for bit in bits))
    pairs = duplicates.near(np.array(values, np.uint64), limit).tolist()
    n = len(values)
    brute = {
        (i, j) for i in range(n) for j in range(i + 1, n) if hamming(values[i], values[j]) <= limit
    }
    assert {(i, j) for i, j in pairs} == brute
    assert len(pairs) == len(brute)
    distances = [hamming(values[i], values[j]) for i, j in pairs]
    assert distances == sorted(distances)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_equal_groups_what_is_there_more_than_once(values: list[int]) -> None:
    groups = [group.tolist() for group in duplicates.equal(np.array(values, np.uint64))]
    expected = [[i for i, w in enumerate(values) if w == v] for v in dict.fromkeys(values)]
    assert groups == [group for group in expected if len(group) > 1]


def test_the_print_of_a_mirror_image_is_known_without_it() -> None:
    pictures = grey(scenes(50))
    turned = duplicates.prints(np.ascontiguousarray(pictures[:, :, ::-1]))
    assert duplicates.distance(duplicates.mirrored(duplicates.prints(pictures)), turned).max() <= 1


@pytest.mark.parametrize("change", ["compressed", "brighter", "shrunk"])
def test_a_changed_copy_is_proposed_and_confirmed(change: str) -> None:
    originals = scenes(30, side=64)
    if change == "compressed":
        copies = [
            cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)
            for p in originals
        ]
    elif change == "brighter":
        copies = [np.clip(p.astype(float) * 0.8 + 30, 0, 255).astype(np.uint8) for p in originals]
    else:
        copies = [cv2.resize(p, (40, 40), interpolation=cv2.INTER_AREA) for p in originals]
    whole = [*originals, *copies]
    small = np.stack([cv2.resize(p, (32, 32), interpolation=cv2.INTER_AREA) for p in whole])
    pairs = duplicates.near(duplicates.prints(grey(small)))
    groups = duplicates.confirmed(pairs, len(small), lambda rows: small[rows])
    assert [group.tolist() for group in groups] == [[i, i + 30] for i in range(30)]


def test_mirrored_copies_are_told_apart_from_straight_ones() -> None:
    originals = scenes(20)
    small = np.concatenate([originals, originals[:5, :, ::-1]])
    straight, turned, cut = duplicates.proposed(duplicates.prints(grey(small)))
    assert duplicates.confirmed(straight, 25, lambda rows: small[rows]) == []
    groups = duplicates.confirmed(turned, 25, lambda rows: small[rows], flipped=True)
    assert [group.tolist() for group in groups] == [[i, i + 20] for i in range(5)]
    assert not cut


def test_digits_of_many_hands_are_no_copies_of_each_other() -> None:
    from sklearn.datasets import load_digits

    pixels = (load_digits().images * 255 / 16).astype(np.uint8)
    small = np.stack([cv2.resize(p, (32, 32)) for p in pixels])
    straight, _, _ = duplicates.proposed(duplicates.prints(small))
    assert len(straight) > 100  # prints alone would call them so
    color = np.repeat(small[..., None], 3, axis=3)
    assert duplicates.confirmed(straight, len(small), lambda rows: color[rows]) == []


def test_groups_do_not_depend_on_how_many_thumbnails_are_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    originals = scenes(12)
    small = np.concatenate([originals, originals, originals])
    pairs = duplicates.near(duplicates.prints(grey(small)))
    held = duplicates.confirmed(pairs, 36, lambda rows: small[rows])
    monkeypatch.setattr(duplicates, "HELD", 4)
    monkeypatch.setattr(duplicates, "CHUNK", 5)
    chunked = duplicates.confirmed(pairs, 36, lambda rows: small[rows])
    assert [g.tolist() for g in held] == [g.tolist() for g in chunked]
    assert [g.tolist() for g in held] == [[i, i + 12, i + 24] for i in range(12)]


def test_a_set_of_one_or_of_none_has_no_copies() -> None:
    for n in (0, 1):
        straight, turned, cut = duplicates.proposed(np.zeros(n, np.uint64))
        assert len(straight) == len(turned) == 0 and not cut
