"""Shapes, axes and repetition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.basis.arrays import is_tensor
from autograd.core.op import stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.plain import constant
from autograd.rules.reduce import float_dtype
from autograd.rules.samples import normal
from autograd.rules.shape import on_axis

_SUMMED = r"\bar a_i = \sum_j \bar y_{ji}, \quad y_{ji} = a_i"


def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    rank = np.ndim(a)
    axis, start = normalize_axis_index(axis, rank), start + rank if start < 0 else start
    return np.moveaxis(a, axis, start - (axis < start))


defcomposite(
    np.rollaxis,
    _rollaxis,
    math=r"\bar a = \bar y^\top",
    samples=[
        lambda rng: (rng.normal(size=(2, 3, 4)), 2),
        lambda rng: (rng.normal(size=(2, 3, 4)), 0, 3),
        lambda rng: (rng.normal(size=(2, 3, 4)), -3, {"start": -1}),
    ],
)
for _fn in (np.matrix_transpose, np.linalg.matrix_transpose):
    defcomposite(_fn, lambda x: np.swapaxes(x, -1, -2), math=r"\bar x = \bar y^\top", samples=[normal((2, 3, 4))])


def _each(raised: Callable[[Any], Any]) -> Callable[..., Any]:
    """`raised` of one array, or of each of several."""

    def body(*arys: Any) -> Any:
        results = tuple(raised(stack_nested(a)) for a in arys)
        return results[0] if len(results) == 1 else results

    return body


def _rank_3(a: Any) -> Any:
    if a.ndim > 2:
        return a
    return np.expand_dims(a, -1) if a.ndim == 2 else np.reshape(a, (1, -1, 1))


atleast_1d = _each(lambda a: a if a.ndim else np.reshape(a, (1,)))
atleast_2d = _each(lambda a: a if a.ndim > 1 else np.reshape(a, (1, -1)))
atleast_3d = _each(_rank_3)
for _fn, _body in ((np.atleast_1d, atleast_1d), (np.atleast_2d, atleast_2d), (np.atleast_3d, atleast_3d)):
    defcomposite(
        _fn,
        _body,
        math=r"\bar a = \operatorname{reshape}(\bar y)",
        samples=[normal(()), normal(3), normal((2, 3)), normal((2, 3, 2), 2)],
    )


defcomposite(
    np.astype,
    lambda x, dtype, *, copy=True, device=None: x.astype(dtype),
    math=r"\bar x = \bar y",
    samples=[lambda rng: (rng.normal(size=3), np.float64)],
)


def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    filled = np.argwhere(filt)
    rank = np.ndim(filt)
    axes = range(rank) if axis is None else np.mod(axis, rank).reshape(-1).tolist()
    where: list[Any] = [slice(None)] * rank
    for i in axes:
        first, last = (filled[:, i].min(), filled[:, i].max()) if len(filled) else (0, -1)
        front, back = "f" in trim.lower() or not len(filled), "b" in trim.lower() or not len(filled)
        where[i] = slice(first if front else None, last + 1 if back else None)
    return filt[tuple(where)]


defcomposite(
    np.trim_zeros,
    _trim_zeros,
    math=r"\bar f[\text{kept}] = \bar y",
    samples=[normal(3), lambda rng: (rng.normal(size=3), "b")],
    ties="0 for what is trimmed",
)


def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    grid = tuple(on_axis(axis, x, len(xi)) for x, axis in zip(xi, axes, strict=True))
    grid = grid if sparse else _broadcast_arrays(*grid)
    return tuple(map(np.copy, grid)) if copy else grid


defcomposite(
    np.broadcast_arrays,
    _broadcast_arrays,
    math=_SUMMED,
    samples=[normal((3, 1), 4, ())],
)
defcomposite(
    np.meshgrid,
    _meshgrid,
    math=r"\bar x_i = \sum_j \bar y_{ji}, \quad y_{ji} = x_i",
    samples=[normal(3, 4), normal(3, 4, (), indexing="ij"), normal(3, 4, 2, sparse=True), normal(3)],
)


def _full_like(a: Any, fill_value: Any, dtype: Any = None, *, order: Any = "K", shape: Any = None) -> Any:
    dtype, shape = np.dtype(a.dtype if dtype is None else dtype), np.shape(a) if shape is None else shape
    fill_value = stack_nested(fill_value)
    if not is_tensor(fill_value):
        return constant(np.full_like)(a, fill_value, dtype, order, shape=shape)
    return np.reshape(fill_value * np.ones(shape, float_dtype(dtype)), shape).astype(dtype)


def _resize(a: Any, new_shape: Any) -> Any:
    size = int(np.prod(new_shape))
    shape = tuple(np.ravel(new_shape).tolist())
    if min(shape, default=0) < 0:
        raise ValueError(f"np.resize to the shape {shape}")
    if np.size(a) == 0:
        return np.reshape(np.pad(np.ravel(a), (0, size)), shape)
    return np.reshape(np.take(a, np.arange(size) % np.size(a)), shape)


defcomposite(
    np.full_like,
    _full_like,
    math=r"\bar f = \sum_i \bar y_i, \quad y_i = f",
    samples=[normal((2, 3), 3), normal((2, 3), (), shape=(4,))],
    ties="the first argument gives its shape and dtype only",
)
defcomposite(
    np.resize,
    _resize,
    math=_SUMMED,
    samples=[lambda rng: (rng.normal(size=(2, 3)), (3, 5)), lambda rng: (rng.normal(size=(2, 3)), 4)],
)
