"""Which vertices a picture has, how they are grouped, and which uses of one by another are edges.

A large graph is drawn with its modules as cards, with what repeats drawn once, or with its first and
last operations only. Nodes come in the order of the program, so that a stretch of them can become one vertex
without making a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.core.op import Op
from autograd.notation.formulas import function_name
from autograd.render.diagram import Kind
from autograd.render.graph import Call, Graph, Level, Repeat, Unit, innermost_common
from autograd.render.style import Detail

MOST_LEAVES: Final = 8  # new ones of one operation
_LISTED: Final = 3  # sorts of operation that a fold names

# An operand that is drawn: the node of a Tensor, or a plain array. Each is known by its identity.
Operand = Any


@dataclass(frozen=True)
class Plan:
    """How much of a graph is drawn.

    Attributes:
        level: the level of modules that are one card each; see `Graph.units`.
        repeats: whether what repeats is drawn once.
        detail: what cards say: their numbers, norms in place of them, or only names and shapes.
        edge_labels: whether edges say what shapes and norms they carry.
        ends: how many units are drawn at each end, what lies between as one card; None for all.
    """

    level: Level = None
    repeats: bool = False
    ends: int | None = None
    detail: Detail = "numbers"
    edge_labels: bool = False


@dataclass(eq=False)
class Group:
    """Vertices in one frame: a call of a module, or what repeats `count` times."""

    call: Call | None
    count: int = 1
    paths: tuple[str, str] = ("", "")  # of the first and the last repetition
    parent: Group | None = None

    @property
    def chain(self) -> list[Group]:
        """This group and those that it stands in, innermost first."""
        chain = [self]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        return chain


@dataclass(eq=False)
class Vertex:
    """What becomes a card. `operands` are the vertices that an operation uses, by position.

    A fold has neither node nor array, but knows what it hides: how many operations of each record, and the
    names of their parameters; `summary` says so. The vertex of a module has its call through its unit.
    """

    node: Node | None = None
    array: Any = None
    operands: dict[int, Vertex] = field(default_factory=dict)
    users: list[Vertex] = field(default_factory=list)
    differentiable: bool = False
    summary: tuple[str, ...] = ()
    hidden: Counter[Op] = field(default_factory=Counter)
    kind: Kind = "operation"
    name: str = ""
    path: str = ""
    given: str = ""  # the name that somebody gave it
    unit: Unit | None = None
    group: Group | None = None

    @property
    def computed(self) -> bool:
        """Whether it is the result of operations."""
        return bool(self.hidden) or self.op is not None

    @property
    def op(self) -> Op | None:
        """The record of its operation, if it is a value that an operation computed."""
        return None if self.node is None else self.node.op

    @property
    def symbol(self) -> str:
        """What its value is called in a formula: that of a module has a name only if somebody gave it one."""
        if self.kind == "fold":
            return "…"
        return self.name if self.call is None else self.given or "…"

    @property
    def call(self) -> Call | None:
        """The call that it stands for."""
        return None if self.unit is None else self.unit.call


@dataclass(eq=False)
class Use:
    """An edge: `head` uses `tail`, as the operand at this position of the operation `node`, if it is one."""

    tail: Vertex
    head: Vertex
    node: Node | None = None
    position: int = 0


class CollapsedGraph:
    """The vertices in the order of the program, and the uses of one by another."""

    def __init__(self, graph: Graph, plan: Plan, named: Callable[[Any], bool] = lambda array: False) -> None:
        """Choose the vertices.

        Args:
            graph: what is drawn.
            plan: how much of it.
            named: whether the caller has a name for an array: what goes into a module under a name is drawn,
                what the module has of its own is not.
        """
        self.vertices: list[Vertex] = []
        self.uses: list[Use] = []
        self.groups: list[Group] = []
        self.operations = len(graph.operations)
        self.whole = True
        self._by_operand: dict[int, Vertex] = {}
        self._middle: Vertex | None = None
        self._named = named
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

    # Vertices

    def _add_all(self, units: Sequence[Unit], repeated: Sequence[Repeat]) -> None:
        """Draw all units in order, of a repetition the first round only: what uses a later round uses its vertices."""
        at = 0
        for repeat in repeated:
            self._add_units(units[at : repeat.start])
            block = units[repeat.start : repeat.start + repeat.period]
            last = units[repeat.stop - repeat.period : repeat.stop]
            vertices = self._add_units(block, self._repeat_group(block, last, repeat))
            for position in range(repeat.start + repeat.period, repeat.stop):
                for node in units[position].nodes:
                    self._by_operand[id(node)] = vertices[(position - repeat.start) % repeat.period]
                self.whole = False
            at = repeat.stop
        self._add_units(units[at:])

    def _fold_between(self, first: Sequence[Unit], graph: Graph, last: Sequence[Unit]) -> None:
        between = graph.operations[sum(len(u.nodes) for u in first) : -sum(len(u.nodes) for u in last)]
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
            return self._add(Vertex(operand, operand.value, differentiable=operand.requires_grad), operand)
        return self._add(Vertex(array=operand), operand)

    def _add_units(self, units: Sequence[Unit], repeat: Group | None = None) -> list[Vertex]:
        return [self._add_module(unit, repeat) if unit.call else self._add_operation(unit, repeat) for unit in units]

    def _add_operation(self, unit: Unit, repeat: Group | None) -> Vertex:
        node = unit.node
        used = {position: arg for position, arg in operands(unit).items() if arg is not None}
        self._fold_many([operand for operand in used.values() if not self.find(operand)])
        tails = {position: self._leaf(operand) for position, operand in used.items()}
        vertex = self._add(Vertex(node, node.value, tails, differentiable=True, unit=unit), *unit.nodes)
        vertex.group = self._group(unit.around, repeat)
        # Two uses of one value are two edges, but of a fold nobody knows which of its values.
        uses = list(tails.items())
        for place, (position, tail) in enumerate(uses):
            if tail.array is not None or all(tail is not other for _, other in uses[:place]):
                self._connect(tail, vertex, node, position)
        return vertex

    def _add_module(self, unit: Unit, repeat: Group | None) -> Vertex:
        """A call of a module as one vertex: what goes into it are edges, what it has of its own is not drawn."""
        call = unit.call
        assert call is not None
        tails = [self._leaf(operand) for operand in self._entering(unit, call)]
        vertex = Vertex(unit.node, unit.node.value, dict(enumerate(tails)), differentiable=True, unit=unit)
        vertex.name, vertex.path, vertex.kind = call.caption, call.path, "layer"
        self._add(vertex, *unit.nodes)
        vertex.group = self._group(unit.around, repeat)
        for tail in dict.fromkeys(tails):
            self._connect(tail, vertex)
        return vertex

    def _entering(self, unit: Unit, call: Call) -> list[Operand]:
        """What goes into a module: what there was before its call; of plain arrays, those with a name.

        Of arrays without one nobody knows whether the module holds them; its first must be its data if nothing
        else is, and a loss takes two.
        """
        inside, entering = set(unit.nodes), dict[int, Operand]()
        arrays: list[Operand] = []
        for node in unit.nodes:
            for arg in _drawn_operands(node).values():
                if type(arg) is not Node:
                    arrays.append(arg)
                elif arg.op is not None:
                    entering.update({id(arg): arg} if arg not in inside else {})
                elif not arg.requires_grad and arg.order < call.since:
                    entering[id(arg)] = arg
        guessed = 2 if np.size(unit.node.value) == 1 else 1
        for array in arrays:
            if self._named(array) or len(entering) < guessed:
                entering[id(array)] = array
        return list(entering.values())

    def _connect(self, tail: Vertex, head: Vertex, node: Node | None = None, position: int = 0) -> None:
        self.uses.append(Use(tail, head, node, position))
        tail.users.append(head)

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
        later_operands = chain.from_iterable(_drawn_operands(node).values() for node in after)
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


def _is_computed(operand: Operand) -> bool:
    return type(operand) is Node and operand.op is not None


def operands(unit: Unit) -> dict[int, Operand]:
    """What the operation of a unit uses, by position: of a write through a view, the value and the old array."""
    if len(unit.nodes) == 1:
        return _drawn_operands(unit.node)
    placed, chosen = unit.nodes
    old, value = (chosen.args or ())[2], (placed.args or ())[0]
    return {2: old if type(old) is Node or np.ndim(old) else None, 1: value if type(value) is Node else None}


def _drawn_operands(operation: Node) -> dict[int, Operand]:
    """The arguments of an operation that are vertices: Tensors and arrays, not numbers and indices."""
    op, args = operation.op, operation.args
    if op is None or args is None:
        return {}
    indexed = "index" in op.operands  # its arrays without a derivative say where, not what
    count = len(args) if op.variadic else len(op.operands)
    return {
        position: arg
        for position, arg in enumerate(args)
        if type(arg) is Node
        or (
            position < count
            and isinstance(arg, np.ndarray)
            and arg.ndim > 0
            and not (indexed and op.vjp[position] is None)
        )
    }


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
