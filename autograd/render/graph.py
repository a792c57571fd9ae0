"""The graph behind a picture: its operations, the calls of modules that computed them, and what repeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node, topological
from autograd.render.operands import arguments
from autograd.render.repetition import FEWEST, LONGEST_BLOCK, Repeat, repeats
from autograd.render.rounds import twins
from autograd.render.statements import MOST_TAKEN, Statements
from autograd.render.units import Call, Level, Unit, call_at, innermost

# Above this many operations nobody looks for modules and repetitions: only the ends are drawn.
MOST_EXAMINED: Final = 20_000


@dataclass(eq=False)
class Graph:
    """What is behind an output. What takes long is computed once, for all pictures of it that are tried.

    Attributes:
        nodes: operations and leaves in the order of the program, those that need no gradient too.
        operations: those of them that were computed.
        named: the name that somebody gave a value, or "".
        held_by: that of a variable that still has it, or "": that of a function that has ended is not.
        single: what somebody gave a name of its own, and not as the entry of a list.
        kept: values that stay cards of their own.
        alone: whether each operation is a statement of its own.
        most_taken: operands of a statement that can be broken.
        held: what variables hold, though the outputs may not need it: what a loop assigned last.
    """

    output: Node
    others: tuple[Node, ...] = ()
    named: Callable[[Any], str] = lambda value: ""
    held_by: Callable[[Any], str] = lambda value: ""
    single: Container[Node] = ()
    kept: Container[Node] = ()
    alone: bool = False
    most_taken: int = MOST_TAKEN
    held: Sequence[Node] = ()
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
        return innermost(self.operations) if self.small else {}

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
            units = self.units(level)
            tried = (self._of_statements(loops) for loops in (self.loops, self._like)) if level is None else iter(())
            found = next((one for one in tried if one and self._are_ones(one, units)), None)
            found = repeats(units, self.held_by, self.single) if found is None else found
            self._repeated[level] = found
        return self._repeated[level]

    def _of_statements(self, loops: Sequence[Sequence[Sequence[Node | None]]]) -> list[Repeat] | None:
        """Loops by statement; None if a statement is in one and also outside."""
        units, found = self.units(None), []
        index = {node: place for place, unit in enumerate(units) for node in unit.nodes}
        for loop in loops:
            whole = [any(node in self.statements.of for node in places if node) for places in zip(*loop, strict=True)]
            rounds = tuple(
                tuple(None if node is None else index[node] for node, ends in zip(nodes, whole, strict=True) if ends)
                for nodes in loop
            )
            used = {place for places in rounds for place in places if place is not None}
            if not used:
                continue
            inside = {node for nodes in loop for node in nodes if node is not None}
            if len(used) != max(used) - min(used) + 1 or inside != {
                node for place in used for node in units[place].nodes
            }:
                return None
            found.append(Repeat(rounds))
        return found

    def _are_ones(self, repeats: Sequence[Repeat], units: Sequence[Unit]) -> bool:
        """Whether of each one round can stand for all."""
        inside = [{unit.node for one in repeat.by_place(units) for unit in one} for repeat in repeats]
        return all(
            self._is_one(repeat, units, own, set().union(*inside) - own)
            for repeat, own in zip(repeats, inside, strict=True)
        )

    def _is_one(self, repeat: Repeat, units: Sequence[Unit], inside: set[Node], elsewhere: set[Node]) -> bool:
        """Whether one round can stand for all: what comes after them uses the last one, or all of them at once."""
        ends = {units[place].node for place in repeat.rounds[-1] if place is not None}
        for one in repeat.by_place(units):
            outside = [{*map(self.owner, self.users[unit.node])} - inside for unit in one]
            last = outside.pop() if one[-1].node in ends else set()
            whole = [unit for unit in one if len(unit.nodes) == len(one[-1].nodes)]
            if (
                any(users != outside[0] or not users <= last - elsewhere for users in outside)
                or any(users and unit.node in self.single for unit, users in zip(one, outside, strict=False))
                or len({unit.node.shape for unit in one}) > 1
                or not _of_one_shape(whole)
            ):
                return False
        return repeat.count >= FEWEST

    @cached_property
    def users(self) -> Mapping[Node, list[Node]]:
        """The operations that use each value."""
        users: defaultdict[Node, list[Node]] = defaultdict(list)
        for node in self.operations:
            for arg in node.inputs:
                if arg is not None:
                    users[arg].append(node)
        return users

    def count(self, level: Level, *, once: bool) -> int:
        """How many units are drawn at a level, if what repeats is drawn `once`."""
        saved = sum(repeat.saved for repeat in self.repeated(level)) if once else 0
        return len(self.units(level)) - saved

    def _group(self, level: Level) -> list[Unit]:
        units: list[Unit] = []
        for node in self.operations:
            around = self.innermost.get(node)
            call = call_at(around, level)
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
        return Statements(
            self.operations,
            self.innermost,
            self.named,
            self.held_by,
            self.kept,
            self.loops,
            self.alone,
            self.most_taken,
        )

    @cached_property
    def loops(self) -> list[list[list[Node | None]]]:
        """The operations of each round of what was written once, and None for those that it lacks."""
        return self._drawn(self.whole_loops)

    @cached_property
    def _like(self) -> list[list[list[Node | None]]]:
        """Those whose rounds are of the same shapes."""
        return self._drawn(self._rounds(written=False))

    @cached_property
    def whole_loops(self) -> list[list[list[Node | None]]]:
        """The loops with what a last round computed that variables hold, and the outputs do not need."""
        return self._rounds(written=True)

    def _drawn(self, loops: Sequence[Sequence[Sequence[Node | None]]]) -> list[list[list[Node | None]]]:
        drawn = set(self.operations)
        rounds = [[[node if node in drawn else None for node in nodes] for nodes in loop] for loop in loops]
        return [[nodes for nodes in loop if any(nodes)] for loop in rounds]

    def _rounds(self, written: bool) -> list[list[list[Node | None]]]:
        if self.alone or not self.small:
            return []
        beyond = {node for held in self.held for node in self._beyond(held)}
        every = sorted({*self.operations, *beyond}, key=lambda node: node.order) if beyond else self.operations
        calls = innermost(every) if beyond else self.innermost
        found = repeats(
            [Unit([node], None, calls.get(node)) for node in every], self.held_by, self.single, written=written
        )
        return [
            [[None if place is None else every[place] for place in nodes] for nodes in repeat.rounds]
            for repeat in found
        ]

    def _beyond(self, held: Node) -> set[Node]:
        """What was computed for a value from values of the graph; nothing if that is much, or from none of them."""
        drawn, seen, reached = set(self.operations), set[Node](), False
        pending = [held]
        while pending and len(seen) < LONGEST_BLOCK:
            node = pending.pop()
            reached |= node in drawn
            if node.op is not None and node not in drawn and node not in seen:
                seen.add(node)
                pending += [arg for arg in node.inputs if arg is not None]
        return seen if reached and not pending else set()

    @cached_property
    def _other_ends(self) -> set[Node]:
        """What last rounds gave with which they went on otherwise: the output of a network is no hidden layer."""
        ends = set[Node]()
        for *_, whole, last in self.loops:
            lacking = {node for node, end in zip(whole, last, strict=True) if end is None}
            for node, end in zip(whole, last, strict=True):
                inside = {*self.users[node]}.intersection(whole) if node is not None else set()
                if end is not None and inside and inside <= lacking:
                    ends.add(end)
        return ends

    def owner(self, node: Node) -> Node:
        """The result of the statement that an operation belongs to."""
        return self.statements.owner.get(node, node) if self.small else node

    def rounds(self) -> Iterator[tuple[list[Node | None], Any]]:
        """What statements give that stand in a loop: the values of all rounds, and what the first one starts from."""
        units = self.units(None)
        for repeat in self._of_statements(self.loops) or self.repeated(None):
            starts = _starts(units, repeat)
            for places in zip(*repeat.rounds, strict=True):
                values = [None if place is None else units[place].node for place in places]
                if values[-1] not in self._other_ends:
                    yield values, starts.get(next(filter(None, values)))
                yield from (
                    (leaves, None) for leaves in _entering([units[place] for place in places if place is not None])
                )


def _of_one_shape(rounds: Sequence[Unit]) -> bool:
    """Whether what a statement takes has the same shape in all rounds, but for plain numbers."""
    known: dict[tuple[int, int], tuple[int, ...]] = {}
    for unit in rounds:
        places = {node: place for place, node in enumerate(unit.nodes)}
        for node, position, operand in arguments(unit.nodes):
            if known.setdefault((places[node], position), operand.shape) != operand.shape:
                return False
    return True


def _entering(rounds: Sequence[Unit]) -> Iterator[list[Any]]:
    """What a statement takes that was not computed, and is another thing in every round."""
    for places in zip(*(arguments(unit.nodes) for unit in rounds), strict=False):
        leaves = [place.operand for place in places]
        computed = any(type(leaf) is Node and leaf.op is not None for leaf in leaves)
        if not computed and len({*map(id, leaves)}) == len(rounds):
            yield leaves


def _starts(units: Sequence[Unit], repeat: Repeat) -> dict[Node, Any]:
    """What the first round takes in the place of what it gives to the next, by the latter."""
    rounds = list(repeat.by_place(units))
    given = {one[0].node for one in rounds}
    starts: dict[Node, Any] = {}
    for first, second, *_ in (one for one in rounds if one[1:]):
        for early, later in zip(twins(first.nodes, second.nodes), second.nodes, strict=True):
            for position, arg in enumerate(later.args or ()):
                start = (early.args or ())[position] if early is not None else None
                if type(arg) is Node and arg in given and start is not None:
                    starts.setdefault(arg, start)
    return starts
