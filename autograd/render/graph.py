"""The graph behind a picture: its operations, the calls of modules that computed them, and what repeats."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple
from weakref import ref

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node, topological
from autograd.render.statements import MOST_TAKEN, Statements
from autograd.text import printable

# Above this many operations nobody looks for modules and repetitions: only the ends are drawn.
MOST_EXAMINED: Final = 20_000
LONGEST_BLOCK: Final = 96  # units that repeat together
FEWEST: Final = 3  # repetitions that are worth a frame
_MATCHED: Final = 0.6  # of the operations of a round, that its first one has too
_NEAR: Final = 96  # units: an operand further back is the same one for every repetition

Level = int | Literal["leaves"] | None


@dataclass(eq=False)
class Unit:
    """What becomes one card: a statement, or a call of a module.

    `nodes` in the order of the program; the last is the result. `around` is the call around it.
    """

    nodes: list[Node]
    call: Call | None = None
    around: Call | None = None

    @property
    def node(self) -> Node:
        """The result."""
        return self.nodes[-1]

    @property
    def parameters(self) -> list[Node]:
        """Those that its operations use, but not what a module is called with."""
        given = set(map(id, self.call.inputs if self.call is not None else ()))
        return [node for node in parameters(self.nodes) if id(node) not in given]


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
    inputs: Any = ()
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
            owner, since, mark, inputs = mark
            if running and since <= running[-1].since:  # it is running, or in another thread
                continue
            given = [one() if isinstance(one, ref) else one for one in inputs]
            path, caption = map(_shown, owner.__scope__())
            call = Call(owner, since, node.order, running[-1] if running else None, path, caption, given)
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
        named: the name that somebody gave a value, or "".
        kept: values that stay cards of their own.
        alone: whether each operation is a statement of its own.
        most_taken: operands of a statement that can be broken.
    """

    output: Node
    others: tuple[Node, ...] = ()
    named: Callable[[Any], str] = lambda value: ""
    kept: Container[Node] = ()
    alone: bool = False
    most_taken: int = MOST_TAKEN
    nodes: list[Node] = field(init=False)
    operations: list[Node] = field(init=False)
    _units: dict[Level, list[Unit]] = field(default_factory=dict, init=False)
    _repeated: dict[Level, list[Repeat]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.nodes = topological(self.outputs, constants=True)
        self.operations = [node for node in self.nodes if node.op is not None]

    @property
    def outputs(self) -> tuple[Node, ...]:
        """That whose gradients are shown, and the others."""
        return (self.output, *self.others)

    @cached_property
    def behind(self) -> set[Node]:
        """What the first output was computed from, and itself."""
        return {*topological((self.output,), constants=True)}

    @property
    def small(self) -> bool:
        """Whether it is small enough to be looked at operation by operation."""
        return len(self.operations) <= MOST_EXAMINED

    @cached_property
    def innermost(self) -> dict[Node, Call]:
        """The innermost call of each operation."""
        return _innermost(self.operations) if self.small else {}

    @cached_property
    def calls(self) -> dict[Any, int]:
        """How often each module was called."""
        every = {call: None for inner in self.innermost.values() for call in inner.chain}
        counts: dict[Any, int] = {}
        for call in every:
            counts[call.owner] = counts.get(call.owner, 0) + 1
        return counts

    @cached_property
    def levels(self) -> int:
        """How many levels of modules there are."""
        return max((len(call.chain) for call in set(self.innermost.values())), default=0)

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The shape of every value and of every array that an operation takes, each with a name for messages."""
        for node in self.nodes:
            name = str(node.get("name") or (node.op.name if node.op else "a Tensor"))
            yield name, node.shape
            yield from ((name, arg.shape) for arg in node.args or () if isinstance(arg, np.ndarray))

    def count_parameters(self, call: Call) -> int:
        """How many numbers a call's parameters have, each counted once."""
        inside = [node for node in self.operations if call.since < node.order <= call.until]
        return sum(node.size for node in Unit(inside, call).parameters)

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
            self._repeated[level] = repeats(self.units(level), self.named)
        return self._repeated[level]

    def count(self, level: Level, *, once: bool) -> int:
        """How many units are drawn at a level, if what repeats is drawn `once`."""
        saved = sum((repeat.count - 1) * repeat.period for repeat in self.repeated(level)) if once else 0
        return len(self.units(level)) - saved

    def _group(self, level: Level) -> list[Unit]:
        units: list[Unit] = []
        for node in self.operations:
            around = self.innermost.get(node)
            call = _collapsed(around, level)
            if call is not None:
                if units and units[-1].call is call:
                    units[-1].nodes.append(node)
                else:
                    units.append(Unit([node], call, call.parent))
            elif node in self.statements.of:
                units.append(Unit(self.statements.of[node], None, around))
        return units

    @cached_property
    def statements(self) -> Statements:
        """The operations by statement."""
        loops: list[list[list[Node | None]]] = []
        if not self.alone:
            steps = [Unit([node], None, self.innermost.get(node)) for node in self.operations]
            for block in repeats(steps, self.named):
                starts = range(block.start, block.stop, block.period)
                rounds: list[list[Node | None]]
                rounds = [[*self.operations[start : start + block.period]] for start in starts]
                before = self.operations[max(block.start - block.period, 0) : block.start]
                first = self.operations[block.start : block.start + block.period]
                loops.append([shorter, *rounds] if (shorter := matched(before, first)) else rounds)
        return Statements(self.operations, self.innermost, self.named, self.kept, loops, self.alone, self.most_taken)

    def owner(self, node: Node) -> Node:
        """The result of the statement that an operation belongs to."""
        return self.statements.owner.get(node, node) if self.small else node

    def rounds(self) -> Iterator[tuple[list[Node], Any]]:
        """What statements give that stand in a loop: the values of all rounds, and what the first one starts from."""
        units = self.units(None)
        for repeat in self.repeated(None):
            starts = _starts(units, repeat)
            for start in range(repeat.start, repeat.start + repeat.period):
                values = [units[place].node for place in range(start, repeat.stop, repeat.period)]
                yield values, starts.get(values[0])


def _starts(units: Sequence[Unit], repeat: Repeat) -> dict[Node, Any]:
    """What the first round takes in the place of what it gives to the next, by the latter."""
    middle = repeat.start + repeat.period
    given = {units[place].node for place in range(repeat.start, middle)}
    starts: dict[Node, Any] = {}
    for place in range(repeat.start, middle):
        first, second = units[place].nodes, units[place + repeat.period].nodes
        for early, later in zip(twins(first, second), second, strict=True):
            for position, arg in enumerate(later.args or ()):
                start = (early.args or ())[position] if early is not None else None
                computed = start is None or (type(start) is Node and start.op is not None)
                if type(arg) is Node and arg in given and not computed:
                    starts.setdefault(arg, start)
    return starts


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
    if len(call.chain) > level:
        return call.chain[-1 - level]
    return None if call.children else call  # a layer beside modules that have levels inside


# Repetition


def matched(before: Sequence[Node], later: Sequence[Node]) -> list[Node | None]:
    """Of each operation of a later round the one of the first round, which lacks what it computed without Tensors.

    The first round ends where `before` does; [] if that does not look like one.
    """
    found: list[Node | None] = [None] * len(later)
    pairs: dict[Node, Node] = {}
    at = len(before) - 1
    for place in range(len(later) - 1, -1, -1):
        if at >= 0 and before[at].op is later[place].op and before[at].shape == later[place].shape:
            found[place] = pairs[later[place]] = before[at]
            at -= 1
    if not later or found[-1] is None or len(pairs) < _MATCHED * len(later):
        return []
    for node, twin in pairs.items():
        inside = [(a, b) for a, b in zip(node.args or (), twin.args or (), strict=False) if type(a) is Node]
        if any(a in pairs and pairs[a] is not b for a, b in inside):
            return []
    return found


def twins(first: Sequence[Node], later: Sequence[Node]) -> Sequence[Node | None]:
    """Of each operation of a statement in a later round that of the first round, which may lack some."""
    return first if len(first) == len(later) else matched(first, later) or [None] * len(later)


def repeats(units: Sequence[Unit], named: Callable[[Node], str] = lambda node: "") -> list[Repeat]:
    """The stretches of units that repeat, in order; none overlaps another.

    What comes after one uses only what its last repetition gave: queries, keys and values are made alike, and
    are three things. The first round may take from elsewhere what the others take from the round before.
    """
    place = {node: position for position, unit in enumerate(units) for node in unit.nodes}
    signs = [tuple(_signature(unit, place)) for unit in units]
    known: dict[Any, int] = {}
    numbers = np.array([known.setdefault(sign, len(known)) for sign in signs], dtype=np.intp)
    search = _Search(units, signs, numbers, _last_uses(units, place), named)
    blocks: list[Repeat] = []
    pending = [(0, len(units))]
    while pending:
        start, stop = pending.pop()
        best = search.longest(start, stop)
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


@dataclass(frozen=True)
class _Search:
    """What is looked through for repetitions: units, what each has in common with others, as a number too."""

    units: Sequence[Unit]
    signs: Sequence[tuple[Any, ...]]
    numbers: Any
    until: Any
    named: Callable[[Node], str]

    def longest(self, start: int, stop: int) -> Repeat | None:
        """The repetition between two places that saves the most units."""
        part, best, saved = self.numbers[start:stop], None, 0
        for period in range(1, min(LONGEST_BLOCK, len(part) // FEWEST) + 1):
            equal = np.concatenate(([False], part[period:] == part[:-period], [False]))
            edges = np.flatnonzero(equal[1:] != equal[:-1])
            if not edges.size:
                continue
            lengths = edges[1::2] - edges[::2]
            place = int(np.argmax(lengths))
            length, first = int(lengths[place]) + period, int(edges[::2][place]) + start
            rounds = length // period
            if rounds >= FEWEST - 1 and rounds * period > saved:
                tried = self._aligned(first, length, period, start)
                if tried is not None and (tried.count - 1) * period > saved:
                    best, saved = tried, (tried.count - 1) * period
        return best

    def _aligned(self, first: int, length: int, period: int, least: int) -> Repeat | None:
        """The repetition that begins where a reader would begin it.

        That is where the fewest values are carried on, those that have a name at the end, then at a module, else at a
        use of a parameter. None if what comes after it uses more than its last repetition, wherever it begins.
        """
        units = self.units

        def preference(shift: int) -> tuple[int, ...]:
            end = first + shift + period
            carried = [place for place in range(end - period, end) if self.until[place] >= end]
            later = [place + ((length - shift) // period - 1) * period for place in carried]
            unnamed = sum(not self.named(units[place].node) for place in later)
            unit, before = units[first + shift], units[first + shift - 1] if first + shift else None
            began = unit.call is not None or (
                unit.around is not None and (before is None or before.around is not unit.around)
            )
            depth = len(unit.around.chain) if unit.around is not None else 0
            rank = max((node.ndim for node in parameters(unit.nodes)), default=-1)  # weights before biases
            sort = (rank >= 0 and began, rank > 1, rank >= 0, began, True).index(True)
            latest = 0 if unnamed else -max(later, default=0)
            return (len(carried), unnamed, latest, sort, depth, shift)

        for shift in sorted(range(period), key=preference):
            block = Repeat(first + shift, period, (length - shift) // period)
            if block.start - period >= least and self._begins(block):
                block = Repeat(block.start - period, period, block.count + 1)
            if block.count >= FEWEST and np.all(self.until[block.start : block.stop - period] < block.stop):
                return block
        return None

    def _begins(self, block: Repeat) -> bool:
        """Whether what stands before a block is its first round, and takes from elsewhere what is carried on later."""
        for place in range(block.start, block.start + block.period):
            unit, first = self.units[place], self.units[place - block.period]
            sign, before = self.signs[place], self.signs[place - block.period]
            if len(sign) != len(before):
                if unit.call or first.call or not matched(first.nodes, unit.nodes):
                    return False
                continue
            for ours, theirs in zip(sign, before, strict=True):
                carried = isinstance(ours, _Taken) and ours.back is not None and ours.back > place - block.start
                shape = theirs.shape if isinstance(theirs, _Taken) else () if isinstance(theirs, (int, float)) else None
                if ours != theirs and not (carried and isinstance(ours, _Taken) and ours.shape == shape):
                    return False
        return True


class _Taken(NamedTuple):
    """An operand in what two units have in common that do the same.

    Attributes:
        back: how many units back it was computed, if not long ago; `at` the place, if it was.
        leaf: whether it is a Tensor or an array that was not computed, and whether that requires grad.
    """

    shape: tuple[int, ...]
    back: int | None = None
    at: int = -1
    leaf: str = ""


def _signature(unit: Unit, place: Mapping[Node, int]) -> Iterator[Any]:
    """What two units have in common that do the same."""
    here = place[unit.node]
    yield unit.call.caption if unit.call is not None else unit.node.op.name
    yield unit.node.shape
    within = {node: position for position, node in enumerate(unit.nodes)}
    for node in unit.nodes:
        yield node.op.name
        indexing = "index" in node.op.operands
        for position, arg in enumerate(node.args or ()):
            if type(arg) is Node:
                shape = arg.shape
                if arg.op is None:
                    yield _Taken(shape, leaf="tensor" if arg.requires_grad else "constant")
                elif arg in within:
                    yield within[arg]
                else:
                    back = here - place[arg]
                    yield _Taken(shape, back) if back <= _NEAR else _Taken(shape, at=place[arg])
            elif isinstance(arg, (bool, int, float, str)) and not (indexing and position):
                yield arg
            elif isinstance(arg, np.ndarray) and not indexing:
                yield _Taken(np.shape(arg), leaf="array")
            else:
                yield type(arg).__name__
        yield tuple((key, str(value)) for key, value in node.kwargs.items())


def _shown(text: str) -> str:
    """A path or a caption, as a module gives it."""
    return printable(text, 80)
