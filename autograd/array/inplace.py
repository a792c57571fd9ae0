"""Writing in place, with NumPy's meaning and without mutation.

Nothing that was recorded ever changes: a Tensor that is written to stands for a new node from then on. What
NumPy's memory does for arrays, links between Tensors do here: a view knows what it is a view of, so
a write goes down to the owner of the data and up again to all of its other views.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any
from weakref import ref

import numpy as np

from autograd.core.node import Node, enable_grad, recording
from autograd.core.op import Op, describe, gathered, holds_tensor, plain
from autograd.rules.write import put

# How a Tensor looks at another one's data: that Tensor, the operation, its other arguments, its options.
View = tuple[Any, Op, tuple[Any, ...], Mapping[str, Any]]


class Keep:
    """A hook that puts the gradient of a node into its `.grad`; it stays with a Tensor that is written to."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __call__(self, g: Any) -> None:
        self._node.grad = g.copy()


def _move(tensor: Any, new: Node) -> None:
    """Let a Tensor stand for another node."""
    old, tensor._node = tensor._node, new
    if old.hooks and new.requires_grad and any(isinstance(hook, Keep) for hook in old.hooks):
        old.hooks[:] = [hook for hook in old.hooks if not isinstance(hook, Keep)]
        new.hooks = [*(new.hooks or ()), Keep(new)]


def link_view(made: Any, source: Any, op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Remember that `made`, which is `op` of `source` and other arguments, shares its memory, if it does."""
    base, data = made._node.value.base, source._node.value
    if base is not data and (base is not data.base or isinstance(data, np.generic)):  # a number has no memory
        return
    made._view = (source, op, args, kwargs)
    views = source._views
    if views is None:
        source._views = [ref(made)]
        return
    views.append(ref(made))
    count = len(views)
    if not (count & 15 or count & (count - 1)):  # at powers of two, forget those that died
        views[:] = [view for view in views if view() is not None]


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The method for `t += v`, from the function for `t + v`."""

    def method(self: Any, other: Any) -> Any:
        result = function(self, other)
        scalar = issubclass(type(self._node.value), np.generic)  # NumPy's scalars do not change: the name moves on
        return result if scalar else self._write(result)

    return method


class Writing:
    """`t[i] = v`, `t += v` and their kin."""

    __slots__ = ()
    _node: Node
    _collects = True  # as a leaf it collects a `.grad`, which writing would lose

    __iadd__, __isub__ = _in_place(operator.add), _in_place(operator.sub)
    __imul__, __itruediv__ = _in_place(operator.mul), _in_place(operator.truediv)
    __ipow__, __imatmul__ = _in_place(operator.pow), _in_place(operator.matmul)
    __imod__, __ifloordiv__ = _in_place(operator.mod), _in_place(operator.floordiv)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = np.zeros(0, np.intp) if type(index) is list and not index else plain(index)
        self._write(put(self, index, gathered(value) if holds_tensor(value) else value))

    def _write(self, new: Any) -> Any:
        """Stand for `new`, and let everything that shares this memory follow."""
        new = self._fitted(new)
        owner: Any = self
        while owner._view is not None:
            new = _written_through(owner._view, new)
            owner = owner._view[0]
        node = owner._node
        computed = node.op is not None or not owner._collects
        if node.requires_grad and computed and not recording.get():
            raise RuntimeError(
                f"writing to {describe(owner)} inside no_grad() would cut its graph; write to detach(), or outside"
            )
        if node.requires_grad and not computed:
            if recording.get():
                raise RuntimeError(
                    f"{describe(owner)} is a leaf that requires grad, and its graph would be lost by writing "
                    "to it; update parameters inside no_grad(), or compute a new Tensor"
                )
            owner._move_to(plain(new))
            return self
        _move(owner, _node_of(new))
        refresh(owner)
        return self

    def _fitted(self, new: Any) -> Any:
        """`new` in the shape and dtype of this Tensor; ValueError or TypeError as NumPy says it."""
        old = self._node.value
        if np.shape(new) != old.shape:
            raise ValueError(f"a result of shape {np.shape(new)} does not fit into {describe(self)}")
        if new.dtype == old.dtype:
            return new
        if not np.can_cast(new.dtype, old.dtype, "same_kind"):
            raise TypeError(f"{new.dtype} does not fit into {describe(self)} of {old.dtype}; use astype first")
        return new.astype(old.dtype)


def _node_of(value: Any) -> Node:
    return value._node if hasattr(value, "_node") else Node(value)


def _written_through(view: View, new: Any) -> Any:
    """The source after `new` was written into a view of it.

    A view's rule, the transpose of choosing, says where each element goes back.
    """
    source, op, args, kwargs = view
    rule: Any = op.vjp[0]
    shape = np.shape(new)
    back = rule(new, None, source, *args, **kwargs)
    chosen = rule(np.ones(shape), None, plain(source), *args, **kwargs)
    if np.any(chosen > 1):
        raise ValueError(f"writing into {op.name} would write one element of {describe(source)} twice")
    return np.where(chosen > 0, back, source)


@enable_grad()
def refresh(owner: Any) -> None:
    """Every view of `owner`, and views of views, look at its new data."""
    pending = [owner]
    while pending:
        source = pending.pop()
        for reference in tuple(source._views or ()):
            view = reference()
            if view is not None and view._view is not None:
                _, op, args, kwargs = view._view
                _move(view, op.fn(source, *args, **kwargs)._node)
                pending.append(view)
