"""What topics draw alike: animations keep the colors of their figures."""

import io

from matplotlib.figure import Figure
from PIL import Image

from sightline.lab.pictures import animated


def test_paper_stays_white_and_a_grey_grey_in_an_animation() -> None:
    figures = [Figure(figsize=(3, 2), facecolor=color) for color in ("white", "#ececec", "white")]
    for at, figure in enumerate(figures):
        figure.add_axes((0.2, 0.2, 0.7, 0.7)).plot([0, at], color="#cf5a06")
    with Image.open(io.BytesIO(animated(figures))) as moving:
        for at, level in enumerate((255, 236, 255)):
            moving.seek(at)
            assert moving.convert("RGB").getpixel((2, 2)) == (level, level, level)
