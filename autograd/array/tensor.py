"""`Tensor`: an array that remembers how it was computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from autograd.array.careful import gradients
from autograd.array.conversion import Conversion, in_a_copy, made_there, tell_of_copy
from autograd.array.methods import ArrayMethods
from autograd.array.ufuncs import call_method, call_with_options
from autograd.array.writing import Writing, out_by_position, write_result
from autograd.basis.arrays import dispatches
from autograd.basis.marks import SMALL, hand_out
from autograd.core.backward import RETAIN_GRAD
from autograd.core.errors import describe
from autograd.core.node import Node, observers, recording, write_order
from autograd.core.op import BODIES, lookup, plain
from autograd.core.tensor import TensorBase, apply, set_result_type, wrap
from autograd.rules.composed.complex import REAL_COMPOSED, as_complex, is_complex
from autograd.rules.composed.complex import call as complex_call
from autograd.rules.operands import as_array
from autograd.rules.shape import cast

Array = np.ndarray[Any, np.dtype[Any]]
_CAST = lookup(cast)
_OF_FRAMES = "__pandas_priority__"  # an attribute of pandas' objects


def _operand(value: Any) -> Any:
    """An operand as a plain array; NotImplemented for a complex one, and for a data frame: see `_beside_others`."""
    if hasattr(type(value), _OF_FRAMES):
        return NotImplemented
    value = as_array(value)
    return NotImplemented if is_complex(value) else value


def _beside_others(fn: Any, args: Any, kwargs: Any) -> Any:
    """A call with complex operands; with data frames, which are arrays there, or rule where there is no gradient."""
    frames = [hasattr(type(arg), _OF_FRAMES) and not isinstance(arg, TensorBase) for arg in args]
    if not any(frames):
        return complex_call(fn, args, kwargs)
    op = lookup(fn)
    if op.variadic or any(isinstance(arg, TensorBase) and arg._node.requires_grad for arg in args):
        return apply(
            op, tuple([as_array(arg) if frame else arg for arg, frame in zip(args, frames, strict=True)]), kwargs
        )
    return fn(*plain(args), **plain(kwargs))


def _composed(fn: Any, args: Any, kwargs: Any) -> Any:
    """What to call on Tensors for a function that has no record: with complex numbers, what it is of those."""
    if fn in REAL_COMPOSED and any(map(is_complex, (*args, *kwargs.values()))):
        return lambda *args, **kwargs: complex_call(fn, args, kwargs)
    return BODIES.get(fn) or lookup(fn).fn  # as one may be loaded now


class Hook:
    """A registered hook; calling this, or `remove()`, takes it away."""

    def __init__(self, hooks: list[Any], hook: Callable[[Any], Any]) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; once it is, nothing more happens."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)

    __call__ = remove


class Tensor(ArrayMethods, Conversion, Writing, TensorBase):
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

    __slots__ = ()
    _view: Any
    _backpropagate = staticmethod(gradients)
    _operand = staticmethod(_operand)
    _with_complex = staticmethod(_beside_others)
    _composed = staticmethod(_composed)
    _out_by_position = staticmethod(out_by_position)

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> None:
        self._stand_for(Node.leaf(_as_data(data, dtype, requires_grad), requires_grad))
        self._view = None
        if name is not None:
            self._node.name = name

    @property
    def grad(self) -> Any:
        """dL/d(this) after `backward()`, added up until cleared; None before.

        An array; a Tensor, which can be differentiated again, after `backward(create_graph=True)`.
        """
        if observers:
            _tell_of_gradient(self, "read")
        return self._node.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None and np.shape(value) != self._value.shape:
            raise ValueError(f"a gradient of shape {np.shape(value)} for {describe(self)}; give one of its shape")
        if observers:
            _tell_of_gradient(self, "cleared")
        self._node.grad = value

    def zero_grad(self) -> None:
        """Clear `.grad`: None until the next `backward()`."""
        if observers:
            _tell_of_gradient(self, "cleared")
        self._node.grad = None

    def detach(self) -> Any:
        """The same data without the graph."""
        node = Node.leaf(self._value)
        node.stopped = True
        return wrap(node)

    # What it holds

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return _Number if issubclass(type(self._value), np.generic) else type(self)

    @property
    def data(self) -> Array:
        """The values, not copied. Setting them copies, and what was recorded keeps the old ones.

        After `t.data -= step` or `t.data[0] = 5`, which change them in place, a backward pass over what used them is an
        error.
        """
        value = self._value
        if made_there.get() is not None and self._node.requires_grad and self._is_computed() and in_a_copy():
            return self  # type: ignore[return-value]  # its author means the numbers, and no cut
        if type(value) is np.ndarray:
            if self._node.grad is None and value.nbytes <= SMALL:  # an optimiser reads later
                hand_out(self._node, value, write_order())
            return value
        return np.asarray(value) if issubclass(type(value), np.generic) else value

    @data.setter
    def data(self, value: Any) -> None:
        node = self._node
        if value is self._value:  # as after `t.data -= step`
            node.written = write_order()
            return
        if self._is_computed():
            raise RuntimeError(f"{describe(self)} was computed or passed in; only the data of a leaf can be set")
        value = plain(value)
        new = value.astype(node.dtype) if dispatches(value) else np.array(value, dtype=node.dtype)
        if new.shape != node.shape:
            raise ValueError(f"data of shape {new.shape} for {describe(self)}; give an array of its shape")
        self._replace_leaf(new)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients reach this Tensor. Settable on leaves, to freeze parameters.

        What was recorded before keeps what held then: a Tensor that was a constant stays one there.
        """
        return self._node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self._is_computed() and not value:
            raise RuntimeError(f"{describe(self)} depends on what requires grad; use detach()")
        if value != self._node.requires_grad:
            self._view = None  # a leaf with a gradient owns its data
            self._replace_leaf(_as_data(self._value, None, value), value)

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
        return self._node.get("name")  # type: ignore[no-any-return]

    @name.setter
    def name(self, value: str | None) -> None:
        self._node.name = value

    def numpy(self) -> Array:
        """The data as an array; RuntimeError where that would silently cut a gradient."""
        if self._node.requires_grad and recording.get():
            raise RuntimeError(f"{describe(self)} requires grad; use .detach().numpy(), or .data")
        return self.data

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """This Tensor in another float dtype; a plain array for integers, booleans and text.

        With `copy=False` it is this Tensor itself where the dtype is right. The order in memory stays as it is.
        """
        dtype = np.dtype(dtype)
        if casting != "unsafe" and not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"{describe(self)} does not become {dtype} by the rule {casting!r}")
        if dtype.kind == "c":
            return as_complex(self).astype(dtype)
        if dtype.kind == "O":
            raise TypeError(f"{describe(self)} as {dtype}: a Tensor holds real numbers; use t.data.astype")
        if dtype.kind != "f":
            return self._value.astype(dtype)
        return self if not copy and dtype == self.dtype else apply(_CAST, (self, dtype))

    # Gradients on the way

    def retain_grad(self) -> Tensor:
        """Keep this interior gradient too: every `backward()` through here sets `.grad` anew, and does not add.

        Raises:
            RuntimeError: nothing behind it requires grad.
        """
        if self._node.op is not None or not self._node.requires_grad:
            self._add_hook(RETAIN_GRAD)
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
        return self._add_hook(hook)

    def _add_hook(self, hook: Any) -> Hook:
        if not self._node.requires_grad:
            raise RuntimeError(
                f"{describe(self)} does not require grad, so no gradient comes here; make what it is computed from "
                "with requires_grad=True, outside no_grad()"
            )
        hooks = self._node.hooks = self._node.hooks or []
        hooks.append(hook)
        return Hook(hooks, hook)

    # The calls that the engine leaves to arrays

    def _ufunc_method(self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("out") is not None:
            return write_result(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)
        if method == "__call__":
            return call_with_options(ufunc, inputs, kwargs)
        return call_method(ufunc, method, inputs, kwargs)

    def _write_result(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return write_result(fn, args, kwargs)

    # A copy of a leaf is a leaf; of what was computed, what `t.copy()` gives: gradients flow through it.

    def __reduce__(self) -> Any:
        return _bare, (type(self),), self.__getstate__()  # `__class__` may say that it is a number

    def __getstate__(self) -> dict[str, Any]:
        if self._is_computed():
            raise RuntimeError(f"{describe(self)} was computed; only leaves can be stored, others after detach()")
        node, name = self._node, self.name
        leaf = {"data": np.array(self._value), "requires_grad": node.requires_grad, "grad": node.grad, "name": name}
        return {**self._own(), "leaf": leaf}

    def _own(self) -> dict[str, Any]:
        """What a subclass keeps besides."""
        below = [kind for kind in type(self).__mro__ if kind not in Tensor.__mro__]
        slots = [slot for kind in below for slot in vars(kind).get("__slots__", ()) if hasattr(self, slot)]
        return {**getattr(self, "__dict__", {}), **{slot: getattr(self, slot) for slot in slots}}

    def _standing_for(self, other: Tensor) -> Any:
        """A Tensor of the kind of `other`, with all that one keeps, and the value and the graph of this one."""
        twin = object.__new__(type(other))
        twin._stand_for(self._node, self._value)
        twin._view = None
        for name, value in other._own().items():
            object.__setattr__(twin, name, value)
        return twin

    def __setstate__(self, state: dict[str, Any]) -> None:
        leaf = state["leaf"]
        self._stand_for(Node.leaf(leaf["data"], leaf["requires_grad"]))
        self._node.grad, self._node.name = leaf["grad"], leaf["name"]
        self._view = None
        for name, value in state.items():
            if name != "leaf":
                object.__setattr__(self, name, value)

    def __copy__(self) -> Any:
        if self._is_computed():
            return self.copy()
        copied = object.__new__(type(self))
        copied.__setstate__(self.__getstate__())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = self.__copy__()
        if not self._is_computed() and self.grad is not None:
            copied.grad = np.array(plain(self.grad))
        return copied


def _bare(kind: Any) -> Any:
    """An object of this kind that holds nothing so far."""
    return object.__new__(kind)


set_result_type(Tensor)


@Real.register
class _Number(Tensor):
    """What a Tensor says that it is where it holds a number of NumPy's, as `t[0]` does: a number for `np.isscalar`."""

    __slots__ = ()


def _tell_of_gradient(tensor: Tensor, how: str) -> None:
    """Observers that want to know it hear that a gradient is about to be "read" or "cleared"."""
    for observer in tuple(observers):
        if hasattr(observer, "gradient_used"):
            observer.gradient_used(tensor, how)


def _as_data(data: Any, dtype: Any, requires_grad: bool) -> Any:
    """The array that a Tensor holds: of real numbers, and its own copy where it requires grad."""
    if not isinstance(requires_grad, (bool, np.bool_)):
        raise TypeError(f"requires_grad is {requires_grad!r}; it is True or False. A dtype is passed as dtype=")
    if isinstance(data, TensorBase):
        tell_of_copy(data)
        data = data._value
    else:
        data = as_array(data)
    if dispatches(data):
        array = data.astype(dtype or data.dtype, copy=requires_grad)
    else:
        try:
            array = np.array(data, dtype=dtype) if requires_grad else np.asarray(data, dtype=dtype)
        except ValueError as error:  # rows of several lengths, or text
            reason = str(error).rstrip(".")
            raise ValueError(f"Tensor of a {type(data).__name__}: {reason}; give rows of one length") from error
    if dtype is None and isinstance(data, (list, tuple)) and array.dtype.kind == "i":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        cure = "split complex data into .real and .imag" if array.dtype.kind == "c" else "pass an array of floats"
        raise TypeError(f"a Tensor holds real numbers, and this {type(data).__name__} has {array.dtype}; {cure}")
    if requires_grad and array.dtype.kind != "f":
        raise TypeError(
            f"only floats have gradients, and this is {array.dtype}; pass dtype=float or data.astype(float)"
        )
    return array


class Argument(Tensor):
    """What a transform passes to a function: a leaf that it may write into and copy like any value."""

    __slots__ = ()
    _collects_grad = False

    @classmethod
    def standing_for(cls, leaf: Tensor) -> Tensor:
        """Another Tensor for the node of a leaf: what is written into it, the leaf does not see."""
        alias = cls.__new__(cls)
        alias._view = None
        alias._stand_for(leaf._node, leaf._value if leaf.ndim else leaf._value[()])  # a number has no memory
        return alias


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
