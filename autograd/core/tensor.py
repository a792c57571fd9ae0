"""`Tensor`: an array that remembers how it was computed, through NumPy's own dispatch protocols.

`__array_ufunc__` and `__array_function__` are called by NumPy in place of its functions as soon as
one operand is a Tensor (NEP 13 and NEP 18), so code that says `np.exp(t)` needs no second namespace.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

import autograd.rules  # noqa: F401  (fills the table of operations)
from autograd.array.cuts import no_array
from autograd.array.inplace import Keep, View, Writing, link_view, refresh
from autograd.array.methods import ArrayMethods
from autograd.array.ufunc_methods import HOW, call_method, call_with
from autograd.core.backward import backpropagate
from autograd.core.node import NOTHING, Node, next_order, observers, recording, write_number
from autograd.core.op import (
    SIMPLE,
    Op,
    blame,
    composite,
    defop,
    describe,
    find,
    gathered,
    holds_tensor,
    is_flat,
    is_plain,
    lookup,
    named,
    operations,
    plain,
    qualified_name,
)
from autograd.rules.shape import cast

Array = np.ndarray[Any, np.dtype[Any]]
_LIKE = {np.zeros_like, np.ones_like, np.empty_like, np.full_like}  # these make what a program then writes into
_ASKED = {np.shape: operator.attrgetter("shape"), np.ndim: operator.attrgetter("ndim")}  # what compositions ask often
_GETITEM, _CAST = map(lookup, (operator.getitem, cast))
_NEGATIVE, _POSITIVE, _ABSOLUTE = map(lookup, (np.negative, np.positive, np.absolute))
_new = object.__new__


def _unary(op: Op) -> Callable[[Any], Tensor]:
    """`apply` for one operand, unrolled: most of a program is operations of one or two."""
    forward = op.forward

    def run(a: Any) -> Tensor:
        node = a._node
        try:
            value = forward(node.value)
        except Exception as error:
            raise blame(op, (a,), error) from error
        return _record(op, (node,), NOTHING, value, node.requires_grad)

    return run


def _binary(op: Op) -> Callable[[Any, Any], Tensor]:
    """`apply` for two operands, unrolled."""
    forward = op.forward

    def run(a: Any, b: Any) -> Tensor:
        live = 0
        if isinstance(a, Tensor):
            a = a._node
            x = a.value
            live = a.requires_grad
        elif type(a) is float or type(a) is int:
            x = a
        else:
            x = a = _constant(op, a)
            if isinstance(a, Tensor):
                return run(a, b)
        if isinstance(b, Tensor):
            b = b._node
            y = b.value
            live += b.requires_grad
        elif type(b) is float or type(b) is int:
            y = b
        else:
            y = b = _constant(op, b)
            if isinstance(b, Tensor):
                return run(tensor_of(a) if isinstance(a, Node) else a, b)
        try:
            value = forward(x, y)
        except Exception as error:
            raise blame(op, (a, b), error) from error
        return _record(op, (a, b), NOTHING, value, live)

    return run


def operation(fn: Callable[..., Any], **record: Any) -> Callable[..., Any]:
    """Record the derivative of `fn` (see `defop`) and give the function that records on Tensors.

    On arrays alone the result is `fn` itself, called.

    >>> import numpy as np
    >>> cube = operation(
    ...     lambda a: a * a * a,
    ...     name="cube",
    ...     vjp=lambda g, y, a: 3 * g * a * a,
    ...     math=r"\\bar a = 3 \\bar y \\odot a^2",
    ...     samples=[lambda rng: (rng.normal(size=3),)],
    ... )
    >>> w = Tensor(2.0, requires_grad=True)
    >>> cube(w).backward()
    >>> float(w.grad)
    12.0
    """
    op = defop(fn, **record)

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if isinstance(arg, Tensor):
                if not kwargs and len(args) == op.count:
                    return _run(op, args, NOTHING)
                if op.count < 0 or "out" in kwargs:
                    return apply(op, *op.call(args, kwargs))
                return arg.__array_function__(fn, (), args, kwargs)
        return fn(*args, **kwargs)

    return call


def _infix(fn: np.ufunc) -> tuple[Callable[[Tensor, Any], Tensor], Callable[[Tensor, Any], Tensor]]:
    """An operator and its reflection."""
    run = _RUN[fn]
    return run, lambda self, other: run(other, self)


_RUN: dict[Any, Callable[..., Tensor]] = {
    op.fn: (_unary if op.fn.nin == 1 else _binary)(op) for op in operations() if isinstance(op.fn, np.ufunc)
}


class Hook:
    """A registered hook; calling this, or `remove()`, takes it away."""

    def __init__(self, hooks: list[Any], hook: Callable[[Any], Any]) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; once it is, nothing more happens."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)

    __call__ = remove


class Tensor(ArrayMethods, Writing):
    """An array in a recorded computation.

    Args:
        data: an array, number or nested list; of any shape, real, and copied when `requires_grad`.
        requires_grad: whether `backward()` shall put dL/d(this) into `.grad`.
        dtype: by default the array's own; float64 for Python numbers.
        name: what pictures, reports and errors call it.

    Raises:
        TypeError: complex or object data; `requires_grad` on integers or booleans.

    >>> import numpy as np
    >>> w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> loss = np.sum(w**2)
    >>> loss.backward()
    >>> w.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "_node", "_view", "_views")
    __array_priority__ = 1000.0
    _node: Node
    _view: View | None
    _views: list[Any] | None

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> None:
        self._node = Node(_as_data(data, dtype, requires_grad), requires_grad)
        self._view = self._views = None
        if name is not None:
            self._node.name = name

    # What it holds

    @property
    def data(self) -> Array:
        """The values, not copied. Setting them copies, and what was recorded keeps the old ones.

        After `t.data -= step`, which changes them in place, a backward pass over what used them is an error.
        """
        value = self._node.value
        return np.asarray(value) if issubclass(type(value), np.generic) else value

    @data.setter
    def data(self, value: Any) -> None:
        node = self._node
        if value is node.value:  # as after `t.data -= step`
            node.written = write_number()
            return
        if node.op is not None or not self._collects:
            raise RuntimeError(f"{describe(self)} was computed or passed in; only the data of a leaf can be set")
        value = plain(value)
        if type(value) is not np.ndarray and hasattr(value, "__array_function__"):  # stands for an array
            new = value.astype(node.value.dtype)
        else:
            new = np.array(value, dtype=node.value.dtype)
        if new.shape != node.value.shape:
            raise ValueError(f"data of shape {new.shape} for {describe(self)}; give an array of its shape")
        self._move_to(new)

    def _move_to(self, value: Any, requires_grad: bool | None = None) -> None:
        """Stand for a new leaf, which takes over; what was recorded keeps the old one and its data."""
        old = self._node
        self._node = new = Node(value, old.requires_grad if requires_grad is None else requires_grad)
        old.heir, new.grad, new.hooks = new, old.grad, old.hooks
        if old.note("name") is not None:
            new.name = old.name
        refresh(self)

    @property
    def grad(self) -> Any:
        """dL/d(this) after `backward()`, added up until cleared; None before.

        An array; a Tensor, which can be differentiated again, after `backward(create_graph=True)`.
        """
        return self._node.note("grad")

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None and np.shape(value) != self.shape:
            raise ValueError(f"a gradient of shape {np.shape(value)} for {describe(self)}; give one of its shape")
        self._node.grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether gradients reach this Tensor. Settable on leaves, to freeze parameters.

        What was recorded before keeps what held then: a Tensor that was a constant stays one there.
        """
        return self._node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if (self._node.op is not None or not self._collects) and not value:
            raise RuntimeError(f"{describe(self)} depends on what requires grad; use detach()")
        if value != self._node.requires_grad:
            self._view = None  # a leaf with a gradient owns its data
            self._move_to(_as_data(self._node.value, None, value), value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`, and give this Tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made, not computed."""
        return self._node.op is None

    @property
    def name(self) -> str | None:
        """What pictures, reports and errors call it."""
        return self._node.note("name")  # type: ignore[no-any-return]

    @name.setter
    def name(self, value: str | None) -> None:
        self._node.name = value

    # Differentiating

    def backward(self, gradient: Any = None, *, retain_graph: bool = True, create_graph: bool = False) -> None:
        """Add dL/d(leaf) to the `.grad` of every leaf behind this Tensor, which is L.

        Args:
            gradient: dL/d(this), of this shape; may be left out where this is a scalar, for 1.
            retain_graph: keep the graph for another pass; False frees it on the way.
            create_graph: record the pass itself; `.grad` is then a Tensor that can be differentiated.

        Raises:
            RuntimeError: there is no graph, or no scalar and no gradient; the graph was freed, or a parameter that it
                used was changed in place since. Nothing is changed then.
            ValueError: a gradient of another shape.
        """
        seed = self._seed(gradient, create_graph)
        lift = tensor_of if create_graph else None
        gradients = backpropagate(self._node, seed, lift=lift, free=not retain_graph)
        given = {id(seed)}
        for node, g in gradients.items():
            if node.op is not None:
                continue
            if create_graph:
                g = tensor_of(g._node) if isinstance(g, Tensor) else Tensor(g)
            elif type(g) is not np.ndarray or g.base is not None or id(g) in given:
                g = np.copy(g)  # a gradient is the leaf's own: no view, nobody else's
            given.add(id(g))
            while node.heir is not None:
                node = node.heir
            if not node.requires_grad:  # frozen since
                continue
            node.grad = g if node.grad is None else node.grad + g

    def _seed(self, gradient: Any, create_graph: bool) -> Any:
        value = self._node.value
        if not self._node.requires_grad:
            raise RuntimeError(
                f"backward() on {describe(self)}, which has no graph: nothing behind it requires grad. "
                "Make the parameters with Tensor(..., requires_grad=True), and compute outside no_grad()"
            )
        if gradient is None:
            if value.size != 1:
                raise RuntimeError(
                    f"backward() on {describe(self)}: it is no scalar. "
                    "Reduce it (np.sum, np.mean), or pass a gradient of the same shape"
                )
            gradient = np.ones_like(value) if value.ndim else value.dtype.type(1)
            if not create_graph:
                return gradient
        if np.shape(gradient) != value.shape:
            raise ValueError(f"a gradient of shape {np.shape(gradient)} for {describe(self)}; give one of its shape")
        if create_graph:
            return gradient if isinstance(gradient, Tensor) else Tensor(gradient, dtype=value.dtype)
        return np.asarray(plain(gradient), dtype=value.dtype)[()]

    def retain_grad(self) -> Tensor:
        """Keep this interior gradient too: every `backward()` through here sets `.grad` anew, and does not add.

        Raises:
            RuntimeError: nothing behind it requires grad.
        """
        node = self._node
        if node.op is not None or not node.requires_grad:
            self.register_hook(Keep(node))
        return self

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Call `hook(gradient)` in each pass; what it returns, unless None, replaces the gradient.

        Returns a handle: calling it, or its `remove()`, takes the hook away.

        Raises:
            RuntimeError: no gradient ever comes here, as nothing behind this requires grad.
            TypeError: something that cannot be called.
        """
        if not callable(hook):
            raise TypeError(f"a hook is called with the gradient, and {type(hook).__name__} cannot be called")
        if not self._node.requires_grad:
            raise RuntimeError(
                f"{describe(self)} does not require grad, so no gradient comes here; make what it is computed from "
                "with requires_grad=True, outside no_grad()"
            )
        hooks = self._node.hooks = self._node.hooks or []
        hooks.append(hook)
        return Hook(hooks, hook)

    def zero_grad(self) -> None:
        """Clear `.grad`: None until the next `backward()`."""
        self._node.grad = None

    def detach(self) -> Tensor:
        """The same data without the graph."""
        return tensor_of(Node(self._node.value))

    def numpy(self) -> Array:
        """The data as an array; RuntimeError where that would silently cut a gradient."""
        if self._node.requires_grad and recording.get():
            raise RuntimeError(f"{describe(self)} requires grad; use .detach().numpy(), or .data")
        return self.data

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        run = _RUN.get(ufunc)
        if run is not None and not kwargs and method == "__call__":
            return run(*inputs)
        if method == "__call__":
            if kwargs.get("where", True) is not True and kwargs.get("out") is None:
                raise TypeError(
                    f"{qualified_name(ufunc)} with where= and without out= leaves the rest undefined; give an "
                    "out= that holds it, such as np.zeros_like(t), or choose by np.where"
                )
            if not HOW.isdisjoint(kwargs) and kwargs.get("out") is None and not is_plain(ufunc):
                return call_with(ufunc, inputs, **kwargs)
            return self.__array_function__(ufunc, (), inputs, kwargs)
        if kwargs.get("out") is not None:
            return _into(getattr(ufunc, method), inputs, kwargs)
        return call_method(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        op = find(func)
        if op is None or "out" in kwargs:
            if func in _ASKED and not kwargs:
                return _ASKED[func](self._node.value)
            return _call(func, args, kwargs)
        count, given = op.count, len(args)
        if given == count and not kwargs:
            return _run(op, args, NOTHING)
        if count <= given <= op.as_it_is:
            options: tuple[Any, ...] = ()
            alone = count == 1
            if given > count:
                options = args[count:]
                for option in options:
                    if type(option) not in SIMPLE and holds_tensor(option):
                        if op.adapt is not None:
                            return apply(op, *op.call(args, kwargs))
                        _option(op, "an option", option)
                        alone = False
            for name, option in kwargs.items():
                if name not in op.options or (type(option) not in SIMPLE and not is_flat(option)):
                    break
            else:
                if alone and isinstance(args[0], Tensor):
                    return _alone(op, args[0], options, kwargs)
                return _run(op, args, kwargs)
        elif func is np.where and given == 1:
            return _call(func, args, kwargs)
        return apply(op, *op.call(args, kwargs))

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        if self._node.value.dtype.kind != "f":  # positions and truth values have no gradient to lose
            return np.asarray(self._node.value, *args, **kwargs)
        raise no_array(self)

    # Operators

    __add__, __radd__ = _infix(np.add)
    __sub__, __rsub__ = _infix(np.subtract)
    __mul__, __rmul__ = _infix(np.multiply)
    __truediv__, __rtruediv__ = _infix(np.divide)
    __pow__, __rpow__ = _infix(np.power)
    __matmul__, __rmatmul__ = _infix(np.matmul)
    __mod__, __rmod__ = _infix(np.remainder)
    __floordiv__, __rfloordiv__ = _infix(np.floor_divide)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """This Tensor in another float dtype; a plain array for integers, booleans and text.

        With `copy=False` it is this Tensor itself where the dtype is right. The order in memory stays as it is.
        """
        dtype = np.dtype(dtype)
        if casting != "unsafe" and not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"{describe(self)} does not become {dtype} by the rule {casting!r}")
        if dtype.kind in "cO":
            raise TypeError(f"{describe(self)} as {dtype}: a Tensor holds real numbers; use t.data.astype")
        if dtype.kind != "f":
            return self._node.value.astype(dtype)
        return self if not copy and dtype == self.dtype else _alone(_CAST, self, (dtype,), NOTHING)

    def __neg__(self) -> Tensor:
        return _alone(_NEGATIVE, self, (), NOTHING)

    def __pos__(self) -> Tensor:
        return _alone(_POSITIVE, self, (), NOTHING)

    def __abs__(self) -> Tensor:
        return _alone(_ABSOLUTE, self, (), NOTHING)

    def __getitem__(self, index: Any) -> Tensor:
        if type(index) not in SIMPLE and not is_flat(index):
            index = plain(index)
        return _alone(_GETITEM, self, (index,), NOTHING)

    def __getstate__(self) -> dict[str, Any]:
        if self._node.op is not None or not self._collects:
            raise RuntimeError(f"{describe(self)} was computed; only leaves can be stored, others after detach()")
        node = self._node
        state = {"data": np.array(node.value), "requires_grad": node.requires_grad, "grad": node.grad}
        return {**getattr(self, "__dict__", {}), **state, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        self._node = Node(state.pop("data"), state.pop("requires_grad"))
        self._node.grad, self._node.name = state.pop("grad"), state.pop("name")
        self._view = self._views = None
        getattr(self, "__dict__", {}).update(state)

    # A copy of a leaf is a leaf; of what was computed, what `t.copy()` gives: gradients flow through it.

    def __copy__(self) -> Any:
        if self._node.op is not None or not self._collects:
            return self.copy()
        copied = _new(type(self))
        copied.__setstate__(self.__getstate__())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._node.op is not None or not self._collects:
            return self.copy()
        copied = _new(type(self))
        copied._node = Node(self._node.value.copy(), self._node.requires_grad)
        copied._node.grad = None if self.grad is None else np.array(plain(self.grad))
        copied._view = copied._views = None
        if self.name is not None:
            copied._node.name = self.name
        return copied


def _as_data(data: Any, dtype: Any, requires_grad: bool) -> Any:
    if not isinstance(requires_grad, (bool, np.bool_)):
        raise TypeError(f"requires_grad is {requires_grad!r}; it is True or False. A dtype is passed as dtype=")
    if isinstance(data, Tensor):
        data = data._node.value
    if type(data) is not np.ndarray and hasattr(data, "__array_function__"):  # stands for an array
        array = data.astype(dtype or data.dtype, copy=requires_grad)
    else:
        array = np.array(data, dtype=dtype) if requires_grad else np.asarray(data, dtype=dtype)
    if dtype is None and isinstance(data, (list, tuple)) and array.dtype.kind == "i":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a Tensor holds real numbers, not {array.dtype}; split complex data into .real and .imag")
    if requires_grad and array.dtype.kind != "f":
        raise TypeError(
            f"only floats have gradients, and this is {array.dtype}; pass dtype=float or data.astype(float)"
        )
    return array


def tensor(data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> Tensor:
    """A `Tensor` of a copy of `data`, where `Tensor(array)` alone shares the array's memory.

    >>> x = np.ones(2)
    >>> shared, copied = Tensor(x), tensor(x)
    >>> x[0] = 5.0
    >>> shared.data, copied.data
    (array([5., 1.]), array([1., 1.]))
    """
    copied = np.array(plain(data)) if issubclass(type(data), (np.ndarray, Tensor)) else data
    return Tensor(copied, requires_grad, dtype, name)


def tensor_of(node: Node) -> Tensor:
    made = _new(Tensor)
    made._node = node
    made._view = made._views = None
    return made


def _constant(op: Op, value: Any) -> Any:
    """An operand that is no Tensor: a list gathered; TypeError where it is not real."""
    if (type(value) is np.ndarray and value.dtype.kind in "fiub") or type(value) is float or type(value) is int:
        return value
    if type(value) is list or type(value) is tuple:
        value = gathered(value)
    kind = value.dtype.kind if hasattr(value, "dtype") else "c" if type(value) is complex else "f"
    if kind not in "fiub":
        raise TypeError(f"{op.name} with {describe(value)} and {kind!r} data: a Tensor takes real operands only")
    return value


def _call(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A call of a NumPy function that is no plain call of a record."""
    if kwargs.get("out") is not None:
        return _into(func, args, dict(kwargs))
    body: Any = func if is_plain(func) or (func is np.where and len(args) + len(kwargs) == 1) else composite(func)
    if body is None:
        op = lookup(func)
        return apply(op, *op.call(args, kwargs))
    try:
        result = func(*plain(args), **plain(kwargs)) if body is func else body(*args, **kwargs)
    except (ValueError, IndexError, TypeError) as error:
        name = qualified_name(func)
        if str(error).startswith(name):
            raise
        raise named(name, args, error) from error
    if func in _LIKE and not isinstance(result, Tensor) and result.dtype.kind == "f":
        return tensor_of(Node(result))
    return result


def _into(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`out=`: the result is written into a Tensor, or, where it has no gradient to lose, into an array."""
    out = kwargs.pop("out")
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if isinstance(func, np.ufunc) and isinstance(out, Tensor) and kwargs.get("where", True) is not True:
        return _into_chosen(func, args, out, **kwargs)
    if isinstance(out, tuple) and all(isinstance(part, Tensor) for part in out):
        return tuple([part._write(value) for part, value in zip(out, func(*args, **kwargs), strict=True)])
    chosen = () if isinstance(out, Tensor) else ("where",)  # whether the result has a gradient does not hang on it
    result = func(*args, **{name: option for name, option in kwargs.items() if name not in chosen})
    if isinstance(out, Tensor):
        return out._write(result if isinstance(result, Tensor) else Tensor(result))
    if any(
        isinstance(part, Tensor) and part.requires_grad for part in (result if type(result) is tuple else (result,))
    ):
        raise TypeError(
            f"{qualified_name(func)} with out= {describe(out)}: an array cannot hold a Tensor's gradient. "
            "Leave out= away (write `x = x + t` for `x += t`), or write into a Tensor"
        )
    return func(*plain(args), out=out, **plain(kwargs))


def _into_chosen(ufunc: np.ufunc, args: tuple[Any, ...], out: Tensor, where: Any, **kwargs: Any) -> Tensor:
    """`where=` beside `out=`: computed and written where it is true, and nowhere else."""
    chosen = np.broadcast_to(plain(where), out.shape)
    if chosen.dtype != np.bool_:
        raise TypeError(f"{qualified_name(ufunc)} with where= of {chosen.dtype}; give booleans")
    out[chosen] = ufunc(*(np.broadcast_to(arg, out.shape)[chosen] if np.ndim(arg) else arg for arg in args), **kwargs)
    return out


def apply(op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any] = NOTHING) -> Tensor:
    """Run `op` on the data of `args`, and record it if a gradient can reach one of them."""
    if kwargs:
        for name, value in kwargs.items():
            if type(value) not in SIMPLE:
                if name in op.live and holds_tensor(value):
                    composed: Tensor = op.live[name](*args, **kwargs)
                    return composed
                kwargs = {**kwargs, name: _option(op, name, value)}
    return _run(op, args, kwargs)


def _run(op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    first = args[0] if args else None
    if len(args) == 1 and isinstance(first, Tensor):
        return _alone(op, first, (), kwargs)
    broadcasts, live = op.broadcasts, 0
    raw: list[Any] = []
    kept: list[Any] = []
    try:
        for arg in args:
            if not isinstance(arg, Tensor):
                if type(arg) is list and holds_tensor(arg):
                    arg = gathered(arg)
                elif broadcasts and type(arg) is not float and type(arg) is not tuple:  # an index or a shape
                    arg = _constant(op, arg)
            if isinstance(arg, Tensor):
                arg = arg._node
                raw.append(arg.value)
                live += arg.requires_grad
            else:
                raw.append(arg)
            kept.append(arg)
        value = op.forward(*raw, **kwargs) if kwargs else op.forward(*raw)
    except Exception as error:
        raise blame(op, args, error) from error
    made = _record(op, tuple(kept), kwargs, value, live)
    if isinstance(first, Tensor) and (value is raw[0] or getattr(value, "base", None) is not None):
        link_view(made, first, op, args[1:], kwargs)
    return made


def _alone(op: Op, first: Tensor, others: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """`_run` where nothing but the first argument is a Tensor or holds one, unrolled."""
    node = first._node
    data = node.value
    kept: tuple[Any, ...] = (node,)
    try:
        if others:
            kept += others
            value = op.forward(data, *others, **kwargs) if kwargs else op.forward(data, *others)
        else:
            value = op.forward(data, **kwargs) if kwargs else op.forward(data)
    except Exception as error:
        raise blame(op, (first, *others), error) from error
    made = _record(op, kept, kwargs, value, node.requires_grad)
    if value is data or getattr(value, "base", None) is not None:  # a rule may call this on plain numbers
        link_view(made, first, op, others, kwargs)
    return made


def _option(op: Op, name: str, value: Any) -> Any:
    """An option's plain value; TypeError where that would lose a gradient."""
    if type(value) in SIMPLE or is_flat(value):
        return value
    if type(value) in (tuple, list):
        return type(value)([part if type(part) in SIMPLE else _option(op, name, part) for part in value])
    if isinstance(value, Tensor) and value.requires_grad:
        raise TypeError(f"{op.name}: no derivative with respect to {name}; pass {describe(value)} detached")
    return plain(value)


def _record(op: Op, args: tuple[Any, ...], kwargs: Mapping[str, Any], value: Any, live: int) -> Tensor:
    made, node = _new(Tensor), _new(Node)  # slot by slot: half the time of a constructor
    made._node = node
    made._view = made._views = node.hooks = node.grad = node.scope = None
    node.value = value
    node.order = next_order()
    if live and recording.get():
        if live == 1 and op.against_constant is not None:
            op = op.against_constant
        node.requires_grad = True
        node.op = op
        node.args = args
        node.kwargs = kwargs
    else:
        node.requires_grad = False
        node.op = None
        node.args = ()
        node.kwargs = NOTHING
    if observers:
        for observer in tuple(observers):  # other threads may come and go
            observer.recorded(op, args, node)
    return made
