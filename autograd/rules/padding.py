"""`np.pad` in every mode that has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.rules.definition import defcomposite, defop, dispatched
from autograd.rules.index import along

_LINEAR = ("constant", "edge", "linear_ramp", "mean", "reflect", "symmetric", "wrap")
_STATISTICS = {"maximum": np.max, "minimum": np.min, "median": np.median}


@dispatched
def pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    """`np.pad` in the modes that are linear along each axis."""
    return np.pad(array, pad_width, mode, **options)  # type: ignore[call-overload]


def _pairs(value: Any, rank: int) -> list[tuple[Any, Any]]:
    """(before, after) of each axis, from every form that np.pad takes."""
    if isinstance(value, dict):
        given = {axis % rank: width for axis, width in value.items()}
        value = [np.broadcast_to(given.get(axis, 0), 2) for axis in range(rank)]
    return [(before, after) for before, after in np.broadcast_to(np.asarray(value), (rank, 2)).tolist()]


def _pad(
    g: Any,
    y: Any,
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    constant_values: Any = 0,
    end_values: Any = 0,
    reflect_type: str = "even",
    stat_length: Any = None,
) -> Any:
    shape = np.shape(array)
    for axis, (before, after) in enumerate(_pairs(pad_width, len(shape))):
        n = shape[axis]
        inside = g[along(axis, slice(before, before + n))]
        if mode != "constant" and before + after:
            options: dict[str, Any] = {}
            if stat_length is not None:
                options = {"stat_length": _pairs(stat_length, len(shape))[axis]}
            if mode in ("reflect", "symmetric"):
                options = {"reflect_type": reflect_type}
            # the padding along one axis is a matrix, which np.pad tells by padding the unit vectors
            matrix = np.pad(np.eye(n, dtype=g.dtype), ((before, after), (0, 0)), mode, **options)  # type: ignore
            outside = np.concatenate((matrix[:before], matrix[before + n :]))
            arrived = np.concatenate((g[along(axis, slice(0, before))], g[along(axis, slice(before + n, None))]), axis)
            inside = inside + np.moveaxis(np.tensordot(arrived, outside, (axis, 0)), -1, axis)
        g = inside
    return g


defop(
    pad,
    name="np.pad",
    vjp=_pad,
    math=r"\bar a = P_1^\top \, \bar y \, P_2, \quad y = P_1 \, a \, P_2^\top + c",
    samples=[
        lambda rng: (rng.normal(size=3), 2),
        lambda rng: (rng.normal(size=(2, 3)), ((1, 0), (2, 3)), {"constant_values": ((1, 2), (3, 4))}),
        lambda rng: (rng.normal(size=(3, 0)), 1),
        lambda rng: (rng.normal(size=(2, 3)), ((1, 0), (2, 3)), "edge"),
        lambda rng: (rng.normal(size=(2, 3)), (1, 7), "reflect"),
        lambda rng: (rng.normal(size=(1, 3)), (2, 7), "reflect", {"reflect_type": "odd"}),
        lambda rng: (rng.normal(size=(2, 3)), (1, 7), "symmetric"),
        lambda rng: (rng.normal(size=(2, 3)), 4, "symmetric", {"reflect_type": "odd"}),
        lambda rng: (rng.normal(size=(2, 3)), (1, 7), "wrap"),
        lambda rng: (rng.normal(size=(2, 3)), 3, "linear_ramp", {"end_values": ((1, 2), (3, 4))}),
        lambda rng: (rng.normal(size=(4, 3)), (1, 2), "mean"),
        lambda rng: (rng.normal(size=(4, 3)), (1, 2), "mean", {"stat_length": ((2, 3), (1, 9))}),
    ],
)


def _stacked(value: Any) -> Any:
    return np.stack([_stacked(part) for part in value]) if isinstance(value, (list, tuple)) else value


def _pad_any(
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    constant_values: Any = None,
    end_values: Any = None,
    reflect_type: Any = None,
    stat_length: Any = None,
) -> Any:
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
    if mode == "linear_ramp" and hasattr(_stacked(end_values), "_node"):
        return _pad_ramp(array, pad_width, _stacked(end_values))
    if not hasattr(constants, "_node"):
        return pad(array, pad_width, mode, **options)
    rank = np.ndim(array)
    which = np.arange(2 * rank).reshape(rank, 2)  # the constant that NumPy puts where
    which = np.pad(np.full(np.shape(array), -1), pad_width, constant_values=which)
    constants = np.ravel(np.broadcast_to(constants, (rank, 2))).astype(array.dtype)
    return np.where(which < 0, pad(array, pad_width), constants[which])


def _pad_ramp(array: Any, pad_width: Any, ends: Any) -> Any:
    """With Tensors at the ends: straight lines from them to the edges."""
    ends = np.broadcast_to(ends, (np.ndim(array), 2)).astype(array.dtype)
    for axis, (before, after) in enumerate(_pairs(pad_width, np.ndim(array))):
        n = np.shape(array)[axis]
        edges = array[along(axis, slice(0, 1))], array[along(axis, slice(n - 1, n))]
        shape = [-1 if k == axis else 1 for k in range(np.ndim(array))]
        left, right = (
            end + (edge - end) * np.reshape(np.arange(width) / max(width, 1), shape).astype(array.dtype)
            for end, edge, width in zip(ends[axis], edges, (before, after), strict=True)
        )
        array = np.concatenate((left, array, np.flip(right, axis)), axis)
    return array


def _pad_statistic(array: Any, pad_width: Any, statistic: Any, stat_length: Any = None) -> Any:
    rank = np.ndim(array)
    lengths = _pairs(stat_length, rank)
    for axis, widths in enumerate(_pairs(pad_width, rank)):
        n = np.shape(array)[axis]
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
