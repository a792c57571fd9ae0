"""What an array can do besides arithmetic, said with NumPy's functions: the methods of `Tensor`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd.rules  # noqa: F401  (fills the table of operations)
from autograd.array.conversion import made_there
from autograd.array.numbers import operator_method, unary
from autograd.array.searching import note_comparison, searches, tell_of_equality
from autograd.basis.arrays import NUMBER, is_foreign
from autograd.core.errors import describe
from autograd.core.node import Node
from autograd.core.op import PLAIN_TYPES, lookup, plain
from autograd.core.tensor import apply, call
from autograd.rules.operands import as_array, as_index
from autograd.text import LONGEST_WORD, printable, shown

_SPELLINGS = {  # what other libraries call it
    "view": "t.reshape(...)",
    "permute": "t.transpose(...)",
    "unsqueeze": "np.expand_dims(t, axis)",
    "expand": "np.broadcast_to(t, shape)",
    "numel": "t.size",
    "dim": "t.ndim",
    "t": "t.T",
    "to": "t.astype(dtype)",
    "double": "t.astype(np.float64)",
    "float": "t.astype(np.float32)",
    "resize": "np.resize(t, shape)",
    **{name: f"t.data.{name}" for name in ("base", "ctypes", "dump", "dumps", "tobytes", "tofile")},
    **{
        name: f"np.{name}(t, ...)" if hasattr(np, name) else f"np.linalg.{name}(t)"
        for name in np.linalg.__all__
        if name[0].islower()
    },
    **{name: f"np.{name}(t)" for name, fn in vars(np).items() if isinstance(fn, np.ufunc) and fn.nin == 1},
    **{name: f"np.{name}(t, ...)" for name in (
        "average", "diff", "expand_dims", "flip", "maximum", "median", "minimum", "outer", "pad", "percentile",
        "quantile", "roll", "split", "tile", "tril", "triu", "where",
    )},
    "matmul": "t @ other",
}  # fmt: skip


_GETITEM = lookup(operator.getitem)


class _Elsewhere:
    """A name that is no attribute: asking for it tells how to write what it means.

    A `__getattr__` would tell too, and would slow down every attribute that there is.
    """

    def __init__(self, name: str, spelling: str) -> None:
        self._message, self._name = f"a Tensor has no attribute {name!r}; write {spelling}", name

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        raise AttributeError(self._message, name=self._name, obj=tensor)


def _function(fn: Any) -> Callable[..., Any]:
    """The method of an array that is the NumPy function `fn` on it."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) < 2 and kwargs.get("out") is None:
            return call(fn, (self, *args), kwargs)
        return self.__array_function__(fn, (), (self, *args), kwargs)

    method.__name__ = fn.__name__
    method.__doc__ = f"`np.{fn.__name__}` of this Tensor."
    return method


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Comparisons are piecewise constant: they give plain boolean arrays."""

    def method(self: Any, other: Any) -> Any:
        made = made_there.get()
        try:
            result = compare(self._value, as_array(plain(other)))
            if (noted := searches.get()) is not None and type(result) is np.bool_ and type(self._value) is NUMBER:
                note_comparison(noted, self, other, result)
                if result if compare is operator.eq else compare is operator.ne and not result:
                    tell_of_equality(self, other)
            return result if made is None else made(result)
        except ValueError as error:
            raise ValueError(f"comparing {describe(self)} with {describe(other)}: {error}") from error

    return method


class Flat:
    """The elements of a Tensor in C order, as `array.flat` gives those of an array."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def __getitem__(self, index: Any) -> Any:
        chosen = np.ravel(self._tensor)[index]
        return np.copy(chosen) if chosen.ndim else chosen

    def __setitem__(self, index: Any, values: Any) -> None:
        np.put(self._tensor, np.arange(len(self))[plain(index)], values)

    def __iter__(self) -> Iterator[Any]:
        return iter(np.ravel(self._tensor))

    def __len__(self) -> int:
        return int(self._tensor.size)

    def __array_function__(self, fn: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return fn(*map(_unrolled, args), **kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(_unrolled, inputs), **kwargs)


def _unrolled(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(map(_unrolled, value))
    return np.ravel(value._tensor) if type(value) is Flat else value


def _operators(fn: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """The operator of a NumPy function of two operands, and its reflection."""
    op = lookup(fn)
    return operator_method(op), operator_method(op, reflected=True)


def _sign(fn: Any) -> Callable[[Any], Any]:
    return unary(lookup(fn))


class ArrayMethods:
    """Methods, properties and conversions of an array that stands at `_node`."""

    __slots__ = ()
    _node: Node
    _value: Any

    shape = property(
        lambda self: self._value.shape, lambda self, shape: self._set_shape(shape), doc="The lengths of the axes."
    )
    ndim = property(lambda self: self._value.ndim, doc="The number of axes.")
    size = property(lambda self: self._value.size, doc="The number of elements.")
    dtype = property(lambda self: self._value.dtype, doc="The NumPy dtype.")
    itemsize = property(lambda self: self._value.itemsize, doc="The bytes of an element.")
    nbytes = property(lambda self: self._value.nbytes, doc="The bytes of all elements.")
    flags = property(lambda self: self._value.view().flags, doc="How the data lies in memory, to read.")

    __add__, __radd__ = _operators(np.add)
    __sub__, __rsub__ = _operators(np.subtract)
    __mul__, __rmul__ = _operators(np.multiply)
    __truediv__, __rtruediv__ = _operators(np.divide)
    __floordiv__, __rfloordiv__ = _operators(np.floor_divide)
    __mod__, __rmod__ = _operators(np.remainder)
    __pow__, __rpow__ = _operators(np.power)
    __matmul__, __rmatmul__ = _operators(np.matmul)
    __neg__, __pos__, __abs__ = map(_sign, (np.negative, np.positive, np.absolute))
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)

    def __hash__(self) -> int:
        """By identity; in code that `autograd.differentiable` runs that of a number without a gradient, as of a label.

        A number with a gradient is not found by its value: what was kept for another one has another gradient.
        """
        if made_there.get() is not None and type(self._value) is NUMBER and not self._node.requires_grad:
            return hash(self._value)
        return object.__hash__(self)

    sum, mean, var, std = map(_function, (np.sum, np.mean, np.var, np.std))
    max, min, clip, dot = map(_function, (np.max, np.min, np.clip, np.dot))
    prod, cumsum, cumprod, round = map(_function, (np.prod, np.cumsum, np.cumprod, np.round))
    ravel, squeeze, swapaxes, repeat = map(_function, (np.ravel, np.squeeze, np.swapaxes, np.repeat))
    take, choose, put, diagonal = map(_function, (np.take, np.choose, np.put, np.diagonal))
    trace = _function(np.trace)
    real, imag = property(_function(np.real)), property(_function(np.imag))
    argmax, argmin, argsort, argpartition, searchsorted, all, any, nonzero = map(
        _function, (np.argmax, np.argmin, np.argsort, np.argpartition, np.searchsorted, np.all, np.any, np.nonzero)
    )
    __and__, __or__ = _comparison(operator.and_), _comparison(operator.or_)
    __xor__ = _comparison(operator.xor)
    T = property(_function(np.transpose), doc="The axes in reverse order.")
    mT = property(lambda self: self.swapaxes(-1, -2), doc="The last two axes swapped.")  # noqa: N815

    def reshape(self: Any, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        """`np.reshape` of this Tensor: `t.reshape(2, 3)` or `t.reshape((2, 3))`."""
        options: Any = {} if order == "C" else {"order": order}
        if copy is not None:
            options["copy"] = copy
        return call(np.reshape, (self, shape[0] if len(shape) == 1 else shape), options)

    def transpose(self: Any, *axes: Any) -> Any:
        """`np.transpose` of this Tensor: `t.transpose(1, 0)`, `t.transpose((1, 0))` or `t.transpose()`."""
        return call(np.transpose, (self, (axes[0] if len(axes) == 1 else axes) or None), {})

    def flatten(self: Any, order: str = "C") -> Any:
        """`np.ravel` of this Tensor, in memory of its own."""
        return np.copy(np.ravel(self) if order == "C" else np.ravel(self, order=order))  # type: ignore[call-overload]

    def conj(self) -> Any:
        """This Tensor itself, as of any real array; `np.conj(t)` gives a copy."""
        return self

    conjugate = conj

    def copy(self: Any, order: str = "C") -> Any:
        """A copy in memory of its own, through which gradients flow; in C order, where `np.copy(t)` keeps t's."""
        return np.copy(self, order=order)  # type: ignore[call-overload]

    def clone(self) -> Any:
        """A copy in memory of its own, through which gradients flow; the same as `copy()`."""
        return self.copy()

    def sort(self: Any, axis: int = -1, **options: Any) -> None:
        """Sort in place, as `array.sort()` does; `np.sort(t)` gives a sorted copy."""
        self[...] = np.sort(self, axis, **options)

    def partition(self: Any, kth: Any, axis: int = -1, **options: Any) -> None:
        """Partition in place, as `array.partition()` does; `np.partition(t, kth)` gives a copy."""
        self[...] = np.partition(self, kth, axis, **options)

    def compress(self: Any, condition: Any, axis: int | None = None) -> Any:
        """`np.compress` of this Tensor."""
        return np.compress(condition, self, axis)

    @property
    def flat(self) -> Flat:
        """The elements in C order: `t.flat[i]`, `t.flat[i] = v`, `for v in t.flat`."""
        return Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        self.flat[:] = values

    def fill(self: Any, value: Any) -> None:
        """Write one value into every element."""
        self[...] = value

    def __dir__(self) -> list[str]:
        own = vars(ArrayMethods)
        return [name for name in object.__dir__(self) if type(own.get(name)) is not _Elsewhere]

    def __getitem__(self, index: Any) -> Any:
        return apply(_GETITEM, (self, index if type(index) in PLAIN_TYPES else as_index(index)))

    def __iter__(self: Any) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a Tensor of no axes")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Nothing: a flag guards what others hold, and what was recorded never changes, whoever writes."""

    @property
    def strides(self) -> tuple[int, ...]:
        """How many bytes lie between neighbours along each axis."""
        return self._value.strides  # type: ignore[no-any-return]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a Tensor of no axes")
        return int(self.shape[0])

    def __divmod__(self: Any, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self: Any, other: Any) -> Any:
        return other // self, other % self

    def __invert__(self) -> Any:
        return ~self._value

    def is_integer(self) -> bool:
        """Whether this number is a whole one."""
        return bool(self._value.is_integer())

    def __round__(self: Any, digits: int | None = None) -> Any:
        if digits is None and isinstance(self._value, np.generic):  # a whole number, as of a number of NumPy's
            return round(self._value.item())
        return np.round(self, digits or 0)

    def __format__(self, spec: str) -> str:
        if spec and self.size != 1:
            raise TypeError(
                f"the format {spec!r} is for one number, and {describe(self)} has {self.size}; "
                "use np.array2string(t.data, precision=...)"
            )
        return format(self._value.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        node = self._node
        value = self._value  # one of another library says what it is, and a lazy one is not computed for that
        notes = [
            repr(value) if is_foreign(value) else np.array2string(np.asarray(value), separator=", ", prefix="Tensor(")
        ]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            notes.append(f"dtype={self.dtype}")
        if node.op is not None:
            notes.append(f"op={node.op.name}")
        elif node.requires_grad:
            notes.append("requires_grad=True")
        if node.get("name"):
            notes.append(f"name={shown(printable(str(node.name), LONGEST_WORD))!r}")
        return f"Tensor({', '.join(notes)})"


for _name, _spelling in _SPELLINGS.items():
    if not hasattr(ArrayMethods, _name):
        setattr(ArrayMethods, _name, _Elsewhere(_name, _spelling))
