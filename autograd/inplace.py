"""Writing in place, with NumPy's meaning and without mutation.

Nothing that was recorded ever changes: a Tensor that is written to stands for a new node from then on. What
NumPy's memory does for arrays, links between Tensors do here: a view knows what it is a view of, so
a write goes down to the owner of the data and up again to all of its other views.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from autograd.graph import Node, recording
from autograd.op import Op, describe, plain
from autograd.rules.write import put


class View(NamedTuple):
    """How a Tensor looks at another one's data."""

    source: Any
    op: Op
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def link_view(made: Any, op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Remember that `made` shares the memory of `args[0]`."""
    source = args[0]
    made._view = View(source, op, args[1:], kwargs)
    views = source._views = getattr(source, "_views", None) or []
    views.append(ref(made))
    if len(views) & (len(views) - 1) == 0:  # at powers of two, forget those that died
        views[:] = [view for view in views if view() is not None]


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The method for `t += v`, from the function for `t + v`."""
    return lambda self, other: self._write(function(self, other))


class Writing:
    """`t[i] = v`, `t += v` and their kin."""

    __slots__ = ()
    _node: Node

    __iadd__, __isub__ = _in_place(operator.add), _in_place(operator.sub)
    __imul__, __itruediv__ = _in_place(operator.mul), _in_place(operator.truediv)
    __ipow__, __imatmul__ = _in_place(operator.pow), _in_place(operator.matmul)
    __imod__, __ifloordiv__ = _in_place(operator.mod), _in_place(operator.floordiv)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._write(put(self, plain(index), value))

    def _write(self, new: Any) -> Any:
        """Stand for `new`, and let everything that shares this memory follow."""
        new = self._fitted(new)
        owner: Any = self
        while (view := getattr(owner, "_view", None)) is not None:
            new = _written_through(view, new)
            owner = view.source
        node = owner._node
        if node.op is None and node.requires_grad:
            if recording.get():
                raise RuntimeError(
                    f"{describe(owner)} is a leaf that requires grad, and its graph would be lost by writing "
                    "to it; update parameters inside no_grad(), or compute a new Tensor"
                )
            owner._move_to(plain(new))
        else:
            owner._node = _node_of(new)
        _refresh(owner)
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
    rule: Any = view.op.vjp[0]
    shape = np.shape(new)
    back = rule(new, None, view.source, *view.args, **view.kwargs)
    chosen = rule(np.ones(shape), None, plain(view.source), *view.args, **view.kwargs)
    if np.any(chosen > 1):
        raise ValueError(f"writing into {view.op.name} would write one element of {describe(view.source)} twice")
    return np.where(chosen > 0, back, view.source)


def _refresh(owner: Any) -> None:
    """Every view of `owner`, and views of views, look at its new data."""
    pending = [owner]
    while pending:
        source = pending.pop()
        for reference in getattr(source, "_views", None) or ():
            view = reference()
            if view is not None:
                how = view._view
                view._node = how.op.fn(source, *how.args, **how.kwargs)._node
                pending.append(view)
