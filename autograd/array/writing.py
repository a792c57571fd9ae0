"""Writing in place, with NumPy's meaning and without mutation.

Nothing that was recorded ever changes: a Tensor that is written to stands for a new node from then on. What
NumPy's memory does for arrays, links between Tensors do here: a view knows what it is a view of, so
a write goes down to the owner of the data and up again to all of its other views.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from sys import _getframe as _frame
from typing import Any
from weakref import ref

import numpy as np

from autograd.basis.arrays import is_lazy
from autograd.basis.signatures import qualified_name
from autograd.core.backward import RETAIN_GRAD
from autograd.core.errors import describe
from autograd.core.node import NO_OPTIONS, Node, recording
from autograd.core.op import Op, holds_tensor, lookup, plain, stack_nested
from autograd.core.tensor import TensorBase, apply
from autograd.grad_mode import enable_grad
from autograd.rules.definition import positional
from autograd.rules.operands import as_index
from autograd.rules.write import WRITE, put

# How a Tensor looks at another one's data: that Tensor, the operation, its other arguments, its options.
View = tuple[Any, Op, tuple[Any, ...], Mapping[str, Any]]


def _move(tensor: Any, value: Any) -> None:
    """Let a Tensor stand for the node of another one, or for an array."""
    old = tensor._node
    if isinstance(value, TensorBase):
        tensor._stand_for(value._node, value._value)
    else:
        tensor._stand_for(Node.leaf(value))
    new = tensor._node
    if old.hooks and RETAIN_GRAD in old.hooks and new.requires_grad:
        old.hooks.remove(RETAIN_GRAD)
        new.hooks = [*(new.hooks or ()), RETAIN_GRAD]


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The method for `t += v`, from the function for `t + v`."""

    def method(self: Any, other: Any) -> Any:
        result = function(self, other)
        value = self._value  # NumPy's scalars do not change, nor does what is lazy: the name moves on
        scalar = issubclass(type(value), np.generic) or (is_lazy(value) and not value.ndim)
        return result if scalar else self._write(result)

    return method


class Writing:
    """`t[i] = v`, `t += v` and their kin."""

    __slots__ = ()
    _node: Node
    _value: Any
    _view: Any
    _collects_grad = True  # as a leaf it has a `.grad`, which writing would lose

    __iadd__, __isub__ = _in_place(operator.add), _in_place(operator.sub)
    __imul__, __itruediv__ = _in_place(operator.mul), _in_place(operator.truediv)
    __ipow__, __imatmul__ = _in_place(operator.pow), _in_place(operator.matmul)
    __imod__, __ifloordiv__ = _in_place(operator.mod), _in_place(operator.floordiv)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = np.zeros(0, np.intp) if type(index) is list and not index else as_index(index)
        value = stack_nested(value) if type(value) in (list, tuple) and holds_tensor(value) else value
        if self._view is None and self._node.op is not None and recording.get():
            if _reads(value, self, index):  # the end of `t[i] += v`: it is there already
                return
            self._write(apply(WRITE, (self, index, value)))
        else:
            written = put(self, index, value)
            if isinstance(written, TensorBase) and written._node.op is not None:
                frame = _frame(1)  # not this one, where pictures would look for the variable
                written._node.code, written._node.at = frame.f_code, frame.f_lasti
            self._write(written)

    def _set_shape(self: Any, shape: Any) -> None:
        """`t.shape = ...`: another shape of the same memory, for this Tensor alone; its views keep theirs."""
        if not self._is_computed() and self._node.requires_grad:
            raise RuntimeError(f"{describe(self)} is a leaf that requires grad; use t.reshape for another shape of it")
        before: Any = object.__new__(type(self))
        before._view, before._views = self._view, getattr(self, "_views", [])
        before._stand_for(self._node, self._value)
        for reference in before._views:
            view = reference()
            if view is not None and view._view is not None:
                view._view = (before, *view._view[1:])
        if before._view is not None:
            before._view[0]._views.append(ref(before))
        after: Any = np.reshape(before, shape)
        self._stand_for(after._node, after._value)
        self._view, self._views = after._view, list[Any]()
        before._views.append(ref(self))

    def _is_computed(self) -> bool:
        """Whether it is no leaf of the user's: it was computed, or a transform passed it."""
        return self._node.op is not None or not self._collects_grad

    def _replace_leaf(self: Any, value: Any, requires_grad: bool | None = None) -> None:
        """Stand for a new leaf, which takes over; what was recorded keeps the old one and its data."""
        old = self._node
        new = Node.leaf(value, old.requires_grad if requires_grad is None else requires_grad)
        self._stand_for(new)
        old.replacement, new.grad, new.hooks = new, old.grad, old.hooks
        if old.get("name") is not None:
            new.name = old.name
        refresh(self)

    def _is_view_of(self: Any, source: Any, op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Remember that this, which is `op` of `source` and other arguments, shares its memory, if it does."""
        if not isinstance(source, TensorBase) or op.role == "write":
            return
        value, data = self._value, source._value
        if isinstance(data, np.generic) or not hasattr(data, "base"):  # a number has no memory, nor what is lazy
            return
        if value.base is not data and value.base is not data.base and not np.may_share_memory(value, data):
            return
        node, writer = self._node, source._node.op
        written = writer is not None and writer.role == "write" and type(value) is np.ndarray
        if written and 2 * value.nbytes <= data.nbytes and value.flags.forc:  # so that a copy has the same strides
            self._value = np.array(value)  # a piece in memory of its own leaves that of the whole to the next write
            if node.held is value:
                node.held = self._value
            if node.op is not None and node.output is value:
                node.output = self._value
        self._view = (source, op, args, kwargs)
        if not hasattr(source, "_views"):
            source._views = []
        views = source._views
        views.append(ref(self))
        count = len(views)
        if not (count & 15 or count & (count - 1)):  # at powers of two, forget those that died
            views[:] = [view for view in views if view() is not None]

    def _looked_at(self: Any, places: Any) -> Any:
        """The elements at these places, which share the memory of this Tensor, as no index of NumPy's would."""
        view = self[places]
        view._view = (self, lookup(operator.getitem), (places,), NO_OPTIONS)
        self._views = [*getattr(self, "_views", ()), ref(view)]
        return view

    def _write(self, new: Any) -> Any:
        """Stand for `new`, and let everything that shares this memory follow."""
        value = self._value
        if is_lazy(value):
            raise TypeError(
                f"writing to {describe(self)}, which is computed in chunks, later: write np.where(mask, new, old) or "
                "np.concatenate, and `t = t + v` for `t += v`"
            )
        if isinstance(value, np.ndarray) and self._node.op is not None and not value.flags.writeable:
            raise ValueError(
                f"{describe(self)} is read-only, as it is in NumPy: write to a copy of it, or to what it is a view of"
            )
        new = _laid_out(self._cast_to_fit(new), value)
        owner: Any = self
        while owner._view is not None:
            source = owner._view[0]
            new = _laid_out(_written_through(owner._view, new), source._value)
            owner = source
        node = owner._node
        computed = owner._is_computed()
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
            owner._replace_leaf(plain(new))
            return self
        _move(owner, new)
        refresh(owner)
        return self

    def _cast_to_fit(self, new: Any) -> Any:
        """`new` in the shape and dtype of this Tensor; ValueError or TypeError as NumPy says it."""
        old = self._value
        if new.shape != old.shape:
            raise ValueError(f"a result of shape {new.shape} does not fit into {describe(self)}")
        if new.dtype == old.dtype:
            return new
        if not np.can_cast(new.dtype, old.dtype, "same_kind"):
            raise TypeError(f"{new.dtype} does not fit into {describe(self)} of {old.dtype}; use astype first")
        return new.astype(old.dtype)


def _reads(view: Any, source: Any, index: Any) -> bool:
    """Whether `view` is `source[index]`."""
    seen = getattr(view, "_view", None)
    if seen is None or seen[0] is not source or seen[1].fn is not operator.getitem:
        return False
    own = seen[2][0]
    pair = type(own) is type(index) is tuple and len(own) == len(index)
    return own is index or (pair and all(map(operator.is_, own, index)))


def _laid_out(new: Any, old: Any) -> Any:
    """`new` in the memory order of the array that it takes the place of."""
    value = plain(new)
    if isinstance(old, np.ndarray) and isinstance(value, np.generic):  # it stays an array, which can be written to
        value = np.asarray(value)
        if isinstance(new, TensorBase):
            new._value = value
    if isinstance(old, np.ndarray) and isinstance(value, np.ndarray) and value.strides != old.strides and old.ndim > 1:
        value = np.empty_like(old)
        value[...] = plain(new)
        if isinstance(new, TensorBase):
            new._value = value
            return new
    return value if not isinstance(new, TensorBase) else new


def _written_through(view: View, new: Any) -> Any:
    """The source after `new` was written into a view of it."""
    source, op, args, kwargs = view
    if np.size(new) == source.size:  # all of it, in another order: a view's rule is the way back
        rule: Any = op.vjp[0]
        return rule(new, new, source, *args, **kwargs)
    if op.fn is operator.getitem:
        return put(source, args[0], new)
    places = np.arange(source.size).reshape(source.shape)
    return put(source, np.unravel_index(op.forward(places, *args, **kwargs), source.shape), new)


def refresh(owner: Any) -> None:
    """Every view of `owner`, and views of views, look at its new data."""
    if hasattr(owner, "_views"):
        _refresh_views(owner)


@enable_grad()
def _refresh_views(owner: Any) -> None:
    pending = [owner]
    while pending:
        source = pending.pop()
        for reference in tuple(getattr(source, "_views", ())):
            view = reference()
            if view is not None and view._view is not None:
                _, op, args, kwargs = view._view
                _move(view, apply(op, (source, *args), kwargs))
                pending.append(view)


def out_by_position(fn: Any, args: tuple[Any, ...]) -> bool:
    """Whether a call has its `out=` among the arguments without names, as `np.clip(t, 0, 1, t)` has."""
    names = positional(fn)
    return "out" in names[: len(args)] and args[names.index("out")] is not None


def write_result(fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A call with `out=`: the result goes into a Tensor, or, where it has no gradient to lose, into an array."""
    options = dict(kwargs)
    if out_by_position(fn, args):
        place = positional(fn).index("out")
        options |= dict(zip(positional(fn)[place:], args[place:], strict=False))
        args = args[:place]
    out = options.pop("out")
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if isinstance(fn, np.ufunc) and isinstance(out, TensorBase) and options.get("where", True) is not True:
        return _write_where(fn, args, out, **options)
    if isinstance(out, tuple) and all(isinstance(part, Writing) for part in out):
        return tuple([part._write(value) for part, value in zip(out, fn(*args, **options), strict=True)])
    ignored = () if isinstance(out, TensorBase) else ("where",)  # whether the result has a gradient does not hang on it
    result = fn(*args, **{name: option for name, option in options.items() if name not in ignored})
    if isinstance(out, Writing):
        if isinstance(fn, np.ufunc) and fn.signature is None:
            result = _broadcast_into(result, np.shape(plain(out)))
        return out._write(result)
    if any(isinstance(part, TensorBase) and part._node.requires_grad
           for part in (result if type(result) is tuple else (result,))):  # fmt: skip
        raise TypeError(
            f"{qualified_name(fn)} with out= {describe(out)}: an array cannot hold a Tensor's gradient. "
            "Leave out= away (write `x = x + t` for `x += t`), or write into a Tensor"
        )
    return fn(*plain(args), out=out, **plain(options))


def _broadcast_into(result: Any, shape: tuple[int, ...]) -> Any:
    """A ufunc's result in the shape of its `out=`, if it can have that."""
    own = np.shape(result)
    fits = len(own) <= len(shape) and all(n in (1, m) for n, m in zip(reversed(own), reversed(shape), strict=False))
    return np.broadcast_to(result, shape) if fits and own != shape else result


def _write_where(ufunc: np.ufunc, args: tuple[Any, ...], out: Any, where: Any, **options: Any) -> Any:
    """`where=` beside `out=`: computed and written where it is true, and nowhere else."""
    chosen = np.broadcast_to(plain(where), out.shape)
    if chosen.dtype != np.bool_:
        raise TypeError(f"{qualified_name(ufunc)} with where= of {chosen.dtype}; give booleans")
    out[chosen] = ufunc(*(np.broadcast_to(arg, out.shape)[chosen] if np.ndim(arg) else arg for arg in args), **options)
    return out
