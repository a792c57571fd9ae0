"""Whose work a stretch of the computation is, so that pictures can be drawn module by module.

Nodes are numbered as they are made. Whoever runs a part of a program takes a number before, and
leaves it with its own name at the result: all that was recorded in between is its work. That is a few
assignments a call of a module, and nothing at all an operation.
"""

from __future__ import annotations

from typing import Any, Protocol

from autograd.core.node import next_order


class Owner(Protocol):
    """Whoever computes: a module."""

    def __scope__(self) -> tuple[str, str]:
        """Its place in what it is a part of, such as "layers.0", and what it is, such as "Linear(2, 3)"."""


def tick() -> int:
    """A number that all that is recorded from now on is above: where the work of an owner begins; see `credit`."""
    return next_order()


def credit(made: Any, owner: Owner, since: int) -> None:
    """What was recorded since then, up to `made`, is the work of `owner`.

    Args:
        made: a Tensor; or a tuple, list or dictionary of results. Anything else is left alone.
        owner: the module.
        since: what `tick()` gave before it began.

    >>> import autograd
    >>> class Doubling:
    ...     def __scope__(self):
    ...         return "twice", "Doubling"
    >>> since = autograd.tick()
    >>> y = autograd.Tensor(3.0, requires_grad=True) * 2
    >>> autograd.credit(y, Doubling(), since)
    >>> y._node.scope[0].__scope__()
    ('twice', 'Doubling')
    """
    try:
        node = made._node
    except AttributeError:
        parts = made.values() if isinstance(made, dict) else made if isinstance(made, (tuple, list)) else ()
        for part in parts:
            credit(part, owner, since)
        return
    if node.order > since:  # else it was only handed through
        node.scope = owner, since, node.scope


__all__ = ["Owner", "credit", "tick"]
