"""Which vertices a picture has, how they are grouped, and which uses of one by another are edges.

A large graph is drawn with its modules as cards, with what repeats drawn once, or with its first and
last operations only. Nodes come in the order of the program, so that a stretch of them can become one vertex
without making a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, takewhile
from operator import attrgetter
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.core.op import Op
from autograd.notation.words import function_name
from autograd.render.graph import Graph
from autograd.render.operands import Argument, Operand, arguments, drawn_operands
from autograd.render.repetition import Repeat
from autograd.render.rounds import twins
from autograd.render.units import Call, Unit, innermost_common
from autograd.render.vertices import Group, Plan, Use, Vertex

MOST_LEAVES: Final = 8  # new ones of one operation
_LISTED: Final = 3  # sorts of operation that a fold names


class CollapsedGraph:
    """The vertices in the order of the program, and the uses of one by another; what was `folded` between two ends."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        """Choose the vertices: of a graph, as much as is planned."""
        self.vertices: list[Vertex] = []
        self.uses: list[Use] = []
        self.groups: list[Group] = []
        self.operations = len(graph.operations)
        self.whole = True
        self.folded: list[Node] = []
        self._by_operand: dict[int, Vertex] = {}
        self._middle: Vertex | None = None
        self._by_call: dict[tuple[Group | None, Call], Group] = {}
        if plan.ends is not None and len(graph.operations) > 2 * plan.ends and not graph.small:
            first, last = graph.operations[: plan.ends], graph.operations[-plan.ends :]
            self._fold_between([Unit([node]) for node in first], graph, [Unit([node]) for node in last])
            return
        units = graph.units(plan.level)
        if plan.ends is not None and len(units) > 2 * plan.ends:
            self._fold_between(units[: plan.ends], graph, units[-plan.ends :])
        else:
            self._add_all(units, graph.repeated(plan.level) if plan.repeats else [])

    def find(self, operand: Operand) -> Vertex | None:
        """The vertex of an operand, if there is one yet. A computed value without one lies in the fold."""
        return self._by_operand.get(id(operand)) or (self._middle if _is_computed(operand) else None)

    def replace(self, vertex: Vertex, symbol: str, base: Vertex | None = None) -> None:
        """Have formulas say `symbol` for a constant, which is not drawn but for what it was made of, if anything."""
        for user in vertex.users:
            for key in [key for key, tail in user.operands.items() if tail is vertex]:
                user.symbols[key] = symbol
                if base is None:
                    del user.operands[key]
                else:
                    user.operands[key] = base
        for use in [use for use in self.uses if use.tail is vertex]:
            if base is None or base in [one.tail for one in self.uses if one.head is use.head]:
                self.uses.remove(use)
            else:
                use.tail = base
                base.users.append(use.head)
        if base is not None:
            base.outside |= vertex.outside
            self._by_operand.update((key, base) for key, one in self._by_operand.items() if one is vertex)
            if self.vertices.index(base) > self.vertices.index(vertex):
                self.vertices.remove(base)
                self.vertices.insert(self.vertices.index(vertex), base)
        self.vertices.remove(vertex)

    # Vertices

    def _add_all(self, units: Sequence[Unit], repeated: Sequence[Repeat]) -> None:
        """Draw all units in order, of a repetition one round."""
        at = 0
        for repeat in repeated:
            self._add_units(units[at : repeat.start])
            self._add_repeat(units, repeat)
            at = repeat.stop
        self._add_units(units[at:])

    def _add_repeat(self, units: Sequence[Unit], repeat: Repeat) -> None:
        """Draw what repeats once: what enters is what the first round takes, what leaves is of the last one."""
        self.whole = False
        places = list(repeat.by_place(units))
        group = self._repeat_group([one[0] for one in places], [one[-1] for one in places], repeat)
        round_of = {
            id(units[place]): number for number, one in enumerate(repeat.rounds) for place in one if place is not None
        }
        # Of each value the place in its round, and the number of the round.
        own = {
            id(node): (place, round_of[id(unit)])
            for place, one in enumerate(places)
            for unit in one
            for node in unit.nodes
        }
        vertices = [Vertex(one[-1].node, one[-1].node, differentiable=True, unit=one[-1], rounds=one) for one in places]
        again: dict[tuple[Vertex, Vertex], None] = {}
        for vertex in vertices:
            first, *_, last = vertex.rounds
            taken = self._paired(first, last)
            entering = [x.operand for x, _ in taken if x is not None and id(x.operand) not in own]
            self._fold_many([operand for operand in entering if not self.find(operand)])
            for one, late in taken:
                early, carried = (None if x is None else own.get(id(x.operand)) for x in (one, late))
                tail: Vertex | None = None
                if late is not None and carried is not None and carried[1] == round_of[id(last)]:  # of the same round
                    tail = vertices[carried[0]]
                    self._connect(tail, vertex, late.node, late.position)
                    vertex.operands[id(late.operand)] = tail
                    continue
                if one is None and late is not None and carried is None:  # the first round lacks what takes it
                    one = late
                # A round that lacks what others compute took plain numbers for it, which do not enter.
                lacks = late is None or (carried is not None and round_of[id(first)] > 0)
                if one is not None and early is None and not (lacks and _is_plain(one.operand)):
                    tail = self._leaf(one.operand)
                    self._connect(tail, vertex, one.node, one.position)
                    tail.outside |= carried is not None or late is None or late.operand is one.operand
                if late is None:
                    continue
                if carried is not None:  # from a round before
                    tail = vertices[carried[0]]
                    again[tail, vertex] = None
                elif tail is not None:
                    for operand in self._in_rounds(vertex, late):
                        self._by_operand.setdefault(id(operand), tail)
                if tail is not None:
                    vertex.operands[id(late.operand)] = tail
            self._add(vertex, *(node for unit in vertex.rounds for node in unit.nodes))
            vertex.group = self._group(last.around, group)
            self._as_module(vertex)
        for tail, head in again:
            self._connect(tail, head, again=True)

    def _in_rounds(self, vertex: Vertex, late: Argument) -> Iterator[Operand]:
        """What all rounds take in the place of what the last one takes, if it was not computed."""
        whole = (unit for unit in vertex.rounds if len(unit.nodes) == len(vertex.rounds[-1].nodes))
        for places in zip(*map(self._taken, whole), strict=False):
            if places[-1].operand is late.operand:
                yield from (place.operand for place in places if not _is_computed(place.operand))

    def _fold_between(self, first: Sequence[Unit], graph: Graph, last: Sequence[Unit]) -> None:
        kept = {node for unit in (*first, *last) for node in unit.nodes}
        self.folded = between = [node for node in graph.operations if node not in kept]
        self.whole = False
        self._add_units(first)
        leaves = [node for node in graph.nodes if node.op is None]
        self._middle = self._fold(between, [node for unit in last for node in unit.nodes], leaves)
        if graph.small:
            calls = [graph.innermost.get(node) for node in between]
            self._middle.group = self._group(_common(calls), None)
        self._add_units(last)

    def _add(self, vertex: Vertex, *operands: Operand) -> Vertex:
        """Append the vertex that stands for `operands`."""
        self.vertices.append(vertex)
        self._by_operand.update((id(operand), vertex) for operand in operands)
        return vertex

    def _leaf(self, operand: Operand) -> Vertex:
        """The vertex of an operand that may be new."""
        if (vertex := self.find(operand)) is not None:
            return vertex
        if type(operand) is Node:
            return self._add(Vertex(operand, operand, differentiable=operand.requires_grad), operand)
        return self._add(Vertex(array=operand), operand)

    def _add_units(self, units: Sequence[Unit]) -> None:
        for unit in units:
            taken = self._taken(unit)
            self._fold_many([one.operand for one in taken if not self.find(one.operand)])
            vertex = Vertex(unit.node, unit.node, differentiable=True, unit=unit)
            for one in taken:
                vertex.operands[id(one.operand)] = self._leaf(one.operand)
            self._add(vertex, *unit.nodes)
            vertex.group = self._group(unit.around, None)
            for one in taken:
                self._connect(vertex.operands[id(one.operand)], vertex, one.node, one.position)
            self._as_module(vertex)

    def _taken(self, unit: Unit) -> list[Argument]:
        """What a unit takes: what goes into a module, but not what it has of its own; for each use once otherwise."""
        if unit.call is not None:
            return [Argument(unit.node, -1, operand) for operand in self._entering(unit, unit.call)]
        return list(arguments(unit.nodes))

    def _paired(self, first: Unit, last: Unit) -> list[tuple[Argument | None, Argument | None]]:
        """What a unit takes in its first round beside what it takes in the last, which may be more."""
        early, late = self._taken(first), self._taken(last)
        if first.call is not None:
            return list(zip(early, late, strict=False))
        later = dict(zip(twins(first.nodes, last.nodes), last.nodes, strict=True))
        by_place = {(one.node, one.position): one for one in late}
        pairs = [(one, by_place.pop((later.get(one.node, one.node), one.position), None)) for one in early]
        return [*pairs, *((None, one) for one in by_place.values())]

    @staticmethod
    def _as_module(vertex: Vertex) -> None:
        if (call := vertex.call) is not None:
            vertex.name, vertex.path, vertex.kind = call.caption, call.path, "layer"

    def _entering(self, unit: Unit, call: Call) -> list[Operand]:
        """What goes into a module: what it is called with, also where it computes with that in plain NumPy, and what
        was computed before it.
        """
        inside = set(unit.nodes)
        used = [arg for node in unit.nodes for arg in _values((node.args, *node.kwargs.values()))]
        known = set(map(id, used))
        entering = {id(given): given for given in call.inputs if id(given) in known or _is_constant(given)}
        for arg in used:
            if type(arg) is Node and arg.op is not None and arg not in inside:
                entering[id(arg)] = arg
        return list(entering.values())

    def _connect(
        self, tail: Vertex, head: Vertex, node: Node | None = None, position: int = 0, again: bool = False
    ) -> None:
        """Draw a use; a value that one operation uses twice has two edges, but a fold, a module, a statement one, and
        that of every round.
        """
        whole = head.unit is not None and (head.call or len(head.unit.nodes) > 1)
        single = tail.array is None or whole or (tail.rounds and not head.rounds)
        if single and not again and tail in self._drawn_uses(head):
            return
        self.uses.append(Use(tail, head, node, position, again))
        tail.users.append(head)

    def _drawn_uses(self, head: Vertex) -> list[Vertex]:
        """What a card that is being added uses so far."""
        latest = takewhile(lambda use: use.head is head, reversed(self.uses))
        return [use.tail for use in latest]

    # Groups

    def _group(self, call: Call | None, repeat: Group | None) -> Group | None:
        """The group of a call, and those around it; inside `repeat` unless that stands inside the call."""
        if call is None:
            return repeat
        if repeat is not None and repeat.parent and repeat.parent.call and call in repeat.parent.call.chain:
            return repeat
        key = (repeat, call)
        if key not in self._by_call:
            group = self._by_call[key] = Group(call)
            group.parent = self._group(call.parent, repeat)
            self.groups.append(group)
        return self._by_call[key]

    def _repeat_group(self, block: Sequence[Unit], last: Sequence[Unit], repeat: Repeat) -> Group:
        """The group of what repeats, inside the calls that all of it stands in."""
        common = _common([unit.around for unit in (*block, *last)])
        around = common.chain if common is not None else []
        group = Group(None, repeat.count, (_path(block, around), _path(last, around)), self._group(common, None))
        self.groups.append(group)
        return group

    # Folds

    def _fold_many(self, leaves: list[Operand]) -> None:
        """Of too many new operands of one operation, draw all but the first few as one fold."""
        distinct = list({id(operand): operand for operand in leaves}.values())
        if len(distinct) > MOST_LEAVES:
            kept = MOST_LEAVES // 2
            for operand in distinct[:kept]:
                self._leaf(operand)
            rest = distinct[kept:]
            differentiable = any(type(operand) is Node and operand.requires_grad for operand in rest)
            self._add(Vertex(kind="fold", name=f"… {len(rest):,} more", differentiable=differentiable), *rest)
            self.whole = False

    def _fold(self, operations: list[Node], after: list[Node], leaves: list[Node]) -> Vertex:
        """Draw `operations` as one vertex, with an edge from each one that they use, even if new `after`.

        There may be a million of them, so little here is a loop over them in Python.
        """
        later_operands = chain.from_iterable(drawn_operands(node).values() for node in after)
        later = list(islice((leaf for leaf in later_operands if not _is_computed(leaf)), MOST_LEAVES))
        shown = self._by_operand.keys() | set(map(id, later))
        leaves_by_id = {id(leaf): leaf for leaf in leaves if leaf.requires_grad and id(leaf) not in shown}
        args = chain.from_iterable(node.args for node in operations if node.args is not None)
        used = (shown | leaves_by_id.keys()).intersection(map(id, args))
        for operand in later:
            if id(operand) in used:
                self._leaf(operand)
        tails = [vertex for key, vertex in self._by_operand.items() if key in used]
        own = [leaf for key, leaf in leaves_by_id.items() if key in used]  # not those of modules that are drawn
        hidden = Counter(map(attrgetter("op"), operations))
        vertex = self._add(
            Vertex(
                kind="fold",
                name=f"… {len(operations):,} operations",
                differentiable=True,
                hidden=hidden,
                summary=_summary(hidden, len(own)),
            )
        )
        for tail in dict.fromkeys(tails):
            self._connect(tail, vertex)
        return vertex


def _common(calls: Iterable[Call | None]) -> Call | None:
    """The innermost call around all of these."""
    call: Call | None = innermost_common(call.chain if call is not None else [] for call in calls)
    return call


def _path(units: Sequence[Unit], around: Sequence[Call]) -> str:
    """Where a block stands: the path of its first module that is not around the other blocks too."""
    for unit in units:
        call = unit.call or unit.around
        inside = [one for one in (call.chain if call is not None else ()) if one not in around]
        if inside and inside[-1].path:
            return inside[-1].path
    return ""


def _is_plain(operand: Operand) -> bool:
    """Whether it is a number, or the zeros that a sum begins with."""
    return type(operand) is not Node and (np.ndim(operand) == 0 or not np.any(operand))


def _is_computed(operand: Operand) -> bool:
    return type(operand) is Node and operand.op is not None


def _is_constant(given: Any) -> bool:
    """Whether a module is called with an array, or a Tensor that needs no gradient."""
    if type(given) is Node:
        return given.op is None and not given.requires_grad and given.ndim > 0
    return isinstance(given, np.ndarray) and given.ndim > 0


def _values(value: Any) -> Iterator[Any]:
    """The nodes and arrays in a nesting of arguments."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _values(part)
    elif isinstance(value, Node) or (isinstance(value, np.ndarray) and value.ndim):
        yield value


def _summary(hidden: Counter[Op], parameters: int) -> tuple[str, ...]:
    """What a fold says: its most frequent operations, and its parameters."""
    counts: Counter[str] = Counter()
    for op, count in hidden.items():
        counts[function_name(op)] += count
    frequent = counts.most_common(_LISTED)  # ties stay in the order of the program
    lines = [f"{count:,} × {name}" for name, count in frequent]
    rest = counts.total() - sum(count for _, count in frequent)
    if rest:
        lines.append(f"{rest:,} others" if rest > 1 else "1 other")
    if parameters:
        lines.append(f"{parameters:,} parameters" if parameters > 1 else "1 parameter")
    return tuple(lines)
