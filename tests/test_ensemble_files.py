"""Ensembles as model files: answers of NumPy's own mean and vote, and nothing hostile."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sightline import models, tasks
from sightline.artifact import KEY, Artifact, header_for, open_artifact
from sightline.data.canvas import Canvas
from sightline.data.views import View
from sightline.errors import ArtifactError, UnknownName
from sightline.predictor import EnsemblePredictor, TorchPredictor, look_through
from sightline.study.explaining.subject import subject

MLP = {"first": 6, "second": 6}
NAMES = ("a", "b", "c")
IMAGES = np.random.default_rng(0).integers(0, 256, (7, 10, 12, 3), dtype=np.uint8)
Change = Callable[[dict[str, Any]], None]


def member(
    seed: int,
    classes: tuple[str, ...] = NAMES,
    side: int = 8,
    task: str = "classification",
    **settings: Any,
) -> Artifact:
    torch.manual_seed(seed)
    built = tasks.build(task, classes, settings)
    canvas, view = Canvas((side, side)), View((8, 8))
    model = models.build("mlp", len(classes), 3, (8, 8), MLP)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3)  # answers that differ
    predictor = TorchPredictor(model, built, canvas, view, torch.device("cpu"))
    kind = {"name": "mlp", **MLP}
    return Artifact(header_for(built, task, canvas, view, model=kind), predictor)


ANY = member(0)


def together(members: list[Artifact], weights: list[float] | None = None, by: Any = "mean") -> Any:
    first = members[0]
    shares = weights or [1 / len(members)] * len(members)
    task = tasks.build(first.task, first.classes, {})
    predictor = EnsemblePredictor([m.predictor for m in members], task, shares, by)
    told = {"by": by, "weights": shares, "members": [m.header for m in members]}
    canvas, view = predictor.canvas, predictor.view
    return Artifact(header_for(task, first.task, canvas, view, ensemble=told), predictor)


def scores(artifact: Artifact, classes: tuple[str, ...] = NAMES) -> np.ndarray:
    """(n, classes), in the order of `classes`."""
    order = [artifact.classes.index(name) for name in classes]
    return np.stack([a.scores for a in artifact.predict(IMAGES)])[:, order]  # type: ignore[misc]


def different() -> list[Artifact]:
    """Members of other canvases, orders of classes and temperatures."""
    return [
        member(0),
        member(1, ("c", "a", "b"), side=11),
        member(2, ("b", "a", "c"), temperature=2.5),
    ]


def test_a_saved_ensemble_answers_by_the_mean_of_its_members(tmp_path: Path) -> None:
    weights = [0.5, 0.3, 0.2]
    members = different()
    together(members, weights).save(tmp_path / "e.safetensors")
    expected = sum(w * scores(m) for w, m in zip(weights, members, strict=True))
    found = open_artifact(tmp_path / "e.safetensors")
    assert scores(found) == pytest.approx(expected, abs=1e-6)
    assert [a.label for a in found.predict(IMAGES)] == expected.argmax(1).tolist()


def test_votes_are_those_counted_by_hand_and_the_mean_decides_between_equals() -> None:
    members = [member(seed) for seed in range(4)]
    each = np.stack([scores(m) for m in members])
    answers, ties = together(members, by="vote").predict(IMAGES), 0
    for i, answer in enumerate(answers):
        counts = Counter(each[:, i].argmax(1).tolist())
        most = [label for label, n in counts.items() if n == max(counts.values())]
        ties += len(most) > 1
        assert answer.label == max(most, key=lambda label: each[:, i, label].mean())
        votes = np.array([counts[label] / 4 for label in range(3)])
        assert answer.scores == pytest.approx(votes, abs=0.0011)
        assert answer.scores.sum() == pytest.approx(1)
    assert ties > 0


def test_votes_weigh() -> None:
    members = [member(seed) for seed in range(3)]
    alone = together(members, [0.6, 0.3, 0.1], by="vote").predict(IMAGES)
    assert [a.label for a in alone] == scores(members[0]).argmax(1).tolist()


def test_many_labels_are_averaged_and_voted_on_one_by_one() -> None:
    members = [member(seed, task="multilabel") for seed in range(4)]
    each = np.stack([scores(m) for m in members])
    for answer, mean in zip(together(members).predict(IMAGES), each.mean(0), strict=True):
        assert answer.scores == pytest.approx(mean, abs=1e-6)
        assert answer.labels.tolist() == (mean >= 0.5).astype(int).tolist()
    votes = (each >= 0.5).sum(0)
    yes = (votes > 2) | ((votes == 2) & (each.mean(0) >= 0.5))
    found = np.stack([a.labels for a in together(members, by="vote").predict(IMAGES)])
    assert (votes == 2).any()
    assert np.array_equal(found, yes.astype(int))


def test_values_are_averaged_in_their_own_units() -> None:
    units = {"mean": [1.0, 50.0], "deviation": [2.0, 10.0]}
    members = [member(0, ("x", "y"), task="regression", **units)]
    members.append(member(1, ("y", "x"), task="regression"))
    first, second = ([a.values for a in m.predict(IMAGES)] for m in members)
    expected = (np.stack(first) + np.stack(second)[:, ::-1]) / 2
    found = np.stack([a.values for a in together(members).predict(IMAGES)])
    assert found == pytest.approx(expected, rel=1e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 6), sharp=st.floats(0.05, 5))
def test_the_mean_loses_at_most_what_its_members_lose_on_average(
    seed: int, count: int, sharp: float
) -> None:
    rng = np.random.default_rng(seed)
    tables = [rng.dirichlet([sharp] * 3, 20).astype(np.float32) for _ in range(count)]
    weights = rng.dirichlet([1.0] * count)
    truth = rng.integers(0, 3, 20)
    task = tasks.build("classification", NAMES, {})
    ensemble = EnsemblePredictor([ANY.predictor] * count, task, weights.tolist())

    def cross_entropy(table: np.ndarray) -> float:
        return float(-np.log(table[np.arange(20), truth].astype(np.float64) + 1e-12).mean())

    of_mean = cross_entropy(ensemble.combined(tables).tensors["scores"].numpy())
    of_members = sum(w * cross_entropy(t) for w, t in zip(weights, tables, strict=True))
    assert of_mean <= of_members + 1e-5


def test_views_reach_every_member() -> None:
    members = [member(0, side=12), member(1, side=10)]
    ensemble = together(members)
    look_through(ensemble.predictor, "ten-crop")
    assert all(m.predictor.view.test == "ten-crop" for m in members)
    assert scores(ensemble) == pytest.approx((scores(members[0]) + scores(members[1])) / 2)
    with pytest.raises(UnknownName, match="did you mean ten-crop"):
        look_through(ensemble.predictor, "ten-crops")


def test_inputs_are_answered_where_all_members_see_the_same() -> None:
    alike = [member(0), member(1, ("c", "a", "b"), temperature=2.0)]
    of = subject(together(alike), IMAGES[0])
    expected = (scores(alike[0]) + scores(alike[1]))[0] / 2
    assert of.scores(of.inputs).numpy() == pytest.approx(expected.max(), abs=1e-6)
    of = subject(together(different()), IMAGES[0])
    with pytest.raises(ArtifactError, match="different canvases"):
        of.scores(of.inputs)


def altered(path: Path, change: Change, extra: bool = False) -> Path:
    """A file of two members with its header changed."""
    model = together([member(0), member(1)])
    header = json.loads(json.dumps(model.header))
    change(header)
    more = {"member.2.x": torch.zeros(1)} if extra else {}
    save_file(model.predictor.tensors() | more, path, {KEY: json.dumps(header)})
    return path


def nested(header: dict[str, Any]) -> None:
    header["ensemble"]["members"][0] = json.loads(json.dumps(header))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (nested, "member 1 is an ensemble itself"),
        (lambda h: h["ensemble"].update(members=[]), "damaged"),
        (lambda h: h["ensemble"].update(members="ab"), "damaged"),
        (lambda h: h["ensemble"].update(members=h["ensemble"]["members"] * 1000), "damaged"),
        (lambda h: h["ensemble"]["members"].pop(), "one each"),
        (lambda h: h["ensemble"].update(weights=[0.5, 0.6]), "of sum 1"),
        (lambda h: h["ensemble"].update(weights=[1.5, -0.5]), "damaged"),
        (lambda h: h["ensemble"].update(weights=[float("nan"), 1.0]), "damaged"),
        (lambda h: h["ensemble"].update(by="evil"), "damaged"),
        (lambda h: h.update(ensemble=None), "damaged"),
        (lambda h: h.update(classes=["a", "b", "d"]), "knows other classes"),
        (lambda h: h.update(classes=["a", "b", 3]), "damaged"),
        (lambda h: h["ensemble"]["members"][1].update(classes=None), "damaged"),
        (lambda h: h["ensemble"]["members"][1]["task"].update(name="multilabel"), "another task"),
        (lambda h: h["ensemble"]["members"][1]["view"].update(top=16), "different ranges"),
        (lambda h: h["ensemble"]["members"][1]["model"].update(first=60_000), "not those"),
        (lambda h: h["ensemble"]["members"][1]["canvas"].update(size=[0, 10**6]), "canvas|damag"),
        (lambda h: h["ensemble"]["members"][1].pop("model"), "damaged"),
        (lambda h: h["task"]["settings"].update(evil=1), "evil"),
    ],
)  # fmt: skip
def test_a_hostile_header_of_an_ensemble_is_one_line(
    change: Change, said: str, tmp_path: Path
) -> None:
    path = altered(tmp_path / "m.safetensors", change)
    with pytest.raises(ArtifactError, match=said) as caught:
        open_artifact(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_arrays_of_no_member_are_refused(tmp_path: Path) -> None:
    path = altered(tmp_path / "m.safetensors", lambda _: None, extra=True)
    with pytest.raises(ArtifactError, match=r"arrays of no member \(first: member\.2\.x\)"):
        open_artifact(path)
