"""Nested arguments: lists, tuples and dictionaries taken apart into leaves and put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class _Hole(NamedTuple):
    position: int


class Tree:
    """A value as its leaves, in order, and the nesting around them.

    An object with `named_parameters()` is a dictionary of its parameters by name; it
    `stands_alone`: it cannot be rebuilt around other leaves.

    >>> tree = Tree({"w": 1.0, "layers": [2.0, (3.0,)]})
    >>> tree.leaves
    [1.0, 2.0, 3.0]
    >>> tree.filled("abc")
    {'w': 'a', 'layers': ['b', ('c',)]}
    """

    def __init__(self, value: Any) -> None:
        self.leaves: list[Any] = []
        self.stands_alone = hasattr(value, "named_parameters")
        self._nesting = self._take(dict(value.named_parameters()) if self.stands_alone else value)

    def _take(self, value: Any) -> Any:
        if _is_nested(value):
            return _rebuilt(value, self._take)
        self.leaves.append(value)
        return _Hole(len(self.leaves) - 1)

    def filled(self, values: Sequence[Any]) -> Any:
        """The nesting with `values` in the places of the leaves."""
        return _fill(self._nesting, values)


def tree_map(change: Callable[[Any], Any], value: Any) -> Any:
    """`value` with every leaf changed.

    >>> tree_map(lambda x: 10 * x, [1, {"a": 2}])
    [10, {'a': 20}]
    """
    tree = Tree(value)
    return tree.filled([change(leaf) for leaf in tree.leaves])


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict)) and not isinstance(value, _Hole)


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: change(part) for key, part in value.items()}
    parts = [change(part) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _fill(nesting: Any, values: Sequence[Any]) -> Any:
    if isinstance(nesting, _Hole):
        return values[nesting.position]
    return _rebuilt(nesting, lambda part: _fill(part, values))
