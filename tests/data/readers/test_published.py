"""Sets laid out in a way of their own: the same classes from each layout, mistakes by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sightline.data.check import examine
from sightline.data.readers import published
from sightline.data.split import Splits, cut
from sightline.errors import DataError


def pictures(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(root / name)
    return root


def labelled(splits: Splits) -> dict[str, str]:
    """The class of each picture by its file name; each name must be of one picture."""
    train = splits.train
    assert train.truths.label is not None
    names = [Path(train.source(i)).name for i in range(len(train))]
    assert len(set(names)) == len(names)
    classes = [train.classes[label] for label in train.truths.label]
    return dict(zip(names, classes, strict=True))


def test_both_layouts_of_dogs_vs_cats_have_the_same_classes(tmp_path: Path) -> None:
    kaggle = pictures(tmp_path / "a", "train/dog.0.jpg", "train/cat.12.jpg", "test/1.jpg")
    microsoft = pictures(tmp_path / "b", "PetImages/Dog/0.jpg", "PetImages/Cat/12.jpg")
    (microsoft / "PetImages" / "Cat" / "Thumbs.db").write_bytes(b"litter")
    (microsoft / "readme[1].txt").write_text("")
    assert labelled(published.dogs_vs_cats(kaggle)) == {"cat.12.jpg": "cat", "dog.0.jpg": "dog"}
    assert labelled(published.dogs_vs_cats(microsoft)) == {"12.jpg": "cat", "0.jpg": "dog"}
    assert published.dogs_vs_cats(microsoft).train.classes == ("cat", "dog")


def test_a_broken_file_of_microsofts_archive_is_read_for_the_check_to_name(tmp_path: Path) -> None:
    pictures(tmp_path, "PetImages/Dog/0.jpg", "PetImages/Cat/0.jpg")
    broken = tmp_path / "PetImages" / "Cat" / "666.jpg"
    broken.write_bytes(b"")
    findings = examine(published.dogs_vs_cats(tmp_path).train)
    assert [reason for _, reason in findings.unreadable] == [f"{broken}: empty file"]


@pytest.mark.parametrize("inner", ["101_ObjectCategories", "caltech-101/101_ObjectCategories"])
def test_the_clutter_of_caltech101_is_no_class(tmp_path: Path, inner: str) -> None:
    pictures(tmp_path / inner, "ant/image_0001.jpg", "Faces/image_0002.jpg")
    pictures(tmp_path / inner, "BACKGROUND_Google/image_0003.jpg")
    splits = published.caltech101(tmp_path)
    assert labelled(splits) == {"image_0001.jpg": "ant", "image_0002.jpg": "Faces"}
    assert splits.train.name == tmp_path.name


def test_caltech101_that_is_still_packed_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "caltech-101" / "101_ObjectCategories.tar.gz"
    archive.parent.mkdir()
    archive.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        published.caltech101(tmp_path)
    assert str(caught.value) == f"{archive}: still packed; unpack it where it lies"


@pytest.mark.parametrize("inner", ["", "lfw", "lfw_funneled", "lfw-deepfunneled"])
def test_people_of_one_picture_are_read_and_refused_by_a_stratified_split(
    tmp_path: Path, inner: str
) -> None:
    pictures(tmp_path / inner, "Ann_A/Ann_A_0001.jpg", "Bo/Bo_0001.jpg", "Bo/Bo_0002.jpg")
    splits = published.lfw(tmp_path)
    assert labelled(splits) == {
        "Ann_A_0001.jpg": "Ann_A",
        "Bo_0001.jpg": "Bo",
        "Bo_0002.jpg": "Bo",
    }
    with pytest.raises(DataError, match=r"too few images .*Ann_A \(1\)"):
        cut(splits, 0.15, 0.15, 0)


def test_flowers_by_number_are_those_of_the_class_folders(tmp_path: Path) -> None:
    names = {f"image_{80 * i + 1:04d}.jpg": name for i, name in enumerate(published.FLOWERS)}
    pictures(tmp_path / "a" / "jpg", *names)
    pictures(tmp_path / "b", *(f"{label}/{name}" for name, label in names.items()))
    flat, by_folder = (published.flowers17(tmp_path / which) for which in "ab")
    assert labelled(flat) == labelled(by_folder) == names
    assert flat.train.classes == by_folder.train.classes


def test_imagenet_samples_are_in_imagenets_order_and_a_name_of_two_classes_says_which(
    tmp_path: Path,
) -> None:
    names = ["n02012849_crane.jpg", "n03126707_crane.JPEG", "n01440764_tench.jpg"]
    splits = published.imagenet_samples(pictures(tmp_path, *names))
    assert splits.train.classes == ("tench", "crane (n02012849)", "crane (n03126707)")
    assert labelled(splits)["n03126707_crane.JPEG"] == "crane (n03126707)"


Reader = Callable[[Path], Splits]


@pytest.mark.parametrize(
    ("read", "names", "said"),
    [
        (published.dogs_vs_cats, [], ": no train/ with cat.0.jpg and dog.0.jpg, and no PetImages/"),
        (
            published.dogs_vs_cats,
            ["train/cat.0.jpg", "train/dog0.jpg"],
            "/train/dog0.jpg: expected cat.NUMBER.jpg or dog.NUMBER.jpg",
        ),
        (published.dogs_vs_cats, ["train/cat.0.jpg"], "/train: no files for dog"),
        (
            published.dogs_vs_cats,
            ["PetImages/Cat/0.jpg"],
            "/PetImages/Dog: No such file or directory",
        ),
        (published.caltech101, [], ": no 101_ObjectCategories/"),
        (
            published.caltech101,
            ["101_ObjectCategories/ant/1.jpg"],
            "/101_ObjectCategories: expected two classes or more, not 1",
        ),
        (published.lfw, ["lfw/A/1.jpg", "lfw_funneled/A/1.jpg"], ": lfw/ and lfw_funneled/; keep"),
        (published.lfw, [], ": expected two classes or more, not 0"),
        (
            published.flowers17,
            ["jpg/image_1361.jpg"],
            "/jpg/image_1361.jpg: expected image_0001.jpg to image_1360.jpg",
        ),
        (published.flowers17, ["jpg/rose.jpg"], "/jpg/rose.jpg: expected image_0001.jpg"),
        (published.flowers17, ["jpg/image_0001.jpg"], "/jpg: no files for bluebell, buttercup"),
        (
            published.imagenet_samples,
            ["tench.jpg"],
            "/tench.jpg: expected a name like n01440764_tench.jpg",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(
    tmp_path: Path, read: Reader, names: list[str], said: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(pictures(tmp_path, *names))
    assert str(caught.value).startswith(f"{tmp_path}{said}")
    assert "\n" not in str(caught.value)


def test_a_person_without_pictures_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, "Ann/1.jpg", "Bo/1.jpg")
    (tmp_path / "Cy").mkdir()
    with pytest.raises(DataError, match="no files for Cy"):
        published.lfw(tmp_path)
