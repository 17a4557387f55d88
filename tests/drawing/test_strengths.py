"""Lines of accuracy against strength, whose names are beside them."""

import re

from sightline.drawing import strengths


def at(svg: str, word: str) -> float:
    """Where a word begins, in the picture's units from the left."""
    found = re.search(rf"<text[^>]*?(?:translate\(| x=\")([\d.]+)[^>]*>{word}<", svg)
    assert found is not None, word
    return float(found[1])


def test_names_are_beside_the_lines_and_guessing_is_where_lines_are_high() -> None:
    lines = {"noise": [0.9, 0.7, 0.5, 0.3, 0.1], "jpeg": [0.98, 0.97, 0.96, 0.95, 0.94]}
    svg = strengths.corruptions(lines, 0.99, 0.1)
    last = at(svg, "5")  # the last strength
    assert all(at(svg, name) > last for name in lines)
    assert at(svg, "guessing") < at(svg, "1")
    assert "guessing" not in strengths.attack([1, 2], [0.9, 0.5], 0.99, "FGSM")
