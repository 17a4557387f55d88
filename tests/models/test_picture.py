"""Pictures of networks: nothing overlaps, no line runs through a box, repeats stand once."""

from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sightline import images
from sightline.drawing.diagram import NOTE, TITLE, Box, Drawing, Elbow, Line, render, text_width
from sightline.models import MODELS
from sightline.models.graph import graph_of, trace
from sightline.models.layout import lay
from sightline.models.parts import parts_of, runs_of, stages_of
from sightline.models.picture import draw

SHOWN = [
    "lenet", "minivggnet", "googlenet", "resnet18", "resnet9", "resnet50", "inception_v3",
    "efficientnet_b0", "mobilenet_v2", "xception", "squeezenet1_0", "resnet110_cifar",
    "preact_resnet", "vgg16",
]  # fmt: skip


def drawn(name: str) -> Drawing:
    entry = MODELS[name]
    return draw(graph_of(name, 10, entry.channels, entry.size))


def sides(box: Box) -> tuple[float, float, float, float]:
    return (
        box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2,
        box.y + box.height / 2,
    )  # fmt: skip


def along(line: Line | Elbow) -> np.ndarray:
    """Points on a line as it is drawn, (n, 2): smooth pieces are cubic with vertical ends."""
    out = []
    t = np.linspace(0, 1, 41)[:, None]
    for start, end in pairwise(np.array(line.points)):
        if isinstance(line, Elbow):
            out.append(start + t * (end - start))
            continue
        middle = (start[1] + end[1]) / 2
        a, b = np.array([start[0], middle]), np.array([end[0], middle])
        out.append(
            (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * end
        )
    return np.concatenate(out)


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_is_no_mess(name: str) -> None:
    picture = drawn(name)
    for box in picture.boxes:
        left, top, right, bottom = sides(box)
        assert 0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height
        assert text_width(box.title, TITLE, bold=True) <= box.width
        assert all(text_width(note, NOTE) <= box.width for note in box.notes)
    for one, other in combinations(picture.boxes, 2):
        a, b = sides(one), sides(other)
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one.title, other.title)
    edges = np.array([sides(box) for box in picture.boxes])
    for line in picture.lines:
        points = along(line)[:, None]  # (points, boxes)
        inside = (points[..., 0] > edges[:, 0] + 1) & (points[..., 0] < edges[:, 2] - 1)
        inside &= (points[..., 1] > edges[:, 1] + 1) & (points[..., 1] < edges[:, 3] - 1)
        assert not inside.any(), (name, line.points)
        low, high = points.min((0, 1)), points.max((0, 1))
        assert (low >= 0).all() and high[0] <= picture.width and high[1] <= picture.height


@pytest.mark.parametrize("name", SHOWN)
def test_every_part_is_drawn_and_joined(name: str) -> None:
    entry = MODELS[name]
    graph = graph_of(name, 10, entry.channels, entry.size)
    runs = runs_of(stages_of(parts_of(graph)))
    picture = draw(graph)
    inside = sum(len(stage.parts) for run in runs for stage in run.stages)
    assert len(picture.boxes) == inside
    tops = {(round(b.y - b.height / 2, 3)) for b in picture.boxes}
    arrived = [line for line in picture.lines if line.arrow]
    assert all(round(line.points[-1][1], 3) in tops for line in arrived)
    edges = sum(len(part.inputs) for run in runs for stage in run.stages for part in stage.parts)
    assert len(arrived) == edges


def test_short_networks_stand_in_one_column_and_long_ones_in_several() -> None:
    lenet, google = drawn("lenet"), drawn("googlenet")
    assert len({box.x for box in lenet.boxes}) == 1
    assert [box.title for box in lenet.boxes] == [
        "input", "conv 5×5, 20", "max pool 2×2/2", "conv 5×5, 50", "max pool 2×2/2", "flatten",
        "linear 500", "linear 10",
    ]  # fmt: skip
    assert lenet.boxes[1].notes == ("ReLU  →  28×28×20",)
    assert lenet.title == "lenet" and "1,256,080 parameters" in lenet.subtitle
    assert 0.7 < google.width / google.height < 2.5
    assert sum(isinstance(line, Elbow) for line in google.lines) >= 1


def test_branches_of_googlenet_stand_side_by_side_without_crossing() -> None:
    entry = MODELS["googlenet"]
    stages = stages_of(parts_of(graph_of("googlenet", 1000, 3, entry.size)))
    modules = [stage for stage in stages if len(stage.parts) > 1]
    assert len(modules) == 9
    for stage in modules:
        assert stage.block.startswith("inception")
        laid = lay([part.inputs for part in stage.parts], [100.0] * len(stage.parts))
        first = [laid.x[i] for i, part in enumerate(stage.parts) if part.inputs == (-1,)]
        assert len(set(first)) == 4 and abs(sum(first)) < 1  # around the trunk
        for i, part in enumerate(stage.parts):
            if len(part.inputs) == 1 and part.inputs[0] >= 0:
                assert laid.x[i] == laid.x[part.inputs[0]]  # a branch runs straight down


def test_repeats_stand_once_with_their_number() -> None:
    labels = [frame.label for frame in drawn("resnet50").frames if frame.strong]
    assert [label.split()[-1] for label in labels] == ["×2", "×3", "×5", "×2"]
    assert len({label.split()[0] for label in labels}) == 1  # the class
    assert [f.label[-3:] for f in drawn("resnet110_cifar").frames if f.strong] == [
        "×18", "×17", "×17",
    ]  # fmt: skip
    assert not any(frame.strong for frame in drawn("minivggnet").frames)  # two are drawn out


class Unet(nn.Module):
    """Edges past many layers, over two sides."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3 if i == 0 else 8, 8, 3, 1, 1) for i in range(4)])
        self.up = nn.ModuleList([nn.Conv2d(16, 8, 3, 1, 1) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        seen = []
        for conv in self.down:
            x = conv(x).relu()
            seen.append(x)
            x = nn.functional.max_pool2d(x, 2)
        for conv, skip in zip(self.up, reversed(seen[:-1]), strict=True):
            x = nn.functional.interpolate(x, scale_factor=2)
            x = conv(torch.cat([x, nn.functional.max_pool2d(skip, 2)], 1))
        return x


def test_networks_of_other_forms_are_drawn_too() -> None:
    with torch.device("meta"):
        picture = draw(trace(Unet(), 3, (32, 32), "$unet$ & <co>"))
    assert len(picture.boxes) > 15
    svg = render(picture, ".svg").decode()
    assert "$unet$ &amp; &lt;co&gt;" in svg


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sets(st.integers(1, 6), max_size=3), min_size=1, max_size=10), st.data())
def test_any_layout_leaves_boxes_apart(steps: list[set[int]], data: st.DataObject) -> None:
    inputs = [tuple(sorted({max(-1, i - s) for s in read or {1}})) for i, read in enumerate(steps)]
    widths = [data.draw(st.floats(20, 150)) for _ in inputs]
    laid = lay(inputs, widths)
    for (i, a), (j, b) in combinations(enumerate(laid.x), 2):
        if laid.row[i] == laid.row[j]:
            assert abs(a - b) >= (widths[i] + widths[j]) / 2
    for i, read in enumerate(inputs):
        assert all(laid.row[j] < laid.row[i] for j in read if j >= 0)
    assert laid.x[-1] == 0


def test_svg_keeps_words_as_words_and_equal_pictures_are_equal_files() -> None:
    svg = render(drawn("resnet9"), ".svg")
    assert svg == render(drawn("resnet9"), ".svg")
    words = [e.text for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text")]
    assert {"resnet9", "conv 3×3, 256", "max pool 2×2/2"} <= set(words)
    assert any("16×16×128" in (word or "") for word in words)


def test_png_is_a_picture_of_the_same_shape() -> None:
    picture = drawn("lenet")
    pixels = images.decode(render(picture, ".png"), "lenet.png")
    assert pixels.shape[1] / pixels.shape[0] == pytest.approx(
        picture.width / picture.height, rel=0.01
    )
    assert pixels[0, 0].tolist()[:3] == [255, 255, 255]
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50
