"""Learners built by name and given back what they learned."""

from typing import Any

import numpy as np
import pytest

from sightline.errors import ArtifactError, RecipeError, UnknownName
from sightline.learners import build
from sightline.scratch import LEARNERS

SHAPE = (1, 4, 4)


def rows() -> tuple[np.ndarray, np.ndarray]:
    """Dark and bright squares."""
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 20)
    return (rng.random((40, 16)) * 0.3 + 0.6 * y[:, None]).astype(np.float32), y


def fitted(name: str) -> Any:
    X, y = rows()
    learner = build.build(name, QUICK.get(name, {}), SHAPE)
    build.fit(learner, X, y)
    return learner


QUICK: dict[str, dict[str, Any]] = {
    "convnet": {"filters": [2], "hidden": 4, "epochs": 3},
    "neural-network": {"hidden": [3], "epochs": 30},
    "layered-network": {"hidden": [4], "epochs": 5, "batch_norm": True},
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_restored_learner_gives_the_same_shares(name: str) -> None:
    X, _ = rows()
    learner = fitted(name)
    again = build.build(name, QUICK.get(name, {}), SHAPE)
    build.restore(again, learner.state(), 16, 2)
    shares = build.scores(learner, X, 2)
    assert shares.dtype == np.float32 and shares.shape == (40, 2)
    np.testing.assert_allclose(shares.sum(1), 1, atol=2e-6)
    assert (shares.argmax(1) == learner.predict(X)).all()
    assert np.array_equal(build.scores(again, X, 2), shares)


def test_an_equal_vote_goes_to_the_neighbor_met_first() -> None:
    learner = build.build("knn", {"k": 2}, (1, 1, 1))
    build.fit(learner, np.array([[0.0], [1.0]]), np.array([1, 0]))
    assert build.scores(learner, np.array([[0.1]]), 2).argmax() == 1
    assert build.scores(learner, np.array([[0.9]]), 2).argmax() == 0


def test_what_a_learner_does_not_have_is_said_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean knn"):
        build.build("kn", {}, SHAPE)
    with pytest.raises(UnknownName, match="did you mean metric"):
        build.build("knn", {"metrics": "l1"}, SHAPE)
    with pytest.raises(UnknownName, match="shape"):
        build.build("convnet", {"shape": [1, 2, 2]}, SHAPE)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("knn", {"k": "three"}),
        ("knn", {"k": 1.5}),
        ("neural-network", {"hidden": "2,2"}),
        ("layered-network", {"hidden": [2.5]}),
    ],
)
def test_a_setting_of_another_type_is_one_line(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"^learner\.\w+ = ") as caught:
        build.build(name, settings, SHAPE)
    assert "\n" not in str(caught.value)


def test_data_that_a_learner_cannot_take_are_refused_in_its_words() -> None:
    X, y = rows()
    with pytest.raises(RecipeError, match="two classes"):
        build.fit(build.build("perceptron", {}, SHAPE), X, y + 1)
    with pytest.raises(RecipeError, match="k: expected 1 to 40"):
        build.fit(build.build("knn", {"k": 41}, SHAPE), X, y)


def bad(state: build.State) -> dict[str, build.State]:
    """States that no learner of ours would have saved."""
    key = sorted(state)[0]
    few = {k: v for k, v in state.items() if k != key}
    no_numbers = {k: v * np.nan if v.dtype.kind == "f" else v[:0] for k, v in state.items()}
    return {
        "nothing": {},
        "one less": few,
        "another name": few | {"x": state[key]},
        "no numbers": no_numbers,
        "empty": {k: v.reshape(-1)[:0] for k, v in state.items()},
        "words": state | {key: np.array(["a"])},
        "deeper": {k: v[None] for k, v in state.items()},
    }


@pytest.mark.parametrize("name", LEARNERS)
def test_a_state_that_does_not_fit_is_one_line(name: str) -> None:
    for what, state in bad(fitted(name).state()).items():
        learner = build.build(name, QUICK.get(name, {}), SHAPE)
        with pytest.raises(ArtifactError) as caught:
            build.restore(learner, state, 16, 2)
        assert "\n" not in str(caught.value), what


def test_labels_beyond_the_classes_are_refused_before_they_cost_memory() -> None:
    state = fitted("knn").state()
    state["y"] = state["y"] + 2**40
    with pytest.raises(ArtifactError, match="labels beyond"):
        build.restore(build.build("knn", {}, SHAPE), state, 16, 2)


def test_settings_of_another_size_than_the_arrays_cost_no_memory() -> None:
    for name, hidden in (("convnet", 2**40), ("layered-network", [2**40])):
        learner = build.build(name, QUICK[name] | {"hidden": hidden}, SHAPE)
        state = fitted(name).state()
        if name == "convnet":
            with pytest.raises(ArtifactError, match="not those of such a learner"):
                build.restore(learner, state, 16, 2)
        else:  # whose sizes are those of its arrays
            build.restore(learner, state, 16, 2)
