"""The linter: each rule on the smallest network that breaks it, and on one that does not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sightline.models.graph import Graph, graph_of, trace
from sightline.models.lint import lint, to_text
from sightline.models.rules import Finding

GOOD = (
    "INPUT => CONV32 => RELU => BN => POOL => DO => CONV64 => RELU => BN => POOL => FC128 => RELU"
    " => BN => DO => FC"
)


def of(pattern: str, side: int = 32) -> list[Finding]:
    return lint(graph_of("pattern", 10, 3, (side, side), {"layers": pattern}))


def rules(findings: list[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


def traced(make: Callable[[], nn.Module], side: int = 32) -> Graph:
    with torch.device("meta"):
        return trace(make(), 3, (side, side))


@pytest.mark.parametrize("pattern", [GOOD, "INPUT => FC"])
def test_a_network_by_the_book_has_no_findings(pattern: str) -> None:
    assert of(pattern) == []


@pytest.mark.parametrize(
    ("rule", "pattern", "side", "where"),
    [
        ("usual input", GOOD, 40, ()),
        ("whole volumes", GOOD.replace("POOL", "POOL3x3,s3", 1), 32, ("layers.pool1",)),
        ("odd kernels", GOOD.replace("CONV32", "CONV32,4x4"), 32, ("layers.conv1",)),
        ("small kernels", GOOD.replace("CONV64", "CONV64,7x7"), 32, ("layers.conv2",)),
        ("stride 1", GOOD.replace("CONV64", "CONV64,s2"), 32, ("layers.conv2",)),
        ("same padding", GOOD.replace("CONV64", "CONV64,p0"), 32, ("layers.conv2",)),
        ("small pools", GOOD.replace("POOL", "POOL4x4", 1), 32, ("layers.pool1",)),
        ("small pools", GOOD.replace("POOL", "POOL2x2,s4", 1), 32, ("layers.pool1",)),
        ("pooled too early", GOOD.replace("CONV32", "POOL => CONV32"), 32, ("layers.pool1",)),
        ("pooled too often", GOOD.replace("POOL => FC", "[POOL]*4 => FC"), 32, ("layers.pool5",)),
        ("batch norm", GOOD.replace("=> BN ", ""), 32, ()),
        (
            "batch norm after the activation",
            GOOD.replace("RELU => BN", "BN => RELU", 1), 32, ("layers.bn1",),
        ),
        ("dropout between FC", GOOD.replace("DO => FC", "FC"), 32, ("layers.fc1",)),
        ("dropout of volumes", GOOD.replace("DO", "DO.5", 1), 32, ("layers.do1",)),
        ("growing filters", GOOD.replace("CONV64", "CONV16"), 32, ("layers.conv2",)),
        ("activation behind each", GOOD.replace("CONV32 => RELU", "CONV32"), 32, ("layers.conv1",)),
        (
            "few FC", GOOD.replace("=> FC128", "=> [FC64 => RELU => DO]*3 => FC128"), 32,
            ("layers.fc1", "layers.fc2", "layers.fc3", "layers.fc4", "fc"),
        ),
    ],
)  # fmt: skip
def test_each_rule_finds_what_breaks_it(
    rule: str, pattern: str, side: int, where: tuple[str, ...]
) -> None:
    (finding,) = [f for f in of(pattern, side) if f.rule == rule]
    assert finding.layers == where
    assert finding.says and finding.do


def test_a_volume_that_is_not_whole_says_the_sum() -> None:
    """The paper's AlexNet at 224: the input must have been 227 (chapter 11)."""
    first = "INPUT => CONV96,11x11,s4,p0 => RELU => BN => FC"
    (finding,) = [f for f in of(first, 224) if f.rule == "whole volumes"]
    assert "(224 - 11 + 2*0) / 4 + 1 = 54.25 is not whole" in finding.says
    assert "the last 1 of 224 rows" in finding.says
    assert "whole volumes" not in rules(of(first, 227))
    assert "small kernels" not in rules(of(first, 227))  # first, and the input is large


def test_padding_alone_may_be_left_over() -> None:
    assert "whole volumes" not in rules(of("INPUT => CONV8,7x7,s2,p3 => RELU => FC", 224))


def test_modules_are_looked_at_as_patterns_are() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.conv = nn.Linear(3 * 32 * 32, 64), nn.Conv2d(1, 4, 3, padding=1)
            self.head, self.norm = nn.Linear(256, 2), nn.BatchNorm1d(2)

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.fc(x.flatten(1))).view(-1, 1, 8, 8)
            return self.norm(self.head(torch.relu(self.conv(x)).flatten(1)))

    found = lint(traced(Odd))
    assert {"FC at the end", "batch norm before the output"} <= rules(found)
    assert "no softmax inside" in rules(lint(traced(lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(3072, 2), nn.Softmax(1)
    ))))  # fmt: skip


def test_squeezing_is_not_taken_for_a_fully_connected_layer_too_early() -> None:
    graph = graph_of("efficientnet_b0", 10, 3, (224, 224))
    assert "FC at the end" not in rules(lint(graph))


def test_input_that_is_not_square_is_noted() -> None:
    graph = graph_of("pattern", 10, 3, (32, 64), {"layers": GOOD})
    assert rules(lint(graph)) == {"square input"}


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "mobilenet_v2"])
def test_published_networks_break_few_rules_and_each_once(name: str) -> None:
    found = lint(graph_of(name, 1000, 3, (224, 224)))
    reasons = [(finding.rule, finding.do) for finding in found]
    assert len(reasons) == len(set(reasons)) <= 6
    assert "whole volumes" not in rules(found)


def test_findings_are_lines_of_80_columns_warnings_first() -> None:
    found = of(GOOD.replace("DO => FC", "FC"), 40)
    text = to_text(found)
    lines = text.splitlines()
    assert lines[0] == "lint: 2 findings by the rules of thumb of the Starter book, 11.3"
    assert lines[1] == "  warning: dropout between FC (layers.fc1)"
    assert any(line.startswith("  note: usual input") for line in lines)
    assert max(map(len, to_text(lint(graph_of("efficientnet_b7", 9, 3, (600, 600))))
                   .splitlines())) <= 80  # fmt: skip
    assert "nothing to say" in to_text([])
    assert found[0].to_dict()["layers"] == ["layers.fc1"]
