"""SSD: anchors, matching, offsets and loss against cases worked by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F

from sightline import models
from sightline.errors import RecipeError
from sightline.models import ssd
from sightline.models.detector import Objects
from sightline.models.ssd7 import SSD7

UNIT = (1.0, 1.0, 1.0, 1.0)


def objects(*rows: tuple[float, float, float, float, int, int]) -> Objects:
    """x0, y0, x1, y1, class and image of each."""
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return Objects(table[:, :4], table[:, 4].long(), table[:, 5].long())


def test_anchors_of_one_map_by_hand() -> None:
    """An input of 100 x 200 with a map of 2 x 2: steps of 50 and 100, sides of the shorter 100."""
    found = ssd.anchors((100, 200), [(2, 2)], [0.2, 0.8], [[0.5, 1.0, 2.0]])
    assert found.shape == (16, 4)
    root = math.sqrt(2)
    first = [
        [50, 25, 20 / root, 20 * root],
        [50, 25, 20, 20],
        [50, 25, 40, 40],  # between the scales: sqrt(.2 * .8) = .4
        [50, 25, 20 * root, 20 / root],
    ]
    torch.testing.assert_close(found[:4], torch.tensor(first))
    centers = found[::4, :2].tolist()
    assert centers == [[50, 25], [150, 25], [50, 75], [150, 75]]


def test_ssd7_has_the_book_s_anchors() -> None:
    """37x60, 18x30, 9x15 and 4x7 cells of four boxes each for inputs of 300x480."""
    network = SSD7(5)
    assert len(network.anchors) == 4 * (37 * 60 + 18 * 30 + 9 * 15 + 4 * 7)
    sides = network.anchors[:, 2:]
    torch.testing.assert_close(sides[1], torch.tensor([24.0, 24.0]))  # .08 of 300
    largest = math.sqrt(0.64 * 0.96) * 300
    torch.testing.assert_close(sides[-2], torch.tensor([largest, largest]))


def test_ssd7_has_as_many_parameters_as_its_layers() -> None:
    """Convolutions, batch norms and predictors of five classes, counted by hand."""
    widths = (3, *(32, 48, 64, 64, 48, 48, 32))
    kernels = (25, 9, 9, 9, 9, 9, 9)
    body = sum(a * b * k + b + 2 * b for a, b, k in zip(widths, widths[1:], kernels, strict=False))
    predictors = sum((9 * width + 1) * 4 * (6 + 4) for width in widths[4:])
    assert sum(p.numel() for p in SSD7(5).parameters()) == body + predictors == 213_232


def test_matching_by_hand() -> None:
    """Two objects, five anchors: each object takes its best anchor, the better pair first; then who
    overlaps by a half joins, and who overlaps by .3 counts for nothing."""
    overlaps = torch.tensor(
        [
            [0.9, 0.6, 0.4, 0.1, 0.0],
            [0.8, 0.2, 0.1, 0.2, 0.0],
        ]
    )
    found = ssd.matched(overlaps, 0.5, 0.3).tolist()
    # The first has anchor 0, and by that the second no more: of 1 and 3, at .2, it has the first.
    assert found == [0, 1, -2, -1, -1]


def test_every_object_is_matched_however_little_it_overlaps() -> None:
    overlaps = torch.zeros(3, 4)
    assert sorted(ssd.matched(overlaps, 0.5, 0.3).tolist()) == [-1, 0, 1, 2]


def test_without_objects_all_is_background() -> None:
    assert ssd.matched(torch.zeros(0, 3), 0.5, 0.3).tolist() == [-1, -1, -1]


def test_offsets_by_hand() -> None:
    anchor = torch.tensor([[50.0, 50.0, 20.0, 40.0]])
    box = torch.tensor([[50.0, 30.0, 90.0, 50.0]])  # center 70, 40; sides 40, 20
    expected = [1.0, -0.25, math.log(2), -math.log(2)]
    torch.testing.assert_close(ssd.encode(box, anchor, UNIT), torch.tensor([expected]))
    scaled = ssd.encode(box, anchor, (0.1, 0.1, 0.2, 0.2))
    torch.testing.assert_close(scaled / torch.tensor(expected), torch.tensor([[10.0, 10, 5, 5]]))


sides = st.floats(1, 300, width=32)
places = st.floats(-50, 500, width=32)


@given(
    arrays(np.float32, (7, 2), elements=places),
    arrays(np.float32, (7, 2), elements=sides),
    arrays(np.float32, (7, 2), elements=places),
    arrays(np.float32, (7, 2), elements=sides),
)
@settings(deadline=None, max_examples=60)
def test_decoding_what_was_encoded_returns_the_truth(
    corner: np.ndarray, side: np.ndarray, center: np.ndarray, extent: np.ndarray
) -> None:
    boxes = torch.from_numpy(np.concatenate([corner, corner + side], 1)).double()
    anchors = torch.from_numpy(np.concatenate([center, extent], 1)).double()
    variances = (0.1, 0.1, 0.2, 0.2)
    back = ssd.decode(ssd.encode(boxes, anchors, variances), anchors, variances)
    torch.testing.assert_close(back, boxes, atol=1e-3, rtol=1e-6)


def test_the_loss_by_hand() -> None:
    """One object among six anchors, one neither, four of background of which the three hardest
    count."""
    scores = torch.tensor([[[0.0, 2], [0, 0], [3, 0], [1, 0], [0, 1], [2, 0]]])
    labels = torch.tensor([[1, ssd.NEUTRAL, 0, 0, 0, 0]])
    offsets, wanted = torch.zeros(1, 6, 4), torch.zeros(1, 6, 4)
    offsets[0, 0] = torch.tensor([0.5, -2.0, 0, 0])
    offsets[0, 3] = 9.0  # of background, which has no place
    found = ssd.losses(scores, offsets, labels, wanted, ssd.Rules())
    each = [math.log(1 + math.exp(x)) for x in (-2, -1, 1, -2)]  # the object; then 1, 0 1, 2
    assert found["class"].total.item() == pytest.approx(sum(each), abs=1e-6)
    assert found["box"].total.item() == pytest.approx(0.5 * 0.25 + 1.5, abs=1e-6)
    assert found["class"].count is found["box"].count
    assert found["class"].count.item() == 1


def test_a_batch_without_objects_has_a_loss_of_nothing() -> None:
    network = SSD7(2, 3, (64, 64))
    found = network.loss(torch.rand(2, 3, 64, 64), objects())
    assert {loss.total.item() for loss in found.values()} == {0.0}
    sum(loss.total for loss in found.values()).backward()  # type: ignore[union-attr]


def test_targets_lead_back_to_the_objects() -> None:
    """A perfect network's outputs, made from the targets, decode to the true boxes and classes."""
    network = SSD7(3, 3, (96, 128))
    truth = objects((10, 12, 40, 60, 0, 0), (60, 20, 120, 90, 2, 0), (5, 5, 25, 20, 1, 1))
    labels, offsets = ssd.targets(truth, 2, network.anchors, network.rules)
    scores = 20.0 * F.one_hot(labels.clamp_min(0), 4).float()
    found = ssd.candidates(scores, offsets, network.anchors, network.rules)
    for image in range(2):
        boxes, classes = truth.of(image)
        sure = found.scores[image].amax(1) > 0.9
        said = found.boxes[image][sure]
        for box, number in zip(boxes, classes, strict=True):
            near = (said - box).abs().amax(1)
            assert near.min() < 1e-3
            assert found.scores[image][sure][near.argmin()].argmax() == number
        assert all((boxes - box).abs().amax(1).min() < 1e-3 for box in said)


def test_ssd7_is_built_by_its_name_also_without_memory() -> None:
    with torch.device("meta"):
        network = models.build("ssd7", 3, 3, (240, 320))
    assert isinstance(network.body, SSD7)
    assert network.body.anchors.device.type == "cpu"
    layers = {name.rpartition(".")[0] for name in network.state_dict()}
    assert layers >= {f"body.{head}" for head in network.heads}


def test_ssd7_refuses_what_it_cannot_pool() -> None:
    with pytest.raises(RecipeError, match="at least"):
        models.build("ssd7", 3, 3, (60, 320))
