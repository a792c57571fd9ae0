"""The graph behind a picture: its operations, the calls of modules that computed them, and what repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from autograd.core.node import Node, topological
from autograd.rules.index import scatter
from autograd.text import printable

# Above this many operations nobody looks for modules and repetitions: only the ends are drawn.
MOST_EXAMINED: Final = 20_000
LONGEST_BLOCK: Final = 96  # units that repeat together
FEWEST: Final = 3  # repetitions that are worth a frame
_NEAR: Final = 96  # units: an operand further back is the same one for every repetition

Level = int | Literal["leaves"] | None


@dataclass(eq=False)
class Unit:
    """What becomes one card: an operation, a call of a module, or a write and what it needs.

    `nodes` in the order of the program; the last is the result. `around` is the call around it.
    """

    nodes: list[Node]
    call: Call | None = None
    around: Call | None = None

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
class Call:
    """One call of a module: it recorded the nodes numbered from `since` to `until`.

    Modules leave their mark at their results (see `autograd.scopes`); what was recorded between the beginning of
    a call and its result is that call's work.
    """

    owner: Any
    since: int
    until: int
    parent: Call | None
    path: str
    caption: str
    children: list[Call] = field(default_factory=list)

    @property
    def chain(self) -> list[Call]:
        """This call and those that it is within, innermost first."""
        chain = [self]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        return chain


def _innermost(operations: Sequence[Node]) -> dict[Node, Call]:
    """The innermost call that each operation was recorded in.

    Read backwards: a result opens the calls that it came out of, which last until their beginning.
    """
    innermost: dict[Node, Call] = {}
    running: list[Call] = []  # each inside the one before
    for node in reversed(operations):
        while running and running[-1].since >= node.order:
            running.pop()
        mark = node.scope
        while mark is not None:  # the outer ones first
            owner, since, mark = mark
            if running and since <= running[-1].since:  # it is running, or in another thread
                continue
            path, caption = map(_shown, owner.__scope__())
            call = Call(owner, since, node.order, running[-1] if running else None, path, caption)
            if call.parent is not None:
                call.parent.children.append(call)
            running.append(call)
        if running:
            innermost[node] = running[-1]
    return innermost


@dataclass(eq=False)
class Graph:
    """What is behind an output. What takes long is computed once, for all pictures of it that are tried.

    Attributes:
        nodes: operations and leaves in the order of the program, those that need no gradient too.
        operations: those of them that were computed.
    """

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
        return len(self.operations) <= MOST_EXAMINED

    @cached_property
    def innermost(self) -> dict[Node, Call]:
        """The innermost call of each operation."""
        return _innermost(self.operations) if self.small else {}

    @cached_property
    def levels(self) -> int:
        """How many levels of modules there are."""
        return max((len(call.chain) for call in set(self.innermost.values())), default=0)

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The shape of every value and of every array that an operation takes, each with a name for messages."""
        for node in self.nodes:
            name = str(node.get("name") or (node.op.name if node.op else "a Tensor"))
            for array in (node.value, *(arg for arg in node.args or () if isinstance(arg, np.ndarray))):
                yield name, np.shape(array)

    def count_parameters(self, call: Call) -> int:
        """How many numbers a call's parameters have, each counted once."""
        return sum(
            np.size(node.value) for node in parameters(n for n in self.operations if call.since < n.order <= call.until)
        )

    def units(self, level: Level) -> list[Unit]:
        """What is drawn where calls at this level and below are one card each.

        Args:
            level: 0 for the outermost calls; "leaves" for those that call no others; None for no call.
        """
        if level not in self._units:
            self._units[level] = self._group(level)
        return self._units[level]

    def repeated(self, level: Level) -> list[Repeat]:
        """What repeats among the units of a level."""
        if level not in self._repeated:
            self._repeated[level] = repeats(self.units(level))
        return self._repeated[level]

    def count(self, level: Level, *, once: bool) -> int:
        """How many units are drawn at a level, if what repeats is drawn `once`."""
        saved = sum((repeat.count - 1) * repeat.period for repeat in self.repeated(level)) if once else 0
        return len(self.units(level)) - saved

    def _group(self, level: Level) -> list[Unit]:
        units: list[Unit] = []
        placed = set(self._writes.values())
        for node in self.operations:
            around = self.innermost.get(node)
            call = _collapsed(around, level)
            if call is not None:
                if units and units[-1].call is call:
                    units[-1].nodes.append(node)
                else:
                    units.append(Unit([node], call, call.parent))
            elif node in self._writes:
                units.append(Unit([self._writes[node], node], None, around))
            elif node not in placed:
                units.append(Unit([node], None, around))
        return units

    @cached_property
    def _writes(self) -> dict[Node, Node]:
        """Of each write through a view, the step before it that places the new value.

        Such a write is recorded as that step, into an array of the owner's shape, and a choice between its result
        and the old values; both are one card.
        """
        uses = Counter(arg for node in self.operations for arg in node.args or () if type(arg) is Node)
        return {
            node: placed
            for node in self.operations
            if (placed := _placed(node)) is not None and uses[placed] == 1
            and self.innermost.get(placed) is self.innermost.get(node)
        }  # fmt: skip


def parameters(nodes: Iterable[Node]) -> list[Node]:
    """The leaves that require a gradient among the operands of operations, each once."""
    operands = dict.fromkeys(arg for node in nodes for arg in node.args or () if type(arg) is Node)
    return [arg for arg in operands if arg.op is None and arg.requires_grad]


def innermost_common(chains: Iterable[Sequence[Any]]) -> Any:
    """The first of one chain that is in all of them, or None: of calls, or of groups of vertices."""
    first, *others = chains
    return next((one for one in first if all(one in chain for chain in others)), None)


def _collapsed(call: Call | None, level: Level) -> Call | None:
    """The outermost call around an operation that is drawn as one card, by the innermost."""
    if call is None or level is None:
        return None
    if level == "leaves":
        return None if call.children else call
    return call.chain[-1 - level] if len(call.chain) > level else None


def _placed(node: Node) -> Node | None:
    """Of a write through a view, the step that places the new value."""
    args = node.args
    if not args or node.op.fn is not np.where or len(args) != 3 or not isinstance(args[0], np.ndarray):
        return None
    placed, old = args[1], args[2]
    if type(placed) is not Node or placed.op is None or placed.op.fn is not scatter:
        return None
    return placed if np.shape(getattr(old, "value", old)) == np.shape(placed.value) else None


# Repetition


def repeats(units: Sequence[Unit]) -> list[Repeat]:
    """The stretches of units that repeat, in order; none overlaps another.

    What comes after one uses only what its last repetition gave: queries, keys and values are made alike, and
    are three things.
    """
    place = {node: position for position, unit in enumerate(units) for node in unit.nodes}
    signs, until = _signatures(units, place), _last_uses(units, place)
    blocks: list[Repeat] = []
    pending = [(0, len(units))]
    while pending:
        start, stop = pending.pop()
        best = _longest(signs, until, start, stop, units)
        if best is not None:
            blocks.append(best)
            pending += [(start, best.start), (best.stop, stop)]
    return sorted(blocks, key=lambda repeat: repeat.start)


def _last_uses(units: Sequence[Unit], place: Mapping[Node, int]) -> Any:
    """For each unit the place of the last one that uses what it gave."""
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

    def preference(shift: int) -> tuple[int, int, int]:
        unit, before = units[first + shift], units[first + shift - 1] if first + shift else None
        began = unit.call is not None or (
            unit.around is not None and (before is None or before.around is not unit.around)
        )
        depth = len(unit.around.chain) if unit.around is not None else 0
        rank = max((np.ndim(node.value) for node in parameters(unit.nodes)), default=-1)  # weights before biases
        sort = (rank >= 0 and began, rank > 1, rank >= 0, began, True).index(True)
        return (sort, depth, shift)

    for shift in sorted(range(period), key=preference):
        block = Repeat(first + shift, period, (length - shift) // period)
        if block.count >= FEWEST and np.all(until[block.start : block.stop - period] < block.stop):
            return block
    return None


def _signatures(units: Sequence[Unit], place: Mapping[Node, int]) -> Any:
    """A number for each unit; equal where two do the same with operands that lie equally far back."""
    known: dict[Any, int] = {}
    numbers = [known.setdefault(tuple(_signature(unit, place)), len(known)) for unit in units]
    return np.array(numbers, dtype=np.intp)


def _signature(unit: Unit, place: Mapping[Node, int]) -> Iterator[Any]:
    """What two units have in common that do the same."""
    here = place[unit.node]
    yield unit.call.caption if unit.call is not None else unit.node.op.name
    yield np.shape(unit.node.value)
    for node in unit.nodes:
        indexing = "index" in node.op.operands
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


def _shown(text: str) -> str:
    """A path or a caption, as a module gives it."""
    return printable(text, 80)
