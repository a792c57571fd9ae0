"""Inverses, equations and determinants.

The rules are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), unless they say otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import holds, of_kind
from autograd.core.op import Sample
from autograd.rules.definition import defop, defplain, dispatched
from autograd.rules.samples import normal


def transposed(a: Any) -> Any:
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
    vjp=lambda g, y, a: -(transposed(y) @ g @ transposed(y)),
    math=r"\bar a = -y^\top \, \bar y \, y^\top",
    samples=_matrices,
)


def _pinv(g: Any, y: Any, a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    if hermitian:  # NumPy reads the lower triangle only, and so does a gradient come there
        a = np.tril(a) + transposed(np.tril(a, -1))
    down, across = transposed(y), transposed(g)
    left = across - a @ (y @ across)  # what a y, a projection, leaves of it
    right = across - (across @ y) @ a
    gradient = left @ (y @ down) + (down @ y) @ right - down @ g @ down
    return np.tril(gradient) + np.tril(transposed(gradient), -1) if hermitian else gradient


defop(
    np.linalg.pinv,
    label="a⁺",
    vjp=_pinv,
    math=r"\bar a = (I - a y) \, \bar y^\top y y^\top + y^\top y \, \bar y^\top (I - y a)"
    r" - y^\top \bar y \, y^\top",
    samples=[normal((4, 2)), normal((2, 4)), normal((2, 3, 3), rcond=1e-12), normal((2, 3, 3), hermitian=True)],
    ties="the rank counts as constant (Golub and Pereyra, 1973)",
)


def _solve_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    vector = np.ndim(b) == 1
    solution = np.linalg.solve(transposed(a), np.expand_dims(g, -1) if vector else g)
    return solution[..., 0] if vector else solution


def _solve_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    solution = _solve_b(g, y, a, b)
    if np.ndim(b) == 1:
        return -np.expand_dims(solution, -1) * np.expand_dims(y, -2)
    return -(solution @ transposed(y))


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
    omitted = np.triu(np.tril(np.ones_like(vh))) != 0  # the diagonal
    others = np.prod(np.where(omitted, 1, np.expand_dims(s, -2)), axis=-1)
    return matrices(_orientation(u, vh)) * (transposed(vh) * np.expand_dims(others, -2)) @ transposed(u)


def _adjugate(g: Any, y: Any, a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    diagonal = of_kind(np.eye(np.shape(s)[-1], dtype=bool), s)
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
    samples=[regular(3, 3), regular(2, 4, 4), lambda rng: (rng.normal(size=(3, 2)) @ rng.normal(size=(2, 3)),)],
    ties="from its second derivative on, singular values count as different from each other",
)


def _det(g: Any, y: Any, a: Any) -> Any:
    if holds(np.all(y != 0)):
        inverse = np.linalg.inv(a)
        n = max(np.shape(a)[-1], 1)
        condition = np.sum(np.abs(a), axis=(-2, -1)) * np.sum(np.abs(inverse), axis=(-2, -1)) / n**2
        if holds(np.all(condition < np.finfo(a.dtype).eps ** -0.5)):  # the next order divides by its square
            return matrices(g * y) * transposed(inverse)
    return matrices(g) * transposed(adjugate(a))


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
    inverse = np.linalg.inv(np.where(singular, of_kind(np.eye(np.shape(a)[-1], dtype=a.dtype), a), a))
    return matrices(g[..., 1]) * np.where(singular, np.inf, transposed(inverse))


defop(
    packed_slogdet,
    name="packed_slogdet",
    label="slogdet",
    vjp=_packed_slogdet,
    math=r"\bar a = \bar y_2 \, a^{-\top}",
    samples=_matrices,
)


defplain(np.linalg.matrix_rank, why="a rank is piecewise constant")
