"""Reading by index, and its transpose: adding into zeros at that index."""

from __future__ import annotations

import operator
from functools import partial
from typing import Any

import numpy as np

from autograd.basis.arrays import is_foreign, is_lazy, of_kind
from autograd.rules.definition import defop, defplain, dispatched
from autograd.rules.samples import normal

_FEW = 256  # elements; np.add.at on several axes costs more than counting positions from there


def along(axis: int, where: Any) -> tuple[Any, ...]:
    """The index that takes `where` on one axis and all of the axes before it, or after a negative one."""
    return (slice(None),) * axis + (where,) if axis >= 0 else (..., where) + (slice(None),) * (-1 - axis)


def each_along(axis: int, indices: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The index by which `np.take_along_axis` reads: `indices` on one axis, on the others every position."""
    where = list(np.ix_(*map(np.arange, shape)))
    where[axis] = indices
    return tuple(where)


@dispatched
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of shape `shape` to which `g` is added at `index`, repeated positions adding up.

    >>> scatter(np.ones(3), np.array([0, 2, 2]), (4,)).tolist()
    [1.0, 0.0, 2.0, 0.0]
    """
    if is_lazy(g) and g.size and (parts := _slices(index, shape)) is not None:
        return _padded(g, parts, shape)
    out = np.zeros_like(g, shape=shape) if is_foreign(g) else np.zeros(shape, g.dtype)
    if g.size:
        add_at(index, g, out)
    return out


def _slices(index: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """The parts of an index of numbers, new axes and slices without a step, one an axis; None for other ones."""
    parts = list(index) if isinstance(index, tuple) else [index]
    rest = [slice(None)] * (len(shape) - sum(part is not None and part is not Ellipsis for part in parts))
    at = next((k for k, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[at : at + 1] = rest
    known = all(part is None or isinstance(part, (int, np.integer)) or _steps_by_one(part) for part in parts)
    return parts if known else None


def _steps_by_one(part: Any) -> bool:
    return isinstance(part, slice) and part.step in (None, 1)


def _padded(g: Any, parts: list[Any], shape: tuple[int, ...]) -> Any:
    """`g` with zeros around it, which leaves its chunks as they are."""
    widths: list[tuple[int, int]] = []
    for part in parts:
        axis = len(widths)
        if part is None:
            g = np.squeeze(g, axis)
        elif isinstance(part, slice):
            start, stop, _ = part.indices(shape[axis])
            widths.append((start, shape[axis] - max(start, stop)))
        else:
            g, start = np.expand_dims(g, axis), int(part) % shape[axis]
            widths.append((start, shape[axis] - start - 1))
    return np.pad(g, widths) if any(map(any, widths)) else g


def chooses_once(index: Any) -> bool:
    """Whether no element can be chosen twice, so that assigning equals adding."""
    if type(index) is int:
        return True
    for part in index if isinstance(index, tuple) else (index,):
        once = isinstance(part, (int, slice, np.integer)) or part is None or part is Ellipsis
        if not once and not (isinstance(part, np.ndarray) and part.dtype == np.bool_):
            return False
    return True


def add_at(index: Any, g: Any, total: Any) -> None:
    """Add `g` to an array at `index`, repeated positions adding up."""
    if chooses_once(index):
        total[index] += g
    elif is_foreign(total):
        _add_at_in_its_library(index, g, total)
    elif g.size < _FEW:
        np.add.at(total, index, g)
    else:
        np.add.at(total.reshape(-1), _positions(index, total.shape), g.reshape(-1))


def _add_at_in_its_library(index: Any, g: Any, total: Any) -> None:
    if is_lazy(total):
        raise TypeError(
            "positions that come again are added up in memory, which chunks on a cluster have not: choose by slices, "
            "by np.where or a product with one-hot rows, or compute the array"
        )
    positions = of_kind(np.arange(total.size).reshape(total.shape), total)[index]
    np.add.at(total.reshape(-1), positions.reshape(-1), g.reshape(-1))


def _positions(index: Any, shape: tuple[int, ...]) -> Any:
    """The elements at `index`, counted through the raveled array."""
    if isinstance(index, np.ndarray):  # rows, as of an embedding
        row = np.arange(int(np.prod(shape[1:])))
        return np.add.outer(index.astype(np.intp).reshape(-1) * row.size, row).reshape(-1)
    return np.arange(int(np.prod(shape))).reshape(shape)[index].reshape(-1)


defop(
    operator.getitem,
    role="index",
    name="operator.getitem",
    label="[ ]",
    vjp=(lambda g, y, a, index: scatter(g, index, np.shape(a)), None),
    parts=lambda own, g, y, a, index: (partial(add_at, index, g), None),
    math=r"\bar a[i] \mathrel{+}= \bar y",
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), (slice(None, None, 2), slice(3, 0, -1))),
        lambda rng: (rng.normal(size=(4, 5)), 2),
        lambda rng: (rng.normal(size=(4, 5)), (np.array([0, 2, 2]), np.array([1, 1, 1]))),
        lambda rng: (rng.normal(size=(4, 5)), np.array([[0, 2], [2, 3]])),
        lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=(4, 5)) > 0),
        lambda rng: (rng.normal(size=(4, 5)), (..., None, [0, 0])),
    ],
)
defop(
    scatter,
    name="scatter",
    label="scatter",
    vjp=(lambda g, y, a, index, shape: g[index], None, None),
    math=r"\bar a = \bar y[i]",
    samples=[
        lambda rng: (rng.normal(size=3), np.array([0, 2, 2]), (4,)),
        lambda rng: (rng.normal(size=(2, 3)), slice(0, 2), (4, 3)),
        lambda rng: (rng.normal(size=(9, 30)), np.array([0, 2, -1, -2, 2, 2, 3, 3, 0]), (4, 30)),
        lambda rng: (rng.normal(size=(9, 30)), (slice(None), np.arange(30) // 2), (9, 16)),
    ],
)


def _take(g: Any, y: Any, a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    shape, size = np.shape(a), int(a.size)
    n = size if axis is None else shape[axis]
    if not size:
        return np.zeros_like(a)
    if mode == "wrap":
        indices = np.mod(indices, n)
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    if axis is None:
        return np.reshape(scatter(g, indices, (size,)), shape)
    return scatter(g, along(axis, indices), shape)


defop(
    np.take,
    role="index",
    forward=lambda a, indices, axis=None, mode="raise": a.take(indices, axis, mode=mode),
    vjp=(_take, None),
    math=r"\bar a[i] \mathrel{+}= \bar y",
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), np.array([[0, -1], [7, 7]])),
        lambda rng: (rng.normal(size=(4, 5)), [3, 0, 0], {"axis": 1}),
        lambda rng: (rng.normal(size=(4, 5)), np.array([[3, 0], [0, -1]]), {"axis": -2}),
        lambda rng: (rng.normal(size=(4, 5)), 2, {"axis": 0}),
        lambda rng: (rng.normal(size=(4, 5)), np.array([-7, 9, 1]), {"axis": 1, "mode": "wrap"}),
        lambda rng: (rng.normal(size=(4, 5)), np.array([-7, 9, 1]), {"mode": "clip"}),
        lambda rng: (rng.normal(size=4), 2),
    ],
)


def _take_along_axis(g: Any, y: Any, arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return _take(g, y, arr, indices)
    return scatter(g, each_along(axis, indices, np.shape(arr)), np.shape(arr))


defop(
    np.take_along_axis,
    zeros="choice",
    vjp=(_take_along_axis, None),
    math=r"\bar a[i] \mathrel{+}= \bar y",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), rng.integers(-4, 4, size=(3, 6)), 1),
        lambda rng: (rng.normal(size=(3, 4)), rng.integers(3, size=(2, 1)), 0),
        lambda rng: (rng.normal(size=(3, 1, 4)), rng.integers(3, size=(2, 5, 4)), {"axis": -3}),
        lambda rng: (rng.normal(size=(3, 4)), np.array([0, 11, 11]), {"axis": None}),
    ],
)


def _windows(x: Any, window_shape: Any, axis: Any) -> tuple[tuple[int, ...], list[int]]:
    """The lengths of the windows and the axes that they slide along."""
    lengths = tuple(int(n) for n in np.ravel(window_shape))
    axes = range(len(np.shape(x))) if axis is None else np.ravel(axis)
    return lengths, [int(i) % len(np.shape(x)) for i in axes]


def _sliding_window_view(g: Any, y: Any, x: Any, window_shape: Any, axis: Any = None) -> Any:
    shape = np.shape(x)
    lengths, axes = _windows(x, window_shape, axis)
    total: Any = np.zeros_like(x)
    for offset in np.ndindex(*lengths):  # the element of every window that stands there
        start = [0] * len(shape)
        for i, step in zip(axes, offset, strict=True):
            start[i] += step
        where = tuple(slice(i, i + n) for i, n in zip(start, np.shape(y), strict=False))
        total = total + scatter(g[(..., *offset)], where, shape)
    return total


defop(
    np.lib.stride_tricks.sliding_window_view,
    name="np.lib.stride_tricks.sliding_window_view",
    label="windows",
    vjp=_sliding_window_view,
    math=r"\bar x_i = \sum_k \bar y_{i-k,\,k}",
    samples=[
        lambda rng: (rng.normal(size=6), 3),
        lambda rng: (rng.normal(size=(4, 5)), (2, 3)),
        normal((2, 5, 3), window_shape=4, axis=1),
        lambda rng: (rng.normal(size=(2, 7)), (2, 3), {"axis": (-1, 1)}),
    ],
)
defplain(
    np.ix_, np.unravel_index, np.ravel_multi_index, why="a position is piecewise constant"
)  # fmt: skip
