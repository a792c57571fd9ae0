"""`np.pad` in every mode that has a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import of_kind
from autograd.rules.definition import defop, dispatched
from autograd.rules.index import along


@dispatched
def pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    """`np.pad` in the modes that are linear along each axis."""
    return np.pad(array, pad_width, mode, **options)  # type: ignore[call-overload]


def pairs(value: Any, rank: int) -> list[tuple[Any, Any]]:
    """(before, after) of each axis, from every form that np.pad takes."""
    if isinstance(value, dict):
        widths = {axis % rank: width for axis, width in value.items()}
        value = [np.broadcast_to(widths.get(axis, 0), 2) for axis in range(rank)]
    return [(before, after) for before, after in np.broadcast_to(np.asarray(value), (rank, 2)).tolist()]


def _pad(
    g: Any, y: Any, array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0,
    end_values: Any = 0, reflect_type: str = "even", stat_length: Any = None,
) -> Any:  # fmt: skip
    shape = np.shape(array)
    for axis, (before, after) in enumerate(pairs(pad_width, len(shape))):
        n = shape[axis]
        inside = g[along(axis, slice(before, before + n))]
        if mode != "constant" and before + after:
            options: dict[str, Any] = {}
            if stat_length is not None:
                options = {"stat_length": pairs(stat_length, len(shape))[axis]}
            if mode in ("reflect", "symmetric"):
                options = {"reflect_type": reflect_type}
            # the padding along one axis is a matrix, whose columns are the padded unit vectors
            matrix = np.pad(np.eye(n, dtype=g.dtype), ((before, after), (0, 0)), mode, **options)  # type: ignore
            outside = np.concatenate((matrix[:before], matrix[before + n :]))
            arrived = np.concatenate((g[along(axis, slice(0, before))], g[along(axis, slice(before + n, None))]), axis)
            inside = inside + np.moveaxis(np.tensordot(arrived, of_kind(outside, g), (axis, 0)), -1, axis)
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
