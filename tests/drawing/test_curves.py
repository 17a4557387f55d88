"""Curves of training: whole with whatever a history holds."""

from typing import Any
from xml.etree import ElementTree

import pytest

from sightline.drawing import curves
from sightline.drawing.curves import Marks


def history(epochs: int, val: bool = True) -> list[dict[str, Any]]:
    found = []
    for epoch in range(1, epochs + 1):
        entry: dict[str, Any] = {"epoch": epoch, "train": {"loss": 1 + 1 / epoch}}
        if val:
            entry["val"] = {"loss": 1.2 + 1 / epoch, "accuracy": 1 - 0.5 / epoch, "mae": 3 / epoch}
        found.append(entry)
    return found


def words(svg: str) -> list[str]:
    """The texts of a figure; raises where it is no XML."""
    root = ElementTree.fromstring(svg)
    return ["".join(node.itertext()) for node in root.iter() if node.tag.endswith("}text")]


def test_curves_show_loss_and_goal_and_mark_the_best_epoch() -> None:
    said = words(curves.svg(history(60), Marks(57)))
    assert {"Loss", "training", "validation", "Accuracy on validation", "epoch"} <= set(said)
    assert "epoch 57: 99.1%" in said


def test_curves_without_validation_show_the_training_loss_alone() -> None:
    said = words(curves.svg(history(9, val=False), Marks()))
    assert "training" in said
    assert not any("validation" in word or word.startswith("epoch ") for word in said)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("epochs", [1, 300])
def test_curves_are_legible_with_one_epoch_and_with_300(epochs: int, stacked: bool) -> None:
    said = words(curves.svg(history(epochs), Marks(epochs, "mae"), stacked))
    assert "Mean absolute error on validation" in said
    assert f"epoch {epochs}: {3 / epochs:.4g}" in said
    ticks = [word for word in said if word.isdigit()]
    assert str(epochs) in ticks and len(ticks) < 30


def test_only_shares_are_said_in_percent() -> None:
    for entry in (errors := history(9)):
        entry["val"] |= {"rmse": 40 / entry["epoch"], "top5": 0.5}
    assert "epoch 8: 5" in words(curves.svg(errors, Marks(8, "rmse")))
    assert "epoch 8: 50.0%" in words(curves.svg(errors, Marks(8, "top5")))


def test_one_epoch_is_a_visible_point() -> None:
    assert "<use" in curves.svg(history(1), Marks())


def test_values_that_are_no_numbers_leave_gaps() -> None:
    broken = history(30)
    broken[3]["train"]["loss"] = float("nan")
    broken[4]["val"] = {"loss": float("inf"), "accuracy": float("nan")}
    broken[5].pop("val")
    assert "Accuracy on validation" in words(curves.svg(broken, Marks(5)))
    assert words(curves.svg([], Marks()))


def test_a_loss_that_falls_a_thousandfold_is_drawn_logarithmically() -> None:
    long = [{"epoch": e, "train": {"loss": 10.0 ** (1 - e / 10)}} for e in range(1, 41)]
    said = words(curves.svg(long, Marks()))
    assert "Loss (logarithmic scale)" in said
    assert not any("$" in word or "mathdefault" in word for word in said)


def test_the_axis_of_the_rate_fits_the_rate() -> None:
    falling = [record | {"rate": {"model": 0.01 / (1 + i)}} for i, record in enumerate(history(4))]
    shown = words(curves.svg(falling, Marks(rate=True)))
    assert {"Rate", "0.01"} <= set(shown)
    assert "0.8" not in shown  # as an axis that ends at 1 has
