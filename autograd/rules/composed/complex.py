"""Complex numbers beside Tensors: two real arrays, each with rules of its own, so no rule knows of complex numbers.

A `Complex` comes of a complex constant that meets a Tensor, and of `np.fft`; it goes by `abs`, `real`, `imag`, `angle`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.basis.signatures import qualified_name
from autograd.core.op import PLAIN_TYPES, plain

Function = Callable[..., Any]
_TABLE: Final[dict[Any, Function]] = {}
_METHODS: Final = {
    "sum": np.sum, "mean": np.mean, "cumsum": np.cumsum, "reshape": np.reshape, "ravel": np.ravel, "dot": np.dot,
    "flatten": np.ravel, "transpose": np.transpose, "swapaxes": np.swapaxes, "squeeze": np.squeeze, "copy": np.copy,
    "conj": np.conjugate, "conjugate": np.conjugate, "trace": np.trace, "diagonal": np.diagonal, "repeat": np.repeat,
    "take": np.take,
}  # fmt: skip


class Complex(NDArrayOperatorsMixin):
    """A complex array by its real and its imaginary part.

    >>> from autograd import grad
    >>> round(float(grad(lambda w: abs(np.exp(1j * w) + 1) ** 2)(np.pi / 2)), 9)
    -2.0
    """

    __array_priority__ = 2000.0

    def __init__(self, real: Any, imag: Any) -> None:
        if np.shape(real) != np.shape(imag):
            real, imag = np.broadcast_arrays(real, imag)
        self.real, self.imag = real, imag

    shape = property(lambda self: np.shape(self.real))
    ndim = property(lambda self: np.ndim(self.real))
    size = property(lambda self: np.size(self.real))
    dtype = property(lambda self: np.result_type(getattr(self.real, "dtype", float), np.complex64))
    T = property(lambda self: np.transpose(self))
    requires_grad = property(lambda self: any(getattr(part, "requires_grad", False) for part in (self.real, self.imag)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc is np.add:
            return call(np.sum, inputs, {"axis": 0, **kwargs})
        out = kwargs.pop("out", (None,))[0]
        if method != "__call__" or not (out is None or isinstance(out, Complex)):
            raise TypeError(
                f"{qualified_name(ufunc)} of complex numbers: no derivative with this out=, nor of .{method}"
            )
        result = call(ufunc, inputs, kwargs)
        if out is None or not out.ndim:  # numbers do not change: the name moves on
            return result
        out[...] = result
        return out

    def __array_function__(self, fn: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call(fn, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.requires_grad:
            raise TypeError(
                f"complex numbers of shape {self.shape} are asked for a plain array, which would cut their gradient"
            )
        return np.asarray(without_tensors(self), dtype)

    def __getattr__(self, name: str) -> Any:
        if name == "backward":
            raise AttributeError("a loss is a real number: take np.abs(z) ** 2, z.real or z.imag of the complex one")
        if name not in _METHODS:
            raise AttributeError(f"complex numbers beside a Tensor have no {name!r}; they have {', '.join(_METHODS)}")
        return lambda *args, **kwargs: call(_METHODS[name], (self, *args), kwargs)

    def __getitem__(self, index: Any) -> Any:
        return Complex(self.real[index], self.imag[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        value = as_complex(value)
        self.real[index], self.imag[index] = value.real, value.imag

    def __len__(self) -> int:
        return len(self.real)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __complex__(self) -> complex:
        return complex(np.asarray(self))

    def item(self) -> Any:
        """The only number: itself where it has a gradient."""
        return self if self.requires_grad else complex(self)

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Itself as complex numbers; TypeError for others, which would lose the imaginary part."""
        if np.dtype(dtype).kind != "c":
            raise TypeError(f"complex numbers as {np.dtype(dtype)}: take .real, or np.abs")
        return self

    def __repr__(self) -> str:
        return f"Complex({self.real!r}, {self.imag!r})"


def as_complex(value: Any) -> Complex:
    """Any number or array with a real and an imaginary part; the latter is 0 where it has none."""
    if isinstance(value, Complex):
        return value
    if type(value) in (list, tuple):
        return call(np.stack, ([as_complex(part) for part in value],), {})  # type: ignore[no-any-return]
    if isinstance(value, complex):
        return Complex(value.real, value.imag)
    if isinstance(value, (int, float)):
        return Complex(float(value), 0.0)
    if value.dtype.kind == "c":
        return Complex(value.real, value.imag)
    return Complex(value, np.zeros_like(value))


def holds_complex(value: Any) -> bool:
    """Whether it is a `Complex`, or a list or tuple with one inside."""
    if type(value) in (list, tuple):
        for part in value:  # noqa: SIM110  (any() takes three times as long)
            if type(part) not in PLAIN_TYPES and holds_complex(part):
                return True
        return False
    return type(value) is Complex


def is_complex(value: Any) -> bool:
    """Whether it is a `Complex`, a complex number or array, or a list or tuple with one inside."""
    if type(value) in (list, tuple):
        return any(map(is_complex, value))
    return isinstance(value, (Complex, complex)) or getattr(getattr(value, "dtype", None), "kind", "") == "c"


def call(fn: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy's with complex numbers among its arguments, and Tensors.

    Raises:
        TypeError: one that is not covered.
    """
    if fn in _TABLE:
        return _TABLE[fn](*args, **kwargs)
    if fn is operator.getitem:
        return as_complex(args[0])[args[1]]
    if any(getattr(arg, "requires_grad", False) for arg in args):
        raise TypeError(
            f"{qualified_name(fn)} of complex numbers: no derivative is known; split them into .real and .imag"
        )
    return fn(*map(without_tensors, args), **kwargs)


def covers(*functions: Any) -> Callable[[Function], Function]:
    """Say what functions of NumPy's are where complex numbers are among their arguments."""

    def record(body: Function) -> Function:
        _TABLE.update(dict.fromkeys(functions, body))
        return body

    return record


# Of each part alone


def _by_part(fn: Any) -> Function:
    def of_parts(a: Any, *args: Any, **kwargs: Any) -> Complex:
        if type(a) in (list, tuple):
            parts = list(map(as_complex, a))
            return Complex(fn([z.real for z in parts], *args, **kwargs), fn([z.imag for z in parts], *args, **kwargs))
        if not is_complex(a):
            raise TypeError(f"{qualified_name(fn)} takes complex numbers as its array, not as an option")
        a = as_complex(a)
        return Complex(fn(a.real, *args, **kwargs), fn(a.imag, *args, **kwargs))

    return of_parts


_fn: Any
for _fn in (
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.ravel, np.squeeze, np.expand_dims, np.flip,
    np.broadcast_to, np.fliplr, np.flipud, np.roll, np.tile, np.repeat, np.take, np.concatenate, np.stack, np.vstack,
    np.hstack, np.dstack, np.column_stack, np.diagonal, np.diag, np.trace, np.sum, np.mean, np.cumsum, np.diff,
    np.rot90, np.tril, np.triu, np.copy, np.take_along_axis, np.atleast_1d, np.atleast_2d, np.negative, np.positive,
    np.nansum, np.pad, np.zeros_like, np.empty_like, np.average, np.delete, np.compress, np.array_split, np.gradient,
    np.fft.fftshift, np.fft.ifftshift,
):  # fmt: skip
    _TABLE[_fn] = _by_part(_fn)


@covers(np.where)
def _where(condition: Any, a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    return Complex(np.where(condition, a.real, b.real), np.where(condition, a.imag, b.imag))


@covers(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        arr, values = np.ravel(as_complex(arr)), np.ravel(as_complex(values))
    return np.concatenate([arr, values], axis=axis or 0)


for _fn, _real, _imag in (
    (np.real, lambda a: as_complex(a).real, None),
    (np.imag, lambda a: as_complex(a).imag, None),
    (np.angle, lambda a, deg=False: np.arctan2(a.imag, a.real) * (180 / np.pi if deg else 1.0), None),
    (np.absolute, lambda a: np.hypot(a.real, a.imag), None),
    (np.conjugate, lambda a: a.real, lambda a: -a.imag),
):
    _TABLE[_fn] = _real if _imag is None else lambda a, _real=_real, _imag=_imag: Complex(_real(a), _imag(a))
for _fn in (np.isfinite, np.isnan, np.isinf, np.equal, np.not_equal, np.allclose, np.isclose, np.array_equal):
    _TABLE[_fn] = lambda *args, _fn=_fn, **kwargs: _fn(*map(without_tensors, args), **kwargs)
_TABLE.update({np.shape: lambda a: a.shape, np.ndim: lambda a: a.ndim, np.size: lambda a: a.size})
_TABLE.update({np.iscomplexobj: lambda x: True, np.isrealobj: lambda x: False})
_TABLE[np.ones_like] = lambda a, *args, **kwargs: np.ones(np.shape(a), complex)


def without_tensors(value: Any) -> Any:
    """The plain value."""
    return plain(value.real) + 1j * plain(value.imag) if isinstance(value, Complex) else plain(value)


# Sums and products


@covers(np.add)
def _add(a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    return Complex(a.real + b.real, a.imag + b.imag)


@covers(np.subtract)
def _subtract(a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    return Complex(a.real - b.real, a.imag - b.imag)


def _multilinear(fn: Any, operands: Any, before: Any = (), **kwargs: Any) -> Complex:
    """All products of parts, each with its power of i."""
    parts = [((0, z.real), (1, z.imag)) if is_complex(z) else ((0, z),) for z in operands]
    total: list[Any] = [0.0, 0.0]
    for chosen in product(*[((k, as_) for k, as_ in part) for part in parts]):
        power = sum(k for k, _ in chosen)
        value = fn(*before, *[part for _, part in chosen], **kwargs)
        total[power % 2] = total[power % 2] + (value if power % 4 < 2 else -value)
    return Complex(*total)


for _fn in (np.multiply, np.matmul, np.dot, np.inner, np.outer, np.kron, np.tensordot, np.convolve):
    _TABLE[_fn] = lambda a, b, *args, _fn=_fn, **kwargs: _multilinear(
        lambda x, y: _fn(x, y, *args, **kwargs), (_complex_list(a), _complex_list(b))
    )
_TABLE[np.vdot] = lambda a, b: np.sum(np.conjugate(np.ravel(as_complex(a))) * np.ravel(as_complex(b)))
_TABLE[np.correlate] = lambda a, v, mode="valid": _multilinear(
    lambda x, y: np.correlate(x, y, mode), (as_complex(a), np.conjugate(as_complex(v)))
)
_TABLE[np.square] = lambda a: a * a
_TABLE[np.einsum] = lambda subscripts, *operands, **kwargs: _multilinear(np.einsum, operands, (subscripts,), **kwargs)


def _complex_list(value: Any) -> Any:
    return as_complex(value) if type(value) in (list, tuple) and is_complex(value) else value


@covers(np.prod)
def _prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    z: Any = as_complex(np.ravel(a) if axis is None else np.moveaxis(a, axis, 0))
    total = as_complex(np.ones(np.shape(z)[1:], complex))
    for k in range(len(z)):
        total = total * z[k]
    return np.expand_dims(total, range(np.ndim(a)) if axis is None else axis) if keepdims else total


@covers(np.divide)
def _divide(a: Any, b: Any) -> Any:
    if not is_complex(b):
        a = as_complex(a)
        return Complex(a.real / b, a.imag / b)
    b = as_complex(b)
    square = b.real * b.real + b.imag * b.imag
    return a * Complex(b.real / square, -b.imag / square)


@covers(np.power)
def _power(a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)) and b == int(b) and abs(b) <= 64:
        result, factor, n = None, a, abs(int(b))
        while n:  # by squares
            if n & 1:
                result = factor if result is None else result * factor
            factor, n = factor * factor, n >> 1
        result = np.ones(np.shape(a), complex) if result is None else result
        return 1 / result if b < 0 else result
    a = as_complex(a)
    zero = (plain(a.real) == 0) & (plain(a.imag) == 0)  # which has no logarithm
    power = np.exp(b * _log(np.where(zero, 1, a)))
    return np.where(zero, np.where(without_tensors(b) == 0, 1.0, 0.0), power)


# Functions


@covers(np.exp)
def _exp(a: Any) -> Complex:
    length = np.exp(a.real)
    return Complex(length * np.cos(a.imag), length * np.sin(a.imag))


@covers(np.log)
def _log(a: Any) -> Complex:
    return Complex(np.log(np.hypot(a.real, a.imag)), np.arctan2(a.imag, a.real))


@covers(np.sqrt)
def _sqrt(a: Any) -> Complex:
    length, half = np.sqrt(np.hypot(a.real, a.imag)), np.arctan2(a.imag, a.real) / 2
    return Complex(length * np.cos(half), length * np.sin(half))


_TABLE[np.sin] = lambda a: Complex(np.sin(a.real) * np.cosh(a.imag), np.cos(a.real) * np.sinh(a.imag))
_TABLE[np.cos] = lambda a: Complex(np.cos(a.real) * np.cosh(a.imag), -np.sin(a.real) * np.sinh(a.imag))
_TABLE[np.sinh] = lambda a: Complex(np.sinh(a.real) * np.cos(a.imag), np.cosh(a.real) * np.sin(a.imag))
_TABLE[np.cosh] = lambda a: Complex(np.cosh(a.real) * np.cos(a.imag), np.sinh(a.real) * np.sin(a.imag))
_TABLE[np.tan] = lambda a: np.sin(a) / np.cos(a)
_TABLE[np.tanh] = lambda a: np.sinh(a) / np.cosh(a)
_TABLE[np.reciprocal] = lambda a: 1 / a
_TABLE[np.linalg.norm] = lambda x, ord=None, axis=None, keepdims=False: np.linalg.norm(np.abs(x), ord, axis, keepdims)


def _as_real(a: Complex) -> Any:
    """The real matrix, of twice the size, that multiplies parts as `a` multiplies numbers."""
    top = np.concatenate((a.real, -a.imag), axis=-1)
    return np.concatenate((top, np.concatenate((a.imag, a.real), axis=-1)), axis=-2)


@covers(np.linalg.solve)
def _solve(a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    vector = b.ndim == 1
    right = np.concatenate((b.real, b.imag), axis=0 if vector else -2)
    found, n = np.linalg.solve(_as_real(a), right), np.shape(a)[-1]
    return Complex(found[:n], found[n:]) if vector else Complex(found[..., :n, :], found[..., n:, :])


_TABLE[np.linalg.inv] = lambda a: _solve(a, np.broadcast_to(np.eye(np.shape(a)[-1]), np.shape(a)))
