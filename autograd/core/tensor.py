"""A Tensor stands for a node, and NumPy's calls on it become nodes, through NumPy's own dispatch protocols.

`__array_ufunc__` and `__array_function__` are called by NumPy in place of its functions as soon as
one operand is a Tensor (NEP 13 and NEP 18), so code that says `np.exp(t)` needs no second namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from sys import _getframe as _frame
from typing import Any, Final

import numpy as np

from autograd.basis.arrays import ARRAYS, NUMBER, Recorded, as_kind, by_protocol, is_foreign
from autograd.basis.marks import noted
from autograd.basis.reads import stand_in, whole
from autograd.basis.signatures import qualified_name
from autograd.basis.sums import copied
from autograd.core.backward import backpropagate
from autograd.core.errors import describe, failed, named
from autograd.core.node import NO_OPTIONS, Node, differentiated, next_order, observers, recording, short, topological
from autograd.core.op import PLAIN_TYPES, Op, find, holds_tensor, plain, stack_nested

_ndarray = np.ndarray
_AS_IT_IS: Final = PLAIN_TYPES - {_ndarray}  # arguments
_SMALL: Final = 16384  # bytes: what is no larger is kept, for speed, and for pictures after an optimiser's step,
_TINY: Final = 512  # and after many operations without a pass, only what is no larger than this
_REAL: Final = "fiub"  # kinds of dtypes
_new = object.__new__


class TensorBase(Recorded):
    """What stands for a node in a user's program. `autograd.array` adds what an array can do."""

    __slots__ = ("__weakref__", "_node", "_value", "_view", "_views")
    __array_priority__ = 1000.0
    __pandas_priority__ = 5000  # so that `series * t` is ours too
    _node: Node
    _value: Any  # an operation's value is the Tensor's: the graph keeps what rules read
    _view: Any  # what it is a view of, and its own views: `autograd.array.writing`
    _views: list[Any]  # unset until there is one

    def _stand_for(self, node: Node, value: Any = None) -> None:
        """Be another node from now on, with its value."""
        self._node, self._value = node, node.value if value is None else value

    def backward(self, gradient: Any = None, *, retain_graph: bool = True, create_graph: bool = False) -> None:
        """Add dL/d(leaf) to the `.grad` of every leaf behind this Tensor, which is L.

        Args:
            gradient: dL/d(this), of this shape; may be left out where this is a scalar, for 1.
            retain_graph: keep the graph for another pass; False frees it.
            create_graph: record the pass itself; `.grad` is then a Tensor that can be differentiated.

        Raises:
            RuntimeError: there is no graph, or no scalar and no gradient; the graph was freed, or a parameter that it
                used was changed in place since. No `.grad` of a leaf is changed then.
            ValueError: a gradient of another shape.
        """
        inside = differentiated.get()  # a pass inside of what a transform differentiates is a part of it
        create_graph = create_graph or bool(inside and not set(inside).isdisjoint(topological((self._node,))))
        seed = self._seed(gradient, create_graph)
        gradients = self._backpropagate(self._node, seed, wrap=wrap if create_graph else None, free=not retain_graph)
        if self._value is not (held := self._node.held) and type(held) in ARRAYS and is_foreign(self._value):
            self._value = held  # a lazy loss, which is known now
        shared = len(gradients) > 1 and len({*map(id, gradients.values())}) < len(gradients)  # one array for two leaves
        for node, g in gradients.items():
            if node.op is not None:
                continue
            if create_graph:
                g = wrap(g._node, g._value) if isinstance(g, TensorBase) else wrap(Node.leaf(g))
            elif shared or type(g) is not _ndarray or g.base is not None:
                g = copied(g)  # a gradient is the leaf's own: no view, nobody else's
            while node.replacement is not None:
                node = node.replacement
            if node.requires_grad:  # not frozen since
                node.grad = g if node.grad is None else node.grad + g

    def _seed(self, gradient: Any, create_graph: bool) -> Any:
        """The gradient that a pass starts from, checked."""
        value = self._value
        if not self._node.requires_grad:
            raise RuntimeError(
                f"backward() on {describe(self)}, which has no graph: nothing behind it requires grad. "
                "Make the parameters with Tensor(..., requires_grad=True), and compute outside no_grad()"
            )
        if gradient is None:
            if value.size != 1:
                raise RuntimeError(
                    f"backward() on {describe(self)}: it is not a scalar. "
                    "Reduce it (np.sum, np.mean), or pass a gradient of the same shape"
                )
            gradient = np.ones_like(value) if value.ndim or is_foreign(value) else value.dtype.type(1)
            if not create_graph:
                return gradient
        if np.shape(gradient) != value.shape:
            raise ValueError(f"a gradient of shape {np.shape(gradient)} for {describe(self)}; give one of its shape")
        if create_graph:
            return gradient if isinstance(gradient, TensorBase) else wrap(Node.leaf(as_kind(gradient, value)))
        return as_kind(plain(gradient), value)

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs or method != "__call__":
            return self._ufunc_method(ufunc, method, inputs, kwargs)
        op = find(ufunc)
        if op is not None and len(inputs) <= op.direct:  # as most calls are
            return apply(op, inputs, NO_OPTIONS, 2)
        return call(ufunc, inputs, NO_OPTIONS)

    def __array_function__(self, fn: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if kwargs.get("out") is not None or (len(args) > 2 and self._out_by_position(fn, args)):
            return self._write_result(fn, args, kwargs)
        return call(fn, args, kwargs)

    # What `autograd.array` implements: an operand as a plain array; a call with complex ones, or of what has no record;
    # a ufunc with options, or its methods; `out=`; what is called where this may share the memory of an `op`'s `source`
    _operand: Any = None
    _with_complex = _composed = _out_by_position = _ufunc_method = _write_result = _is_view_of = _operand
    _backpropagate: Any = staticmethod(backpropagate)


# From a call to a node


def call(fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A call of a NumPy function with a Tensor among its arguments: recorded, composed or plain."""
    op = find(fn)
    if op is not None:
        if len(args) <= op.direct and not kwargs:  # as most calls are
            return apply(op, args, NO_OPTIONS, 3)
        bound = op.bind(args, kwargs)
        if bound is not None:
            return apply(op, *bound, 3)
        args, kwargs, body = plain(args), plain(kwargs), fn
    else:
        body = _result_type._composed(fn, args, kwargs)
    try:
        return body(*args, **kwargs)
    except (ValueError, IndexError, TypeError) as error:
        name = qualified_name(fn)
        if str(error).startswith(name):
            raise
        raise named(name, args, error) from error


def apply(op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any] = NO_OPTIONS, depth: int = 2) -> Any:
    """Run `op` on the data of `args`, and record it if a gradient can reach one; the user is `depth` frames up."""
    if kwargs:
        for name, option in kwargs.items():
            if type(option) not in PLAIN_TYPES and (holds_tensor(option) or isinstance(option, _ndarray)):
                if name in op.composed:
                    return op.composed[name](*args, **kwargs)
                kwargs = {**kwargs, name: _plain_option(op, name, option)}
    values: list[Any] = []
    inputs: list[Any] = []
    differentiable, arrays, bit, large, plain_only = 0, 0, 1, False, True  # the bits say which operands
    try:
        for arg in args:
            if isinstance(arg, TensorBase):
                value = arg._value
                arg = arg._node
                if arg.requires_grad:
                    differentiable += bit
                    if arg.held is not value:  # the graph does without it so far
                        large = True
                if type(value) is not _ndarray and type(value) not in ARRAYS:
                    plain_only = False
            elif type(arg) in _AS_IT_IS:
                value = arg
            elif type(arg) is _ndarray and arg.dtype.kind in _REAL:
                value, arrays = arg, arrays + bit
            else:
                value = _constant(op, len(inputs), arg)
                if value is NotImplemented:  # complex
                    return _result_type._with_complex(op.fn, args, kwargs)
                if isinstance(value, TensorBase):  # a list with Tensors in it
                    return apply(op, (*args[: len(inputs)], value, *args[len(inputs) + 1 :]), kwargs, depth + 1)
                arrays += bit if type(value) is tuple and _ndarray in map(type, value) else 0  # of an index
                arg, plain_only = value, plain_only and not is_foreign(value)
            values.append(value)
            inputs.append(arg)
            bit += bit
        if not plain_only and op.elsewhere:
            return op.elsewhere(*args, **kwargs)
        forward = op.forward if plain_only else partial(by_protocol, op)
        value = forward(*values, **kwargs) if kwargs else forward(*values)
    except Exception as error:
        raise failed(op, args, error) from error
    shares = not op.broadcasts and (value is values[0] or getattr(value, "base", None) is not None)
    node, tensor = Node(), _new(_result_type)  # slot by slot: half the time of its constructor
    tensor._node, tensor._value, node.order = node, value, next_order()
    tensor._view = node.hooks = node.grad = node.scope = node.marks = None
    if differentiable and recording.get():
        node.requires_grad = True
        frame = _frame(depth)
        node.code, node.at = frame.f_code, frame.f_lasti  # pictures tell the variables of functions that have ended
        node.args, node.kwargs, node.saved = inputs, kwargs, values
        small = type(value) is NUMBER or (size := (whole(value) if shares else value).nbytes) <= _TINY
        small = small or (size <= _SMALL and node.order < short[0])
        if large or arrays or not small:
            known = op.kept.get(which := (differentiable, arrays)) or op.look(which, value, values, kwargs)
            node.op, reads_output, unread, constants = known
            node.held = node.output = value if small or reads_output else stand_in(value)
            if constants:
                node.marks = noted(values, constants)
            for k in unread if large else ():
                values[k] = inputs[k].held
        else:
            node.op = op if op.against_constant is None or differentiable & differentiable - 1 else op.against_constant
            node.held = node.output = value
    else:
        node.stopped = differentiable or not recording.get() or any(getattr(a, "stopped", 0) for a in inputs)
        node.op, node.args, node.kwargs, node.held, node.requires_grad = None, (), NO_OPTIONS, value, False
    if observers:
        for observer in tuple(observers):  # other threads may come and go
            observer.recorded(op, tuple(inputs), node, value)
    if shares:
        tensor._is_view_of(args[0], op, args[1:], kwargs)
    return tensor


def _constant(op: Op, position: int, value: Any) -> Any:
    """An argument that is no Tensor; a list of operands as one array, or as one Tensor where it holds Tensors."""
    if type(value) in (list, tuple):
        has_rule = op.variadic or (position < len(op.operands) and op.vjp[position] is not None)
        value = stack_nested(value) if has_rule or (type(value) is list and holds_tensor(value)) else value
    elif issubclass(type(value), float) and type(value) is not NUMBER:  # with operators of its own; not a Traced
        value = float(value)
    elif hasattr(value, "__array__") or hasattr(value, "toarray") or type(value) is complex:
        value = _result_type._operand(value)
    own = getattr(type(value), "__array_ufunc__", ...) is None  # operators of its own (NEP 13)
    kind = getattr(value.dtype, "kind", "O") if hasattr(value, "dtype") else "O" if own else "f"
    if kind not in _REAL:
        raise TypeError(f"{kind!r} data: a Tensor takes real operands only")
    return value


def _plain_option(op: Op, name: str, value: Any) -> Any:
    """An option's plain value; TypeError where that would lose a gradient."""
    if type(value) in (tuple, list):
        return type(value)([_plain_option(op, name, part) for part in value])
    if isinstance(value, TensorBase) and value._node.requires_grad:
        raise TypeError(f"{op.name}: no derivative with respect to {name}; pass {describe(value)} detached")
    return _result_type._operand(value) if isinstance(value, _ndarray) else plain(value)


def wrap(node: Node, value: Any = None) -> Any:
    """The Tensor that stands for a node."""
    tensor = _new(_result_type)
    tensor._node, tensor._value = node, node.value if value is None else value
    tensor._view = None
    return tensor


_result_type: type[TensorBase] = TensorBase


def set_result_type(kind: type[TensorBase]) -> None:
    """What operations give from now on: `autograd.array` names its Tensor once."""
    global _result_type
    _result_type = kind
