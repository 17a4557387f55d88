"""Out-of-fold probabilities: who answers what, what is kept, and how a stopped search goes on."""

from pathlib import Path

import numpy as np
import pytest

from sightline import recipe
from sightline.data.dataset import ArrayDataset
from sightline.data.partition import Rows
from sightline.data.truths import Truths
from sightline.errors import Stopped
from sightline.study.out_of_fold import (
    Probabilities,
    epochs_for,
    key_of,
    learner,
    network,
    out_of_fold,
)
from sightline.talk import Silent, Tick

N, K = 23, 3


def numbered() -> ArrayDataset:
    """Images whose pixel is their row."""
    images = np.arange(N, dtype=np.uint8)[:, None, None, None]
    return ArrayDataset(images, Truths(label=np.arange(N) % K), ("a", "b", "c"), top=255)


class Answers:
    """Says of each image its row as probability; stops in the fold that `stop` names."""

    def __init__(self, stop: int = 0) -> None:
        self.stop, self.calls = stop, 0

    def __call__(self, rows: Rows, held: Rows, tick: Tick) -> Probabilities:
        self.calls += 1
        if self.calls == self.stop:
            raise KeyboardInterrupt
        assert sorted([*rows.tolist(), *held.tolist()]) == list(range(N))
        found = np.zeros((len(held), K), np.float32)
        found[:, 0] = held
        tick(1)
        return found


def test_every_image_is_answered_once_by_a_model_of_the_other_folds() -> None:
    found = out_of_fold(numbered(), Answers(), 4, 0, Silent())
    assert found[:, 0].tolist() == list(range(N))


def test_a_stopped_search_goes_on_with_the_folds_that_are_left(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="after 2 of 4 folds; give the same command to go on"):
        out_of_fold(numbered(), Answers(stop=3), 4, 0, Silent(), tmp_path)
    rest = Answers()
    found = out_of_fold(numbered(), rest, 4, 0, Silent(), tmp_path)
    assert rest.calls == 2
    assert np.array_equal(found, out_of_fold(numbered(), Answers(), 4, 0, Silent()))
    whole = Answers()
    out_of_fold(numbered(), whole, 4, 0, Silent(), tmp_path)
    assert whole.calls == 0


def test_what_is_kept_of_a_fold_and_damaged_is_computed_again(tmp_path: Path) -> None:
    out_of_fold(numbered(), Answers(), 4, 0, Silent(), tmp_path)
    paths = sorted(tmp_path.glob("*.npy"))
    paths[0].write_bytes(paths[0].read_bytes()[:40])
    paths[1].write_bytes(b"")
    np.save(paths[2], np.zeros((2, 2), np.float32))
    np.save(paths[3], np.full(np.load(paths[3]).shape, np.nan, np.float32))
    again = Answers()
    found = out_of_fold(numbered(), again, 4, 0, Silent(), tmp_path)
    assert again.calls == 4 and found[:, 0].tolist() == list(range(N))


def small(seed: int) -> recipe.Recipe:
    content = {
        "about": "", "task": "classification", "data": {"name": "digits"},
        "canvas": {"size": [8, 8], "channels": 1}, "view": {"top": 255, "test": "center"},
        "model": {"name": "resnet9", "width": 2},
        "train": {
            "epochs": 1, "batch": 8, "seed": seed, "threads": 1, "device": "cpu",
            "precision": "float32", "images": "memory",
            "optimizer": {"name": "adamw", "rate": 0.01},
        },
    }  # fmt: skip
    return recipe.from_dict(content, "here", recipe.Recipe)


def test_networks_answer_alike_for_one_seed_and_rows_sum_to_1() -> None:
    answer = network(small(0), numbered(), Silent())
    one, two = (out_of_fold(numbered(), answer, 2, 0, Silent()) for _ in range(2))
    assert np.array_equal(one, two) and np.allclose(one.sum(1), 1, atol=1e-5)
    answer = network(small(1), numbered(), Silent())
    assert not np.array_equal(one, out_of_fold(numbered(), answer, 2, 0, Silent()))


def test_the_key_changes_with_data_recipe_and_folds() -> None:
    other = numbered()
    other.truths.label[0] = 2  # type: ignore[index]
    keys = [
        key_of(numbered(), small(0), 2),
        key_of(other, small(0), 2),
        key_of(numbered(), small(1), 2),
        key_of(numbered(), small(0), 3),
    ]
    assert len(set(keys)) == 4 and keys[0] == key_of(numbered(), small(0), 2)


def test_large_sets_are_trained_on_for_one_epoch_and_small_ones_for_twenty() -> None:
    assert [epochs_for(n, 32) for n in (10**6, 48_000, 12_800, 100)] == [1, 1, 5, 20]


def test_a_learner_answers_by_pixels_of_the_other_folds() -> None:
    content = {
        "about": "", "task": "classification", "data": {"name": "digits"},
        "canvas": {"size": [1, 1], "channels": 1}, "view": {"top": 255},
        "learner": {"name": "knn", "values": "bytes", "k": 1},
    }  # fmt: skip
    chosen = recipe.from_dict(content, "here", recipe.LearnerRecipe)
    answer = learner(chosen, numbered(), None, Silent())
    rows, held = np.array([0, 4, 8, 20]), np.array([1, 9, 22])
    assert answer(rows, held, lambda _: None).argmax(1).tolist() == [0, 8 % K, 20 % K]
