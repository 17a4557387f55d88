"""YOLO: owners, boxes and anchors against cases worked by hand."""

import math

import pytest
import torch
from torch import Tensor

from sightline import models
from sightline.boxes.tensors import iou
from sightline.errors import RecipeError
from sightline.models.detector import Objects
from sightline.models.yolo import YOLO, cluster, owners, placed, shape_iou


def objects(*rows: tuple[float, float, float, float, int, int]) -> Objects:
    """x0, y0, x1, y1, class and image of each."""
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return Objects(table[:, :4], table[:, 4].long(), table[:, 5].long())


ANCHORS = torch.tensor([[10.0, 10.0], [40.0, 20.0]])


def test_the_cell_of_the_middle_and_the_anchor_most_alike_own_an_object() -> None:
    """Middles (21, 9) and (40, 40): columns 1 and 2, rows 0 and 2."""
    truth = objects((16, 4, 26, 14, 0, 0), (22, 28, 58, 52, 1, 1))
    found = owners(truth, ANCHORS, (4, 4))
    assert [part.tolist() for part in found] == [[0, 1], [0, 2], [1, 2], [0, 1]]


def test_of_two_objects_in_a_cell_the_later_has_the_next_anchor() -> None:
    truth = objects((16, 4, 26, 14, 0, 0), (17, 4, 26, 13, 0, 0), (17, 5, 26, 14, 0, 0))
    assert owners(truth, ANCHORS, (4, 4))[3].tolist() == [0, 1, 0]


def test_shapes_overlap_by_hand() -> None:
    found = shape_iou(torch.tensor([[10.0, 20.0]]), torch.tensor([[20.0, 10.0], [10.0, 20.0]]))
    torch.testing.assert_close(found, torch.tensor([[100 / 300, 1.0]]))


def test_boxes_by_hand() -> None:
    """A middle at half a cell; sides the anchor's, twice as wide."""
    raw = torch.zeros(1, 2, 3, 2, 7)
    raw[0, 1, 2, 1, 2] = math.log(2)
    found = placed(raw, ANCHORS)[0, 1, 2]
    middle_x, middle_y = 2.5 * 16, 1.5 * 16
    small = [middle_x - 5, middle_y - 5, middle_x + 5, middle_y + 5]
    wide = [middle_x - 40, middle_y - 10, middle_x + 40, middle_y + 10]
    torch.testing.assert_close(found, torch.tensor([small, wide]))


def clusters(centers: Tensor, each: int = 40) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(len(centers) * each, 2, generator=generator) - 0.5
    return centers.repeat_interleave(each, 0) + noise


def test_anchors_are_the_means_of_clear_clusters() -> None:
    centers = torch.tensor([[10.0, 10.0], [40.0, 15.0], [20.0, 60.0]]).double()
    found = cluster(clusters(centers), 3)
    torch.testing.assert_close(found, centers[[0, 1, 2]], atol=0.3, rtol=0)


def test_more_anchors_fit_boxes_better() -> None:
    generator = torch.Generator().manual_seed(1)
    sides = torch.rand(300, 2, generator=generator).double() * 90 + 5
    fits = [shape_iou(sides, cluster(sides, k)).amax(1).mean() for k in (1, 3, 6, 9)]
    assert fits == sorted(fits)


def test_too_few_boxes_for_the_anchors_are_refused() -> None:
    with pytest.raises(RecipeError, match="5 anchors for 2 boxes"):
        cluster(torch.tensor([[3.0, 4], [5, 6], [0, 4]]), 5)


def test_the_loss_falls_until_it_finds_its_objects() -> None:
    torch.manual_seed(0)
    network = YOLO(2, 1, (64, 64), width=8, anchors=2)
    truth = objects((8, 8, 24, 24, 0, 0), (20, 30, 60, 50, 1, 1))
    network.lay(torch.tensor([[16.0, 16.0], [40.0, 20.0]]))
    inputs = torch.rand(2, 1, 64, 64)
    inputs[0, :, 8:24, 8:24] += 2
    inputs[1, :, 30:50, 20:60] += 2
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    totals = []
    for _ in range(60):
        found = network.loss(inputs, truth)
        total = torch.stack([loss.total / loss.count for loss in found.values()]).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.1 * totals[0]
    network.eval()
    said = network.detect(inputs)
    for image in range(2):
        boxes, classes = truth.of(image)
        best = said.scores[image].amax(1).argmax()
        assert iou(said.boxes[image, best][None], boxes)[0, 0] > 0.6
        assert said.scores[image, best].argmax() == classes[0]


def test_a_batch_without_objects_is_background_alone() -> None:
    network = YOLO(2, 1, (64, 64), width=8)
    found = network.loss(torch.rand(2, 1, 64, 64), objects())
    assert found["class"].total == found["box"].total == 0
    assert found["object"].total > 0
    found["object"].total.backward()


def test_anchors_travel_in_the_weights() -> None:
    network = models.build("yolo", 3, 3, (96, 128), {"width": 8, "anchors": 3})
    assert isinstance(network.body, YOLO)
    network.body.lay(torch.tensor([[10.0, 10], [20, 40], [60, 30]]))
    other = models.build("yolo", 3, 3, (96, 128), {"width": 8, "anchors": 3})
    other.load_state_dict(network.state_dict())
    assert isinstance(other.body, YOLO)
    assert torch.equal(other.body.sides, network.body.sides)


@pytest.mark.parametrize(
    ("size", "settings", "said"),
    [((90, 128), {}, "multiples of 16"), ((96, 128), {"anchors": 33}, "1 to 32 anchors")],
)
def test_what_it_cannot_be_built_for_is_refused(
    size: tuple[int, int], settings: dict[str, int], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        models.build("yolo", 3, 3, size, settings)
