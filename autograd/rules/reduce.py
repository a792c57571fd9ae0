"""Reductions: many elements become one, so its gradient is spread over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.basis.arrays import holds, is_foreign
from autograd.basis.signatures import qualified_name
from autograd.rules.definition import defop
from autograd.rules.samples import MASKED, REDUCTIONS, SINGLE, normal


def restore(g: Any, axis: Any, keepdims: bool) -> Any:
    """`g` with the reduced axes back, of length 1, so that it broadcasts against the operand."""
    return g if axis is None or keepdims else np.expand_dims(g, axis)


def axis_of(a: Any, axis: Any) -> Any:
    """`axis`, and None for a number: NumPy lets it have an axis 0."""
    return axis if a.ndim else None


def spread(g: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """`g` repeated over the axes of `a` that were reduced."""
    if axis is None and issubclass(type(g), np.generic):  # a view, at a tenth of the cost of broadcast_to
        return np.ndarray(a.shape, g.dtype, g, 0, (0,) * a.ndim)
    return np.broadcast_to(restore(g, axis_of(a, axis), keepdims), np.shape(a))


def count(a: Any, y: Any, axis: Any = None, where: Any = True) -> Any:
    """How many elements of `a` went into one of `y`; with `where`, an array that broadcasts against `a`."""
    if where is True:
        n = a.size // max(y.size, 1)
        return n if n <= _LARGEST_HALF or a.dtype != np.float16 else np.float32(n)
    chosen = np.broadcast_to(where, np.shape(a))
    return np.sum(chosen, axis=axis, keepdims=True).astype(counting(a.dtype))


_LARGEST_HALF = 65504


def counting(dtype: Any) -> Any:
    """The dtype to count elements of `dtype` in: half precision ends at 65504, and 1 / 70000 is a half."""
    return np.promote_types(dtype, np.float32)


def inverse(order: Any) -> list[int]:
    """The permutation of axes that undoes `order`.

    >>> inverse([2, 0, 1])
    [1, 2, 0]
    """
    return sorted(range(len(order)), key=order.__getitem__)


def rows(a: Any, axis: Any) -> Any:
    """`a` as a matrix: what is reduced to one element stands in one row."""
    if axis is None:
        return np.reshape(a, (1, a.size))
    axes = normalize_axis_tuple(axis, a.ndim)
    kept = [k for k in range(a.ndim) if k not in axes]
    width = int(np.prod([a.shape[k] for k in axes]))
    return np.reshape(np.transpose(a, (*kept, *axes)), (a.size // max(width, 1), width))


def unrows(matrix: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """The array of shape `shape` whose `rows` are `matrix`."""
    if axis is None:
        return np.reshape(matrix, shape)
    axes = normalize_axis_tuple(axis, len(shape))
    order = (*(k for k in range(len(shape)) if k not in axes), *axes)
    return np.transpose(np.reshape(matrix, [shape[k] for k in order]), inverse(order))


def float_dtype(dtype: Any) -> Any:
    """A `dtype=` argument; TypeError where a result of it would have no gradient."""
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise TypeError(f"dtype={np.dtype(dtype)} has no gradient; use a float dtype, or .astype afterwards")
    return dtype


def checked(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`, which takes a `dtype=`, for those that have gradients."""

    def forward(a: Any, axis: Any = None, dtype: Any = None, **options: Any) -> Any:
        return fn(a, axis, dtype if dtype is None else float_dtype(dtype), **options)

    return forward


def beginning(fn: Callable[..., Any], join: np.ufunc) -> dict[str, Callable[..., Any]]:
    """What `composed` of a reduction is: with a Tensor as `initial`, that is one element more."""

    def body(a: Any, *args: Any, initial: Any, **options: Any) -> Any:
        if np.ndim(initial):
            raise ValueError(f"{qualified_name(fn)} with initial= of shape {np.shape(initial)}; it is one number")
        if join in (np.maximum, np.minimum):  # there may be no other element
            options["initial"] = -np.inf if join is np.maximum else np.inf
        y = fn(a, *args, **options)
        return join(y, initial.astype(float_dtype(y.dtype)))

    return {"initial": body}


# Sums and means


def _sum_forward(
    a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = np._NoValue, where: Any = True
) -> Any:
    return np.add.reduce(a, axis=axis, dtype=float_dtype(dtype), keepdims=keepdims, initial=initial, where=where)


def _sum(
    g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = 0,
    where: Any = True,
) -> Any:  # fmt: skip
    g = spread(g, a, axis, keepdims)
    return g if where is True else np.where(where, g, 0)


defop(
    np.sum,
    label="Σ",
    forward=_sum_forward,
    vjp=_sum,
    composed=beginning(np.sum, np.add),
    math=r"\bar a_i = \bar y",
    samples=[*REDUCTIONS, *MASKED, *SINGLE, normal(3, initial=2.0)],
    ties="an `initial` that is a Tensor counts as an element",
)


def _mean_forward(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, where: Any = True) -> Any:
    if type(a) is np.ndarray and a.dtype.char in "fd" and dtype is None and where is True:
        total = np.add.reduce(a, axis=axis, keepdims=keepdims)
        return total / count(a, total)
    return np.mean(a, axis=axis, dtype=float_dtype(dtype), keepdims=keepdims, where=where)


def _mean(
    g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, where: Any = True
) -> Any:
    if where is True:
        return spread(g / max(count(a, y), 1), a, axis, keepdims)
    share = restore(g, axis_of(a, axis), keepdims) / np.maximum(count(a, y, axis, where), 1)
    return np.where(where, np.broadcast_to(share, np.shape(a)), 0)


defop(
    np.mean,
    label="mean",
    forward=_mean_forward,
    vjp=_mean,
    math=r"\bar a_i = \bar y / n",
    samples=[*REDUCTIONS, *MASKED, *SINGLE],
)


# The largest and the smallest


def _extremum(
    g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    axis = axis_of(a, axis)
    y = restore(y, axis, keepdims)
    chosen = a == y if where is True else (a == y) & where
    if initial is not None:
        chosen = chosen & (y != initial)
    count_of = np.sum if is_foreign(chosen) else np.count_nonzero
    ties = np.maximum(count_of(chosen, axis=axis, keepdims=True), 1)
    return restore(g, axis, keepdims) / ties.astype(counting(a.dtype)) * chosen


def _reduced(ufunc: np.ufunc) -> Callable[..., Any]:
    """What NumPy's function calls in the end."""

    def forward(a: Any, axis: Any = None, keepdims: bool = False, initial: Any = np._NoValue, where: Any = True) -> Any:
        return ufunc.reduce(a, axis=axis, keepdims=keepdims, initial=initial, where=where)

    return forward


_fn: Any
_forward: Any
_largest, _smallest = _reduced(np.maximum), _reduced(np.minimum)
for _fn, _forward in (
    (np.max, _largest), (np.min, _smallest), (np.amax, _largest), (np.amin, _smallest),
    (np.nanmax, None), (np.nanmin, None),
):  # fmt: skip
    defop(
        _fn,
        role="extreme",
        zeros="nan" if _fn in (np.nanmax, np.nanmin) else "",
        forward=_forward,
        vjp=_extremum,
        composed=beginning(_fn, np.maximum if "max" in _fn.__name__ else np.minimum),
        math=r"\bar a_i = \bar y \, 1[a_i = y] / n, \quad n = \sum_j 1[a_j = y]",
        samples=[
            *REDUCTIONS,
            normal((3, 4), axis=0, initial=0.1),
            lambda rng: (rng.normal(size=(3, 4)), {"where": np.arange(4) != 1, "initial": 0.1}),
        ],
        ties="the elements that tie share the gradient equally; an `initial` that is a constant wins",
    )

# Products


def _others(a: Any, axis: Any) -> Any:
    """For each element the product of those that it is multiplied with: no division, so zeros are no case."""
    matrix = rows(a, axis)
    one = np.ones_like(matrix[:, :1])
    before = np.cumprod(np.concatenate([one, matrix[:, :-1]], axis=1), axis=1)
    behind = np.cumprod(np.concatenate([one, matrix[:, :0:-1]], axis=1), axis=1)
    return unrows(before * behind[:, ::-1], np.shape(a), axis)


def _prod(
    g: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = 1,
    where: Any = True,
) -> Any:  # fmt: skip
    axis = axis_of(a, axis)
    factors = a if where is True else np.where(where, a, 1)
    y = restore(y, axis, keepdims)
    regular = holds(np.all(y)) and holds(np.all(np.isfinite(y)))
    g = restore(g, axis, keepdims) * (y / factors if regular else initial * _others(factors, axis))
    return g if where is True else np.where(where, g, 0)


defop(
    np.prod,
    label="Π",
    forward=checked(np.multiply.reduce),
    vjp=_prod,
    composed=beginning(np.prod, np.multiply),
    math=r"\bar a_i = \bar y \prod_{j \ne i} a_j",
    samples=[
        *REDUCTIONS,
        *MASKED,
        *SINGLE,
        normal(3, initial=2.0),
        lambda rng: (rng.normal(size=(3, 4)) * (np.arange(4) != 1), 1),
        lambda rng: (rng.normal(size=(3, 4)) * (np.arange(4) > 1), {"axis": (0, 1), "initial": 2.0}),
    ],
    ties="an `initial` that is a Tensor counts as an element",
)
