"""The report: right numbers, safe words, and a page for every kind of run."""

import base64
import csv
import json
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import precision_recall_fscore_support, r2_score

from sightline import images, report
from sightline.data.dataset import ArrayDataset, Dataset, FileDataset
from sightline.data.truths import Truths
from sightline.errors import ArtifactError
from sightline.metrics.classification import wilson
from sightline.predictions import as_csv
from sightline.training import events
from sightline.types import Image

HEADER = ["index", "source", "truth", "guess", "confidence"]
RECIPE = """about = "tried"
task = "{task}"
[data]
path = "/photos"
[canvas]
size = [8, 8]
[model]
name = "resnet9"
[train]
epochs = {epochs}
seed = 7
device = "cpu"
threads = 2
optimizer = {{ name = "adamw", rate = 0.002 }}
"""


def make_run(
    folder: Path,
    rows: Sequence[Sequence[str]],
    header: Sequence[str] = HEADER,
    classes: Sequence[str] = ("cats", "dogs", "panda"),
    task: str = "classification",
    figures: dict[str, float] | None = None,
    epochs: int = 3,
    val: bool = True,
    **data: Any,
) -> Path:
    """A run folder as training leaves it."""
    folder.mkdir(parents=True)
    n, goal = len(rows), {"multilabel": "f1", "regression": "mae"}.get(task, "accuracy")
    (folder / "recipe.toml").write_text(RECIPE.format(task=task, epochs=epochs), "utf-8")
    counts = [] if task == "regression" else [n] * len(classes)
    parts = {"train": counts, "test": counts} | ({"val": counts} if val else {})
    start = {
        "event": "start",
        "time": "2026-11-20T11:00:00+00:00",
        "version": "0.1.0",
        "command": "sightline train ./photos",
        "machine": {"processor": "EPYC", "cores": 2, "torch": "2.13.0+cpu", "device": "cpu"},
        "data": {
            "name": "animals",
            "task": task,
            "classes": list(classes),
            "images": dict.fromkeys(parts, 100) | {"test": n},
            "counts": parts,
            "unreadable": [],
            "median_size": [96, 128],
            "top": 255,
            "grey": None,
            "fingerprint": "ab12",
        }
        | data,
        "plan": ["canvas 8x8, because it is a test"],
        "model": {"name": "resnet9", "parameters": 1234567},
    }
    lines: list[dict[str, Any]] = [start]
    for epoch in range(1, epochs + 1):
        entry = {"event": "epoch", "epoch": epoch, "train": {"loss": 1 / epoch}, "seconds": epoch}
        figure = 1 / (epochs - epoch + 2) if goal != "mae" else 1.5 / epoch
        lines.append(entry | ({"val": {goal: figure, "loss": 2 / epoch}} if val else {}))
    measured = {"accuracy": 0.5, "f1": 0.25, "mae": 2.5, "rmse": 3.5, "r2": 0.75, "images": n}
    figures = measured | (figures or {})
    lines.append(
        {"event": "test", "epoch": epochs, "chosen": val, "figures": figures, "seconds": 400.1}
    )
    (folder / "predictions.csv").write_text(as_csv([header, *rows]), "utf-8")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "events.jsonl").write_text(text, "utf-8")
    return folder


def untested(run: Path) -> Path:
    """The folder as it was before its test."""
    (run / "predictions.csv").unlink()
    lines = (run / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(lines[:-1]), "utf-8")
    return run


def classified(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Rows of predictions.csv; later ones are surer."""
    return [
        [str(i), f"photos:{i}", truth, guess, f"{0.5 + i / len(pairs) / 2:.6f}"]
        for i, (truth, guess) in enumerate(pairs)
    ]


def words(path: Path) -> str:
    """What a reader of the page reads, tags gone and spaces single."""
    body = path.read_text("utf-8").partition("<body>")[2]
    text = unescape(re.sub(r"<[^>]*>", " ", body)).replace("\u202f", " ").replace("\xa0", " ")
    return re.sub(r"\s+", " ", text)


def pictures(path: Path) -> list[Image]:
    found = re.findall(r'src="data:image/\w+;base64,([^"]*)"', path.read_text("utf-8"))
    return [images.decode(base64.b64decode(data), "report.html") for data in found]


def photos(n: int, size: tuple[int, int] = (30, 40)) -> ArrayDataset:
    pixels = np.random.default_rng(0).integers(0, 255, (n, *size, 3)).astype(np.uint8)
    truths = Truths(label=np.zeros(n, np.int64))
    return ArrayDataset(pixels, truths, ("cats", "dogs", "panda"), "photos")


PAIRS = (
    [("cats", "cats")] * 7 + [("dogs", "dogs")] * 5 + [("dogs", "cats")] * 2 + [("cats", "dogs")]
)


def test_the_headline_is_the_test_accuracy_with_its_interval(tmp_path: Path) -> None:
    text = words(report.write(make_run(tmp_path / "run", classified(PAIRS)), None))
    low, high = wilson(12, 15)
    assert "80.0 % test accuracy" in text
    interval = f"{100 * low:.1f} % to {100 * high:.1f} %"
    assert f"12 of 15 right. 95 % interval {interval}" in text
    assert "Measured on 15 test images that were never trained or chosen on" in text
    assert "Epoch 3 of 3, chosen on validation accuracy 50.0 %" in text
    assert "the commonest class would score 53.3 %" in text


def test_without_validation_the_page_says_that_nothing_was_chosen(tmp_path: Path) -> None:
    path = report.write(make_run(tmp_path / "run", classified(PAIRS), val=False), None)
    assert "Epoch 3 of 3: the last epoch; nothing was chosen." in words(path)
    assert "on validation" not in words(path)


def test_the_table_by_class_equals_scikit_learns(tmp_path: Path) -> None:
    names = ["cats", "dogs", "panda", "yak"]
    draw = np.random.default_rng(1)
    truth = draw.choice(names[:3], 200)  # yak is guessed and never true
    guess = np.where(draw.random(200) < 0.7, truth, draw.choice(names, 200))
    rows = classified(list(zip(truth.tolist(), guess.tolist(), strict=True)))
    page = report.write(make_run(tmp_path / "run", rows, classes=names), None)
    table = re.findall(
        r'<th scope="row" title="(\w+)">.*?<td>([\d.]+)</td><td>([\d.]+)</td><td>([\d.]+)</td>'
        r'<td class="bar">.*?<td>(\d+)</td>',
        page.read_text("utf-8"),
    )
    expected = precision_recall_fscore_support(truth, guess, labels=names, zero_division=0)
    assert [row[0] for row in table] == names
    for column in range(4):
        ours = [float(row[column + 1]) for row in table]
        np.testing.assert_allclose(ours, expected[column], atol=5e-4)
    macro = precision_recall_fscore_support(truth, guess, average="macro", zero_division=0)[:3]
    said = " ".join(f"{value:.3f}" for value in macro)
    assert f"macro average {said} 200" in words(page)
    assert f"average precision {macro[0]:.1%}".replace("%", " %") in words(page)
    assert "They are different things" in words(page)


def test_macro_averages_leave_out_classes_that_never_occur(tmp_path: Path) -> None:
    text = words(report.write(make_run(tmp_path / "run", classified([("cats", "cats")] * 4)), None))
    assert "macro average 1.000 1.000 1.000 4" in text


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7*7 }}"])
def test_names_paths_and_plans_are_shown_and_never_run(tmp_path: Path, hostile: str) -> None:
    rows = [["0", f"photos/{hostile}", "cats", hostile, "0.9"], ["1", "b", hostile, hostile, "1"]]
    facts: dict[str, Any] = {"name": hostile, "unreadable": [f"{hostile}/x.jpg: empty file"]}
    run = make_run(tmp_path / "run", rows, classes=["cats", hostile], **facts)
    page = report.write(run, None)
    content = page.read_text("utf-8")
    assert "<script" not in content and "<img" not in content
    assert words(page).count(hostile) >= 6
    assert not re.search(r"\son\w+=", content)


def test_the_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = report.write(make_run(tmp_path / "run", classified(PAIRS)), photos(15))
    content = page.read_text("utf-8")
    assert not re.search(r"https?:", content)
    assert "@import" not in content and "<link" not in content and "<script" not in content
    outside = re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', content)
    assert outside == [] and not re.search(r"url\((?!#)", content)
    for figure in ("curves", "confusion", "counts"):
        svg = (page.parent / "figures" / f"{figure}.svg").read_text("utf-8")
        rest = re.sub(
            r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>|<metadata>.*</metadata>', "", svg, flags=re.S
        )
        assert "http" not in rest


def test_the_surest_mistakes_are_shown_as_pictures(tmp_path: Path) -> None:
    rows = classified([("cats", "cats")] * 10 + [("cats", "dogs")] * 30)
    run = make_run(tmp_path / "run", rows)
    page = report.write(run, photos(40, (300, 400)))
    assert [picture.shape for picture in pictures(page)] == [(168, 224, 3)] * 24
    text = words(page)
    assert "The 24 of 30 mistakes that the model was surest of." in text
    assert text.index("photos:39") < text.index("photos:38") < text.index("photos:16")
    assert "photos:15 " not in text
    assert "truth cats guess dogs confidence 98.8 % photos:39" in text


def test_small_pictures_are_stretched_to_white_and_stay_crisp(tmp_path: Path) -> None:
    bunch = load_digits(n_class=3)
    pixels = bunch.images.astype(np.uint8)[:9, :, :, None]
    test = ArrayDataset(
        pixels, Truths(label=bunch.target[:9].astype(np.int64)), "012", "photos", top=16
    )
    run = make_run(tmp_path / "run", classified([("0", "1")] * 9), classes=list("012"))
    page = report.write(run, test)
    expected = np.rint(pixels[8, :, :, 0] * (255 / 16))
    np.testing.assert_array_equal(pictures(page)[0][:, :, 0], expected)
    assert 'class="crisp"' in page.read_text("utf-8")
    assert "All 9 mistakes, the surest first." in words(page)


def test_a_run_without_mistakes_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", classified([("cats", "cats"), ("dogs", "dogs")]))
    page = report.write(run, photos(2))
    assert "No mistakes: all 2 test images were named rightly." in words(page)
    assert "100.0 % test accuracy" in words(page)
    assert pictures(page) == []


def test_without_the_pictures_the_page_says_so_and_goes_on(tmp_path: Path) -> None:
    page = report.write(make_run(tmp_path / "run", classified(PAIRS)), None)
    assert "The pictures are not at hand." in words(page)
    assert "truth cats guess dogs" in words(page)


def test_a_picture_that_is_gone_is_named_and_the_others_shown(tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    test = FileDataset(
        tmp_path, ["a.png", "b.png"], Truths(label=np.zeros(2, np.int64)), ["x", "y"]
    )
    rows = [[str(i), test.source(i), "x", "y", "0.9"] for i in range(2)]
    page = report.write(make_run(tmp_path / "run", rows, classes=["x", "y"]), test)
    assert len(pictures(page)) == 1
    assert "cannot be shown truth x guess y confidence 90.0 %" in words(page)


def test_a_picture_of_another_image_is_never_shown(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", classified([("cats", "dogs")] * 3))
    test: Dataset = ArrayDataset(
        np.zeros((2, 9, 9, 1), np.uint8), Truths(label=np.zeros(2, np.int64)), ["cats"], "others"
    )
    assert pictures(report.write(run, test)) == []


def test_40_classes_of_long_names_fit_a_page(tmp_path: Path) -> None:
    names = [f"class number {i} of a very long list of names" for i in range(40)]
    rows = classified([(name, names[(i + i % 3) % 40]) for i, name in enumerate(names * 3)])
    page = report.write(make_run(tmp_path / "run", rows, classes=names), None)
    assert all(name in words(page) for name in names)
    assert "Empty cells are zero" not in words(page)
    assert (tmp_path / "run" / "figures" / "counts.svg").is_file()


def test_the_most_confused_pairs_are_listed(tmp_path: Path) -> None:
    text = words(report.write(make_run(tmp_path / "run", classified(PAIRS)), None))
    assert "dogs taken for cats 2 of 7 (28.6 %) cats taken for dogs 1 of 8 (12.5 %)" in text


def test_the_page_says_where_the_figures_come_from(tmp_path: Path) -> None:
    unreadable = ["photos/cats/x.jpg: empty file"]
    run = make_run(tmp_path / "a run", classified(PAIRS), unreadable=unreadable)
    text = words(report.write(run, None))
    for said in (
        "resnet9",
        "1,234,567",
        "6 min 40 s",
        "128 × 96 pixels",
        "pixel values 0 to 255",
        "1 file, left out",
        "photos/cats/x.jpg: empty file",
        "canvas 8x8, because it is a test",
        "7 (training)",
        "torch 2.13.0+cpu",
        "EPYC",
        "cpu, float32, 2 threads",
        f"sightline predict '{run}' photo.jpg",
        f"sightline resume '{run}' --set train.epochs=4",
        'name = "adamw"',
        "2026-11-20 11:00 UTC",
    ):
        assert said in text, said


def test_a_resumed_run_counts_each_epoch_once_and_the_last_test(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", classified(PAIRS))
    later = [
        {"event": "resume", "time": "2026-11-20T12:00:00+00:00", "epoch": 2, "batch": 0},
        {"event": "epoch", "epoch": 3, "train": {"loss": 9.0}, "val": {"accuracy": 0.75}},
        {"event": "test", "epoch": 3, "chosen": True, "figures": {"accuracy": 0.8, "images": 15.0},
         "seconds": 7200},
    ]  # fmt: skip
    with (run / "events.jsonl").open("a") as file:
        file.write('{"event":"epoch","ep\n')  # cut short by the crash, then resumed
        file.write("".join(json.dumps(event) + "\n" for event in later))
        file.write('{"event":"ep')
    assert [epoch["epoch"] for epoch in report.read(run).history] == [1, 2, 3]
    text = words(report.write(run, None))
    assert "chosen on validation accuracy 75.0 %" in text
    assert "2 h 0 min, 3 epochs" in text
    assert "resumed after epoch 2" in text


def test_one_epoch_and_nan_figures_make_a_page(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", classified(PAIRS), epochs=1, figures={"loss": float("nan")})
    text = words(report.write(run, None))
    assert "Epoch 1 of 1" in text and "loss –" in text


def test_many_labels_are_counted_where_they_are_known(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    names = ["smiling", "hat", "beard & more"]
    truth, guess = draw.integers(-1, 2, (60, 3)), draw.integers(0, 2, (60, 3))

    def said(mask: np.ndarray) -> str:
        return " | ".join(name for name, yes in zip(names, mask, strict=True) if yes)

    rows = [
        [str(i), f"photos:{i}", said(t == 1), said(g == 1), said(t == 0)]
        for i, (t, g) in enumerate(zip(truth, guess, strict=True))
    ]
    header = ["index", "source", "truth", "guess", "truth_no"]
    run = make_run(tmp_path / "run", rows, header, names, "multilabel")
    page = report.write(run, None)
    text = words(page)
    assert "25.0 % test F1, mean over labels" in text
    assert "50.0 % accuracy of known labels" in text
    assert "chosen on validation F1 50.0 %" in text
    for column, name in enumerate(names):
        known = truth[:, column] >= 0
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth[known, column], guess[known, column], average="binary"
        )
        support = int((truth[:, column] == 1).sum())
        assert f"{name} {precision:.3f} {recall:.3f} {f1:.3f} {support}" in text
    assert f"{(truth >= 0).sum()} known labels" in text
    assert not (page.parent / "figures" / "confusion.svg").exists()
    assert "Mistakes" not in text


def test_regression_shows_the_error_of_each_value_and_the_worst(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    truth = draw.random((50, 2)) * [80, 2]
    guess = truth + draw.normal(0, 1, (50, 2)) * [5, 0.1]
    guess[31] += [70, 2]
    header = ["index", "source", "truth:age", "truth:<b>", "guess:age", "guess:<b>"]
    rows = [
        [str(i), f"photos:{i}", *(repr(float(v)) for v in (*t, *g))]
        for i, (t, g) in enumerate(zip(truth, guess, strict=True))
    ]
    run = make_run(tmp_path / "run", rows, header, ["age", "<b>"], "regression")
    page = report.write(run, photos(50))
    text = words(page)
    assert "2.5 mean absolute error of 2 values" in text
    for column, name in enumerate(("age", "<b>")):
        off = guess[:, column] - truth[:, column]
        mean = np.abs(truth[:, column] - truth[:, column].mean()).mean()
        figures = (np.abs(off).mean(), mean, np.sqrt((off**2).mean()))
        said = " ".join(f"{value:.4g}" for value in figures)
        assert f"{name} {said} {r2_score(truth[:, column], guess[:, column]):.4g}" in text
    assert re.findall(r"photos:\d+", text.partition("Worst errors")[2])[0] == "photos:31"
    assert len(pictures(page)) == 24
    assert (page.parent / "figures" / "scatter-2.svg").is_file()
    assert "&lt;b&gt;" in page.read_text("utf-8")


def test_a_regression_of_one_value_is_called_by_its_name(tmp_path: Path) -> None:
    rows = [["0", "photos:0", "10", "12.5"], ["1", "photos:1", "20", "20"]]
    header = ["index", "source", "truth:age", "guess:age"]
    run = make_run(tmp_path / "run", rows, header, ["age"], "regression", val=False)
    text = words(report.write(run, None))
    assert "2.5 mean absolute error of age" in text
    assert "truth 10 guess 12.5 off by 2.5 photos:0" in text


@pytest.mark.parametrize("missing", ["recipe.toml", "events.jsonl"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, missing: str) -> None:
    run = make_run(tmp_path / "run", classified(PAIRS))
    (run / missing).unlink()
    with pytest.raises(ArtifactError, match=f"no run \\(no {missing} in it\\)$"):
        report.write(run, None)


def test_a_run_without_a_test_says_how_to_finish_it(tmp_path: Path) -> None:
    run = untested(make_run(tmp_path / "run", classified(PAIRS)))
    with pytest.raises(ArtifactError, match=rf"finish it with: sightline resume {run}$"):
        report.write(run, None)
    assert not (run / "report.html").exists()


def test_a_run_whose_recipe_has_no_test_part_is_refused(tmp_path: Path) -> None:
    run = untested(make_run(tmp_path / "run", classified(PAIRS)))
    event = {"event": "test", "epoch": 3, "chosen": True, "figures": {}, "seconds": 1.0}
    with (run / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    with pytest.raises(ArtifactError, match="has no test part"):
        report.write(run, None)


def test_predictions_of_another_test_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", classified(PAIRS))
    with (run / "predictions.csv").open("a", newline="") as file:
        csv.writer(file).writerow(["15", "photos:15", "cats", "cats", "1"])
    with pytest.raises(ArtifactError, match="different tests"):
        report.write(run, None)
    strange = make_run(tmp_path / "other", classified([("cats", "unicorn")]))
    with pytest.raises(ArtifactError, match="'unicorn' is none of the run's classes"):
        report.write(strange, None)


def test_the_gain_of_a_measured_precision_is_told(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", classified(PAIRS))
    events.append(folder, {"event": "start", "precision": {"chosen": "bfloat16", "gain": 1.712}})
    assert "bfloat16 is 1.71 times as fast here" in words(report.write(folder, None))
