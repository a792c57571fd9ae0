"""Which operations of one round of a loop did the same as those of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from autograd.core.node import Node
from autograd.notation.written import place_of

MATCHED: Final = 0.6  # of the operations of a round, that its first one has too


def twins(first: Sequence[Node], later: Sequence[Node]) -> Sequence[Node | None]:
    """Of each operation of a statement in a later round that of an earlier one, which may lack some."""
    return first if len(first) == len(later) else matched(first, later, 0.0) or [None] * len(later)


def matched(
    before: Sequence[Node], later: Sequence[Node], least: float = MATCHED, size: Callable[[Any], Any] | None = None
) -> list[Node | None]:
    """Of each of the later operations that which did the same before, or None; from the results to what they took.

    [] if too little is alike, in operations and the `size` of their results.
    """
    size = size or shape
    found: list[Node | None] = [None] * len(later)
    inside, free = set(later), dict.fromkeys(reversed(before))
    wanted: dict[Node, Any] = {}  # what stands in the place of an operation, where one that takes it is known

    def like(one: Node, node: Node) -> bool:
        taken = [
            (a, b) for a, b in zip(node.args or (), one.args or (), strict=False) if type(a) is Node and a in inside
        ]
        # In the place of what a round computes may stand what the first one computed of plain numbers.
        return same(one, node, size) and all(
            type(b) is not Node or (same(a, b, size) if b in free else not b.requires_grad) for a, b in taken
        )

    for place in range(len(later) - 1, -1, -1):
        node = later[place]
        twin = wanted[node] if node in wanted else next((one for one in free if like(one, node)), None)
        if type(twin) is not Node or twin not in free:
            continue
        if not same(twin, node, size):
            return []
        found[place] = twin
        del free[twin]
        for arg, early in zip(node.args or (), twin.args or (), strict=False):
            if type(arg) is Node and arg in inside and wanted.setdefault(arg, early) is not early:
                return []
    pairs = [(twin, node) for twin, node in zip(found, later, strict=True) if twin is not None]
    return found if len(pairs) >= max(least * len(later), 1) or _written_once(pairs) else []


def _written_once(pairs: Sequence[tuple[Node, Node]]) -> bool:
    """Whether each two were computed by one instruction."""
    return bool(pairs) and all(place_of(one) == place_of(other) is not None for one, other in pairs)


def same(one: Node, other: Node, size: Callable[[Any], Any]) -> bool:
    """Whether two nodes are of one operation and of one size."""
    return one.op.fn is other.op.fn and size(one) == size(other)  # a first write is another record of it


def shape(value: Any) -> tuple[int, ...]:
    return getattr(value, "shape", ())


def dimensions(value: Any) -> int:
    return getattr(value, "ndim", 0)
