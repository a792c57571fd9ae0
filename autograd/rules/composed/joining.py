"""Joining arrays and taking them apart: each part gets its part of the gradient."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.core.op import stack_nested
from autograd.rules.composed.shape import atleast_1d, atleast_2d, atleast_3d
from autograd.rules.definition import defcomposite
from autograd.rules.index import along
from autograd.rules.samples import normal

_PARTS = r"\bar a_k = \bar y[\text{part } k]"
_PUT = r"\bar a[\text{part } k] = \bar y_k"


def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return np.concatenate([atleast_2d(a) for a in tup], dtype=dtype, casting=casting)


def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    arrays = [atleast_1d(a) for a in tup]
    return np.concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def _column_stack(tup: Any) -> Any:
    arrays = map(stack_nested, tup)
    return np.concatenate([a if a.ndim > 1 else np.reshape(a, (-1, 1)) for a in arrays], 1)


defcomposite(
    np.vstack,
    _vstack,
    math=_PARTS,
    samples=[
        lambda rng: ([rng.normal(size=3), rng.normal(size=(2, 3))],),
        lambda rng: ([rng.normal(), rng.normal()],),
        lambda rng: ([rng.normal(size=3).astype(np.float32), [1, 2, 3]], {"dtype": np.float64}),
    ],
)
defcomposite(
    np.hstack,
    _hstack,
    math=_PARTS,
    samples=[
        lambda rng: ((rng.normal(size=3), rng.normal()),),
        lambda rng: ([rng.normal(size=(2, 3)), rng.normal(size=(2, 1))],),
    ],
)
defcomposite(
    np.dstack,
    lambda tup: np.concatenate([atleast_3d(a) for a in tup], 2),
    math=_PARTS,
    samples=[
        lambda rng: ([rng.normal(size=3), rng.normal(size=(1, 3))],),
        lambda rng: ([rng.normal(size=(2, 3, 1)), rng.normal(size=(2, 3, 2))],),
    ],
)
defcomposite(
    np.column_stack, _column_stack, math=_PARTS, samples=[lambda rng: ([rng.normal(size=3), rng.normal(size=(3, 2))],)]
)


def _depth(arrays: Any) -> int:
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ValueError("np.block: an empty list")
    depths = {_depth(part) for part in arrays}
    if len(depths) > 1:
        raise ValueError("np.block: lists of different depth")
    return 1 + depths.pop()


def _leaves(arrays: Any) -> list[Any]:
    return [leaf for part in arrays for leaf in _leaves(part)] if isinstance(arrays, list) else [arrays]


def _block(arrays: Any) -> Any:
    """The innermost lists are joined along the last axis, those around them along the one before, and so on."""
    depth = _depth(arrays)
    rank = max(depth, *(np.ndim(leaf) for leaf in _leaves(arrays)))

    def join(part: Any, axis: int) -> Any:
        if isinstance(part, list):
            return np.concatenate([join(inner, axis + 1) for inner in part], axis)
        return np.reshape(part, (1,) * (rank - np.ndim(part)) + np.shape(part))

    return join(arrays, rank - depth)


defcomposite(
    np.block,
    _block,
    math=_PARTS,
    samples=[
        lambda rng: ([[rng.normal(size=(2, 2)), rng.normal(size=(2, 1))], [rng.normal(size=(1, 2)), 1.0]],),
        lambda rng: ([rng.normal(size=3), rng.normal()],),
        lambda rng: ([[rng.normal(size=3)], [rng.normal(size=(2, 3))]],),
        lambda rng: ([rng.normal(size=(2, 1, 3)), rng.normal(size=(2, 1, 1))],),
    ],
)


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = stack_nested(arr), stack_nested(values)
    return np.concatenate((np.ravel(arr), np.ravel(values)) if axis is None else (arr, values), axis)


def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = stack_nested(arr), stack_nested(values)
    if arr.dtype.kind != "f":
        raise TypeError(f"np.insert into {arr.dtype} would cut the gradient; make the array one of floats")
    if axis is None:
        arr, axis = np.ravel(arr), 0
    shape = list(np.shape(arr))
    axis = normalize_axis_index(axis, len(shape))
    n = shape[axis]
    # `values` go behind `arr`, and the positions, into which NumPy inserts as it does, say where all of them belong
    count = len(np.insert(np.arange(n), obj, 0)) - n
    rank = len(shape) - np.ndim(values)
    values = np.reshape(values, (1,) * rank + np.shape(values)[max(-rank, 0) :])
    if np.ndim(obj) == 0 and not isinstance(obj, slice):
        values = np.moveaxis(values, 0, axis)
    if count == 1:  # one place may take several
        count = np.shape(values)[axis]
    order = np.insert(np.arange(n), obj, np.arange(n, n + count))
    shape[axis] = count
    joined = np.concatenate((arr, np.broadcast_to(values, shape)), axis)
    return np.take(joined, order, axis).astype(arr.dtype)


def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    return np.take(arr, np.delete(np.arange(np.shape(arr)[axis]), obj), axis)


defcomposite(
    np.append,
    _append,
    math=_PARTS,
    samples=[normal((2, 3), 4), normal((2, 3), ()), lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=(1, 3)), 0)],
)
defcomposite(
    np.insert,
    _insert,
    math=r"\bar a_k = \bar y[\text{part } k], \quad \bar v = \bar y[i]",
    samples=[
        lambda rng: (rng.normal(size=4), 1, rng.normal()),
        lambda rng: (rng.normal(size=(2, 3)), -1, rng.normal(size=2)),
        lambda rng: (rng.normal(size=(2, 3)), 1, rng.normal(size=2), {"axis": 1}),
        lambda rng: (rng.normal(size=(2, 3)), 1, rng.normal(size=(3, 2)), {"axis": -1}),
        lambda rng: (rng.normal(size=(2, 3)), [1], rng.normal(size=(2, 2)), 1),
        lambda rng: (rng.normal(size=(2, 3)), [3, 0, 0], rng.normal(size=(2, 3)), 1),
        lambda rng: (rng.normal(size=(3, 2)), slice(0, 2), rng.normal(size=2), 0),
        lambda rng: (rng.normal(size=(3, 2)), [], rng.normal(size=2), 0),
    ],
)
defcomposite(
    np.delete,
    _delete,
    math=r"\bar a[\text{kept}] = \bar y",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), 5),
        lambda rng: (rng.normal(size=(3, 4)), [0, -1], 1),
        lambda rng: (rng.normal(size=(3, 4)), slice(None, None, 2), {"axis": 0}),
        lambda rng: (rng.normal(size=3), np.array([True, False, True])),
    ],
)


# Taking apart


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"np.array_split into {sections} sections")
        each, extra = divmod(n, sections)
        cuts = [k * each + min(k, extra) for k in range(1, sections)]
    else:
        cuts = np.ravel(indices_or_sections).tolist()
    return [ary[along(axis, slice(start, stop))] for start, stop in pairwise((0, *cuts, n))]


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0 and n % int(indices_or_sections):
        raise ValueError(f"np.split of {n} along axis {axis} into {indices_or_sections} equal sections")
    return _array_split(ary, indices_or_sections, axis)


def _split_along(name: str, axis: int) -> Callable[..., list[Any]]:
    def body(ary: Any, indices_or_sections: Any) -> list[Any]:
        if np.ndim(ary) <= axis and name != "hsplit":
            raise ValueError(f"np.{name} of an array of {np.ndim(ary)} axes, not {axis + 1} or more")
        return _split(ary, indices_or_sections, min(axis, np.ndim(ary) - 1))

    return body


defcomposite(
    np.array_split,
    _array_split,
    math=_PUT,
    samples=[
        lambda rng: (rng.normal(size=(7, 2)), 3),
        lambda rng: (rng.normal(size=(2, 5)), [3, 1, 9], {"axis": -1}),
        lambda rng: (rng.normal(size=2), 3),
    ],
)
defcomposite(
    np.split,
    _split,
    math=_PUT,
    samples=[lambda rng: (rng.normal(size=(6, 2)), 3), lambda rng: (rng.normal(size=(2, 5)), np.array([1, -1]), 1)],
)
defcomposite(
    np.hsplit,
    _split_along("hsplit", 1),
    math=_PUT,
    samples=[lambda rng: (rng.normal(size=(2, 4)), 2), lambda rng: (rng.normal(size=4), [1])],
)
defcomposite(np.vsplit, _split_along("vsplit", 0), math=_PUT, samples=[lambda rng: (rng.normal(size=(4, 2)), 2)])
defcomposite(np.dsplit, _split_along("dsplit", 2), math=_PUT, samples=[lambda rng: (rng.normal(size=(2, 1, 4)), 2)])
defcomposite(
    np.unstack,
    lambda x, *, axis=0: tuple(x[along(axis, k)] for k in range(np.shape(x)[axis])),
    math=r"\bar x[k] = \bar y_k",
    samples=[normal((3, 2)), normal((3, 2), axis=-1)],
)
