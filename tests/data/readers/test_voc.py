"""Pascal VOC: official parts, boxes counted from 1, and XML that is not trusted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.dataset import Dataset
from sightline.data.readers import markup, voc
from sightline.errors import DataError

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def thing(name: str, *corners: object) -> str:
    return f"<object>\n<name>{name}</name>\n{BOX.format(*corners)}\n</object>\n"


def image(root: Path, name: str, *things: str, size: tuple[int, int] = (8, 6)) -> Path:
    """A picture and its annotation below `root`."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(root / "JPEGImages" / name)
    text = f"<annotation>\n<filename>{name}</filename>\n{''.join(things)}</annotation>"
    (root / "Annotations" / f"{Path(name).stem}.xml").write_text(text)
    return root


def lists(root: Path, **parts: str) -> Path:
    folder = root / "ImageSets" / "Main"
    folder.mkdir(parents=True, exist_ok=True)
    for part, keys in parts.items():
        (folder / f"{part}.txt").write_text("".join(f"{key}\n" for key in keys.split()))
    return root


def names(dataset: Dataset) -> list[str]:
    return [Path(dataset.source(i)).name for i in range(len(dataset))]


def test_boxes_are_pixels_from_1_that_become_edges_from_0(tmp_path: Path) -> None:
    """A box over the whole picture of 8x6 is written 1, 1, 8, 6."""
    image(tmp_path, "a.png", thing("dog", 1, 1, 8, 6), thing("cat", 2.5, " 3 ", "4.25", 5))
    image(tmp_path, "b.png")
    train = voc.read(tmp_path).train
    assert train.classes == ("cat", "dog")
    truth = train[0].truth
    assert truth.boxes is not None and truth.classes is not None
    assert truth.boxes.tolist() == [[0, 0, 8, 6], [1.5, 2, 4.25, 5]]
    assert truth.classes.tolist() == [1, 0]
    assert names(train) == ["a.png", "b.png"]
    empty = train[1].truth.boxes
    assert empty is not None and empty.shape == (0, 4)


def test_the_official_parts_are_kept_and_what_is_in_none_is_not_read(tmp_path: Path) -> None:
    for name in "abcde":
        image(tmp_path, f"{name}.png", thing("dog", 1, 1, 2, 2))
    (tmp_path / "JPEGImages" / "unlabelled.png").write_bytes(b"")
    lists(tmp_path, train="d a", val="b", test="c", trainval="a b d")
    splits = voc.read(tmp_path)
    assert {k: names(v) for k, v in splits.parts.items()} == {
        "train": ["d.png", "a.png"],
        "val": ["b.png"],
        "test": ["c.png"],
    }


def test_trainval_is_train_where_no_train_is(tmp_path: Path) -> None:
    for name in "abc":
        image(tmp_path, f"{name}.png", thing("dog", 1, 1, 2, 2))
    splits = voc.read(lists(tmp_path, trainval="a b", test="c", dog_train="a", val=""))
    assert {k: names(v) for k, v in splits.parts.items()} == {
        "train": ["a.png", "b.png"],
        "test": ["c.png"],
    }


def test_the_set_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    image(tmp_path / "bccd" / "BCCD", "a.png", thing("RBC", 1, 1, 2, 2))
    assert voc.recognises(tmp_path / "bccd")
    assert voc.read(tmp_path / "bccd").train.name == "bccd"
    image(tmp_path / "bccd" / "Other", "a.png")
    with pytest.raises(DataError, match="several sets: BCCD, Other; name one"):
        voc.read(tmp_path / "bccd")
    assert not voc.recognises(tmp_path)
    with pytest.raises(DataError, match="no Annotations/ beside JPEGImages/"):
        voc.read(tmp_path)


def test_suffixes_of_pictures_may_be_spelled_in_any_way(tmp_path: Path) -> None:
    for name in ("a.JPG", "b.jpeg", "c.Png", "d d.1.png"):
        image(tmp_path, name, thing("dog", 1, 1, 2, 2))
    (tmp_path / "Annotations" / "b.xml").write_text(
        "<annotation><filename>b.JPG</filename></annotation>"
    )
    lists(tmp_path, train="a b c")
    with (tmp_path / "ImageSets/Main/train.txt").open("a") as file:
        file.write("d d.1  1\r\n\n")  # as in the lists of one class, and with Windows' lines
    assert names(voc.read(tmp_path).train) == ["a.JPG", "b.jpeg", "c.Png", "d d.1.png"]


def test_between_pictures_of_one_stem_the_annotation_decides(tmp_path: Path) -> None:
    image(tmp_path, "a.jpg")
    image(tmp_path, "a.png", thing("dog", 1, 1, 2, 2))
    assert names(voc.read(tmp_path).train) == ["a.png"]
    (tmp_path / "Annotations" / "a.xml").write_text("<annotation/>")
    with pytest.raises(DataError, match=r"a.xml: several images: a.jpg, a.png; <filename>"):
        voc.read(tmp_path)


def test_a_picture_named_otherwise_than_its_annotation_is_found(tmp_path: Path) -> None:
    image(tmp_path, "a.png", thing("dog", 1, 1, 2, 2))
    (tmp_path / "Annotations" / "a.xml").rename(tmp_path / "Annotations" / "0001.xml")
    lists(tmp_path, train="0001")
    assert names(voc.read(tmp_path).train) == ["a.png"]


def test_parts_of_an_object_are_not_objects(tmp_path: Path) -> None:
    part = f"<part><name>head</name>{BOX.format(2, 2, 3, 3)}</part>"
    image(tmp_path, "a.png", thing("person", 1, 1, 8, 6).replace("</object>", f"{part}</object>"))
    train = voc.read(tmp_path).train
    assert train.classes == ("person",)
    assert len(train[0].truth.classes) == 1  # type: ignore[arg-type]


def test_boxes_outside_and_without_area_are_kept_for_the_check(tmp_path: Path) -> None:
    image(tmp_path, "a.png", thing("dog", -5, 0, 900, 7), thing("dog", 5, 5, 4, 4))
    boxes = voc.read(tmp_path).train[0].truth.boxes
    assert boxes is not None
    assert boxes.tolist() == [[-6, -1, 900, 7], [4, 4, 4, 4]]


def test_our_list_of_classes_fixes_their_order(tmp_path: Path) -> None:
    image(tmp_path, "a.png", thing("cat", 1, 1, 2, 2))
    (tmp_path / "classes.txt").write_text("zebra\ncat\n\n")
    train = voc.read(tmp_path).train
    assert train.classes == ("zebra", "cat")
    assert train[0].truth.classes.tolist() == [1]  # type: ignore[union-attr]
    for text, said in (("dog\n", "lacks cat"), ("cat\ncat\n", "names a class twice")):
        (tmp_path / "classes.txt").write_text(text)
        with pytest.raises(DataError, match=f"classes.txt: {said}"):
            voc.read(tmp_path)


# Mistakes


def said(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        voc.read(root)
    text = str(caught.value)
    assert text.startswith(str(root))
    assert "\n" not in text
    return text.removeprefix(f"{root}/")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("<xmin>1", "<xmin>nan", "4: xmin is 'nan'; expected a number"),
        ("<ymax>2", "<ymax>-inf", "4: ymax is '-inf'; expected a number"),
        ("<ymax>2", "<ymax>1e39", "4: ymax is '1e39'; expected a number"),
        ("<xmin>1", "<xmin>one", "4: xmin is 'one'; expected a number"),
        ("<xmin>1", "<xmin>", "4: xmin is ''; expected a number"),
        ("<ymin>1</ymin>", "", "4: a <bndbox> without <ymin>"),
        ("bndbox", "box", "2: an <object> without <bndbox>"),
        ("<name>dog</name>", "", "2: an <object> without <name>"),
        ("<name>dog</name>", "<name> </name>", "2: an <object> without <name>"),
        ("annotation", "html", "1: <html>; expected <annotation>"),
        ("</object>", "", "6: mismatched tag"),
        ("<annotation>", "", "6: not well-formed"),
        ("dog", "&dog;", "3: undefined entity"),
        ("dog", "d\x00g", "3: not well-formed"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, text: str) -> None:
    image(tmp_path, "a.png")
    path = tmp_path / "Annotations" / "a.xml"
    good = f"<annotation>\n{thing('dog', 1, 1, 2, 2)}</annotation>"
    path.write_text(good.replace(old, new))
    assert said(tmp_path).startswith(f"Annotations/a.xml:{text}")


def test_what_is_listed_and_absent_is_named_with_its_line(tmp_path: Path) -> None:
    image(tmp_path, "a.png", thing("dog", 1, 1, 2, 2))
    lists(tmp_path, train="a b")
    assert said(tmp_path).startswith("ImageSets/Main/train.txt:2: no annotation ")
    lists(tmp_path, train="a " + "b" * 999)  # longer than a name can be
    assert said(tmp_path).startswith("ImageSets/Main/train.txt:2: no annotation ")
    lists(tmp_path, train="a")
    (tmp_path / "JPEGImages" / "a.png").unlink()
    assert said(tmp_path) == f"Annotations/a.xml: no image {tmp_path}/JPEGImages/a.png"


def test_a_set_without_train_is_refused(tmp_path: Path) -> None:
    image(tmp_path, "a.png")
    lists(tmp_path, test="a")
    assert said(tmp_path) == "ImageSets/Main: no train.txt or trainval.txt"


def test_without_lists_every_picture_needs_an_annotation(tmp_path: Path) -> None:
    for name in "abcdefgh":
        image(tmp_path, f"{name}.png")
        (tmp_path / "Annotations" / f"{name}.xml").unlink()
    image(tmp_path, "i.png")
    assert said(tmp_path) == (
        "JPEGImages: without annotation: a.png, b.png, c.png, d.png, e.png and 3 more"
    )


BOMB = "<!DOCTYPE a [\n<!ENTITY b0 'ha'>\n" + "".join(
    f"<!ENTITY b{i + 1} '{f'&b{i};' * 10}'>\n" for i in range(8)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "]>\n<annotation>&b8;</annotation>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><annotation>&x;</annotation>",
        "<!DOCTYPE annotation><annotation/>",
        "<!DOCTYPE annotation SYSTEM 'http://example.com/a.dtd'><annotation/>",
    ],
    ids=["bomb", "external entity", "a bare doctype", "external document type"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_and_entities_are_refused(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError) as caught:
        markup.parse(path)
    assert str(caught.value) == f"{path}:1: <!DOCTYPE and entities are refused"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "1: no element found"),
        (b"\xff\xfe\xff", ""),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', " unknown encoding"),
        (b"<a>" * 500_001, "1: more than 500000 elements"),
        (b"<a>" * 1000, "1: no element found"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_xml_is_named(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        markup.parse(path)
    assert str(caught.value).startswith(f"{path}:{text}")


def test_an_xml_over_the_cap_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.xml").open("wb") as file:
        file.truncate(markup.CAP + 1)
    with pytest.raises(DataError, match=r"a.xml: 16 MB, over the cap of 16 MB"):
        markup.parse(tmp_path / "a.xml")


def test_text_between_elements_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<a>x<b c='d'>1 &lt; 2 &amp; é</b>y<!-- no --><b/></a>", encoding="utf-8")
    root = markup.parse(path)
    assert (root.tag, root.text) == ("a", "xy")
    assert [element.text for element in root.all("b")] == ["1 < 2 & é", ""]
    assert np.array_equal([element.line for element in root.children], [1, 1])
