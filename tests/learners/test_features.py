"""Features of a network: the same in memory, in a file, resumed, and through an artifact."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import sightline as sl
from sightline import tables
from sightline.data.split import Splits
from sightline.errors import ArtifactError, DataError
from sightline.learners import features
from sightline.models import surgery
from sightline.tables import Features
from sightline.talk import Silent
from terminal import sightline

Photos = Callable[..., Path]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small network on other pictures."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    to = tmp_path_factory.mktemp("network") / "run"
    settings: dict[str, Any] = {"train__epochs": 1, "model__width": 4}
    sl.train((X, list("ab") * 15), to=to, quiet=True, **settings)
    return to


def parts_of(path: Path) -> Splits:
    data = tables.Data(path=str(path))
    from sightline.prepare import open_data, split_data

    return split_data(open_data(data, Silent(), False), data)


def test_rows_are_what_the_network_gives_before_its_head(network: Path, photos: Photos) -> None:
    source = features.open_source(Features(model=str(network)), "cpu", Silent())
    part = parts_of(photos()).train
    rows = features.all_rows(source, part, lambda _: None)
    model = source.predictor.model
    head = model.get_submodule(f"body.{model.heads[0]}")  # type: ignore[index]
    inputs = source.predictor.inputs(part.images(range(len(part))))[0]
    with torch.inference_mode():
        assert torch.allclose(head(torch.from_numpy(rows)), model(inputs), atol=1e-5)


def test_a_larger_input_is_seen_whole(network: Path, photos: Photos) -> None:
    settings = Features(model=str(network), size=32)
    source = features.open_source(settings, "cpu", Silent())
    images = parts_of(photos()).train.images([0, 1])
    assert source.predictor.inputs(images)[0].shape == (2, 3, 32, 32)
    assert source.predictor.canvas.size == (32, 32)


@pytest.mark.parametrize("pool", ["mean", "max", "none"])
def test_maps_are_pooled_or_taken_whole(network: Path, pool: Any) -> None:
    settings = Features(model=str(network), layer="features.0", pool=pool)
    source = features.open_source(settings, "cpu", Silent())
    x = torch.rand(2, 3, 16, 16)
    maps = surgery.features(source.predictor.model, "features.0")(x).detach()  # type: ignore[arg-type]
    wanted = {"mean": maps.mean((2, 3)), "max": maps.amax((2, 3)), "none": maps.flatten(1)}[pool]
    assert np.allclose(source.extractor.rows(x), wanted.numpy(), atol=1e-6)


def test_a_mirrored_image_has_the_same_features_where_both_are_averaged(network: Path) -> None:
    settings = Features(model=str(network), mirror=True)
    source = features.open_source(settings, "cpu", Silent())
    x = torch.rand(2, 3, 16, 16)
    assert np.allclose(source.extractor.rows(x), source.extractor.rows(x.flip(3)), atol=1e-6)


def test_a_file_of_features_trains_as_they_do_in_memory(
    network: Path, photos: Photos, tmp_path: Path
) -> None:
    pictures, file = photos(), tmp_path / "f.h5"
    code, out, _ = sightline("features", pictures, "--model", network, "--to", file, "--json")
    assert code == 0
    assert json.loads(out)["images"] == {"train": 36}
    first = sl.train(str(file), to=tmp_path / "a", quiet=True, learner__name="knn")
    settings = {"learner__name": "knn", "features__model": str(network)}
    second = sl.train(str(pictures), to=tmp_path / "b", quiet=True, **settings)
    assert first.test == second.test
    images = [np.random.default_rng(1).integers(0, 256, (20, 20, 3), dtype=np.uint8)] * 2
    answers = [model.predict(images)[0].scores for model in (first, sl.load(tmp_path / "b"))]
    assert np.array_equal(answers[0], answers[1])
    _, out, _ = sightline("evaluate", tmp_path / "a", "--json")
    assert json.loads(out)["test"].items() >= first.test.items()


def test_features_are_split_anew_without_being_taken_again(
    network: Path, photos: Photos, tmp_path: Path
) -> None:
    pictures, file = photos(), tmp_path / "f.h5"
    sightline("features", pictures, "--model", network, "--to", file)
    settings: dict[str, Any] = {"learner__name": "knn", "data__seed": 3, "data__test": 0.5}
    first = sl.train(str(file), to=tmp_path / "a", quiet=True, **settings)
    assert first.test["images"] == 18
    _, out, _ = sightline("evaluate", tmp_path / "a", "--json")
    assert json.loads(out)["test"].items() >= first.test.items()


def test_features_serve_without_the_pictures_and_not_when_those_changed(
    network: Path, photos: Photos, tmp_path: Path
) -> None:
    pictures, file = photos(), tmp_path / "f.h5"
    sightline("features", pictures, "--model", network, "--to", file)
    next(pictures.rglob("*.png")).rename(pictures / "red" / "new.png")
    code, _, error = sightline("train", file, "--learner", "knn", "--to", tmp_path / "a")
    assert code == 2 and "changed since its features were taken" in error
    pictures.rename(tmp_path / "elsewhere")
    code, _, said = sightline("train", file, "--learner", "knn", "--to", tmp_path / "b")
    assert code == 0 and "going on with the features alone" in said
    assert (tmp_path / "b" / "report.html").is_file()


def test_what_was_begun_goes_on_and_ends_as_if_uninterrupted(
    network: Path, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "CHUNK", 4)
    source = features.open_source(Features(model=str(network)), "cpu", Silent())
    parts, done = parts_of(photos()), 0

    def stop(images: int) -> None:
        nonlocal done
        done += images
        if done > 10:
            raise KeyboardInterrupt

    whole, broken = tmp_path / "whole.h5", tmp_path / "broken.h5"
    about = {"kind": "features", "format": 1}
    assert features.write(whole, about, source, parts, lambda _: None) == (False, 32)
    with pytest.raises(KeyboardInterrupt):
        features.write(broken, about, source, parts, stop)
    assert not broken.exists()
    kept = sorted((tmp_path / ".broken.h5.rows").glob("*.npy"))
    before = [path.stat().st_mtime_ns for path in kept]
    assert len(kept) == 3
    again, _ = features.write(broken, about, source, parts, lambda n: _same(kept, before))
    assert again
    assert broken.read_bytes() == whole.read_bytes()
    assert not (tmp_path / ".broken.h5.rows").exists()


def _same(kept: list[Path], before: list[int]) -> None:
    assert [path.stat().st_mtime_ns for path in kept] == before


def test_chunks_of_other_features_are_not_taken_up(
    network: Path, photos: Photos, tmp_path: Path
) -> None:
    source = features.open_source(Features(model=str(network)), "cpu", Silent())
    parts, to = parts_of(photos()), tmp_path / "f.h5"
    folder = tmp_path / ".f.h5.rows"
    folder.mkdir()
    (folder / "about.json").write_text("{}")
    np.save(folder / "train-00000000.npy", np.zeros((24, 32), np.float32))
    again, _ = features.write(to, {"kind": "features"}, source, parts, lambda _: None)
    assert not again
    with h5py.File(to) as file:
        assert np.abs(file["train/features"][:]).max() > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "mobilenet_v9", "--to", "f.h5"), "did you mean mobilenet_v"),
        (("--model", "NETWORK", "--to", "f.npz"), "end it in .h5"),
        (("--model", "NETWORK", "--to", "f.h5", "--layer", "layer9"), "unknown layer"),
        (("--model", "NETWORK", "--to", "f.h5", "--pool", "sum"), "pool"),
        (("--model", "NETWORK", "--to", "f.h5", "--set", "train.epochs=2"), "data.* alone"),
    ],
)
def test_a_wrong_request_for_features_is_one_line(
    network: Path, photos: Photos, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    given = [str(network) if word == "NETWORK" else word for word in arguments]
    at = given.index("--to") + 1
    given[at] = str(tmp_path / given[at])
    code, _, error = sightline("features", photos(), *given)
    assert code == 2 and said in error and error.strip().count("\n") == 0
    assert list(tmp_path.glob("f.*")) == []


def test_a_damaged_file_of_features_is_one_line(
    network: Path, photos: Photos, tmp_path: Path
) -> None:
    file = tmp_path / "f.h5"
    sightline("features", photos(), "--model", network, "--to", file)
    content = file.read_bytes()
    for cut in (len(content) // 2, 600):
        (tmp_path / "cut.h5").write_bytes(content[:cut])
        code, _, error = sightline("train", tmp_path / "cut.h5", "--learner", "knn")
        assert code == 2 and error.strip().count("\n") == 0
    with h5py.File(tmp_path / "odd.h5", "w") as odd:
        odd["about"] = np.void(json.dumps({"kind": "features", "format": 1}).encode())
    with pytest.raises(DataError):
        features.read(tmp_path / "odd.h5")
    code, _, error = sightline("train", file, "--learner", "knn", "--set", "canvas.size=[8,8]")
    assert code == 2 and "canvas was decided" in error
    code, _, error = sightline("train", file, "--learner", "knn", "--set", "data.name=digits")
    assert code == 2 and "another set" in error


def test_features_of_a_learner_are_refused(tmp_path: Path) -> None:
    sl.train("digits", to=tmp_path / "run", quiet=True, learner__name="knn")
    with pytest.raises(ArtifactError, match="no single network"):
        features.open_source(Features(model=str(tmp_path / "run")), "cpu", Silent())


def test_a_hostile_header_around_features_is_one_line(
    network: Path, photos: Photos, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    settings = {"learner__name": "logistic", "learner__C": 1.0, "features__model": str(network)}
    model = sl.train(str(photos()), to=tmp_path / "run", quiet=True, **settings)
    tensors = load_file(tmp_path / "run" / "model.safetensors")
    for change in (
        {"outputs": 10**9},
        {"outputs": "two"},
        {"features": {"model": "x", "layer": "nowhere"}},
        {"features": {"model": "x", "pool": "none", "layer": "features.0"}},
        {"model": {"name": "vgg19"}},
        {"learner": {"name": "logistic", "C": "much"}},
    ):
        path = tmp_path / "bad.safetensors"
        save_file(tensors, path, {"sightline": json.dumps(model.header | change)})
        with pytest.raises(ArtifactError) as caught:
            sl.load(path)
        assert "\n" not in str(caught.value)
