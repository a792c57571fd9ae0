"""What an array can do besides arithmetic, said with NumPy's functions: the methods of `Tensor`."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from opcode import opmap
from typing import Any

import numpy as np

from autograd.graph import Node, recording
from autograd.op import describe, plain

_STORE_SUBSCR = opmap["STORE_SUBSCR"]  # the instruction of `array[i] = value`
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
    **{name: f"np.linalg.{name}(t)" for name in np.linalg.__all__ if name[0].islower()},
    **{name: f"np.{name}(t)" for name, fn in vars(np).items() if isinstance(fn, np.ufunc) and fn.nin == 1},
    **{name: f"np.{name}(t, ...)" for name in (
        "average", "diff", "expand_dims", "flip", "maximum", "median", "minimum", "outer", "pad", "percentile",
        "quantile", "roll", "split", "tile", "tril", "triu", "where",
    )},
}  # fmt: skip


class _Elsewhere:
    """A name that is no attribute: asking for it tells how to write what it means.

    A `__getattr__` would tell too, and would slow down every attribute that there is.
    """

    def __init__(self, name: str, spelling: str) -> None:
        self._told, self._name = f"a Tensor has no attribute {name!r}; write {spelling}", name

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        raise AttributeError(self._told, name=self._name, obj=tensor)


def _function(fn: Any) -> Callable[..., Any]:
    """The method of an array that is the NumPy function `fn` on it."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.__array_function__(fn, (), (self, *args), kwargs)

    method.__name__ = fn.__name__
    method.__doc__ = f"`np.{fn.__name__}` of this Tensor."
    return method


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Comparisons are piecewise constant: they give plain boolean arrays."""
    return lambda self, other: compare(self._node.value, plain(other))


class ArrayMethods:
    """Methods, properties and conversions of an array that stands at `_node`."""

    __slots__ = ()
    _node: Node

    shape = property(lambda self: self._node.value.shape, doc="The lengths of the axes.")
    ndim = property(lambda self: self._node.value.ndim, doc="The number of axes.")
    size = property(lambda self: self._node.value.size, doc="The number of elements.")
    dtype = property(lambda self: self._node.value.dtype, doc="The NumPy dtype.")

    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __hash__ = object.__hash__

    sum, mean, var, std = map(_function, (np.sum, np.mean, np.var, np.std))
    max, min, clip, dot = map(_function, (np.max, np.min, np.clip, np.dot))
    prod, cumsum, cumprod, round = map(_function, (np.prod, np.cumsum, np.cumprod, np.round))
    ravel, squeeze, swapaxes, repeat = map(_function, (np.ravel, np.squeeze, np.swapaxes, np.repeat))
    take, choose, compress, diagonal = map(_function, (np.take, np.choose, np.compress, np.diagonal))
    trace, conj, conjugate, copy = map(_function, (np.trace, np.conjugate, np.conjugate, np.copy))
    real, imag = property(_function(np.real)), property(_function(np.imag))
    argmax, argmin, argsort, all, any, nonzero = map(
        _function, (np.argmax, np.argmin, np.argsort, np.all, np.any, np.nonzero)
    )
    __and__, __or__ = _comparison(operator.and_), _comparison(operator.or_)
    __xor__ = _comparison(operator.xor)
    T = property(_function(np.transpose), doc="The axes in reverse order.")
    mT = property(lambda self: self.swapaxes(-1, -2), doc="The last two axes swapped.")  # noqa: N815

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """`np.reshape` of this Tensor: `t.reshape(2, 3)` or `t.reshape((2, 3))`."""
        array: Any = self
        options: Any = {} if order == "C" else {"order": order}
        return np.reshape(array, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        """`np.transpose` of this Tensor: `t.transpose(1, 0)`, `t.transpose((1, 0))` or `t.transpose()`."""
        array: Any = self
        return np.transpose(array, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self, order: str = "C") -> Any:
        """`np.ravel` of this Tensor, in memory of its own."""
        array: Any = self
        return np.copy(np.ravel(array) if order == "C" else np.ravel(array, order=order))  # type: ignore[call-overload]

    def clone(self) -> Any:
        """A copy in memory of its own, through which gradients flow; the same as `copy()`."""
        return self.copy()

    def sort(self, axis: int = -1) -> None:
        """Sort in place, as `array.sort()` does; `np.sort(t)` gives a sorted copy."""
        array: Any = self
        array[...] = np.sort(array, axis)

    def fill(self, value: Any) -> None:
        """Write one value into every element."""
        array: Any = self
        array[...] = value

    def __dir__(self) -> list[str]:
        own = vars(ArrayMethods)
        return [name for name in object.__dir__(self) if type(own.get(name)) is not _Elsewhere]

    def tolist(self) -> Any:
        """The values as nested Python lists."""
        return np.asarray(self._node.value).tolist()

    def item(self) -> Any:
        """The only element as a Python number."""
        if self._node.value.size != 1:
            raise ValueError(f"item() of {describe(self)}: it has {self.size} elements, not 1")
        return self._node.value.item()

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a Tensor of no axes")
        array: Any = self
        return (array[i] for i in range(len(self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a Tensor of no axes")
        return int(self.shape[0])

    def __invert__(self) -> Any:
        return ~self._node.value

    def __index__(self) -> int:
        return operator.index(self._node.value.item() if self._node.value.size == 1 else self._node.value)

    def __float__(self) -> float:
        caller = sys._getframe(1)
        if self._node.requires_grad and caller.f_code.co_code[caller.f_lasti] == _STORE_SUBSCR and recording.get():
            raise TypeError(  # NumPy raises a ValueError of its own from this one
                f"writing {describe(self)} into an array would cut its gradient; write into a Tensor, such as "
                "Tensor(np.zeros(...)), or gather the values with np.stack"
            )
        return float(self.item())

    def __round__(self, digits: int = 0) -> Any:
        array: Any = self
        return np.round(array, digits)

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self._node.value.size != 1:
            raise ValueError(
                f"the truth value of {describe(self)} is ambiguous: it has {self.size} elements. "
                "Compare and reduce: (t > 0).any(), (t > 0).all()"
            )
        return bool(self._node.value)

    def __format__(self, spec: str) -> str:
        if spec and self.size != 1:
            raise TypeError(
                f"the format {spec!r} is for one number, and {describe(self)} has {self.size}; "
                "use np.array2string(t.data, precision=...)"
            )
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        node = self._node
        notes = [np.array2string(np.asarray(node.value), separator=", ", prefix="Tensor(")]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            notes.append(f"dtype={self.dtype}")
        if node.op is not None:
            notes.append(f"op={node.op.name}")
        elif node.requires_grad:
            notes.append("requires_grad=True")
        if node.note("name"):
            notes.append(f"name={node.name!r}")
        return f"Tensor({', '.join(notes)})"


for _name, _spelling in _SPELLINGS.items():
    if not hasattr(ArrayMethods, _name):
        setattr(ArrayMethods, _name, _Elsewhere(_name, _spelling))
