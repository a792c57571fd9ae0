"""A stand-in for an array on a GPU: it speaks NumPy's protocols, and nothing of it comes to the host unasked.

As CuPy's arrays it mixes with its own kind and with numbers only, gives arrays where NumPy gives numbers, and takes
plain arrays as indices. It refuses more: CuPy copies for `float`, `int`, `bool` and `item`, each a wait for the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np


class TransferError(TypeError):
    """Data would have come to the host, or gone to the device."""


class StrictArray:
    """An array in a memory of its own; `get()` is the way out."""

    __array_priority__ = 100.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, data: Any) -> None:
        self._data = np.asarray(data)

    def get(self) -> Any:
        """A copy on the host."""
        return self._data.copy()

    shape = property(lambda self: self._data.shape)
    dtype = property(lambda self: self._data.dtype)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: self._data.size)
    nbytes = property(lambda self: self._data.nbytes)
    T = property(lambda self: StrictArray(self._data.T))
    real = property(lambda self: StrictArray(self._data.real))
    imag = property(lambda self: StrictArray(self._data.imag))

    def __repr__(self) -> str:
        return f"StrictArray of shape {self.shape}"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TransferError("an array on the device would come to the host; write .get() where that is meant")

    __array__ = __float__ = __int__ = __bool__ = __index__ = __complex__ = item = tolist = tobytes = _refuse

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Any:
        return (self[k] for k in range(len(self)))

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not all(map(_is_ours_or_number, inputs)):
            return NotImplemented if any(_is_other(x) for x in inputs) else _no_mixing(ufunc.__name__)
        return _wrapped(getattr(ufunc, method)(*map(_inner, inputs), **_inner(kwargs)))

    def __array_function__(self, fn: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, (StrictArray, np.ndarray)) for t in types) or not fn.__module__.startswith("numpy"):
            return NotImplemented
        if fn in (np.array, np.asarray):  # asked for by like=
            return StrictArray(*_inner(args), **kwargs)
        if any(t is np.ndarray for t in types):
            _no_mixing(fn.__name__)
        return _wrapped(fn(*_inner(args), **_inner(kwargs)))

    # What an array can do, in the end NumPy's functions

    def __getitem__(self, index: Any) -> Any:
        return StrictArray(self._data[_inner(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        if not _is_ours_or_number(value):
            _no_mixing("setitem")
        self._data[_inner(index)] = _inner(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in _METHODS:
            raise AttributeError(name)

        def method(*args: Any, **kwargs: Any) -> Any:
            if any(type(a) is np.ndarray for a in (*args, *kwargs.values())):
                _no_mixing(name)
            return _wrapped(getattr(self._data, name)(*_inner(args), **_inner(kwargs)))

        return method


_METHODS = {
    *("all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumsum", "cumprod", "diagonal", "dot"),
    *("flatten", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std"),
    *("sum", "swapaxes", "take", "trace", "transpose", "var"),
}


def _operator(ufunc: np.ufunc, swapped: bool = False) -> Callable[..., Any]:
    def apply(self: Any, *other: Any) -> Any:
        if any(type(x).__array_ufunc__ is None for x in other if hasattr(type(x), "__array_ufunc__")):
            return NotImplemented
        return ufunc(*other, self) if swapped else ufunc(self, *other)

    return apply


for _name in ("neg", "pos", "abs", "invert"):
    _ufunc = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}[_name]
    setattr(StrictArray, f"__{_name}__", _operator(_ufunc))
for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}.items():  # fmt: skip
    setattr(StrictArray, f"__{_name}__", _operator(_ufunc))
    setattr(StrictArray, f"__r{_name}__", _operator(_ufunc, swapped=True))
for _name, _ufunc in {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}.items():  # fmt: skip
    setattr(StrictArray, f"__{_name}__", _operator(_ufunc))


def _is_other(value: Any) -> bool:
    """Whether another class answers for it, such as a Tensor."""
    return not isinstance(value, (StrictArray, np.ndarray)) and hasattr(type(value), "__array_ufunc__")


def _is_ours_or_number(value: Any) -> bool:
    return isinstance(value, (StrictArray, int, float, complex, np.generic))


def _no_mixing(name: str) -> NoReturn:
    raise TransferError(f"{name}: an array on the device and one on the host; move one of them")


def _inner(value: Any) -> Any:
    if isinstance(value, StrictArray):
        return value._data
    if type(value) in (list, tuple):
        return type(value)(map(_inner, value))
    return {key: _inner(part) for key, part in value.items()} if type(value) is dict else value


def _wrapped(value: Any) -> Any:
    if isinstance(value, tuple):
        parts = map(_wrapped, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return list(map(_wrapped, value))
    return StrictArray(value) if isinstance(value, (np.ndarray, np.generic)) else value
