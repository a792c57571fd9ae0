"""Joining arrays and taking them apart: each part gets its part of the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from autograd.core.op import Call, stack_nested
from autograd.rules.definition import defop
from autograd.rules.index import along
from autograd.rules.reduce import float_dtype

_PARTS = r"\bar a_k = \bar y[\text{part } k]"


def _join_arguments(arrays: Any, axis: int | None = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Call:
    if dtype is not None:
        arrays = [stack_nested(a) for a in arrays]
        for a in arrays:
            if not np.can_cast(a.dtype, dtype, casting):
                raise TypeError(f"{a.dtype} does not become {np.dtype(dtype)} by the rule {casting!r}")
        arrays = [a.astype(float_dtype(dtype)) for a in arrays]
    return tuple(arrays), {} if axis == 0 else {"axis": axis}


def _concatenate(position: int, g: Any, y: Any, *arrays: Any, axis: int | None = 0) -> Any:
    shape = np.shape(arrays[position])
    if axis is None:
        sizes = [prod(np.shape(array)) for array in arrays]
        start = sum(sizes[:position])
        return np.reshape(g[start : start + sizes[position]], shape)
    start = sum(np.shape(array)[axis] for array in arrays[:position])
    return g[along(axis, slice(start, start + shape[axis]))]


def _all_parts(own: bool, g: Any, y: Any, *arrays: Any, axis: int | None = 0) -> Iterator[Any]:
    """The part of each array; what is left of `g` after the one before."""
    stop = 0
    for array in arrays:
        start, stop = stop, stop + (prod(np.shape(array)) if axis is None else np.shape(array)[axis])
        yield np.reshape(g[start:stop], np.shape(array)) if axis is None else g[along(axis, slice(start, stop))]


defop(
    np.concatenate,
    variadic=True,
    forward=lambda *arrays, axis=0: np.concatenate(arrays, axis),
    adapt=_join_arguments,
    vjp=_concatenate,
    parts=_all_parts,
    math=_PARTS,
    samples=[
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=(1, 2))],),
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=(3, 1))], {"axis": -1}),
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=4)], {"axis": None}),
        lambda rng: ([rng.normal(size=2).astype(np.float32), np.arange(2)], {"dtype": np.float64}),
    ],
)
defop(
    np.stack,
    variadic=True,
    forward=lambda *arrays, axis=0: np.stack(arrays, axis),
    adapt=_join_arguments,
    vjp=lambda position, g, y, *arrays, axis=0: g[along(axis, position)],
    parts=lambda own, g, y, *arrays, axis=0: np.moveaxis(g, axis, 0),
    math=r"\bar a_k = \bar y[k]",
    samples=[
        lambda rng: ([rng.normal(size=(3, 2)), rng.normal(size=(3, 2))],),
        lambda rng: ([rng.normal(size=3), rng.normal(size=3)], {"axis": -1}),
    ],
)
