"""`np.pad` in every mode that has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import is_tensor
from autograd.rules.definition import defcomposite
from autograd.rules.index import along
from autograd.rules.padding import pad, pairs
from autograd.rules.shape import on_axis

_LINEAR = ("constant", "edge", "linear_ramp", "mean", "reflect", "symmetric", "wrap")
_STATISTICS = {"maximum": np.max, "minimum": np.min, "median": np.median}


def _stacked(value: Any) -> Any:
    return np.stack([_stacked(part) for part in value]) if isinstance(value, (list, tuple)) else value


def _pad_any(
    array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None, end_values: Any = None,
    reflect_type: Any = None, stat_length: Any = None,
) -> Any:  # fmt: skip
    constants = _stacked(constant_values)
    named = {
        "constant_values": constants,
        "end_values": end_values,
        "reflect_type": reflect_type,
        "stat_length": stat_length,
    }
    options = {name: value for name, value in named.items() if value is not None}
    if mode in _STATISTICS:
        return _pad_statistic(array, pad_width, _STATISTICS[mode], **options)
    if mode not in _LINEAR:
        covered = ", ".join((*_LINEAR, *_STATISTICS))
        raise TypeError(f"np.pad: no derivative rule covers mode {mode!r}; it covers {covered}")
    if mode == "linear_ramp" and is_tensor(_stacked(end_values)):
        return _pad_ramp(array, pad_width, _stacked(end_values))
    if not is_tensor(constants):
        return pad(array, pad_width, mode, **options)
    rank = np.ndim(array)
    which = np.arange(2 * rank).reshape(rank, 2)  # the constant that NumPy puts where
    which = np.pad(np.full(np.shape(array), -1), pad_width, constant_values=which)
    constants = np.ravel(np.broadcast_to(constants, (rank, 2))).astype(array.dtype)
    return np.where(which < 0, pad(array, pad_width), constants[which])


def _pad_ramp(array: Any, pad_width: Any, ends: Any) -> Any:
    """With Tensors at the ends: straight lines from them to the edges."""
    ends = np.broadcast_to(ends, (np.ndim(array), 2)).astype(array.dtype)
    for axis, (before, after) in enumerate(pairs(pad_width, np.ndim(array))):
        n = np.shape(array)[axis]
        edges = array[along(axis, slice(0, 1))], array[along(axis, slice(n - 1, n))]
        left, right = (
            end + (edge - end) * on_axis(axis, np.arange(width) / max(width, 1), np.ndim(array)).astype(array.dtype)
            for end, edge, width in zip(ends[axis], edges, (before, after), strict=True)
        )
        array = np.concatenate((left, array, np.flip(right, axis)), axis)
    return array


def _pad_statistic(array: Any, pad_width: Any, statistic: Any, stat_length: Any = None) -> Any:
    rank = np.ndim(array)
    lengths = pairs(stat_length, rank)
    for axis, widths in enumerate(pairs(pad_width, rank)):
        n = np.shape(array)[axis]
        if not any(widths):
            continue
        if not n:
            raise ValueError(f"np.pad: axis {axis} is empty, and only mode 'constant' says what to put there")
        first, last = (n if length is None else min(length, n) for length in lengths[axis])
        ends = array[along(axis, slice(0, first))], array[along(axis, slice(n - last, n))]
        before, after = (
            np.repeat(statistic(end, axis=axis, keepdims=True), width, axis=axis)
            for end, width in zip(ends, widths, strict=True)
        )
        array = np.concatenate((before, array, after), axis)
    return array


defcomposite(
    np.pad,
    _pad_any,
    math=r"\bar a = P_1^\top \, \bar y \, P_2, \quad y = P_1 \, a \, P_2^\top + c",
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), 2),
        lambda rng: (rng.normal(size=(2, 3)), ((0, 0), (1, 2)), "edge"),
        lambda rng: (rng.normal(size=(4, 3)), (1, 2), "maximum"),
        lambda rng: (rng.normal(size=(4, 3)), (1, 2), "minimum", {"stat_length": 2}),
        lambda rng: (rng.normal(size=(4, 3)), ((1, 2), (0, 1)), "median"),
        lambda rng: (rng.normal(size=(4, 3)), 2, "median", {"stat_length": ((2, 3), (1, 9))}),
    ],
    ties="the elements that tie for a maximum or minimum share the gradient equally",
)
