"""Scores of an image by random weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from sightline import images
from sightline.errors import DataError
from sightline.lab.linear import bilinear, over_seeds, run


def test_a_photograph_is_shrunk_as_the_books_resize_does() -> None:
    photo = load_sample_image("china.jpg")
    theirs = cv2.resize(photo, (32, 32)).astype(int)
    assert np.abs(bilinear(photo, 32) - theirs).max() <= 1  # it rounds parts to 1 / 2048
    small = photo[:20, :10]
    theirs = cv2.resize(small, (32, 32)).astype(int)
    assert np.abs(bilinear(small, 32) - theirs).max() <= 1


def test_scores_are_the_books_formula_with_and_without_the_bias_trick() -> None:
    rows = run(seeds=3).tables[0].rows
    draws = np.random.RandomState(1)
    W, b = draws.randn(3, 3072), draws.randn(3)
    x = bilinear(load_sample_image("flower.jpg"), 32)[..., ::-1].reshape(-1).astype(float)
    assert [row[1] for row in rows] == [f"{score:.2f}" for score in W @ x + b]
    assert [row[2] for row in rows] == [row[1] for row in rows]


def test_every_answer_is_given_by_a_third_of_the_seeds() -> None:
    small = bilinear(load_sample_image("china.jpg"), 32)
    drawn = over_seeds(small, 300)
    assert np.bincount(drawn.argmax(axis=1)).min() > 70
    length = np.sqrt((small.astype(float) ** 2).sum() + 1)
    assert drawn.std(axis=0) == pytest.approx([length] * 3, rel=0.15)


def test_a_black_image_scores_the_biases(tmp_path: Path) -> None:
    images.write(tmp_path / "black.png", np.zeros((40, 60, 1), np.uint8))
    rows = run(image=tmp_path / "black.png", seeds=1).tables[0].rows
    b = np.random.RandomState(1).randn(3 * 3072 + 3)[-3:]
    assert [row[1] for row in rows] == [f"{score:.2f}" for score in b]


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_text("no image")
    with pytest.raises(DataError, match="not a picture"):
        run(image=tmp_path / "x.jpg")
