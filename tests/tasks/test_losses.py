"""What each task adds up to a loss, against torch's losses and sums written out."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.data.loader import Batch
from sightline.errors import RecipeError, UnknownName
from sightline.tasks import Ratio, Raw, Task, build
from sightline.tasks.classification import Classification
from sightline.tasks.multilabel import Multilabel
from sightline.tasks.regression import Regression
from sightline.tasks.task import is_better

NAMES = ("a", "b", "c")


class Fixed(nn.Module):
    """A model whose outputs are its weights, whatever it is shown."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = nn.Parameter(outputs.clone())

    def forward(self, _: Tensor) -> Tensor:
        return self.outputs


def outputs(n: int = 6, k: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


def loss_of(task: Task, out: Tensor, **columns: Any) -> tuple[Tensor, Tensor]:
    """The loss, divided by its count, and its gradient by the outputs."""
    model = Fixed(out)
    batch = Batch(inputs=torch.zeros(len(out), 3, 2, 2), indices=np.arange(len(out)), **columns)
    ((part, losses),) = list(task.losses(model, batch))
    assert part == "model"
    found = losses["loss"]
    assert all(
        not v.requires_grad for n, v in losses.items() if n != "loss" and isinstance(v, Tensor)
    )
    loss = found.total / found.count.clamp_min(1e-9) if isinstance(found, Ratio) else found
    loss.backward()
    assert model.outputs.grad is not None
    return loss.detach(), model.outputs.grad


LABELS = torch.tensor([0, 2, 1, 1, 0, 2])


@pytest.mark.parametrize(("smoothing", "weights"), [(0.0, None), (0.1, None), (0, [1, 0.5, 3])])
def test_classification_is_torchs_cross_entropy(smoothing: float, weights: list | None) -> None:
    loss, _ = loss_of(Classification(NAMES, smoothing, weights), outputs(), labels=LABELS)
    weight = None if weights is None else torch.tensor(weights)
    expected = nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)(outputs(), LABELS)
    assert torch.allclose(loss, expected)


def test_class_weights_weigh_images_whole_also_where_labels_are_smoothed() -> None:
    """torch weighs the smoothing by every class's weight: a rare class pulls all others to it."""
    weights = [1.0, 0.5, 30.0]
    loss, _ = loss_of(Classification(NAMES, 0.1, weights), outputs(), labels=LABELS)
    each = nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none")(outputs(), LABELS)
    of_image = torch.tensor(weights)[LABELS]
    assert torch.allclose(loss, (each * of_image).sum() / of_image.sum())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_classification_is_the_sum_written_out(smoothing: float) -> None:
    loss, _ = loss_of(Classification(NAMES, smoothing), outputs(), labels=LABELS)
    probabilities = outputs().double().softmax(1).log().numpy()
    wanted = np.full((6, 3), smoothing / 3)
    wanted[np.arange(6), LABELS] += 1 - smoothing
    assert loss.item() == pytest.approx(-(wanted * probabilities).sum(1).mean(), rel=1e-6)


def test_soft_labels_are_learned_as_they_are_mixed() -> None:
    soft = torch.tensor([[0.7, 0.3, 0.0]]).repeat(6, 1)
    loss, _ = loss_of(Classification(NAMES), outputs(), labels=soft)
    assert loss == pytest.approx(-(soft * outputs().log_softmax(1)).sum(1).mean())
    hard, _ = loss_of(Classification(NAMES), outputs(), labels=LABELS)
    same, _ = loss_of(
        Classification(NAMES), outputs(), labels=nn.functional.one_hot(LABELS).float()
    )
    assert torch.allclose(hard, same)


def test_half_precision_outputs_are_measured_in_full() -> None:
    loss, _ = loss_of(Classification(NAMES), outputs().bfloat16(), labels=LABELS)
    assert loss.dtype == torch.float32


def many(truth: list[list[int]]) -> dict[str, Tensor]:
    """1 yes, 0 no, -1 unknown, as a batch holds them."""
    answers = torch.tensor(truth)
    return {"many": (answers == 1).float(), "known": answers >= 0}


def test_many_labels_are_a_mean_over_the_known_ones() -> None:
    truth = [[1, 0, -1], [-1, -1, 1]]
    loss, gradient = loss_of(Multilabel(NAMES), outputs(2), **many(truth))
    logits = outputs(2).double().numpy()
    each = np.logaddexp(0, -logits) * (np.array(truth) == 1)
    each += np.logaddexp(0, logits) * (np.array(truth) == 0)
    assert loss.item() == pytest.approx(each.sum() / 3, rel=1e-6)
    assert ((gradient != 0).numpy() == (np.array(truth) >= 0)).all()


def test_known_throughout_many_labels_are_torchs_loss() -> None:
    truth = [[1, 0, 1], [0, 0, 1]]
    loss, _ = loss_of(Multilabel(NAMES), outputs(2), **many(truth))
    expected = nn.BCEWithLogitsLoss()(outputs(2), torch.tensor(truth).float())
    assert torch.allclose(loss, expected)


def test_a_batch_of_which_nothing_is_known_teaches_nothing() -> None:
    loss, gradient = loss_of(Multilabel(NAMES), outputs(2), **many([[-1] * 3] * 2))
    assert loss == 0
    assert torch.equal(gradient, torch.zeros(2, 3))


def test_a_certain_answer_does_not_overflow() -> None:
    out = torch.tensor([[500.0, -500.0, 500.0]])
    loss, gradient = loss_of(Multilabel(NAMES), out, **many([[1, 0, 0]]))
    assert loss.item() == pytest.approx(500 / 3)
    assert torch.isfinite(gradient).all()


def test_numbers_are_a_squared_error_of_standardized_values() -> None:
    mean, deviation = [10.0, -2.0, 0.0], [4.0, 0.5, 1.0]
    values = torch.tensor([[14.0, -2.0, 1.0], [6.0, -1.0, 3.0]])
    loss, _ = loss_of(Regression(NAMES, mean, deviation), outputs(2), values=values)
    wanted = np.array([[1.0, 0.0, 1.0], [-1.0, 2.0, 3.0]])
    assert loss.item() == pytest.approx(((outputs(2).numpy() - wanted) ** 2).mean(), rel=1e-6)
    plain, _ = loss_of(Regression(NAMES), outputs(2), values=values)
    assert torch.allclose(plain, nn.MSELoss()(outputs(2), values))


def test_a_value_that_never_changes_does_not_drown_the_others() -> None:
    """Its mean over a thousand float32 is off by a few 1e-5: a loss of 1 at most, not of 1e3."""
    values = np.full((1000, 2), 123.4, np.float32)
    values[:, 1] = np.random.default_rng(0).normal(0, 1, 1000)
    task = Regression(("fixed", "free"), values.mean(0).tolist(), values.std(0).tolist())
    loss, _ = loss_of(task, torch.zeros(1000, 2), values=torch.from_numpy(values))
    assert loss.item() < 1.05


def test_answers_are_in_the_datas_own_units() -> None:
    task = Regression(("age", "height"), [30.0, 1.7], [10.0, 0.1])
    with torch.inference_mode():
        raw = task.forward(Fixed(torch.tensor([[1.0, -2.0]])), torch.zeros(1, 3, 2, 2))
    (answer,) = task.decode(raw)
    assert answer.values is not None
    assert answer.values.tolist() == pytest.approx([40.0, 1.5])


def test_answers_are_probabilities_and_the_most_likely_label() -> None:
    for task, activation in (
        (Classification(NAMES), lambda x: x.softmax(1)),
        (Multilabel(NAMES), torch.sigmoid),
    ):
        with torch.inference_mode():
            decoded = task.decode(task.forward(Fixed(outputs()), torch.zeros(6, 3, 2, 2)))
        scores = activation(outputs()).numpy()
        assert len(decoded) == 6
        for answer, expected in zip(decoded, scores, strict=True):
            assert answer.scores is not None
            assert np.allclose(answer.scores, expected, atol=1e-6)
            if answer.labels is None:
                assert answer.label == expected.argmax()
            else:
                assert answer.labels.dtype == np.int8
                assert np.array_equal(answer.labels == 1, expected >= 0.5)


def test_views_are_averaged_before_anything_is_decided() -> None:
    one, two = (
        Raw({"scores": torch.tensor([[0.6, 0.4]])}),
        Raw({"scores": torch.tensor([[0.1, 0.9]])}),
    )
    merged = Raw.merge([one, two])
    assert torch.allclose(merged.tensors["scores"], torch.tensor([[0.35, 0.65]]))
    assert Raw.merge([one]) is one


@pytest.mark.parametrize("name", ["classification", "multilabel", "regression"])
def test_a_task_is_built_again_from_its_settings(name: str) -> None:
    settings: dict[str, dict] = {
        "classification": {"smoothing": 0.1, "weights": (1, 2, 0.5)},
        "regression": {"mean": (1, 2, 3), "deviation": [0.5, 1.0, 2.0]},
    }
    task = build(name, list(NAMES), settings.get(name, {}))
    again = build(name, NAMES, task.settings())
    assert task.classes == again.classes == NAMES
    assert task.outputs == 3
    assert again.settings() == task.settings()
    columns = {
        "classification": {"labels": LABELS[:2]},
        "multilabel": many([[1, 0, -1], [0, 1, 1]]),
        "regression": {"values": outputs(2, seed=1)},
    }[name]
    assert torch.equal(
        loss_of(task, outputs(2), **columns)[0], loss_of(again, outputs(2), **columns)[0]
    )


def test_a_task_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown task 'classify'; did you mean classification?"):
        build("classify", NAMES, {})
    with pytest.raises(RecipeError, match="task multilabel: .*smoothing"):
        build("multilabel", NAMES, {"smoothing": 0.1})


@pytest.mark.parametrize(
    ("goal", "figures", "than", "better"),
    [
        ("+accuracy", {"accuracy": 0.1, "loss": 9}, None, True),
        ("+accuracy", {"accuracy": 0.9, "loss": 9}, {"accuracy": 0.8, "loss": 1}, True),
        ("+accuracy", {"accuracy": 0.8, "loss": 1}, {"accuracy": 0.9, "loss": 9}, False),
        ("+accuracy", {"accuracy": 0.9, "loss": 1}, {"accuracy": 0.9, "loss": 2}, True),
        ("+accuracy", {"accuracy": 0.9, "loss": 2}, {"accuracy": 0.9, "loss": 2}, False),
        ("-mae", {"mae": 1.0, "loss": 5}, {"mae": 2.0, "loss": 1}, True),
        ("-mae", {"mae": 2.0, "loss": 1}, {"mae": 1.0, "loss": 5}, False),
        ("-mae", {"mae": 1.0, "loss": 1}, {"mae": 1.0, "loss": 5}, True),
        ("+f1", {"f1": 0.5}, {"f1": 0.4}, True),
        ("-mae", {"mae": float("nan")}, {"mae": 1.0}, False),
        ("-mae", {"mae": 1.0}, {"mae": float("nan")}, True),  # else the first epoch would stay
        ("+f1", {"f1": 0.5, "loss": 9}, {"f1": 0.5, "loss": float("nan")}, True),
    ],
    ids=str,
)
def test_better_is_by_the_goal_and_at_a_tie_by_the_loss(
    goal: str, figures: dict, than: dict | None, better: bool
) -> None:
    assert is_better(goal, figures, than) is better
