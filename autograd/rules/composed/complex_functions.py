"""Sums, products and functions of complex numbers, each of two real parts."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from autograd.core.op import plain, stack_nested
from autograd.rules.composed.complex import TABLE, Complex, as_complex, implements, is_complex
from autograd.rules.definition import defcomposite

_fn: Any
# Sums and products


@implements(np.add)
def _add(a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    return Complex(a.real + b.real, a.imag + b.imag)


@implements(np.subtract)
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
    TABLE[_fn] = lambda a, b, *args, _fn=_fn, **kwargs: _multilinear(
        lambda x, y: _fn(x, y, *args, **kwargs), (_complex_list(a), _complex_list(b))
    )
TABLE[np.vdot] = lambda a, b: np.sum(np.conjugate(np.ravel(as_complex(a))) * np.ravel(as_complex(b)))
TABLE[np.correlate] = lambda a, v, mode="valid": _multilinear(
    lambda x, y: np.correlate(x, y, mode), (as_complex(a), np.conjugate(as_complex(v)))
)
TABLE[np.linalg.multi_dot] = lambda first, *more: reduce(np.dot, (first, *more) if more else first)
TABLE[np.square] = lambda a: a * a


@implements(np.einsum)
def _einsum(*operands: Any, subscripts: Any = None, **kwargs: Any) -> Complex:
    if subscripts is None and isinstance(operands[0], str):
        subscripts, *operands = operands  # type: ignore[assignment]
    if subscripts is not None:
        if len(operands) == 1:  # of its parts, which may be views
            return Complex(*[np.einsum(subscripts, part(operands[0]), **kwargs) for part in (np.real, np.imag)])
        return _multilinear(np.einsum, operands, (subscripts,), **kwargs)
    output = operands[len(operands) // 2 * 2 :]  # operands and their axes by turns
    axes = operands[1 : len(operands) // 2 * 2 : 2]

    def by_axes(*values: Any, **kwargs: Any) -> Any:
        return np.einsum(*[part for pair in zip(values, axes, strict=True) for part in pair], *output, **kwargs)

    return _multilinear(by_axes, operands[: 2 * len(axes) : 2], **kwargs)


def _complex_list(value: Any) -> Any:
    return as_complex(value) if type(value) in (list, tuple) and is_complex(value) else value


@implements(np.prod)
def _prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    a = as_complex(a)
    axes = tuple(range(a.ndim)) if axis is None else axis if type(axis) is tuple else (axis,)
    z: Any = np.moveaxis(a, axes, range(len(axes)))
    z = np.reshape(z, (-1, *np.shape(z)[len(axes) :]))
    total = as_complex(np.ones(np.shape(z)[1:], a.dtype))
    for k in range(len(z)):
        total = total * z[k]
    return np.expand_dims(total, axes) if keepdims else total


@implements(np.cumprod)
def _cumprod(a: Any, axis: Any = None) -> Any:
    z: Any = np.ravel(a) if axis is None else np.moveaxis(a, axis, 0)
    return np.moveaxis(np.stack([np.prod(z[: k + 1], axis=0) for k in range(len(z))]), 0, axis or 0)


@implements(np.var)
def _var(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    e = np.abs(a - np.mean(a, axis=axis, keepdims=True)) ** 2
    count = np.size(e) / max(1, np.size(np.sum(plain(e), axis=axis)))
    return np.sum(e, axis=axis, keepdims=keepdims) / (count - ddof)


TABLE[np.std] = lambda a, *args, **kwargs: np.sqrt(np.var(a, *args, **kwargs))


@implements(np.divide)
def _divide(a: Any, b: Any) -> Any:
    if not is_complex(b):
        a = as_complex(a)
        return Complex(a.real / b, a.imag / b)
    b = as_complex(b)
    length = np.hypot(b.real, b.imag)  # and never its square, which may be too large or too small a number
    turned = a * Complex(b.real / length, -b.imag / length)
    return Complex(turned.real / length, turned.imag / length)


def by_squares(a: Any, n: int, times: Callable[[Any, Any], Any]) -> Any:
    """The n-th power, n > 0: a⁵ = a (a²)²."""
    result: Any = None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = a if result is None else times(result, a)
        if not n:
            return result
        a = times(a, a)


@implements(np.power)
def _power(a: Any, b: Any) -> Any:
    if isinstance(b, (int, float, np.integer)) and abs(float(b)) <= 64 and b == int(b):
        a = as_complex(a)
        result = by_squares(a, abs(int(b)), operator.mul) if b else np.ones(np.shape(a), complex)
        return 1 / result if b < 0 else +a if b == 1 else result
    a = as_complex(a)
    zero = np.logical_and(np.equal(a.real, 0), np.equal(a.imag, 0))  # which has no logarithm
    power = np.exp(b * _log(np.where(zero, 1, a)))
    at_zero = np.where(np.equal(b, 0), 1.0, np.where(np.equal(b, 1), a, 0.0))  # with its derivative
    return np.where(zero, at_zero, power)


# Functions


@implements(np.exp)
def _exp(a: Any) -> Complex:
    length = np.exp(a.real)
    return Complex(length * np.cos(a.imag), length * np.sin(a.imag))


@implements(np.log)
def _log(a: Any) -> Complex:
    return Complex(np.log(np.hypot(a.real, a.imag)), np.arctan2(a.imag, a.real))


@implements(np.sqrt)
def _sqrt(a: Any) -> Complex:
    length, half = np.sqrt(np.hypot(a.real, a.imag)), np.arctan2(a.imag, a.real) / 2
    return Complex(length * np.cos(half), length * np.sin(half))


TABLE[np.sin] = lambda a: Complex(np.sin(a.real) * np.cosh(a.imag), np.cos(a.real) * np.sinh(a.imag))
TABLE[np.cos] = lambda a: Complex(np.cos(a.real) * np.cosh(a.imag), -np.sin(a.real) * np.sinh(a.imag))
TABLE[np.sinh] = lambda a: Complex(np.sinh(a.real) * np.cos(a.imag), np.cosh(a.real) * np.sin(a.imag))
TABLE[np.cosh] = lambda a: Complex(np.cosh(a.real) * np.cos(a.imag), np.sinh(a.real) * np.sin(a.imag))
TABLE[np.reciprocal] = lambda a: 1 / a
TABLE[np.log2], TABLE[np.log10] = lambda a: np.log(a) / np.log(2), lambda a: np.log(a) / np.log(10)
TABLE[np.exp2] = lambda a: np.exp(a * np.log(2))


@implements(np.tanh)
def _tanh(a: Any) -> Complex:
    t, c, s = np.tanh(a.real), np.cos(a.imag), np.sin(a.imag)  # and not cosh, which is soon too large a number
    square = c * c + t * t * s * s
    return Complex(t / square, s * c * (1 - t * t) / square)


@implements(np.tan)
def _tan(a: Any) -> Complex:
    turned = _tanh(Complex(-a.imag, a.real))
    return Complex(turned.imag, -turned.real)


@implements(np.log1p)
def _log1p(a: Any) -> Any:
    return _log(Complex(1 + a.real, a.imag))


@implements(np.expm1)
def _expm1(a: Any) -> Complex:
    half = np.sin(a.imag / 2)
    return Complex(np.expm1(a.real) * np.cos(a.imag) - 2 * half * half, np.exp(a.real) * np.sin(a.imag))


# Inverse functions: Kahan, "Branch cuts for complex elementary functions", 1987


def _roots(a: Any) -> tuple[Any, Any, Any, Any]:
    """The parts of the roots of 1 + a and of 1 - a."""
    plus, minus = _sqrt(Complex(1 + a.real, a.imag)), _sqrt(Complex(1 - a.real, -a.imag))
    return plus.real, plus.imag, minus.real, minus.imag


@implements(np.arcsin)
def _arcsin(a: Any) -> Complex:
    p, q, r, s = _roots(a)
    return Complex(np.arctan2(a.real, p * r - q * s), np.arcsinh(q * r - p * s))


@implements(np.arccos)
def _arccos(a: Any) -> Complex:
    p, q, r, s = _roots(a)
    return Complex(2 * np.arctan2(r, p), np.arcsinh(p * s - q * r))


@implements(np.arccosh)
def _arccosh(a: Any) -> Complex:
    plus, minus = _sqrt(Complex(a.real + 1, a.imag)), _sqrt(Complex(a.real - 1, a.imag))
    return Complex(np.arcsinh(minus.real * plus.real + minus.imag * plus.imag), 2 * np.arctan2(minus.imag, plus.real))


@implements(np.arctanh)
def _arctanh(a: Any) -> Any:
    return (_log1p(a) - _log1p(Complex(-a.real, -a.imag))) / 2


def _turned(fn: Any) -> Any:
    """Of arcsin, arcsinh, and of arctanh, arctan: f(i a) / i."""

    def of(a: Any) -> Complex:
        turned = fn(Complex(-a.imag, a.real))
        return Complex(turned.imag, -turned.real)

    return of


TABLE[np.arcsinh], TABLE[np.arctan] = _turned(_arcsin), _turned(_arctanh)


# Functions that give complex numbers of real ones, outside of where they are real


def _wider(fn: Any, name: str, low: float, high: float) -> None:
    wide = getattr(np.emath, name)

    def body(x: Any, *args: Any) -> Any:
        x = x if is_complex(x) else stack_nested(x)
        inside = is_complex(x) or bool(np.all((plain(x) >= low) & (plain(x) <= high)))
        return fn(x if inside else as_complex(x), *args)

    TABLE[wide] = body
    defcomposite(wide, body, math=rf"y = \operatorname{{{name}}} a", samples=[lambda rng: (rng.uniform(0.1, 0.9, 3),)])


for _name in ("sqrt", "log", "log2", "log10"):
    _wider(getattr(np, _name), _name, 0, np.inf)
for _name in ("arcsin", "arccos", "arctanh"):
    _wider(getattr(np, _name), _name, -1, 1)


@implements(np.sort)
def _sort(a: Any, axis: int = -1) -> Any:
    return np.take_along_axis(a, np.argsort(a, axis), axis)


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    imag = np.asarray(plain(a.imag))
    limit = tol * np.finfo(imag.dtype).eps if tol > 1 else tol
    return a.real if np.all(np.absolute(imag) < limit) else a


@implements(np.sign)
def _sign(a: Any) -> Complex:
    length = np.hypot(a.real, a.imag)
    zero = plain(length) == 0
    length = np.where(zero, 1.0, length)
    return Complex(np.where(zero, 0.0, a.real / length), np.where(zero, 0.0, a.imag / length))
