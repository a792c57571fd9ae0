"""Operations that move elements without changing them: the gradient takes the same way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import defop, unbroadcast

_BACK = r"\bar a = \operatorname{reshape}(\bar y)"


def _back(g: Any, y: Any, a: Any, *_: Any) -> Any:
    return np.reshape(g, np.shape(a))


defop(
    np.reshape,
    vjp=lambda g, y, a, shape, order="C": np.reshape(g, np.shape(a), order=order),
    adapt=lambda a, shape, order="C": ((a, shape), {} if order == "C" else {"order": order}),
    math=_BACK,
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), (2, 6)),
        lambda rng: (rng.normal(size=(3, 4)), -1),
        lambda rng: (rng.normal(size=(3, 4)), (2, 6), {"order": "F"}),
    ],
)
defop(
    np.ravel,
    vjp=lambda g, y, a, order="C": np.reshape(g, np.shape(a), order=order),
    adapt=lambda a, order="C": ((a,), {} if order == "C" else {"order": order}),
    math=_BACK,
    samples=[lambda rng: (rng.normal(size=(3, 4)),), lambda rng: (rng.normal(size=(3, 4)), {"order": "F"})],
)
defop(
    np.transpose,
    label="T",
    vjp=lambda g, y, a, axes=None: np.transpose(
        g, None if axes is None else np.argsort(np.mod(axes, len(axes)))
    ),
    math=r"\bar a = \bar y^\top",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)),),
        lambda rng: (rng.normal(size=(2, 3, 4)), (2, 0, 1)),
        lambda rng: (rng.normal(size=(2, 3, 4)), {"axes": (-1, 0, 1)}),
    ],
)
defop(
    np.swapaxes,
    vjp=lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),
    math=r"\bar a = \bar y^\top",
    samples=[lambda rng: (rng.normal(size=(2, 3, 4)), 0, -1)],
)
defop(
    np.expand_dims,
    vjp=lambda g, y, a, axis: _back(g, y, a),
    math=_BACK,
    samples=[lambda rng: (rng.normal(size=(3, 4)), 1), lambda rng: (rng.normal(size=3), {"axis": (0, 2)})],
)
defop(
    np.squeeze,
    vjp=lambda g, y, a, axis=None: _back(g, y, a),
    math=_BACK,
    samples=[
        lambda rng: (rng.normal(size=(1, 3, 1)),),
        lambda rng: (rng.normal(size=(1, 3, 1)), {"axis": 0}),
    ],
)
defop(
    np.broadcast_to,
    vjp=lambda g, y, array, shape: unbroadcast(g, np.shape(array)),
    math=r"\bar a_i = \sum_j \bar y_{ji}",
    samples=[
        lambda rng: (rng.normal(size=(3, 1)), (2, 3, 4)),
        lambda rng: (rng.normal(), (2, 3)),
    ],
)
defop(
    np.moveaxis,
    vjp=lambda g, y, a, source, destination: np.moveaxis(g, destination, source),
    math=r"\bar a = \bar y^\top",
    samples=[lambda rng: (rng.normal(size=(2, 3, 4)), 0, -1)],
)


def cast(a: Any, dtype: Any) -> Any:
    """`a` in another float dtype; the engine casts the gradient back.

    >>> cast(np.ones(2), np.float32).dtype
    dtype('float32')
    """
    return a.astype(dtype)


defop(
    cast,
    name="cast",
    label="cast",
    vjp=(lambda g, y, a, dtype: g, None),
    math=r"\bar a = \bar y",
    samples=[lambda rng: (rng.normal(size=3), np.dtype(np.float64))],
)


def _along(axis: int, where: Any) -> tuple[Any, ...]:
    """The index that takes `where` on one axis and all of the axes before it, or after a negative one."""
    return (slice(None),) * axis + (where,) if axis >= 0 else (..., where) + (slice(None),) * (-1 - axis)


def _concatenate(position: int, g: Any, y: Any, *arrays: Any, axis: int | None = 0) -> Any:
    shape = np.shape(arrays[position])
    if axis is None:
        sizes = [int(np.size(array)) for array in arrays]
        start = sum(sizes[:position])
        return np.reshape(g[start : start + sizes[position]], shape)
    start = sum(np.shape(array)[axis] for array in arrays[:position])
    return g[_along(axis, slice(start, start + shape[axis]))]


defop(
    np.concatenate,
    variadic=True,
    forward=lambda *arrays, axis=0: np.concatenate(arrays, axis=axis),
    adapt=lambda arrays, axis=0: (tuple(arrays), {"axis": axis}),
    vjp=_concatenate,
    math=r"\bar a_k = \bar y[\text{part } k]",
    samples=[
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=(1, 2))],),
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=(3, 1))], {"axis": -1}),
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=4)], {"axis": None}),
    ],
)
defop(
    np.stack,
    variadic=True,
    forward=lambda *arrays, axis=0: np.stack(arrays, axis=axis),
    adapt=lambda arrays, axis=0: (tuple(arrays), {"axis": axis}),
    vjp=lambda position, g, y, *arrays, axis=0: g[_along(axis, position)],
    math=r"\bar a_k = \bar y[k]",
    samples=[
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=(3, 2))],),
        lambda rng: ([rng.normal(size=3), rng.normal(size=3)], {"axis": -1}),
    ],
)
