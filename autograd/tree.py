"""Nested arguments: lists, tuples and dictionaries taken apart into leaves and put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Final, NamedTuple

from autograd.basis.arrays import ARRAYS, Proxy

_NESTED: Final = (list, tuple, dict)


class _Hole(NamedTuple):
    position: int


_ALONE: Final = _Hole(0)


class Tree:
    """A value as its leaves, in order, and the nesting around them.

    An object with `named_parameters()`, which `has_parameters`, is a dictionary of these by name; its method
    `with_parameters` makes another one around other leaves.

    >>> tree = Tree({"w": 1.0, "layers": [2.0, (3.0,)]})
    >>> tree.leaves
    [1.0, 2.0, 3.0]
    >>> tree.filled("abc")
    {'w': 'a', 'layers': ['b', ('c',)]}
    """

    def __init__(self, value: Any) -> None:
        self.leaves: list[Any] = []
        self.has_parameters = False
        if type(value) in ARRAYS or isinstance(value, Proxy):  # as most arguments and outputs are
            self.leaves.append(value)
            self._nesting: Any = _ALONE
        else:
            self.has_parameters = hasattr(value, "named_parameters")
            self._nesting = self._take(_parameters(value))

    def _take(self, value: Any) -> Any:
        if _is_nested(value):
            return _rebuilt(value, self._take)
        self.leaves.append(value)
        return _Hole(len(self.leaves) - 1)

    @property
    def nesting(self) -> str:
        """How the leaves are nested, comparable."""
        return repr(self._nesting)

    def filled(self, values: Sequence[Any]) -> Any:
        """The nesting with `values` in the places of the leaves."""
        return _fill(self._nesting, values)

    def matched(self, value: Any, name: str, like: str) -> list[Any]:
        """The leaves of `value` in the order of these; TypeError unless it is nested alike."""
        found: list[Any] = []
        if not _gather(self._nesting, _parameters(value), found):
            other = Tree(value)
            raise TypeError(f"{name} is nested as {other.filled('*' * len(other.leaves))}, and {like} as "
                            f"{self.filled('*' * len(self.leaves))}; nest them alike")  # fmt: skip
        return found


def tree_map(change: Callable[[Any], Any], value: Any) -> Any:
    """`value` with every leaf changed.

    >>> tree_map(lambda x: 10 * x, [1, {"a": 2}])
    [10, {'a': 20}]
    """
    tree = Tree(value)
    return tree.filled([change(leaf) for leaf in tree.leaves])


def _parameters(value: Any) -> Any:
    return dict(value.named_parameters()) if hasattr(value, "named_parameters") else value


def _gather(nesting: Any, value: Any, found: list[Any]) -> bool:
    """Put the leaves of `value` into `found`; whether it is nested as `nesting` is."""
    if type(nesting) is _Hole:
        found.append(value)
        return not _is_nested(value)
    if isinstance(nesting, dict):
        alike = isinstance(value, dict) and value.keys() == nesting.keys()
        return alike and all(_gather(part, value[key], found) for key, part in nesting.items())
    alike = isinstance(value, (list, tuple)) and len(value) == len(nesting)
    return alike and all(_gather(part, other, found) for part, other in zip(nesting, value, strict=True))


def _is_nested(value: Any) -> bool:
    return issubclass(kind := type(value), _NESTED) and kind is not _Hole


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        changed = {} if type(value) is dict else copy(value)
        changed.update((key, change(part)) for key, part in value.items())
        return changed
    parts = [change(part) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _fill(nesting: Any, values: Sequence[Any]) -> Any:
    if type(nesting) is _Hole:
        return values[nesting.position]
    return _rebuilt(nesting, lambda part: _fill(part, values))
