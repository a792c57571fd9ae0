"""What there is to draw: the operations of a graph, grouped by module, and what repeats in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from autograd.core.node import Node, topological
from autograd.notation.expressions import tail
from autograd.render.calls import Call, calls, homes

# Above this many operations nobody looks for modules and repetitions: only the ends are drawn.
MOST_SURVEYED: Final = 20_000
LONGEST_BLOCK: Final = 96  # units that repeat together
FEWEST: Final = 3  # repetitions that are worth a frame
_NEAR: Final = 96  # units: an operand further back is the same one for every repetition

Level = int | Literal["leaves"] | None


@dataclass(eq=False)
class Unit:
    """What becomes one card: an operation, a call of a module, or a write and what it needs.

    `nodes` in the order of the program; the last is the result. `home` is the call around it.
    """

    nodes: list[Node]
    call: Call | None = None
    home: Call | None = None

    @property
    def node(self) -> Node:
        """The result."""
        return self.nodes[-1]


@dataclass(frozen=True)
class Repeat:
    """The units from `start`, `period` of them `count` times over."""

    start: int
    period: int
    count: int

    @property
    def stop(self) -> int:
        return self.start + self.period * self.count


@dataclass(eq=False)
class Survey:
    """A graph, looked over once for all pictures of it that are tried."""

    output: Node
    nodes: list[Node] = field(init=False)
    operations: list[Node] = field(init=False)
    _units: dict[Level, list[Unit]] = field(default_factory=dict, init=False)
    _repeated: dict[Level, list[Repeat]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.nodes = topological((self.output,), constants=True)
        self.operations = [node for node in self.nodes if node.op is not None]

    @property
    def small(self) -> bool:
        """Whether it is small enough to be looked at operation by operation."""
        return len(self.operations) <= MOST_SURVEYED

    @cached_property
    def calls(self) -> list[Call]:
        """The calls of modules in it."""
        return calls(self.operations) if self.small else []

    @cached_property
    def homes(self) -> dict[Node, Call]:
        """The innermost call of each operation."""
        return homes(self.operations, self.calls)

    @cached_property
    def deepest(self) -> int:
        """How many levels of modules there are."""
        return max((call.depth + 1 for call in self.calls), default=0)

    def parameters(self, call: Call) -> int:
        """How many numbers a call's parameters have, each counted once."""
        own = [node for node in self.operations if call.since < node.order <= call.until]
        args = {arg for node in own for arg in node.args or () if type(arg) is Node}
        return sum(np.size(arg.value) for arg in args if arg.op is None and arg.requires_grad)

    def units(self, level: Level) -> list[Unit]:
        """What is drawn at a level; see `grouped`. Found once."""
        if level not in self._units:
            self._units[level] = self.grouped(level)
        return self._units[level]

    def repeated(self, level: Level) -> list[Repeat]:
        """What repeats among the units of a level. Found once."""
        if level not in self._repeated:
            self._repeated[level] = repeats(self.units(level))
        return self._repeated[level]

    def shown(self, level: Level, *, once: bool) -> int:
        """How many units are drawn at a level, if what repeats is drawn `once`."""
        saved = sum((repeat.count - 1) * repeat.period for repeat in self.repeated(level)) if once else 0
        return len(self.units(level)) - saved

    def grouped(self, level: Level) -> list[Unit]:
        """What is drawn where calls at this level and below are one card each.

        Args:
            level: 0 for the outermost calls; "leaves" for those that call no others; None for no call.
        """
        written = self._writes
        found: list[Unit] = []
        for node in self.operations:
            home = self.homes.get(node)
            call = _collapsed(home, level)
            if call is not None:
                if found and found[-1].call is call:
                    found[-1].nodes.append(node)
                else:
                    found.append(Unit([node], call, call.parent))
            elif node not in written:
                found.append(Unit([node], None, home))
        return [self._with_write(unit) for unit in found]

    def _with_write(self, unit: Unit) -> Unit:
        back = _written_back(unit.node) if unit.call is None else None
        if back is not None and back in self._writes:
            unit.nodes.insert(0, back)
        return unit

    @cached_property
    def _writes(self) -> dict[Node, Node]:
        """The steps that only place a written value into an array of the owner's shape, by their node.

        A write through a view is recorded as such a step and a choice between its result and the old
        values; both are one card.
        """
        used: dict[Node, int] = {}
        for node in self.operations:
            for arg in node.args or ():
                if type(arg) is Node:
                    used[arg] = used.get(arg, 0) + 1
        return {
            back: node
            for node in self.operations
            if (back := _written_back(node)) is not None and used.get(back) == 1
            and self.homes.get(back) is self.homes.get(node)
        }  # fmt: skip


def _collapsed(home: Call | None, level: Level) -> Call | None:
    """The outermost call around `home` that is drawn as one card."""
    if home is None or level is None:
        return None
    above = home.above
    if level == "leaves":
        return None if home.children else home
    return above[-1 - level] if len(above) > level else None


def _written_back(node: Node) -> Node | None:
    """Of a write through a view, the step that places the new value."""
    args = node.args
    if not args or tail(node.op.name) != "where" or not isinstance(args[0], np.ndarray) or len(args) != 3:
        return None
    back, old = args[1], args[2]
    if type(back) is not Node or back.op is None or tail(back.op.name) != "scatter":
        return None
    return back if np.shape(getattr(old, "value", old)) == np.shape(back.value) else None


# Repetition


def repeats(units: Sequence[Unit]) -> list[Repeat]:
    """The stretches of units that repeat, in order; none overlaps another.

    What comes after one uses only what its last repetition gave: queries, keys and values are made alike, and
    are three things.
    """
    signs, until = np.array(_signatures(units), dtype=np.intp), _last_uses(units)
    found: list[Repeat] = []
    pending = [(0, len(units))]
    while pending:
        start, stop = pending.pop()
        best = _longest(signs, until, start, stop, units)
        if best is not None:
            found.append(best)
            pending += [(start, best.start), (best.stop, stop)]
    return sorted(found, key=lambda repeat: repeat.start)


def _last_uses(units: Sequence[Unit]) -> Any:
    """For each unit the place of the last one that uses what it gave."""
    place = {node: position for position, unit in enumerate(units) for node in unit.nodes}
    last = np.arange(len(units))
    for node, position in place.items():
        for arg in node.args or ():
            if type(arg) is Node and arg in place:
                last[place[arg]] = max(last[place[arg]], position)
    return last


def _longest(signs: Any, until: Any, start: int, stop: int, units: Sequence[Unit]) -> Repeat | None:
    """The repetition between two places that saves the most units."""
    part, best, saved = signs[start:stop], None, 0
    for period in range(1, min(LONGEST_BLOCK, len(part) // FEWEST) + 1):
        equal = np.concatenate(([False], part[period:] == part[:-period], [False]))
        edges = np.flatnonzero(equal[1:] != equal[:-1])
        if not edges.size:
            continue
        lengths = edges[1::2] - edges[::2]
        place = int(np.argmax(lengths))
        length, first = int(lengths[place]) + period, int(edges[::2][place]) + start
        if length // period >= FEWEST and (length // period - 1) * period > saved:
            tried = _aligned(units, until, first, length, period)
            if tried is not None and (tried.count - 1) * period > saved:
                best, saved = tried, (tried.count - 1) * period
    return best


def _aligned(units: Sequence[Unit], until: Any, first: int, length: int, period: int) -> Repeat | None:
    """The repetition that begins where a reader would begin it: at a module, else at a use of a parameter.

    None if what comes after it uses more than its last repetition, wherever it begins.
    """

    def cost(shift: int) -> tuple[int, int, int]:
        unit, before = units[first + shift], units[first + shift - 1] if first + shift else None
        began = unit.call is not None or (unit.home is not None and (before is None or before.home is not unit.home))
        depth = len(unit.home.above) if unit.home is not None else 0
        args = [arg for node in unit.nodes for arg in node.args or () if type(arg) is Node and arg.op is None]
        rank = max((np.ndim(arg.value) for arg in args if arg.requires_grad), default=-1)  # weights before biases
        parametric = rank >= 0
        sort = 0 if parametric and began else 1 if rank > 1 else 2 if parametric else 3 if began else 4
        return (sort, depth, shift)

    for shift in sorted(range(period), key=cost):
        found = Repeat(first + shift, period, (length - shift) // period)
        if found.count >= FEWEST and np.all(until[found.start : found.stop - period] < found.stop):
            return found
    return None


def _signatures(units: Sequence[Unit]) -> list[int]:
    """A number for each unit; equal where two do the same with operands that lie equally far back."""
    place = {node: position for position, unit in enumerate(units) for node in unit.nodes}
    known: dict[Any, int] = {}
    return [known.setdefault(tuple(_signature(unit, place)), len(known)) for unit in units]


def _signature(unit: Unit, place: dict[Node, int]) -> Iterator[Any]:
    here = place[unit.node]
    yield unit.call.caption if unit.call is not None else unit.node.op.name
    yield np.shape(unit.node.value)
    for node in unit.nodes:
        indexing = tail(node.op.name) in ("getitem", "scatter", "put")
        for position, arg in enumerate(node.args or ()):
            if type(arg) is Node:
                if arg.op is None:
                    yield ("leaf", arg.requires_grad, np.shape(arg.value))
                elif place[arg] != here:
                    back = here - place[arg]
                    yield ("back", back) if back <= _NEAR else ("at", place[arg])
            elif isinstance(arg, (bool, int, float, str)) and not (indexing and position):
                yield arg
            else:
                yield (type(arg).__name__, np.shape(arg) if isinstance(arg, np.ndarray) else ())
        yield tuple((key, str(value)) for key, value in node.kwargs.items())
