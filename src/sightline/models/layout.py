"""Where the boxes of a stage stand: layers by longest path, lanes that cross as little as possible.

After Sugiyama, Tagawa and Toda 1981. A lane is a chain of boxes with nothing branching off between
them; an edge past other boxes is a lane of its own, so that every branch runs straight down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP, THIN = 10.0, 8.0  # points between lanes, and that a passing edge takes
SWEEPS = 30


@dataclass(frozen=True)
class Laid:
    """Positions of a stage's boxes.

    x       of each box, where the point before the stage is 0 and so is the last box
    row     of each box, from 0
    bends   for each edge (from, to) the x it has in the rows that it passes
    """

    x: list[float]
    row: list[int]
    bends: dict[tuple[int, int], list[float]]


def lay(inputs: Sequence[Sequence[int]], widths: Sequence[float]) -> Laid:
    """Place boxes of these widths; each reads earlier ones, or -1: the point before the stage."""
    row = [-1] * len(inputs)
    for i, read in enumerate(inputs):
        row[i] = 1 + max((row[j] if j >= 0 else -1 for j in read), default=-1)
    net = _Net(inputs, widths, row)
    lanes = _lanes(net)
    order = _ordered(net, lanes)
    x = _spread(net, lanes, order)
    shift = x[net.of(len(inputs) - 1)]
    bends = {edge: [x[n] - shift for n in passed] for edge, passed in net.passing.items()}
    return Laid([x[net.of(i)] - shift for i in range(len(inputs))], row, bends)


class _Net:
    """Nodes in rows: boxes, and where edges pass a row. Node 0 is the point before the stage."""

    def __init__(
        self, inputs: Sequence[Sequence[int]], widths: Sequence[float], row: Sequence[int]
    ) -> None:
        self.row = [-1, *row]
        self.half = [THIN / 2, *(width / 2 for width in widths)]
        self.real = [True] * len(self.row)
        self.edges: list[tuple[int, int]] = []
        self.passing: dict[tuple[int, int], list[int]] = {}
        for i, read in enumerate(inputs):
            for j in sorted(set(read)):
                before, passed = self.of(j), []
                for between in range(self.row[before] + 1, row[i]):
                    self.row.append(between)
                    self.half.append(THIN / 2)
                    self.real.append(False)
                    passed.append(len(self.row) - 1)
                    self.edges.append((before, passed[-1]))
                    before = passed[-1]
                self.edges.append((before, self.of(i)))
                self.passing[j, i] = passed

    @staticmethod
    def of(box: int) -> int:
        return box + 1

    def rows(self, order: Sequence[int]) -> list[list[int]]:
        """The nodes of each row, by the order of their lanes (a number for each node)."""
        out: list[list[int]] = [[] for _ in range(max(self.row) + 2)]
        for node in range(len(self.row)):
            out[self.row[node] + 1].append(node)
        return [sorted(nodes, key=lambda n: order[n]) for nodes in out]


def _lanes(net: _Net) -> list[int]:
    """The lane of each node."""
    after: list[list[int]] = [[] for _ in net.row]
    before: list[list[int]] = [[] for _ in net.row]
    for a, b in net.edges:
        after[a].append(b)
        before[b].append(a)
    lane = list(range(len(net.row)))
    for node in sorted(lane, key=lambda n: net.row[n]):
        if len(before[node]) == 1 and node != 0:
            (parent,) = before[node]
            if len(after[parent]) == 1 and parent != 0:
                lane[node] = lane[parent]
    return lane


def _ordered(net: _Net, lanes: Sequence[int]) -> list[int]:
    """The place of each node's lane from left to right: the order with the fewest crossings that
    moving one lane at a time finds; edges that pass everything come last."""
    solid = {lane: any(net.real[n] for n in _members(lanes, lane)) for lane in set(lanes)}
    order = sorted(solid, key=lambda lane: (not solid[lane], lane))
    best, cost = order, _crossings(net, lanes, order)
    moved = cost > 0 and len(order) <= 40
    while moved:
        moved = False
        for lane in list(best):
            rest = [other for other in best if other != lane]
            for at in range(len(best)):
                tried = [*rest[:at], lane, *rest[at:]]
                now = _crossings(net, lanes, tried)
                if now < cost:
                    best, cost, moved = tried, now, True
    place = {lane: i for i, lane in enumerate(best)}
    return [place[lane] for lane in lanes]


def _members(lanes: Sequence[int], lane: int) -> list[int]:
    return [node for node, own in enumerate(lanes) if own == lane]


def _crossings(net: _Net, lanes: Sequence[int], order: Sequence[int]) -> int:
    place = {lane: i for i, lane in enumerate(order)}
    gaps: dict[int, list[tuple[int, int]]] = {}
    for a, b in net.edges:
        gaps.setdefault(net.row[a], []).append((place[lanes[a]], place[lanes[b]]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for edges in gaps.values()
        for i, a in enumerate(edges)
        for b in edges[:i]
    )


def _spread(net: _Net, lanes: Sequence[int], order: Sequence[int]) -> list[float]:
    """The x of each node: lanes side by side, each drawn to the middle of what it joins."""
    half = {lane: max(net.half[n] for n in _members(lanes, lane)) for lane in set(lanes)}
    solid = {lane: any(net.real[n] for n in _members(lanes, lane)) for lane in set(lanes)}
    left: dict[int, set[int]] = {lane: set() for lane in half}
    for nodes in net.rows(order):
        for a, b in pairwise(nodes):
            left[lanes[b]].add(lanes[a])
    joined: dict[int, list[int]] = {lane: [] for lane in half}
    for a, b in net.edges:
        if lanes[a] != lanes[b]:
            joined[lanes[a]].append(lanes[b])
            joined[lanes[b]].append(lanes[a])
    ranked = sorted(half, key=lambda lane: order[lane])
    at: dict[int, float] = {}
    for lane in ranked:
        at[lane] = max((at[o] + half[o] + half[lane] + GAP for o in left[lane]), default=0.0)
    right: dict[int, set[int]] = {lane: set() for lane in half}
    for lane, others in left.items():
        for other in others:
            right[other].add(lane)
    last = net.of(sum(net.real) - 2)
    ends = {lanes[0], lanes[last]}  # where all begins and ends says least about a lane's place
    for sweep in range(SWEEPS):
        for lane in ranked if sweep % 2 else reversed(ranked):
            near = [o for o in joined[lane] if solid[o]] or joined[lane]
            near = [o for o in near if o not in ends] or near
            if not near:
                continue
            wish = sum(at[o] for o in near) / len(near)
            low = max((at[o] + half[o] + half[lane] + GAP for o in left[lane]), default=wish)
            high = min((at[o] - half[o] - half[lane] - GAP for o in right[lane]), default=wish)
            at[lane] = max(low, min(wish, high)) if low <= high else at[lane]
    return [at[lane] for lane in lanes]
