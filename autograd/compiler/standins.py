"""What stands in for things while a step is recorded: random generators, gradients that tell who used them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import getattr_static
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.errors import source_line
from autograd.core.node import Node
from autograd.core.op import Op, operations
from autograd.core.tensor import wrap
from autograd.program.trace import Trace, Traced
from autograd.tree import Tree

tracing: ContextVar[bool] = ContextVar("tracing", default=False)


class GradientUse:
    """Which leaves' gradients from before the step it used, and which it put away first."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.used: set[Node] = set()
        self.cleared: set[Node] = set()

    def read(self, tensor: Tensor) -> Any:
        if tensor._node not in self.cleared:
            self.used.add(tensor._node)
        return _GRAD.fget(tensor)

    def write(self, tensor: Tensor, value: Any) -> None:
        _GRAD.fset(tensor, value)
        self.cleared.add(tensor._node)

    def backward(self, tensor: Tensor, *args: Any, **kwargs: Any) -> None:
        before = [(node, node.grad) for node in self.nodes if node not in self.cleared]
        _BACKWARD(tensor, *args, **kwargs)
        self.used.update(node for node, grad in before if node.grad is not grad)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have Tensors tell, in this thread."""
        cls: Any = Tensor
        cls.grad = property(
            lambda t: self.read(t) if tracing.get() else _GRAD.fget(t),
            lambda t, value: self.write(t, value) if tracing.get() else _GRAD.fset(t, value),
        )
        cls.zero_grad = lambda t: setattr(t, "grad", None)
        cls.backward = lambda t, *args, **kwargs: (self.backward if tracing.get() else _BACKWARD)(t, *args, **kwargs)
        try:
            yield
        finally:
            cls.grad, cls.zero_grad, cls.backward = _GRAD, _ZERO_GRAD, _BACKWARD


_GRAD, _ZERO_GRAD, _BACKWARD = (getattr_static(Tensor, name) for name in ("grad", "zero_grad", "backward"))


class _Draw:
    """A line that draws from a generator."""

    impure = True

    def __init__(self, generator: Any, method: str) -> None:
        self.generator = generator
        self._method = getattr(generator, method)
        self.__name__ = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **kwargs)


class Drawing:
    """Stands for a random generator: what it draws is drawn again in every replay."""

    def __init__(self, generator: Any, trace: Trace) -> None:
        self._generator, self._trace = generator, trace

    __class__ = property(lambda self: type(self._generator))  # what isinstance says in a replay

    def method(self, name: str) -> Any:
        """Stands for a bound method, `draw = rng.normal`."""
        return lambda *args, **kwargs: getattr(self, name)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._generator, name)
        if not callable(method) or name in ("shuffle", "spawn", "set_state", "get_state", "seed"):
            raise self._trace.refusal(
                f"{name} of a random generator inside a compiled step, {source_line()}: do it outside, or draw "
                "a permutation"
            )
        self._trace.changes = True
        return lambda *args, **kwargs: self._trace.call(_Draw(self._generator, name), args, kwargs)


@contextmanager
def through_dispatch() -> Iterator[None]:
    """Records call NumPy's functions with their dispatchers, which stand-ins need."""
    if not _UNWRAPPED:
        _UNWRAPPED.extend((op, op.forward) for op in operations() if op.forward is getattr(op.fn, "__wrapped__", None))
    for op, _ in _UNWRAPPED:
        op.forward = op.fn
    try:
        yield
    finally:
        for op, forward in _UNWRAPPED:
            op.forward = forward


_UNWRAPPED: list[tuple[Op, Any]] = []


def traced_of(leaf: Any) -> Traced | None:
    """The traced array that a value is, or that a Tensor holds."""
    value = leaf._node.value if isinstance(leaf, Tensor) else leaf
    return value if type(value) is Traced else None


def traced_or_array(value: Any) -> Any:
    """The array that a value from before the step is, or that a constant Tensor holds; None for others."""
    if isinstance(value, Tensor):
        return None if value.requires_grad else value._node.value
    return value if isinstance(value, (np.ndarray, np.number)) else None


def delivered(leaf: Any) -> Any:
    """A result of the recorded call as the caller gets it."""
    traced = traced_of(leaf)
    if traced is None:
        return leaf.copy() if type(leaf) is np.ndarray else leaf
    value = traced.value.copy()
    return wrap(Node(value)) if isinstance(leaf, Tensor) else value


def plain_nesting(value: Any) -> Any:
    """What the step made for itself, without anything traced."""
    if isinstance(value, (list, tuple, dict)):
        tree = Tree(value)
        if any(traced_of(leaf) is not None for leaf in tree.leaves):
            return tree.filled([delivered(leaf) if traced_of(leaf) is not None else leaf for leaf in tree.leaves])
    return delivered(value) if traced_of(value) is not None else value
