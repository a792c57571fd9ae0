"""What the compiler knows of NumPy's functions: what they write into, when values decide a shape, what gives a view."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from autograd.program.program import Line, Var, impure
from autograd.program.trace import Traced
from autograd.rules.definition import positional
from autograd.rules.index import scatter
from autograd.rules.write import put

SHAPED_BY_SHAPES: dict[Any, int] = {  # of how many first arguments the values never decide a shape or dtype
    **dict.fromkeys(
        (np.sum, np.mean, np.prod, np.max, np.min, np.any, np.all, np.argmax, np.argmin, np.cumsum, np.cumprod, np.var,
         np.std, np.median, np.copy, np.astype, np.zeros_like, np.ones_like, np.empty_like, np.concatenate, np.stack,
         np.hstack, np.vstack, np.dstack, np.column_stack, np.transpose, np.reshape, np.swapaxes, np.moveaxis,
         np.expand_dims, np.squeeze, np.broadcast_to, np.diagonal, np.ravel, np.real, np.imag, np.flip, np.roll,
         np.tile, np.sort, np.argsort, np.trace, np.diag, np.triu, np.tril, np.round, np.nan_to_num, np.repeat, np.pad,
         np.atleast_1d, np.atleast_2d, np.atleast_3d, np.split, np.array_split, np.hsplit, np.vsplit, np.diff,
         np.gradient, np.linalg.inv, np.linalg.det, np.linalg.norm, np.linalg.cholesky, np.unstack,
         np.lib.stride_tricks.sliding_window_view, np.rot90, np.nansum, np.nanmean, np.average), 1),
    **dict.fromkeys(
        (np.dot, np.matmul, np.vdot, np.inner, np.outer, np.tensordot, np.cross, np.kron, np.isclose, np.full_like,
         np.take, np.take_along_axis, np.linalg.solve, np.searchsorted, np.array_equal, np.allclose), 2),
    np.where: 3, np.clip: 3, put: 3, scatter: 2, np.einsum: 99, np.broadcast_arrays: 99,
}  # fmt: skip
WRITERS = {np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal}  # into their first argument
VIEWS = {
    np.transpose, np.reshape, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.diagonal,
    np.ravel, np.real, np.imag, np.flip, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.ascontiguousarray,
    np.asfortranarray, np.rollaxis,
}  # fmt: skip
_DRAWS_INTO = ("random", "standard_normal", "standard_exponential")  # what generators can write into an array


class Check:
    """A line that computes nothing: the program is right only as long as a value is what it was."""

    impure = True
    __name__ = "check"

    def __call__(self, value: Any, expected: Any) -> Any:
        raise NotImplementedError("checks are compiled, not called")


check, check_form = Check(), Check()  # of a value; of its shape and dtype


def form(value: Any) -> Any:
    """The shape and dtype of an array, or of each in a tuple or list."""
    if isinstance(value, (tuple, list)):
        return tuple([form(part) for part in value])
    return np.shape(value), getattr(value, "dtype", None)


@cache
def changed(fn: Any) -> Callable[..., Any]:
    """The function that gives a changed copy of its first argument, of one that changes it: of `np.put`, say."""

    def call(array: Any, *args: Any, **kwargs: Any) -> Any:
        result = np.array(array)
        fn(result, *args, **kwargs)
        return result

    call.__name__ = f"changed_by_{fn.__name__}"
    return call


@cache
def where_true(ufunc: np.ufunc) -> Callable[..., Any]:
    """The function that gives a copy of `out` with the ufunc's results where a condition holds."""

    def call(out: Any, where: Any, *args: Any, **kwargs: Any) -> Any:
        result = np.array(out)
        ufunc(*args, out=result, where=where, **kwargs)
        return result

    call.__name__ = f"{ufunc.__name__}_where"
    return call


def writes(fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function of NumPy is asked to write into an argument, beside `out=`, which is replayed."""
    for name, position in _writing_options(fn):
        if name in kwargs or 0 <= position < len(args):
            value = kwargs[name] if name in kwargs else args[position]
            if not value if name == "copy" else value is not None and value is not False:
                return True
    return False


@cache
def _writing_options(fn: Any) -> list[tuple[str, int]]:
    """The options by which a function writes into its arguments, with their positions; -1 where they have none."""
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return []
    names = positional(fn)
    wanted = ("out", "overwrite_input", *["copy"] * (fn is np.nan_to_num))
    return [(name, names.index(name) if name in names else -1) for name in wanted if name in parameters]


def traced_in(value: Any) -> Iterator[Traced]:
    """What is traced in a nesting."""
    kind = type(value)
    if kind is Traced:
        yield value
    elif kind is tuple or kind is list:
        for part in value:
            yield from traced_in(part)
    elif kind is slice:
        yield from traced_in((value.start, value.stop, value.step))


def shaped_by_values(fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether the shape of a result may be another one for other values of the same shapes."""
    if isinstance(fn, np.ufunc):
        if not kwargs:
            return False
        count = len(args)
    elif isinstance(getattr(fn, "__self__", None), np.ufunc):
        count = 1 if fn.__name__ in ("reduce", "accumulate") else 2
    elif fn is operator.getitem:
        parts = args[1] if isinstance(args[1], tuple) else (args[1],)
        return any(type(part) is slice or traced.dtype.kind == "b" for part in parts for traced in traced_in(part))
    elif impure(fn):
        return any(traced.dtype.kind == "i" for traced in traced_in((args, tuple(kwargs.values()))))
    else:
        count = SHAPED_BY_SHAPES.get(fn, 0)
        if fn is np.where and len(args) < 3:
            count = 0
    if not kwargs and count >= len(args):
        return False
    return any(True for _ in traced_in((args[count:], tuple(kwargs.values()))))


def basic(index: Any) -> bool:
    """Whether an index gives a view."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, np.integer))
        or (isinstance(part, slice) and not any(type(end) is Var for end in (part.start, part.stop, part.step)))
        for part in parts
    )


def computes(line: Line) -> bool:
    """Whether a line can write its result into an array that it is given."""
    target, fn = line.target, line.fn
    if not target.shape or target.dtype.kind not in "fiub":
        return False
    if isinstance(fn, np.ufunc):
        if fn is np.matmul:
            return _matrices(line)
        return fn.nout == 1 and fn.signature is None and "where" not in line.kwargs
    if fn is np.dot:
        return _matrices(line)
    if fn is np.concatenate:
        return type(line.args[0]) is list and "dtype" not in line.kwargs and target.dtype.char in "fd"
    if fn in (put, np.copy, np.where, np.astype, np.broadcast_to):
        return type(line.args[0]) in (Var, np.ndarray) or fn is np.where
    if impure(fn):
        return (
            getattr(fn, "__name__", "") in _DRAWS_INTO
            and isinstance(getattr(fn, "generator", None), np.random.Generator)
            and target.dtype.char in "fd"
            and "out" not in line.kwargs
        )  # fmt: skip
    return getattr(fn, "__name__", "") == "reduce" and isinstance(getattr(fn, "__self__", None), np.ufunc)


def _matrices(line: Line) -> bool:
    """Whether this is a product that BLAS computes, into an array of the right kind."""
    return len(line.args) == 2 and not line.kwargs and line.target.dtype.char in "fd" and all(
        type(arg) in (Var, np.ndarray) and arg.shape and len(arg.shape) <= 2 and arg.dtype == line.target.dtype
        for arg in line.args
    )  # fmt: skip


def down_the_rows(line: Line) -> bool:
    x = line.args[0]
    options = {**dict(zip(("axis", "dtype"), line.args[1:], strict=False)), **line.kwargs}
    return (
        type(x) is Var and len(x.shape or ()) == 2 and np.dtype(x.dtype).char in "fd"
        and options in ({"axis": 0}, {"axis": (0,)}, {"axis": 0, "dtype": None})
    )  # fmt: skip
