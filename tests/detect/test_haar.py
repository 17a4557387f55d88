"""Cascades by name."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from sightline import images
from sightline.detect.haar import HaarDetector, names
from sightline.errors import UnknownName
from terminal import sightline


def face() -> np.ndarray:
    """A drawn face that the cascade takes for one, 200 pixels of a picture of 400x300."""
    image = np.full((300, 400, 1), 90, np.uint8)
    pixels = image[..., 0]
    cv2.ellipse(pixels, (200, 150), (75, 95), 0, 0, 360, 200, -1)
    for x in (170, 230):
        cv2.ellipse(pixels, (x, 125), (17, 9), 0, 0, 360, 60, -1)
        cv2.line(pixels, (x - 20, 108), (x + 20, 108), 70, 6)
    cv2.ellipse(pixels, (200, 160), (9, 20), 0, 0, 360, 160, -1)
    cv2.ellipse(pixels, (200, 200), (32, 9), 0, 0, 360, 80, -1)
    return cv2.GaussianBlur(pixels, (0, 0), 3)[..., None]


def test_a_face_is_found_as_opencv_finds_it() -> None:
    found = HaarDetector("frontalface").find(face()).annotation
    cascade = cv2.CascadeClassifier(names()["frontalface"])
    expected = cascade.detectMultiScale(face()[..., 0], 1.1, 5, minSize=(1, 1))
    assert found.boxes is not None and len(found.boxes) == len(expected) >= 1
    corners = sorted((x, y, x + w, y + h) for x, y, w, h in expected)
    assert sorted(map(tuple, found.boxes.tolist())) == corners


def test_nothing_in_a_blank_image_is_an_empty_table() -> None:
    found = HaarDetector("frontalface").find(np.full((60, 60, 3), 128, np.uint8)).annotation
    assert found.boxes is not None and found.boxes.shape == (0, 4)


def test_an_unknown_cascade_is_answered_with_the_names() -> None:
    with pytest.raises(UnknownName, match="did you mean frontalface?"):
        HaarDetector("frontalfaces")
    with pytest.raises(UnknownName, match="eye, .*frontalface, "):
        HaarDetector("zzz")


def test_predict_takes_a_cascade_for_a_model(tmp_path: Path) -> None:
    images.write(tmp_path / "face.png", face())
    code, out, _ = sightline("predict", "haar:frontalface", tmp_path / "face.png")
    assert code == 0 and "frontalface " in out
    code, _, said = sightline(
        "predict", "haar:frontalface", tmp_path / "face.png", "--by", "convolution"
    )
    assert code == 2 and "has its own way" in said
    code, _, said = sightline("predict", "haar:nose", tmp_path / "face.png")
    assert code == 2 and said.startswith("sightline: unknown cascade 'nose'")
