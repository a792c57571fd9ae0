"""`scipy.linalg` on Tensors: factorizations and equations, by `numpy.linalg` and by triangular solves.

See `matrices` for the exponential of a matrix and other functions of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from autograd.core.op import plain
from autograd.rules.composed.factors import mirror, reflected
from autograd.rules.definition import defop, dispatched
from autograd.rules.linalg import transposed
from autograd.rules.samples import normal
from autograd.scipy import matrices  # noqa: F401  (its records)
from autograd.scipy.definition import attributes, composed, recorded

__getattr__ = attributes(scipy.linalg)


def _definite(*shape: int) -> Any:
    def sample(rng: Any) -> Any:
        a = rng.normal(size=shape)
        return a @ transposed(a) + np.eye(shape[-1])

    return sample


# Triangular systems


def _solve_b(g: Any, y: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    other = 0 if trans in (1, 2, "T", "C") else 1
    return solve_triangular(a, g, trans=other, lower=lower, unit_diagonal=unit_diagonal)


def _solve_a(g: Any, y: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    solution = _solve_b(g, y, a, b, trans, lower, unit_diagonal)
    vector = np.ndim(b) == 1
    left, right = (np.expand_dims(v, -1) if vector else v for v in (solution, y))
    if trans in (1, 2, "T", "C"):
        left, right = right, left
    outer = -(left @ transposed(right))
    below = -1 if unit_diagonal else 0
    return np.tril(outer, below) if lower else np.triu(outer, -below)


solve_triangular: Any = recorded(
    scipy.linalg.solve_triangular,
    vjp=(_solve_a, _solve_b),
    math=(r"\bar a = -\operatorname{triu}(\bar b \, y^\top)", r"\bar b = a^{-\top} \, \bar y"),
    samples=[
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 2)), {"lower": True, "trans": 1}),
        lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=3), {"lower": True, "unit_diagonal": True}),
    ],
)

# Cholesky's factorization: of the triangle that SciPy reads


@composed(
    scipy.linalg.cholesky,
    math=r"y^\top y = a",
    samples=[lambda rng: (_definite(3, 3)(rng),), lambda rng: (_definite(3, 3)(rng), {"lower": True})],
)
def cholesky(a: Any, lower: bool = False) -> Any:
    return np.linalg.cholesky(a) if lower else transposed(np.linalg.cholesky(transposed(a)))


@composed(scipy.linalg.cho_factor, math=r"y^\top y = a", samples=[lambda rng: (_definite(3, 3)(rng), {"lower": True})])
def cho_factor(a: Any, lower: bool = False) -> Any:
    return cholesky(a, lower=lower), lower


@composed(
    scipy.linalg.cho_solve,
    math=r"\bar b = a^{-1} \bar y, \quad a = c^\top c",
    samples=[lambda rng: ((np.linalg.cholesky(_definite(3, 3)(rng)), True), rng.normal(size=3))],
)
def _cho_solve(c_and_lower: Any, b: Any) -> Any:
    c, lower = c_and_lower
    half = solve_triangular(c, b, trans=0 if lower else 1, lower=lower)
    return solve_triangular(c, half, trans=1 if lower else 0, lower=lower)


# The LU factorization of square matrices: L and U in one, as SciPy's `lu_factor` has it, of rows in the order of pivots


@dispatched
def packed_lu(a: Any) -> Any:
    """The factors of a matrix whose rows are in the order of their pivots: U, and under it L without its diagonal.

    >>> packed_lu(np.array([[4.0, 2.0], [2.0, 5.0]])).tolist()
    [[4.0, 2.0], [0.5, 4.0]]
    """
    return scipy.linalg.lu_factor(a)[0]


def _halves(packed: Any) -> tuple[Any, Any]:
    return np.tril(packed, -1) + np.eye(np.shape(packed)[-1], dtype=packed.dtype), np.triu(packed)


def _packed_lu(g: Any, y: Any, a: Any) -> Any:
    lower, upper = _halves(y)
    inner = np.tril(lower.T @ np.tril(g, -1), -1) + np.triu(np.triu(g) @ upper.T)
    return solve_triangular(lower, transposed(solve_triangular(upper, transposed(inner))), trans=1, lower=True)


defop(
    packed_lu,
    name="packed_lu",
    label="lu",
    vjp=_packed_lu,
    math=r"\bar a = l^{-\top} (\operatorname{tril}_{-1}(l^\top \bar l) + \operatorname{triu}(\bar u u^\top)) u^{-\top}",
    samples=[lambda rng: (rng.normal(size=(3, 3)) + 4 * np.eye(3),)],
)


def _permutation(a: Any, name: str) -> tuple[Any, Any]:
    """The row exchanges of a factorization, and the order in which the rows of `a` stand then; both are constants."""
    if np.ndim(a) != 2 or np.shape(a)[0] != np.shape(a)[1]:
        raise ValueError(f"{name}: of one square matrix, not of shape {np.shape(a)}")
    pivots = scipy.linalg.lu_factor(plain(a), check_finite=False)[1]
    return pivots, _order(pivots)


def _order(pivots: Any) -> Any:
    """The order in which rows stand after their exchanges."""
    order = np.arange(len(pivots))
    for k, other in enumerate(pivots):
        order[[k, other]] = order[[other, k]]
    return order


_SQUARE = [lambda rng: (rng.normal(size=(3, 3)),)]


@composed(
    scipy.linalg.lu, math=r"p l u = a", samples=[*_SQUARE, lambda rng: (rng.normal(size=(3, 3)), {"permute_l": True})]
)
def _lu(a: Any, permute_l: bool = False) -> Any:
    _, order = _permutation(a, "scipy.linalg.lu")
    lower, upper = _halves(packed_lu(a[order]))
    if permute_l:
        return lower[np.argsort(order)], upper
    return np.eye(len(order))[:, order], lower, upper


@composed(scipy.linalg.lu_factor, math=r"l u = p^\top a", samples=_SQUARE)
def _lu_factor(a: Any) -> Any:
    pivots, order = _permutation(a, "scipy.linalg.lu_factor")
    return packed_lu(a[order]), pivots


@composed(
    scipy.linalg.lu_solve,
    math=r"\bar b = a^{-\top} \bar y, \quad a = p l u",
    samples=[lambda rng: (scipy.linalg.lu_factor(rng.normal(size=(3, 3))), rng.normal(size=3), {"trans": 1})],
)
def _lu_solve(lu_and_piv: Any, b: Any, trans: int = 0) -> Any:
    packed, pivots = lu_and_piv
    order = _order(pivots)
    if not trans:
        half = solve_triangular(packed, b[order], lower=True, unit_diagonal=True)
        return solve_triangular(packed, half)
    half = solve_triangular(packed, b, trans=1)
    return solve_triangular(packed, half, trans=1, lower=True, unit_diagonal=True)[np.argsort(order)]


# What NumPy has too


@composed(
    scipy.linalg.solve,
    math=r"\bar a = -\bar b \, y^\top, \quad \bar b = a^{-\top} \bar y",
    samples=[lambda rng: (_definite(3, 3)(rng), rng.normal(size=3), {"assume_a": "pos"})],
)
def _solve(a: Any, b: Any, lower: bool = False, assume_a: Any = None, transposed: bool = False) -> Any:
    if assume_a in ("sym", "her", "pos", "symmetric", "hermitian", "positive definite"):  # SciPy reads one triangle
        read, beside = (np.tril(a), np.tril(a, -1)) if lower else (np.triu(a), np.triu(a, 1))
        a = read + np.swapaxes(beside, -1, -2)
    elif assume_a not in (None, "gen", "general"):
        raise ValueError(f"scipy.linalg.solve: assume_a={assume_a!r} is not covered; 'gen', 'sym' and 'pos' are")
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transposed else a, b)


def _whole(ab: Any, above: int) -> Any:
    """The matrix with these diagonals, so many of them above the main one."""
    n = np.shape(ab)[-1]
    rows, columns = np.arange(n)[:, None], np.arange(n)
    band = above + rows - columns
    inside = (band >= 0) & (band < len(ab))
    return np.where(inside, ab[np.where(inside, band, 0), columns], 0.0)


@composed(
    scipy.linalg.solve_banded,
    math=r"\bar b = a^{-\top} \bar y, \quad a_{ij} = c_{u + i - j, j}",
    samples=[lambda rng: ((1, 2), rng.normal(size=(4, 5)) + np.array([0, 0, 4, 0])[:, None], rng.normal(size=5))],
)
def _solve_banded(l_and_u: Any, ab: Any, b: Any) -> Any:
    """By the whole matrix."""
    return np.linalg.solve(_whole(ab, l_and_u[1]), b)


@composed(
    scipy.linalg.solveh_banded,
    math=r"\bar b = a^{-1} \bar y, \quad a_{ij} = a_{ji} = c_{u + i - j, j}, \quad i \leq j",
    samples=[lambda rng: (rng.normal(size=(2, 5)) + np.array([0, 9])[:, None], rng.normal(size=5)),
             lambda rng: (rng.normal(size=(3, 5)) + np.array([9, 0, 0])[:, None], rng.normal(size=5),
                          {"lower": True})],
)  # fmt: skip
def _solveh_banded(ab: Any, b: Any, lower: bool = False) -> Any:
    half = _whole(ab, 0 if lower else len(ab) - 1)
    return np.linalg.solve(half + transposed(half) - np.diag(np.diag(half)), b)


_REGULAR = [lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3),)]
composed(scipy.linalg.inv, math=r"\bar a = -y^\top \bar y \, y^\top", samples=_REGULAR)(lambda a: np.linalg.inv(a))
composed(scipy.linalg.det, math=r"\bar a = \bar y \, y \, a^{-\top}", samples=_REGULAR)(lambda a: np.linalg.det(a))
composed(scipy.linalg.norm, math=r"\bar a = \bar y \, a / y", samples=[normal((3, 4)), normal((3, 4), axis=0)])(
    lambda a, ord=None, axis=None, keepdims=False: np.linalg.norm(a, ord, axis, keepdims)
)
composed(scipy.linalg.svdvals, math=r"\bar a = u \operatorname{diag}(\bar y) v^\top", samples=[normal((3, 4))])(
    lambda a: np.linalg.svd(a, compute_uv=False)
)


@composed(
    scipy.linalg.lstsq,
    math=r"y = a^+ b",
    samples=[lambda rng: (rng.normal(size=(4, 2)), rng.normal(size=4))],
)
def _lstsq(a: Any, b: Any, cond: Any = None) -> Any:
    return np.linalg.lstsq(a, b, rcond=cond)


@composed(
    scipy.linalg.svd,
    math=r"a = u \operatorname{diag}(s) v^\top",
    samples=[normal((3, 4), full_matrices=False), normal((3, 4), compute_uv=False)],
)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return tuple(np.linalg.svd(a, full_matrices)) if compute_uv else np.linalg.svd(a, compute_uv=False)


@composed(
    scipy.linalg.qr, math=r"a = q r", samples=[normal((4, 3), mode="economic"), lambda rng: (rng.normal(size=(3, 3)),)]
)
def _qr(a: Any, mode: str = "full") -> Any:
    if mode not in ("full", "economic"):
        raise ValueError(f"scipy.linalg.qr: mode={mode!r} is not covered; 'full' and 'economic' are")
    return tuple(np.linalg.qr(a, "reduced" if mode == "economic" else "complete"))


@composed(
    scipy.linalg.eigh,
    math=r"a v = v \operatorname{diag}(w)",
    samples=[lambda rng: (_definite(3, 3)(rng), {"eigvals_only": True})],
)
def _eigh(a: Any, *, lower: bool = True, eigvals_only: bool = False) -> Any:
    if eigvals_only:
        return np.linalg.eigvalsh(a, "L" if lower else "U")
    return tuple(np.linalg.eigh(a, "L" if lower else "U"))


@composed(
    scipy.linalg.eig,
    math=r"a v = v \operatorname{diag}(w)",
    samples=[lambda rng: (_definite(3, 3)(rng) @ np.diag([1.0, 2.0, 3.0]),)],
)
def _eig(a: Any, right: bool = True) -> Any:
    """Of real eigenvalues, as real numbers."""
    return tuple(np.linalg.eig(a)) if right else np.linalg.eigvals(a)


def _on_the_right(a: Any, v: Any) -> Any:
    return transposed(reflected(transposed(a), v))


@composed(
    scipy.linalg.hessenberg,
    math=r"a = q h q^\top",
    samples=[normal((4, 4)), lambda rng: (rng.normal(size=(4, 4)), {"calc_q": True})],
)
def _hessenberg(a: Any, calc_q: bool = False) -> Any:
    """By reflections, as LAPACK does it (Golub and Van Loan, "Matrix computations", 7.4)."""
    q = np.eye(np.shape(a)[-1], dtype=a.dtype)
    for k in range(np.shape(a)[-1] - 2):
        v = mirror(a[..., k : k + 1], k + 1)
        a, q = _on_the_right(reflected(a, v), v), _on_the_right(q, v)
    h = np.triu(a, -1)
    return (h, q) if calc_q else h


composed(scipy.linalg.eigvalsh, math=r"\bar a = v \operatorname{diag}(\bar y) v^\top", samples=_REGULAR)(
    lambda a, lower=True: np.linalg.eigvalsh(a, "L" if lower else "U")
)
