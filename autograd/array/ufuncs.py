"""The methods of NumPy's ufuncs: `np.logaddexp.reduce`, `np.maximum.accumulate`, `np.add.reduceat`, `np.multiply.at`.

Each is a composition of calls of the ufunc itself, so every ufunc of two operands that has a rule has them.
So are calls with options that say how a ufunc computes: in which dtype, along which axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.basis.arrays import is_tensor
from autograd.basis.signatures import qualified_name
from autograd.core.errors import named
from autograd.core.op import find, plain, stack_nested
from autograd.core.tensor import call
from autograd.rules.definition import PLAIN
from autograd.rules.index import along, scatter
from autograd.rules.reduce import float_dtype

_NAMED: Final[dict[Any, Callable[..., Any]]] = {  # these have records of their own
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
_ASSOCIATIVE: Final = {
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot,
}  # fmt: skip
_NEUTRAL: Final[dict[Any, Any]] = {np.fmax: np.nan, np.fmin: np.nan}  # where NumPy names no identity
_HOW: Final = frozenset({"dtype", "signature", "casting", "order", "subok", "axes", "keepdims"})


def call_with_options(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc that is called with options, but without `out=`."""
    where = kwargs.pop("where", True)
    if where is not True and not np.all(plain(where)):
        raise TypeError(
            f"{qualified_name(ufunc)} with where= and without out= leaves the rest undefined; give an "
            "out= that holds it, such as np.zeros_like(t), or choose by np.where"
        )
    if _HOW.isdisjoint(kwargs) or ufunc in PLAIN:
        return call(ufunc, inputs, kwargs)
    return _call_cast(ufunc, inputs, **kwargs)


def _call_cast(
    ufunc: np.ufunc,
    inputs: tuple[Any, ...],
    *,
    dtype: Any = None,
    signature: Any = None,
    casting: Any = "same_kind",
    order: str = "K",
    subok: bool = True,
    axes: Any = None,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    """A ufunc with options that say how it computes: its operands are cast and turned beforehand, as NumPy does it.

    The layout that `order` asks for is nothing that a Tensor shows.
    """
    try:
        inputs = _cast(ufunc, inputs, dtype, signature, casting)
    except (TypeError, ValueError) as error:
        raise named(qualified_name(ufunc), inputs, error) from error
    if axes is None:
        result = ufunc(*inputs, **options)
        return np.expand_dims(result, options.get("axis", -1)) if keepdims else result
    places = [(axis,) if isinstance(axis, int) else tuple(axis) for axis in axes]
    last = [range(-len(place), 0) for place in places]
    result = ufunc(*map(np.moveaxis, inputs, places, last), **options)
    if keepdims:
        return np.expand_dims(result, places[0])
    return np.moveaxis(result, last[-1], places[-1]) if len(places) > ufunc.nin else result


def _cast(ufunc: np.ufunc, inputs: tuple[Any, ...], dtype: Any, signature: Any, casting: Any) -> tuple[Any, ...]:
    """The operands in the dtypes of the loop that NumPy chooses."""
    inputs = tuple([value if type(value) in (int, float) else stack_nested(value) for value in inputs])
    if isinstance(signature, str):
        signature = signature.replace("->", "")
    elif signature is None:
        signature = (*[None] * ufunc.nin, *[dtype] * ufunc.nout)
    given = (*[type(value) if type(value) in (int, float) else value.dtype for value in inputs], *[None] * ufunc.nout)
    signature = tuple([kind if kind is None else np.dtype(kind) for kind in signature])
    loop = ufunc.resolve_dtypes(given, signature=signature, casting=casting)
    float_dtype(loop[-1])
    return tuple([
        value if type(value) in (int, float) or value.dtype == kind else value.astype(kind)
        for value, kind in zip(inputs, loop, strict=False)
    ])  # fmt: skip


def call_method(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc's method on Tensors; TypeError where it has no derivative."""
    if ufunc in PLAIN and method != "at":
        return getattr(ufunc, method)(*plain(inputs), **plain(kwargs))
    function, general = _NAMED.get((ufunc, method)), _GENERAL.get(method)
    if function is not None:
        kwargs.update(zip(("axis", "dtype", "out", "keepdims", "initial", "where"), inputs[1:], strict=False))
        given = {name: option for name, option in kwargs.items() if option is not None or name == "axis"}
        if function in (np.max, np.min) and "dtype" in given:  # these have none
            inputs = (inputs[0].astype(float_dtype(given.pop("dtype"))),)
        return function(inputs[0], **{"axis": 0, **given})
    elementwise = ufunc.signature is None and ufunc.nout == 1 and (ufunc.nin == 2 or method == "at")
    if find(ufunc) is None or general is None or not elementwise:
        raise TypeError(
            f"np.{ufunc.__name__}.{method} has no derivative rule, so a Tensor cannot go through it; "
            "call the function itself"
        )
    try:
        return general(ufunc, *inputs, **kwargs)
    except (TypeError, ValueError, IndexError) as error:
        raise named(f"np.{ufunc.__name__}.{method}", inputs[:1], error) from error


def _outer(ufunc: np.ufunc, a: Any, b: Any, **how: Any) -> Any:
    a, b = stack_nested(a), stack_nested(b)
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **how)


def _reduce(
    ufunc: np.ufunc,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """All elements along some axes, which are brought to one in front."""
    a = a if dtype is None else a.astype(float_dtype(dtype))
    every = axis is None or (axis == 0 and not a.ndim)  # NumPy lets a number have an axis 0
    axes = normalize_axis_tuple(range(a.ndim) if every else axis, a.ndim)
    if len(axes) > 1 and ufunc not in _ASSOCIATIVE:
        raise ValueError("over one axis only, as the order matters")
    if where is not True:
        neutral = _NEUTRAL.get(ufunc, ufunc.identity)
        if neutral is None:
            raise TypeError("where= is covered for functions that have an identity")
        a = np.where(where, a, neutral)
    shape = [1 if k in axes else n for k, n in enumerate(a.shape)]
    rest = [k for k in range(a.ndim) if k not in axes]
    length = math.prod(a.shape[k] for k in axes)
    a = np.reshape(np.transpose(a, (*axes, *rest)), (length, *(a.shape[k] for k in rest)))
    if initial is not np._NoValue and initial is not None:
        a = np.concatenate([np.broadcast_to(initial, (1, *a.shape[1:])).astype(a.dtype), a])
    result = _folded(ufunc, a)
    return np.reshape(result, shape) if keepdims else result


def _folded(ufunc: np.ufunc, a: Any) -> Any:
    """All along the first axis as one: by halves, a graph of logarithmic depth, where brackets may be set at will."""
    n = len(a)
    if n == 0:
        if ufunc.identity is None:
            raise ValueError("no elements, and no identity; give initial=")
        return np.broadcast_to(ufunc.identity, a.shape[1:]).astype(a.dtype)
    if ufunc in _ASSOCIATIVE:
        while n > 1:
            half = n // 2
            pairs = ufunc(a[:half], a[half : 2 * half])
            a, n = (np.concatenate([pairs, a[-1:]]), half + 1) if n % 2 else (pairs, half)
        a = np.abs(a) if ufunc is np.hypot else a  # NumPy begins with the identity
        return np.copy(a[0])
    result = np.copy(a[0])
    for k in range(1, n):
        result = ufunc(result, a[k])
    return result


def _accumulate(ufunc: np.ufunc, a: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Every element with all before it; in logarithmically many steps where brackets may be set at will.

    After each step an element stands for twice as many (Hillis and Steele, "Data parallel algorithms", 1986).
    """
    a = a if dtype is None else a.astype(float_dtype(dtype))
    a = np.copy(np.moveaxis(a, axis, 0))
    n, reach = len(a), 1
    if ufunc in _ASSOCIATIVE:
        while reach < n:
            a = np.concatenate([a[:reach], ufunc(a[:-reach], a[reach:])])
            reach *= 2
    elif n:
        results = [a[0]]
        for k in range(1, n):
            results.append(ufunc(results[-1], a[k]))
        a = np.stack(results)
    return np.moveaxis(a, 0, axis)


def _reduceat(ufunc: np.ufunc, a: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """The elements between an index and the next, or the one at the index where the next is not behind it."""
    starts, n = [int(k) for k in plain(indices)], a.shape[axis]
    if not all(0 <= start < n for start in starts):
        raise IndexError(f"positions {starts}: not all are below {n}")
    a = a if dtype is None else a.astype(float_dtype(dtype))
    parts = [
        ufunc.reduce(a[along(axis, slice(start, end))], axis=axis) if end > start + 1 else a[along(axis, start)]
        for start, end in zip(starts, [*starts[1:], n], strict=True)
    ]
    return np.stack(parts, axis=axis)


def _at(ufunc: np.ufunc, a: Any, index: Any, *value: Any) -> None:
    """`a[index] = ufunc(a[index], value)`, element by element: positions that come again are done again."""
    if not is_tensor(a):
        raise TypeError("an array cannot hold a Tensor's gradient; write into a Tensor")
    shape, index, value = np.shape(a), plain(index), tuple(map(stack_nested, value))
    if ufunc in (np.add, np.subtract):
        chosen = np.shape(plain(a)[index])
        a._write(ufunc(a, scatter(np.broadcast_to(value[0], chosen), index, shape)))
        return
    positions = np.arange(a.size).reshape(shape)[index]
    values = [np.ravel(np.broadcast_to(v, positions.shape)) for v in value]
    places = positions.reshape(-1)
    turn = _occurrence(places)
    new = np.copy(np.ravel(a))
    for k in range(turn.max(initial=-1) + 1):
        now = turn == k
        new[places[now]] = ufunc(new[places[now]], *[v[now] for v in values])
    a._write(np.reshape(new, shape))


def _occurrence(places: Any) -> Any:
    """For each place, how often it came before.

    >>> _occurrence(np.array([4, 2, 4, 4])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(places, kind="stable")
    _, counts = np.unique(places, return_counts=True)
    turn = np.empty(places.size, np.intp)
    turn[order] = np.arange(places.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return turn


_GENERAL: Final[dict[str, Callable[..., Any]]] = {
    "outer": _outer,
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "at": _at,
}
