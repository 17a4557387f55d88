"""Networks written as a line: what they become, and what is said of a slip."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sightline import models
from sightline.errors import RecipeError, UnknownName
from sightline.models.notation import MOST, WORDS, parse

NAMED = {  # the Starter book, 11.3.1
    "linear": "INPUT=>FC",
    "two blocks": "INPUT=>[CONV=>RELU=>POOL]*2=>FC=>RELU=>FC",
    "three blocks": "INPUT=>[CONV=>RELU=>CONV=>RELU=>POOL]*3=>[FC=>RELU]*2=>FC",
    "shallow": "INPUT=>CONV=>RELU=>FC",
    "alexnet": "INPUT=>[CONV=>RELU=>POOL]*2=>[CONV=>RELU]*3=>POOL=>[FC=>RELU=>DO]*2=>SOFTMAX",
    "vgg": "INPUT=>[CONV=>RELU]*2=>POOL=>[CONV=>RELU]*2=>POOL=>[CONV=>RELU]*3=>POOL=>"
    "[CONV=>RELU]*3=>POOL=>[FC=>RELU=>DO]*2=>SOFTMAX",
    "shallow, batch norm": "INPUT=>CONV=>RELU=>BN=>FC",
    "two blocks, batch norm": "INPUT=>[CONV=>RELU=>BN=>POOL]*2=>FC=>RELU=>BN=>FC",
    "three blocks, batch norm": "INPUT=>[CONV=>RELU=>BN=>CONV=>RELU=>BN=>POOL]*3=>"
    "[FC=>RELU=>BN]*2=>FC",
    "dropout": "INPUT=>CONV=>RELU=>POOL=>FC=>DO=>FC=>DO=>FC",
    "nested": "INPUT => [[CONV32 => RELU => BN]*2 => POOL => DO.25]*2 => FC512 => RELU => BN => "
    "DO.5 => FC => SOFTMAX",
}


def build(pattern: str, outputs: int = 10, channels: int = 3, side: int = 32) -> nn.Module:
    return models.build("pattern", outputs, channels, (side, side), {"layers": pattern}).body


def layers(pattern: str, side: int = 32) -> list[nn.Module]:
    net = build(pattern, side=side)
    return [m for m in net.modules() if not list(m.children())]


def fault(pattern: str) -> tuple[str, str]:
    """What is said of a pattern, and the part of it that is marked."""
    with pytest.raises(RecipeError) as caught:
        build(pattern)
    said, shown, marked = str(caught.value).split("\n")
    start = marked.index("^")
    return said, shown[start : start + marked.count("^")]


@pytest.mark.parametrize("name", NAMED)
def test_every_pattern_of_the_chapter_builds_and_learns(name: str) -> None:
    net = build(NAMED[name])
    out = net(torch.rand(2, 3, 32, 32))
    assert out.shape == (2, 10)
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_a_pattern_is_the_network_that_the_book_builds() -> None:
    book = models.build("minivggnet", 10, 3, (32, 32))
    ours = models.build("pattern", 10, 3, (32, 32))
    assert models.count_parameters(ours) == models.count_parameters(book) == 2_169_770
    shapes = [tuple(p.shape) for p in ours.parameters()]
    assert shapes == [tuple(p.shape) for p in book.parameters()]
    lenet = (
        "INPUT => CONV20,5x5 => RELU => POOL => CONV50,5x5 => RELU => POOL => FC500 => RELU => FC"
    )
    assert sum(p.numel() for p in build(lenet, 10, 1, 28).parameters()) == 1_256_080


def test_numbers_are_read_where_they_stand() -> None:
    conv, pool, average, drop, fc = (
        layers("INPUT => CONV24,5x5,s2,p1 => POOL3x3,s2,p1 => AVGPOOL3,s1 => DO.1 => FC")[:4]
        + layers("INPUT => FC")[-1:]
    )
    assert isinstance(conv, nn.Conv2d) and isinstance(pool, nn.MaxPool2d)
    assert (conv.out_channels, conv.kernel_size, conv.stride, conv.padding) == (
        24, (5, 5), (2, 2), (1, 1),
    )  # fmt: skip
    assert (pool.kernel_size, pool.stride, pool.padding) == (3, 2, 1)
    assert isinstance(average, nn.AvgPool2d) and (average.kernel_size, average.stride) == (3, 1)
    assert isinstance(drop, nn.Dropout) and drop.p == 0.1
    assert isinstance(fc, nn.Linear) and fc.out_features == 10


def test_without_numbers_filters_double_as_the_volume_halves() -> None:
    convs = [m for m in layers(NAMED["vgg"], 64) if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convs] == [32, 32, 64, 64, 128, 128, 128, 256, 256, 256]
    drops = [m.p for m in layers("INPUT=>CONV=>DO=>FC=>DO=>FC") if isinstance(m, nn.Dropout)]
    assert drops == [0.25, 0.5]


def test_names_of_weights_stay_where_dropout_is_added() -> None:
    plain = build("INPUT => CONV => RELU => POOL => FC64 => RELU => FC")
    other = build("INPUT => CONV => RELU => POOL => DO => FC64 => RELU => DO => FC")
    assert list(plain.state_dict()) == list(other.state_dict())
    assert list(plain.state_dict())[-2:] == ["fc.weight", "fc.bias"]


def test_case_and_spaces_make_no_difference() -> None:
    one = build("INPUT=>[CONV8=>RELU]*2=>FC")
    other = build("  input =>\n [ conv8 => relu ] * 2 => fc ")
    assert str(one) == str(other)


def test_activations_in_a_row_learn() -> None:
    net = build("INPUT => RELU => CONV4 => TANH => RELU => ELU => SIGMOID => LEAKY => FC")
    net(torch.rand(2, 3, 32, 32)).sum().backward()


@pytest.mark.parametrize(
    ("pattern", "said", "marked"),
    [
        ("INPUT => CONVV3 => FC", "unknown layer 'CONVV3'; did you mean CONV?", "CONVV3"),
        ("INPUT => [CONV => RELU]* => FC", "* wants a number from 1", "*"),
        ("INPUT => [CONV => RELU]*N => FC", "* wants a number from 1", "*N"),
        ("INPUT => [CONV => RELU]*0 => FC", "* wants a number from 1", "*0"),
        ("INPUT => [CONV => RELU => FC", "never closed", "["),
        ("INPUT => CONV => RELU] => FC", "no [ for this ]", "]"),
        ("CONV => FC", "begins with INPUT", "CONV"),
        ("INPUT => CONV => INPUT => FC", "INPUT is the beginning", "INPUT"),
        ("INPUT => CONV RELU => FC", "expected => here", "RELU"),
        ("INPUT => => FC", "expected a layer here", "=>"),
        ("INPUT => []*2 => FC", "expected a layer here", "]"),
        ("INPUT", "nothing follows", "INPUT"),
        ("INPUT => FC => CONV => FC", "CONV needs a volume", "CONV"),
        ("INPUT => [CONV => POOL]*7 => FC", "the volume is 1x1 here", "POOL"),
        ("INPUT => CONV8,9x9,p0 => CONV8,29x29,p0 => FC", "the volume is 24x24", "CONV8,29x29,p0"),
        ("INPUT => CONV => RELU", "ends with FC or SOFTMAX", "RELU"),
        ("INPUT => SOFTMAX => FC", "SOFTMAX is the end", "SOFTMAX"),
        (
            "INPUT => CONV32,q5 => FC",
            "CONV does not understand 'q5'; as in CONV32,5x5",
            "CONV32,q5",
        ),
        ("INPUT => CONV32,5x3 => FC", "does not understand '5x3'", "CONV32,5x3"),
        ("INPUT => RELU6 => FC", "RELU stands alone", "RELU6"),
        ("INPUT => DO1.5 => FC", "'1.5' is out of range: 0 to 0.99", "DO1.5"),
        ("INPUT => CONV0 => FC", "'0' is out of range", "CONV0"),
        ("INPUT => CONV999999 => FC", "'999999' is out of range", "CONV999999"),
        ("INPUT => POOL2x2,p2 => FC", "at most half the window", "POOL2x2,p2"),
        ("INPUT => CONV32*2 => FC", "put brackets around", "*2"),
        ("INPUT => POOL? => FC", "may be left out: decide", "POOL?"),
        ("INPUT => FC7", "the last layer must give 10, not 7", "FC7"),
        ("INPUT => [[[CONV]*999]*999]*999 => FC", "998001 layers", "*999"),
        ("INPUT => " + "[" * 30 + "FC" + "]" * 30, "brackets in brackets", "["),
    ],
)
def test_a_slip_is_marked_where_it_stands(pattern: str, said: str, marked: str) -> None:
    message, part = fault(pattern)
    assert said in message
    assert part == marked


def test_a_long_pattern_is_shown_around_the_slip() -> None:
    message, part = fault(
        "INPUT => " + "CONV8 => RELU => " * 100 + "PUUL => " + "BN => " * 80 + "FC"
    )
    assert part == "PUUL" and "did you mean POOL?" in message
    with pytest.raises(RecipeError, match="more than 1000 layers"):
        build("INPUT => " + "RELU => " * (MOST + 5) + "FC")


def test_settings_of_a_pattern_are_text_of_limited_length() -> None:
    with pytest.raises(RecipeError, match="takes text"):
        models.build("pattern", 2, 3, (8, 8), {"layers": 5})
    with pytest.raises(RecipeError, match="takes text"):
        models.build("pattern", 2, 3, (8, 8), {"layers": "INPUT => " + "BN => " * 3000 + "FC"})
    with pytest.raises(UnknownName, match="layers"):
        models.build("pattern", 2, 3, (8, 8), {"layer": "INPUT => FC"})
    with pytest.raises(RecipeError, match="empty"):
        build(" ")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("INPUTCONVFC[]*=> ,?25x.s\n"), max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        words = parse(f"INPUT{text}")
    except RecipeError:
        return  # and no other error
    assert words and {word.name for word in words} <= set(WORDS)
