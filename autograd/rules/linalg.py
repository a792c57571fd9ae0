"""Inverses, equations and determinants.

The rules are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), unless they say otherwise.
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np
from numpy.exceptions import RankWarning

from autograd.core.op import Sample, stack_nested
from autograd.rules.definition import defcomposite, defop, defplain, dispatched
from autograd.rules.guarded import product

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def turned(a: Any) -> Any:
    """The transpose of a matrix, or of each in a stack."""
    return np.swapaxes(a, -1, -2)


def matrices(a: Any) -> Any:
    """Numbers as 1 x 1 matrices, to multiply a stack of matrices by."""
    return np.expand_dims(a, (-2, -1))


def regular(*shape: int) -> Sample:
    """A sample of matrices that are far from singular."""
    return lambda rng: (rng.normal(size=shape) + 3 * np.eye(shape[-1]),)


_matrices = [regular(3, 3), regular(2, 4, 4), regular(1, 1)]

defop(
    np.linalg.inv,
    remedy="the matrix is singular, or nearly: use np.linalg.solve or pinv, or add to its diagonal",
    vjp=lambda g, y, a: -(turned(y) @ g @ turned(y)),
    math=r"\bar a = -y^\top \, \bar y \, y^\top",
    samples=_matrices,
)


def _pinv(g: Any, y: Any, a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    if hermitian:  # NumPy reads the lower triangle only, and so does a gradient come there
        a = np.tril(a) + turned(np.tril(a, -1))
    down, across = turned(y), turned(g)
    left = across - a @ (y @ across)  # what a y, a projection, leaves of it
    right = across - (across @ y) @ a
    gradient = left @ (y @ down) + (down @ y) @ right - down @ g @ down
    return np.tril(gradient) + np.tril(turned(gradient), -1) if hermitian else gradient


defop(
    np.linalg.pinv,
    label="a⁺",
    vjp=_pinv,
    math=r"\bar a = (I - a y) \, \bar y^\top y y^\top + y^\top y \, \bar y^\top (I - y a)"
    r" - y^\top \bar y \, y^\top",
    samples=[
        lambda rng: (rng.normal(size=(4, 2)),),
        lambda rng: (rng.normal(size=(2, 4)),),
        lambda rng: (rng.normal(size=(2, 3, 3)), {"rcond": 1e-12}),
        lambda rng: (rng.normal(size=(2, 3, 3)), {"hermitian": True}),
    ],
    ties="the rank counts as constant (Golub and Pereyra, 1973)",
)


def _solve_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    vector = np.ndim(b) == 1
    solution = np.linalg.solve(turned(a), np.expand_dims(g, -1) if vector else g)
    return solution[..., 0] if vector else solution


def _solve_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    solution = _solve_b(g, y, a, b)
    if np.ndim(b) == 1:
        return -np.expand_dims(solution, -1) * np.expand_dims(y, -2)
    return -(solution @ turned(y))


defop(
    np.linalg.solve,
    vjp=(_solve_a, _solve_b),
    broadcasts=True,  # the axes before
    math=(r"\bar a = -\bar b \, y^\top", r"\bar b = a^{-\top} \, \bar y"),
    samples=[
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 2))),
        lambda rng: (rng.normal(size=(2, 3, 3)) + 3 * np.eye(3), rng.normal(size=3)),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(2, 3, 1))),
        lambda rng: (rng.normal(size=(2, 1, 3, 3)) + 3 * np.eye(3), rng.normal(size=(4, 3, 2))),
    ],
)


def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv: ind is positive, not {ind}")
    rows, columns = np.shape(a)[:ind], np.shape(a)[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(columns), -1))), (*columns, *rows))


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        a = np.moveaxis(a, axes, range(-len(axes), 0))
    shape = np.shape(a)[-(np.ndim(a) - np.ndim(b)) :]
    matrix = np.reshape(a, (math.prod(shape),) * 2)
    return np.reshape(np.linalg.solve(matrix, np.ravel(b)), shape)


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
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
    samples=[
        lambda rng: (rng.normal(size=(2, 3, 6)), {"ind": 2}),
        lambda rng: (rng.normal(size=(4, 2, 2)), 1),
    ],
)
defcomposite(
    np.linalg.tensorsolve,
    _tensorsolve,
    math=r"\bar a = -\bar b \, y^\top, \quad \bar b = a^{-\top} \, \bar y",
    samples=[
        lambda rng: (rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 3))),
        lambda rng: (rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 3)), {"axes": (1,)}),
    ],
)
defcomposite(
    np.linalg.lstsq,
    _lstsq,
    math=r"\bar b = a^{+\top} \, \bar y, \quad \bar a = (b - a y) \, (a^+ \bar b)^\top - \bar b \, y^\top",
    samples=[
        lambda rng: (rng.normal(size=(5, 3)), rng.normal(size=5)),
        lambda rng: (rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), {"rcond": 1e-12}),
        lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=3)),
    ],
    ties="the rank counts as constant",
)


def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: bool | str = False
) -> Any:
    x, y = np.multiply(x, 1.0), np.multiply(y, 1.0)
    if np.ndim(x) != 1 or np.ndim(y) not in (1, 2) or len(x) != len(y) or not len(x):
        raise TypeError(f"np.polyfit of points of shapes {np.shape(x)} and {np.shape(y)}")
    powers, values = np.vander(x, operator.index(deg) + 1), y
    if w is not None:
        powers, values = powers * np.expand_dims(w, -1), np.transpose(np.transpose(y) * w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    coefficients, residuals, rank, s = np.linalg.lstsq(powers / scale, values, rcond)
    if rank <= deg and not full:
        warnings.warn("np.polyfit: more coefficients than the points tell apart", RankWarning, stacklevel=2)
    p = np.transpose(np.transpose(coefficients) / scale)
    if full:
        return p, residuals, rank, s, rcond
    if not cov:
        return p
    covariance = _polyfit_covariance(powers, residuals, cov)
    return p, covariance if np.ndim(y) > 1 else covariance[..., 0]


def _polyfit_covariance(powers: Any, residuals: Any, cov: bool | str) -> Any:
    """The covariance matrix of the coefficients, or what the variance of the values is to be multiplied by."""
    base, freedom = np.linalg.inv(turned(powers) @ powers), powers.shape[0] - powers.shape[1]
    if cov == "unscaled":
        return np.expand_dims(base, -1)
    if freedom <= 0:
        raise ValueError("np.polyfit: cov= needs more points than coefficients")
    return np.expand_dims(base, -1) * (residuals / freedom)


defcomposite(
    np.polyfit,
    _polyfit,
    math=r"p = a^+ b, \quad a_{ik} = w_i \, x_i^{n-k}, \quad b_i = w_i \, y_i",
    samples=[
        lambda rng: (rng.normal(size=6), rng.normal(size=6), 2),
        lambda rng: (rng.normal(size=6), rng.normal(size=(6, 2)), 1, {"w": rng.uniform(1, 2, size=6)}),
        lambda rng: (rng.normal(size=6), rng.normal(size=6), 2, {"cov": True}),
    ],
)

# Determinants


def _orientation(u: Any, v: Any) -> Any:
    """1 or -1, the determinant of the product of two orthogonal matrices."""
    return np.sign(np.linalg.det(u) * np.linalg.det(v))


@dispatched
def adjugate(a: Any) -> Any:
    """The matrix of cofactors, transposed: det(a) times the inverse, also where there is none.

    >>> adjugate(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    u, s, vh = np.linalg.svd(a)
    omitted = np.eye(np.shape(s)[-1], dtype=bool)
    others = np.prod(np.where(omitted, 1, np.expand_dims(s, -2)), axis=-1)
    return matrices(_orientation(u, vh)) * (turned(vh) * np.expand_dims(others, -2)) @ turned(u)


def _adjugate(g: Any, y: Any, a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    diagonal = np.eye(np.shape(s)[-1], dtype=bool)
    omitted = diagonal[:, None] | diagonal
    others = np.prod(np.where(omitted, 1, np.expand_dims(s, (-3, -2))), axis=-1)
    others = np.where(diagonal, 0, others)
    arrived = matrices(_orientation(u, vh)) * (vh @ g @ u)
    summed = others @ np.expand_dims(np.diagonal(arrived, axis1=-2, axis2=-1), -1)
    return u @ np.where(diagonal, summed, -others * arrived) @ vh


defop(
    adjugate,
    name="adjugate",
    vjp=_adjugate,
    math=r"\bar a = u \, [\operatorname{diag}(e \operatorname{diag} h) - e \odot h] \, v^\top, \quad"
    r" h = \det u \det v \; v^\top \bar y \, u, \quad e_{ij} = \prod_{k \ne i, j} s_k, \quad e_{ii} = 0,"
    r" \quad a = u s v^\top",
    samples=[
        regular(3, 3),
        regular(2, 4, 4),
        lambda rng: (rng.normal(size=(3, 2)) @ rng.normal(size=(2, 3)),),
    ],
    ties="from its second derivative on, singular values count as different from each other",
)


def _det(g: Any, y: Any, a: Any) -> Any:
    if np.count_nonzero(y) == np.size(y):
        inverse = np.linalg.inv(a)
        n = max(np.shape(a)[-1], 1)
        condition = np.sum(np.abs(a), axis=(-2, -1)) * np.sum(np.abs(inverse), axis=(-2, -1)) / n**2
        if np.all(condition < np.finfo(a.dtype).eps ** -0.5):  # the next order divides by its square
            return matrices(g * y) * turned(inverse)
    return matrices(g) * turned(adjugate(a))


defop(
    np.linalg.det,
    label="det",
    vjp=_det,
    math=r"\bar a = \bar y \, \operatorname{adj}(a)^\top = \bar y \, y \, a^{-\top}",
    samples=[*_matrices, lambda rng: (rng.normal(size=(3, 2)) @ rng.normal(size=(2, 3)),)],
)


@dispatched
def packed_slogdet(a: Any) -> Any:
    """`np.linalg.slogdet` in one array: the sign and the logarithm, side by side.

    >>> packed_slogdet(-np.eye(3)).tolist()
    [-1.0, 0.0]
    """
    sign, logarithm = np.linalg.slogdet(a)
    return np.concatenate((sign[..., None], logarithm[..., None]), axis=-1)


def _packed_slogdet(g: Any, y: Any, a: Any) -> Any:
    singular = matrices(y[..., 0]) == 0
    inverse = np.linalg.inv(np.where(singular, np.eye(np.shape(a)[-1], dtype=a.dtype), a))
    return product(matrices(g[..., 1]), np.where(singular, np.inf, turned(inverse)))


defop(
    packed_slogdet,
    name="packed_slogdet",
    label="slogdet",
    vjp=_packed_slogdet,
    math=r"\bar a = \bar y_2 \, a^{-\top}",
    samples=_matrices,
)


def _slogdet(a: Any) -> Any:
    packed = packed_slogdet(a)
    return SlogdetResult(packed[..., 0], packed[..., 1])


defcomposite(
    np.linalg.slogdet,
    _slogdet,
    math=r"\bar a = \bar y_2 \, a^{-\top}, \quad y_2 = \log |\det a|",
    samples=_matrices,
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
defplain(np.linalg.matrix_rank, why="a rank is piecewise constant")
