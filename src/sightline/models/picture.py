"""A picture of any network: boxes from top to bottom, branches side by side, repeats once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log

from sightline.drawing.diagram import HEAD as HEADLINE
from sightline.drawing.diagram import NOTE, Box, Drawing, Elbow, Frame, Kind, Line, text_width
from sightline.models.graph import Graph
from sightline.models.layout import lay
from sightline.models.parts import Part, Run, Stage, common, parts_of, runs_of, stages_of
from sightline.models.summary import amount

ROW, GAP = 16.0, 16.0  # points between rows of a stage, and between stages
FRAME, LABEL = 8.0, 12.0  # around framed boxes, and for the words beside them
GUTTER, MARGIN, HEAD = 34.0, 18.0, 48.0
TURN, FORK = 16.0, 6.0  # above a column: how high a line from the one before arrives, and parts
TALL = 800.0  # a picture up to this height stands in one column
SHAPE = 1.5  # width to height that columns aim at
PORT = 0.4  # of a box's width, to both sides of the middle: where lines may leave and arrive
LONG = 24  # letters of notes that still have room beside the shape
KINDS: dict[str, Kind] = {
    "conv": "filter", "up conv": "filter",
    "max pool": "pool", "avg pool": "pool", "adaptive pool": "pool", "mean": "pool",
    "linear": "dense", "product": "dense", "attention": "dense",
    "add": "join", "concat": "join", "mul": "join",
    "input": "end",
}  # fmt: skip
Point = tuple[float, float]


@dataclass
class Block:
    """Boxes around x = 0 from y = 0 down; the last is at x = 0.

    inlets  lines from before, without the point they come from
    """

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line | Elbow] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    inlets: list[tuple[Point, ...]] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    height: float = 0.0

    def moved(self, x: float, y: float) -> "Block":
        """The block elsewhere."""

        def there(points: tuple[Point, ...]) -> tuple[Point, ...]:
            return tuple((px + x, py + y) for px, py in points)

        return Block(
            [replace(box, x=box.x + x, y=box.y + y) for box in self.boxes],
            [replace(line, points=there(line.points)) for line in self.lines],
            [replace(frame, left=frame.left + x, top=frame.top + y) for frame in self.frames],
            [there(inlet) for inlet in self.inlets],
            self.left + x,
            self.right + x,
            self.height,
        )

    def take(self, other: "Block") -> None:
        """Add what another block holds, where it is."""
        self.boxes += other.boxes
        self.lines += other.lines
        self.frames += other.frames
        self.left, self.right = min(self.left, other.left), max(self.right, other.right)


def draw(graph: Graph) -> Drawing:
    """The picture of a graph: short networks in one column, long ones in several."""
    columns = _columns([_run(run, graph) for run in runs_of(stages_of(parts_of(graph)))])
    head = HEAD + (TURN if len(columns) > 1 else 0.0)
    sheet, x, foot = Block(), MARGIN, None
    for column in columns:
        stack = _stacked(column)
        middle = x - stack.left
        here = stack.moved(middle, head)
        if foot is not None:
            here.lines += _led(here.inlets, foot, (middle, head), x - GUTTER / 2)
        sheet.take(here)
        last = here.boxes[-1]
        foot = (last.x, last.y + last.height / 2, head + stack.height)
        x += stack.right - stack.left + GUTTER
        sheet.height = max(sheet.height, head + stack.height)
    said = f"{graph.parameters:,} parameters · {amount(graph.multiply_adds)} multiply-adds"
    own = x - GUTTER + MARGIN
    words = max(text_width(said, NOTE), text_width(graph.name, HEADLINE, bold=True)) + 2 * MARGIN
    sheet = replace(sheet.moved(max(0.0, words - own) / 2, 0.0), height=sheet.height)
    return Drawing(
        max(own, words),
        sheet.height + MARGIN + 6.0,
        graph.name,
        said,
        sheet.boxes,
        sheet.lines,
        sheet.frames,
    )


def _led(
    inlets: Sequence[tuple[Point, ...]],
    foot: tuple[float, float, float],
    top: Point,
    gutter: float,
) -> list[Line | Elbow]:
    """Lines into a column from the foot of the one before: its x, y, and how deep that reaches."""
    x0, y0, depth = foot
    down, up = depth + 10.0, top[1] - TURN
    path: tuple[Point, ...] = ((x0, y0), (x0, down), (gutter, down), (gutter, up), (top[0], up))
    if len(inlets) == 1 and len(inlets[0]) == 1:
        return [Elbow((*path, inlets[0][0]))]
    fork = (top[0], top[1] - FORK)
    return [Elbow((*path, fork), arrow=False), *(Line((fork, *inlet)) for inlet in inlets)]


def _stacked(blocks: Sequence[Block]) -> Block:
    """Blocks below one another, each joined to the one before."""
    out, y = Block(), 0.0
    for block in blocks:
        here = block.moved(0.0, y)
        if out.boxes:
            here.lines += _joined(out.boxes[-1], here.inlets)
        else:
            out.inlets = here.inlets
        out.take(here)
        y += block.height + GAP
    out.height = y - GAP
    return out


def _joined(box: Box, inlets: Sequence[tuple[Point, ...]]) -> list[Line | Elbow]:
    ports = _ports(box, [inlet[0][0] for inlet in inlets])
    foot = box.y + box.height / 2
    return [Line(((x, foot), *inlet)) for x, inlet in zip(ports, inlets, strict=True)]


def _ports(box: Box, others: Sequence[float]) -> list[float]:
    """Where at the box's edge lines to these x begin or end: a single one in the middle, two as far
    out as their other ends are, more at equal distances."""
    if len(others) == 1:
        return [box.x]
    reach = PORT * box.width
    if len(others) == 2:
        return [min(max(x, box.x - reach), box.x + reach) for x in others]
    ranked = sorted(range(len(others)), key=lambda i: others[i])
    step = 2 * reach / (len(others) - 1)
    out = [0.0] * len(others)
    for place, i in enumerate(ranked):
        out[i] = box.x - reach + place * step
    return out


def _run(run: Run, graph: Graph) -> Block:
    """The stages of a run below one another; a repeat, or a stage with branches, in a frame."""
    inner = _stacked([_stage(stage) for stage in run.stages])
    if run.times == 1 and len(run.stages[0].parts) < 3:
        return inner
    out = inner.moved(0.0, FRAME)
    out.left, out.right = inner.left - FRAME - LABEL, inner.right + FRAME
    out.height = inner.height + 2 * FRAME
    size = (out.right - out.left, out.height)
    out.frames.insert(0, Frame(out.left, 0.0, *size, _label(run, graph), run.times > 1))
    return out


def _label(run: Run, graph: Graph) -> str:
    """What a frame is: Bottleneck ×3, or inception3a."""
    block = common([stage.block for stage in run.stages])
    kind = graph.blocks.get(block, "")
    kind = "" if kind in ("", "Sequential", "ModuleList") else kind
    if run.times > 1:
        return f"{kind} ×{run.times}".strip()
    return block if kind or "." in block else ""


def _stage(stage: Stage) -> Block:
    boxes = [_box(part) for part in stage.parts]
    laid = lay([part.inputs for part in stage.parts], [box.width for box in boxes])
    rows = max(laid.row) + 1
    heights = [0.0] * rows
    for box, row in zip(boxes, laid.row, strict=True):
        heights[row] = max(heights[row], box.height)
    tops = [sum(heights[:i]) + ROW * i for i in range(rows)]
    boxes = [
        replace(box, x=laid.x[i], y=tops[laid.row[i]] + heights[laid.row[i]] / 2)
        for i, box in enumerate(boxes)
    ]
    out = Block(boxes, height=tops[-1] + heights[-1])
    ways = {}  # of each edge, the points at which it passes rows
    for (j, i), xs in laid.bends.items():
        first = laid.row[j] + 1 if j >= 0 else 0
        rows_passed = range(first, first + len(xs))
        ways[j, i] = [
            point
            for x, r in zip(xs, rows_passed, strict=True)
            for point in ((x, tops[r]), (x, tops[r] + heights[r]))
        ]
        out.left, out.right = min([out.left, *xs]), max([out.right, *xs])
    ends, begins = _ends(boxes, ways)
    for (j, i), way in ways.items():
        points = (*way, ends[j, i])
        if j < 0:
            out.inlets.append(points)
        else:
            out.lines.append(Line((begins[j, i], *points)))
    out.left = min([out.left, *(box.x - box.width / 2 for box in boxes)])
    out.right = max([out.right, *(box.x + box.width / 2 for box in boxes)])
    return out


Edge = tuple[int, int]


def _ends(
    boxes: Sequence[Box], ways: dict[Edge, list[Point]]
) -> tuple[dict[Edge, Point], dict[Edge, Point]]:
    """Where each edge arrives at a box, and where it leaves one."""
    arrive: dict[Edge, Point] = {}
    leave: dict[Edge, Point] = {}
    for i, box in enumerate(boxes):
        into = [edge for edge in ways if edge[1] == i]
        above = [ways[e][-1][0] if ways[e] else boxes[e[0]].x if e[0] >= 0 else 0.0 for e in into]
        for edge, x in zip(into, _ports(box, above), strict=True):
            arrive[edge] = (x, box.y - box.height / 2)
        out = [edge for edge in ways if edge[0] == i]
        below = [ways[edge][0][0] if ways[edge] else boxes[edge[1]].x for edge in out]
        for edge, x in zip(out, _ports(box, below) if out else [], strict=True):
            leave[edge] = (x, box.y + box.height / 2)
    return arrive, leave


def _box(part: Part) -> Box:
    notes = " ".join(part.notes)
    if len(notes) > LONG:
        lines: tuple[str, ...] = (notes, part.shape)
    else:
        lines = (f"{notes}  →  {part.shape}" if notes else part.shape,)
    return Box(0.0, 0.0, part.title, lines, KINDS.get(part.kind, "other"))


def _columns(blocks: Sequence[Block]) -> list[Sequence[Block]]:
    """The blocks cut into columns of about equal height, as many as make a good sheet."""
    if _tall(blocks) <= TALL:
        return [blocks]
    tried = [_cut(blocks, _limit(blocks, n)) for n in range(2, 13)]
    return min(tried, key=lambda columns: abs(log(_wide(columns) / _deep(columns) / SHAPE)))


def _tall(blocks: Sequence[Block]) -> float:
    return sum(block.height + GAP for block in blocks) - GAP


def _wide(columns: Sequence[Sequence[Block]]) -> float:
    return sum(max(b.right for b in c) - min(b.left for b in c) + GUTTER for c in columns)


def _deep(columns: Sequence[Sequence[Block]]) -> float:
    return max(_tall(column) for column in columns) + HEAD


def _limit(blocks: Sequence[Block], columns: int) -> float:
    """The least height at which so many columns are enough."""
    limit = max(*(block.height for block in blocks), _tall(blocks) / columns)
    while len(_cut(blocks, limit)) > columns:
        limit += 5.0
    return limit


def _cut(blocks: Sequence[Block], limit: float) -> list[Sequence[Block]]:
    columns: list[list[Block]] = [[]]
    for block in blocks:
        if columns[-1] and _tall([*columns[-1], block]) > limit:
            columns.append([])
        columns[-1].append(block)
    return list(columns)
