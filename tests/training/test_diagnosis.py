"""What curves say: the shapes of the books, recorded runs, and silence where all is well."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.training.diagnosis import diagnose
from sightline.training.history import Facts
from sightline.training.schedules import schedule

RECORDED = sorted((Path(__file__).parent / "histories").glob("*.json"))
FIXED = settings(derandomize=True, deadline=None, max_examples=300)
TEN = Facts(classes=10)
LN10 = math.log(10)
History = list[dict[str, Any]]
Curve = Callable[[np.ndarray], np.ndarray]


def history(
    train: Any, val: Any = None, accuracy: Any = None, own: Any = None, rate: Any = 0.01
) -> History:
    """Columns as a history; a rate for each epoch, or one for all."""
    rates = rate if np.ndim(rate) else [rate] * len(train)
    found = []
    for i, loss in enumerate(train):
        entry: dict[str, Any] = {"epoch": i + 1, "train": {"loss": float(loss)}}
        entry["rate"] = {"model": float(rates[i])}
        if own is not None:
            entry["train"]["accuracy"] = float(own[i])
        if val is not None:
            entry["val"] = {"loss": float(val[i])}
            entry["val"] |= {} if accuracy is None else {"accuracy": float(accuracy[i])}
        found.append(entry)
    return found


def kinds(found: History, facts: Facts = TEN) -> list[str]:
    return [remark.kind for remark in diagnose(found, facts)]


def noisy(values: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    return values * (1 + share * np.random.default_rng(seed).standard_normal(len(values)))


def recorded(path: Path) -> tuple[History, Facts, list[str]]:
    kept = json.loads(path.read_text("utf-8"))
    facts = kept["facts"]
    facts["regularizers"] = tuple(facts.get("regularizers", ()))
    found: History = []
    for number, row in enumerate(kept["rows"]):
        entry: dict[str, Any] = {"epoch": number + 1}
        for column, value in zip(kept["columns"], row, strict=True):
            part, name = column.split("/")
            if value is not None:
                entry.setdefault(part, {})[name] = value
        found.append(entry)
    return found, Facts(**facts), kept["says"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_runs_are_told_what_they_show_and_nothing_else(path: Path) -> None:
    found, facts, says = recorded(path)
    assert kinds(found, facts) == says


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_healthy_run_is_left_alone_while_it_runs(path: Path) -> None:
    found, facts, says = recorded(path)
    if says:
        return
    for n in range(len(found)):
        now = Facts(**{**vars(facts), "epochs": len(found)})
        assert kinds(found[:n], now) == [], n


def test_there_are_recorded_runs_of_both_sorts() -> None:
    said = [recorded(path)[2] for path in RECORDED]
    assert said.count([]) >= 5 and len({kind for kinds in said for kind in kinds}) >= 5
    assert sum(path.stat().st_size for path in RECORDED) < 30_000


x = np.arange(40)
GOOD = 2.0 * np.exp(-x / 8) + 0.1  # figure 17.2's green curve


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [1, 3, 7, 12, 25, 40])
def test_good_curves_are_left_alone_under_noise(n: int, seed: int) -> None:
    train, val = noisy(GOOD, 0.02, seed), noisy(GOOD + 0.05, 0.04, seed + 100)
    accuracy = noisy(1 - val / 3, 0.01, seed + 200)
    facts = Facts(classes=10, epochs=40)
    assert diagnose(history(train[:n], val[:n], accuracy[:n]), facts) == []
    assert diagnose(history(train[:n]), facts) == []


def test_the_books_run_with_a_step_of_a_half_is_left_alone() -> None:
    """Starter book, 16: MiniVGGNet, factor 0.5, 40 epochs: .3562 and .5452 at the end."""
    train = 0.33 + 1.34 * np.exp(-x / 7)
    val = 0.54 + 0.66 * np.exp(-x / 4)
    rate = schedule("step", 0.01, 40, 1, {"factor": 0.5, "every": 5})
    rates = [rate(epoch) for epoch in range(40)]
    assert diagnose(history(train, val, 1 - val / 3, rate=rates), TEN) == []


def test_the_books_run_with_a_step_of_a_quarter_decays_too_fast() -> None:
    """Starter book, 16: factor 0.25 stagnates after epoch 15, at .5423 and .5899."""
    train = noisy(0.54 + 1.1 * np.exp(-x / 3), 0.003)
    val = 0.59 + 0.55 * np.exp(-x / 3)
    rate = schedule("step", 0.01, 40, 1, {"factor": 0.25, "every": 5})
    found = diagnose(history(train, val, 1 - val / 3, rate=[rate(e) for e in range(40)]), TEN)
    assert [remark.kind for remark in found] == ["decay"]
    assert 8 <= found[0].epoch <= 18
    assert "train.schedule.factor" in found[0].advice


@pytest.mark.parametrize("name", ["cosine", "onecycle"])
def test_schedules_that_end_at_zero_are_left_alone(name: str) -> None:
    rate = schedule(name, 0.1, 60, 1)
    rates = np.array([rate(epoch) for epoch in range(60)])
    train = 0.05 + 2.2 * np.exp(-np.cumsum(rates) / 0.4)
    val = 0.3 + 1.9 * np.exp(-np.cumsum(rates) / 0.4)
    assert diagnose(history(train, val, 1 - val / 3, rate=rates), TEN) == []


def test_overfitting_is_told_with_its_onset_and_figures() -> None:
    """Starter book, 17: no decay, 100 epochs; validation turns at 25 and rises from there."""
    epochs = np.arange(100)
    train = noisy(1.5 * np.exp(-epochs / 18) + 0.02, 0.03)
    val = noisy(0.62 + 0.7 * np.exp(-epochs / 6) + 0.006 * np.maximum(0, epochs - 25), 0.03, 1)
    found = diagnose(history(train, val, np.minimum(0.8, epochs / 25)), TEN)
    assert [remark.kind for remark in found] == ["overfit"]
    assert 18 <= found[0].epoch <= 34
    assert "validation loss rises" in found[0].sentence and "in epoch 100" in found[0].sentence
    assert f"{val[-1]:.3g}" in found[0].sentence and f"{train[-1]:.3g}" in found[0].sentence


def test_a_validation_that_stands_still_for_long_is_the_onset_of_overfitting() -> None:
    val = np.maximum(1.0, 2.2 - x * 0.1)
    train = 2.2 * np.exp(-x / 8)
    found = diagnose(history(train, val, 1 - val / 3), TEN)
    assert [remark.kind for remark in found] == ["overfit"]
    assert "has not improved" in found[0].sentence


def test_a_small_gap_that_rises_in_the_third_digit_is_left_alone() -> None:
    """LeNet on MNIST: .03 becomes .036 while training goes to .001."""
    train = 0.3 * np.exp(-x / 4) + 0.001
    val = 0.03 + 0.2 * np.exp(-x / 3) + 0.00015 * x
    assert diagnose(history(train, val, 0.991 - val / 100), TEN) == []


def test_a_very_high_rate_drops_then_rises() -> None:
    """Figure 17.2's red curve."""
    train = np.concatenate([2.3 - 0.3 * np.arange(5), 1.4 + 0.4 * np.arange(6)])
    found = diagnose(history(train, train + 0.1, rate=0.3), TEN)
    assert [remark.kind for remark in found] == ["rate very high"]
    assert found[0].epoch in (6, 7) and "from 0.3 to about 0.03" in found[0].advice


def test_a_loss_that_is_no_number_is_told_with_its_epoch() -> None:
    for bad in (math.nan, math.inf):
        found = diagnose(history([2.0, 1.5, bad]), TEN)
        assert [(remark.kind, remark.epoch) for remark in found] == [("rate very high", 3)]


def test_a_high_rate_falls_fast_and_levels_off() -> None:
    """Figure 17.2's purple curve."""
    train = noisy(1.4 + 0.9 * np.exp(-x / 1.5), 0.01)
    assert kinds(history(train, train + 0.1)) == ["rate high"]


def test_a_low_rate_is_nearly_linear() -> None:
    """Figure 17.2's blue curve."""
    train = 2.3 - 0.015 * x
    found = diagnose(history(train, train + 0.01, rate=1e-4), TEN)
    assert [remark.kind for remark in found] == ["rate low"]
    assert "2.3 in epoch 1 to 1.71 in epoch 40" in found[0].sentence
    assert diagnose(history(train[:3]), TEN) == []


def test_a_slow_line_that_will_arrive_in_time_is_left_alone() -> None:
    """Ten of a hundred epochs: at this pace the loss will be low long before the end."""
    train = 2.3 - 0.04 * x[:10]
    assert diagnose(history(train, train), Facts(classes=10, epochs=100)) == []


def test_a_warm_up_is_not_called_slow() -> None:
    rates = np.linspace(0.0001, 0.1, 12)
    assert (
        diagnose(history(2.3 - 0.02 * np.arange(12), rate=rates), Facts(classes=10, epochs=90))
        == []
    )


def test_spikes_are_counted_and_a_single_one_is_not_told() -> None:
    train = GOOD.copy()
    train[20] += 0.8
    assert diagnose(history(train, GOOD + 0.05), TEN) == []
    train[[12, 30]] += 0.9
    found = diagnose(history(train, GOOD + 0.05), TEN)
    assert [remark.kind for remark in found] == ["spikes"]
    assert "3 epochs" in found[0].sentence and found[0].epoch == 13


def test_a_restart_of_the_rate_explains_its_leap() -> None:
    train, rates = GOOD.copy(), np.full(40, 0.01)
    for at in (12, 24):
        train[at] += 0.8
        rates[at:] = 0.1
        rates[at + 6 :] = 0.01
    assert diagnose(history(train, GOOD + 0.05, rate=rates), TEN) == []


def test_stagnation_late_in_the_run_asks_for_a_lower_rate() -> None:
    train = noisy(np.maximum(1.0, 2.2 - 0.08 * x), 0.002)
    found = diagnose(history(train, train + 0.1), TEN)
    assert [remark.kind for remark in found] == ["stagnation"]
    assert "Divide train.optimizer.rate by 10" in found[0].advice


def test_a_run_that_ends_high_and_still_falls_underfits_only_at_its_end() -> None:
    train = 0.9 + 1.4 * np.exp(-np.arange(20) / 12)
    found = history(train, train + 0.1)
    assert kinds(found) == ["underfit"]
    assert kinds(found, Facts(classes=10, epochs=40)) == []
    assert "train.epochs=40" in diagnose(found, TEN)[0].advice


def test_validation_better_without_a_reason_in_the_recipe_points_to_the_split() -> None:
    train, val = GOOD + 0.4, GOOD * 0.5
    found = diagnose(history(train, val, 1 - val / 3, 1 - train / 3), TEN)
    assert [remark.kind for remark in found] == ["validation better"]
    assert "draw it anew" in found[0].advice and "higher rate" in found[0].advice


def test_validation_better_by_what_augmentation_explains_is_left_alone() -> None:
    facts = Facts(classes=10, regularizers=("augmentation", "dropout"))
    train, val = GOOD + 0.12, GOOD
    assert diagnose(history(train, val, 1 - val / 3, 1 - train / 3), facts) == []
    far = diagnose(history(train + 0.6, val, 1 - val / 3, 0.8 - train / 3), facts)
    assert [remark.kind for remark in far] == ["validation better"]
    assert "Augmentation, dropout make training harder" in far[0].advice


def test_the_floor_of_smoothed_labels_is_no_stagnation_and_no_easy_validation() -> None:
    smooth = Facts(classes=10, smoothing=0.1)
    train = smooth.floor + 0.02 + 1.5 * np.exp(-x / 5)
    assert diagnose(history(train, 0.1 + 1.5 * np.exp(-x / 5)), smooth) == []
    assert smooth.floor > 0.5


def test_blended_images_say_nothing_by_their_training_loss() -> None:
    train = 1.7 + 0.6 * np.exp(-x / 3)
    val = 0.3 + 1.5 * np.exp(-x / 6)
    assert diagnose(history(train, val, 1 - val / 3), Facts(classes=10, mixed=True)) == []


def test_one_to_two_epochs_say_nothing() -> None:
    for n in (0, 1, 2):
        assert diagnose(history([2.3] * n, [9.9] * n), TEN) == []


@FIXED
@given(st.floats(1e-6, 1e6), st.sampled_from(["rise", "line", "good", "overfit", "flat"]))
def test_the_unit_of_a_loss_changes_nothing(factor: float, shape: str) -> None:
    """Without classes nothing but the first loss sets the scale."""
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "rise": (np.concatenate([GOOD[:9], 2 + GOOD[:9][::-1]]),) * 2,
        "line": (2.3 - 0.015 * x,) * 2,
        "good": (GOOD, GOOD + 0.05),
        "overfit": (2.2 * np.exp(-x / 8), 1 + 0.04 * np.abs(x - 12)),
        "flat": (1.4 + 0.9 * np.exp(-x / 1.5),) * 2,
    }
    train, val = curves[shape]
    one = kinds(history(train, val), Facts(goal="-mae"))
    assert kinds(history(train * factor, val * factor), Facts(goal="-mae")) == one
    assert (one == []) == (shape == "good")


ANY = st.floats(allow_nan=True, allow_infinity=True) | st.none()


@FIXED
@given(
    st.lists(st.tuples(ANY, ANY, ANY, ANY, ANY), max_size=24),
    st.sampled_from([0, 2, 10]),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.booleans(),
    st.sampled_from([0, 5, 100]),
)
def test_no_history_is_too_strange(
    rows: list[tuple[Any, ...]], classes: int, smoothing: float, mixed: bool, epochs: int
) -> None:
    found: History = []
    for i, (loss, own, val, accuracy, rate) in enumerate(rows):
        entry: dict[str, Any] = {"epoch": i + 1, "train": {"loss": loss, "accuracy": own}}
        entry |= {"val": {"loss": val, "accuracy": accuracy}, "rate": {"model": rate}}
        found.append(entry)
    facts = Facts("+accuracy", classes, smoothing, ("dropout",), mixed, epochs)
    for remark in diagnose(found, facts):
        assert 1 <= remark.epoch <= len(rows)
        assert remark.sentence.endswith(".") and remark.advice.endswith(".")
        assert "nan" not in remark.sentence
        assert json.loads(json.dumps(remark.to_dict()))["kind"] == remark.kind


@FIXED
@given(st.lists(st.floats(0, 5), min_size=3, max_size=30), st.lists(st.floats(0, 5), min_size=30))
def test_what_is_told_has_plain_words(train: list[float], val: list[float]) -> None:
    for remark in diagnose(history(train, val[: len(train)], val[: len(train)]), TEN):
        assert remark.sentence[0].isupper() and remark.advice[0].isupper()
