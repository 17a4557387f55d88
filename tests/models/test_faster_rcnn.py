"""Faster R-CNN: its stages one by one, and together on a picture that it is to learn by heart."""

import torch

from sightline.boxes.tensors import centers, clip, corners, iou
from sightline.models import ssd
from sightline.models.detector import Objects
from sightline.models.faster_rcnn import VARIANCES, FasterRCNN, _owned, anchors


def small(**settings: int) -> FasterRCNN:
    torch.manual_seed(0)
    chosen = {"width": 32, "hidden": 64} | settings
    return FasterRCNN(2, 3, (64, 96), "resnet18", **chosen)


def test_anchors_lie_by_row_column_scale_and_ratio() -> None:
    found, each = anchors((64, 96), (4, 6))
    assert each == 16
    assert found.shape == (4 * 6 * 16, 4)
    assert found[:16, :2].unique(dim=0).tolist() == [[8.0, 8.0]]
    assert found[16, :2].tolist() == [24.0, 8.0]
    assert found[6 * 16, :2].tolist() == [8.0, 24.0]
    assert found[1, 2:].tolist() == found[1, 3].repeat(2).tolist()  # ratio 1


def test_a_region_is_of_the_object_it_overlaps_most() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]])
    regions = torch.tensor([[0.0, 0, 10, 9], [0, 0, 30, 30], [21, 20, 40, 40], [50, 50, 60, 60]])
    owner, labels = _owned(regions, boxes, torch.tensor([1, 0]))
    assert labels.tolist() == [2, 0, 1, 0]
    assert owner[[0, 2]].tolist() == [0, 1]


def test_proposals_are_in_the_picture_apart_and_the_likeliest_first() -> None:
    network = small().eval()
    laid = network.anchors
    objects = torch.full((1, len(laid)), -5.0)
    best = [100, 101, 300]
    objects[0, best] = torch.tensor([3.0, 2.0, 4.0])
    (found,) = network._proposed(objects, torch.zeros(1, len(laid), 4), 50)
    assert len(found) <= 50
    assert bool(((found[:, :2] >= 0) & (found[:, 2:] <= torch.tensor([96.0, 64.0]))).all())
    torch.testing.assert_close(found[:1], clip(corners(laid[300:301]), (64, 96)))
    apart = iou(found, found) - torch.eye(len(found))
    assert float(apart.max()) <= 0.7 + 1e-6


def test_what_the_second_stage_should_say_is_what_it_decodes() -> None:
    boxes = torch.tensor([[5.0, 6, 40, 50]])
    region = torch.tensor([[0.0, 0, 32, 48]])
    wanted = ssd.encode(boxes, centers(region), VARIANCES)
    torch.testing.assert_close(ssd.decode(wanted, centers(region), VARIANCES), boxes)


def test_its_losses_fall_on_a_picture() -> None:
    network = small()
    inputs = torch.full((2, 3, 64, 96), 0.5)
    inputs[0, 0, 10:40, 16:48] = 1.0
    inputs[1, 2, 24:56, 40:88] = 0.0
    boxes = torch.tensor([[16.0, 10, 48, 40], [40.0, 24, 88, 56]])
    truth = Objects(boxes, torch.tensor([0, 1]), torch.tensor([0, 1]))
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    totals = []
    for step in range(5):
        torch.manual_seed(step)
        losses = network.loss(inputs, truth)
        total = torch.stack([loss.total / loss.count for loss in losses.values()]).sum()
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < totals[0]


def test_an_image_without_objects_has_a_loss() -> None:
    network = small()
    none = Objects(torch.zeros(0, 4), torch.zeros(0).long(), torch.zeros(0).long())
    losses = network.loss(torch.rand(2, 3, 64, 96), none)
    assert losses["box"].total.item() == losses["proposed box"].total.item() == 0.0
    assert all(bool(torch.isfinite(loss.total)) for loss in losses.values())
