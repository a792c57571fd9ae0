"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import of_kind
from autograd.rules.definition import defop, defplain
from autograd.rules.index import scatter
from autograd.rules.reduce import float_dtype
from autograd.rules.samples import normal


def _onto_diagonal(g: Any, rows: int, columns: int, offset: int) -> Any:
    """Matrices of zeros with `g` on a diagonal."""
    start = max(-offset, 0)
    lead, n = np.shape(g)[:-1], np.shape(g)[-1]
    column = scatter(g, (..., slice(start, start + n)), (*lead, rows))
    return np.where(of_kind(np.eye(rows, columns, offset, dtype=bool), g), np.expand_dims(column, -1), 0)


def _diagonal(g: Any, y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    shape = np.shape(a)
    return np.moveaxis(_onto_diagonal(g, shape[axis1], shape[axis2], offset), (-2, -1), (axis1, axis2))


def _trace_forward(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.trace(a, offset, axis1, axis2, float_dtype(dtype))


def _trace(g: Any, y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    shape = np.shape(a)
    chosen = of_kind(np.eye(shape[axis1], shape[axis2], offset, dtype=bool), a)
    return np.moveaxis(np.where(chosen, np.expand_dims(g, (-2, -1)), 0), (-2, -1), (axis1, axis2))


defop(
    np.diagonal,
    forward=lambda a, offset=0, axis1=0, axis2=1: a.diagonal(offset, axis1, axis2),
    vjp=_diagonal,
    math=r"\bar a_{ij} = \bar y_{\min(i, j)} \, 1[j = i + k]",
    samples=[
        normal((3, 3)),
        normal((3, 5), offset=1),
        lambda rng: (rng.normal(size=(5, 3)), -3),
        normal((2, 3, 4), axis1=-1, axis2=0),
        normal((2, 3), offset=3),
    ],
)
defop(
    np.trace,
    label="tr",
    forward=_trace_forward,
    vjp=_trace,
    math=r"\bar a_{ij} = \bar y \, 1[j = i + k]",
    samples=[
        normal((3, 3)),
        normal((3, 5), offset=1),
        lambda rng: (rng.normal(size=(2, 3, 4)), -1, 2, 0),
        lambda rng: (rng.normal(size=(3, 3)).astype(np.float32), {"dtype": np.float64}),
    ],
)
defop(
    np.diag,
    vjp=lambda g, y, v, k=0: np.diagonal(g, k) if np.ndim(v) == 1 else _diagonal(g, y, v, k),
    math=r"\bar v = \operatorname{diag}(\bar y)",
    samples=[normal(3), lambda rng: (rng.normal(size=3), -2), normal((3, 4), k=1)],
)
defop(
    np.tril,
    zeros="choice",
    vjp=lambda g, y, m, k=0: np.tril(g, k),
    broadcasts=True,  # a vector is every row
    math=r"\bar m_{ij} = \bar y_{ij} \, 1[j \le i + k]",
    samples=[normal((3, 4)), lambda rng: (rng.normal(size=(2, 4, 3)), -1), normal(3)],
)
defop(
    np.triu,
    zeros="choice",
    vjp=lambda g, y, m, k=0: np.triu(g, k),
    broadcasts=True,  # a vector is every row
    math=r"\bar m_{ij} = \bar y_{ij} \, 1[j \ge i + k]",
    samples=[normal((3, 4)), lambda rng: (rng.normal(size=(2, 4, 3)), 1)],
)
defplain(
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
    why="it depends on shapes and dtypes only",
)  # fmt: skip
