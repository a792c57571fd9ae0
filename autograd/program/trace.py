"""Recording what NumPy is asked to do: an array that writes down every call it goes through.

A `Traced` holds an array and computes with it at once, and notes each call as a line of a program. It stands below
Tensors: the rules of operations, the reverse pass and an optimiser run on it unchanged, since all of them are
NumPy code.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from typing import Any
from weakref import ref

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.core.errors import source_line
from autograd.program.program import Line, Origin, Var, impure
from autograd.rules.index import scatter
from autograd.rules.write import put

_STATIC = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.shares_memory, np.broadcast_shapes, np.min_scalar_type, np.isscalar,
}  # fmt: skip
_SAME_SHAPE = {
    put, np.dot, np.matmul, np.sum, np.mean, np.einsum, np.copy, np.where, np.astype, np.zeros_like, np.ones_like,
    np.full_like, np.empty_like, np.concatenate, np.stack, np.hstack, np.vstack, np.vdot, np.tensordot, np.clip, np.max,
    np.min, np.prod, np.any, np.all, np.argmax, np.argmin, np.cumsum, np.cumprod, np.var, np.std, np.median, np.average,
    np.transpose, np.reshape, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.diagonal,
    np.ravel, np.real, np.imag, np.flip, np.roll, np.take, np.take_along_axis, np.tile, np.sort, np.argsort,
    np.outer, np.inner, np.trace, np.diag, np.triu, np.tril, np.round, np.nan_to_num, np.isclose, np.linalg.inv,
    np.linalg.solve, np.linalg.det, np.linalg.norm, np.linalg.cholesky, scatter,
}  # fmt: skip
_POWERS: dict[Any, Any] = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}  # as NumPy's ** does
_METHODS = {
    "sum", "mean", "var", "std", "max", "min", "prod", "cumsum", "cumprod", "round", "clip", "dot", "take", "repeat",
    "squeeze", "swapaxes", "diagonal", "trace", "ravel", "copy", "conj", "argmax", "argmin", "argsort", "all", "any",
    "nonzero", "choose", "compress", "ptp", "searchsorted",
}  # fmt: skip


class Check:
    """A line that computes nothing: the program is right only as long as a value is what it was."""

    impure = True
    __name__ = "check"

    def __call__(self, value: Any, expected: Any) -> Any:
        if value != expected:
            raise Stale
        return None


class Stale(Exception):  # noqa: N818
    """A value that the recording depends on is another one now."""


check, check_shape = Check(), Check()  # of a value, and of the shape of one


class Trace:
    """The lines recorded so far, and the values they start from.

    Args:
        strict: whether values that decide something are checked in every replay, and those that leave the
            recording are refused; else they are taken as they are.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.inputs: list[Var] = []
        self.lines: list[Line] = []
        self.strict = strict
        self.origin: Origin | None = None
        self.changes = False  # whether an array from outside was written to, or numbers were drawn
        self.closed = False  # what is left of the recording computes as arrays do
        self.refused: TypeError | None = None
        self._errors = np.geterr()
        self._plain: list[tuple[Line, Any, Any]] = []  # arrays of the step's own making, and what they held
        self._copies: dict[int, Any] = {}
        self.watched: Any = None  # a function that is told of calls, though not of those in here
        self.shares: dict[Var, Var] = {}  # views, and what they look at
        self._sharing: dict[int, list[Traced]] = {}  # arrays from outside, by the memory that they look at

    def refusal(self, message: str) -> TypeError:
        """The error for what a replay could not do; remembered, in case that the step catches it."""
        error = TypeError(message)
        if self.strict and self.refused is None:
            self.refused = error
        return error

    def input(self, value: Any, name: str | None = None, *, home: bool = False) -> Traced:
        """`value`, from outside; with `home`, writing to it changes the array itself."""
        var = Var(value, name)
        self.inputs.append(var)
        made = Traced(self, var, value)
        made.home = home
        if self.strict and isinstance(value, np.ndarray):
            self._sharing.setdefault(id(value if value.base is None else value.base), []).append(made)
        return made

    def constant(self, value: Any) -> Traced:
        """A copy of `value`, which the program makes itself."""
        held = np.array(value)
        made: Traced = self.record(np.copy, (held,), {}, held.copy() if held.ndim else held[()])
        return made

    def add(self, line: Line) -> None:
        """Write a line down. Plain arrays in it may be written to later by code that nobody sees."""
        self.lines.append(line)
        if not self.strict:
            return
        if (errors := np.geterr()) != self._errors:
            line.errors = errors
        for array in _arrays((*line.args, *line.kwargs.values())):
            copy = self._copies.get(id(array))
            if copy is None or not _equal(copy, array):
                copy = self._copies[id(array)] = array.copy()
            self._plain.append((line, array, copy))

    def settle(self) -> None:
        """Lines on plain arrays that were written to after they were used take what was there then."""
        for line, array, copy in self._plain:
            if not _equal(copy, array):
                line.args = _exchanged(line.args, array, copy)
                line.kwargs = {key: _exchanged(value, array, copy) for key, value in line.kwargs.items()}
        self._plain, self._copies = [], {}

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Compute `fn(*args, **kwargs)` and record it."""
        if self.watched is not None:
            return self.unwatched(self.call, fn, args, kwargs)
        try:
            if kwargs:
                result = fn(*_values(args), **{key: _values(value) for key, value in kwargs.items()})
            else:
                result = fn(*_values(args))
        except (np.linalg.LinAlgError, ArithmeticError, IndexError) as error:
            self.refusal(
                f"{fn.__name__} raised {type(error).__name__}, {source_line()}, and the step went on: a replay could "
                "not decide that. Test for it beforehand, by np.where or a branch"
            )
            raise
        if fn in _STATIC or self.closed:
            return result
        return self.record(fn, args, kwargs, result)

    def unwatched(self, fn: Callable[..., Any], *args: Any) -> Any:
        """`fn(*args)`, in which nobody is told of calls: they are not the step's own, and telling takes time."""
        sys.setprofile(None)
        watched, self.watched = self.watched, None
        try:
            return fn(*args)
        finally:
            self.watched = watched
            sys.setprofile(watched)

    def record(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Any:
        """Write down that this call gave `result`."""
        if type(result) in (bool, int, float):
            result = np.asarray(result)[()]
        for arg in args:
            if type(arg) is Traced and result is arg.value and isinstance(result, np.ndarray):
                return arg  # the array itself
        if fn is np.transpose and len(args) == 2 and args[1] is None:
            args = args[:1]
        if kwargs and getattr(fn, "__name__", "") == "reduce":
            kwargs = {key: value for key, value in kwargs.items() if not _as_by_default(key, value)}
        target = Var(result)
        kwargs = {key: _vars(value) for key, value in kwargs.items()} if kwargs else {}
        self.add(Line(target, fn, _vars(args), kwargs, self.origin))
        if type(result) is tuple or type(result) is list or getattr(result, "base", None) is not None:
            self._note_sharing(target, args, result)
        if isinstance(result, (tuple, list)):
            parts = [
                self.record(operator.getitem, (Traced(self, target, result), k), {}, part)
                for k, part in enumerate(result)
            ]
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        if self.strict and target.shape and _shaped_by_values(fn, args):
            self.add(Line(Var(None), check_shape, (target, result.shape), {}, self.origin))
        made = Traced(self, target, result)
        source = args[0] if args else None
        if type(source) is Traced and isinstance(result, np.ndarray) and isinstance(source.value, np.ndarray):
            root = source.base if source.base is not None else source
            if result.base is not None and (result.base is root.value or result.base is root.value.base):
                made.base, made.how = root, (source, fn, args[1:], kwargs)
                root.views.append(ref(made))
        return made

    def _note_sharing(self, target: Var, args: tuple[Any, ...], result: Any) -> None:
        bases = {id(part.base) for part in (result if isinstance(result, (tuple, list)) else (result,))
                 if getattr(part, "base", None) is not None}  # fmt: skip
        for arg in args:
            array = arg.value if type(arg) is Traced else None
            if (
                isinstance(array, np.ndarray)
                and (id(array) in bases or (array.base is not None and id(array.base) in bases))
            ) or isinstance(array, (tuple, list)):
                self.shares[target] = arg.var

    def check(self, traced: Traced, value: Any) -> None:
        """The recording goes on as `value` says; a replay must find the same."""
        if self.strict and not self.closed:
            self.add(Line(Var(None), check, (traced.var, value), {}, self.origin))

    def write(self, target: Traced, new: Var) -> None:
        """`target`'s memory holds `new` from now on, and so does all that looks at it."""
        while target.base is not None:
            source, fn, args, _ = target.how
            if fn is not operator.getitem:
                raise self.refusal(
                    f"writing in place into a view by {fn.__name__}, {source_line()}: write to the array that it views"
                )
            written = Var(source.value)
            self.add(Line(written, put, (source.var, _vars(args[0]), new), {}, self.origin))
            target, new = source, written
        name, target.var = target.var.name, new
        if target.home:
            self._check_sharing(target, name)
            new.name = name
            self.changes = True
        for reference in target.views:
            view = reference()
            if view is not None:
                source, fn, args, kwargs = view.how
                view.var = Var(view.value)
                self.add(Line(view.var, fn, (source.var, *_vars(args)), kwargs, self.origin))

    def _check_sharing(self, target: Traced, name: str | None) -> None:
        """What is written to must be all that looks at its memory."""
        array = target.value
        around = self._sharing.get(id(array if array.base is None else array.base), ())
        for other in around if len(around) > 1 else ():
            if other is not target and np.may_share_memory(other.value, array):
                raise self.refusal(
                    f"the step writes into {name or 'an array'}, {source_line()}, which shares its memory "
                    f"with {other.var.name or 'another array'}: a replay could not keep their order. Use one array, "
                    "and views that are made inside the step"
                )


class Traced(NDArrayOperatorsMixin):
    """An array in a recording: its memory, and the value of the program that it holds now."""

    __slots__ = ("__weakref__", "base", "home", "how", "trace", "value", "var", "views")
    __array_priority__ = 2000.0
    base: Traced | None
    how: Any

    def __init__(self, trace: Trace, var: Var, value: Any) -> None:
        self.trace, self.var, self.value = trace, var, value
        self.base, self.how, self.home = None, None, False
        self.views: list[Any] = []

    __class__ = property(attrgetter("value.__class__"))  # what isinstance says in a replay

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for value in inputs:
            if type(value) is not Traced and hasattr(value, "_node"):
                return NotImplemented
        fn = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            return self._at(ufunc, *inputs)
        out = kwargs.pop("out", (None,))[0]
        if out is None:
            return self.trace.call(fn, inputs, kwargs)
        if self.trace.closed:
            return fn(*_values(inputs), out=_values(out), **kwargs)
        if self.trace.watched is not None:
            return self.trace.unwatched(self._into, out, fn, inputs, kwargs)
        return self._into(out, fn, inputs, kwargs)

    def _into(self, out: Any, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if type(out) is not Traced:
            raise self.trace.refusal(
                f"{fn.__name__} writes into an array of shape {np.shape(out)} that was made inside the recorded "
                f"program, {source_line()}: leave out= away, or make the array outside"
            )
        trace = self.trace
        if not isinstance(out.value, np.ndarray):  # numbers do not change
            return trace.call(fn, args, kwargs)
        if kwargs.get("where", True) is not True:
            kept = kwargs.pop("where")
            new = trace.call(np.where, (kept, trace.call(fn, args, kwargs), out), {})
        else:
            new = trace.call(fn, args, kwargs)
        if new.shape != out.shape:
            new = trace.call(np.broadcast_to, (new, out.shape), {})
        if new.dtype != out.dtype:
            new = trace.call(np.astype, (new, out.dtype), {})
        out.value[...] = new.value
        trace.write(out, new.var)
        return out

    def _at(self, ufunc: np.ufunc, a: Any, index: Any, value: Any = None) -> None:
        raise self.trace.refusal(
            f"np.{ufunc.__name__}.at inside a recorded program, {source_line()}: use np.bincount or a sum"
        )

    def __array_function__(self, func: Any, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        for kind in types:
            if kind is not Traced and hasattr(kind, "_node"):
                return NotImplemented
        if func is np.copyto:
            args[0][...] = args[1]
            return None
        out = kwargs.get("out")
        if out is not None:
            rest = {key: value for key, value in kwargs.items() if key != "out"}
            return self._into(out, func, args, rest)
        return self.trace.call(func, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        if self.trace.closed:
            return np.asarray(self.value, *args, **kwargs)
        raise self.trace.refusal(
            f"a value of the recorded program would leave it as a plain array, {source_line()}: by np.asarray or "
            "np.array, indexing a plain array by it, or writing it into one. Use np.copy or np.astype, np.take, "
            "np.where; or return it"
        )

    def __pow__(self, other: Any) -> Any:
        if type(other) in (int, float) and other in _POWERS and self.dtype.kind == "f":
            return _POWERS[other](self)
        return np.power(self, other)

    def __getitem__(self, index: Any) -> Any:
        return self.trace.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.trace.closed:
            self.value[_values(index)] = _values(value)
            return
        new = Var(self.value)
        self.trace.add(Line(new, put, (self.var, _vars(index), _vars(value)), {}, self.trace.origin, ""))
        self.value[_values(index)] = _values(value)
        self.trace.write(self, new)

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

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return partial(_method, self, getattr(np, name))
        raise AttributeError(f"an array of the recorded program has no {name!r}: use NumPy's function")

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return self.trace.call(np.reshape, (self, wanted), {} if order == "C" else {"order": order})

    def flatten(self) -> Any:
        return np.copy(np.ravel(self))

    def transpose(self, *axes: Any) -> Any:
        wanted = axes[0] if len(axes) == 1 else axes
        return self.trace.call(np.transpose, (self,) if wanted is None or not axes else (self, wanted), {})

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return self.trace.call(np.astype, (self, np.dtype(dtype)), {})

    def fill(self, value: Any) -> None:
        self[...] = value

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    # Where a value decides, or leaves

    def __bool__(self) -> bool:
        decided = bool(self.value)
        self.trace.check(self if self.dtype.kind == "b" else self != 0, decided)
        return decided

    def __index__(self) -> int:
        value = int(self.value) if self.dtype.kind == "b" else operator.index(self.value)
        self.trace.check(self, value)
        return value

    def __hash__(self) -> int:
        if self.shape:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        self.trace.check(self, self.value.item())
        return hash(self.value.item())

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self._leaves("round()")) if ndigits is None else np.round(self, ndigits)

    def _leaves(self, how: str) -> Any:
        if self.trace.strict and not self.trace.closed:
            raise self.trace.refusal(
                f"{how} of a value of the recorded step, {source_line()}: a replay could not do that again. "
                "Return the value, and do it outside"
            )
        return self.value

    def item(self) -> Any:
        return self._leaves("item()").item()

    def tolist(self) -> Any:
        return self._leaves("tolist()").tolist()

    def __float__(self) -> float:
        return float(self._leaves("float()"))

    def __int__(self) -> int:
        return operator.index(self) if self.dtype.kind in "iub" else int(self._leaves("int()"))

    def __repr__(self) -> str:
        return repr(self._leaves("printing"))

    def __format__(self, spec: str) -> str:
        return format(self._leaves("printing"), spec)


def _method(traced: Traced, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return traced.trace.call(fn, (traced, *args), kwargs)


def _shaped_by_values(fn: Any, args: tuple[Any, ...]) -> bool:
    """Whether the shape of a result may be another one for other values of the same shapes."""
    if isinstance(fn, np.ufunc) or isinstance(getattr(fn, "__self__", None), np.ufunc) or impure(fn):
        return False
    if fn is operator.getitem:
        parts = args[1] if isinstance(args[1], tuple) else (args[1],)
        return any(
            (isinstance(part, slice) and Traced in map(type, (part.start, part.stop, part.step)))
            or (type(part) is Traced and part.dtype.kind == "b")
            for part in parts
        )
    if fn is np.repeat:
        return type(args[1]) is Traced
    return fn not in _SAME_SHAPE


def _as_by_default(option: str, value: Any) -> bool:
    """Whether an option of a ufunc's `reduce` is as if it had been left out; `axis` is not."""
    return {"dtype": None, "keepdims": False, "initial": np._NoValue, "where": True}.get(option, Trace) is value


def _values(value: Any) -> Any:
    """A nesting with the arrays in place of what is traced."""
    if type(value) is Traced:
        return value.value
    if type(value) is tuple or type(value) is list:
        return type(value)([part.value if type(part) is Traced else _values(part) for part in value])
    if isinstance(value, slice):
        return slice(_values(value.start), _values(value.stop), _values(value.step))
    return value


def _arrays(values: Iterable[Any]) -> list[Any]:
    """The arrays among arguments, also inside tuples and lists."""
    found = []
    for value in values:
        kind = type(value)
        if kind is np.ndarray:
            found.append(value)
        elif kind is tuple or kind is list:
            found += _arrays(value)
    return found


def _exchanged(value: Any, old: Any, new: Any) -> Any:
    """A nesting with one array in the place of another."""
    if type(value) is tuple or type(value) is list:
        return type(value)([_exchanged(part, old, new) for part in value])
    return new if value is old else value


def _equal(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())


def _vars(value: Any) -> Any:
    """A nesting with the program's values in place of what is traced; what an earlier recording left is an array."""
    if type(value) is Traced:
        return value.value if value.trace.closed else value.var
    if type(value) is tuple or type(value) is list:
        return type(value)([_vars(part) for part in value])
    if isinstance(value, slice):
        return slice(_vars(value.start), _vars(value.stop), _vars(value.step))
    return value
