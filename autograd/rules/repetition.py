"""Operations that use elements several times: broadcasting, tiling, repeating. Uses are added up."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.backward import unbroadcast
from autograd.core.op import stack_nested
from autograd.rules.definition import defcomposite, defop
from autograd.rules.index import along, scatter
from autograd.rules.plain import constant
from autograd.rules.reduce import float_dtype

_SUMMED = r"\bar a_i = \sum_j \bar y_{ji}, \quad y_{ji} = a_i"

defop(
    np.broadcast_to,
    vjp=lambda g, y, array, shape: unbroadcast(g, np.shape(array)),
    math=_SUMMED,
    samples=[
        lambda rng: (rng.normal(size=(3, 1)), (2, 3, 4)),
        lambda rng: (rng.normal(), (2, 3)),
    ],
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
    grid = tuple(
        np.reshape(x, [-1 if i == axis else 1 for i in range(len(xi))]) for x, axis in zip(xi, axes, strict=True)
    )
    return grid if sparse else _broadcast_arrays(*grid)


defcomposite(
    np.broadcast_arrays,
    _broadcast_arrays,
    math=_SUMMED,
    samples=[lambda rng: (rng.normal(size=(3, 1)), rng.normal(size=4), rng.normal())],
)
defcomposite(
    np.meshgrid,
    _meshgrid,
    math=r"\bar x_i = \sum_j \bar y_{ji}, \quad y_{ji} = x_i",
    samples=[
        lambda rng: (rng.normal(size=3), rng.normal(size=4)),
        lambda rng: (rng.normal(size=3), rng.normal(size=4), rng.normal(), {"indexing": "ij"}),
        lambda rng: (rng.normal(size=3), rng.normal(size=4), rng.normal(size=2), {"sparse": True}),
        lambda rng: (rng.normal(size=3),),
    ],
)


def _full_like(a: Any, fill_value: Any, dtype: Any = None, *, order: Any = "K", shape: Any = None) -> Any:
    dtype, shape = np.dtype(a.dtype if dtype is None else dtype), np.shape(a) if shape is None else shape
    fill_value = stack_nested(fill_value)
    if not hasattr(fill_value, "_node"):
        return constant(np.full_like)(a, fill_value, dtype, order, shape=shape)
    return np.reshape(fill_value * np.ones(shape, float_dtype(dtype)), shape).astype(dtype)


def _tile(g: Any, y: Any, A: Any, reps: Any) -> Any:
    counts, shape = tuple(int(n) for n in np.ravel(reps)), np.shape(A)
    rank = max(len(counts), len(shape))
    pairs = zip((1,) * (rank - len(counts)) + counts, (1,) * (rank - len(shape)) + shape, strict=True)
    apart = np.reshape(g, [n for pair in pairs for n in pair])
    return np.reshape(np.sum(apart, axis=tuple(range(0, 2 * rank, 2))), shape)


def _repeat(g: Any, y: Any, a: Any, repeats: Any, axis: int | None = None) -> Any:
    shape = flat = np.shape(a)
    if axis is None or not shape:
        flat, axis = (int(np.size(a)),), 0
    axis %= len(flat)
    if np.size(repeats) != 1:
        source = np.searchsorted(np.cumsum(repeats), np.arange(np.shape(g)[axis]), side="right")
        summed = scatter(g, along(axis, source), flat)
    else:
        count = int(np.ravel(repeats)[0])
        summed = np.sum(np.reshape(g, (*flat[: axis + 1], count, *flat[axis + 1 :])), axis=axis + 1)
    return np.reshape(summed, shape)


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
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=3)),
        lambda rng: (rng.normal(size=(2, 3)), rng.normal(), {"shape": (4,)}),
    ],
    ties="the first argument gives its shape and dtype only",
)
defop(
    np.tile,
    vjp=_tile,
    math=r"\bar A_i = \sum_j \bar y_{ji}, \quad y_{ji} = A_i",
    samples=[
        lambda rng: (rng.normal(size=3), 2),
        lambda rng: (rng.normal(size=(2, 3)), (2, 1, 3)),
        lambda rng: (rng.normal(size=(2, 1, 3)), {"reps": [2, 2]}),
        lambda rng: (rng.normal(), (2, 3)),
    ],
)
defop(
    np.repeat,
    vjp=_repeat,
    math=_SUMMED,
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), 2),
        lambda rng: (rng.normal(size=(2, 3)), [3], 0),
        lambda rng: (rng.normal(size=(2, 3)), np.array([2, 0, 1]), {"axis": -1}),
        lambda rng: (rng.normal(size=(2, 1)), (1, 2), 0),
        lambda rng: (rng.normal(), 3),
    ],
)
defcomposite(
    np.resize,
    _resize,
    math=_SUMMED,
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), (3, 5)),
        lambda rng: (rng.normal(size=(2, 3)), 4),
    ],
)
