"""Whose work a stretch of the computation is, so that pictures can be drawn module by module.

Nodes are numbered as they are created. A scope notes the number at which it begins, and leaves it with its owner at
its result: all that was recorded in between belongs to it. That costs a few assignments a module, and nothing an
operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from weakref import ref

import numpy as np

from autograd.core.node import next_order, observers
from autograd.core.tensor import TensorBase

_LISTS = (tuple, list)


class Owner(Protocol):
    """Whoever computes: a module."""

    def __scope__(self) -> tuple[str, str]:
        """Its path in what it is a part of, such as "layers.0", and what it is, such as "Linear(2, 3)"."""


class scope:  # noqa: N801
    """What is recorded inside, up to the result that is given to it, is the work of `owner`.

    Args:
        owner: the module.
        inputs: what it is called with.

    >>> import autograd
    >>> class Doubling:
    ...     def __scope__(self):
    ...         return "twice", "Doubling"
    >>> with autograd.scope(Doubling()) as result:
    ...     y = result(autograd.Tensor(3.0, requires_grad=True) * 2)
    >>> y._node.scope[0].__scope__()
    ('twice', 'Doubling')
    """

    __slots__ = ("_inputs", "_owner", "_start")

    def __init__(self, owner: Owner, *inputs: Any) -> None:
        self._owner, self._inputs, self._start = owner, inputs, _begin(owner)

    def __enter__(self) -> scope:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is held, so nothing is let go."""

    def __call__(self, output: Any) -> Any:
        """Give `output` back: a Tensor that was computed inside, or a tuple, list or dictionary with such in it."""
        return _marked(output, self._owner, self._start, self._inputs)

    @staticmethod
    def around(owner: Owner, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What `fn` gives, as the work of `owner`: a scope without an object for it."""
        start = _begin(owner) if observers else next_order()
        if kwargs:
            return _marked(fn(*args, **kwargs), owner, start, (*args, *kwargs.values()))
        return _marked(fn(*args), owner, start, args)


def _begin(owner: Owner) -> int:
    """The number at which the work of `owner` begins."""
    for observer in tuple(observers):
        if hasattr(observer, "entered"):
            observer.entered(owner)
    return next_order()


def _marked(output: Any, owner: Owner, start: int, inputs: Iterable[Any]) -> Any:
    """What was computed, with a note at each Tensor in it whose work it is, and since when."""
    if isinstance(output, TensorBase):
        node = output._node
        if node.order > start:  # else it was only handed through
            node.scope = owner, start, node.scope, _held(inputs)
    else:
        for part in output.values() if isinstance(output, dict) else output if type(output) in _LISTS else ():
            _marked(part, owner, start, inputs)
    return output


def _held(values: Iterable[Any]) -> list[Any]:
    """The nodes of Tensors in a nesting, and weak references to its arrays, which no graph keeps for a picture."""
    held: list[Any] = []
    for value in values:
        if isinstance(value, TensorBase):
            held.append(value._node)
        elif type(value) is np.ndarray:
            held.append(ref(value))
        elif type(value) in (tuple, list, dict):
            held += _held(value.values() if type(value) is dict else value)
    return held
