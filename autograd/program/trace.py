"""Recording what NumPy is asked to do: an array that writes down every call it goes through.

A `Traced` holds an array and computes with it at once, and notes each call as a line of a program. It stands below
Tensors: the rules of operations, the reverse pass and an optimiser run on it unchanged, since all of them are
NumPy code. What is written in place, decided by a value or taken out of the recording concerns the trace; this one
takes values as they are and refuses writes, `autograd.compiler` records a whole step and has a stricter one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.basis.arrays import Proxy, Recorded
from autograd.basis.frames import source_line
from autograd.program.program import Line, Origin, Var
from autograd.rules.composed.complex import Complex

_ABOUT_SHAPES = {  # what these give depends on no value
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.shares_memory, np.broadcast_shapes, np.min_scalar_type, np.isscalar,
}  # fmt: skip
_POWERS: dict[Any, Any] = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}  # as NumPy's ** does
_METHODS = {
    "sum", "mean", "var", "std", "max", "min", "prod", "cumsum", "cumprod", "round", "clip", "dot", "take", "repeat",
    "squeeze", "swapaxes", "diagonal", "trace", "ravel", "copy", "argmax", "argmin", "argsort", "all", "any",
    "nonzero", "choose", "compress", "searchsorted", "put",
}  # fmt: skip


class Trace:
    """The lines recorded so far, and the values they start from."""

    def __init__(self) -> None:
        self.inputs: dict[Var, None] = {}  # in order
        self.lines: list[Line] = []
        self.origin: Origin | None = None

    def input(self, value: Any, name: str | None = None) -> Traced:
        """`value`, from outside."""
        var = Var(value, name)
        self.inputs[var] = None
        return Traced(self, var, value)

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Compute `fn(*args, **kwargs)` and record it."""
        result = fn(*plain(args), **plain(kwargs)) if kwargs else fn(*plain(args))
        return result if fn in _ABOUT_SHAPES else self.record(fn, args, kwargs, result)

    def record(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Any:
        """Write down that this call gave `result`."""
        if type(result) in (bool, int, float):
            result = np.asarray(result)[()]
        if fn is np.transpose and len(args) == 2 and args[1] is None:
            args = args[:1]
        if kwargs and getattr(fn, "__name__", "") == "reduce":
            kwargs = {key: value for key, value in kwargs.items() if not _as_by_default(key, value)}
        for arg in args:
            if type(arg) is Traced and result is arg.value and isinstance(result, np.ndarray):
                return arg  # the array itself
        symbols = {key: self.symbol(value) for key, value in kwargs.items()} if kwargs else {}
        return self.emit(Line(Var(result), fn, self.symbol(args), symbols, self.origin), args)

    def emit(self, line: Line, args: tuple[Any, ...]) -> Any:
        """The result of a line, which is written down: a traced array, or a tuple or list of such."""
        self.lines.append(line)
        result = line.target.value
        if not isinstance(result, (tuple, list)):
            return Traced(self, line.target, result)
        parts = [
            self.emit(Line(Var(part), operator.getitem, (line.target, k), {}, self.origin), args)
            for k, part in enumerate(result)
        ]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)

    def symbol(self, value: Any) -> Any:
        """An argument as lines hold it: the program's values in the place of what is traced, also in a nesting."""
        kind = type(value)
        if kind is Traced:
            return value.symbol
        if kind is tuple or kind is list:
            return kind([self.symbol(part) for part in value])
        if kind is slice:
            return slice(self.symbol(value.start), self.symbol(value.stop), self.symbol(value.step))
        return value

    # What a step may do besides; the trace that `autograd.compiler` makes of one knows how

    def decides(self, traced: Traced, value: Any) -> None:
        """Called where the program goes on as `value` says, which `traced` holds."""

    def leaves(self, traced: Traced, how: str) -> Any:
        """The array that is taken out of the recording."""
        return traced.value

    def set_item(self, traced: Traced, index: Any, value: Any) -> None:
        """`traced[index] = value`."""
        raise TypeError(f"writing in place inside a recorded program, {source_line()}")

    def call_into(self, out: Any, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`fn(*args, out=out)`."""
        raise TypeError(f"writing by out= inside a recorded program, {source_line()}")


class Traced(NDArrayOperatorsMixin, Proxy):
    """An array in a recording: its memory, and the value of the program that it holds now.

    Attributes:
        recorder: the trace.
        symbol: the value of the program.
        value: the array.
        source, views: for the trace of a step: what it is a view of and how, and what is a view of it.
    """

    __slots__ = ("__weakref__", "recorder", "source", "symbol", "value", "views")
    __array_priority__ = 2000.0

    def __init__(self, recorder: Trace, symbol: Var, value: Any) -> None:
        self.recorder, self.symbol, self.value = recorder, symbol, value
        self.source: Any = None
        self.views: list[Any] = []

    # What isinstance says of the array itself; a function of Python's, in which Ctrl-C may come.
    __class__ = property(lambda self: self.value.__class__)

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for value in inputs:
            if type(value) is not Traced and (isinstance(value, Recorded) or type(value) is Complex):
                return NotImplemented
        fn = ufunc if method == "__call__" else getattr(ufunc, method)
        out = kwargs.pop("out", None)
        if out is not None and any(part is not None for part in out):
            return self.recorder.call_into(out[0] if len(out) == 1 else out, fn, inputs, kwargs)
        return self.recorder.call(fn, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        for kind in types:
            if kind is not Traced and (issubclass(kind, Recorded) or kind is Complex):
                return NotImplemented
        if kwargs.get("out") is not None:
            options = dict(kwargs)
            return self.recorder.call_into(options.pop("out"), func, args, options)
        return self.recorder.call(func, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.asarray(self.recorder.leaves(self, "writing into a plain array, or np.asarray,"), *args, **kwargs)

    def __pow__(self, other: Any) -> Any:
        if type(other) in (int, float) and other in _POWERS and self.dtype.kind == "f":
            return _POWERS[other](self)
        return np.power(self, other)

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.recorder.set_item(self, index, value)

    # What an array has

    shape = property(attrgetter("value.shape"))
    ndim = property(attrgetter("value.ndim"))
    size = property(attrgetter("value.size"))
    dtype = property(attrgetter("value.dtype"))
    flags = property(attrgetter("value.flags"))
    strides = property(attrgetter("value.strides"))
    nbytes = property(attrgetter("value.nbytes"))
    itemsize = property(attrgetter("value.itemsize"))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))  # noqa: N815

    @property
    def base(self) -> Any:
        """What it is a view of in the end, or None."""
        traced = self
        while traced.source is not None:
            traced = traced.source[0]
        return None if traced is self else traced

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return partial(_method, self, getattr(np, name))
        raise AttributeError(f"an array of a recorded program has no {name!r}: use NumPy's function")

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return self.recorder.call(np.reshape, (self, wanted), {} if order == "C" else {"order": order})

    def flatten(self) -> Any:
        return np.copy(np.ravel(self))

    def transpose(self, *axes: Any) -> Any:
        wanted = axes[0] if len(axes) == 1 else axes
        return self.recorder.call(np.transpose, (self,) if wanted is None or not axes else (self, wanted), {})

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return self.recorder.call(np.astype, (self, np.dtype(dtype)), {})

    def conj(self) -> Any:
        return np.conj(self)

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        self[...] = np.sort(self, axis)

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.copy(self)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    # Where a value decides, or leaves

    def __bool__(self) -> bool:
        decided = bool(self.value)
        self.recorder.decides(self if self.dtype.kind == "b" else self != 0, decided)
        return decided

    def __index__(self) -> int:
        value = int(self.value) if self.dtype.kind == "b" else operator.index(self.value)
        self.recorder.decides(self, value)
        return value

    def __hash__(self) -> int:
        if self.shape:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        self.recorder.decides(self, self.value.item())
        return hash(self.value.item())

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self.recorder.leaves(self, "round()")) if ndigits is None else np.round(self, ndigits)

    def __int__(self) -> int:
        return operator.index(self) if self.dtype.kind in "iub" else int(self.recorder.leaves(self, "int()"))

    def __float__(self) -> float:
        return float(self.recorder.leaves(self, "float()"))

    def __complex__(self) -> complex:
        return complex(self.recorder.leaves(self, "complex()"))

    def item(self, *position: int) -> Any:
        return self.recorder.leaves(self, "item()").item(*position)

    def tolist(self) -> Any:
        return self.recorder.leaves(self, "tolist()").tolist()

    def tobytes(self) -> bytes:
        result: bytes = self.recorder.leaves(self, "tobytes()").tobytes()
        return result

    def __repr__(self) -> str:
        return repr(self.recorder.leaves(self, "printing"))

    def __format__(self, spec: str) -> str:
        return format(self.recorder.leaves(self, "printing"), spec)

    def __reduce__(self) -> Any:
        return self.recorder.leaves(self, "pickling").__reduce__()


def _method(traced: Traced, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return traced.__array_function__(fn, (), (traced, *args), kwargs)


def plain(value: Any) -> Any:
    """A nesting with the arrays in the place of what is traced."""
    kind = type(value)
    if kind is Traced:
        return value.value
    if kind is tuple or kind is list:
        return kind([part.value if type(part) is Traced else plain(part) for part in value])
    if kind is slice:
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    return {key: plain(part) for key, part in value.items()} if kind is dict else value


def _as_by_default(option: str, value: Any) -> bool:
    """Whether an option of a ufunc's `reduce` is as if it had been left out; `axis` is not."""
    return {"dtype": None, "keepdims": False, "initial": np._NoValue, "where": True}.get(option, Trace) is value
