"""What a picture is made of: vertices, uses of one by another, groups, and the plan of how much is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd.core.node import Node
from autograd.core.op import Op
from autograd.render.diagram import Kind
from autograd.render.layout import Rows
from autograd.render.operands import Operand
from autograd.render.style import Detail
from autograd.render.units import Call, Level, Unit


@dataclass(frozen=True)
class Plan:
    """How much of a graph is drawn.

    Attributes:
        level: the level of modules that are one card each; see `Graph.units`.
        repeats: whether what repeats is drawn once.
        detail: what cards say: their numbers, norms in place of them, or only names and shapes.
        edge_labels: whether edges say what shapes and norms they carry.
        ends: how many units are drawn at each end, what lies between as one card; None for all.
        rows: "one"; "tidy", several that one line leads to; or "any".
        narrow: whether formulas have more and shorter lines.
        least: the size of text that it is for, compared to the least that can be read.
    """

    level: Level = None
    repeats: bool = False
    ends: int | None = None
    detail: Detail = "numbers"
    edge_labels: bool = False
    rows: Rows = "any"
    narrow: bool = False
    least: float = 1.0


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
    """What becomes a card. `array` is a constant or the node, and tells the shape; `operands` are the vertices that it
    uses, by the identity of what they stand for.

    Of what repeats and is drawn once it is the last of the `rounds`, with `symbols` for what differs in them, and for
    `numbers` that do, by operation and position.
    A fold has neither node nor array, but knows what it hides: how many operations of each record, and the
    names of their parameters; `summary` says so. The vertex of a module has its call through its unit.
    """

    node: Node | None = None
    array: Any = None
    operands: dict[int, Vertex] = field(default_factory=dict)
    symbols: dict[int, str] = field(default_factory=dict)
    numbers: dict[tuple[Node, int], Any] = field(default_factory=dict)
    users: list[Vertex] = field(default_factory=list)
    differentiable: bool = False
    summary: tuple[str, ...] = ()
    hidden: Counter[Op] = field(default_factory=Counter)
    kind: Kind = "operation"
    name: str = ""
    path: str = ""
    given: str = ""  # the name that somebody gave it
    outputs: list[str] = field(default_factory=list)  # those of what a module gave besides
    unit: Unit | None = None
    group: Group | None = None
    rounds: Sequence[Unit] = ()
    outside: bool = False  # it enters a loop once
    stopped: bool = False  # no gradient goes on here, though one could

    @property
    def value(self) -> Any:
        """The numbers; None where they were let go, and what they were computed from is no longer there."""
        try:
            return self.array if self.node is None else self.node.value
        except RuntimeError:
            return None

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

    def symbol_of(self, operand: Operand) -> str | None:
        """What an operand is called in its formula, if it is one."""
        tail = self.operands.get(id(operand))
        return self.symbols.get(id(operand)) or (tail.symbol if tail is not None else None)

    def index_name(self, array: Any) -> str:
        """What somebody calls an array that says where."""
        return self.symbols.get(id(array), "")

    @property
    def call(self) -> Call | None:
        """The call that it stands for."""
        return None if self.unit is None else self.unit.call


@dataclass(eq=False)
class Use:
    """An edge: `head` uses `tail`, as the operand at this position of the operation `node`, if that is one use.

    What a round of a loop uses `again`, from the round before, comes back from the end of the frame.
    """

    tail: Vertex
    head: Vertex
    node: Node | None = None
    position: int = 0
    again: bool = False
