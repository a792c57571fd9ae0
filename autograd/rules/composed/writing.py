"""Functions that write into their first argument: a Tensor writes as `t[i] = v` does, which is the record `put`."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import is_tensor
from autograd.core.op import stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.index import each_along
from autograd.rules.samples import normal

_REPLACED = r"\bar a = \bar y \odot 1[\text{not } i], \quad \bar v = \bar y[i]"


def _checked(name: str, a: Any) -> tuple[int, ...]:
    """The shape of what is written into, which must be a Tensor."""
    if not is_tensor(a):
        raise TypeError(
            f"np.{name} of a Tensor into {type(a).__name__} of shape {np.shape(a)}: an array cannot hold its gradient. "
            "Write into a Tensor, or make a new one by np.where or np.broadcast_to"
        )
    return np.shape(a)


def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    shape, src = _checked("copyto", dst), stack_nested(src)
    if hasattr(src, "dtype") and not np.can_cast(src.dtype, dst.dtype, casting):
        raise TypeError(f"np.copyto: {src.dtype} does not become {dst.dtype} by the rule {casting!r}")
    if where is True:
        dst[...] = src
    else:
        chosen = np.broadcast_to(np.not_equal(where, False), shape)
        dst[chosen] = np.broadcast_to(src, shape)[chosen]


def _putmask(a: Any, mask: Any, values: Any) -> None:
    shape, values = _checked("putmask", a), stack_nested(values)
    if np.size(mask) != a.size:
        raise ValueError(f"np.putmask: a mask of shape {np.shape(mask)} for an array of shape {shape}")
    if np.size(values):
        chosen = np.reshape(np.not_equal(mask, False), shape)
        a[chosen] = np.resize(values, shape)[chosen]


def _place(arr: Any, mask: Any, vals: Any) -> None:
    chosen, vals = np.reshape(np.not_equal(mask, False), _checked("place", arr)), stack_nested(vals)
    count = np.count_nonzero(chosen)
    if count and not np.size(vals):
        raise ValueError("np.place: no values")
    if count:
        arr[chosen] = np.resize(vals, count)


def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    shape, v = _checked("put", a), stack_nested(v)
    n, flat = int(a.size), np.ravel(ind)
    if mode == "clip":
        flat = np.clip(flat, 0, n - 1)
    elif mode == "raise" and np.any((flat < -n) | (flat >= n)):
        raise IndexError(f"np.put: an index is none of the {n} elements; mode 'wrap' or 'clip' allow that")
    if np.size(v) and flat.size:
        values = np.resize(v, flat.size)
        if shape:
            a[np.unravel_index(flat % n, shape)] = values
        else:
            a[()] = values[-1]


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    shape = _checked("put_along_axis", arr)
    if axis is None:
        arr[np.unravel_index(np.where(np.less(indices, 0), np.add(indices, arr.size), indices), shape)] = values
    else:
        arr[each_along(axis, indices, shape)] = values


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    shape = _checked("fill_diagonal", a)
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ValueError(f"np.fill_diagonal of an array of shape {shape}: give a matrix, or axes of the same length")
    end = shape[1] ** 2 if len(shape) == 2 and not wrap else None
    step = sum(int(np.prod(shape[1 + k :])) for k in range(len(shape)))
    _put(a, np.arange(a.size)[:end:step], val)


defcomposite(
    np.copyto,
    _copyto,
    math=r"\bar d = \bar y \odot 1[\text{not } i], \quad \bar s = \bar y[i]",
    samples=[
        normal((2, 3), 3),
        lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=(2, 1)), {"where": np.array([True, False, True])}),
    ],
)
defcomposite(
    np.putmask,
    _putmask,
    math=_REPLACED,
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), np.eye(2, 3), rng.normal(size=(2, 3))),
        lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)) < 0.5, rng.normal(size=2)),
    ],
)
defcomposite(
    np.place,
    _place,
    math=_REPLACED,
    samples=[lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)) < 0.5, rng.normal(size=2))],
)
defcomposite(
    np.put,
    _put,
    math=_REPLACED,
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), [0, -1, 2], rng.normal(size=2)),
        lambda rng: (rng.normal(size=(2, 3)), np.array([[7, 0], [-9, 0]]), rng.normal(size=4), {"mode": "wrap"}),
        lambda rng: (rng.normal(size=(2, 3)), [7, -9], rng.normal(size=3), "clip"),
    ],
    ties="where an element is written twice, the last writer gets the gradient",
)
defcomposite(
    np.put_along_axis,
    _put_along_axis,
    math=_REPLACED,
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), rng.integers(-4, 4, size=(3, 2)), rng.normal(size=(3, 2)), 1),
        lambda rng: (rng.normal(size=(3, 4)), np.array([[2], [0], [1]]), rng.normal(), -1),
        lambda rng: (rng.normal(size=(3, 4)), np.array([5, -1]), rng.normal(size=2), None),
    ],
    ties="where an element is written twice, the last writer gets the gradient",
)
defcomposite(
    np.fill_diagonal,
    _fill_diagonal,
    math=r"\bar a = \bar y \odot 1[i \ne j], \quad \bar v_i = \bar y_{ii}",
    samples=[
        normal((3, 4), 3),
        normal((7, 2), 2),
        lambda rng: (rng.normal(size=(7, 2)), rng.normal(size=2), True),
        normal((2, 2, 2), ()),
    ],
)
