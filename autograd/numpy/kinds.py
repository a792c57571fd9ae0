"""`float`, `np.float64`, `np.ndarray` and `type` for code whose numbers and arrays are Tensors.

A Tensor is of the kind that its author means: one without axes is a number, any other an array.
"""

from __future__ import annotations

import builtins
from decimal import Decimal
from types import FunctionType
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.arrays import NUMBER
from autograd.core.op import holds_tensor, plain, stack_nested
from autograd.numpy.arrays import PlainArray, has_gradient
from autograd.numpy.makers import matrix
from autograd.numpy.namespace import REPLACED, Kind, replaces
from autograd.rules.composed.complex import Complex, as_complex, without_tensors


def held(value: Any) -> Any:
    """What NumPy would have in place of a Tensor: a number where it has no axes."""
    if isinstance(value, Complex):
        return np.asarray(without_tensors(value))[()]
    if isinstance(value, Tensor):
        value = value._value
        return value[()] if isinstance(value, np.ndarray) and not value.ndim else value
    return value


def _kind(theirs: Any, of_tensor: Any, dtype: Any = None) -> Any:
    """A class that stands for `theirs`: its instances are theirs, and Tensors that hold such."""

    class kind(theirs, metaclass=Kind):  # type: ignore[misc]  # noqa: N801
        pass

    kind.theirs, kind.of_tensor, kind.held = theirs, of_tensor, staticmethod(held)
    kind.__name__, kind.__qualname__, kind.__module__ = theirs.__name__, theirs.__qualname__, theirs.__module__
    if dtype is not None:
        kind.dtype = np.dtype(dtype)
    REPLACED[theirs] = REPLACED[kind] = kind
    return kind


def _float(value: Any) -> Any:
    if type(value._value) is NUMBER and value.requires_grad:
        return value
    if value.size != 1 or not value.requires_grad:
        return builtins.float(value)
    return np.ravel(value)[0].astype(np.float64)


def _complex(theirs: Any) -> Any:
    """`complex` and `np.complex128`: of Tensors, a number with two parts."""

    def make(*parts: Any, **options: Any) -> Any:
        if not any(has_gradient(part) or isinstance(part, Complex) for part in parts):
            return theirs(*plain(parts), **options)
        real, imag = map(as_complex, (*parts, 0)[:2])
        return real + 1j * imag

    return make


def _as_float(value: Any = 0.0, /) -> Any:
    """`float`, also of an object whose author says what number it is: that may be a Tensor."""
    if holds_tensor(value):
        return _float(stack_nested(value))
    convert = getattr(builtins.type(value), "__float__", None)
    return convert(value) if isinstance(convert, FunctionType) else builtins.float(value)


float_ = _kind(builtins.float, None, np.float64)
float_.make = staticmethod(_as_float)
float_.__new__ = staticmethod(lambda cls, value=0.0: value if has_gradient(value) else float.__new__(cls, plain(value)))
int_ = _kind(builtins.int, lambda value: builtins.int(held(value)), np.int64)
complex_ = _kind(builtins.complex, None, np.complex128)
complex128 = _kind(np.complex128, None)
complex_.make, complex128.make = staticmethod(_complex(builtins.complex)), staticmethod(_complex(np.complex128))
int64 = _kind(np.int64, lambda value: value.astype(np.int64))
int32 = _kind(np.int32, lambda value: value.astype(np.int32))
float64 = _kind(np.float64, lambda value: value if type(value._value) is NUMBER else value.astype(np.float64))
float32 = _kind(np.float32, lambda value: value.astype(np.float32))
_kind(Decimal, _float)
_kind(np.matrix, None).make = staticmethod(matrix)
_kind(np.random.Generator, None)
_kind(np.random.RandomState, None)
ndarray = REPLACED[PlainArray] = _kind(np.ndarray, None)


def _type_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return float_ if not value.ndim and value.is_leaf else REPLACED.get(builtins.type(held(value)))
    kind = builtins.type(value)
    return type_ if kind in (builtins.type, Kind) else REPLACED.get(kind, kind)


class type_(builtins.type, metaclass=Kind):  # noqa: N801
    theirs = builtins.type
    held = staticmethod(held)
    make = staticmethod(lambda *args, **kwargs: _type_of(*args) if len(args) == 1 else builtins.type(*args, **kwargs))


def isinstance_(value: Any, kinds: Any) -> bool:
    """`isinstance`, which asks what a Tensor holds: one without axes is no `Iterable`, though its class is."""
    if isinstance(held(value), kinds):
        return True
    named = kinds if isinstance(kinds, tuple) else (kinds,)
    return any(
        isinstance(kind, builtins.type) and issubclass(kind, Tensor) and isinstance(value, kind) for kind in named
    )


def hasattr_(value: Any, name: str) -> bool:
    """`hasattr`, which asks what a Tensor holds: a number has no `__len__`."""
    return hasattr(held(value), name)


@replaces(np.isscalar)
def isscalar(element: Any) -> bool:
    """`np.isscalar`: a Tensor without axes is a number."""
    return np.isscalar(held(element))


@replaces(np.iterable)
def iterable(y: Any) -> bool:
    """`np.iterable`."""
    return np.iterable(held(y))
