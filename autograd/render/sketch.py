"""Which cards a picture has: every value of a small graph, the two ends of a large one.

A large graph keeps its first and last operations, and what lies between becomes one card. Nodes come
in the order of the program, so that a stretch of them can become one card without making a circle.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from typing import Any, Final

import numpy as np

from autograd.graph import Node
from autograd.render.expressions import function_name, tail

# Above this a picture is folded; a slide has room for the ends that are kept.
MOST_OPERATIONS: Final = 30
ENDS: Final = 3
MOST_LEAVES: Final = 8  # new ones of one operation
_SAID: Final = 3  # sorts of operation that a folded card names

_INDEXING: Final = frozenset(("getitem", "scatter"))  # their arrays say where, not what

# An operand that is drawn: the node of a Tensor, or a plain array. Each is known by its identity.
Operand = Any


@dataclass(eq=False)
class Item:
    """A card in the making. `operands` are the cards that an operation uses, by position.

    A folded card has neither node nor array, but a summary, and knows what it hides: how many operations
    of each name, and the names of their parameters.
    """

    node: Node | None = None
    array: Any = None
    operands: dict[int, Item] = field(default_factory=dict)
    users: list[Item] = field(default_factory=list)
    differentiable: bool = False
    summary: tuple[str, ...] = ()
    hidden: Counter[str] = field(default_factory=Counter)
    hidden_names: list[str] = field(default_factory=list)
    kind: Any = "operation"
    name: str = ""
    path: str = ""

    @property
    def computed(self) -> bool:
        """Whether operations made it."""
        return bool(self.hidden) or (self.node is not None and self.node.op is not None)


class Sketch:
    """The cards in the order of the program, and the uses of one by another."""

    def __init__(self, nodes: list[Node], most: int = MOST_OPERATIONS) -> None:
        """Choose the cards for `nodes`, which are all of a graph in the order of the program.

        With more than `most` operations, only the ends are drawn.
        """
        operations = [node for node in nodes if node.op is not None]
        self.items: list[Item] = []
        self.edges: list[tuple[Item, Item]] = []
        self.operations = len(operations)
        self._found: dict[int, Item] = {}
        self._middle: Item | None = None
        if self.operations <= most:
            self._draw(operations)
        else:
            leaves = [node for node in nodes if node.op is None]
            self._draw(operations[:ENDS])
            self._fold(operations[ENDS:-ENDS], operations[-ENDS:], leaves)
            self._draw(operations[-ENDS:])

    def find(self, operand: Operand) -> Item | None:
        """The card of an operand, if there is one yet. A computed value without one lies in the fold."""
        return self._found.get(id(operand)) or (self._middle if _is_computed(operand) else None)

    def _add(self, item: Item, *operands: Operand) -> Item:
        """Append the card that stands for `operands`."""
        self.items.append(item)
        self._found.update((id(operand), item) for operand in operands)
        return item

    def _leaf(self, operand: Operand) -> Item:
        """The card of an operand that may be new."""
        found = self.find(operand)
        if found is None:
            if type(operand) is Node:
                found = Item(operand, operand.value, differentiable=operand.requires_grad)
            else:
                found = Item(array=operand)
            self._add(found, operand)
        return found

    def _connect(self, source: Item, user: Item) -> None:
        self.edges.append((source, user))
        source.users.append(user)

    def _draw(self, operations: list[Node]) -> None:
        for node in operations:
            used = cards(node)
            self._crowd([operand for operand in used.values() if not self.find(operand)])
            operands = {position: self._leaf(operand) for position, operand in used.items()}
            item = self._add(Item(node, node.value, operands, differentiable=True), node)
            # Two uses of one value are two edges, but of a folded card nobody knows which of its values.
            uses = list(operands.values())
            for position, use in enumerate(uses):
                if use.array is not None or use not in uses[:position]:
                    self._connect(use, item)

    def _crowd(self, leaves: list[Operand]) -> None:
        """Of too many new operands of one operation, draw all but the first few as one card."""
        distinct = list({id(operand): operand for operand in leaves}.values())
        if len(distinct) > MOST_LEAVES:
            kept = MOST_LEAVES // 2
            for operand in distinct[:kept]:
                self._leaf(operand)
            rest = distinct[kept:]
            live = any(type(operand) is Node and operand.requires_grad for operand in rest)
            self._add(Item(kind="fold", name=f"… {len(rest):,} more", differentiable=live), *rest)

    def _fold(self, operations: list[Node], after: list[Node], leaves: list[Node]) -> None:
        """Draw `operations` as one card, with an edge from each card that they use, even if new `after`.

        There may be a million of them, so little here is a loop over them in Python.
        """
        operands = chain.from_iterable(cards(node).values() for node in after)
        later = list(islice((leaf for leaf in operands if not _is_computed(leaf)), MOST_LEAVES))
        shown = self._found.keys() | set(map(id, later))
        passed = chain.from_iterable(node.args for node in operations if node.args is not None)
        used = shown.intersection(map(id, passed))
        for operand in later:
            if id(operand) in used:
                self._leaf(operand)
        tails = [item for key, item in self._found.items() if key in used]
        own = [leaf for leaf in leaves if leaf.requires_grad and id(leaf) not in shown]
        counts = Counter(map(attrgetter("op"), operations))
        hidden: Counter[str] = Counter()
        for op, count in counts.items():
            hidden[op.name] += count
        self._middle = self._add(
            Item(
                kind="fold",
                name=f"… {len(operations):,} operations",
                differentiable=True,
                hidden=hidden,
                hidden_names=[leaf.note("name") for leaf in own if leaf.note("name")],
                summary=_summary(counts, len(own)),
            )
        )
        for item in dict.fromkeys(tails):
            self._connect(item, self._middle)


def _is_computed(operand: Operand) -> bool:
    return type(operand) is Node and operand.op is not None


def cards(operation: Node) -> dict[int, Operand]:
    """The arguments of an operation that are drawn as cards: Tensors and arrays, not numbers and indices."""
    op, args = operation.op, operation.args
    if op is None or args is None:
        return {}
    drawn = len(args) if op.variadic else 0 if tail(op.name) in _INDEXING else len(op.operands)
    return {
        position: arg
        for position, arg in enumerate(args)
        if type(arg) is Node or (position < drawn and isinstance(arg, np.ndarray) and arg.ndim > 0)
    }


def _summary(hidden: Counter[Any], parameters: int) -> tuple[str, ...]:
    """What a folded card says: its most frequent operations, and its parameters."""
    counts: Counter[str] = Counter()
    for op, count in hidden.items():
        counts[function_name(op)] += count
    said = counts.most_common(_SAID)  # ties stay in the order of the program
    lines = [f"{count:,} × {name}" for name, count in said]
    rest = counts.total() - sum(count for _, count in said)
    if rest:
        lines.append(f"{rest:,} others")
    if parameters:
        lines.append(f"{parameters:,} parameters" if parameters > 1 else "1 parameter")
    return tuple(lines)
