"""Functions of `np.linalg`, and others of matrices, that are made of records."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.core.op import lookup, stack_nested
from autograd.rules.composed.complex_functions import by_squares
from autograd.rules.definition import defcomposite
from autograd.rules.linalg import packed_slogdet, regular
from autograd.rules.samples import normal

# Products


def _kron(a: Any, b: Any) -> Any:
    """Every element of `a` times the whole of `b`: the axes of both in turn, and each pair joined."""
    rank = max(np.ndim(a), np.ndim(b))
    shape_a = (1,) * (rank - np.ndim(a)) + np.shape(a)
    shape_b = (1,) * (rank - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(a, [k for n in shape_a for k in (n, 1)])
    block = np.reshape(b, [k for n in shape_b for k in (1, n)])
    return np.reshape(blocks * block, [n * m for n, m in zip(shape_a, shape_b, strict=True)])


defcomposite(
    np.kron,
    _kron,
    math=r"\bar a_{ij} = \sum_{kl} \bar y_{ij,kl} \, b_{kl}, \quad"
    r" \bar b_{kl} = \sum_{ij} \bar y_{ij,kl} \, a_{ij}",
    samples=[normal((2, 3), (3, 2)), normal(3, (2, 2)), normal((2, 1, 3), 2), normal((), 2)],
)


def _matrix_power(a: Any, n: int) -> Any:
    n = operator.index(n)
    if np.ndim(a) < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("the last two axes must be of the same length")
    if n == 0:
        return np.where(True, np.broadcast_to(np.eye(np.shape(a)[-1], dtype=a.dtype), np.shape(a)), a)
    return by_squares(np.linalg.inv(a) if n < 0 else a, abs(n), np.matmul)


defcomposite(
    np.linalg.matrix_power,
    _matrix_power,
    math=r"\bar a = \sum_{k=0}^{n-1} (a^\top)^k \, \bar y \, (a^\top)^{n-1-k}",
    samples=[
        lambda rng: (rng.normal(size=(3, 3)), 5),
        lambda rng: (rng.normal(size=(2, 3, 3)), 2),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), -3),
        lambda rng: (rng.normal(size=(3, 3)), 1),
        lambda rng: (rng.normal(size=(3, 3)), 0),
    ],
)


def _linalg_outer(x1: Any, x2: Any) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError("np.linalg.outer: the operands are vectors; np.outer ravels others")
    return np.outer(x1, x2)


defcomposite(
    np.linalg.matmul,
    lambda x1, x2: np.matmul(x1, x2),
    math=r"\bar x_1 = \bar y \, x_2^\top, \quad \bar x_2 = x_1^\top \, \bar y",
    samples=[normal((2, 3, 4), (4, 5))],
)
defcomposite(
    np.linalg.tensordot,
    lambda x1, x2, *, axes=2: np.tensordot(x1, x2, axes),
    math=r"\bar x_1 = \operatorname{tensordot}(\bar y, x_2), \quad \bar x_2 = \operatorname{tensordot}(x_1, \bar y)",
    samples=[normal((2, 3, 4), (4, 2, 5), axes=((2, 0), (0, 1)))],
)
defcomposite(
    np.linalg.vecdot,
    lambda x1, x2, *, axis=-1: np.vecdot(x1, x2, axis=axis),  # type: ignore[call-overload]
    math=r"\bar x_{1,i} = \bar y \, x_{2,i}, \quad \bar x_{2,i} = \bar y \, x_{1,i}",
    samples=[normal((3, 2), (3, 2), axis=0)],
)
defcomposite(
    np.linalg.cross,
    lambda x1, x2, *, axis=-1: np.cross(x1, x2, axis=axis),
    math=r"\bar x_1 = x_2 \times \bar y, \quad \bar x_2 = \bar y \times x_1",
    samples=[normal((3, 2), (3, 2), axis=0)],
)
defcomposite(
    np.linalg.outer,
    _linalg_outer,
    math=r"\bar x_1 = \bar y \, x_2, \quad \bar x_2 = \bar y^\top x_1",
    samples=[normal(3, 4)],
)


# Equations and determinants

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def _tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of `a` as a matrix that takes its last axes, all but `ind`, to its first ones."""
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv: ind is positive, not {ind}")
    rows, columns = np.shape(a)[:ind], np.shape(a)[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(columns), -1))), (*columns, *rows))


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x with tensordot(a, x) = b: the last axes of `a` are those of x, and count as columns of a matrix."""
    if axes is not None:
        a = np.moveaxis(a, axes, range(-len(axes), 0))
    shape = np.shape(a)[-(np.ndim(a) - np.ndim(b)) :]
    matrix = np.reshape(a, (math.prod(shape),) * 2)
    return np.reshape(np.linalg.solve(matrix, np.ravel(b)), shape)


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """By the pseudoinverse; the squared residuals only where the rank is full, as NumPy has it."""
    rows, columns = np.shape(a)
    a = stack_nested(a).astype(np.result_type(a, b, np.float32))
    if rcond is None:
        rcond = float(np.finfo(np.result_type(a)).eps) * max(rows, columns)
    s = np.linalg.svd(a, compute_uv=False)
    rank = np.intc(np.count_nonzero(s > rcond * s[:1]))
    x = np.matmul(np.linalg.pinv(a, rcond), b)
    if rank < columns or rows <= columns:
        return x, np.zeros(0, x.dtype), rank, s
    return x, np.sum(np.reshape(b - np.matmul(a, x), (rows, -1)) ** 2, axis=0), rank, s


defcomposite(
    np.linalg.tensorinv,
    _tensorinv,
    math=r"\bar a = -y^\top \, \bar y \, y^\top",
    samples=[normal((2, 3, 6), ind=2), lambda rng: (rng.normal(size=(4, 2, 2)), 1)],
)
defcomposite(
    np.linalg.tensorsolve,
    _tensorsolve,
    math=r"\bar a = -\bar b \, y^\top, \quad \bar b = a^{-\top} \, \bar y",
    samples=[normal((2, 3, 6), (2, 3)), normal((2, 6, 3), (2, 3), axes=(1,))],
)
defcomposite(
    np.linalg.lstsq,
    _lstsq,
    math=r"\bar b = a^{+\top} \, \bar y, \quad \bar a = (b - a y) \, (a^+ \bar b)^\top - \bar b \, y^\top",
    samples=[normal((5, 3), 5), normal((5, 3), (5, 2), rcond=1e-12), normal((3, 3), 3)],
    ties="the rank counts as constant",
)


def _slogdet(a: Any) -> Any:
    packed = packed_slogdet(a)
    return SlogdetResult(packed[..., 0], packed[..., 1])


defcomposite(
    np.linalg.slogdet,
    _slogdet,
    math=r"\bar a = \bar y_2 \, a^{-\top}, \quad y_2 = \log |\det a|",
    samples=lookup(packed_slogdet).samples,
    ties="the sign has a zero gradient",
)


def _cond(x: Any, p: Any = None) -> Any:
    if p is None or p in (2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        first, last = (-1, 0) if p == -2 else (0, -1)
        with np.errstate(all="ignore"):
            return s[..., first] / s[..., last]
    axes = (-2, -1)
    return np.linalg.norm(x, p, axes) * np.linalg.norm(np.linalg.inv(x), p, axes)


defcomposite(
    np.linalg.cond,
    _cond,
    math=r"\bar x = \bar y \, (\|x^{-1}\| \, \partial \|x\| / \partial x"
    r" + \|x\| \, \partial \|x^{-1}\| / \partial x)",
    samples=[
        regular(3, 3),
        lambda rng: (rng.normal(size=(2, 4, 3)), -2),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), 1),
        lambda rng: (rng.normal(size=(2, 3, 3)) + 3 * np.eye(3), {"p": "fro"}),
    ],
    ties="of singular values that tie, one counts as the largest or the smallest; columns and rows share equally",
)


# Norms


def _vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of what stands along all of `axis`, which is brought to one axis at the end."""
    rank = np.ndim(x)
    axes = normalize_axis_tuple(range(rank) if axis is None else axis, rank)
    shape = np.shape(x)
    kept = [n for i, n in enumerate(shape) if i not in axes]
    flat = np.reshape(np.moveaxis(x, axes, range(-len(axes), 0)), (*kept, math.prod(shape[i] for i in axes)))
    y = np.linalg.norm(flat, ord, -1)
    return np.expand_dims(y, axes) if keepdims else y


defcomposite(
    np.linalg.vector_norm,
    _vector_norm,
    math=r"\bar x = \bar y \, \operatorname{sign} x \odot (|x| / y)^{p-1}",
    samples=[
        normal((2, 3)),
        normal((2, 3), axis=-1, ord=3, keepdims=True),
        normal((2, 3, 4), axis=(2, 0), ord=1, keepdims=True),
        normal((2, 3, 4, 2), axis=(0, 1, 3)),
        normal(()),
    ],
    ties="0 at 0, and elements that tie share the gradient equally",
)
defcomposite(
    np.linalg.matrix_norm,
    lambda x, *, keepdims=False, ord="fro": np.linalg.norm(x, ord, (-2, -1), keepdims),
    math=r"\bar x = \bar y \, x / y",
    samples=[normal((2, 3, 4)), normal((2, 3, 4), ord="nuc", keepdims=True)],
    ties="0 at 0, and columns or singular values that tie share the gradient equally",
)

# Diagonals

defcomposite(
    np.diagflat,
    lambda v, k=0: np.diag(np.ravel(v), k),
    math=r"\bar v = \operatorname{diag}(\bar y)",
    samples=[normal((2, 2)), lambda rng: (rng.normal(), 1)],
)
defcomposite(
    np.linalg.diagonal,
    lambda x, *, offset=0: np.diagonal(x, offset, -2, -1),
    math=r"\bar x_{ij} = \bar y_{\min(i, j)} \, 1[j = i + k]",
    samples=[normal((2, 3, 4), offset=1)],
)
defcomposite(
    np.linalg.trace,
    lambda x, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype),
    math=r"\bar x_{ij} = \bar y \, 1[j = i + k]",
    samples=[normal((2, 3, 4), offset=1)],
)
