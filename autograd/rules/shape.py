"""Operations that move elements without changing them: the gradient takes the same way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.op import plain
from autograd.rules.definition import defop
from autograd.rules.reduce import inverse
from autograd.rules.samples import normal

_BACK = r"\bar a = \operatorname{reshape}(\bar y)"
_TURNED = r"\bar a = \bar y^\top"


def _back(g: Any, y: Any, a: Any, *_: Any) -> Any:
    return np.reshape(g, np.shape(a))


def _reshaped(g: Any, a: Any, order: str) -> Any:
    return np.reshape(g, np.shape(a)) if order == "C" else np.reshape(g, np.shape(a), order=order)  # type: ignore[call-overload]


def _of_layout(order: str) -> Any:
    if order not in ("C", "F"):
        raise TypeError(f"order {order!r} depends on how the array lies in memory; no derivative rule covers that")
    return order


def _reshape(a: Any, shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    if copy is None:
        return a.reshape(shape, order=_of_layout(order))
    return np.reshape(a, shape, order=_of_layout(order), copy=copy)


def on_axis(axis: int, values: Any, rank: int) -> Any:
    """The row `values` along one of `rank` axes; the others have length 1."""
    return np.reshape(values, [-1 if k == axis % rank else 1 for k in range(rank)])


defop(
    np.reshape,
    role="shape",
    forward=_reshape,
    in_chunks=lambda a, shape, order="C", copy=None: a.reshape(shape) if order == "C" else np.reshape(a, shape, order),
    vjp=lambda g, y, a, shape, order="C", copy=None: _reshaped(g, a, order),
    math=_BACK,
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), (2, 6)),
        lambda rng: (rng.normal(size=(3, 4)), -1),
        lambda rng: (rng.normal(size=(3, 4)), (2, 6), {"order": "F"}),
    ],
)
defop(
    np.ravel,
    role="shape",
    forward=lambda a, order="C": a.ravel(_of_layout(order)),
    vjp=lambda g, y, a, order="C": _reshaped(g, a, order),
    math=_BACK,
    samples=[normal((3, 4)), normal((3, 4), order="F")],
)
defop(
    np.transpose,
    label="T",
    forward=lambda a, axes=None: a.transpose(axes),
    vjp=lambda g, y, a, axes=None: np.transpose(g, None if axes is None else inverse([k % len(axes) for k in axes])),
    math=_TURNED,
    samples=[normal((3, 4)), lambda rng: (rng.normal(size=(2, 3, 4)), (2, 0, 1)), normal((2, 3, 4), axes=(-1, 0, 1))],
)
defop(
    np.swapaxes,
    forward=lambda a, axis1, axis2: a.swapaxes(axis1, axis2),
    vjp=lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),
    math=_TURNED,
    samples=[lambda rng: (rng.normal(size=(2, 3, 4)), 0, -1)],
)
defop(
    np.moveaxis,
    vjp=lambda g, y, a, source, destination: np.moveaxis(g, destination, source),
    math=_TURNED,
    samples=[
        lambda rng: (rng.normal(size=(2, 3, 4)), 0, -1),
        lambda rng: (rng.normal(size=(2, 3, 4)), (0, -1), (1, 0)),
    ],
)


defop(
    np.expand_dims,
    vjp=lambda g, y, a, axis: _back(g, y, a),
    math=_BACK,
    samples=[lambda rng: (rng.normal(size=(3, 4)), 1), normal(3, axis=(0, 2))],
)
defop(
    np.squeeze,
    forward=lambda a, axis=None: a.squeeze(axis),
    vjp=lambda g, y, a, axis=None: _back(g, y, a),
    math=_BACK,
    samples=[normal((1, 3, 1)), normal((1, 3, 1), axis=0)],
)


# The same elements in another order

defop(
    np.flip,
    vjp=lambda g, y, m, axis=None: np.flip(g, axis),
    math=r"\bar m_i = \bar y_{n-1-i}",
    samples=[normal((2, 3)), lambda rng: (rng.normal(size=(2, 3)), -1), normal((2, 3, 4), axis=(0, 2)), normal(())],
)
defop(np.fliplr, vjp=lambda g, y, m: np.fliplr(g), math=r"\bar m_{ij} = \bar y_{i,\,n-1-j}", samples=[normal((2, 3))])
defop(
    np.flipud, vjp=lambda g, y, m: np.flipud(g), math=r"\bar m_i = \bar y_{n-1-i}", samples=[normal((2, 3)), normal(3)]
)
defop(
    np.roll,
    composed={"shift": lambda a, shift, axis=None: np.roll(a, plain(shift), axis)},  # cut to whole numbers
    vjp=lambda g, y, a, shift, axis=None: np.roll(g, np.negative(shift), axis),
    math=r"\bar a_i = \bar y_{i + s}",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), 5),
        lambda rng: (rng.normal(size=(3, 4)), -2, 1),
        normal((3, 4), shift=(1, 2), axis=(0, -1)),
        lambda rng: (rng.normal(size=(3, 4)), (1, 2), 0),
    ],
)
defop(
    np.rot90,
    vjp=lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes),
    math=r"\bar m = \operatorname{rot}_{-90k}(\bar y)",
    samples=[normal((2, 3)), lambda rng: (rng.normal(size=(2, 3, 4)), 3, (2, 0)), normal((2, 3), k=2)],
)

# The same elements in another array

defop(
    np.copy,
    in_chunks=lambda a, order="K", subok=False: a.copy(),
    vjp=lambda g, y, a, order="K", subok=False: g,
    math=r"\bar a = \bar y",
    samples=[normal((2, 3)), normal((2, 3), order="F")],
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
