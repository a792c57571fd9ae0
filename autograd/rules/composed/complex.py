"""Complex numbers beside Tensors: two real arrays, each with rules of its own, so no rule knows of complex numbers.

A `Complex` comes of a complex constant that meets a Tensor, and of `np.fft`; it goes by `abs`, `real`, `imag`, `angle`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.basis.arrays import Proxy
from autograd.basis.signatures import qualified_name
from autograd.core.op import BODIES, LATER, PLAIN_TYPES, plain
from autograd.rules.definition import PLAIN

Function = Callable[..., Any]
TABLE: Final[dict[Any, Function]] = {}
_METHODS: Final[dict[str, Function]] = {
    "sum": np.sum, "mean": np.mean, "cumsum": np.cumsum, "prod": np.prod, "var": np.var, "std": np.std, "dot": np.dot,
    "ravel": np.ravel, "flatten": lambda a, order="C": np.ravel(+a, order), "swapaxes": np.swapaxes,
    "reshape": lambda a, *shape, **options: np.reshape(a, shape[0] if len(shape) == 1 else shape, **options),
    "transpose": lambda a, *axes: np.transpose(a, (axes[0] if len(axes) == 1 else axes) or None),
    "squeeze": np.squeeze, "copy": np.copy, "conj": np.conjugate, "conjugate": np.conjugate, "trace": np.trace,
    "diagonal": np.diagonal, "repeat": np.repeat, "take": np.take,
}  # fmt: skip


class Complex(NDArrayOperatorsMixin, Proxy):
    """A complex array by its real and its imaginary part.

    >>> from autograd import grad
    >>> round(float(grad(lambda w: abs(np.exp(1j * w) + 1) ** 2)(np.pi / 2)), 9)
    -2.0
    """

    __array_priority__ = 2000.0

    def __init__(self, real: Any, imag: Any) -> None:
        if np.shape(real) != np.shape(imag):
            real, imag = np.broadcast_arrays(real, imag)
        self._real, self._imag = real, imag

    real = property(lambda self: self._real, lambda self, value: self._set("_real", value))
    imag = property(lambda self: self._imag, lambda self, value: self._set("_imag", value))
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
        if out is None or not out.ndim:  # numbers do not change: z += 1 makes z another one
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
        return partial(_METHODS[name], self)

    def __getitem__(self, index: Any) -> Any:
        return Complex(self.real[index], self.imag[index])

    def _set(self, name: str, value: Any) -> None:
        part = getattr(self, name)
        if value is part:  # the end of `z.real += v`
            return
        if np.ndim(part):
            part[...] = value
        else:  # a number has no memory
            setattr(self, name, value)

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
        real = _real_dtype(dtype)
        return Complex(
            *[
                np.asanyarray(part).astype(real, **options) if type(part) is float else part.astype(real, **options)
                for part in (self.real, self.imag)
            ]
        )

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


def _real_dtype(dtype: Any) -> Any:
    """That of the parts; TypeError for real ones, which would lose the imaginary part."""
    if np.dtype(dtype).kind != "c":
        raise TypeError(f"complex numbers as {np.dtype(dtype)}: take .real, or np.abs")
    return np.zeros(0, dtype).real.dtype


# Compositions that take their operands as real where one is a Tensor.
REAL_COMPOSED: Final = {np.correlate, np.interp, np.gradient, np.geomspace, np.diff, np.pad, np.cov, np.corrcoef}

# Compositions that are of complex numbers what they are of real ones.
_AS_COMPOSED: Final = {
    np.split, np.hsplit, np.vsplit, np.dsplit, np.block, np.select, np.choose, np.extract, np.diagflat, np.trapezoid,
    np.polyval, np.meshgrid, np.broadcast_arrays, np.linspace, np.matrix_transpose, np.unstack, np.apply_along_axis,
    np.apply_over_axes, np.linalg.matrix_power, np.linalg.matrix_norm, np.linalg.vector_norm, np.linalg.vecdot,
    np.linalg.trace, np.linalg.diagonal, np.linalg.matrix_transpose,
}  # fmt: skip


def call(fn: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy's with complex numbers among its arguments, and Tensors.

    Raises:
        TypeError: one that is not covered.
    """
    for load in () if fn in TABLE else LATER:
        load(fn)
    if fn in TABLE:
        return TABLE[fn](*args, **kwargs)
    if fn is operator.getitem:
        return as_complex(args[0])[args[1]]
    if fn in _AS_COMPOSED and fn in BODIES:
        return BODIES[fn](*args, **kwargs)
    if fn not in PLAIN and _requires_grad([*args, *kwargs.values()]):
        raise TypeError(
            f"{qualified_name(fn)} of complex numbers: no derivative is known; split them into .real and .imag"
        )
    return fn(*without_tensors(args), **{name: without_tensors(option) for name, option in kwargs.items()})


def _requires_grad(value: Any) -> bool:
    if type(value) in (list, tuple):
        return any(map(_requires_grad, value))
    return bool(getattr(value, "requires_grad", False))


def implements(*functions: Any) -> Callable[[Function], Function]:
    """Register what NumPy's functions do with complex numbers among their arguments, as NEP 18 has it."""

    def record(body: Function) -> Function:
        TABLE.update(dict.fromkeys(functions, body))
        return body

    return record


# Of each part alone


_VALUES: Final = ("initial", "prepend", "append", "constant_values", "end_values")  # options with two parts as well
_NAMES: Final = {np.sum: ("axis", "dtype", "out", "keepdims", "initial"), np.diff: ("n", "axis", "prepend", "append")}


def _by_part(fn: Any) -> Function:
    def of_parts(a: Any, *args: Any, **kwargs: Any) -> Complex:
        if fn in (np.concatenate, np.stack) and type(a) not in (list, tuple):  # as a record has its operands
            a, args = (a, *args), ()
        kwargs |= zip(_NAMES.get(fn, ()), args, strict=False)
        args = () if fn in _NAMES else args
        if kwargs.get("dtype") is not None:
            kwargs["dtype"] = _real_dtype(kwargs["dtype"])
        values = {name: as_complex(kwargs.pop(name)) for name in _VALUES if name in kwargs}
        if values:
            if fn is np.pad and not is_complex(a):
                raise TypeError("np.pad of real numbers with complex ones: NumPy drops what is imaginary in them")
            a = as_complex(a)
            return Complex(*[
                fn(part(a), *args, **kwargs, **{name: part(value) for name, value in values.items()})
                for part in (np.real, np.imag)
            ])  # fmt: skip
        if not is_complex(a):
            raise TypeError(f"{qualified_name(fn)} takes complex numbers as its array, not as an option")
        if type(a) in (list, tuple):
            a = list(map(as_complex, a))
            real, imag = (fn(list(map(part, a)), *args, **kwargs) for part in (np.real, np.imag))
        else:
            a = as_complex(a)
            real, imag = fn(a.real, *args, **kwargs), fn(a.imag, *args, **kwargs)
        return type(real)(map(Complex, real, imag)) if type(real) in (list, tuple) else Complex(real, imag)

    return of_parts


_fn: Any
for _fn in (
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.ravel, np.squeeze, np.expand_dims, np.flip,
    np.broadcast_to, np.fliplr, np.flipud, np.roll, np.tile, np.repeat, np.take, np.concatenate, np.stack, np.vstack,
    np.hstack, np.dstack, np.column_stack, np.diagonal, np.diag, np.trace, np.sum, np.mean, np.cumsum, np.diff,
    np.rot90, np.tril, np.triu, np.copy, np.take_along_axis, np.negative, np.positive,
    np.pad, np.average, np.delete, np.array_split, np.gradient, np.fft.fftshift, np.fft.ifftshift,
):  # fmt: skip
    TABLE[_fn] = _by_part(_fn)


@implements(np.zeros_like, np.empty_like)
def _zeros_like(a: Any, dtype: Any = None, **options: Any) -> Any:
    a = as_complex(a)
    if dtype is not None and np.dtype(dtype).kind != "c":
        return np.zeros_like(a.real, dtype, **options)
    real = None if dtype is None else _real_dtype(dtype)
    return Complex(np.zeros_like(a.real, real, **options), np.zeros_like(a.imag, real, **options))


@implements(np.nansum)
def _nansum(a: Any, *args: Any, **kwargs: Any) -> Any:
    return np.sum(np.where(np.isnan(a), 0, a), *args, **kwargs)


@implements(np.where)
def _where(condition: Any, a: Any, b: Any) -> Complex:
    condition = np.not_equal(without_tensors(condition), 0)
    a, b = as_complex(a), as_complex(b)
    return Complex(np.where(condition, a.real, b.real), np.where(condition, a.imag, b.imag))


for _fn in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    TABLE[_fn] = lambda *arrays, _fn=_fn: (
        Complex(_fn(arrays[0].real), _fn(arrays[0].imag)) if len(arrays) == 1 else tuple(map(_fn, arrays))
    )


@implements(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None) -> Any:
    condition, a = without_tensors(condition), as_complex(a)
    return Complex(np.compress(condition, a.real, axis), np.compress(condition, a.imag, axis))


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if is_complex(x) or is_complex(xp):
        raise TypeError("np.interp takes complex numbers as its values, not as places")
    fp = as_complex(fp)
    ends = {name: as_complex(end) for name, end in (("left", left), ("right", right)) if end is not None}

    def of(part: Any) -> Any:
        return np.interp(x, xp, part(fp), period=period, **{name: part(end) for name, end in ends.items()})

    return Complex(of(np.real), of(np.imag))


@implements(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        arr, values = np.ravel(as_complex(arr)), np.ravel(as_complex(values))
    return np.concatenate([arr, values], axis=axis or 0)


for _fn, _real, _imag in (
    (np.real, lambda a: as_complex(a).real, None),
    (np.imag, lambda a: as_complex(a).imag, None),
    (np.angle, lambda a, deg=False: np.arctan2(a.imag, a.real) * (180 / np.pi if deg else 1.0), None),
    (np.absolute, lambda a: np.hypot(a.real, a.imag), None),
    (np.conjugate, lambda a: +a.real, lambda a: -a.imag),
):
    TABLE[_fn] = _real if _imag is None else lambda a, _real=_real, _imag=_imag: Complex(_real(a), _imag(a))
TABLE.update({np.shape: lambda a: a.shape, np.ndim: lambda a: a.ndim, np.size: lambda a: a.size})
TABLE.update({np.iscomplexobj: lambda x: True, np.isrealobj: lambda x: False})
TABLE[np.ones_like] = lambda a, dtype=None, **kwargs: np.ones(np.shape(a), dtype or as_complex(a).dtype)


def without_tensors(value: Any) -> Any:
    """The plain value, inside lists and tuples too."""
    if type(value) in (list, tuple):
        return type(value)([without_tensors(part) for part in value])
    return plain(value.real) + 1j * plain(value.imag) if isinstance(value, Complex) else plain(value)
